// The inputs of the reply cases: what submission servers say in many sessions, and HTTP responses
// for the parser of that protocol. The same on every run.
#ifndef EHLO_TOOLS_BENCH_STREAM_H
#define EHLO_TOOLS_BENCH_STREAM_H

#include <stddef.h>
#include <stdint.h>

struct stream {
  uint8_t *bytes;
  size_t len;
  size_t num_messages;  // replies or responses
  size_t num_lines;
  uint64_t digest;  // of what a parser has to find
};

// Replies of Postfix, Exchange Online and Gmail, in whole sessions with some refusals: about `len`
// octets. The digest is over each reply's text, line by line with LF, and its code.
void make_replies(struct stream *out, size_t len);

// The same replies dressed as HTTP responses without content: a status line, the other lines as
// header fields. The digest is over the octets of reasons, names and values, and a 1 for each end.
void make_responses_like_replies(struct stream *out, size_t len);

// Responses as web servers give them: about ten header fields, no content. The same digest.
void make_responses(struct stream *out, size_t len);

#endif  // EHLO_TOOLS_BENCH_STREAM_H
