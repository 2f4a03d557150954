// A transcript for programs: one JSON object a line, for each line of the file.
#ifndef EHLO_TOOLS_DRIVER_SHOW_JSON_H
#define EHLO_TOOLS_DRIVER_SHOW_JSON_H

#include "tools/show/dialogue.h"

// Prints one item, to standard output.
void show_json_item(struct show_dialogue *d, const struct ehlo_item *item);

// What the fields are, for --help.
#define SHOW_JSON_HELP                                                                             \
  "--json prints one object for each line of FILE. In each of them are:\n"                         \
  "  line      its number, from 1\n"                                                               \
  "  type      comment, fact, server, client or event\n"                                           \
  "  text      what it says: of the dialogue decoded and without its CRLF, octets that are no\n"   \
  "            UTF-8 as \\xHH; as it stands in FILE where a secret is in it, and for the others\n" \
  "  seconds   since the start, null before the first time; wait: since the time before, or "      \
  "null\n"                                                                                         \
  "  stage     connect, greeting, ehlo, starttls, tls, auth, mail, rcpt, data, body, quit or "     \
  "null\n"                                                                                         \
  "  tls       whether it was said under TLS\n"                                                    \
  "In those of the dialogue (server, client):\n"                                                   \
  "  ends_line  false: the line goes on in a later object of this side; secret: something is "     \
  "hidden\n"                                                                                       \
  "  verb       the command, or the one that is answered: \"MAIL\", \"greeting\", \"body\"; or "   \
  "null\n"                                                                                         \
  "  part       client: command, response (of AUTH), message or end (the dot)\n"                   \
  "  code, enhanced, last  server: 550, \"5.7.1\" or null, and whether the reply's last line is "  \
  "this;\n"                                                                                        \
  "             all null while the line does not show them\n"                                      \
  "In facts: word (connect, tls, eof, reset, timeout, note, submit, ehlo-transcript) and parts:\n" \
  "  connect: host, port, address or path; tls: version, cipher, group, name, chain, sha256,\n"    \
  "  reason, subject, issuer, not_before, not_after, names; both: failed, reason;\n"               \
  "  eof, reset: side; submit: setting, value; note: note\n"                                       \
  "In events: word (reply, challenge, tls, body, closed, failed, outcome, message).\n"

#endif  // EHLO_TOOLS_DRIVER_SHOW_JSON_H
