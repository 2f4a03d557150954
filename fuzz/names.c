// Whatever number is asked about: there is a name and a sentence, without controls and not empty; a number that
// none has is told as such; and a line that begins with a verb's name is that verb's, whatever follows.
//
// An input is octets: each is a number of every kind, and all of them are a command line.
#include <stdlib.h>
#include <string.h>

#include "engine/credential.h"
#include "engine/ehlo.h"
#include "engine/preflight.h"
#include "engine/submit.h"
#include "fuzz/fuzz.h"

enum { GOAL_VERB = 0, GOAL_UNKNOWN = 32, GOAL_WORD = 33 };

const char *const ehlo_fuzz_goals[EHLO_FUZZ_GOALS_MAX] = {
    [GOAL_VERB + EHLO_VERB_EHLO] = "EHLO",
    [GOAL_VERB + EHLO_VERB_XCLIENT] = "XCLIENT",
    [GOAL_VERB + EHLO_VERB_OTHER] = "a line of no verb",
    [GOAL_UNKNOWN] = "a number that nothing has",
    [GOAL_WORD] = "a word of EHLO's and a parameter",
};

static void check_text(const char *text, bool known) {
  EHLO_FUZZ_CHECK(text != NULL && text[0] != '\0');
  for (size_t i = 0; text[i] != '\0'; i++) {
    EHLO_FUZZ_CHECK((uint8_t)text[i] >= ' ' && text[i] != 0x7f);
  }
  EHLO_FUZZ_CHECK(known || strncmp(text, "unknown", 7) == 0);
  if (!known) {
    ehlo_fuzz_reach(GOAL_UNKNOWN);
  }
}

static void check_session_names(unsigned n) {
  check_text(ehlo_verb_name((enum ehlo_verb)n), n < EHLO_NUM_VERBS);
  check_text(ehlo_state_name((enum ehlo_state)n), n < EHLO_NUM_STATES);
  check_text(ehlo_status_name((enum ehlo_status)n), n < EHLO_NUM_STATUS);
  check_text(ehlo_status_text((enum ehlo_status)n), n < EHLO_NUM_STATUS);
}

static void check_submission_names(unsigned n) {
  check_text(ehlo_stage_name((enum ehlo_stage)n), n < EHLO_NUM_STAGES);
  check_text(ehlo_outcome_name((enum ehlo_outcome)n), n < EHLO_NUM_OUTCOMES);
  check_text(ehlo_submit_problem_text((enum ehlo_submit_problem)n), true);
  check_text(ehlo_credential_name((enum ehlo_credential_finding)n),
             n < EHLO_NUM_CREDENTIAL_FINDINGS);
  EHLO_FUZZ_CHECK(ehlo_credential_is_refusal((enum ehlo_credential_finding)n) ==
                  (n < EHLO_CREDENTIAL_USER_BLANK));
  check_text(ehlo_credential_text((enum ehlo_credential_finding)n),
             n < EHLO_NUM_CREDENTIAL_FINDINGS);
  check_text(ehlo_finding_name((enum ehlo_finding_kind)n), n < EHLO_NUM_FINDINGS);
  check_text(ehlo_finding_text((enum ehlo_finding_kind)n), n < EHLO_NUM_FINDINGS);
}

static void check_words(unsigned n) {
  const char *word = ehlo_capabilities_word(n);
  const char *param = ehlo_params_word(n);
  check_text(word != NULL ? word : "none", true);
  check_text(param != NULL ? param : "none", true);
  if (word != NULL && param != NULL) {
    ehlo_fuzz_reach(GOAL_WORD);
  }
}

static bool begins_with(const uint8_t *data, size_t size, const char *name) {
  size_t len = strlen(name);
  if (size < len || (size > len && data[len] != ' ' && data[len] != '\t')) {
    return false;
  }
  for (size_t i = 0; i < len; i++) {
    if ((data[i] | 0x20) != (name[i] | 0x20) || (name[i] >= 'A') != (data[i] >= 'A')) {
      return false;
    }
  }
  return true;
}

static void check_line(const uint8_t *data, size_t size) {
  enum ehlo_verb verb = ehlo_verb_of_line((struct ehlo_span){data, size});
  EHLO_FUZZ_CHECK(verb >= EHLO_VERB_EHLO && verb <= EHLO_VERB_OTHER && verb != EHLO_VERB_BODY);
  for (int v = EHLO_VERB_EHLO; v < EHLO_VERB_OTHER; v++) {
    bool is = v != EHLO_VERB_BODY && begins_with(data, size, ehlo_verb_name((enum ehlo_verb)v));
    EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, is == (verb == (enum ehlo_verb)v));
  }
  ehlo_fuzz_reach(GOAL_VERB + (size_t)verb);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  for (size_t i = 0; i < size; i++) {
    check_session_names(data[i]);
    check_submission_names(data[i]);
    check_words(data[i]);
  }
  uint8_t *line = ehlo_fuzz_copy(data, size);
  check_line(line, size);
  free(line);
  return 0;
}
