// The runner of submission scripts. It plays transport, clock and caller, and judges by what they
// can see: bytes, events and the verdict.
#include "engine/submit_testing.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct ehlo_credentials ehlo_case_credentials = {
    .user = SPAN("user"),
    .password = SPAN("pass"),
};

#define MESSAGES_MAX 16
#define RECIPIENTS_MAX 256

struct mode {
  size_t in_step;   // bytes handed in at once
  size_t in_cut;    // and a cut at this place of the server's stream
  size_t out_step;  // bytes taken at once
};

struct run {
  const struct ehlo_submit_case *test;
  struct mode mode;
  int line;
  struct ehlo_client client;
  struct ehlo_submit submit;
  struct ehlo_message messages[MESSAGES_MAX];
  struct ehlo_recipient to[MESSAGES_MAX][RECIPIENTS_MAX];
  uint8_t *buf;
  uint64_t now_ms;
  const char *message;  // what is left of it
  bool message_wanted;
  size_t room;  // what the transport still takes
  size_t server_bytes;
  size_t flights;
  bool in_flight;
  size_t sent_len;
  size_t sent_pos;
  char sent[EHLO_CASE_TEXT_MAX];
};

static struct run the_run;
static char text_buf[EHLO_CASE_TEXT_MAX];

#define EXPECT(r, condition, format, ...)                                                       \
  cr_assert(condition, "%s, line %d (cut %zu, steps of %zu and %zu): " format, (r)->test->name, \
            (r)->line, (r)->mode.in_cut, (r)->mode.in_step, (r)->mode.out_step, __VA_ARGS__)

// ---- The transport and the caller ---------------------------------------------------------------

static void add_sent(struct run *r, const void *bytes, size_t len) {
  EXPECT(r, r->sent_len + len < sizeof(r->sent), "%zu bytes are too many", r->sent_len + len);
  memcpy(r->sent + r->sent_len, bytes, len);
  r->sent_len += len;
}

// Takes one piece of output; false where there is none or no room.
static bool take_output(struct run *r) {
  struct ehlo_output out;
  if (r->room == 0 || !ehlo_output_peek(&r->client, &out)) {
    return false;
  }
  size_t n = out.span.len < r->mode.out_step ? out.span.len : r->mode.out_step;
  n = n < r->room ? n : r->room;
  bool secret = (out.flags & EHLO_OUTPUT_SECRET) != 0;
  EXPECT(r, n > 0, "%s", "an empty span");
  if (secret && (out.flags & EHLO_OUTPUT_CONTINUED) == 0) {
    add_sent(r, "{", 1);
  }
  add_sent(r, out.span.bytes, n);
  if (secret && n == out.span.len) {
    add_sent(r, "}", 1);
  }
  ehlo_output_ack(&r->client, n, r->now_ms);
  r->room -= n;
  r->flights += !r->in_flight;
  r->in_flight = true;
  return true;
}

// Gives what is left of the message; true if that got anywhere.
static bool give_message(struct run *r) {
  if (!r->message_wanted || r->submit.finished) {
    return false;
  }
  size_t used = 0;
  size_t len = strlen(r->message);
  enum ehlo_status status =
      ehlo_submit_body(&r->submit, &r->client, &used, (const uint8_t *)r->message, len);
  r->message += used;
  bool all = used == len;
  if (status == EHLO_OK && all) {
    status = ehlo_submit_body_end(&r->submit, &r->client);
    r->message_wanted = status == EHLO_E_FULL;
  }
  if (status == EHLO_E_BARE_CR || status == EHLO_E_CHUNK_SIZE) {
    r->message_wanted = false;
    ehlo_submit_abandon(&r->submit, status);
    return true;
  }
  EXPECT(r, status == EHLO_OK || status == EHLO_E_FULL, "the message meets %s",
         ehlo_status_name(status));
  return used > 0 || (all && status == EHLO_OK);
}

static void want_message(struct run *r) {
  const struct ehlo_message *m = &r->messages[r->submit.message];
  bool after_data = ehlo_client_state(&r->client) == EHLO_STATE_BODY;
  EXPECT(r, !after_data || ehlo_client_num_accepted(&r->client) > 0, "%s", "a message for nobody");
  EXPECT(r, !r->message_wanted, "%s", "two messages at once");
  EXPECT(r, m->verdict.outcome == EHLO_OUTCOME_OPEN && !m->transaction.composed,
         "message %zu again", r->submit.message);
  r->message_wanted = true;
  r->message = r->test->message != NULL ? r->test->message : "hi\n";
}

// The first recipient of a message that is in `state`; RECIPIENTS_MAX if there is none.
static size_t first_in(const struct run *r, size_t message, enum ehlo_recipient_state state) {
  for (size_t i = 0; i < r->messages[message].num_to; i++) {
    if (r->to[message][i].state == state) {
      return i;
    }
  }
  return RECIPIENTS_MAX;
}

// Takes the next event. A reply about a recipient is about the first one that waits for such a reply,
// and is taken down for nobody else; while nothing is decided, the stage is that of the reply.
static enum ehlo_event_type take_event(struct run *r, struct ehlo_event *event) {
  static const enum ehlo_stage stages[EHLO_NUM_VERBS] = {
      [EHLO_VERB_MAIL] = EHLO_STAGE_MAIL, [EHLO_VERB_RCPT] = EHLO_STAGE_RCPT,
      [EHLO_VERB_DATA] = EHLO_STAGE_DATA, [EHLO_VERB_BODY] = EHLO_STAGE_BODY,
      [EHLO_VERB_BDAT] = EHLO_STAGE_BODY,
  };
  size_t due[MESSAGES_MAX][2];
  for (size_t i = 0; i < r->submit.config.num_messages; i++) {
    due[i][0] = first_in(r, i, EHLO_RECIPIENT_SENT);
    due[i][1] = first_in(r, i, EHLO_RECIPIENT_TAKEN);
  }
  enum ehlo_event_type type = ehlo_submit_next(&r->submit, &r->client, event);
  if (type != EHLO_EVENT_REPLY) {
    return type;
  }
  size_t m = r->submit.message;
  bool last = event->reply.code == 421;
  if (event->of_recipient) {
    bool to_rcpt = event->verb == EHLO_VERB_RCPT;
    enum ehlo_recipient_state was = to_rcpt ? EHLO_RECIPIENT_SENT : EHLO_RECIPIENT_TAKEN;
    size_t i = due[m][to_rcpt ? 0 : 1];
    EXPECT(r, event->recipient == i, "a reply about recipient %zu, not %zu", event->recipient, i);
    EXPECT(r, (r->to[m][i].state == was) == last, "the reply about recipient %zu is lost", i);
  }
  enum ehlo_stage stage = stages[event->verb];
  if (stage != EHLO_STAGE_CONNECT && r->submit.verdict.outcome == EHLO_OUTCOME_OPEN) {
    EXPECT(r, r->submit.verdict.stage == stage, "it is at %s",
           ehlo_stage_name(r->submit.verdict.stage));
    EXPECT(r,
           r->messages[m].verdict.outcome != EHLO_OUTCOME_OPEN ||
               r->messages[m].verdict.stage == stage,
           "the message is at %s", ehlo_stage_name(r->messages[m].verdict.stage));
  }
  return type;
}

// The caller's loop until nothing moves any more. From then on something is awaited, or all is
// over: a session never stalls.
static void turn(struct run *r) {
  struct ehlo_event event;
  bool moved = true;
  while (moved) {
    moved = false;
    while (take_event(r, &event) != EHLO_EVENT_NONE) {
      if (event.type == EHLO_EVENT_BODY_WANTED) {
        want_message(r);
      } else if (event.type == EHLO_EVENT_CLOSED || event.type == EHLO_EVENT_FAILED) {
        r->message_wanted = false;
      }
    }
    moved = give_message(r);
    moved = take_output(r) || moved;
  }
  bool waits = ehlo_deadline(&r->client) != EHLO_NEVER;
  EXPECT(r, r->submit.finished || waits, "it stalls at %s",
         ehlo_stage_name(r->submit.verdict.stage));
}

// A chunk, as a block of its own so that reading beyond it shows.
static void feed_chunk(struct run *r, const char *in, size_t len) {
  uint8_t *chunk = malloc(len);
  memcpy(chunk, in, len);
  for (size_t at = 0; at < len;) {
    size_t used = 0;
    ehlo_input(&r->client, &used, chunk + at, len - at, r->now_ms);
    at += used;
    turn(r);
  }
  free(chunk);
  r->server_bytes += len;
}

static void feed(struct run *r, const char *in, size_t len) {
  r->in_flight = false;
  while (len > 0) {
    size_t n = len < r->mode.in_step ? len : r->mode.in_step;
    size_t to_cut = r->mode.in_cut - r->server_bytes;
    n = r->mode.in_cut > r->server_bytes && to_cut < n ? to_cut : n;
    feed_chunk(r, in, n);
    in += n;
    len -= n;
  }
}

// ---- Scripts ------------------------------------------------------------------------------------

static size_t unescape(struct run *r, char *out, const char *in, size_t len) {
  size_t n = 0;
  for (size_t i = 0; i < len;) {
    unsigned value = 0;
    unsigned times = 1;
    char c = in[i++];
    int used = 0;
    if (c == '\\' && sscanf(in + i, "x%2x%n", &value, &used) == 1) {
      c = (char)value;
    } else if (c == '\\' && sscanf(in + i, "{%c*%u}%n", &c, &times, &used) != 2) {
      used = in[i] == '\\';
      EXPECT(r, used == 1, "no escape: %s", in + i - 1);
    }
    i += (size_t)used;
    EXPECT(r, n + times + 3 < EHLO_CASE_TEXT_MAX, "%s", "too long");
    memset(out + n, c, times);
    n += times;
  }
  return n;
}

static const char *verdict(const struct ehlo_submit *s) {
  static char out[200];
  static const char *const problems[] = {
      [EHLO_PROBLEM_NO_STARTTLS] = "no-starttls",
      [EHLO_PROBLEM_NO_TLS] = "no-tls",
      [EHLO_PROBLEM_NO_AUTH] = "no-auth",
      [EHLO_PROBLEM_CLEARTEXT] = "cleartext",
      [EHLO_PROBLEM_NO_MECHANISM] = "no-mechanism",
      [EHLO_PROBLEM_CHALLENGE] = "challenge",
      [EHLO_PROBLEM_TOO_BIG] = "too-big",
      [EHLO_PROBLEM_8BIT] = "8bit",
      [EHLO_PROBLEM_CREDENTIALS] = "credentials",
      [EHLO_PROBLEM_NONCE] = "nonce",
      [EHLO_PROBLEM_ITERATIONS] = "iterations",
      [EHLO_PROBLEM_EXTENSION] = "extension",
      [EHLO_PROBLEM_SERVER_ERROR] = "server-error",
      [EHLO_PROBLEM_PROOF] = "proof",
      [EHLO_PROBLEM_ARGUMENT] = "argument",
      [EHLO_PROBLEM_MESSAGE] = "message",
      [EHLO_PROBLEM_UNSUPPORTED] = "unsupported",
      [EHLO_PROBLEM_MAIL_MAX] = "mail-max",
      [EHLO_PROBLEM_RSET] = "rset",
  };
  int len = sprintf(out, "%s %s %d", ehlo_outcome_name(s->verdict.outcome),
                    ehlo_stage_name(s->verdict.stage), ehlo_submit_exit_status(s));
  if (s->verdict.problem != EHLO_PROBLEM_NONE) {
    len += sprintf(out + len, " problem=%s", problems[s->verdict.problem]);
  }
  if (s->verdict.missing != NULL) {
    len += sprintf(out + len, " missing=%s", s->verdict.missing);
  }
  if (s->verdict.status != EHLO_OK) {
    sprintf(out + len, " status=%s", ehlo_status_name(s->verdict.status));
  }
  return out;
}

static void step_client(struct run *r, const char *want, size_t len) {
  size_t left = r->sent_len - r->sent_pos;
  bool same = left >= len && memcmp(r->sent + r->sent_pos, want, len) == 0;
  EXPECT(r, same, "sent was [%.*s] instead of [%.*s]", (int)left, r->sent + r->sent_pos, (int)len,
         want);
  r->sent_pos += len;
}

static void expect_all_sent(struct run *r) {
  EXPECT(r, r->sent_pos == r->sent_len, "also sent [%.*s]", (int)(r->sent_len - r->sent_pos),
         r->sent + r->sent_pos);
}

static void step_timeout(struct run *r) {
  r->now_ms = ehlo_deadline(&r->client) - 1;
  ehlo_tick(&r->client, r->now_ms);
  EXPECT(r, ehlo_client_state(&r->client) != EHLO_STATE_FAILED, "%s", "a timeout before its time");
  ehlo_tick(&r->client, ++r->now_ms);
}

static enum ehlo_status status_named(struct run *r, const char *name) {
  for (int i = 0; i < EHLO_NUM_STATUS; i++) {
    if (strcmp(ehlo_status_name((enum ehlo_status)i), name) == 0) {
      return (enum ehlo_status)i;
    }
  }
  EXPECT(r, false, "no status is called %s", name);
  return EHLO_OK;
}

static void step_world(struct run *r, const char *what) {
  if (strcmp(what, "tls") == 0) {
    r->in_flight = false;
    enum ehlo_status status = ehlo_tls_done(&r->client, r->now_ms);
    EXPECT(r, status == EHLO_OK, "no handshake is due: %s", ehlo_status_name(status));
  } else if (strncmp(what, "end ", 4) == 0) {
    ehlo_input_end(&r->client, status_named(r, what + 4));
  } else if (strcmp(what, "timeout") == 0) {
    step_timeout(r);
  } else {
    EXPECT(r, strncmp(what, "room ", 5) == 0, "no step: %s", what);
    r->room = strtoull(what + 5, NULL, 10);
  }
  turn(r);
}

static size_t count(const struct run *r, const char *what) {
  if (what[0] == 'w') {
    return (size_t)(ehlo_deadline(&r->client) - r->now_ms);
  }
  size_t accepted = 0;
  size_t taken = 0;
  for (size_t i = 0; i < r->submit.config.num_messages; i++) {
    accepted += r->messages[i].num_accepted;
    taken = r->messages[i].transaction.num_sent > 0 ? r->messages[i].transaction.num_taken : taken;
  }
  return what[0] == 'f' ? r->flights : what[0] == 'a' ? accepted : taken;
}

static void expect_recipients(const struct run *r, const char *states) {
  char got[RECIPIENTS_MAX + 1] = "";
  for (size_t i = 0; i < r->messages[0].num_to; i++) {
    got[i] = "wstard"[r->to[0][i].state];
  }
  EXPECT(r, strcmp(got, states) == 0, "the recipients are %s instead of %s", got, states);
}

static void expect_message(const struct run *r, const char *what) {
  char got[80];
  size_t i = strtoull(what, NULL, 10);
  snprintf(got, sizeof(got), "%zu %s %s", i, ehlo_outcome_name(r->messages[i].verdict.outcome),
           ehlo_stage_name(r->messages[i].verdict.stage));
  EXPECT(r, strcmp(got, what) == 0, "message %s instead of %s", got, what);
}

static void step_question(struct run *r, const char *what) {
  if (strncmp(what, "to ", 3) == 0) {
    expect_recipients(r, what + 3);
  } else if (strncmp(what, "message ", 8) == 0) {
    expect_message(r, what + 8);
  } else if (strncmp(what, "about ", 6) == 0) {
    EXPECT(r, strtoull(what + 6, NULL, 10) == r->submit.message, "it was about %zu",
           r->submit.message);
  } else {
    size_t value = count(r, what);
    EXPECT(r, strtoull(strchr(what, ' '), NULL, 10) == value, "%s is wrong, it is %zu", what,
           value);
  }
}

static void step(struct run *r, const char *text, size_t text_len) {
  char kind = text[0];
  size_t len = unescape(r, text_buf, text + 3 - (text[1] == ' '), text_len - 3 + (text[1] == ' '));
  text_buf[len] = '\0';
  if (kind == 'C') {
    memcpy(text_buf + len, "\r\n", 2);
    step_client(r, text_buf, text[1] == ':' ? len + 2 : len);
    return;
  }
  expect_all_sent(r);
  if (kind == '!') {
    step_world(r, text_buf);
  } else if (kind == '?') {
    step_question(r, text_buf);
  } else {
    EXPECT(r, kind == '=', "no step: %s", text_buf);
    EXPECT(r, strcmp(verdict(&r->submit), text_buf) == 0, "the verdict is '%s' instead of '%s'",
           verdict(&r->submit), text_buf);
    EXPECT(r, r->submit.finished, "%s", "not finished");
    EXPECT(r, r->submit.verdict.problem != EHLO_PROBLEM_CLEARTEXT || r->submit.mechanism == NULL,
           "%s", "a mechanism that was not used");
  }
}

// Lines of the server in a row, as one chunk. Returns where the next step begins.
static const char *feed_lines(struct run *r, const char *at) {
  size_t len = 0;
  while (strncmp(at, "S: ", 3) == 0) {
    size_t line_len = strcspn(at, "\n");
    bool open = at[line_len - 1] == '\\';
    len += unescape(r, text_buf + len, at + 3, line_len - 3 - open);
    if (!open) {
      memcpy(text_buf + len, "\r\n", 2);
      len += 2;
    }
    at += line_len + 1;
    r->line++;
  }
  if (len > 0) {
    expect_all_sent(r);
    feed(r, text_buf, len);
  }
  return at;
}

// ---- Runs ---------------------------------------------------------------------------------------

// The configuration, with what the case leaves out.
static void configure(struct run *r, struct ehlo_submit_config *out) {
  static const struct ehlo_mechanism *const mechanisms[] = {&ehlo_mechanism_plain,
                                                            &ehlo_mechanism_login};
  const struct ehlo_case_config *in = &r->test->config;
  bool any = in->mechanisms != NULL;
  *out = (struct ehlo_submit_config){
      .helo_name = in->helo_name.bytes != NULL ? in->helo_name : ehlo_str("client.example"),
      .messages = r->messages,
      .num_messages = in->num_messages > 0 ? in->num_messages : 1,
      .tls = in->tls,
      .lmtp = in->lmtp,
      .xclient = in->xclient,
      .credentials = in->credentials,
      .mechanisms = any ? in->mechanisms : mechanisms,
      .num_mechanisms = any ? in->num_mechanisms : 2,
      .initial_response = in->initial_response,
      .auth_attempts = in->auth_attempts,
      .transfer = in->transfer,
      .force = in->force,
      .stop = in->stop,
      .stop_after = in->stop_after,
  };
}

static void address(struct run *r) {
  const struct ehlo_case_config *in = &r->test->config;
  for (size_t i = 0; i < MESSAGES_MAX; i++) {
    const struct ehlo_span *to = i > 0 && in->to_behind != NULL ? in->to_behind : in->to;
    r->messages[i] = (struct ehlo_message){
        .from = in->from.bytes != NULL ? in->from : ehlo_str("a@client.example"),
        .params = in->mail_params,
        .to = r->to[i],
        .num_to = in->to != NULL ? in->num_to : 1,
        .size = in->message_size,
        .is_8bit = in->message_is_8bit,
        .is_binary = in->message_is_binary,
    };
    r->to[i][0].address = ehlo_str("b@mail.example");
    r->to[i][0].params = in->rcpt_params;
    for (size_t k = 0; to != NULL && k < in->num_to; k++) {
      r->to[i][k].address = to[k];
      r->to[i][k].params = in->rcpt_params;
    }
  }
  if (in->second_to.bytes != NULL) {
    r->messages[1].num_to = 1;
    r->to[1][0].address = in->second_to;
  }
}

static void run_once(struct run *r, const struct ehlo_submit_case *test, struct mode mode) {
  struct ehlo_config config = {.allow_cleartext_auth = test->allow_cleartext_auth};
  struct ehlo_submit_config cfg;
  memset(r, 0, sizeof(*r));
  r->test = test;
  configure(r, &cfg);
  address(r);
  r->mode = mode;
  r->room = SIZE_MAX;
  size_t buf_len = test->buf_len > 0 ? test->buf_len : EHLO_BUFFER_DEFAULT;
  r->buf = malloc(buf_len);
  memset(r->buf, 0xee, buf_len);
  ehlo_client_init(&r->client, &config, r->buf, buf_len, 0);
  ehlo_submit_init(&r->submit, &cfg);
  turn(r);
  for (const char *at = test->text; *at != '\0';) {
    const char *behind = feed_lines(r, at);
    if (behind == at) {
      size_t len = strcspn(at, "\n");
      r->line++;
      step(r, at, len);
      behind = at + len + 1;
    }
    at = behind;
  }
  expect_all_sent(r);
  free(r->buf);
}

void ehlo_submit_case_run(const struct ehlo_submit_case *test) {
  struct run *r = &the_run;
  run_once(r, test, (struct mode){SIZE_MAX, SIZE_MAX, SIZE_MAX});
  size_t bytes = r->server_bytes;
  run_once(r, test, (struct mode){1, SIZE_MAX, SIZE_MAX});
  run_once(r, test, (struct mode){SIZE_MAX, SIZE_MAX, 1});
  run_once(r, test, (struct mode){1, SIZE_MAX, 1});
  size_t step = bytes > 2000 ? bytes / 61 : 1;
  for (size_t cut = 1; cut < bytes; cut += step) {
    run_once(r, test, (struct mode){SIZE_MAX, cut, SIZE_MAX});
  }
}

void ehlo_submit_cases_run(const struct ehlo_submit_case *cases, size_t num_cases) {
  for (size_t i = 0; i < num_cases; i++) {
    ehlo_submit_case_run(&cases[i]);
  }
}
