// Stands beside a client and keeps its own books from what it sees: what had to be sent and was, what
// the server said, which commands wait for a reply. It looks at no private member of the client.
#ifndef EHLO_FUZZ_WITNESS_H
#define EHLO_FUZZ_WITNESS_H

#include "engine/ehlo.h"
#include "fuzz/fuzz.h"

// A command without its reply.
struct ehlo_witness_command {
  enum ehlo_verb verb;
  size_t end;  // in `wanted`: it is sent when as much was
  bool last_chunk;
};

struct ehlo_witness {
  const struct ehlo_client *client;
  bool cleartext_allowed;
  bool bare_cr_repaired;          // a bare CR counts as a line end
  bool bare_lf_refused;           // and a bare LF as none
  struct ehlo_fuzz_bytes wanted;  // what the accepted verbs have to send
  struct ehlo_fuzz_bytes kinds;   // for each of these octets, the flags of its span
  size_t num_sent;                // of them, what was sent
  struct ehlo_fuzz_bytes server;  // the server's stream, as far as the client took it
  struct ehlo_fuzz_bytes base64;  // of the credential at hand
  size_t secret_at;               // the last secret, in `wanted`
  size_t secret_len;              // 0: it has left, and nothing of it is there
  size_t reply_end;               // in `server`: what no event has given yet begins here
  struct ehlo_witness_command pending[EHLO_PENDING_MAX];
  size_t num_pending;
  size_t num_recipients;  // replies to RCPT in this transaction
  bool lmtp;
  bool open;            // MAIL was accepted, and recipients may be
  bool greeted;         // and more: EHLO was accepted, or what only follows it
  bool challenged;      // AUTH got a 334
  bool chunked;         // a chunk was answered, and another is to come
  size_t num_accepted;  // recipients of this transaction
  size_t num_had;       // LMTP: replies to the message so far
  uint64_t chunk_left;
  bool chunk_octets;  // octets of this chunk were given
  bool chunk_text;    // text was
  bool chunk_held;    // all of it but the last LF was
  bool chunk_broken;  // it does not fit
  bool in_line;       // of the message
  bool cr;
  bool tls_wanted;  // and not had yet
  bool failed_told;
  bool closed_told;
  enum ehlo_verb last_verb;  // of the last reply
  uint16_t last_code;
};

// A witness is all zero, or what another session left, whose room it takes over.
void ehlo_witness_begin(struct ehlo_witness *w, const struct ehlo_client *c,
                        const struct ehlo_config *config);

// A line that a verb has to send.
struct ehlo_witness_line {
  enum ehlo_verb verb;
  struct ehlo_span head;
  const struct ehlo_span *secret;  // its base64 follows as a secret; NULL: nothing does
  bool utf8;                       // octets over 127 may stand in it
  bool verbatim;                   // the secret goes as it is, and `tail` behind it
  struct ehlo_span tail;
};

// The program's side: a verb answered `status`. If it was accepted, it has to send this line.
void ehlo_witness_verb(struct ehlo_witness *w, enum ehlo_status status,
                       const struct ehlo_witness_line *line);
void ehlo_witness_chunk_size(struct ehlo_witness *w, uint64_t len, bool last);  // after a BDAT
void ehlo_witness_chunk(struct ehlo_witness *w, const uint8_t *bytes, size_t len);
// Text of a message, or of a chunk, of which `len` octets were taken.
void ehlo_witness_body(struct ehlo_witness *w, enum ehlo_status status, bool chunk,
                       const uint8_t *bytes, size_t len);
void ehlo_witness_body_end(struct ehlo_witness *w, enum ehlo_status status, bool chunk);

// The transport's side.
void ehlo_witness_server(struct ehlo_witness *w, const uint8_t *bytes, size_t len);
void ehlo_witness_output(struct ehlo_witness *w, const struct ehlo_output *out, size_t taken);
void ehlo_witness_tls(struct ehlo_witness *w, enum ehlo_status status);

void ehlo_witness_event(struct ehlo_witness *w, const struct ehlo_event *event);

// What holds whenever nobody is inside the client.
void ehlo_witness_rest(struct ehlo_witness *w);

// The same for the part of the client's buffer that its output is in.
void ehlo_witness_buffer(struct ehlo_witness *w, const uint8_t *output, size_t len);

#endif  // EHLO_FUZZ_WITNESS_H
