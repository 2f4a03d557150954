// Lines of a hexadecimal dump (curl --trace, swaks --show-raw-text, tcpdump -X, xxd): the octets in them, and
// where in the dump each of them stands.
#ifndef EHLO_REPLAY_SCRUB_DUMP_H
#define EHLO_REPLAY_SCRUB_DUMP_H

#include "replay/scrub/logline.h"

#define SCRUB_DUMP_LINE_MAX 64         // octets in one line of a dump
#define SCRUB_DUMP_MAX ((size_t)4096)  // in one line of what was dumped

struct scrub_dump_line {
  size_t num;
  uint8_t octets[SCRUB_DUMP_LINE_MAX];
  size_t hex_at[SCRUB_DUMP_LINE_MAX];  // of each pair of digits, in the line
  size_t text_at;                      // of the column of text; 0 if there is none
};

// False if the line is none of a dump: an offset and at least four octets, or fewer and a column of text.
bool scrub_dump_read(struct scrub_dump_line *out, const struct logline *l);

#endif  // EHLO_REPLAY_SCRUB_DUMP_H
