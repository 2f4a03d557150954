// curl -v: `<` and `>` stand before what was received and sent, `*` before remarks, braces before data
// that is not shown. The message is such data, so all that is known of it is that it was sent. curl's
// trace is a log of curl too: where the first line is one of a trace, all is read as that.
#include <string.h>

#include "replay/import/parsers.h"

// The progress meter that curl writes over itself, as wide as this behind each carriage return. Where it
// goes to the same place as the log, the next line of the log stands right behind it.
#define METER_WIDTH 78

struct text curl_without_meter(struct text t) {
  static const char digits[] = " 0123456789.:-kMGTP";
  while (text_begins(t, "\r") && t.len > METER_WIDTH) {
    for (size_t n = 1; n <= METER_WIDTH; n++) {
      if (strchr(digits, t.bytes[n]) == NULL) {
        return t;
      }
    }
    t = text_after(t, 1 + METER_WIDTH);
  }
  return t;
}

uint64_t curl_take_stamp(struct text *t) {
  uint64_t time_us = EHLO_NO_TIME;
  struct text rest = *t;
  if (text_take_time(&rest, &time_us) && text_take(&rest, " ")) {
    *t = rest;
  } else {
    time_us = EHLO_NO_TIME;
  }
  if (text_begins(*t, "[")) {  // --trace-ids
    size_t end = text_find(*t, "] ");
    *t = end < 24 ? text_after(*t, end + 2) : *t;
  }
  return time_us;
}

static bool recognises(struct text line) {
  line = curl_without_meter(line);
  curl_take_stamp(&line);
  return text_begins(line, "*   Trying ") || text_begins(line, "* Connected to ") ||
         (text_begins(line, "< ") && text_is_reply(text_after(line, 2)));
}

// "localhost (127.0.0.1) port 587 (#0)" as "localhost:587 127.0.0.1"
static bool connected(struct ehlo_importer *i, struct text t, uint64_t time_us) {
  char fact[400] = "connect ";
  size_t len = 8;
  size_t name = text_find(t, " (");
  size_t address = text_find(t, ") port ");
  size_t port_at = address + 7;
  if (address >= t.len || name + 2 > address || address - name > 120 || name > 200 || name == 0) {
    return false;
  }
  for (size_t n = 0; n < name; n++) {
    fact[len++] = (char)t.bytes[n];
  }
  fact[len++] = ':';
  for (size_t n = port_at; n < t.len && t.bytes[n] >= '0' && t.bytes[n] <= '9' && n < port_at + 5;
       n++) {
    fact[len++] = (char)t.bytes[n];
  }
  fact[len++] = ' ';
  for (size_t n = name + 2; n < address; n++) {
    fact[len++] = (char)t.bytes[n];
  }
  for (size_t n = 0; n < len; n++) {
    if (fact[n] < ' ' || fact[n] > '~') {
      return false;
    }
  }
  ehlo_import_fact(&i->session, fact, time_us);
  return true;
}

static void remark(struct ehlo_importer *i, struct text line, struct text t, uint64_t time_us) {
  if (text_take(&t, "SSL connection using ")) {
    ehlo_import_tls(&i->session, t.bytes, t.len, time_us);
  } else if (!text_take(&t, "Connected to ") || i->session.begun || !connected(i, t, time_us)) {
    comment(i, line);
  }
}

void curl_tell_times(struct ehlo_importer *i, uint64_t time_us) {
  if (!i->session.notes_written) {
    ehlo_import_session_knows(&i->session, time_us != EHLO_NO_TIME, false);
  }
}

void curl_comment(struct ehlo_importer *i, struct text t) {
  if (t.len == 0 || text_begins(t, "  % Total  ") ||
      text_begins(t, "                                 Dload")) {
    return;
  }
  i->session.notes_wait = true;
  comment(i, t);
  i->session.notes_wait = false;
}

static void take(struct ehlo_importer *i, const struct piece *piece) {
  if (!i->session.begun && parser_curl_trace.recognises(piece->text)) {
    i->format = EHLO_IMPORT_CURL_TRACE;
    parser_curl_trace.take(i, piece);
    return;
  }
  struct text whole = curl_without_meter(piece->text);
  struct text t = whole;
  uint64_t time_us = curl_take_stamp(&t);
  if (text_begins(t, "< ") || text_begins(t, "> ") || text_begins(t, "* ")) {
    curl_tell_times(i, time_us);
  }
  if (text_take(&t, "< ")) {
    server_line(i, t, time_us);
  } else if (text_take(&t, "> ")) {
    client_line(i, t, time_us);
  } else if (text_take(&t, "* ")) {
    remark(i, whole, t, time_us);
  } else if (i->session.in_message || !(text_begins(t, "{ [") || text_begins(t, "} ["))) {
    curl_comment(i, whole);
  }
}

const struct parser parser_curl = {"curl", false, recognises, take, NULL};
