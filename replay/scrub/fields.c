// What counts: a value in quotes behind a key that is a password's or a token's, as in JSON, PHP, Python
// and YAML; --auth-password and its like of swaks and curl; "Authorization:"; the session keys that
// s_client prints. Prose about passwords does not: it has no quotes, or no such key before them.
#include "replay/scrub/fields.h"

#include <string.h>

#include "replay/scrub/credential.h"

#define VALUE_MAX ((size_t)4096)

static uint8_t lower(uint8_t c) {
  return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

static bool is_letter(uint8_t c) {
  return lower(c) >= 'a' && lower(c) <= 'z';
}

static bool is_blank(uint8_t c) {
  return c == ' ' || c == '\t';
}

static bool says(const uint8_t *text, size_t len, const char *word) {
  size_t word_len = strlen(word);
  for (size_t i = 0; i < word_len; i++) {
    if (i >= len || lower(text[i]) != (uint8_t)word[i]) {
      return false;
    }
  }
  return true;
}

static bool says_anywhere(const uint8_t *text, size_t len, const char *word) {
  for (size_t at = 0; at < len; at++) {
    if (lower(text[at]) == (uint8_t)word[0] && says(text + at, len - at, word)) {
      return true;
    }
  }
  return false;
}

// ---- Keys with values in quotes -----------------------------------------------------------------

// Whether the key that ends at `end` is that of a secret.
static bool is_secret_key(const uint8_t *line, size_t end) {
  static const struct {
    const char *word;
    bool whole;  // of the key, or of a part of it
  } keys[] = {{"password", false},     {"passwd", false},      {"pass", true},
              {"accesstoken", true},   {"access_token", true}, {"refreshtoken", true},
              {"refresh_token", true}, {"clientsecret", true}, {"client_secret", true}};
  for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
    size_t len = strlen(keys[i].word);
    if (end < len || !says(line + end - len, len, keys[i].word)) {
      continue;
    }
    bool begins = end == len || !is_letter(line[end - len - 1]) ||
                  (line[end - len] < 'a' && line[end - len - 1] >= 'a');
    if (!keys[i].whole || begins) {
      return true;
    }
  }
  return false;
}

// In "'passwd:' and 'group:'" the quote at `at` does not begin a value: it ends what the key is in.
static bool is_end_of_quote(const uint8_t *line, size_t at, size_t key_end) {
  size_t start = key_end;
  while (start > 0 && (is_letter(line[start - 1]) || line[start - 1] == '_')) {
    start--;
  }
  return at == key_end + 1 && start > 0 && line[start - 1] == line[at];
}

// A quote at `at` begins a value behind such a key.
static bool follows_secret_key(const uint8_t *line, size_t at) {
  size_t end = at;
  while (end > 0 && is_blank(line[end - 1])) {
    end--;
  }
  if (end > 1 && line[end - 1] == '>' && line[end - 2] == '=') {
    end -= 2;
  } else if (end > 0 && (line[end - 1] == ':' || line[end - 1] == '=')) {
    end--;
  } else {
    return false;
  }
  while (end > 0 && (is_blank(line[end - 1]) || line[end - 1] == ']')) {
    end--;
  }
  if (end > 0 && (line[end - 1] == '"' || line[end - 1] == '\'')) {
    end--;
  }
  return is_secret_key(line, end) && !is_end_of_quote(line, at, end);
}

// Of what stands between two quotes, the second one with no backslash before it.
static size_t quoted_len(const uint8_t *text, size_t len, uint8_t quote) {
  for (size_t i = 0; i < len && i < VALUE_MAX; i++) {
    if (text[i] == quote) {
      return i;
    }
    i += text[i] == '\\';
  }
  return 0;
}

// A mask such as "********" hides what it should.
static bool is_mask(const uint8_t *text, size_t len) {
  size_t same = 0;
  while (same < len && text[same] == text[0]) {
    same++;
  }
  return same == len || scrub_is_placeholder(text, len);
}

static bool quoted_value(struct scrub_field *out, const uint8_t *line, size_t len, size_t at) {
  if ((line[at] != '"' && line[at] != '\'') || !follows_secret_key(line, at)) {
    return false;
  }
  size_t value_len = quoted_len(line + at + 1, len - at - 1, line[at]);
  *out = (struct scrub_field){at + 1, value_len, "a value under a password's name"};
  return value_len > 0 && !is_mask(line + at + 1, value_len);
}

// ---- Words behind words -------------------------------------------------------------------------

static bool is_token_char(uint8_t c) {
  return is_letter(c) || (c >= '0' && c <= '9') || (c != '\0' && strchr("._~+/=-", c) != NULL);
}

static size_t run(const uint8_t *text, size_t len, bool (*is)(uint8_t)) {
  size_t n = 0;
  while (n < len && is(text[n])) {
    n++;
  }
  return n;
}

static bool is_hex(uint8_t c) {
  return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'f');
}

static bool is_shell_char(uint8_t c) {
  return c > ' ' && c != 0x7f;
}

// A word of a command line at `at`, without the quotes around it.
static bool shell_word(struct scrub_field *out, const uint8_t *line, size_t len, size_t at) {
  uint8_t quote = at < len ? line[at] : 0;
  bool quoted = quote == '"' || quote == '\'';
  out->at = quoted ? at + 1 : at;
  out->len = quoted ? quoted_len(line + at + 1, len - at - 1, quote)
                    : run(line + at, len - at, is_shell_char);
  return out->len > 0 && !is_mask(line + out->at, out->len) && line[out->at] != '$' &&
         line[out->at] != '<';
}

// "--user NAME:PASSWORD": what is behind the colon.
static bool behind_colon(struct scrub_field *out, const uint8_t *line) {
  const uint8_t *colon = memchr(line + out->at, ':', out->len);
  if (colon == NULL) {
    return false;
  }
  size_t skipped = (size_t)(colon - line) + 1 - out->at;
  out->at += skipped;
  out->len -= skipped;
  return out->len > 0;
}

static bool option_value(struct scrub_field *out, const uint8_t *line, size_t len, size_t at) {
  static const struct {
    const char *option;
    const char *program;
    bool colon;
  } options[] = {
      {"--auth-password", "swaks", false}, {"--ap", "swaks", false}, {"-ap", "swaks", false},
      {"--oauth2-bearer", "curl", false},  {"--user", "curl", true}, {"-u", "curl", true}};
  if (at > 0 && !is_blank(line[at - 1])) {
    return false;
  }
  for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
    size_t end = at + strlen(options[i].option);
    if (end >= len || memcmp(line + at, options[i].option, end - at) != 0 ||
        (!is_blank(line[end]) && line[end] != '=') ||
        !says_anywhere(line, at, options[i].program)) {
      continue;
    }
    while (end < len && (is_blank(line[end]) || line[end] == '=')) {
      end++;
    }
    out->what = "a password on a command line";
    return shell_word(out, line, len, end) && (!options[i].colon || behind_colon(out, line));
  }
  return false;
}

static bool named_value(struct scrub_field *out, const uint8_t *line, size_t len, size_t at) {
  static const struct {
    const char *name;
    size_t least;
    bool (*is)(uint8_t);
    const char *what;
  } names[] = {{"authorization: bearer ", 8, is_token_char, "a bearer token"},
               {"auth=bearer ", 8, is_token_char, "a bearer token"},
               {"authorization: basic ", 8, is_token_char, "a Basic credential"},
               {"master-key: ", 32, is_hex, "the key of a TLS session"},
               {"resumption psk: ", 32, is_hex, "the key of a TLS session"}};
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    size_t name_len = strlen(names[i].name);
    if (!says(line + at, len - at, names[i].name)) {
      continue;
    }
    size_t n = run(line + at + name_len, len - at - name_len, names[i].is);
    *out = (struct scrub_field){at + name_len, n, names[i].what};
    return n >= names[i].least && !is_mask(line + out->at, n);
  }
  return false;
}

bool scrub_field_next(struct scrub_field *out, const uint8_t *line, size_t len, size_t from) {
  for (size_t at = from; at < len; at++) {
    bool is_value = false;
    switch (line[at]) {
      case '"':
      case '\'':
        is_value = quoted_value(out, line, len, at);
        break;
      case '-':
        is_value = option_value(out, line, len, at);
        break;
      case 'a':
      case 'A':
      case 'm':
      case 'M':
      case 'r':
      case 'R':
        is_value = (at == 0 || !is_letter(line[at - 1])) && named_value(out, line, len, at);
        break;
      default:
        break;
    }
    if (is_value) {
      return true;
    }
  }
  return false;
}
