// What may be shown of a client's line. The words that are known are listed here, and nothing else
// is taken for harmless behind AUTH: people type their user name there.
#include "replay/tap/hide.h"

#include <string.h>

// Octets before the first letter of a command (blanks, a telnet's negotiation) and of one word. What
// goes beyond is hidden.
#define LEAD_MAX ((size_t)128)
#define WORD_MAX ((size_t)64)

// ---- Words --------------------------------------------------------------------------------------

static uint8_t upper(uint8_t c) {
  return c >= 'a' && c <= 'z' ? (uint8_t)(c - 'a' + 'A') : c;
}

static bool is_letter_or_digit(uint8_t c) {
  return (upper(c) >= 'A' && upper(c) <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_blank(uint8_t c) {
  return c <= ' ';
}

static bool same_start(const uint8_t *bytes, const char *upper_case, size_t len) {
  for (size_t i = 0; i < len; i++) {
    if (upper(bytes[i]) != (uint8_t)upper_case[i]) {
      return false;
    }
  }
  return true;
}

bool ehlo_hide_same(struct ehlo_span word, const char *name) {
  return word.len == strlen(name) && same_start(word.bytes, name, word.len);
}

static bool is_listed(struct ehlo_span word, const char *const *names, size_t num) {
  for (size_t i = 0; i < num; i++) {
    if (ehlo_hide_same(word, names[i])) {
      return true;
    }
  }
  return false;
}

// ---- Mechanisms ---------------------------------------------------------------------------------

// IANA's "Simple Authentication and Security Layer (SASL) Mechanisms", then those in use without
// being there.
static const char *const mechanisms[] = {
    "9798-M-DSA-SHA1",
    "9798-M-ECDSA-SHA1",
    "9798-M-RSA-SHA1-ENC",
    "9798-U-DSA-SHA1",
    "9798-U-ECDSA-SHA1",
    "9798-U-RSA-SHA1-ENC",
    "ANONYMOUS",
    "CRAM-MD5",
    "DIGEST-MD5",
    "EAP-AES128",
    "EAP-AES128-PLUS",
    "ECDH-X25519-CHALLENGE",
    "ECDSA-NIST256P-CHALLENGE",
    "EXTERNAL",
    "GS2-KRB5",
    "GS2-KRB5-PLUS",
    "GSS-SPNEGO",
    "GSSAPI",
    "KERBEROS_V4",
    "KERBEROS_V5",
    "LOGIN",
    "NMAS-SAMBA-AUTH",
    "NMAS_AUTHEN",
    "NMAS_LOGIN",
    "NTLM",
    "OAUTH10A",
    "OAUTHBEARER",
    "OPENID20",
    "OTP",
    "PLAIN",
    "SAML20",
    "SAML20EC",
    "SCRAM-SHA-1",
    "SCRAM-SHA-1-PLUS",
    "SCRAM-SHA-256",
    "SCRAM-SHA-256-PLUS",
    "SECURID",
    "SKEY",
    "SPNEGO",
    "SPNEGO-PLUS",
    "SXOVER-PLUS",
    "XOAUTH",
    "XOAUTH2",
    // Not registered.
    "CRAM-SHA1",
    "CRAM-SHA256",
    "DPA",
    "EXCHANGEAUTH",
    "HT-SHA-256-ENDP",
    "HT-SHA-256-EXPR",
    "HT-SHA-256-NONE",
    "HT-SHA-256-UNIQ",
    "MSN",
    "PASSDSS-3DES-1",
    "PLAIN-CLIENTTOKEN",
    "SCRAM-MD5",
    "SCRAM-SHA-224",
    "SCRAM-SHA-224-PLUS",
    "SCRAM-SHA-384",
    "SCRAM-SHA-384-PLUS",
    "SCRAM-SHA-512",
    "SCRAM-SHA-512-PLUS",
    "SCRAM-SHA3-512",
    "SCRAM-SHA3-512-PLUS",
    "SRP",
    "XCLIENT",
    "XYMCOOKIE",
    "XYMCOOKIEB64",
    "XYMPKI",
    "X-EXPS",
};

static bool is_offered(struct ehlo_span word, const struct ehlo_offered *offered) {
  for (size_t at = 0; at + word.len + 2 <= offered->len; at++) {
    if (offered->names[at] == ' ' && offered->names[at + 1 + word.len] == ' ' &&
        same_start(word.bytes, offered->names + at + 1, word.len)) {
      return true;
    }
  }
  return false;
}

bool ehlo_hide_is_mechanism(struct ehlo_span word, const struct ehlo_offered *offered) {
  return word.len > 0 && (is_listed(word, mechanisms, sizeof(mechanisms) / sizeof(mechanisms[0])) ||
                          is_offered(word, offered));
}

// RFC 4422 §3.1, in any case and with room for names that are a little long.
static bool is_mechanism_name(struct ehlo_span word) {
  for (size_t i = 0; i < word.len; i++) {
    if (!is_letter_or_digit(word.bytes[i]) && word.bytes[i] != '-' && word.bytes[i] != '_') {
      return false;
    }
  }
  return word.len > 0 && word.len <= WORD_MAX;
}

static void offer(struct ehlo_offered *o, struct ehlo_span word) {
  if (!is_mechanism_name(word) || is_offered(word, o) || word.len + 2 > sizeof(o->names) - o->len) {
    return;
  }
  if (o->len == 0) {
    o->names[o->len++] = ' ';
  }
  for (size_t i = 0; i < word.len; i++) {
    o->names[o->len++] = (char)upper(word.bytes[i]);
  }
  o->names[o->len++] = ' ';
}

void ehlo_offered_add(struct ehlo_offered *o, struct ehlo_span line) {
  static const char code[] = "250";
  static const char keyword[] = "AUTH";
  size_t keyword_at = sizeof(code);  // behind the separator
  size_t at = keyword_at + sizeof(keyword);
  if (line.len <= at || memcmp(line.bytes, code, sizeof(code) - 1) != 0 ||
      !same_start(line.bytes + keyword_at, keyword, sizeof(keyword) - 1) ||
      (line.bytes[at - 1] != ' ' && line.bytes[at - 1] != '=')) {
    return;
  }
  while (at < line.len) {
    size_t end = at;
    while (end < line.len && !is_blank(line.bytes[end])) {
      end++;
    }
    offer(o, (struct ehlo_span){line.bytes + at, end - at});
    at = end + 1;
  }
}

// ---- Commands -----------------------------------------------------------------------------------

static const char *const verbs[] = {
    "EHLO", "HELO", "LHLO", "MAIL", "RCPT", "DATA", "BDAT", "RSET",    "NOOP",     "QUIT", "HELP",
    "VRFY", "EXPN", "ETRN", "ATRN", "TURN", "BURL", "AUTH", "XCLIENT", "XFORWARD", "SEND", "SOML",
    "SAML", "VERB", "ONEX", "XADR", "XSTA", "XCIR", "XGEN", "XEXCH50", "STARTTLS",
};

bool ehlo_hide_is_verb(struct ehlo_span word) {
  return is_listed(word, verbs, sizeof(verbs) / sizeof(verbs[0]));
}

static size_t lead_len(struct ehlo_span line) {
  size_t at = 0;
  while (at < line.len && !is_letter_or_digit(line.bytes[at])) {
    at++;
  }
  return at;
}

struct ehlo_span ehlo_hide_verb(struct ehlo_span line) {
  size_t at = lead_len(line);
  size_t end = at;
  while (end < line.len && !is_blank(line.bytes[end]) && line.bytes[end] != ':') {
    end++;
  }
  return (struct ehlo_span){line.bytes + at, end - at};
}

// How a line begins, held against the commands that a secret follows.
enum start { START_OTHER, START_OPEN, START_AUTH };

// `*out_end` is the place behind the command.
static enum start start_of(struct ehlo_span line, size_t *out_end) {
  static const char *const starts[] = {"AUTH", "X-EXPS"};
  size_t at = lead_len(line);
  enum start found = START_OTHER;
  for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
    size_t len = strlen(starts[i]);
    size_t there = line.len - at < len ? line.len - at : len;
    if (same_start(line.bytes + at, starts[i], there)) {
      found = there == len ? START_AUTH : START_OPEN;
      *out_end = at + there;
    }
  }
  return found;
}

static size_t skip_blanks(struct ehlo_span line, size_t at) {
  while (at < line.len && is_blank(line.bytes[at])) {
    at++;
  }
  return at;
}

static size_t skip_word(struct ehlo_span line, size_t at) {
  while (at < line.len && !is_blank(line.bytes[at])) {
    at++;
  }
  return at;
}

static struct ehlo_span part(struct ehlo_span line, size_t from, size_t to) {
  return (struct ehlo_span){line.bytes + from, to - from};
}

bool ehlo_auth_line_parse(struct ehlo_auth_line *out, struct ehlo_span line) {
  size_t end;
  if (start_of(line, &end) != START_AUTH) {
    return false;
  }
  size_t word_at = skip_blanks(line, end);
  size_t word_end = skip_word(line, word_at);
  size_t rest_at = skip_blanks(line, word_end);
  out->mechanism = part(line, word_at, word_end);
  out->rest = part(line, rest_at, line.len);
  return true;
}

// ---- Verdicts -----------------------------------------------------------------------------------

static struct ehlo_hide_verdict show(size_t len, bool final) {
  return (struct ehlo_hide_verdict){.shown = len, .final = final};
}

static struct ehlo_hide_verdict hide_from(size_t len) {
  return (struct ehlo_hide_verdict){.shown = len, .hides = true, .final = true};
}

// "AUTH PLAIN dGVzdA==", whose command ends at `end`.
static struct ehlo_hide_verdict judge_auth(struct ehlo_span line, bool whole, size_t end,
                                           const struct ehlo_offered *offered) {
  size_t word_at = skip_blanks(line, end);
  size_t word_end = skip_word(line, word_at);
  if (word_at == line.len) {
    return show(line.len, whole);
  }
  if (word_end == line.len && !whole) {
    return word_end - word_at > WORD_MAX ? hide_from(word_at) : show(word_at, false);
  }
  if (!ehlo_hide_is_mechanism(part(line, word_at, word_end), offered)) {
    return hide_from(word_at);
  }
  size_t rest_at = skip_blanks(line, word_end);
  if (rest_at == line.len) {
    return show(line.len, whole);
  }
  if (line.len - rest_at == 1 && line.bytes[rest_at] == '=') {
    return show(whole ? line.len : rest_at, whole);  // an empty initial response
  }
  return hide_from(rest_at);
}

static struct ehlo_hide_verdict judge_command(struct ehlo_span line, bool whole,
                                              const struct ehlo_offered *offered) {
  size_t end = 0;
  if (lead_len(line) > LEAD_MAX) {
    return hide_from(LEAD_MAX);
  }
  switch (start_of(line, &end)) {
    case START_OPEN:
      return show(line.len, whole);
    case START_AUTH:
      return judge_auth(line, whole, end, offered);
    case START_OTHER:
      break;
  }
  return show(line.len, true);
}

static struct ehlo_hide_verdict judge_response(struct ehlo_span line, bool whole) {
  if (line.len == 0 || (line.len == 1 && line.bytes[0] == '*')) {
    return show(whole ? line.len : 0, whole);
  }
  return hide_from(0);
}

static struct ehlo_hide_verdict judge_doubt(struct ehlo_span line, bool whole,
                                            const struct ehlo_offered *offered) {
  size_t at = lead_len(line);
  struct ehlo_span verb = ehlo_hide_verb(line);
  bool ended = whole || at + verb.len < line.len;
  size_t end;
  if (at > LEAD_MAX || verb.len > WORD_MAX) {
    return hide_from(0);
  }
  if (line.len == 0 || !ended) {
    return show(0, whole);
  }
  if (ehlo_hide_is_verb(verb) || start_of(line, &end) == START_AUTH) {
    return judge_command(line, whole, offered);
  }
  return hide_from(0);
}

struct ehlo_hide_verdict ehlo_hide_judge(enum ehlo_hide_place place, struct ehlo_span line,
                                         bool whole, const struct ehlo_offered *offered) {
  switch (place) {
    case EHLO_HIDE_COMMAND:
      return judge_command(line, whole, offered);
    case EHLO_HIDE_RESPONSE:
      return judge_response(line, whole);
    case EHLO_HIDE_DOUBT:
      break;
  }
  return judge_doubt(line, whole, offered);
}
