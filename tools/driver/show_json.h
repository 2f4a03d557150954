// A transcript for programs: one JSON object a line, for each line of the file.
#ifndef EHLO_TOOLS_DRIVER_SHOW_JSON_H
#define EHLO_TOOLS_DRIVER_SHOW_JSON_H

#include "tools/show/dialogue.h"
#include "tools/show/summary.h"

// Private.
struct show_json {
  struct show_dialogue dialogue;
  struct show_summary summary;
  bool open;  // the last object lacks its end
};

void show_json_init(struct show_json *j);

// Prints one item, to standard output.
void show_json_item(struct show_json *j, const struct ehlo_item *item);

// Ends the last object. With `whole` it tells how the session ended.
void show_json_end(struct show_json *j, bool whole);

// What the fields are, for --help.
#define SHOW_JSON_HELP                                                             \
  "--json prints an object for each line of FILE. In each of them are:\n"          \
  "  line, type    its number, and comment, fact, server, client or event\n"       \
  "  text          what it says; \\{secret} where a credential was\n"              \
  "  seconds, wait since the start, and since the time before; or null\n"          \
  "  stage, tls    where the session stands, or null; whether under TLS\n"         \
  "of the dialogue:\n"                                                             \
  "  ends_line     false: the line goes on in a later object of its side\n"        \
  "  secret, verb  something is hidden; the command, or what is answered\n"        \
  "  part          client: command, response, message or end (the dot)\n"          \
  "  code, enhanced, last   server: 550, \"5.7.1\" and no \"-\" behind; or null\n" \
  "of facts and events: word, what it begins with; of facts: parts, by name.\n"    \
  "The last object has the end: outcome, stage, and an explanation or null.\n"     \
  "replay/SHOW.md describes the fields.\n"

#endif  // EHLO_TOOLS_DRIVER_SHOW_JSON_H
