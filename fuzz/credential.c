// The look at a credential reads nothing beyond it, refuses exactly what cannot be sent, sees every
// response that it promises to see, takes for base64 only what is base64, and warns exactly of what a second
// reading of the same rules warns of. How a JSON object looks is left to the engine alone.
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

// ---- The warnings, read a second time -------------------------------------------------------------

static bool is_among(uint8_t c, const char *set) {
  return c != 0 && strchr(set, c) != NULL;
}

static bool is_alphanumeric(uint8_t c) {
  return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static bool starts(struct ehlo_span s, size_t at, const char *text) {
  size_t len = strlen(text);
  return s.len - at >= len && memcmp(s.bytes + at, text, len) == 0;
}

static bool has_blank_end(struct ehlo_span s) {
  return s.len > 0 && (is_among(s.bytes[0], " \t") || is_among(s.bytes[s.len - 1], " \t"));
}

// Octets of the mark at `at` that nobody sees, 0 if it is none.
static size_t mark_len(struct ehlo_span s, size_t at) {
  static const char *const marks[] = {"\xc2\xa0",     "\xe2\x80\x8b", "\xe2\x80\x8c",
                                      "\xe2\x80\x8d", "\xe2\x80\x8e", "\xe2\x80\x8f",
                                      "\xe2\x81\xa0", "\xef\xbb\xbf"};
  for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
    if (starts(s, at, marks[i])) {
      return strlen(marks[i]);
    }
  }
  return 0;
}

// Four times four small letters, with a blank or a mark between.
static bool is_grouped(struct ehlo_span s) {
  size_t at = 0;
  for (size_t i = 0; i < 16; i++, at++) {
    if (i > 0 && i % 4 == 0) {
      size_t gap = starts(s, at, " ") ? 1 : mark_len(s, at);
      at += gap;
      if (gap == 0) {
        return false;
      }
    }
    if (at >= s.len || s.bytes[at] < 'a' || s.bytes[at] > 'z') {
      return false;
    }
  }
  return at == s.len;
}

// Lines of the alphabet, a multiple of four and at least 60 octets long, the last one maybe shorter.
static bool is_in_lines(struct ehlo_span s) {
  size_t first = 0;
  size_t len = 0;
  size_t num = 1;
  for (size_t at = 0; at < s.len; at++) {
    if (is_alphanumeric(s.bytes[at]) || is_among(s.bytes[at], "+/=")) {
      len++;
    } else if (is_among(s.bytes[at], "\r\n") && (num == 1 || len == first)) {
      first = len;
      len = 0;
      num++;
      at += starts(s, at, "\r\n");
    } else {
      return false;
    }
  }
  return num > 1 && len <= first && first >= 60 && first % 4 == 0;
}

static bool is_cut(struct ehlo_span s) {
  size_t dots = 0;
  for (size_t i = 0; i < s.len; i++) {
    dots += s.bytes[i] == '.';
    if (!is_alphanumeric(s.bytes[i]) && !is_among(s.bytes[i], "-_.")) {
      return false;
    }
  }
  return s.len >= 40 && starts(s, 0, "eyJ") &&
         (dots == 1 || (dots == 2 && s.bytes[s.len - 1] == '.'));
}

// What base64 says: bits of the three findings that are about it, as the text is one or another.
static uint32_t wanted_base64(struct ehlo_span user, struct ehlo_span s, bool as_user) {
  struct ehlo_fuzz_bytes b = {0};
  bool text = s.len > 0 && ehlo_reference_unbase64(&b, s.bytes, s.len);
  if (!text) {
    ehlo_fuzz_clear(&b);  // what was not decoded was not written
  }
  size_t nuls = 0;
  size_t sohs = 0;
  bool at_sign = false;
  for (size_t i = 0; i < b.len; i++) {
    nuls += b.bytes[i] == 0;
    sohs += b.bytes[i] == 1;
    at_sign |= b.bytes[i] == '@';
    text = text && (b.bytes[i] < 2 || (b.bytes[i] >= 32 && b.bytes[i] < 127));
  }
  struct ehlo_span plain = {b.bytes, b.len};
  bool padded = s.len > 0 && s.bytes[s.len - 1] == '=';
  bool same = b.len == user.len && b.len > 0 && memcmp(b.bytes, user.bytes, b.len) == 0;
  bool bearer = starts(plain, 0, "user=") || starts(plain, 0, "n,");
  bool response =
      text && ((nuls == 2 && sohs == 0 && b.len > 3) || (nuls == 0 && sohs >= 3 && bearer));
  bool words = text && nuls + sohs == 0;
  uint32_t bits = words && b.len >= 3 && (at_sign || padded) ? BIT(EHLO_CREDENTIAL_USER_BASE64) : 0;
  if (!as_user) {
    bits = response ? BIT(EHLO_CREDENTIAL_PASSWORD_RESPONSE) : 0;
    words = words && (b.len >= (padded ? 8 : 12) || same);
    bits |= words ? BIT(EHLO_CREDENTIAL_PASSWORD_BASE64) : 0;
  }
  free(b.bytes);
  return bits;
}

static uint32_t wanted_warnings(struct ehlo_span user, struct ehlo_span whole, bool json) {
  struct ehlo_span s = whole;
  bool control = false;
  bool unseen = false;
  bool bearer = s.len >= 7;
  while (s.len > 0 && is_among(s.bytes[s.len - 1], "\r\n")) {
    s.len--;
  }
  for (size_t i = 0; i < s.len; i++) {
    control |= s.bytes[i] < 32 || s.bytes[i] == 127;
    unseen |= mark_len(s, i) > 0;
  }
  for (size_t i = 0; i < 7; i++) {
    bearer = bearer && s.len > i && (s.bytes[i] | 0x20) == "bearer "[i];
  }
  bool lines = is_in_lines(s);
  return (has_blank_end(user) ? BIT(EHLO_CREDENTIAL_USER_BLANK) : 0) |
         (s.len == 0 ? BIT(EHLO_CREDENTIAL_PASSWORD_EMPTY) : 0) |
         (s.len < whole.len ? BIT(EHLO_CREDENTIAL_PASSWORD_NEWLINE) : 0) |
         (has_blank_end(s) ? BIT(EHLO_CREDENTIAL_PASSWORD_BLANK) : 0) |
         (control && !lines && !json ? BIT(EHLO_CREDENTIAL_PASSWORD_CONTROL) : 0) |
         (unseen ? BIT(EHLO_CREDENTIAL_PASSWORD_UNSEEN) : 0) |
         (lines ? BIT(EHLO_CREDENTIAL_PASSWORD_WRAPPED) : 0) |
         (is_grouped(s) ? BIT(EHLO_CREDENTIAL_PASSWORD_GROUPS) : 0) |
         (bearer ? BIT(EHLO_CREDENTIAL_TOKEN_BEARER) : 0) |
         (is_cut(s) ? BIT(EHLO_CREDENTIAL_TOKEN_CUT) : 0) | wanted_base64(user, user, true) |
         wanted_base64(user, s, false);
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
  uint32_t json = found & BIT(EHLO_CREDENTIAL_TOKEN_JSON);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL,
                     (found & ~REFUSALS & ~json) == wanted_warnings(user, password, json != 0));
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
