// The script runner. It plays transport and program for one client and looks at nothing inside it.
#include "engine/testing.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- Words --------------------------------------------------------------------------------------

static enum ehlo_status status_named(const char *name) {
  for (int i = 0; i < EHLO_NUM_STATUS; i++) {
    if (strcmp(ehlo_status_name((enum ehlo_status)i), name) == 0) {
      return (enum ehlo_status)i;
    }
  }
  cr_assert_fail("no status is called '%s'", name);
  return EHLO_OK;
}

static size_t escape(char *out, size_t cap, struct ehlo_span in) {
  size_t len = 0;
  for (size_t i = 0; i < in.len && len + 5 < cap; i++) {
    bool plain = in.bytes[i] >= ' ' && in.bytes[i] < 0x7f;
    len += (size_t)snprintf(out + len, cap - len, plain ? "%c" : "\\x%02x", in.bytes[i]);
  }
  out[len] = '\0';
  return len;
}

void ehlo_script_event(char *out, size_t out_cap, const struct ehlo_event *event) {
  char text[200];
  switch (event->type) {
    case EHLO_EVENT_NONE:
      snprintf(out, out_cap, "none");
      break;
    case EHLO_EVENT_REPLY:
      snprintf(out, out_cap, event->of_recipient ? "reply %s %u #%zu" : "reply %s %u",
               ehlo_verb_name(event->verb), event->reply.code, event->recipient);
      if (event->num_due > 0) {
        size_t len = strlen(out);
        snprintf(out + len, out_cap - len, " +%zu", event->num_due);
      }
      break;
    case EHLO_EVENT_CHALLENGE:
      escape(text, sizeof(text), event->challenge);
      snprintf(out, out_cap, event->challenge_valid ? "challenge [%s]" : "challenge invalid", text);
      break;
    case EHLO_EVENT_TLS_WANTED:
      snprintf(out, out_cap, "tls-wanted");
      break;
    case EHLO_EVENT_BODY_WANTED:
      snprintf(out, out_cap, "body-wanted");
      break;
    case EHLO_EVENT_CLOSED:
      snprintf(out, out_cap, "closed");
      break;
    case EHLO_EVENT_FAILED:
      escape(text, sizeof(text), event->error.line);
      snprintf(out, out_cap, "failed %s @%llu [%s] %s %s", ehlo_status_name(event->error.status),
               (unsigned long long)event->error.offset, text, ehlo_verb_name(event->error.verb),
               event->error.verb_sent ? "sent" : "unsent");
      break;
  }
}

// Octets of the text in `out`, escapes resolved; a line ends at LF or NUL.
static size_t unescape(char *out, size_t cap, const char *in) {
  size_t len = 0;
  while (*in != '\0' && *in != '\n') {
    char c = *in++;
    unsigned n = 1;
    if (c == '\\' && *in != '\n' && *in != '\0') {
      unsigned value = 0;
      int used = 1;
      if (*in == 'x') {
        cr_assert(sscanf(in, "x%2x%n", &value, &used) == 1);
        c = (char)value;
      } else if (*in == '{') {
        cr_assert(sscanf(in, "{%c*%u}%n", &c, &n, &used) == 2);
      } else {
        c = *in == 'r' ? '\r' : *in == 'n' ? '\n' : *in;
      }
      in += used;
    } else if (c == '\\') {
      break;  // the script's "no CRLF"
    }
    cr_assert(len + n < cap);
    memset(out + len, c, n);
    len += n;
  }
  out[len] = '\0';
  return len;
}

// ---- Transport ----------------------------------------------------------------------------------

static void add_sent(struct ehlo_session *s, const void *bytes, size_t len) {
  cr_assert(s->sent_len + len < sizeof(s->sent));
  memcpy(s->sent + s->sent_len, bytes, len);
  s->sent_len += len;
}

void ehlo_session_drain(struct ehlo_session *s, size_t max) {
  struct ehlo_output out;
  while (max > 0 && ehlo_output_peek(&s->client, &out)) {
    cr_assert(out.span.len > 0);
    bool secret = (out.flags & EHLO_OUTPUT_SECRET) != 0;
    size_t n = s->mode.every_byte ? 1 : out.span.len;
    n = n < max ? n : max;
    if (secret && (out.flags & EHLO_OUTPUT_CONTINUED) == 0) {
      add_sent(s, "{", 1);
    }
    add_sent(s, out.span.bytes, n);
    if (secret && n == out.span.len) {
      add_sent(s, "}", 1);
    }
    const uint8_t *at = out.span.bytes;
    ehlo_output_ack(&s->client, n, s->now_ms);
    for (size_t i = 0; secret && i < n; i++) {
      cr_assert_eq(at[i], 0, "%s:%d: a secret stays behind", s->script->name, s->line);
    }
    max -= n;
    s->flights += !s->output_since;
    s->output_since = true;
  }
}

void ehlo_session_collect(struct ehlo_session *s) {
  struct ehlo_event event;
  for (;;) {
    enum ehlo_event_type type = ehlo_next(&s->client, &event);
    if (type == EHLO_EVENT_NONE) {
      return;
    }
    cr_assert_eq(type, event.type);
    size_t len = strlen(s->events);
    cr_assert(len + 400 < sizeof(s->events));
    ehlo_script_event(s->events + len, 400, &event);
    strcat(s->events, "\n");
  }
}

// One chunk, handed in as a block of its own, so that reading beyond it shows.
static void feed_chunk(struct ehlo_session *s, const uint8_t *in, size_t len) {
  uint8_t *copy = malloc(len);
  cr_assert(copy != NULL);
  memcpy(copy, in, len);
  for (size_t used = 0; used < len;) {
    size_t n = 0;
    ehlo_input(&s->client, &n, copy + used, len - used, s->now_ms);
    ehlo_session_collect(s);
    used += n;
  }
  free(copy);
  s->server_bytes += len;
  if (!s->hold) {
    ehlo_session_drain(s, SIZE_MAX);
  }
}

void ehlo_session_feed(struct ehlo_session *s, const uint8_t *in, size_t len) {
  s->output_since = false;
  while (len > 0 && !s->stopped) {
    size_t n = s->mode.every_byte ? 1 : len;
    if (s->mode.cut > s->server_bytes && s->mode.cut - s->server_bytes < n) {
      n = s->mode.cut - s->server_bytes;
    }
    if (s->mode.stop_after - s->server_bytes < n) {
      n = s->mode.stop_after - s->server_bytes;
      s->stopped = true;
    }
    if (n > 0) {
      feed_chunk(s, in, n);
    }
    in += n;
    len -= n;
  }
}

// The session goes on in a copy, and what it leaves is overwritten.
static void move_to_copy(struct ehlo_session *s) {
  uint8_t *buf = malloc(s->buf_len);
  cr_assert(buf != NULL);
  memcpy(buf, s->buf, s->buf_len);
  memset(s->buf, 0xaa, s->buf_len);
  free(s->buf);
  s->buf = buf;
  struct ehlo_client copy = s->client;
  memset(&s->client, 0xaa, sizeof(s->client));
  s->client = copy;
  ehlo_client_rebase(&s->client, buf);
}

void ehlo_session_free(struct ehlo_session *s) {
  free(s->buf);
  s->buf = NULL;
}

// ---- The program's calls ------------------------------------------------------------------------

static enum ehlo_status call_body(struct ehlo_session *s, const char *text, size_t len,
                                  bool chunk) {
  enum ehlo_status status = EHLO_OK;
  const uint8_t *in = (const uint8_t *)text;
  size_t done = 0;
  do {
    size_t used = 0;
    size_t piece = s->mode.every_byte && len > done ? 1 : len - done;
    status = (chunk ? ehlo_send_chunk : ehlo_send_body)(&s->client, &used, in + done, piece);
    done += used;
    if (!s->hold) {
      ehlo_session_drain(s, SIZE_MAX);
    } else if (used < piece) {
      break;
    }
  } while (status == EHLO_OK && done < len);
  return status;
}

// "<path> params" or "<path>".
static enum ehlo_status call_path(struct ehlo_client *c, struct ehlo_span arg, bool mail) {
  const char *text = (const char *)arg.bytes;
  const char *end = strstr(text, "> ");
  size_t path_len = end != NULL ? (size_t)(end - text) - 1 : arg.len - 2;
  struct ehlo_span path = {arg.bytes + 1, path_len};
  struct ehlo_span params = ehlo_str(end != NULL ? end + 2 : "");
  return (mail ? ehlo_send_mail : ehlo_send_rcpt)(c, path, params);
}

// "MECHANISM", "MECHANISM =" or "MECHANISM text".
static enum ehlo_status call_auth(struct ehlo_client *c, char *arg, bool secret) {
  char *blank = strchr(arg, ' ');
  if (blank == NULL) {
    return ehlo_send_auth(c, arg, NULL, 0, false);
  }
  *blank = '\0';
  struct ehlo_span part = ehlo_str(strcmp(blank + 1, "=") == 0 ? "" : blank + 1);
  return ehlo_send_auth(c, arg, &part, 1, secret);
}

// "head|secret|tail"
static enum ehlo_status call_raw_secret(struct ehlo_client *c, const char *arg) {
  const char *secret = strchr(arg, '|') + 1;
  const char *tail = strchr(secret, '|') + 1;
  struct ehlo_span head = {(const uint8_t *)arg, (size_t)(secret - arg) - 1};
  struct ehlo_span middle = {(const uint8_t *)secret, (size_t)(tail - secret) - 1};
  return ehlo_send_raw_secret(c, head, middle, ehlo_str(tail));
}

static enum ehlo_status hurry(struct ehlo_client *c) {
  ehlo_hurry(c);
  return EHLO_OK;
}

static const struct {
  const char *name;
  enum ehlo_status (*call)(struct ehlo_client *c);
} bare_verbs[] = {
    {"starttls", ehlo_send_starttls},
    {"cancel", ehlo_send_auth_cancel},
    {"data", ehlo_send_data},
    {"end", ehlo_send_body_end},
    {"rset", ehlo_send_rset},
    {"quit", ehlo_send_quit},
    {"hurry", hurry},
};

static const struct {
  const char *name;
  enum ehlo_status (*call)(struct ehlo_client *c, struct ehlo_span text);
} text_verbs[] = {
    {"ehlo", ehlo_send_ehlo},       {"helo", ehlo_send_helo}, {"noop", ehlo_send_noop},
    {"vrfy", ehlo_send_vrfy},       {"expn", ehlo_send_expn}, {"help", ehlo_send_help},
    {"raw", ehlo_send_raw},         {"lhlo", ehlo_send_lhlo}, {"etrn", ehlo_send_etrn},
    {"xclient", ehlo_send_xclient},
};

static enum ehlo_status call_other(struct ehlo_session *s, const char *verb, char *arg,
                                   size_t len) {
  struct ehlo_client *c = &s->client;
  struct ehlo_span span = {(const uint8_t *)arg, len};
  if (strcmp(verb, "mail") == 0 || strcmp(verb, "rcpt") == 0) {
    return call_path(c, span, verb[0] == 'm');
  }
  if (strcmp(verb, "auth") == 0 || strcmp(verb, "auth-open") == 0) {
    return call_auth(c, arg, verb[4] == '\0');
  }
  if (strcmp(verb, "respond") == 0 || strcmp(verb, "respond-open") == 0) {
    return ehlo_send_auth_response(c, &span, 1, verb[7] == '\0');
  }
  if (strcmp(verb, "body") == 0 || strcmp(verb, "chunk") == 0) {
    return call_body(s, arg, len, verb[0] == 'c');
  }
  if (strcmp(verb, "raw-secret") == 0) {
    return call_raw_secret(c, arg);
  }
  if (strcmp(verb, "bdat") == 0) {
    return ehlo_send_bdat(c, strtoull(arg, NULL, 10), strstr(arg, "LAST") != NULL);
  }
  cr_assert_fail("%s:%d: no verb is called '%s'", s->script->name, s->line, verb);
  return EHLO_OK;
}

static enum ehlo_status call(struct ehlo_session *s, char *verb, size_t len) {
  size_t verb_len = strcspn(verb, " ");
  char *arg = verb_len < len ? verb + verb_len + 1 : verb + len;
  size_t arg_len = len - (size_t)(arg - verb);
  verb[verb_len] = '\0';
  for (size_t i = 0; i < sizeof(bare_verbs) / sizeof(bare_verbs[0]); i++) {
    if (strcmp(bare_verbs[i].name, verb) == 0) {
      return bare_verbs[i].call(&s->client);
    }
  }
  for (size_t i = 0; i < sizeof(text_verbs) / sizeof(text_verbs[0]); i++) {
    if (strcmp(text_verbs[i].name, verb) == 0) {
      return text_verbs[i].call(&s->client, (struct ehlo_span){(const uint8_t *)arg, arg_len});
    }
  }
  return call_other(s, verb, arg, arg_len);
}

// ---- Steps --------------------------------------------------------------------------------------

static void expect_status(struct ehlo_session *s, enum ehlo_status got, enum ehlo_status want) {
  cr_assert_eq(got, want, "%s:%d: status %s instead of %s", s->script->name, s->line,
               ehlo_status_name(got), ehlo_status_name(want));
}

// Takes "-> status" off the end of a step.
static enum ehlo_status take_expected(char *step, size_t *len) {
  char *arrow = strstr(step, " -> ");
  if (arrow == NULL) {
    return EHLO_OK;
  }
  *arrow = '\0';
  *len = (size_t)(arrow - step);
  return status_named(arrow + 4);
}

static void step_sent(struct ehlo_session *s, char *want, size_t len, bool crlf) {
  if (crlf) {
    memcpy(want + len, "\r\n", 3);
    len += 2;
  }
  size_t left = s->sent_len - s->sent_pos;
  bool same = left >= len && memcmp(s->sent + s->sent_pos, want, len) == 0;
  cr_assert(same, "%s:%d: sent was [%.*s] instead of [%s]", s->script->name, s->line, (int)left,
            s->sent + s->sent_pos, want);
  s->sent_pos += len;
}

static void step_event(struct ehlo_session *s, const char *want) {
  size_t len = strcspn(s->events, "\n");
  bool same = len == strlen(want) && memcmp(s->events, want, len) == 0;
  cr_assert(same, "%s:%d: event [%.*s] instead of [%s] (cut at %zu)", s->script->name, s->line,
            (int)len, s->events, want, s->mode.cut);
  memmove(s->events, s->events + len + 1, strlen(s->events + len));
}

static void step_world(struct ehlo_session *s, char *what, size_t len) {
  enum ehlo_status want = take_expected(what, &len);
  if (strcmp(what, "tls") == 0) {
    expect_status(s, ehlo_tls_done(&s->client, s->now_ms), want);
  } else if (strncmp(what, "end ", 4) == 0) {
    ehlo_input_end(&s->client, status_named(what + 4));
  } else if (strncmp(what, "at ", 3) == 0) {
    s->now_ms = strtoull(what + 3, NULL, 10);
    ehlo_tick(&s->client, s->now_ms);
  } else if (strcmp(what, "hold") == 0) {
    s->hold = true;
  } else if (strncmp(what, "take ", 5) == 0) {
    ehlo_session_drain(s, strtoull(what + 5, NULL, 10));
  } else {
    cr_assert_str_eq(what, "release", "%s:%d: '! %s'", s->script->name, s->line, what);
    s->hold = false;
  }
  ehlo_session_collect(s);
}

static bool may(const struct ehlo_client *c, const char *verb) {
  enum ehlo_verb v = ehlo_verb_of_line(ehlo_str(verb));
  return ehlo_client_may_send(c, strcmp(verb, "body") == 0 ? EHLO_VERB_BODY : v);
}

static void step_question(struct ehlo_session *s, const char *question) {
  char got[64] = "?";
  const char *value = strchr(question, ' ') + 1;
  char key = question[0];
  const struct ehlo_client *c = &s->client;
  if (strncmp(question, "may", 3) == 0) {
    bool want = question[3] == ' ';
    cr_assert_eq(may(c, value), want, "%s:%d: %s is wrong", s->script->name, s->line, question);
    return;
  }
  uint64_t deadline = ehlo_deadline(c);
  if (strncmp(question, "state ", 6) == 0) {
    snprintf(got, sizeof(got), "%s", ehlo_state_name(ehlo_client_state(c)));
  } else if (key == 'd') {
    snprintf(got, sizeof(got), deadline == EHLO_NEVER ? "never" : "%llu",
             (unsigned long long)deadline);
  } else if (strncmp(question, "pending ", 8) == 0) {
    snprintf(got, sizeof(got), "%zu", ehlo_client_num_pending(c));
  } else if (key == 'a') {
    snprintf(got, sizeof(got), "%zu", ehlo_client_num_accepted(c));
  } else if (strncmp(question, "secure ", 7) == 0) {
    snprintf(got, sizeof(got), "%s%s", ehlo_client_is_secure(c) ? "tls" : "clear",
             ehlo_client_is_authenticated(c) ? "+auth" : "");
  } else if (key == 'l') {
    snprintf(got, sizeof(got), "%s", ehlo_client_is_lmtp(c) ? "yes" : "no");
  } else if (strncmp(question, "flights ", 8) == 0) {
    snprintf(got, sizeof(got), "%zu", s->flights);
  }
  cr_assert_str_eq(got, value, "%s:%d: '%s', but it is %s", s->script->name, s->line, question,
                   got);
}

static void expect_nothing_sent(struct ehlo_session *s) {
  if (s->mode.effects_only) {
    s->sent_pos = s->sent_len;
  }
  cr_assert_eq(s->sent_pos, s->sent_len, "%s:%d: also sent [%.*s]", s->script->name, s->line,
               (int)(s->sent_len - s->sent_pos), s->sent + s->sent_pos);
}

static void run_step(struct ehlo_session *s, char kind, char form, char *text, size_t len) {
  if (kind == 'C') {
    step_sent(s, text, len, form == ':');
    return;
  }
  if (kind == '=') {
    step_event(s, text);
    return;
  }
  if (kind == '?') {
    step_question(s, text);
    return;
  }
  if (kind == '!') {
    expect_nothing_sent(s);
    step_world(s, text, len);
  } else {
    cr_assert_eq(kind, '>', "%s:%d: no step", s->script->name, s->line);
    enum ehlo_status want = take_expected(text, &len);
    expect_status(s, call(s, text, len), want);
  }
  if (!s->hold) {
    ehlo_session_drain(s, SIZE_MAX);
  }
}

// ---- Runs ---------------------------------------------------------------------------------------

static void begin(struct ehlo_session *s, const struct ehlo_script *script,
                  struct ehlo_script_mode mode) {
  memset(s, 0, sizeof(*s));
  s->script = script;
  s->mode = mode;
  s->buf_len = script->buf_len > 0 ? script->buf_len : EHLO_BUFFER_DEFAULT;
  s->buf = malloc(s->buf_len);
  cr_assert(s->buf != NULL);
  memset(s->buf, 0xee, s->buf_len);
  ehlo_client_init(&s->client, &script->config, s->buf, s->buf_len, 0);
}

// The octets of consecutive "S:" lines; `*at` moves behind them.
static size_t server_text(char *out, size_t cap, const char **at, int *line) {
  size_t len = 0;
  while (strncmp(*at, "S: ", 3) == 0) {
    size_t in_len = strcspn(*at, "\n");
    bool crlf = in_len == 3 || (*at)[in_len - 1] != '\\';
    len += unescape(out + len, cap - len, *at + 3);
    if (crlf) {
      memcpy(out + len, "\r\n", 2);
      len += 2;
    }
    *at += in_len + ((*at)[in_len] == '\n');
    ++*line;
  }
  return len;
}

static char text_buf[EHLO_SCRIPT_TEXT_MAX];

void ehlo_script_run_once(struct ehlo_session *s, const struct ehlo_script *script,
                          struct ehlo_script_mode mode) {
  begin(s, script, mode);
  for (const char *at = script->text; *at != '\0' && !s->stopped;) {
    if (mode.copies) {
      move_to_copy(s);
    }
    size_t len = server_text(text_buf, sizeof(text_buf) - 4, &at, &s->line);
    if (len > 0) {
      expect_nothing_sent(s);
      ehlo_session_feed(s, (const uint8_t *)text_buf, len);
      continue;
    }
    s->line++;
    char kind = at[0];
    char form = at[1];
    if (kind == '=') {  // events are compared as they are written
      len = strcspn(at + 2, "\n");
      memcpy(text_buf, at + 2, len);
      text_buf[len] = '\0';
    } else {
      len = unescape(text_buf, sizeof(text_buf) - 4, at + (form == ' ' ? 2 : 3));
    }
    at += strcspn(at, "\n");
    at += *at == '\n';
    run_step(s, kind, form, text_buf, len);
  }
  if (!s->stopped) {
    ehlo_session_collect(s);
    s->line++;
    cr_assert(s->mode.effects_only || s->events[0] == '\0', "%s: left over are events [%s]",
              script->name, s->events);
    expect_nothing_sent(s);
  }
}

size_t ehlo_script_server_bytes(const struct ehlo_script *script) {
  size_t total = 0;
  int line = 0;
  for (const char *at = script->text; *at != '\0';) {
    size_t len = server_text(text_buf, sizeof(text_buf) - 4, &at, &line);
    total += len;
    if (len == 0) {
      at += strcspn(at, "\n");
      at += *at == '\n';
    }
  }
  return total;
}

void ehlo_script_run(const struct ehlo_script *script) {
  struct ehlo_session *s = malloc(sizeof(*s));
  cr_assert(s != NULL);
  size_t bytes = ehlo_script_server_bytes(script);
  size_t step = bytes > 4096 ? bytes / 997 : 1;
  for (size_t cut = 0; cut < bytes; cut += step) {
    struct ehlo_script_mode mode = EHLO_SCRIPT_WHOLE;
    mode.cut = cut;
    ehlo_script_run_once(s, script, mode);
    ehlo_session_free(s);
  }
  struct ehlo_script_mode bytewise = EHLO_SCRIPT_WHOLE;
  bytewise.every_byte = true;
  ehlo_script_run_once(s, script, bytewise);
  ehlo_session_free(s);
  bytewise.copies = true;
  ehlo_script_run_once(s, script, bytewise);
  ehlo_session_free(s);
  struct ehlo_script_mode copies = EHLO_SCRIPT_WHOLE;
  copies.copies = true;
  ehlo_script_run_once(s, script, copies);
  ehlo_session_free(s);
  free(s);
}

void ehlo_script_run_table(const char *const (*table)[2], size_t num,
                           const struct ehlo_config *config) {
  for (size_t i = 0; i < num; i++) {
    struct ehlo_script script = {.name = table[i][0], .text = table[i][1], .config = *config};
    ehlo_script_run(&script);
  }
}
