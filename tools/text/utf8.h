// UTF-8 as it comes from a stranger: what is a character, and which ones show as themselves.
#ifndef EHLO_TOOLS_TEXT_UTF8_H
#define EHLO_TOOLS_TEXT_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Decodes the character at `s`, of which `left` octets are there, at least 1; returns its length, 0 if
// there is none (RFC 3629 §4).
size_t text_utf8_decode(uint32_t *out, const uint8_t *s, size_t left);

// Whether a character shows as itself and in its place: no control, nothing that turns the direction
// of writing, nothing without width.
bool text_is_printable(uint32_t c);

#endif  // EHLO_TOOLS_TEXT_UTF8_H
