// nodemailer's logger, with `debug: true`: as JSON Lines (bunyan, pino and their like), where "tnx" says
// whose "msg" is and has to stand before it, or from its own console logger, `[date] DEBUG [id] S: …`.
// Of a message it shows the text with `transactionLog: true`. It reads the server's octets and the
// message's as Latin-1 and writes that as UTF-8, so here they are made octets again.
#include <string.h>

#include "replay/import/parsers.h"

// ---- Octets -------------------------------------------------------------------------------------

static void put(struct ehlo_importer *i, const uint8_t *bytes, size_t len) {
  if (len == 0) {
    return;
  }
  if (i->state.nodemailer.client) {
    ehlo_import_client(&i->session, bytes, len, i->state.nodemailer.time_us);
  } else {
    ehlo_import_server(&i->session, bytes, len, i->state.nodemailer.time_us);
  }
  i->state.nodemailer.time_us = EHLO_NO_TIME;
}

// One character of the log's, below 256 where it stands for an octet.
static void put_byte(struct ehlo_importer *i, uint8_t byte) {
  uint8_t lead = i->state.nodemailer.utf8_lead;
  i->state.nodemailer.utf8_lead = 0;
  if (lead != 0 && (byte & 0xc0) == 0x80) {
    byte = (uint8_t)(lead << 6 | (byte & 0x3f));
  } else if (lead != 0) {
    put(i, &lead, 1);
  } else if (i->state.nodemailer.latin1 && (byte == 0xc2 || byte == 0xc3)) {
    i->state.nodemailer.utf8_lead = byte;
    return;
  }
  put(i, &byte, 1);
}

static void put_text(struct ehlo_importer *i, struct text t) {
  for (size_t n = 0; n < t.len; n++) {
    size_t plain = n;
    while (n < t.len && (t.bytes[n] < 0x80 && i->state.nodemailer.utf8_lead == 0)) {
      n++;
    }
    put(i, t.bytes + plain, n - plain);
    if (n < t.len) {
      put_byte(i, t.bytes[n]);
    }
  }
}

static void put_line_end(struct ehlo_importer *i) {
  uint8_t lead = i->state.nodemailer.utf8_lead;
  i->state.nodemailer.utf8_lead = 0;
  put(i, &lead, lead != 0 ? 1 : 0);  // of a character that was cut off
  put(i, (const uint8_t *)"\r\n", 2);
}

static void begin_text(struct ehlo_importer *i, bool client, bool latin1, uint64_t time_us) {
  i->state.nodemailer.client = client;
  i->state.nodemailer.latin1 = latin1;
  i->state.nodemailer.utf8_lead = 0;
  i->state.nodemailer.time_us = time_us;
}

// ---- Remarks ------------------------------------------------------------------------------------

static void remark(struct ehlo_importer *i, struct text line, struct text t, uint64_t time_us) {
  if (text_begins(t, "Connection upgraded with STARTTLS")) {
    ehlo_import_tls(&i->session, t.bytes, 0, time_us);
  } else {
    comment(i, line);
  }
}

// ---- The console --------------------------------------------------------------------------------

// "[2026-11-27 06:09:10] DEBUG [aHeBIdJtsDA] " taken off the front.
static bool take_console(struct text *t, uint64_t *time_us, bool *out_debug) {
  struct text rest = *t;
  if (!text_take(&rest, "[") || !text_take_date(&rest, time_us) || !text_take(&rest, "] ")) {
    return false;
  }
  *out_debug = text_take(&rest, "DEBUG ");
  size_t end = text_find(rest, "[");
  if (!*out_debug && end < 8) {
    rest = text_after(rest, end);
  }
  if (text_take(&rest, "[")) {
    rest = text_after(rest, text_find(rest, "]") + 1);
    text_take(&rest, " ");
  }
  *t = rest;
  return true;
}

static void take_console_line(struct ehlo_importer *i, struct text line, struct text t, bool debug,
                              uint64_t time_us) {
  if (i->session.in_message && debug && !text_begins(t, "S: ")) {
    begin_text(i, true, true, time_us);
    put_text(i, t);
    put_line_end(i);
  } else if (debug && text_take(&t, "S: ")) {
    begin_text(i, false, true, time_us);
    put_text(i, t);
    put_line_end(i);
  } else if (debug && text_take(&t, "C: ")) {
    client_line(i, t, time_us);
  } else {
    remark(i, line, t, time_us);
  }
}

// ---- JSON ---------------------------------------------------------------------------------------

// Steps within the string that is "msg".
enum step { PAST = 0, TEXT, ESCAPE, NUMBER };

// The value of a key in one line of JSON, without its quotes; empty if it is not there. Only the keys
// of this one object that are before `end` are looked at.
static struct text value_of(struct text t, const char *key) {
  size_t at = text_find(t, key);
  struct text value = text_after(t, at + strlen(key));
  size_t len = 0;
  while (len < value.len && value.bytes[len] != '"' && value.bytes[len] != ',' &&
         value.bytes[len] != '}') {
    len++;
  }
  return (struct text){value.bytes, at < t.len ? len : 0};
}

// "2026-11-27T06:09:10.368Z", or milliseconds since 1970.
static uint64_t time_of(struct text t) {
  uint64_t time;
  struct text stamp = value_of(t, "\"time\":\"");
  if (stamp.len > 0 && text_take_date(&stamp, &time)) {
    return time;
  }
  stamp = value_of(t, "\"time\":");
  return stamp.len > 0 && text_take_number(&stamp, &time, 10) ? time * 1000 : EHLO_NO_TIME;
}

// A line feed of the string stood for a CRLF, but where the CR is there.
static void put_character(struct ehlo_importer *i, uint32_t c) {
  if (c == '\n') {
    put_line_end(i);
  } else if (c == '\r') {
    return;
  } else if (c < 0x80 || (i->state.nodemailer.latin1 && c < 0x100)) {
    uint8_t byte = (uint8_t)c;
    put(i, &byte, 1);
  } else {
    uint8_t utf8[3] = {(uint8_t)(0xe0 | c >> 12), (uint8_t)(0x80 | (c >> 6 & 0x3f)),
                       (uint8_t)(0x80 | (c & 0x3f))};
    uint8_t two[2] = {(uint8_t)(0xc0 | c >> 6), utf8[2]};
    put(i, c < 0x800 ? two : utf8, c < 0x800 ? 2 : 3);
  }
}

static int after_backslash(struct ehlo_importer *i, const struct piece *piece, const uint8_t *at) {
  static const char from[] = "\"\\/bfnrt";
  static const char to[] = "\"\\/\b\f\n\r\t";
  for (size_t n = 0; from[n] != '\0'; n++) {
    if (*at == (uint8_t)from[n]) {
      put_character(i, (uint32_t)to[n]);
      return TEXT;
    }
  }
  if (*at != 'u') {
    importer_fail(i, piece, at, "an escape that JSON does not have");
  }
  i->state.nodemailer.number = 0;
  i->state.nodemailer.digits_left = 4;
  return NUMBER;
}

static int in_number(struct ehlo_importer *i, const struct piece *piece, const uint8_t *at) {
  struct text digit = {at, 1};
  uint64_t value;
  if (!text_take_number(&digit, &value, 16)) {
    importer_fail(i, piece, at, "a hexadecimal digit is expected here");
    return PAST;
  }
  i->state.nodemailer.number = i->state.nodemailer.number << 4 | (uint32_t)value;
  if (--i->state.nodemailer.digits_left > 0) {
    return NUMBER;
  }
  put_character(i, i->state.nodemailer.number);
  return TEXT;
}

static void read_string(struct ehlo_importer *i, const struct piece *piece, struct text t) {
  for (size_t n = 0; n < t.len && !i->failed; n++) {
    const uint8_t *at = t.bytes + n;
    switch ((enum step)i->state.nodemailer.step) {
      case TEXT:
        if (*at == '"') {
          i->state.nodemailer.step = PAST;
          put_line_end(i);
        } else if (*at == '\\') {
          i->state.nodemailer.step = ESCAPE;
        } else {
          put_byte(i, *at);
        }
        break;
      case ESCAPE:
        i->state.nodemailer.step = after_backslash(i, piece, at);
        break;
      case NUMBER:
        i->state.nodemailer.step = in_number(i, piece, at);
        break;
      case PAST:
        return;
    }
  }
}

static void begin_json(struct ehlo_importer *i, const struct piece *piece) {
  struct text t = piece->text;
  struct text tnx = value_of(t, "\"tnx\":\"");
  size_t msg = text_find(t, "\"msg\":\"");
  size_t kind = text_find(t, "\"tnx\":\"");
  uint64_t time_us = time_of(t);
  if (!i->session.notes_written) {
    ehlo_import_session_knows(&i->session, time_us != EHLO_NO_TIME, false);
  }
  bool dialogue = text_is(tnx, "server") || text_is(tnx, "client");
  bool message = text_is(tnx, "message") && text_find(t, "\"inByteCount\":") == t.len;
  i->state.nodemailer.step = PAST;
  if (!(dialogue || message) || msg == t.len) {
    if (!piece->ends) {
      importer_fail(i, piece, t.bytes, "the line is too long for what is no dialogue");
      return;
    }
    remark(i, t, text_after(t, msg + 7), time_us);
    return;
  }
  if (kind > msg) {
    importer_fail(i, piece, t.bytes + msg,
                  "\"msg\" stands before the \"tnx\" that tells whose it is");
    return;
  }
  begin_text(i, !text_is(tnx, "server"), !text_is(tnx, "client"), time_us);
  i->state.nodemailer.step = TEXT;
  read_string(i, piece, text_after(t, msg + 7));
}

// ---- Both ---------------------------------------------------------------------------------------

static bool recognises(struct text line) {
  uint64_t time_us;
  bool debug;
  struct text t = line;
  return (text_begins(line, "{") && text_find(line, "\"tnx\":\"") < line.len) ||
         (take_console(&t, &time_us, &debug) && (text_begins(t, "S: ") || text_begins(t, "C: ") ||
                                                 text_begins(t, "Creating transport: nodemailer")));
}

static void take(struct ehlo_importer *i, const struct piece *piece) {
  struct text t = piece->text;
  uint64_t time_us;
  bool debug;
  if (!piece->begins) {
    read_string(i, piece, t);
  } else if (text_begins(t, "{")) {
    begin_json(i, piece);
  } else if (!piece->ends) {
    importer_fail(i, piece, t.bytes, "the line is too long for a log of this format");
  } else if (take_console(&t, &time_us, &debug)) {
    if (!i->session.notes_written) {
      ehlo_import_session_knows(&i->session, true, false);
    }
    take_console_line(i, piece->text, t, debug, time_us);
  } else {
    comment(i, piece->text);
  }
  if (piece->ends && i->state.nodemailer.step != PAST) {
    importer_fail(i, piece, piece->text.bytes + piece->text.len, "the string does not end");
  }
}

const struct parser parser_nodemailer = {"nodemailer", true, recognises, take, NULL};
