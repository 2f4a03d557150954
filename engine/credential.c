// What a credential looks like. The bounds here are chosen so that a password made by people or by
// a generator is hardly ever taken for something else.
#include "engine/credential.h"

#include <string.h>

#include "engine/base64.h"

static const struct finding_row {
  const char *name;
  const char *text;
} rows[EHLO_NUM_CREDENTIAL_FINDINGS] = {
    [EHLO_CREDENTIAL_USER_EMPTY] = {"user-empty", "the user name is empty"},
    [EHLO_CREDENTIAL_USER_CONTROL] =
        {"user-control", "the user name has a line end, a NUL or another control character"},
    [EHLO_CREDENTIAL_PASSWORD_NUL] = {"password-nul",
                                      "the password has a NUL byte, which cannot be sent"},
    [EHLO_CREDENTIAL_USER_BLANK] = {"user-blank", "the user name begins or ends with a blank"},
    [EHLO_CREDENTIAL_USER_BASE64] =
        {"user-base64",
         "the user name looks like base64; it is encoded on its way, so give it as it is"},
    [EHLO_CREDENTIAL_PASSWORD_EMPTY] = {"password-empty", "the password is empty"},
    [EHLO_CREDENTIAL_PASSWORD_NEWLINE] =
        {"password-newline", "the password ends with a line end, which is sent as part of it"},
    [EHLO_CREDENTIAL_PASSWORD_BLANK] =
        {"password-blank", "the password begins or ends with a blank, which is sent as part of it"},
    [EHLO_CREDENTIAL_PASSWORD_CONTROL] = {"password-control",
                                          "the password has a control character"},
    [EHLO_CREDENTIAL_PASSWORD_UNSEEN] =
        {"password-unseen",
         "the password has a space or a mark that cannot be seen, as copied text often has"},
    [EHLO_CREDENTIAL_PASSWORD_WRAPPED] =
        {"password-wrapped",
         "the password looks like base64 in several lines; it has to be one (base64 -w0)"},
    [EHLO_CREDENTIAL_PASSWORD_RESPONSE] = {"password-response",
                                           "the password looks like a whole AUTH response in "
                                           "base64; give the password alone, as it is"},
    [EHLO_CREDENTIAL_PASSWORD_BASE64] =
        {"password-base64",
         "the password looks like base64 of text; it is encoded on its way, so give it as it is"},
    [EHLO_CREDENTIAL_PASSWORD_GROUPS] =
        {"password-groups",
         "the password looks like an app password with the blanks that make it readable; if it is "
         "refused, take them out"},
    [EHLO_CREDENTIAL_TOKEN_BEARER] =
        {"token-bearer", "the token begins with \"Bearer\", which is added on its way"},
    [EHLO_CREDENTIAL_TOKEN_JSON] =
        {"token-json",
         "the password is a JSON object; what is wanted is the value of its access_token"},
    [EHLO_CREDENTIAL_TOKEN_CUT] = {"token-cut",
                                   "the token looks like a JSON Web Token whose end is missing"},
};

bool ehlo_credential_is_refusal(enum ehlo_credential_finding finding) {
  return finding < EHLO_CREDENTIAL_USER_BLANK;
}

const char *ehlo_credential_name(enum ehlo_credential_finding finding) {
  return (unsigned)finding < EHLO_NUM_CREDENTIAL_FINDINGS ? rows[finding].name : "unknown";
}

const char *ehlo_credential_text(enum ehlo_credential_finding finding) {
  return (unsigned)finding < EHLO_NUM_CREDENTIAL_FINDINGS ? rows[finding].text : "unknown";
}

// ---- Octets ---------------------------------------------------------------------------------------

static uint32_t bit(enum ehlo_credential_finding finding, bool found) {
  return found ? 1U << finding : 0;
}

static bool is_control(uint8_t c) {
  return c < ' ' || c == 0x7f;
}

static bool is_line_end(uint8_t c) {
  return c == '\r' || c == '\n';
}

static bool is_blank(uint8_t c) {
  return c == ' ' || c == '\t';
}

static bool is_letter(uint8_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(uint8_t c) {
  return c >= '0' && c <= '9';
}

static bool begins_with(struct ehlo_span s, const char *text) {
  size_t len = strlen(text);
  return s.len >= len && memcmp(s.bytes, text, len) == 0;
}

static bool has_control(struct ehlo_span s) {
  for (size_t i = 0; i < s.len; i++) {
    if (is_control(s.bytes[i])) {
      return true;
    }
  }
  return false;
}

static bool has_blank_at_end(struct ehlo_span s) {
  return s.len > 0 && (is_blank(s.bytes[0]) || is_blank(s.bytes[s.len - 1]));
}

static struct ehlo_span without_line_ends(struct ehlo_span s) {
  while (s.len > 0 && is_line_end(s.bytes[s.len - 1])) {
    s.len--;
  }
  return s;
}

// Octets of the invisible character at `s`: U+00A0, U+200B to U+200F, U+2060, U+FEFF in UTF-8; else
// 0.
static size_t unseen_len(struct ehlo_span s) {
  if (begins_with(s, "\xc2\xa0")) {
    return 2;
  }
  bool zero_width =
      begins_with(s, "\xe2\x80") && s.len > 2 && s.bytes[2] >= 0x8b && s.bytes[2] <= 0x8f;
  return zero_width || begins_with(s, "\xe2\x81\xa0") || begins_with(s, "\xef\xbb\xbf") ? 3 : 0;
}

static struct ehlo_span from(struct ehlo_span s, size_t at) {
  return (struct ehlo_span){s.bytes + at, s.len - at};
}

static bool has_unseen(struct ehlo_span s) {
  for (size_t i = 0; i < s.len; i++) {
    if (unseen_len(from(s, i)) > 0) {
      return true;
    }
  }
  return false;
}

// ---- Base64 ---------------------------------------------------------------------------------------

// What a text decodes to, learnt block by block so that no copy of it stays.
struct decoded {
  bool valid;
  bool padded;
  bool is_text;  // printable ASCII, but for `num_nuls` and `num_soh`
  bool has_at;
  bool is_user;
  bool is_gs2;  // it begins as an XOAUTH2 or OAUTHBEARER response does
  size_t len;
  size_t num_nuls;
  size_t num_soh;  // ^A, which parts the fields of these
};

#define BLOCK_TEXT ((size_t)64)
#define BLOCK_BYTES (BLOCK_TEXT / 4 * 3)

static void look_at_block(struct decoded *d, const uint8_t *bytes, size_t len,
                          struct ehlo_span user) {
  if (d->len == 0) {
    struct ehlo_span start = {bytes, len};
    d->is_gs2 = begins_with(start, "user=") || begins_with(start, "n,");
  }
  for (size_t i = 0; i < len; i++) {
    uint8_t c = bytes[i];
    d->num_nuls += c == 0;
    d->num_soh += c == 1;
    d->has_at = d->has_at || c == '@';
    d->is_text = d->is_text && (c <= 1 || (c >= ' ' && c < 0x7f));
    d->is_user = d->is_user && d->len + i < user.len && c == user.bytes[d->len + i];
  }
  d->len += len;
}

// The bytes are a password's, so they are gone afterwards, whatever the compiler thinks of it.
static void forget(volatile uint8_t *bytes, size_t len) {
  for (size_t i = 0; i < len; i++) {
    bytes[i] = 0;
  }
}

static struct decoded decode(struct ehlo_span text, struct ehlo_span user) {
  struct decoded d = {.valid = text.len > 0, .is_text = true, .is_user = true};
  uint8_t bytes[BLOCK_BYTES];
  for (size_t at = 0; at < text.len && d.valid; at += BLOCK_TEXT) {
    size_t left = text.len - at;
    struct ehlo_span block = {text.bytes + at, left < BLOCK_TEXT ? left : BLOCK_TEXT};
    size_t len = 0;
    bool padding = block.bytes[block.len - 1] == '=';
    d.valid = ehlo_base64_decode(bytes, &len, block) && (!padding || left <= BLOCK_TEXT);
    d.padded = padding;
    look_at_block(&d, bytes, len, user);
  }
  d.is_user = d.is_user && d.len == user.len;
  forget(bytes, sizeof(bytes));
  return d;
}

// [authzid] NUL authcid NUL passwd, or what XOAUTH2 and OAUTHBEARER send: three ^A, or more.
static bool is_response(const struct decoded *d) {
  bool plain = d->num_nuls == 2 && d->num_soh == 0 && d->len > 3;
  bool bearer = d->num_nuls == 0 && d->num_soh >= 3 && d->is_gs2;
  return d->valid && d->is_text && (plain || bearer);
}

// Padding is seldom in a password and tells more than the alphabet alone: of random text of that
// length, one in 3000 (one in 100,000) decodes to printable characters.
#define TEXT_LEN_PADDED 8
#define TEXT_LEN 12

static bool is_encoded_text(const struct decoded *d) {
  bool long_enough = d->len >= (d->padded ? TEXT_LEN_PADDED : TEXT_LEN);
  return d->valid && d->is_text && d->num_nuls == 0 && d->num_soh == 0 &&
         (long_enough || d->is_user);
}

// "alice@example.com" is what a name decodes to, or any text where there is padding.
static bool is_encoded_name(struct ehlo_span user) {
  struct decoded d = decode(user, (struct ehlo_span){NULL, 0});
  return d.valid && d.is_text && d.num_nuls == 0 && d.num_soh == 0 && d.len >= 3 &&
         (d.has_at || d.padded);
}

static bool is_base64_octet(uint8_t c) {
  return is_letter(c) || is_digit(c) || c == '+' || c == '/' || c == '=';
}

// Octets up to the next line end.
static size_t line_len(struct ehlo_span s) {
  size_t len = 0;
  while (len < s.len && !is_line_end(s.bytes[len])) {
    len++;
  }
  return len;
}

// Two or more lines of base64, all but the last of one length: 76 from base64(1) and MIME, 64 from
// openssl and PEM, 60 and 72 from others. A short first line may be a password, with something
// behind it.
#define WRAPPED_LINE_MIN 60

static bool is_wrapped(struct ehlo_span s) {
  size_t first_len = line_len(s);
  size_t num_lines = 0;
  for (struct ehlo_span rest = without_line_ends(s); rest.len > 0; num_lines++) {
    size_t len = line_len(rest);
    bool last = len == rest.len;
    if (len > first_len || (!last && len != first_len)) {
      return false;
    }
    for (size_t i = 0; i < len; i++) {
      if (!is_base64_octet(rest.bytes[i])) {
        return false;
      }
    }
    rest = from(rest, len);
    rest = from(rest, begins_with(rest, "\r\n") ? 2 : rest.len > 0 ? 1 : 0);
  }
  return num_lines > 1 && first_len >= WRAPPED_LINE_MIN && first_len % 4 == 0;
}

// ---- Passwords and tokens -------------------------------------------------------------------------

// "abcd efgh ijkl mnop", with blanks or no-break spaces.
static bool is_in_groups(struct ehlo_span s) {
  for (size_t group = 0; group < 4; group++) {
    if (s.len < 4) {
      return false;
    }
    for (size_t i = 0; i < 4; i++) {
      if (s.bytes[i] < 'a' || s.bytes[i] > 'z') {
        return false;
      }
    }
    s = from(s, 4);
    size_t gap = s.len > 0 && s.bytes[0] == ' ' ? 1 : unseen_len(s);
    if (group < 3 && gap == 0) {
      return false;
    }
    s = from(s, group < 3 ? gap : 0);
  }
  return s.len == 0;
}

static bool is_bearer(struct ehlo_span s) {
  static const char word[] = "bearer ";
  for (size_t i = 0; i < sizeof(word) - 1; i++) {
    if (i >= s.len || (s.bytes[i] | 0x20) != word[i]) {
      return false;
    }
  }
  return true;
}

// From brace to brace, with a name and its colon inside.
static bool is_json(struct ehlo_span s) {
  s = without_line_ends(s);
  if (s.len < 2 || s.bytes[0] != '{' || s.bytes[s.len - 1] != '}') {
    return false;
  }
  size_t at = 1;
  while (is_blank(s.bytes[at]) || is_line_end(s.bytes[at])) {
    at++;  // the brace at the end stops it
  }
  return s.bytes[at] == '"' && memchr(s.bytes + at, ':', s.len - at) != NULL;
}

// RFC 7515 §7.1: three parts of base64url with dots between; the first begins with `{"`, "eyJ"
// encoded. Two parts that long are nothing that people make up.
#define CUT_TOKEN_MIN 40

static bool is_cut_token(struct ehlo_span s) {
  size_t num_dots = 0;
  s = without_line_ends(s);
  for (size_t i = 0; i < s.len; i++) {
    uint8_t c = s.bytes[i];
    num_dots += c == '.';
    if (!is_letter(c) && !is_digit(c) && c != '-' && c != '_' && c != '.') {
      return false;
    }
  }
  return begins_with(s, "eyJ") && s.len >= CUT_TOKEN_MIN &&
         (num_dots == 1 || (num_dots == 2 && s.bytes[s.len - 1] == '.'));
}

static uint32_t look_at_user(struct ehlo_span user) {
  return bit(EHLO_CREDENTIAL_USER_EMPTY, user.len == 0) |
         bit(EHLO_CREDENTIAL_USER_CONTROL, has_control(user)) |
         bit(EHLO_CREDENTIAL_USER_BLANK, has_blank_at_end(user)) |
         bit(EHLO_CREDENTIAL_USER_BASE64, is_encoded_name(user));
}

static uint32_t look_at_password(struct ehlo_span whole, struct ehlo_span user) {
  struct ehlo_span s = without_line_ends(whole);
  struct decoded d = decode(s, user);
  bool response = is_response(&d);
  bool wrapped = is_wrapped(s);
  bool json = is_json(s);
  return bit(EHLO_CREDENTIAL_PASSWORD_NUL, s.len > 0 && memchr(s.bytes, 0, s.len) != NULL) |
         bit(EHLO_CREDENTIAL_PASSWORD_EMPTY, s.len == 0) |
         bit(EHLO_CREDENTIAL_PASSWORD_NEWLINE, s.len < whole.len) |
         bit(EHLO_CREDENTIAL_PASSWORD_BLANK, has_blank_at_end(s)) |
         bit(EHLO_CREDENTIAL_PASSWORD_CONTROL, has_control(s) && !wrapped && !json) |
         bit(EHLO_CREDENTIAL_PASSWORD_UNSEEN, has_unseen(s)) |
         bit(EHLO_CREDENTIAL_PASSWORD_WRAPPED, wrapped) |
         bit(EHLO_CREDENTIAL_PASSWORD_RESPONSE, response) |
         bit(EHLO_CREDENTIAL_PASSWORD_BASE64, !response && is_encoded_text(&d)) |
         bit(EHLO_CREDENTIAL_PASSWORD_GROUPS, is_in_groups(s)) |
         bit(EHLO_CREDENTIAL_TOKEN_BEARER, is_bearer(s)) | bit(EHLO_CREDENTIAL_TOKEN_JSON, json) |
         bit(EHLO_CREDENTIAL_TOKEN_CUT, is_cut_token(s));
}

uint32_t ehlo_credential_look(struct ehlo_span user, struct ehlo_span password) {
  return look_at_user(user) | look_at_password(password, user);
}
