// Checks of command arguments, each with the ABNF it stands for.
#include "engine/argument.h"

#include <string.h>

#include "engine/xtext.h"

// RFC 5321 §4.5.3.1
#define LOCAL_PART_MAX 64
#define DOMAIN_MAX 255
#define PATH_MAX_LEN 254  // 256 with the angle brackets
#define MECHANISM_MAX 20
#define TEXT_MAX 1000

static bool is_graphic(uint8_t c) {
  return c > ' ' && c < 0x7f;
}

static bool is_bracket(uint8_t c) {
  return c == '<' || c == '>';
}

// Octets of the UTF-8 character at `s` (RFC 3629 §4), 0 if there is none.
static size_t utf8_len(const uint8_t *s, size_t left) {
  uint8_t c = s[0];
  size_t len = c < 0x80 ? 1 : c >= 0xc2 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3 : 4;
  if (c >= 0xf5 || (c >= 0x80 && c < 0xc2) || len > left) {
    return 0;
  }
  for (size_t i = 1; i < len; i++) {
    if ((s[i] & 0xc0) != 0x80) {
      return 0;
    }
  }
  if ((c == 0xe0 && s[1] < 0xa0) || (c == 0xed && s[1] >= 0xa0) || (c == 0xf0 && s[1] < 0x90) ||
      (c == 0xf4 && s[1] >= 0x90)) {
    return 0;
  }
  return len;
}

// No control byte anywhere; beyond ASCII only well-formed UTF-8, if at all, and no C1 control.
static bool characters_ok(struct ehlo_span s, bool utf8) {
  for (size_t i = 0; i < s.len;) {
    uint8_t c = s.bytes[i];
    if (c < ' ' || c == 0x7f || (c >= 0x80 && !utf8)) {
      return false;
    }
    size_t len = utf8_len(s.bytes + i, s.len - i);
    if (len == 0 || (c == 0xc2 && s.bytes[i + 1] < 0xa0)) {
      return false;
    }
    i += len;
  }
  return true;
}

//   Domain = sub-domain *("." sub-domain) ; address-literal = "[" … "]"
// Names with an underscore exist and servers decide on them; blanks and brackets may not pass.
enum ehlo_status ehlo_argument_name(struct ehlo_span name) {
  if (name.len == 0) {
    return EHLO_E_ARGUMENT;
  }
  for (size_t i = 0; i < name.len; i++) {
    if (!is_graphic(name.bytes[i]) || is_bracket(name.bytes[i])) {
      return EHLO_E_ARGUMENT;
    }
  }
  return name.len > DOMAIN_MAX ? EHLO_E_TOO_LONG : EHLO_OK;
}

//   Quoted-string = DQUOTE *QcontentSMTP DQUOTE ; quoted-pairSMTP = %d92 %d32-126
// Octets of the quoted string at the start of `s`, 0 if it has no end.
static size_t quoted_len(struct ehlo_span s) {
  for (size_t i = 1; i < s.len; i++) {
    if (s.bytes[i] == '"') {
      return i + 1;
    }
    i += s.bytes[i] == '\\';
  }
  return 0;
}

// RFC 5322 §3.2.3: specials, but for the dot. Outside quotes a server may read them as a comment, a
// list, a route or an escape, and deliver elsewhere.
static bool is_special(uint8_t c) {
  return c == ' ' || is_bracket(c) || memchr("()[]:;@\\,\"", c, 10) != NULL;
}

//   Dot-string = Atom *("." Atom) ; Atom = 1*atext
// Octets of the unquoted local part at the start of `s`. Wider than the RFC where mailboxes are: dots
// may stand anywhere, since some providers have given out "a..b" and "a.".
static size_t dot_string_len(struct ehlo_span s) {
  size_t len = 0;
  while (len < s.len && !is_special(s.bytes[len])) {
    len++;
  }
  return len;
}

//   address-literal = "[" … "]" ; dcontent = %d33-90 / %d94-126
static bool is_literal(struct ehlo_span s) {
  for (size_t i = 1; i + 1 < s.len; i++) {
    uint8_t c = s.bytes[i];
    if (!is_graphic(c) || is_bracket(c) || c == '[' || c == '\\' || c == ']') {
      return false;
    }
  }
  return s.len > 2 && s.bytes[s.len - 1] == ']';
}

//   Domain = sub-domain *("." sub-domain) ; sub-domain = Let-dig [Ldh-str]
// Names with an underscore exist, and so does the dot at the end; UTF-8 was looked at before.
static bool is_domain(struct ehlo_span s) {
  bool label = false;
  if (s.len > 0 && s.bytes[0] == '[') {
    return is_literal(s);
  }
  for (size_t i = 0; i < s.len; i++) {
    uint8_t c = s.bytes[i];
    bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c >= 0x80;
    if (c == '.' ? !label : !letter && !(c >= '0' && c <= '9') && c != '-' && c != '_') {
      return false;
    }
    label = c != '.';
  }
  return s.len > 0;
}

//   A-d-l = At-domain *( "," At-domain ) ; At-domain = "@" Domain
//   Path = "<" [ A-d-l ":" ] Mailbox ">"
// Octets of a source route with its colon, at the start of a path with '@'; 0 if it is none. A colon
// within an address literal is not its end.
static size_t route_len(struct ehlo_span path) {
  size_t i = 0;
  while (i < path.len && path.bytes[i] == '@') {
    size_t start = ++i;
    bool literal = false;
    while (i < path.len && (literal || (path.bytes[i] != ',' && path.bytes[i] != ':'))) {
      literal = path.bytes[i] == '[' || (literal && path.bytes[i] != ']');
      i++;
    }
    if (i == path.len || !is_domain((struct ehlo_span){path.bytes + start, i - start})) {
      return 0;
    }
    if (path.bytes[i++] == ':') {
      return i;
    }
  }
  return 0;
}

//   Mailbox = Local-part "@" ( Domain / address-literal ) ; Local-part = Dot-string / Quoted-string
// The domain may be missing: "postmaster" (RFC 5321 §4.1.1.3), and the users of an LMTP server.
static enum ehlo_status check_mailbox(struct ehlo_span mailbox) {
  bool quoted = mailbox.len > 0 && mailbox.bytes[0] == '"';
  size_t local_len = quoted ? quoted_len(mailbox) : dot_string_len(mailbox);
  if (local_len == 0) {
    return EHLO_E_ARGUMENT;
  }
  struct ehlo_span rest = {mailbox.bytes + local_len, mailbox.len - local_len};
  if (rest.len > 0 &&
      (rest.bytes[0] != '@' || !is_domain((struct ehlo_span){rest.bytes + 1, rest.len - 1}))) {
    return EHLO_E_ARGUMENT;
  }
  bool too_long = local_len > LOCAL_PART_MAX || rest.len > DOMAIN_MAX + 1;
  return too_long ? EHLO_E_TOO_LONG : EHLO_OK;
}

enum ehlo_status ehlo_argument_path(struct ehlo_span path, bool allow_empty, bool utf8) {
  if (path.len == 0) {
    return allow_empty ? EHLO_OK : EHLO_E_ARGUMENT;
  }
  if (!characters_ok(path, utf8)) {
    return EHLO_E_ARGUMENT;
  }
  size_t skip = path.bytes[0] == '@' ? route_len(path) : 0;
  enum ehlo_status status = check_mailbox((struct ehlo_span){path.bytes + skip, path.len - skip});
  if (status != EHLO_OK) {
    return status;
  }
  return path.len > PATH_MAX_LEN ? EHLO_E_TOO_LONG : EHLO_OK;
}

// XCLIENT_README of Postfix: attribute-name "=" attribute-value, and the value is xtext. It may be a
// word in square brackets, such as [UNAVAILABLE], which xtext allows.
static bool is_attribute(struct ehlo_span word) {
  const uint8_t *equals = memchr(word.bytes, '=', word.len);
  if (equals == NULL || equals == word.bytes || equals + 1 == word.bytes + word.len) {
    return false;
  }
  for (const uint8_t *at = word.bytes; at < equals; at++) {
    bool letter = (*at >= 'A' && *at <= 'Z') || (*at >= 'a' && *at <= 'z');
    if (!letter && !(*at >= '0' && *at <= '9') && *at != '-' && *at != '_') {
      return false;
    }
  }
  size_t value_len = word.len - (size_t)(equals + 1 - word.bytes);
  return ehlo_xtext_is_printable((struct ehlo_span){equals + 1, value_len});
}

enum ehlo_status ehlo_argument_attributes(struct ehlo_span attributes) {
  struct ehlo_span rest = attributes;
  while (rest.len > 0) {
    const uint8_t *blank = memchr(rest.bytes, ' ', rest.len);
    size_t len = blank != NULL ? (size_t)(blank - rest.bytes) : rest.len;
    if (len == 0 || len + 1 == rest.len || !is_attribute((struct ehlo_span){rest.bytes, len})) {
      return EHLO_E_ARGUMENT;
    }
    size_t skip = blank != NULL ? len + 1 : len;
    rest = (struct ehlo_span){rest.bytes + skip, rest.len - skip};
  }
  if (attributes.len == 0) {
    return EHLO_E_ARGUMENT;
  }
  return attributes.len > TEXT_MAX ? EHLO_E_TOO_LONG : EHLO_OK;
}

enum ehlo_status ehlo_argument_text(struct ehlo_span text) {
  if (!characters_ok(text, false)) {
    return EHLO_E_ARGUMENT;
  }
  return text.len > TEXT_MAX ? EHLO_E_TOO_LONG : EHLO_OK;
}

enum ehlo_status ehlo_argument_line(struct ehlo_span line) {
  return characters_ok(line, true) ? EHLO_OK : EHLO_E_ARGUMENT;
}

enum ehlo_status ehlo_argument_mechanism(struct ehlo_span name) {
  if (name.len == 0) {
    return EHLO_E_ARGUMENT;
  }
  for (size_t i = 0; i < name.len; i++) {
    uint8_t c = name.bytes[i];
    if (!(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '-' && c != '_') {
      return EHLO_E_ARGUMENT;
    }
  }
  return name.len > MECHANISM_MAX ? EHLO_E_TOO_LONG : EHLO_OK;
}
