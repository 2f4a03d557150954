// The other libraries, where they are on this machine. Their code is never part of this repository:
// libetpan is Debian's libetpan-dev, llhttp the C sources in Debian's node-llhttp, BoringSSL what ehlo
// is built with anyway.
#ifndef EHLO_TOOLS_BENCH_PEERS_H
#define EHLO_TOOLS_BENCH_PEERS_H

#include "tools/bench/bench.h"
#include "tools/bench/stream.h"

// A stream and how it is cut.
struct cut_stream {
  struct stream stream;
  size_t chunk_len;
};

struct message {
  uint8_t *bytes;
  size_t len;
  uint64_t digest;  // of what has to go out, without the final dot
};

// NULL where libetpan is not here. The first takes a struct cut_stream of replies, the other a struct
// message.
extern contender_run *const etpan_replies;
extern contender_run *const etpan_body;
extern const char etpan_version[];

// NULL where llhttp is not here. It takes a struct cut_stream of responses.
extern contender_run *const llhttp_responses;
extern const char llhttp_version[];

#endif  // EHLO_TOOLS_BENCH_PEERS_H
