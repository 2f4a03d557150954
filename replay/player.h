// A transport over a transcript: gives the server's bytes at the recorded cuts and times, and holds
// what the client sends against what was sent then. It opens nothing and has no clock of its own.
#ifndef EHLO_REPLAY_PLAYER_H
#define EHLO_REPLAY_PLAYER_H

#include "replay/digest.h"
#include "replay/expect.h"
#include "replay/transcript.h"
#include "replay/transport.h"

#ifdef __cplusplus
extern "C" {
#endif

// How what the server says is cut. Times stay those of the transcript.
enum ehlo_chunks {
  EHLO_CHUNKS_RECORDED = 0,
  EHLO_CHUNKS_LINE,  // each line of the transcript by itself, which may be a piece of a server's line
  EHLO_CHUNKS_BYTE,
};

// How a replay differed from its transcript.
struct ehlo_divergence {
  bool found;
  size_t line;  // of the transcript, from 1
  size_t column;
  char expected[200];  // escaped, maybe shortened
  char got[200];
};

// Events that the client gave and no "= " line was held against yet.
#define EHLO_EVENTS_MAX 256
#define EHLO_PLAYER_EVENT_MAX 96

struct ehlo_player {
  struct ehlo_transport base;
  struct ehlo_reader *reader;
  enum ehlo_chunks chunks;
  bool tolerant;
  bool follows;  // see ehlo_player_follow()
  bool holds;    // the program has read what the client cannot send yet
  // Each line of the transcript but "= " ones goes here as it is used, and each event: `--update`.
  struct ehlo_writer *copy;
  struct ehlo_item item;  // the next one, when `have_item`
  bool have_item;
  size_t line;  // of the item used last, 0 before the first
  bool at_end;
  bool bad;  // the transcript is not one, see reader->error
  bool has_header;
  bool events_listed;    // an "= " line was seen
  bool offsets_shifted;  // a \{secret} of the server's was filled with something else
  size_t server_pos;     // bytes of the present server item already given
  bool given;            // and the client may not have used all of them yet
  uint64_t time_us;      // what the client is told
  uint64_t recorded_us;  // of the item at hand, by the times of the transcript alone
  // What the client sent between two times of receiving something is one flight; a handshake is one.
  // A write is what a transport would send at once: all up to a span that no MORE stands at.
  size_t num_flights;
  size_t num_handshake_flights;
  size_t num_writes;
  bool in_flight;
  struct ehlo_digest digest;  // of what was used up and what the client sent
  struct ehlo_divergence divergence;
  size_t first_event;
  size_t num_events;
  // Both are set up by what they say they hold.
  char events[EHLO_EVENTS_MAX][EHLO_PLAYER_EVENT_MAX];
  struct ehlo_expect expect;
};

// `reader` is at its beginning, and the player's alone from now on. `copy` is NULL or as above. Both
// are the caller's.
void ehlo_player_init(struct ehlo_player *p, struct ehlo_reader *reader, enum ehlo_chunks chunks,
                      bool tolerant, struct ehlo_writer *copy);

// Steps over comments and facts that are the program's ("submit", "connect", "note"), giving each
// to `fact`. To be called once before the session begins.
void ehlo_player_prologue(struct ehlo_player *p,
                          void (*fact)(void *arg, const struct ehlo_item *fact), void *arg);

// Whether the next item is a TLS handshake, or a wait that timed out.
bool ehlo_player_tls_is_next(struct ehlo_player *p);
bool ehlo_player_timeout_is_next(struct ehlo_player *p);

// The next item if it is the client's and was not taken yet, else NULL. It is not to be seen before
// the client has used up what the server said before it.
const struct ehlo_item *ehlo_player_client_item(struct ehlo_player *p);
// Takes it: from now on the client is expected to send its bytes. False if too much is expected.
bool ehlo_player_take_client_item(struct ehlo_player *p);

// For a program that says what the transcript says. Its client waits for replies, as not every program
// does: where lines of the recorded client stand before what its client has to hear first, that comes
// first, a line at a time, and they are sent later, up to EHLO_EXPECT_MAX of them. Those that a
// handshake finds waiting were said in cleartext, and a server has to forget them (RFC 3207 §4.2):
// they are passed over, as are those behind the session's end. A lone LF is as good as a CRLF.
// Nothing of the client's differs, so it is strict in any case.
void ehlo_player_follow(struct ehlo_player *p);
// Then, in place of the two above: the next piece of the client's, which it is expected to send.
bool ehlo_player_read_client(struct ehlo_player *p, struct ehlo_expect_text *out);
// What was read last cannot be sent, and why.
void ehlo_player_refuse(struct ehlo_player *p, const char *why);
// Whether some of what was read waits to be sent.
void ehlo_player_hold(struct ehlo_player *p, bool holds);

// The client gave an event, or the program its outcome.
void ehlo_player_event(struct ehlo_player *p, const char *text);

// The session is over: what is left of the transcript is held against it.
void ehlo_player_finish(struct ehlo_player *p);

// A disagreement that the program found; the first one stands.
void ehlo_player_diverge(struct ehlo_player *p, size_t line, size_t column, const char *expected,
                         const char *got);

#ifdef __cplusplus
}
#endif

#endif  // EHLO_REPLAY_PLAYER_H
