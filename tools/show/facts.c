// Facts, taken apart before they are decoded (replay/FORMAT.md, "Facts"). It must not trust a value:
// a certificate says what its maker liked.
#include "tools/show/facts.h"

#include <string.h>

#include "replay/escape.h"

struct list {
  struct show_part *parts;
  size_t num;
};

const char *show_fact_word(enum ehlo_fact fact) {
  static const char *const words[] = {"ehlo-transcript", "connect", "tls",  "eof",
                                      "reset",           "timeout", "note", "submit"};
  return words[fact];
}

static struct ehlo_span text_span(const char *text, size_t len) {
  return (struct ehlo_span){(const uint8_t *)text, len};
}

static bool is_named(struct ehlo_span name, const char *text) {
  return strlen(text) == name.len && memcmp(name.bytes, text, name.len) == 0;
}

static void add_named(struct list *l, enum show_part_kind kind, struct ehlo_span name,
                      struct ehlo_span raw) {
  for (size_t i = 0; i < l->num; i++) {
    struct ehlo_span known = l->parts[i].name;
    if (known.len == name.len && memcmp(known.bytes, name.bytes, name.len) == 0) {
      return;  // the first one counts
    }
  }
  if (l->num < SHOW_PARTS_MAX) {
    l->parts[l->num++] = (struct show_part){kind, name, raw};
  }
}

static void add(struct list *l, enum show_part_kind kind, const char *name, const char *text,
                size_t len) {
  add_named(l, kind, text_span(name, strlen(name)), text_span(text, len));
}

static bool are_digits(const char *text, size_t len) {
  for (size_t i = 0; i < len; i++) {
    if (text[i] < '0' || text[i] > '9') {
      return false;
    }
  }
  return len > 0 && len <= 5;
}

// HOST:PORT, [v6]:PORT or unix:PATH
static void add_place(struct list *l, const char *text, size_t len) {
  const char *colon = memrchr(text, ':', len);
  size_t host_len = colon != NULL ? (size_t)(colon - text) : len;
  if (len > 5 && memcmp(text, "unix:", 5) == 0) {
    add(l, SHOW_PART_TEXT, "path", text + 5, len - 5);
    return;
  }
  if (colon == NULL || !are_digits(colon + 1, len - host_len - 1)) {
    add(l, SHOW_PART_TEXT, "host", text, len);
    return;
  }
  bool brackets = host_len >= 2 && text[0] == '[' && text[host_len - 1] == ']';
  add(l, SHOW_PART_TEXT, "host", text + (brackets ? 1 : 0), host_len - (brackets ? 2 : 0));
  add(l, SHOW_PART_NUMBER, "port", colon + 1, len - host_len - 1);
}

static void add_connect(struct list *l, const char *args, size_t len) {
  size_t place_len = strcspn(args, " ");
  add_place(l, args, place_len);
  if (place_len < len) {
    add(l, SHOW_PART_TEXT, "address", args + place_len + 1, len - place_len - 1);
  }
}

// "failed", and the words behind it.
static void add_failure(struct list *l, const char *args, size_t len) {
  add(l, SHOW_PART_FLAG, "failed", args, 6);
  if (len > 7) {
    add(l, SHOW_PART_TEXT, "reason", args + 7, len - 7);
  }
}

// The length of the word at `text`: up to a blank outside quotation marks.
static size_t word_len(const char *text, size_t len) {
  bool quoted = false;
  size_t n = 0;
  while (n < len && (quoted || text[n] != ' ')) {
    quoted = quoted != (text[n] == '"');
    n++;
  }
  return n;
}

// Characters of NAME in NAME=VALUE; 0 if the word is none.
static size_t name_len(const char *word, size_t len) {
  size_t n = strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789_");
  return n < len && word[n] == '=' ? n : 0;
}

static void add_pair(struct list *l, const char *word, size_t len, size_t name) {
  struct ehlo_span key = text_span(word, name);
  const char *value = word + name + 1;
  size_t value_len = len - name - 1;
  if (value_len >= 2 && value[0] == '"' && value[value_len - 1] == '"') {
    value++;
    value_len -= 2;
  }
  enum show_part_kind kind = is_named(key, "names") ? SHOW_PART_LIST : SHOW_PART_TEXT;
  add_named(l, kind, key, text_span(value, value_len));
}

// Version, cipher and group, then pairs; or "failed" and a reason, then pairs.
static void add_tls(struct list *l, const char *args, size_t len, bool failed) {
  static const char *const names[] = {"version", "cipher", "group"};
  size_t words = 0;
  size_t at = failed ? 7 : 0;
  size_t reason_end = len;
  while (at < len) {
    size_t n = word_len(args + at, len - at);
    size_t name = name_len(args + at, n);
    if (name > 0) {
      reason_end = at < reason_end ? at - 1 : reason_end;
      add_pair(l, args + at, n, name);
    } else if (!failed && words < 3) {
      add(l, SHOW_PART_TEXT, names[words++], args + at, n);
    }
    at += n + 1;
  }
  if (failed) {
    add_failure(l, args, reason_end);
  }
}

size_t show_fact_parts(struct show_part out[SHOW_PARTS_MAX], const struct ehlo_item *item) {
  struct list l = {out, 0};
  const char *args = item->args;
  size_t len = item->args_len;
  size_t word = strcspn(args, " ");
  switch (item->fact) {
    case EHLO_FACT_HEADER:
      add(&l, SHOW_PART_NUMBER, "version", args, len);
      break;
    case EHLO_FACT_CONNECT:
      (item->failed ? add_failure : add_connect)(&l, args, len);
      break;
    case EHLO_FACT_TLS:
      add_tls(&l, args, len, item->failed);
      break;
    case EHLO_FACT_EOF:
    case EHLO_FACT_RESET:
      add(&l, SHOW_PART_TEXT, "side", item->side == EHLO_SIDE_SERVER ? "server" : "client", 6);
      break;
    case EHLO_FACT_TIMEOUT:
      break;
    case EHLO_FACT_NOTE:
      add(&l, SHOW_PART_TEXT, "note", args, len);
      break;
    case EHLO_FACT_SUBMIT:
      add(&l, SHOW_PART_TEXT, "setting", args, word);
      if (word < len) {
        add(&l, SHOW_PART_TEXT, "value", args + word + 1, len - word - 1);
      }
      break;
  }
  return l.num;
}

const struct show_part *show_part_find(const struct show_part *parts, size_t num,
                                       const char *name) {
  for (size_t i = 0; i < num; i++) {
    if (is_named(parts[i].name, name)) {
      return &parts[i];
    }
  }
  return NULL;
}

size_t show_part_text(uint8_t *out, size_t cap, const struct show_part *part) {
  size_t n = 0;
  size_t used = 1;
  for (size_t at = 0; at < part->raw.len && n < cap; at += used) {
    const char *text = (const char *)part->raw.bytes + at;
    uint8_t byte = part->raw.bytes[at];
    used = 1;
    if (byte == '\\' &&
        ehlo_escape_take(&byte, &used, text, part->raw.len - at) != EHLO_ESCAPE_BYTE) {
      byte = part->raw.bytes[at];  // a secret: its place is shown as it stands
      used = 1;
    }
    out[n++] = byte;
  }
  return n;
}
