// PHPMailer, SMTPDebug 1 to 4 with the echo or plain output: `CLIENT -> SERVER: ` and
// `SERVER -> CLIENT: `, where a reply of several lines goes on below. With its time stamps, which are
// seconds, or without. Blanks at the end of a line are cut off by PHPMailer itself.
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

static bool recognises(struct text line) {
  take_stamp(&line);
  return text_begins(line, from_client) || text_begins(line, from_server);
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
  struct text t = piece->text;
  uint64_t time_us = take_stamp(&t);
  bool goes_on = i->state.phpmailer.server_goes_on;
  i->state.phpmailer.server_goes_on = false;
  if (!i->session.notes_written) {
    ehlo_import_session_knows(&i->session, time_us != EHLO_NO_TIME, false);
  }
  if (text_take(&t, from_client)) {
    text_take(&t, " ");
    client_line(i, t, time_us);
  } else if (text_take(&t, from_server)) {
    text_take(&t, " ");
    server_line(i, t, time_us);
    i->state.phpmailer.server_goes_on = true;
    i->state.phpmailer.saw_server = true;
  } else if (goes_on && time_us == EHLO_NO_TIME && text_is_reply(indented(t))) {
    server_line(i, indented(t), EHLO_NO_TIME);
    i->state.phpmailer.server_goes_on = true;
  } else {
    remark(i, piece->text, t, time_us);
  }
}

static void finish(struct ehlo_importer *i) {
  if (!i->state.phpmailer.saw_server && i->session.begun) {
    ehlo_import_fact(&i->session, "note unknown server: SMTPDebug 1 does not show what it says",
                     EHLO_NO_TIME);
  }
}

const struct parser parser_phpmailer = {"phpmailer", false, recognises, take, finish};
