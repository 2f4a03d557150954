// Prints a dictionary for libFuzzer, out of the tables of the engine and of replay/: verbs, keywords of
// EHLO, parameters of MAIL and RCPT, mechanisms, the codes that the state machine tells apart, the
// words of transcripts. It has no list of its own.
#include <stdio.h>
#include <string.h>

#include "engine/ehlo.h"
#include "engine/state.h"
#include "engine/submit.h"
#include "replay/settings.h"
#include "replay/transcript.h"

// libFuzzer takes a word of at most 64 octets.
#define WORD_MAX 64

// The form is libFuzzer's: "…" with \" \\ and \xNN.
static void put(const char *before, const char *word, size_t len, const char *after) {
  if (len == 0 || strlen(before) + len + strlen(after) > WORD_MAX) {
    return;
  }
  printf("\"%s", before);
  for (size_t i = 0; i < len; i++) {
    uint8_t c = (uint8_t)word[i];
    if (c == '"' || c == '\\') {
      printf("\\%c", c);
    } else if (c < ' ' || c > '~') {
      printf("\\x%02x", c);
    } else {
      putchar(c);
    }
  }
  printf("%s\"\n", after);
}

static void put_word(const char *word, const char *after) {
  put("", word, strlen(word), after);
}

static void put_words(const char *title, const char *(*word)(size_t i), const char *after) {
  printf("# %s\n", title);
  for (size_t i = 0; word(i) != NULL; i++) {
    put_word(word(i), after);
  }
}

static void put_verbs(void) {
  printf("# verbs\n");
  for (int v = EHLO_VERB_GREETING + 1; v < EHLO_NUM_VERBS; v++) {
    if (v != EHLO_VERB_BODY && v != EHLO_VERB_OTHER) {
      put_word(ehlo_verb_name((enum ehlo_verb)v), "");
    }
  }
}

// Whether some reply with this code does something else than one that only shares its first digit.
static bool is_special(unsigned code, unsigned like) {
  for (int s = 0; s < EHLO_NUM_STATES; s++) {
    for (int v = 0; v < EHLO_NUM_VERBS; v++) {
      struct ehlo_transition a =
          ehlo_state_on_reply((enum ehlo_state)s, (enum ehlo_verb)v, (uint16_t)code, 0);
      struct ehlo_transition b =
          ehlo_state_on_reply((enum ehlo_state)s, (enum ehlo_verb)v, (uint16_t)like, 0);
      if (a.next != b.next || a.follow_up != b.follow_up || a.status != b.status) {
        return true;
      }
    }
  }
  return false;
}

static void put_codes(void) {
  printf("# codes of replies\n");
  for (unsigned code = 200; code < 600; code++) {
    unsigned like = code / 100 * 100 + 99;
    if (code % 100 == 50 || is_special(code, like)) {
      char text[8];
      snprintf(text, sizeof(text), "%u", code);
      put_word(text, " ");
      put_word(text, "-");
    }
  }
}

static void put_mechanisms(void) {
  printf("# mechanisms\n");
  for (size_t i = 0; i < ehlo_num_mechanisms; i++) {
    put_word(ehlo_all_mechanisms[i]->name, "");
  }
}

// ---- Transcripts ----------------------------------------------------------------------------------

static void put_fact(void *arg, const char *text, size_t len) {
  (void)arg;
  put("! ", text, len, "\\x0a");
}

// Every setting that there is, as it is written.
static void put_settings(void) {
  struct ehlo_recipient to = {.address = ehlo_str("c@d"), .params = ehlo_str("NOTIFY=NEVER")};
  struct ehlo_message messages[] = {{.from = ehlo_str("a@b"),
                                     .params = ehlo_str("RET=FULL"),
                                     .to = &to,
                                     .num_to = 1,
                                     .size = 3,
                                     .is_8bit = true,
                                     .is_binary = true},
                                    {.from = ehlo_str("a@b"), .to = &to, .num_to = 1}};
  struct ehlo_credentials credentials = {
      .user = ehlo_str("u"), .nonce = ehlo_str("n"), .tls_exporter = ehlo_str("x")};
  struct ehlo_config client = {.timeouts = {1000, 1000, 1000, 1000, 1000, 1000, 1000},
                               .allow_cleartext_auth = true,
                               .bare_cr = EHLO_BARE_CR_REPAIR,
                               .bare_lf = EHLO_BARE_LF_REFUSE};
  struct ehlo_submit_config submit = {.helo_name = ehlo_str("c"),
                                      .xclient = ehlo_str("NAME=x"),
                                      .lmtp = true,
                                      .force = true,
                                      .stop = true,
                                      .credentials = &credentials,
                                      .mechanisms = ehlo_all_mechanisms,
                                      .num_mechanisms = 1,
                                      .auth_attempts = 2,
                                      .messages = messages,
                                      .num_messages = 2};
  printf("# settings in transcripts\n");
  for (int i = 0; i < 3; i++) {  // as many as there are ways of each
    submit.tls = (enum ehlo_tls_mode)i;
    submit.initial_response = (enum ehlo_initial_response)i;
    submit.transfer = (enum ehlo_transfer)i;
    ehlo_settings_write(&client, &submit, put_fact, NULL);
  }
  ehlo_settings_write_binding(&credentials, put_fact, NULL);
  for (int i = 0; i < EHLO_NUM_STAGES; i++) {
    put_word(ehlo_stage_name((enum ehlo_stage)i), "");
  }
}

static void put_events(void) {
  printf("# events in transcripts\n");
  for (int i = 0; i < EHLO_NUM_OUTCOMES; i++) {
    put("outcome ", ehlo_outcome_name((enum ehlo_outcome)i),
        strlen(ehlo_outcome_name((enum ehlo_outcome)i)), " at ");
  }
  for (int i = EHLO_OK + 1; i < EHLO_NUM_STATUS; i++) {
    put("failed ", ehlo_status_name((enum ehlo_status)i),
        strlen(ehlo_status_name((enum ehlo_status)i)), " at ");
  }
}

int main(void) {
  put_verbs();
  put_codes();
  put_words("keywords of EHLO", ehlo_capabilities_word, "");
  put_words("parameters", ehlo_params_word, "=");
  put_mechanisms();
  put_words("facts in transcripts", ehlo_fact_word, " ");
  put_settings();
  put_events();
  return ferror(stdout) != 0 || fflush(stdout) != 0;
}
