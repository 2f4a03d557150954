// The message on standard input, as sendmail reads one: to its end, or to a line that is a dot
// alone.
#ifndef EHLO_TOOLS_DRIVER_SENDMAIL_INPUT_H
#define EHLO_TOOLS_DRIVER_SENDMAIL_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Reads from `fd`; with `dot_ends` a line of one dot is the end, and nothing behind it counts. The
// octets are for free(). Returns 0 or an exit status, after printing what is wrong.
int sendmail_input_read(uint8_t **out, size_t *out_len, int fd, bool dot_ends);

// The length of what is before a line of one dot, or `len` if there is none. Lines that begin
// before `*from` are not looked at; where to look next, when more has come, is left there.
size_t sendmail_input_end(size_t *from, const uint8_t *bytes, size_t len, bool is_all);

#endif  // EHLO_TOOLS_DRIVER_SENDMAIL_INPUT_H
