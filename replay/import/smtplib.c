// Python's smtplib with set_debuglevel(1), and with (2), which puts the time of day in front: what was
// sent and received as literals of Python. A whole message stands in one line, so literals are read as
// they come and never held.
#include "replay/import/parsers.h"

enum step { OUTSIDE = 0, TEXT, ESCAPE, NUMBER, PAST, SKIP };

static bool recognises(struct text line) {
  uint64_t time_us;
  if (text_take_time(&line, &time_us)) {
    text_take(&line, " ");
  }
  return text_begins(line, "send: '") || text_begins(line, "send: b'") ||
         text_begins(line, "send: \"") || text_begins(line, "reply: b'") ||
         text_begins(line, "connect: to (");
}

static void put(struct ehlo_importer *i, const uint8_t *bytes, size_t len) {
  if (i->state.smtplib.client) {
    ehlo_import_client(&i->session, bytes, len, i->state.smtplib.time_us);
  } else {
    ehlo_import_server(&i->session, bytes, len, i->state.smtplib.time_us);
  }
  if (len > 0) {
    i->state.smtplib.time_us = EHLO_NO_TIME;  // the rest belongs to this chunk
  }
}

// A character of a str went out as UTF-8, of bytes as itself.
static void put_number(struct ehlo_importer *i) {
  uint32_t c = i->state.smtplib.number;
  uint8_t utf8[4] = {(uint8_t)c};
  size_t len = 1;
  if (i->state.smtplib.is_text && c >= 0x80) {
    len = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t n = len - 1; n > 0; n--, c >>= 6) {
      utf8[n] = (uint8_t)(0x80 | (c & 0x3f));
    }
    utf8[0] = (uint8_t)((0xf00u >> len & 0xf0) | c);
  }
  put(i, utf8, len);
}

static int begin_number(struct ehlo_importer *i, int digits) {
  i->state.smtplib.number = 0;
  i->state.smtplib.digits_left = digits;
  return NUMBER;
}

static int after_backslash(struct ehlo_importer *i, const struct piece *piece, const uint8_t *at) {
  static const char from[] = "\\'\"nrtabfv";
  static const char to[] = "\\'\"\n\r\t\a\b\f\v";
  for (size_t n = 0; from[n] != '\0'; n++) {
    if (*at == (uint8_t)from[n]) {
      put(i, (const uint8_t *)&to[n], 1);
      return TEXT;
    }
  }
  switch (*at) {
    case 'x':
      return begin_number(i, 2);
    case 'u':
      return begin_number(i, 4);
    case 'U':
      return begin_number(i, 8);
    default:
      importer_fail(i, piece, at, "an escape that no literal of Python has");
      return SKIP;
  }
}

static int in_number(struct ehlo_importer *i, const struct piece *piece, const uint8_t *at) {
  struct text digit = {at, 1};
  uint64_t value;
  if (!text_take_number(&digit, &value, 16)) {
    importer_fail(i, piece, at, "a hexadecimal digit is expected here");
    return SKIP;
  }
  i->state.smtplib.number = i->state.smtplib.number << 4 | (uint32_t)value;
  if (--i->state.smtplib.digits_left > 0) {
    return NUMBER;
  }
  if (i->state.smtplib.number > 0x10ffff) {
    importer_fail(i, piece, at, "no character has this number");
    return SKIP;
  }
  put_number(i);
  return TEXT;
}

static void read_literal(struct ehlo_importer *i, const struct piece *piece, struct text t) {
  const uint8_t *end = t.bytes + t.len;
  for (const uint8_t *at = t.bytes; at < end && !i->failed;) {
    const uint8_t *plain = at;
    switch ((enum step)i->state.smtplib.step) {
      case TEXT:
        while (at < end && *at != '\\' && *at != i->state.smtplib.quote) {
          at++;
        }
        put(i, plain, (size_t)(at - plain));
        if (at < end) {
          i->state.smtplib.step = *at++ == '\\' ? ESCAPE : PAST;
        }
        break;
      case ESCAPE:
        i->state.smtplib.step = after_backslash(i, piece, at++);
        break;
      case NUMBER:
        i->state.smtplib.step = in_number(i, piece, at++);
        break;
      case PAST:
        importer_fail(i, piece, at, "nothing is expected behind the literal");
        break;
      case OUTSIDE:
      case SKIP:
        return;
    }
  }
}

// "send: " or "reply: " is taken: a literal is to follow.
static bool begin_literal(struct ehlo_importer *i, struct text *t, bool client, uint64_t time_us) {
  struct text rest = *t;
  bool bytes = text_take(&rest, "b");
  if (rest.len == 0 || (rest.bytes[0] != '\'' && rest.bytes[0] != '"')) {
    return false;
  }
  i->state.smtplib.step = TEXT;
  i->state.smtplib.client = client;
  i->state.smtplib.is_text = !bytes;
  i->state.smtplib.quote = rest.bytes[0];
  i->state.smtplib.time_us = time_us;
  *t = text_after(rest, 1);
  return true;
}

// "connect: to ('localhost', 587) None"
static bool connected(struct ehlo_importer *i, struct text t) {
  char fact[300] = "connect ";
  size_t len = 8;
  size_t end = text_find(t, "', ");
  if (end == 0 || end > 255 || end + 3 >= t.len) {
    return false;
  }
  for (size_t n = 0; n < t.len && len < sizeof(fact) - 1 && t.bytes[n] != ')'; n++) {
    if (n == end) {
      n += 3;
      fact[len++] = ':';
    }
    if (n >= t.len || t.bytes[n] <= ' ' || t.bytes[n] > '~') {
      return false;
    }
    fact[len++] = (char)t.bytes[n];
  }
  fact[len] = '\0';
  ehlo_import_fact(&i->session, fact, EHLO_NO_TIME);
  return true;
}

// What smtplib made of lines that stand above.
static bool is_repeated(struct text t) {
  return text_begins(t, "reply: retcode (") || text_begins(t, "data: (") ||
         text_begins(t, "connect: b'") || text_begins(t, "connect: b\"");
}

static void begin_line(struct ehlo_importer *i, const struct piece *piece) {
  struct text t = piece->text;
  uint64_t time_us = EHLO_NO_TIME;
  if (text_take_time(&t, &time_us)) {
    text_take(&t, " ");
  }
  if (!i->session.notes_written) {
    ehlo_import_session_knows(&i->session, time_us != EHLO_NO_TIME, false);
  }
  struct text rest = t;
  i->state.smtplib.step = SKIP;
  if ((text_take(&rest, "send: ") && begin_literal(i, &rest, true, time_us)) ||
      (text_take(&rest, "reply: ") && begin_literal(i, &rest, false, time_us))) {
    read_literal(i, piece, rest);
  } else if (text_take(&rest, "connect: to ('") && !i->session.begun && connected(i, rest)) {
    return;
  } else if (!piece->ends && !is_repeated(t)) {
    importer_fail(i, piece, piece->text.bytes, "the line is too long for what is no literal");
  } else if (!is_repeated(t)) {
    comment(i, piece->text);
  }
}

static void take(struct ehlo_importer *i, const struct piece *piece) {
  if (piece->begins) {
    begin_line(i, piece);
  } else {
    read_literal(i, piece, piece->text);
  }
  int step = i->state.smtplib.step;
  if (piece->ends && step != PAST && step != SKIP) {
    importer_fail(i, piece, piece->text.bytes + piece->text.len, "the literal does not end");
  }
}

const struct parser parser_smtplib = {"smtplib", true, recognises, take, NULL};
