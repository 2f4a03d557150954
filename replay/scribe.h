// Writes down a session between a client and a server in absolute times: the shared half of what
// records an engine of ours (recorder.h) and what records other programs (tap.h). The client's
// secrets are told to it; a server line that says one back is found and hidden here: its code,
// separator and enhanced status code are kept, \{secret} stands for the rest.
#ifndef EHLO_REPLAY_SCRIBE_H
#define EHLO_REPLAY_SCRIBE_H

#include "engine/ehlo.h"
#include "replay/digest.h"
#include "replay/redact.h"
#include "replay/transcript.h"

#ifdef __cplusplus
extern "C" {
#endif

#define EHLO_SCRIBE_CUTS_MAX 64

// Where a chunk begins in the server's line that is held.
struct ehlo_scribe_cut {
  size_t at;
  uint64_t time_us;  // EHLO_NO_TIME: the chunk that was written last goes on
};

struct ehlo_scribe {
  struct ehlo_writer writer;
  const struct ehlo_redactor *redactor;
  // The caller's, each may be left alone: the digest of what is written, what more makes a server line a secret, and whether such
  // a line may come now, so that none is written before it is whole.
  struct ehlo_digest *digest;
  bool (*conceals)(const uint8_t *line, size_t len);
  bool guarded;
  uint64_t last_us;   // of the last item written
  uint64_t fresh_us;  // of the server's chunk at hand; EHLO_NO_TIME once part of it is written
  // The server's line that is not complete yet. While there are secrets to look for it is held back
  // with the cuts and times in it; after `written` bytes it is not in the record yet.
  size_t held_len;
  size_t written;
  size_t num_cuts;  // in what is not written
  struct ehlo_scribe_cut cuts[EHLO_SCRIBE_CUTS_MAX];
  bool line_begun;       // something of this line is in the record
  bool line_ended;       // its CRLF is held too
  bool cr;               // the server's last byte was a CR
  bool hiding;           // the rest of this line is hidden, up to its CRLF
  bool client_in_chunk;  // a client chunk is open
  bool seen_gathered;    // what was gathered holds bytes or facts, not only events
  uint8_t held[EHLO_REPLY_LINE_MAX + EHLO_TOKEN_MAX];
};

// `redactor` is the caller's. Items go through `write` in few calls of whole lines, at the latest when
// ehlo_scribe_push() is called.
void ehlo_scribe_init(struct ehlo_scribe *s, const struct ehlo_redactor *redactor,
                      ehlo_write_fn write, void *arg);

// Times are those of the session, absolute, in microseconds, and never go back. With EHLO_NO_TIME
// the chunk of this side goes on, and a fact has no time.

// What came from the server in one chunk, or one piece of it.
void ehlo_scribe_server(struct ehlo_scribe *s, const uint8_t *bytes, size_t len, uint64_t time_us);
// Writes what is held of an unfinished line: something else comes before its rest, or nothing does.
void ehlo_scribe_flush_server(struct ehlo_scribe *s);
// Forgets the server's unfinished line, flushed before: what comes now is another stream.
void ehlo_scribe_new_stream(struct ehlo_scribe *s);

// A chunk of the client's: begun, unless it is, given bytes and secrets, and ended.
void ehlo_scribe_client_begin(struct ehlo_scribe *s, uint64_t time_us);
void ehlo_scribe_client_bytes(struct ehlo_scribe *s, const uint8_t *bytes, size_t len);
void ehlo_scribe_client_secret(struct ehlo_scribe *s);
void ehlo_scribe_client_end(struct ehlo_scribe *s);

void ehlo_scribe_fact(struct ehlo_scribe *s, uint64_t time_us, const char *text, size_t len);
void ehlo_scribe_event(struct ehlo_scribe *s, const char *text);
// Hands over what was gathered. A server line that is held stays so.
void ehlo_scribe_push(struct ehlo_scribe *s);
// The same where it holds anything that was seen, bytes of a side or a fact. Events alone may wait: a
// replay makes them anew.
void ehlo_scribe_push_seen(struct ehlo_scribe *s);
// Both sides are written as far as they came, and handed over.
void ehlo_scribe_flush(struct ehlo_scribe *s);

#ifdef __cplusplus
}
#endif

#endif  // EHLO_REPLAY_SCRIBE_H
