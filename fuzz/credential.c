// The look at a credential reads nothing beyond it, refuses exactly what cannot be sent, sees every
// response and wrapping that it promises to see, and takes for base64 only what is base64.
#include "engine/credential.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "fuzz/reference.h"

const char *const ehlo_fuzz_goals[EHLO_FUZZ_GOALS_MAX] = {
    [EHLO_CREDENTIAL_USER_EMPTY] = "an empty user name",
    [EHLO_CREDENTIAL_USER_CONTROL] = "a control character in the user name",
    [EHLO_CREDENTIAL_PASSWORD_NUL] = "NUL in the password",
    [EHLO_CREDENTIAL_USER_BLANK] = "a blank at an end of the user name",
    [EHLO_CREDENTIAL_USER_BASE64] = "a user name in base64",
    [EHLO_CREDENTIAL_PASSWORD_EMPTY] = "an empty password",
    [EHLO_CREDENTIAL_PASSWORD_NEWLINE] = "a line end at the end of the password",
    [EHLO_CREDENTIAL_PASSWORD_BLANK] = "a blank at an end of the password",
    [EHLO_CREDENTIAL_PASSWORD_CONTROL] = "a control character in the password",
    [EHLO_CREDENTIAL_PASSWORD_UNSEEN] = "an unseen character in the password",
    [EHLO_CREDENTIAL_PASSWORD_WRAPPED] = "base64 in several lines",
    [EHLO_CREDENTIAL_PASSWORD_RESPONSE] = "a response in base64",
    [EHLO_CREDENTIAL_PASSWORD_BASE64] = "a password in base64",
    [EHLO_CREDENTIAL_PASSWORD_GROUPS] = "an app password in groups",
    [EHLO_CREDENTIAL_TOKEN_BEARER] = "a token with Bearer",
    [EHLO_CREDENTIAL_TOKEN_JSON] = "a token in JSON",
    [EHLO_CREDENTIAL_TOKEN_CUT] = "a token that is cut",
};

#define BIT(finding) (1U << (finding))
#define REFUSALS                                                         \
  (BIT(EHLO_CREDENTIAL_USER_EMPTY) | BIT(EHLO_CREDENTIAL_USER_CONTROL) | \
   BIT(EHLO_CREDENTIAL_PASSWORD_NUL))

static bool is_base64(struct ehlo_span s) {
  struct ehlo_fuzz_bytes bytes = {0};
  while (s.len > 0 && (s.bytes[s.len - 1] == '\n' || s.bytes[s.len - 1] == '\r')) {
    s.len--;
  }
  bool valid = s.len > 0 && ehlo_reference_unbase64(&bytes, s.bytes, s.len);
  free(bytes.bytes);
  return valid;
}

static uint32_t wanted_refusals(struct ehlo_span user, struct ehlo_span password) {
  uint32_t wanted = user.len == 0 ? BIT(EHLO_CREDENTIAL_USER_EMPTY) : 0;
  for (size_t i = 0; i < user.len; i++) {
    bool control = user.bytes[i] < 32 || user.bytes[i] == 127;
    wanted |= control ? BIT(EHLO_CREDENTIAL_USER_CONTROL) : 0;
  }
  for (size_t i = 0; i < password.len; i++) {
    wanted |= password.bytes[i] == 0 ? BIT(EHLO_CREDENTIAL_PASSWORD_NUL) : 0;
  }
  return wanted;
}

static bool is_printable(struct ehlo_span s) {
  for (size_t i = 0; i < s.len; i++) {
    if (s.bytes[i] < 32 || s.bytes[i] > 126) {
      return false;
    }
  }
  return s.len > 0;
}

// A whole PLAIN response given for the password.
static void look_at_response(struct ehlo_span user, struct ehlo_span password) {
  struct ehlo_fuzz_bytes plain = {0};
  struct ehlo_fuzz_bytes text = {0};
  ehlo_fuzz_fill(&plain, 0, 1);
  ehlo_fuzz_add(&plain, user.bytes, user.len);
  ehlo_fuzz_fill(&plain, 0, 1);
  ehlo_fuzz_add(&plain, password.bytes, password.len);
  ehlo_reference_base64(&text, plain.bytes, plain.len);
  uint32_t found = ehlo_credential_look(user, (struct ehlo_span){text.bytes, text.len});
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, (found & BIT(EHLO_CREDENTIAL_PASSWORD_RESPONSE)) != 0);
  free(plain.bytes);
  free(text.bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  // The user name is what comes before the first '|'.
  const uint8_t *bar = size > 0 ? memchr(data, '|', size) : NULL;
  size_t user_len = bar != NULL ? (size_t)(bar - data) : 0;
  size_t at = bar != NULL ? user_len + 1 : 0;
  struct ehlo_span user = {ehlo_fuzz_copy(data, user_len), user_len};
  struct ehlo_span password = {ehlo_fuzz_copy(data + at, size - at), size - at};
  uint32_t found = ehlo_credential_look(user, password);
  EHLO_FUZZ_CHECK(found < BIT(EHLO_NUM_CREDENTIAL_FINDINGS));
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, (found & REFUSALS) == wanted_refusals(user, password));
  uint32_t base64 = BIT(EHLO_CREDENTIAL_PASSWORD_RESPONSE) | BIT(EHLO_CREDENTIAL_PASSWORD_BASE64);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, (found & base64) == 0 || is_base64(password));
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL,
                     (found & BIT(EHLO_CREDENTIAL_USER_BASE64)) == 0 || is_base64(user));
  if (is_printable(user) && is_printable(password)) {
    look_at_response(user, password);
  }
  for (int i = 0; i < EHLO_NUM_CREDENTIAL_FINDINGS; i++) {
    if ((found >> i & 1) != 0) {
      ehlo_fuzz_reach((size_t)i);
    }
  }
  free((uint8_t *)user.bytes);
  free((uint8_t *)password.bytes);
  return 0;
}
