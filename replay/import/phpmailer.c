// PHPMailer, SMTPDebug 1 to 4 with any output: `CLIENT -> SERVER: ` and `SERVER -> CLIENT: `, where a
// reply of several lines goes on below. With its time stamps, which are seconds, or without. Blanks at
// the end of a line are cut off by PHPMailer itself. As HTML, and copied from a browser, the lines of a
// reply stand in one; where its code stands again in it is the best guess at where they ended.
#include <string.h>

#include "replay/import/parsers.h"

static const char from_client[] = "CLIENT -> SERVER:";
static const char from_server[] = "SERVER -> CLIENT:";

static uint64_t take_stamp(struct text *t) {
  uint64_t time_us;
  struct text rest = *t;
  if (!text_take_date(&rest, &time_us) || (!text_take(&rest, "\t") && !text_take(&rest, " "))) {
    return EHLO_NO_TIME;
  }
  *t = rest;
  return time_us;
}

// ---- HTML ---------------------------------------------------------------------------------------

static const struct entity {
  const char *name;
  char is;
} entities[] = {
    {"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'}, {"&#039;", '\''},
};

static char take_entity(struct text *t) {
  for (size_t n = 0; n < sizeof(entities) / sizeof(entities[0]); n++) {
    if (text_take(t, entities[n].name)) {
      return entities[n].is;
    }
  }
  return '\0';
}

static bool is_html(struct text line) {
  take_stamp(&line);
  return text_begins(line, "CLIENT -&gt; SERVER:") || text_begins(line, "SERVER -&gt; CLIENT:");
}

// A line of the HTML output in the buffer that it is in, where it becomes shorter.
static struct text from_html(struct ehlo_importer *i, struct text t) {
  size_t len = 0;
  size_t end = text_find(t, "<br>");
  if (end + 4 == t.len) {
    t.len = end;
  }
  while (t.len > 0) {
    char c = take_entity(&t);
    if (c == '\0') {
      c = (char)t.bytes[0];
      t = text_after(t, 1);
    }
    i->buf[len++] = (uint8_t)c;
  }
  return (struct text){i->buf, len};
}

static bool recognises(struct text line) {
  take_stamp(&line);
  return text_begins(line, from_client) || text_begins(line, from_server) || is_html(line);
}

// ---- Replies ------------------------------------------------------------------------------------

// Where the code of the reply stands once more with a hyphen or a blank behind it, or t.len.
static size_t next_line(struct text t) {
  for (size_t n = 4; n + 4 <= t.len; n++) {
    bool ends = t.bytes[n + 3] == '-' || t.bytes[n + 3] == ' ';
    if (ends && memcmp(t.bytes, t.bytes + n, 3) == 0) {
      return n;
    }
  }
  return t.len;
}

static void put_run_together(struct ehlo_importer *i, struct text t, uint64_t time_us) {
  if (next_line(t) < t.len && !i->state.phpmailer.told_line_ends) {
    i->state.phpmailer.told_line_ends = true;
    ehlo_import_fact(&i->session, "note reconstructed the line ends within replies", EHLO_NO_TIME);
  }
  while (t.len > 0 && t.bytes[3] == '-') {
    size_t end = next_line(t);
    struct text line = {t.bytes, end};
    while (line.len > 0 && line.bytes[line.len - 1] == ' ') {
      line.len--;
    }
    server_line(i, line, time_us);
    time_us = EHLO_NO_TIME;
    t = text_after(t, end);
  }
  if (t.len > 0) {
    server_line(i, t, time_us);
  }
}

// The first line of a reply that is not at its end: what follows tells whether the rest is in it.
static void put_held(struct ehlo_importer *i, bool goes_on_below) {
  struct text t = {i->state.phpmailer.held, i->state.phpmailer.held_len};
  i->state.phpmailer.held_len = 0;
  if (t.len == 0) {
    return;
  }
  if (goes_on_below) {
    server_line(i, t, i->state.phpmailer.held_us);
  } else {
    put_run_together(i, t, i->state.phpmailer.held_us);
  }
}

static void put_server(struct ehlo_importer *i, struct text t, uint64_t time_us) {
  if (t.len >= 4 && text_is_reply(t) && t.bytes[3] == '-' &&
      t.len <= sizeof(i->state.phpmailer.held)) {
    memcpy(i->state.phpmailer.held, t.bytes, t.len);
    i->state.phpmailer.held_len = t.len;
    i->state.phpmailer.held_us = time_us;
  } else {
    server_line(i, t, time_us);
  }
}

// What stands indented below a server's line.
static struct text indented(struct text t) {
  while (t.len > 0 && (t.bytes[0] == ' ' || t.bytes[0] == '\t')) {
    t = text_after(t, 1);
  }
  return t;
}

static void remark(struct ehlo_importer *i, struct text line, struct text t, uint64_t time_us) {
  // The same line once more, before it is told as the server's.
  if (text_begins(t, "SMTP INBOUND: ")) {
    return;
  }
  comment(i, line);
  if (text_begins(t, "SMTP NOTICE: EOF caught")) {
    ehlo_import_fact(&i->session, "eof S", time_us);
  }
}

static void take(struct ehlo_importer *i, const struct piece *piece) {
  struct text line = is_html(piece->text) ? from_html(i, piece->text) : piece->text;
  struct text t = line;
  uint64_t time_us = take_stamp(&t);
  bool goes_on = i->state.phpmailer.server_goes_on;
  i->state.phpmailer.server_goes_on = false;
  goes_on = goes_on && time_us == EHLO_NO_TIME && text_is_reply(indented(t));
  put_held(i, goes_on);
  if (!i->session.notes_written) {
    ehlo_import_session_knows(&i->session, time_us != EHLO_NO_TIME, false);
  }
  if (text_take(&t, from_client)) {
    text_take(&t, " ");
    client_line(i, t, time_us);
  } else if (text_take(&t, from_server)) {
    text_take(&t, " ");
    put_server(i, t, time_us);
    i->state.phpmailer.server_goes_on = true;
    i->state.phpmailer.saw_server = true;
  } else if (goes_on) {
    server_line(i, indented(t), EHLO_NO_TIME);
    i->state.phpmailer.server_goes_on = true;
  } else {
    remark(i, line, t, time_us);
  }
}

static void finish(struct ehlo_importer *i) {
  put_held(i, false);
  if (!i->state.phpmailer.saw_server && i->session.begun) {
    ehlo_import_fact(&i->session, "note unknown server: SMTPDebug 1 does not show what it says",
                     EHLO_NO_TIME);
  }
}

const struct parser parser_phpmailer = {"phpmailer", false, recognises, take, finish};
