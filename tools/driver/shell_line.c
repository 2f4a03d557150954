// See shell_line.h.
#include "tools/driver/shell_line.h"

#include <string.h>
#include <strings.h>

#include "engine/base64.h"

static struct ehlo_span behind(struct ehlo_span text, size_t n) {
  return (struct ehlo_span){text.bytes + n, text.len - n};
}

static size_t skip_blanks(struct ehlo_span text, size_t at) {
  while (at < text.len && text.bytes[at] == ' ') {
    at++;
  }
  return at;
}

static size_t skip_word(struct ehlo_span text, size_t at) {
  while (at < text.len && text.bytes[at] != ' ') {
    at++;
  }
  return at;
}

static bool begins(struct ehlo_span text, const char *word) {
  size_t len = strlen(word);
  return text.len >= len && strncasecmp((const char *)text.bytes, word, len) == 0;
}

// ---- Where a credential stands ------------------------------------------------------------------

// AUTH, with what is typed in its place: two letters swapped, one left out, something added.
static bool is_like_auth(struct ehlo_span word) {
  static const char *const likes[] = {"AUTH", "ATUH", "UATH", "AUHT", "AUT", "ATH", "UTH", "AUH"};
  for (size_t i = 0; i < sizeof(likes) / sizeof(likes[0]); i++) {
    bool same = word.len == strlen(likes[i]) && begins(word, likes[i]);
    if (same || (i == 0 && begins(word, likes[0]))) {
      return true;
    }
  }
  return false;
}

static bool is_mechanism(struct ehlo_span word) {
  static const char *const names[] = {"PLAIN",    "LOGIN", "XOAUTH2", "OAUTHBEARER", "EXTERNAL",
                                      "CRAM-MD5", "NTLM",  "GSSAPI",  "DIGEST-MD5"};
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    if (word.len == strlen(names[i]) && begins(word, names[i])) {
      return true;
    }
  }
  return begins(word, "SCRAM-");
}

// From where on the text is a credential; its length where there is none. RFC 4954 §4: "AUTH" SP
// sasl-mech [SP (initial-response / "=")]. A mistyped AUTH, and one without its blank, would give
// as much away.
static size_t secret_start(struct ehlo_span text) {
  size_t first = skip_blanks(text, 0);
  size_t first_end = skip_word(text, first);
  size_t second = skip_blanks(text, first_end);
  size_t second_end = skip_word(text, second);
  size_t third = skip_blanks(text, second_end);
  struct ehlo_span verb = {text.bytes + first, first_end - first};
  bool auth = is_like_auth(verb);
  bool joined = auth && verb.len > 4 && is_mechanism(behind(verb, 4));
  bool empty = third + 1 == text.len && text.bytes[third] == '=';
  if (joined) {
    return second;
  }
  if (!auth && !is_mechanism((struct ehlo_span){text.bytes + second, second_end - second})) {
    return text.len;
  }
  return empty ? text.len : third;
}

static void find_secret(struct shell_line *out, bool after_auth) {
  size_t at = secret_start(out->text);
  if (after_auth && out->verb == EHLO_VERB_OTHER && at == out->text.len) {
    at = 0;
  }
  out->secret = behind(out->text, at);
}

// ---- Lines --------------------------------------------------------------------------------------

void shell_line_read(struct shell_line *out, struct ehlo_span typed, bool after_auth) {
  *out = (struct shell_line){.text = typed};
  if (begins(typed, "::")) {
    out->text = behind(typed, 1);
  } else if (begins(typed, ":raw ")) {
    out->text = behind(typed, strlen(":raw "));
    out->raw = true;
  } else if (begins(typed, ":")) {
    out->text = behind(typed, 1);
    out->helper = true;
    find_secret(out, false);  // who types one behind ":auth" does not mean it for the history
    return;
  }
  out->verb = ehlo_verb_of_line(out->text);
  find_secret(out, after_auth && !out->raw);
}

bool shell_line_secret_follows(struct ehlo_span typed) {
  struct shell_line line;
  static const char next[] = "x";
  uint8_t text[128];
  if (typed.len == 0 || typed.len >= sizeof(text) - 1 || typed.bytes[typed.len - 1] != ' ') {
    return false;
  }
  memcpy(text, typed.bytes, typed.len);
  memcpy(text + typed.len, next, 1);
  shell_line_read(&line, (struct ehlo_span){text, typed.len + 1}, false);
  return line.secret.len == 1;
}

bool shell_line_response(uint8_t *out, size_t *out_len, struct ehlo_span typed) {
  return typed.len <= EHLO_TOKEN_MAX && ehlo_base64_decode(out, out_len, typed);
}

struct ehlo_span shell_line_kernel(struct ehlo_span decoded) {
  const uint8_t *nul = decoded.len > 0 ? memrchr(decoded.bytes, '\0', decoded.len) : NULL;
  return nul != NULL ? behind(decoded, (size_t)(nul - decoded.bytes) + 1) : decoded;
}

bool shell_line_ends_data(struct ehlo_span typed) {
  return typed.len == 1 && typed.bytes[0] == '.';
}
