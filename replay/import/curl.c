// curl -v: `<` and `>` stand before what was received and sent, `*` before remarks, braces before data
// that is not shown. The message is such data, so all that is known of it is that it was sent.
#include "replay/import/parsers.h"

static bool recognises(struct text line) {
  return (text_begins(line, "*   Trying ") || text_begins(line, "* Connected to ")) ||
         ((text_begins(line, "< ") || text_begins(line, "> ")) &&
          text_is_reply(text_after(line, 2)));
}

// "localhost (127.0.0.1) port 587 (#0)" as "localhost:587 127.0.0.1"
static bool connected(struct ehlo_importer *i, struct text t) {
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
  ehlo_import_fact(&i->session, fact, EHLO_NO_TIME);
  return true;
}

static void remark(struct ehlo_importer *i, struct text line, struct text t) {
  if (text_take(&t, "SSL connection using ")) {
    ehlo_import_tls(&i->session, t.bytes, t.len, EHLO_NO_TIME);
  } else if (!text_take(&t, "Connected to ") || i->session.begun || !connected(i, t)) {
    comment(i, line);
  }
}

static void take(struct ehlo_importer *i, const struct piece *piece) {
  struct text t = piece->text;
  if (text_take(&t, "< ")) {
    server_line(i, t, EHLO_NO_TIME);
  } else if (text_take(&t, "> ")) {
    client_line(i, t, EHLO_NO_TIME);
  } else if (text_take(&t, "* ")) {
    remark(i, piece->text, t);
  } else if (i->session.in_message || !(text_begins(t, "{ [") || text_begins(t, "} ["))) {
    comment(i, piece->text);
  }
}

const struct parser parser_curl = {"curl", false, recognises, take, NULL};
