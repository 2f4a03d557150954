// Text that came from a server, on its way to people. It may hold anything, so it is shown only
// through here: a control byte is escaped and can neither move the cursor nor colour the terminal.
#ifndef EHLO_TOOLS_DRIVER_TEXT_H
#define EHLO_TOOLS_DRIVER_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "engine/reply.h"

// Prints it: printable ASCII and, where the locale has it, printable UTF-8; all else as \xHH.
void text_print(FILE *out, struct ehlo_span text);

// The same of at most 200 octets, with "…" in the place of the rest: for what somebody typed.
void text_print_some(FILE *out, struct ehlo_span text);

// Prints every octet outside printable ASCII as an escape: CR and LF as \r and \n.
void text_print_raw(FILE *out, struct ehlo_span text);

// The same text as a JSON string, with octets that are not UTF-8 as \xHH. NULL without memory.
json_t *text_to_json(struct ehlo_span text);

// Prints the string that text_to_json() gives, as text_write_json() prints it; for what is printed
// line by line of long files.
void text_write_json_string(FILE *out, struct ehlo_span text);

// Prints `json` and frees it. Characters that text_print() would escape are escaped here as \uXXXX:
// what is read is the same, what a terminal obeys is not there.
void text_write_json(FILE *out, json_t *json, size_t flags);

// The same to standard output, with a line feed.
void text_print_json(json_t *json, size_t flags);

// Whether JSON went to standard output yet. What prints it in another way notes it.
bool text_has_json(void);
void text_note_json(void);

// AUTO until it is set.
enum text_colour_use { TEXT_COLOUR_AUTO, TEXT_COLOUR_ALWAYS, TEXT_COLOUR_NEVER };
void text_set_colour(enum text_colour_use use);

// Whether colour may be used on `out`. With AUTO: a terminal, NO_COLOR unset, TERM not "dumb".
bool text_colour(FILE *out);

#endif  // EHLO_TOOLS_DRIVER_TEXT_H
