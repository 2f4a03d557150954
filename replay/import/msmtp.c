// msmtp -v (--debug): `<-- ` and `--> ` before the dialogue; settings, certificates and its own
// complaints around it. No times, no chunks.
#include "replay/import/parsers.h"

static bool recognises(struct text line) {
  return (text_begins(line, "<-- ") && text_is_reply(text_after(line, 4))) ||
         text_begins(line, "--> EHLO ") || text_begins(line, "loaded system configuration file") ||
         text_begins(line, "using account ") || text_begins(line, "ignoring system configuration");
}

static void take(struct ehlo_importer *i, const struct piece *piece) {
  struct text t = piece->text;
  bool tls = i->state.msmtp.tls_follows;
  i->state.msmtp.tls_follows = text_is(t, "TLS session parameters:");
  if (text_take(&t, "<-- ")) {
    server_line(i, t, EHLO_NO_TIME);
  } else if (text_take(&t, "--> ")) {
    client_line(i, t, EHLO_NO_TIME);
  } else if (tls) {
    ehlo_import_tls(&i->session, t.bytes, t.len, EHLO_NO_TIME);
  } else if (!i->state.msmtp.tls_follows) {
    comment(i, piece->text);
  }
}

const struct parser parser_msmtp = {"msmtp", false, recognises, take, NULL};
