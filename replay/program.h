// Who decides what the client does: the submission policy for a message of one's own, or the verbs
// of a transcript. The pump asks it for events and for message text; it never sees the transport.
#ifndef EHLO_REPLAY_PROGRAM_H
#define EHLO_REPLAY_PROGRAM_H

#include "engine/ehlo.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ehlo_program;

struct ehlo_program_ops {
  // Takes the next event of the client and acts on it; like ehlo_next().
  enum ehlo_event_type (*next)(struct ehlo_program *p, struct ehlo_client *c,
                               struct ehlo_event *out);
  // Called while the client is in EHLO_STATE_BODY or EHLO_STATE_CHUNK: gives as much of the message as
  // the output has room for, and its end when there is no more. False: it cannot be given to its
  // end, and only closing the connection takes back what was sent.
  bool (*body)(struct ehlo_program *p, struct ehlo_client *c);
  // Whether nothing more is to come once the output is drained.
  bool (*finished)(const struct ehlo_program *p);
};

// To be the first member of a program's own struct.
struct ehlo_program {
  const struct ehlo_program_ops *ops;
};

// Sees every event once, after the program acted on it. Any member may be NULL.
struct ehlo_observer {
  // False: nothing more is to happen, and the pump returns.
  bool (*event)(void *arg, const struct ehlo_client *c, const struct ehlo_event *event);
  // A TLS handshake is done and the client was told so: what TLS has to give can be had.
  void (*secured)(void *arg);
  void *arg;
};

#ifdef __cplusplus
}
#endif

#endif  // EHLO_REPLAY_PROGRAM_H
