// A reply read the plain way: the whole stream lies there and is split into lines, which are judged
// one by one in the order of engine/SPECIFICATION.md, "A line of a reply".
#ifndef EHLO_FUZZ_REFERENCE_REPLY_H
#define EHLO_FUZZ_REFERENCE_REPLY_H

#include "engine/reply.h"

struct ehlo_reference_reply {
  bool complete;
  size_t len;  // of the complete reply
  uint16_t code;
  size_t num_lines;
  enum ehlo_status status;         // found while the stream goes on
  enum ehlo_status status_at_end;  // the same, or what is found when the stream ends here
  size_t error_at;                 // from the start of the reply
  size_t last_line;                // where the line stands that an error speaks of
  size_t last_line_len;            // without its line end
};

void ehlo_reference_read_reply(struct ehlo_reference_reply *out, const uint8_t *stream, size_t len,
                               const struct ehlo_reply_limits *limits, bool challenge_expected);

#endif  // EHLO_FUZZ_REFERENCE_REPLY_H
