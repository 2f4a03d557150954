// Whatever a server decides, reply by reply: nobody gets a message twice, who is said to have a
// message has it, who has it is said to have it or to be in doubt, and the session comes to an end.
// A server of our own makes the decisions from the input and keeps who got what.
//
// An input is four octets of settings and then one for each decision of the server and each cut.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/submit.h"
#include "fuzz/fuzz.h"
#include "fuzz/mail_server.h"

#define GOAL_SPLIT 32
#define GOAL_SEVERAL 33
#define GOAL_AGAIN 34

const char *const ehlo_fuzz_goals[EHLO_FUZZ_GOALS_MAX] = {
    [EHLO_OUTCOME_ACCEPTED] = "accepted",
    [EHLO_OUTCOME_PARTIAL] = "partial",
    [EHLO_OUTCOME_REFUSED] = "refused",
    [EHLO_OUTCOME_DEFERRED] = "deferred",
    [EHLO_OUTCOME_UNKNOWN] = "unknown",
    [EHLO_OUTCOME_TIMEOUT] = "timeout",
    [EHLO_OUTCOME_LOST] = "lost",
    [GOAL_SPLIT] = "a message in two transactions",
    [GOAL_SEVERAL] = "several messages accepted",
    [GOAL_AGAIN] = "a transaction once more",
};

// Turns of the loop that no session needs.
#define TURNS_MAX 20000

struct run {
  struct ehlo_mail_server server;
  struct ehlo_client client;
  struct ehlo_submit submit;
  struct ehlo_message messages[EHLO_SERVER_MESSAGES_MAX];
  struct ehlo_recipient to[EHLO_SERVER_MESSAGES_MAX][EHLO_SERVER_RECIPIENTS_MAX];
  char addresses[EHLO_SERVER_MESSAGES_MAX][EHLO_SERVER_RECIPIENTS_MAX + 1][16];
  struct ehlo_fuzz_cuts cuts;
  const char *left;  // of the message that is wanted
  bool giving;
  size_t replies_given;
  uint64_t now_ms;
  uint8_t buffer[EHLO_BUFFER_DEFAULT];
};

// ---- The caller ---------------------------------------------------------------------------------

static void take_events(struct run *r) {
  struct ehlo_event event;
  while (ehlo_submit_next(&r->submit, &r->client, &event) != EHLO_EVENT_NONE) {
    EHLO_FUZZ_CHECK(r->submit.message < r->submit.config.num_messages);
    if (event.type == EHLO_EVENT_BODY_WANTED) {
      EHLO_FUZZ_CHECK(!r->giving && !r->submit.finished);
      r->giving = true;
      r->left = ehlo_mail_server_message(r->submit.message);
    }
    if (event.of_recipient && event.type == EHLO_EVENT_REPLY && event.reply.code != 421) {
      EHLO_FUZZ_CHECK(event.recipient < r->messages[r->submit.message].num_to);
    }
  }
}

static void give_message(struct run *r) {
  size_t used = 0;
  if (!r->giving || r->submit.finished) {
    return;
  }
  enum ehlo_status status =
      ehlo_submit_body(&r->submit, &r->client, &used, (const uint8_t *)r->left, strlen(r->left));
  EHLO_FUZZ_CHECK(status == EHLO_OK);
  r->left += used;
  if (*r->left == '\0') {
    status = ehlo_submit_body_end(&r->submit, &r->client);
    EHLO_FUZZ_CHECK(status == EHLO_OK || status == EHLO_E_FULL);
    r->giving = status == EHLO_E_FULL;
  }
}

// ---- The transport ------------------------------------------------------------------------------

static bool send_output(struct run *r) {
  struct ehlo_output out;
  if (!ehlo_output_peek(&r->client, &out)) {
    return false;
  }
  size_t n = ehlo_fuzz_next_cut(&r->cuts, out.span.len);
  ehlo_mail_server_take(&r->server, out.span.bytes, n);
  ehlo_output_ack(&r->client, n, r->now_ms);
  return true;
}

static bool read_input(struct run *r) {
  const struct ehlo_fuzz_bytes *replies = &r->server.replies;
  size_t len = replies->len - r->replies_given;
  size_t used = 0;
  if (len == 0) {
    return false;
  }
  len = ehlo_fuzz_next_cut(&r->cuts, len);
  uint8_t *exact = ehlo_fuzz_copy(replies->bytes + r->replies_given, len);
  ehlo_input(&r->client, &used, exact, len, r->now_ms);
  free(exact);
  r->replies_given += used;
  return true;
}

// Nothing moves: the connection ends, or the time passes.
static void wait_for_the_end(struct run *r) {
  if (r->server.closed) {
    ehlo_input_end(&r->client, EHLO_E_CLOSED);
    return;
  }
  uint64_t deadline = ehlo_deadline(&r->client);
  EHLO_FUZZ_CHECK(deadline != EHLO_NEVER && r->server.silent);
  r->now_ms = deadline;
  ehlo_tick(&r->client, deadline);
}

static void run_session(struct run *r) {
  for (size_t turn = 0; !r->submit.finished; turn++) {
    EHLO_FUZZ_CHECK(turn < TURNS_MAX);
    take_events(r);
    give_message(r);
    if (!r->submit.finished && !send_output(r) && !read_input(r)) {
      wait_for_the_end(r);
    }
  }
}

// ---- The claims ---------------------------------------------------------------------------------

static void judge_recipient(const struct ehlo_message *m, enum ehlo_recipient_state state,
                            unsigned num_delivered) {
  EHLO_FUZZ_CHECK(num_delivered <= 1);
  EHLO_FUZZ_CHECK(state != EHLO_RECIPIENT_ACCEPTED || num_delivered == 1);
  bool in_doubt = m->verdict.outcome == EHLO_OUTCOME_UNKNOWN;
  EHLO_FUZZ_CHECK(num_delivered == 0 || state == EHLO_RECIPIENT_ACCEPTED || in_doubt);
}

static void judge_message(const struct run *r, size_t i) {
  const struct ehlo_message *m = &r->messages[i];
  const struct ehlo_server_copy *copy = &r->server.copies[i];
  size_t accepted = 0;
  for (size_t k = 0; k < m->num_to; k++) {
    judge_recipient(m, m->to[k].state, copy->num_delivered[k]);
    accepted += m->to[k].state == EHLO_RECIPIENT_ACCEPTED;
  }
  enum ehlo_outcome outcome = m->verdict.outcome;
  EHLO_FUZZ_CHECK(outcome != EHLO_OUTCOME_OPEN && accepted == m->num_accepted);
  EHLO_FUZZ_CHECK((outcome == EHLO_OUTCOME_ACCEPTED) == (accepted == m->num_to));
  EHLO_FUZZ_CHECK(outcome != EHLO_OUTCOME_PARTIAL || accepted > 0);
  EHLO_FUZZ_CHECK(accepted == 0 || accepted == m->num_to || outcome == EHLO_OUTCOME_PARTIAL ||
                  outcome == EHLO_OUTCOME_UNKNOWN);
  ehlo_fuzz_reach(outcome);
}

static void judge(const struct run *r) {
  size_t accepted = 0;
  for (size_t i = 0; i < r->submit.config.num_messages; i++) {
    judge_message(r, i);
    accepted += r->messages[i].verdict.outcome == EHLO_OUTCOME_ACCEPTED;
  }
  EHLO_FUZZ_CHECK(r->submit.verdict.outcome != EHLO_OUTCOME_OPEN);
  EHLO_FUZZ_CHECK((r->submit.verdict.outcome == EHLO_OUTCOME_ACCEPTED) ==
                  (accepted == r->submit.config.num_messages));
  if (accepted > 1) {
    ehlo_fuzz_reach(GOAL_SEVERAL);
  }
  if (r->server.num_mails > r->submit.config.num_messages) {
    ehlo_fuzz_reach(r->submit.one_at_a_time ? GOAL_AGAIN : GOAL_SPLIT);
  }
}

// ---- Inputs -------------------------------------------------------------------------------------

static struct ehlo_span span_of(char *out, const char *format, size_t message, size_t recipient) {
  int len = snprintf(out, 16, format, message, recipient);
  return (struct ehlo_span){(const uint8_t *)out, (size_t)len};
}

static void address(struct run *r, size_t num_messages, size_t num_to, bool sized) {
  for (size_t i = 0; i < num_messages; i++) {
    struct ehlo_message *m = &r->messages[i];
    *m = (struct ehlo_message){.to = r->to[i], .num_to = num_to};
    m->from = span_of(r->addresses[i][num_to], "s%zu@x", i, 0);
    m->size = sized ? strlen(ehlo_mail_server_wanted(i)) : 0;
    for (size_t k = 0; k < num_to; k++) {
      r->to[i][k].address = span_of(r->addresses[i][k], "r%zu.%zu@x", i, k);
    }
  }
}

static void begin(struct run *r, const uint8_t *data, size_t size) {
  struct ehlo_server_settings settings = {
      .pipelining = (data[0] & 1) != 0,
      .chunking = (data[0] & 2) != 0,
      .lmtp = (data[0] & 4) != 0,
      .burl = (data[0] & 64) != 0,
      .max_rcpts = data[2] % 8 < 4 ? 0 : data[2] % 4 + 1U,
      .max_mails = data[2] / 8 % 8 < 4 ? 0 : data[2] / 8 % 4 + 1U,
  };
  struct ehlo_submit_config config = {
      .helo_name = ehlo_str("c"),
      .messages = r->messages,
      .num_messages = 1U + (data[1] & 15) % EHLO_SERVER_MESSAGES_MAX,
      .lmtp = settings.lmtp,
      .tls = EHLO_TLS_NONE,
      .transfer = (data[0] & 8) != 0 ? EHLO_TRANSFER_AUTO : EHLO_TRANSFER_DATA,
  };
  r->cuts = (struct ehlo_fuzz_cuts){(enum ehlo_fuzz_cut)(data[3] % EHLO_FUZZ_NUM_CUTS), data[3]};
  address(r, config.num_messages, 1U + (data[1] >> 4) % EHLO_SERVER_RECIPIENTS_MAX,
          (data[0] & 16) == 0);
  ehlo_mail_server_init(&r->server, &settings, data + 4, size - 4);
  ehlo_client_init(&r->client, &(struct ehlo_config){.timeouts = {0}}, r->buffer,
                   (data[0] & 32) != 0 ? EHLO_BUFFER_MIN : sizeof(r->buffer), 0);
  ehlo_submit_init(&r->submit, &config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct run r;
  if (size < 4) {
    return 0;
  }
  memset(&r, 0, sizeof(r));
  begin(&r, data, size);
  run_session(&r);
  judge(&r);
  ehlo_mail_server_free(&r.server);
  return 0;
}
