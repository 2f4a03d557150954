// What the operations of lines.h share, and those that lines_text.c has for the table in lines_edit.c.
#ifndef EHLO_FUZZ_LINES_PARTS_H
#define EHLO_FUZZ_LINES_PARTS_H

#include "fuzz/lines.h"

struct ehlo_span ehlo_fuzz_lines_part(struct ehlo_span s, size_t from, size_t to);

// Line `i` becomes what the parts say; false where that would be nothing, or there is no room.
bool ehlo_fuzz_lines_replace(struct ehlo_fuzz_lines *l, size_t i, const struct ehlo_span *parts,
                             size_t num_parts);

// Makes a line, or a word of it, just as long as a limit, or one or two octets off.
bool ehlo_fuzz_lines_stretch(struct ehlo_fuzz_lines *l);

// Another number in the place of one.
bool ehlo_fuzz_lines_change_number(struct ehlo_fuzz_lines *l);

// An octet changed, put in or taken out, and none that ends the line.
bool ehlo_fuzz_lines_change_octet(struct ehlo_fuzz_lines *l);

// A word of one line in the place of a word of another.
bool ehlo_fuzz_lines_change_word(struct ehlo_fuzz_lines *l);

#endif  // EHLO_FUZZ_LINES_PARTS_H
