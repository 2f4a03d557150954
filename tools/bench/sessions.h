// Transcripts for the cases of replay, reader and writer: the same on every run.
#ifndef EHLO_TOOLS_BENCH_SESSIONS_H
#define EHLO_TOOLS_BENCH_SESSIONS_H

#include <stddef.h>

// A submission with STARTTLS, AUTH LOGIN, two recipients and a short message: 13 replies. `settings`:
// it is one of ehlo's own, which decides again; else its commands are followed.
extern const char bench_session[];
extern const char bench_session_settings[];
#define BENCH_SESSION_EVENTS 16

struct transcript {
  char *text;
  size_t len;
  size_t num_sessions;
};

// About `len` octets of a session whose message is long, in lines of 70 characters.
void make_long_transcript(struct transcript *out, size_t len);

#endif  // EHLO_TOOLS_BENCH_SESSIONS_H
