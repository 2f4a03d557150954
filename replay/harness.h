// A transcript as the mock server of a client that is not ours: any code that eats what a server says
// and gives what a client says can be tested against a recorded session, its cuts and times
// included. No file is opened here, no socket, no clock is read and no memory allocated.
//
//     static struct ehlo_harness harness;
//     struct ehlo_memory transcript = {bytes, len};
//     struct ehlo_harness_result result;
//     ehlo_harness_run(&harness, &result, ehlo_memory_read, &transcript, &options, my_client, me);
//
//     void my_client(void *me, struct ehlo_harness *h, const struct ehlo_harness_input *in) {
//       … feed in->bytes to the client; ehlo_harness_send(h, …) what it answers …
//     }
//
// tools/example/mock_test.c is a whole program. The project's own engine is run over a transcript by
// replay/replay.h.
#ifndef EHLO_REPLAY_HARNESS_H
#define EHLO_REPLAY_HARNESS_H

#include "replay/replay.h"

#ifdef __cplusplus
extern "C" {
#endif

// Octets that the server says in one call, at most. A recorded chunk that is longer comes in several.
#define EHLO_HARNESS_CHUNK_MAX ((size_t)16384)
// Octets that the client may have said before it is its turn.
#define EHLO_HARNESS_HELD_MAX ((size_t)65536)
// Octets of a client's line that are looked at where its arguments may differ.
#define EHLO_HARNESS_LINE_MAX ((size_t)128)

// ---- Transcripts in memory ------------------------------------------------------------------------

// Bytes to read from the front. `pos` is 0 at first, and again for another run.
struct ehlo_memory {
  const void *bytes;
  size_t len;
  size_t pos;
};

// An ehlo_read_fn. For a file, a function of your own over fread() or read() does as well.
long ehlo_memory_read(void *memory, uint8_t *buf, size_t cap);

// ---- What the client is told, and says ------------------------------------------------------------

enum ehlo_harness_happening {
  EHLO_HARNESS_BYTES,           // the server said something
  EHLO_HARNESS_TLS,             // the handshake that the client began, or that comes first, is done
  EHLO_HARNESS_TLS_FAILED,      // it is not, and the connection is over
  EHLO_HARNESS_TIMEOUT,         // the client waited until now, and nothing came
  EHLO_HARNESS_CLOSED,          // the server closed the connection
  EHLO_HARNESS_RESET,           // the connection broke
  EHLO_HARNESS_CONNECT_FAILED,  // there never was one
};

struct ehlo_harness_input {
  enum ehlo_harness_happening happening;
  // BYTES: what was said, `len` at least 1. Yours until the function returns.
  const uint8_t *bytes;
  size_t len;
  uint64_t now_us;  // virtual time: microseconds since the transcript's beginning
};

struct ehlo_harness;

// The client under test: takes what happened, and says what it has to say to it with
// ehlo_harness_send(), before it returns. It is not called any more after a divergence.
typedef void (*ehlo_harness_client_fn)(void *arg, struct ehlo_harness *h,
                                       const struct ehlo_harness_input *in);

// The client says `len` octets, in any number of calls. They are compared at once and not kept; only
// what comes before its turn waits (EHLO_HARNESS_HELD_MAX; more is a divergence). To be called by
// the client's function alone.
void ehlo_harness_send(struct ehlo_harness *h, const void *bytes, size_t len);

// The client closed its end: it says no more and wants to hear no more. Not needed where the
// transcript ends there as well.
void ehlo_harness_close(struct ehlo_harness *h);

// ---- Running --------------------------------------------------------------------------------------

struct ehlo_harness_options {
  enum ehlo_chunks chunks;  // how the server's words are cut: as recorded, by line, by byte
  // false: the client has to say the recorded octets. In place of a \{secret} it may say anything up
  // to the end of that line.
  // true: it has to give the same commands in the same order. What follows their first word may
  // differ, and so may the answers to a 334 and the message.
  bool tolerant;
};

struct ehlo_harness_result {
  enum ehlo_replay_verdict verdict;
  struct ehlo_divergence divergence;   // DIVERGED: the first one, with its place in the transcript
  struct ehlo_transcript_error error;  // BAD: where and why it is no transcript
  size_t num_early;                    // octets that the client said before its turn
  uint64_t end_us;                     // virtual time at the end
};

// Some 130 KiB for one run at a time, to be used again as often as you like; static, or on the heap,
// as suits you. Nothing has to be set up and nothing to be freed.
struct ehlo_harness {
  // Private.
  struct ehlo_reader reader;
  struct ehlo_harness_options options;
  ehlo_harness_client_fn client;
  void *arg;
  struct ehlo_harness_result *result;
  struct ehlo_item item;  // the next one, when `have_item`
  bool have_item;
  bool over;     // a divergence, or the end
  bool quoting;  // what the client says belongs to the divergence
  bool closed;
  uint64_t time_us;
  size_t server_pos;  // of the server's item, its secrets filled in
  // What is expected of the client: strict, the place in the item's text; tolerant, in its bytes.
  size_t at;
  bool in_secret;  // the rest of the line is not compared
  bool cr;         // the octet before was a CR
  // What the client's next line is, if it may differ.
  enum { EHLO_HARNESS_COMMAND, EHLO_HARNESS_RESPONSE, EHLO_HARNESS_MESSAGE } next_line;
  size_t reply_len;  // of the server's line under way
  char reply[4];     // its beginning
  // Octets of a BDAT chunk that the client has yet to say, and of the recorded one.
  uint64_t left;
  uint64_t wanted_left;
  size_t line_len;
  uint8_t line[EHLO_HARNESS_LINE_MAX];  // the client's line under way, its beginning
  size_t held_len;
  uint8_t held[EHLO_HARNESS_HELD_MAX];
  uint8_t chunk[EHLO_HARNESS_CHUNK_MAX];
};

// Plays the transcript that `read` gives, from its beginning, to `client`, and compares what it says
// with what was said then. All lines up to the first divergence are judged as strictly as anywhere:
// bad ones end the run with EHLO_REPLAY_BAD, and their place. Facts of a submission ("! submit") and
// events ("= ") are about our own engine and are left aside.
void ehlo_harness_run(struct ehlo_harness *h, struct ehlo_harness_result *out, ehlo_read_fn read,
                      void *read_arg, const struct ehlo_harness_options *options,
                      ehlo_harness_client_fn client, void *client_arg);

#ifdef __cplusplus
}
#endif

#endif  // EHLO_REPLAY_HARNESS_H
