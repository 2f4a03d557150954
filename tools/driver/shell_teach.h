// What each step of a session is, and where it is defined. A table; nothing here looks at a
// session.
#ifndef EHLO_TOOLS_DRIVER_SHELL_TEACH_H
#define EHLO_TOOLS_DRIVER_SHELL_TEACH_H

#include "engine/ehlo.h"

struct shell_lesson {
  const char *form;     // how the command is written
  const char *meaning;  // a sentence without a full stop
  const char *source;   // "RFC 5321 §4.1.1.2"
};

// Of a command, the greeting or the message; NULL for what is no SMTP command.
const struct shell_lesson *shell_teach_command(enum ehlo_verb verb);

// What a reply with `code` to `verb` means for what comes next; never NULL.
const struct shell_lesson *shell_teach_reply(enum ehlo_verb verb, uint16_t code);

#endif  // EHLO_TOOLS_DRIVER_SHELL_TEACH_H
