// What the parts of the client share: the output queue, the ring of outstanding commands and the
// sticky error. Internal to engine/.
#ifndef EHLO_ENGINE_CLIENT_H
#define EHLO_ENGINE_CLIENT_H

#include "engine/ehlo.h"

// In client.pending[]: this BDAT was the LAST one.
#define EHLO_PENDING_LAST_CHUNK 0x80

// How the octets of a BDAT chunk are given.
enum ehlo_chunk_way {
  EHLO_CHUNK_OPEN = 0,  // none were given yet
  EHLO_CHUNK_OCTETS,    // verbatim
  EHLO_CHUNK_TEXT,
  EHLO_CHUNK_HELD,    // text that is as long as announced; its last LF waits for the end
  EHLO_CHUNK_BROKEN,  // text of another length
};

// Zeroes memory in a way that the compiler keeps.
void ehlo_wipe(void *p, size_t len);

// ---- output.c: bytes waiting for the transport ----

// Contiguous room at the end of the output, made by moving what is waiting to the front; 0 when no
// further segment fits either.
size_t ehlo_output_room(struct ehlo_client *c);
// Where to write next, after ehlo_output_room().
uint8_t *ehlo_output_tail(struct ehlo_client *c);
// Takes `len` bytes written at the tail into the queue.
void ehlo_output_commit(struct ehlo_client *c, size_t len, unsigned flags);
void ehlo_output_drop(struct ehlo_client *c);

// ---- verbs.c: a command line into the queue ----

// Adds bytes, for which there is room.
void ehlo_put(struct ehlo_client *c, struct ehlo_span bytes, unsigned flags);
// Queues the joined parts and CRLF as one command; EHLO_E_TOO_LONG or EHLO_E_FULL and nothing.
enum ehlo_status ehlo_put_line(struct ehlo_client *c, enum ehlo_verb verb,
                               const struct ehlo_span *parts, size_t num_parts);
// A verb with an argument, which may be empty.
enum ehlo_status ehlo_put_command(struct ehlo_client *c, enum ehlo_verb verb,
                                  struct ehlo_span argument);

// ---- message.c ----

// A BDAT of `len` octets was queued, and its chunk is to be given.
void ehlo_client_begin_chunk(struct ehlo_client *c, uint64_t len);

// ---- client.c ----

// Whether a verb may be queued now; EHLO_OK, EHLO_E_STATE, EHLO_E_FULL or the sticky status.
enum ehlo_status ehlo_client_check(const struct ehlo_client *c, enum ehlo_verb verb);
// Notes that `verb` is now queued to its end and awaits a reply.
void ehlo_client_push(struct ehlo_client *c, enum ehlo_verb verb);
// `n` bytes of a BDAT chunk were queued; at its end the command is complete.
void ehlo_client_chunk_taken(struct ehlo_client *c, size_t n);
// The oldest command may have been sent to its end: one that gets no reply is over then.
void ehlo_client_settle(struct ehlo_client *c);
// The command queued last, NONE if nothing is outstanding.
enum ehlo_verb ehlo_client_last_pending(const struct ehlo_client *c);

#endif  // EHLO_ENGINE_CLIENT_H
