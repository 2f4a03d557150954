// What the line typed so far can go on with: SMTP's words as far as the server offered them, and
// the shell's helpers. Pure; names of files are left to the line editor.
#ifndef EHLO_TOOLS_DRIVER_SHELL_COMPLETE_H
#define EHLO_TOOLS_DRIVER_SHELL_COMPLETE_H

#include "engine/ehlo.h"

#define SHELL_CHOICES_MAX 48
#define SHELL_CHOICE_MAX 40

struct shell_choices {
  size_t typed;  // octets before the cursor that the word at hand has already
  bool files;    // the word is the name of a file, and there are no choices here
  size_t num;
  char words[SHELL_CHOICES_MAX][SHELL_CHOICE_MAX];
};

// For `line` up to the cursor. Words are compared without case.
void shell_complete(struct shell_choices *out, struct ehlo_span line,
                    const struct ehlo_capabilities *caps);

// How many characters all the choices have in common.
size_t shell_complete_common(const struct shell_choices *choices);

#endif  // EHLO_TOOLS_DRIVER_SHELL_COMPLETE_H
