// Replays transcripts through the engine: the whole of one in one call, offline, without sockets or a
// clock.
//
//     struct ehlo_memory transcript = {bytes, len};  // replay/harness.h; or any ehlo_read_fn
//     struct ehlo_replay_options options = {.chunks = EHLO_CHUNKS_BYTE};
//     struct ehlo_replay_result result;
//     ehlo_replay_run(&result, ehlo_memory_read, &transcript, &options);
//
// A transcript is read once, from the front, as far as the session goes; one of any length needs the
// same memory, but for the messages and recipients that its settings name (replay/settings.h has the
// limits), which are allocated while it runs. A client that is not the engine is tested with
// replay/harness.h.
#ifndef EHLO_REPLAY_REPLAY_H
#define EHLO_REPLAY_REPLAY_H

#include "replay/event_text.h"
#include "replay/player.h"

#ifdef __cplusplus
extern "C" {
#endif

// All zero: as recorded, every byte compared. What is pointed to is the caller's, and has to be there
// until the replay is over.
struct ehlo_replay_options {
  enum ehlo_chunks chunks;
  bool tolerant;             // client bytes may differ
  struct ehlo_writer *copy;  // NULL, or where the transcript goes with its events made anew
  // NULL, or gives the transport that the session gets in place of the player: one around it, that
  // cuts or counts or breaks. Client and submission (NULL if it is none) live as long as the replay.
  struct ehlo_transport *(*around)(void *arg, struct ehlo_transport *player,
                                   const struct ehlo_client *c, const struct ehlo_submit *submit);
  void *around_arg;
  // NULL, or sees each event that a transcript may list, after the program acted on it. `line` is
  // where the player stands: the transcript's line that was used last. False ends the replay there.
  bool (*event)(void *arg, const struct ehlo_client *c, const struct ehlo_event *event,
                size_t line);
  // NULL, or is told in words what the policy made of the session: its outcome, and of several
  // messages each one's. They are events to a transcript, after all others.
  void (*verdict)(void *arg, const char *text);
  void *event_arg;  // of both
};

enum ehlo_replay_verdict {
  EHLO_REPLAY_SAME = 0,
  EHLO_REPLAY_DIVERGED,  // the client's bytes, the events or the connection's end are others
  EHLO_REPLAY_BAD,       // the transcript is not one
  EHLO_REPLAY_FAILED,    // it could not be read, or there was no memory
};

// Holds no memory besides its own.
struct ehlo_replay_result {
  enum ehlo_replay_verdict verdict;
  struct ehlo_divergence divergence;   // DIVERGED
  struct ehlo_transcript_error error;  // BAD; its message lives as long as the result
  char error_text[160];
  bool ended_by_event;        // the hook did it: what follows in the transcript was not looked at
  bool is_submission;         // it has "! submit" facts: policy decided
  enum ehlo_outcome outcome;  // then
  enum ehlo_stage stage;
  enum ehlo_state state;    // where the client stood at the end
  enum ehlo_status status;  // its sticky error
  size_t num_events;
  size_t num_flights;  // of the client: round trips, TLS handshakes included
  size_t num_handshake_flights;
  size_t num_writes;  // that a transport would have made, without handshakes
  uint64_t hash;      // replay/digest.h: the same whatever the cuts, and that of the live session
};

// What replays need of memory, less than 512 KiB, to be used again for any number of transcripts one
// after the other. Nothing of one is left to be seen in the next. Several may run at the same time,
// each in a thread of its own: there is nothing that they share.
struct ehlo_replayer;

struct ehlo_replayer *ehlo_replayer_new(void);  // NULL: there is no memory
void ehlo_replayer_free(struct ehlo_replayer *r);

// Runs the transcript that `read` gives. `out` is filled in whatever happens.
void ehlo_replayer_run(struct ehlo_replayer *r, struct ehlo_replay_result *out, ehlo_read_fn read,
                       void *arg, const struct ehlo_replay_options *options);

// The same in memory of its own, which it allocates and frees, for one transcript.
void ehlo_replay_run(struct ehlo_replay_result *out, ehlo_read_fn read, void *arg,
                     const struct ehlo_replay_options *options);

#ifdef __cplusplus
}
#endif

#endif  // EHLO_REPLAY_REPLAY_H
