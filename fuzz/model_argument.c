// What may stand in a command: engine/SPECIFICATION.md, "Paths".
#include "fuzz/model_parts.h"

#define NAME_MAX_LEN 255
#define TEXT_MAX_LEN 1000

static bool is_all(struct ehlo_span text, uint8_t from, uint8_t to) {
  for (size_t i = 0; i < text.len; i++) {
    if (text.bytes[i] < from || text.bytes[i] > to) {
      return false;
    }
  }
  return true;
}

enum ehlo_status ehlo_model_name(struct ehlo_span name) {
  if (name.len == 0 || !is_all(name, '!', '~') || ehlo_model_find(name, "<>") < name.len) {
    return EHLO_E_ARGUMENT;
  }
  return name.len > NAME_MAX_LEN ? EHLO_E_TOO_LONG : EHLO_OK;
}

enum ehlo_status ehlo_model_free_text(struct ehlo_span text, bool allow_empty) {
  if ((text.len == 0 && !allow_empty) || !is_all(text, ' ', '~')) {
    return EHLO_E_ARGUMENT;
  }
  return text.len > TEXT_MAX_LEN ? EHLO_E_TOO_LONG : EHLO_OK;
}

// RFC 4422, section 3.1: 1*20 of upper-case letters, digits, hyphen and underscore.
enum ehlo_status ehlo_model_mechanism(struct ehlo_span name) {
  for (size_t i = 0; i < name.len; i++) {
    uint8_t c = name.bytes[i];
    if (!(ehlo_model_is_digit(c) || (c >= 'A' && c <= 'Z') || c == '-' || c == '_')) {
      return EHLO_E_ARGUMENT;
    }
  }
  if (name.len == 0) {
    return EHLO_E_ARGUMENT;
  }
  return name.len > EHLO_MODEL_NAME_MAX ? EHLO_E_TOO_LONG : EHLO_OK;
}

// ---- Characters ---------------------------------------------------------------------------------

// RFC 3629, section 4, as its table: the first octets, how many follow, and the bounds of the second.
static const struct {
  uint8_t from;
  uint8_t to;
  size_t more;
  uint8_t second_from;
  uint8_t second_to;
} utf8[] = {
    {0x20, 0x7e, 0, 0, 0},       {0xc2, 0xc2, 1, 0xa0, 0xbf},  // 0x80 to 0x9f are controls
    {0xc3, 0xdf, 1, 0x80, 0xbf}, {0xe0, 0xe0, 2, 0xa0, 0xbf}, {0xe1, 0xec, 2, 0x80, 0xbf},
    {0xed, 0xed, 2, 0x80, 0x9f}, {0xee, 0xef, 2, 0x80, 0xbf}, {0xf0, 0xf0, 3, 0x90, 0xbf},
    {0xf1, 0xf3, 3, 0x80, 0xbf}, {0xf4, 0xf4, 3, 0x80, 0x8f},
};

// The octets of the first character; 0 if it is none.
static size_t character(struct ehlo_span text) {
  for (size_t i = 0; i < sizeof(utf8) / sizeof(utf8[0]); i++) {
    uint8_t c = text.bytes[0];
    if (c < utf8[i].from || c > utf8[i].to) {
      continue;
    }
    if (utf8[i].more == 0) {
      return 1;
    }
    if (text.len <= utf8[i].more || text.bytes[1] < utf8[i].second_from ||
        text.bytes[1] > utf8[i].second_to) {
      return 0;
    }
    struct ehlo_span rest = {text.bytes + 2, utf8[i].more - 1};
    return is_all(rest, 0x80, 0xbf) ? 1 + utf8[i].more : 0;
  }
  return 0;
}

static bool characters_ok(struct ehlo_span text, bool allow_utf8) {
  if (is_all(text, ' ', '~')) {
    return true;
  }
  for (size_t len = 0; text.len > 0; text = ehlo_model_from(text, len)) {
    len = character(text);
    if (len == 0 || (len > 1 && !allow_utf8)) {
      return false;
    }
  }
  return true;
}

bool ehlo_model_is_plain_line(struct ehlo_span line) {
  return characters_ok(line, true);
}

// ---- Paths --------------------------------------------------------------------------------------

// The octets of the domain that the text begins with, up to one of `ends`; 0 if it is none.
static size_t domain(struct ehlo_span text, const char *ends) {
  if (text.len > 0 && text.bytes[0] == '[') {
    size_t len = 1 + ehlo_model_find(ehlo_model_from(text, 1), " <>[\\]");
    bool closed = len > 1 && len < text.len && text.bytes[len] == ']';
    return closed && is_all((struct ehlo_span){text.bytes + 1, len - 1}, '!', '~') ? len + 1 : 0;
  }
  size_t len = ehlo_model_find(text, ends);
  for (size_t i = 0; i < len; i++) {
    uint8_t c = text.bytes[i];
    bool dot = c == '.' && i > 0 && text.bytes[i - 1] != '.';
    if (!dot && !ehlo_model_is_alnum(c) && c != '-' && c != '_' && c < 0x80) {
      return 0;
    }
  }
  return len;
}

// "@a,@b:" off the front. False: it is no route.
static bool take_route(struct ehlo_span *path) {
  while (path->len > 0 && path->bytes[0] == '@') {
    *path = ehlo_model_from(*path, 1);
    size_t len = domain(*path, ",:");
    if (len == 0 || len == path->len) {
      return false;
    }
    uint8_t end = path->bytes[len];
    *path = ehlo_model_from(*path, len + 1);
    if (end == ':') {
      return true;
    }
    if (end != ',' || path->len == 0 || path->bytes[0] != '@') {
      return false;
    }
  }
  return true;
}

// The octets of the local part; 0 if it is none.
static size_t local_part(struct ehlo_span text) {
  if (text.len == 0 || text.bytes[0] != '"') {
    return ehlo_model_find(text, " ()<>[]:;@\\,\"");
  }
  for (size_t i = 1; i < text.len; i++) {
    if (text.bytes[i] == '"') {
      return i + 1;
    }
    i += text.bytes[i] == '\\';
  }
  return 0;
}

enum ehlo_status ehlo_model_path(struct ehlo_span path, bool allow_empty, bool allow_utf8) {
  struct ehlo_span rest = path;
  if (path.len == 0) {
    return allow_empty ? EHLO_OK : EHLO_E_ARGUMENT;
  }
  if (!characters_ok(path, allow_utf8) || !take_route(&rest)) {
    return EHLO_E_ARGUMENT;
  }
  size_t local_len = local_part(rest);
  if (local_len == 0) {
    return EHLO_E_ARGUMENT;
  }
  rest = ehlo_model_from(rest, local_len);
  size_t domain_len = 0;
  if (rest.len > 0) {
    rest = ehlo_model_from(rest, 1);
    domain_len = domain(rest, "");
    if (rest.bytes[-1] != '@' || domain_len == 0 || domain_len < rest.len) {
      return EHLO_E_ARGUMENT;
    }
  }
  return local_len > 64 || domain_len > 255 || path.len > 254 ? EHLO_E_TOO_LONG : EHLO_OK;
}
