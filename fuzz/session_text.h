// The text of an input of the session target: from lines to steps, and from a command line to the
// verb that is called and the line that it has to send.
#ifndef EHLO_FUZZ_SESSION_TEXT_H
#define EHLO_FUZZ_SESSION_TEXT_H

#include "engine/ehlo.h"
#include "fuzz/fuzz.h"

// Octets of one step's text. What is more is cut off.
#define EHLO_FUZZ_TEXT_MAX ((size_t)16384)

struct ehlo_fuzz_step {
  char what;              // '\n': nothing
  struct ehlo_span text;  // decoded
};

// Reads the step at `*at` and goes on to the next. Its text is lent by `block`, into which it fits
// exactly, and the caller returns it.
struct ehlo_fuzz_step ehlo_fuzz_step_read(struct ehlo_fuzz_block *block, const uint8_t *data,
                                          size_t *at, size_t size);

// A decimal number, at most `max`; 0 where there is none.
uint64_t ehlo_fuzz_number(struct ehlo_span text, uint64_t max);

#define EHLO_FUZZ_MECHANISM_MAX 32

struct ehlo_fuzz_command {
  bool raw;
  enum ehlo_verb verb;
  struct ehlo_span path;
  struct ehlo_span text;  // argument, parameters or credential
  char mechanism[EHLO_FUZZ_MECHANISM_MAX];
  bool has_secret;  // AUTH with an initial response
  uint64_t chunk_len;
  bool last_chunk;
  struct ehlo_fuzz_bytes head;  // the line to be sent, without a credential
};

// A line that no verb writes is taken as it is. `out` is all zero, or what another line left, whose
// room it takes over.
void ehlo_fuzz_command_read(struct ehlo_fuzz_command *out, struct ehlo_span line, bool raw);

enum ehlo_status ehlo_fuzz_command_send(const struct ehlo_fuzz_command *command,
                                        struct ehlo_client *c);

// A line with a secret between 0x01 and 0x02, in its three parts.
void ehlo_fuzz_split_secret(struct ehlo_span line, struct ehlo_span *out_head,
                            struct ehlo_span *out_secret, struct ehlo_span *out_tail);

#endif  // EHLO_FUZZ_SESSION_TEXT_H
