// Any bytes as a line typed into the shell, behind any as the reply to EHLO: the parts of a line
// add up to it, the engine takes all of it that is printable and finds no credential in it that was
// not taken for one, and what a line can be completed with is printable and begins as it does.
#include <stdlib.h>
#include <string.h>

#include "engine/ehlo.h"
#include "fuzz/fuzz.h"
#include "tools/driver/shell_complete.h"
#include "tools/driver/shell_line.h"

enum goal {
  GOAL_HELPER,
  GOAL_SECRET,
  GOAL_AFTER_AUTH,
  GOAL_PLAIN,
  GOAL_RESPONSE,
  GOAL_CHOICES,
  GOAL_FILES
};

const char *const ehlo_fuzz_goals[EHLO_FUZZ_GOALS_MAX] = {
    [GOAL_HELPER] = "a helper",          [GOAL_SECRET] = "a line with a credential",
    [GOAL_PLAIN] = "a line without one", [GOAL_AFTER_AUTH] = "what was prepared for an AUTH",
    [GOAL_RESPONSE] = "a response",      [GOAL_CHOICES] = "something to go on with",
    [GOAL_FILES] = "the name of a file",
};

static bool is_inside(struct ehlo_span part, struct ehlo_span all) {
  return part.bytes >= all.bytes && part.bytes + part.len == all.bytes + all.len;
}

static void drain(struct ehlo_client *c) {
  struct ehlo_event event;
  while (ehlo_next(c, &event) != EHLO_EVENT_NONE) {
  }
}

static void hear(struct ehlo_client *c, struct ehlo_span said) {
  size_t used = 0;
  ehlo_input(c, &used, said.bytes, said.len, 0);
  drain(c);
}

// A session that got `reply` to its EHLO, whatever that is.
static void say_hello(struct ehlo_client *c, struct ehlo_span reply) {
  static uint8_t buffer[EHLO_BUFFER_FULL];
  const struct ehlo_config config = {.allow_cleartext_auth = true};
  struct ehlo_output out;
  ehlo_client_init(c, &config, buffer, sizeof(buffer), 0);
  hear(c, ehlo_str("220 x\r\n"));
  ehlo_send_ehlo(c, ehlo_str("x"));
  while (ehlo_output_peek(c, &out)) {
    ehlo_output_ack(c, out.span.len, 0);
  }
  hear(c, reply);
}

static bool is_printable(struct ehlo_span text) {
  for (size_t i = 0; i < text.len; i++) {
    if (text.bytes[i] < ' ' || text.bytes[i] > '~') {
      return false;
    }
  }
  return true;
}

// Nothing that the classifier let pass is a credential to the engine.
static void check_sent(const struct shell_line *line) {
  struct ehlo_client c;
  struct ehlo_span head = {line->text.bytes, line->text.len - line->secret.len};
  say_hello(&c, ehlo_str("250 AUTH PLAIN\r\n"));
  enum ehlo_status status = line->secret.len > 0
                                ? ehlo_send_raw_secret(&c, head, line->secret, ehlo_str(""))
                                : ehlo_send_raw(&c, line->text);
  if (is_printable(line->text)) {
    EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_SECRECY, status == EHLO_OK || status == EHLO_E_TOO_LONG);
  }
  ehlo_client_wipe(&c);
}

static void check_line(struct ehlo_span typed, bool after_auth) {
  struct shell_line line;
  shell_line_read(&line, typed, after_auth);
  EHLO_FUZZ_CHECK(is_inside(line.text, typed) && is_inside(line.secret, line.text));
  EHLO_FUZZ_CHECK(line.helper ==
                  (typed.len > 0 && typed.bytes[0] == ':' && line.text.len + 1 == typed.len &&
                   !line.raw && !(typed.len > 1 && typed.bytes[1] == ':')));
  if (line.helper) {
    ehlo_fuzz_reach(GOAL_HELPER);
    return;
  }
  ehlo_fuzz_reach(line.secret.len > 0 ? GOAL_SECRET : GOAL_PLAIN);
  if (after_auth && !line.raw && line.verb == EHLO_VERB_OTHER) {
    EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_SECRECY,
                       line.secret.len > 0 || line.text.len == 0 || typed.len < 1);
    ehlo_fuzz_reach(GOAL_AFTER_AUTH);
  }
  check_sent(&line);
}

static void check_response(struct ehlo_span typed) {
  uint8_t *decoded = malloc(EHLO_TOKEN_MAX);
  size_t len = 0;
  EHLO_FUZZ_CHECK(decoded != NULL);
  if (shell_line_response(decoded, &len, typed)) {
    struct ehlo_span all = {decoded, len};
    EHLO_FUZZ_CHECK(len <= EHLO_TOKEN_MAX && is_inside(shell_line_kernel(all), all));
    ehlo_fuzz_reach(GOAL_RESPONSE);
  }
  free(decoded);
}

static void check_choices(struct ehlo_span typed, const struct ehlo_capabilities *caps) {
  struct shell_choices choices;
  shell_complete(&choices, typed, caps);
  EHLO_FUZZ_CHECK(choices.typed <= typed.len && choices.num <= SHELL_CHOICES_MAX);
  EHLO_FUZZ_CHECK(choices.num == 0 || shell_complete_common(&choices) >= choices.typed);
  for (size_t i = 0; i < choices.num; i++) {
    EHLO_FUZZ_CHECK(strlen(choices.words[i]) >= choices.typed &&
                    is_printable(ehlo_str(choices.words[i])));
    ehlo_fuzz_reach(GOAL_CHOICES);
  }
  if (choices.files) {
    ehlo_fuzz_reach(GOAL_FILES);
  }
}

// The reply up to the first NUL, then the line; the first octet says whether an AUTH was refused
// before.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) {
    return 0;
  }
  const uint8_t *nul = memchr(data + 1, '\0', size - 1);
  size_t reply_len = nul != NULL ? (size_t)(nul - data) - 1 : 0;
  size_t from = nul != NULL ? reply_len + 2 : 1;
  size_t len = size - from < SHELL_LINE_MAX ? size - from : SHELL_LINE_MAX;
  uint8_t *copy = ehlo_fuzz_copy(data + from, len);
  struct ehlo_span typed = {copy, len};
  struct ehlo_client c;
  say_hello(&c, (struct ehlo_span){data + 1, reply_len});
  struct ehlo_capabilities caps = *ehlo_client_capabilities(&c);
  check_line(typed, (data[0] & 1) != 0);
  (void)shell_line_secret_follows(typed);
  check_response(typed);
  check_choices(typed, &caps);
  free(copy);
  return 0;
}
