// Any arguments to any verb: either it is refused, and nothing is queued and nothing changes; or one
// well-formed line is queued, which holds the arguments as they are. For MAIL and RCPT which of the two
// it is, and why, is as a reference written from the specification has it.
//
// An input is four octets (verb, offers, state, where the first argument ends) and the arguments.
#include <stdlib.h>
#include <string.h>

#include "engine/argument.h"
#include "engine/ehlo.h"
#include "engine/xtext.h"
#include "fuzz/fuzz.h"
#include "fuzz/reference.h"
#include "fuzz/reference_command.h"

enum {
  GOAL_VERB = 0,
  GOAL_STATUS = 16,
};

const char *const ehlo_fuzz_goals[EHLO_FUZZ_GOALS_MAX] = {
    [GOAL_VERB + 0] = "EHLO that is sent",
    [GOAL_VERB + 1] = "LHLO that is sent",
    [GOAL_VERB + 2] = "MAIL that is sent",
    [GOAL_VERB + 3] = "RCPT that is sent",
    [GOAL_VERB + 4] = "NOOP that is sent",
    [GOAL_VERB + 5] = "VRFY that is sent",
    [GOAL_VERB + 6] = "ETRN that is sent",
    [GOAL_VERB + 7] = "XCLIENT that is sent",
    [GOAL_VERB + 8] = "AUTH that is sent",
    [GOAL_VERB + 9] = "a raw line that is sent",
    [GOAL_STATUS + EHLO_E_STATE] = "status state",
    [GOAL_STATUS + EHLO_E_ARGUMENT] = "status argument",
    [GOAL_STATUS + EHLO_E_TOO_LONG] = "status too-long",
    [GOAL_STATUS + EHLO_E_UNSUPPORTED] = "status unsupported",
};
#define NUM_VERBS 10

#define ARGUMENTS_MAX ((size_t)4096)

struct session {
  struct ehlo_client client;
  bool utf8;  // this MAIL, or the one before RCPT, has SMTPUTF8
  unsigned verb;
  struct ehlo_span first;
  struct ehlo_span second;
  struct ehlo_fuzz_bytes wanted;  // the line without CRLF
};

static void serve(struct ehlo_client *c, const char *text) {
  struct ehlo_output out;
  struct ehlo_event event;
  size_t used;
  while (ehlo_output_peek(c, &out)) {
    ehlo_output_ack(c, out.span.len, 0);
  }
  EHLO_FUZZ_CHECK(ehlo_input(c, &used, (const uint8_t *)text, strlen(text), 0) == EHLO_OK);
  while (ehlo_next(c, &event) != EHLO_EVENT_NONE) {
  }
}

// Brings a client to where the verb has its place, with offers by `offers`' bits.
static void begin(struct session *s, uint8_t *buf, size_t buf_len, uint8_t offers, uint8_t state) {
  static const char *const keywords[8] = {
      "250-SIZE\r\n250-8BITMIME\r\n",
      "250-SMTPUTF8\r\n",
      "250-DSN\r\n",
      "250-CHUNKING\r\n250-BINARYMIME\r\n",
      "250-FUTURERELEASE 100\r\n",
      "250-DELIVERBY 30\r\n250-MT-PRIORITY\r\n",
      "250-ETRN\r\n250-REQUIRETLS\r\n",
      "250-XCLIENT ADDR NAME\r\n250-AUTH PLAIN\r\n",
  };
  char reply[512] = "250-x\r\n";
  struct ehlo_config config = {.allow_cleartext_auth = true};
  ehlo_client_init(&s->client, &config, buf, buf_len, 0);
  if ((state & 1) != 0) {
    EHLO_FUZZ_CHECK(ehlo_tls_done(&s->client, 0) == EHLO_OK);
  }
  serve(&s->client, "220 x\r\n");
  for (size_t i = 0; i < 8; i++) {
    strcat(reply, (offers >> i & 1) != 0 ? keywords[i] : "");
  }
  strcat(reply, "250 HELP\r\n");
  EHLO_FUZZ_CHECK(ehlo_send_ehlo(&s->client, ehlo_str("c")) == EHLO_OK);
  serve(&s->client, reply);
  s->utf8 = (state & 2) != 0 && (offers & 2) != 0;
  if ((state & 4) != 0) {
    ehlo_send_mail(&s->client, ehlo_str("a@b"), ehlo_str(s->utf8 ? "SMTPUTF8" : ""));
    serve(&s->client, "250 x\r\n");
  }
}

static void want(struct session *s, const char *text) {
  ehlo_fuzz_add(&s->wanted, text, strlen(text));
}

static void want_span(struct session *s, struct ehlo_span span) {
  ehlo_fuzz_add(&s->wanted, span.bytes, span.len);
}

static enum ehlo_status call_path(struct session *s, bool mail) {
  bool in_order = (ehlo_client_state(&s->client) == EHLO_STATE_READY) == mail;
  const struct ehlo_capabilities *caps = ehlo_client_capabilities(&s->client);
  enum ehlo_status status = ehlo_reference_params(s->second, mail, caps);
  if (mail && status == EHLO_OK) {
    struct ehlo_params meaning;
    EHLO_FUZZ_CHECK(ehlo_params_check(&meaning, s->second, true, caps) == EHLO_OK);
    s->utf8 = meaning.utf8;
  }
  status = status == EHLO_OK ? ehlo_reference_path(s->first, mail, s->utf8) : status;
  status = in_order ? status : EHLO_E_STATE;
  const char *missing = ehlo_params_missing(s->second, caps);
  EHLO_FUZZ_CHECK(status != EHLO_E_UNSUPPORTED || missing != NULL);
  EHLO_FUZZ_CHECK(status != EHLO_OK || missing == NULL);
  want(s, mail ? "MAIL FROM:<" : "RCPT TO:<");
  want_span(s, s->first);
  want(s, s->second.len > 0 ? "> " : ">");
  want_span(s, s->second);
  enum ehlo_status got = mail ? ehlo_send_mail(&s->client, s->first, s->second)
                              : ehlo_send_rcpt(&s->client, s->first, s->second);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, got == status);
  return got;
}

static enum ehlo_status call_text(struct session *s, const char *verb,
                                  enum ehlo_status (*send)(struct ehlo_client *,
                                                           struct ehlo_span)) {
  want(s, verb);
  want(s, s->first.len > 0 ? " " : "");
  want_span(s, s->first);
  return send(&s->client, s->first);
}

static enum ehlo_status call_auth(struct session *s) {
  want(s, "AUTH PLAIN ");
  want(s, s->first.len + s->second.len == 0 ? "=" : "");
  struct ehlo_span parts[] = {s->first, s->second};
  struct ehlo_fuzz_bytes joined = {0};
  ehlo_fuzz_add(&joined, s->first.bytes, s->first.len);
  ehlo_fuzz_add(&joined, s->second.bytes, s->second.len);
  ehlo_reference_base64(&s->wanted, joined.bytes, joined.len);
  free(joined.bytes);
  return ehlo_send_auth(&s->client, "PLAIN", parts, 2, true);
}

// Any octets as xtext are an attribute's value where they are printable.
static void check_xtext(struct session *s) {
  uint8_t *text = malloc(EHLO_XTEXT_MAX(s->first.len) + 1);
  size_t len = ehlo_xtext_encode(text, EHLO_XTEXT_MAX(s->first.len), s->first);
  EHLO_FUZZ_CHECK(len >= s->first.len && len <= EHLO_XTEXT_MAX(s->first.len));
  bool printable = true;
  for (size_t i = 0; i < s->first.len; i++) {
    printable = printable && s->first.bytes[i] >= ' ' && s->first.bytes[i] < 0x7f;
  }
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL,
                     ehlo_xtext_is_printable((struct ehlo_span){text, len}) == printable);
  free(text);
}

static enum ehlo_status call(struct session *s) {
  switch (s->verb) {
    case 0:
      return call_text(s, "EHLO", ehlo_send_ehlo);
    case 1:
      return call_text(s, "LHLO", ehlo_send_lhlo);
    case 2:
    case 3:
      return call_path(s, s->verb == 2);
    case 4:
      return call_text(s, "NOOP", ehlo_send_noop);
    case 5:
      return call_text(s, "VRFY", ehlo_send_vrfy);
    case 6:
      return call_text(s, "ETRN", ehlo_send_etrn);
    case 7:
      check_xtext(s);
      return call_text(s, "XCLIENT", ehlo_send_xclient);
    case 8:
      return call_auth(s);
    default:
      want_span(s, s->first);
      return ehlo_send_raw(&s->client, s->first);
  }
}

// The line as a server would read it: one, without an octet that could be anything else.
static void judge_line(const struct session *s, const struct ehlo_fuzz_bytes *line) {
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, line->len == s->wanted.len + 2);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, s->wanted.len == 0 ||
                                          memcmp(line->bytes, s->wanted.bytes, s->wanted.len) == 0);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, memcmp(line->bytes + s->wanted.len, "\r\n", 2) == 0);
  EHLO_FUZZ_CHECK(line->len <= (s->verb == 8 ? EHLO_TOKEN_MAX + 2 : EHLO_COMMAND_MAX));
  bool utf8 = s->verb == 9 || ((s->verb == 2 || s->verb == 3) && s->utf8);
  bool secret = s->verb == 8;
  for (size_t i = 0; i < s->wanted.len; i++) {
    uint8_t c = line->bytes[i];
    EHLO_FUZZ_CHECK(c >= ' ' && c != 0x7f && (c < 0x80 || utf8) && !(secret && c >= 0x80));
  }
}

static void take_output(struct ehlo_client *c, struct ehlo_fuzz_bytes *line) {
  struct ehlo_output out;
  while (ehlo_output_peek(c, &out)) {
    ehlo_fuzz_add(line, out.span.bytes, out.span.len);
    ehlo_output_ack(c, out.span.len, 0);
  }
}

static void check(struct session *s) {
  struct ehlo_fuzz_bytes line = {0};
  enum ehlo_state before = ehlo_client_state(&s->client);
  enum ehlo_status status = call(s);
  take_output(&s->client, &line);
  ehlo_fuzz_reach(status == EHLO_OK ? GOAL_VERB + s->verb : GOAL_STATUS + (size_t)status);
  if (status == EHLO_OK) {
    judge_line(s, &line);
    EHLO_FUZZ_CHECK(ehlo_client_num_pending(&s->client) == 1);
  } else {
    EHLO_FUZZ_CHECK(ehlo_status_class(status) == EHLO_CLASS_CALLER && line.len == 0);
    EHLO_FUZZ_CHECK(ehlo_client_num_pending(&s->client) == 0);
    EHLO_FUZZ_CHECK(ehlo_client_state(&s->client) == before);
  }
  free(line.bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static uint8_t buf[EHLO_BUFFER_DEFAULT];
  struct session s = {0};
  if (size < 4) {
    return 0;
  }
  size_t len = size - 4 < ARGUMENTS_MAX ? size - 4 : ARGUMENTS_MAX;
  size_t first_len = len * data[3] / 255;
  uint8_t *first = ehlo_fuzz_copy(data + 4, first_len);
  uint8_t *second = ehlo_fuzz_copy(data + 4 + first_len, len - first_len);
  s.verb = data[0] % NUM_VERBS;
  s.first = (struct ehlo_span){first, first_len};
  s.second = (struct ehlo_span){second, len - first_len};
  begin(&s, buf, sizeof(buf), data[1], data[2]);
  check(&s);
  free(s.wanted.bytes);
  free(first);
  free(second);
  return 0;
}
