// Reads a session off its bytes, both directions, with none of the engine's code: which commands the
// transport took whole, what they were answered, whether a message is over there and its reply not
// back. For tests that hold the engine's judgement against it. Well-formed sessions only: where a
// server breaks the protocol, the session ends and nobody asks any more.
#ifndef EHLO_REPLAY_WIRE_H
#define EHLO_REPLAY_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EHLO_WIRE_PENDING_MAX 512
#define EHLO_WIRE_LINE_MAX ((size_t)65536)

enum ehlo_wire_command {
  EHLO_WIRE_OTHER = 0,
  EHLO_WIRE_GREETING,
  EHLO_WIRE_LHLO,
  EHLO_WIRE_STARTTLS,
  EHLO_WIRE_AUTH,
  EHLO_WIRE_MAIL,
  EHLO_WIRE_RCPT,
  EHLO_WIRE_DATA,
  EHLO_WIRE_MESSAGE,  // with its final dot
  EHLO_WIRE_CHUNK,
  EHLO_WIRE_LAST_CHUNK,
  EHLO_WIRE_QUIT,
};

struct ehlo_wire {
  enum ehlo_wire_command pending[EHLO_WIRE_PENDING_MAX];  // taken whole, without a reply yet
  size_t num_pending;
  size_t num_accepted;  // recipients of this transaction
  bool in_message;      // after a 354
  bool in_auth;         // after a 334: a line is a response
  uint64_t chunk_left;  // octets of a BDAT chunk still to come
  bool chunk_last;
  bool tls_is_due;        // after the 220 of STARTTLS
  bool mail_refused;      // in the transaction whose replies come now
  bool message_answered;  // some message has a whole reply, a 2yz
  bool lmtp;              // LHLO was accepted: a message has a reply for each accepted recipient
  size_t num_final;       // replies that the message has had
  size_t client_len;
  size_t server_len;
  size_t reply_lines;               // whole lines of a reply that is not whole
  char reply_code[4];               // theirs
  char client[EHLO_WIRE_LINE_MAX];  // the line, or the message's last line, as far as it was taken
  uint8_t server[EHLO_WIRE_LINE_MAX];
};

void ehlo_wire_init(struct ehlo_wire *w);
void ehlo_wire_client(struct ehlo_wire *w, const uint8_t *bytes, size_t len);
void ehlo_wire_server(struct ehlo_wire *w, uint8_t byte);
void ehlo_wire_tls(struct ehlo_wire *w);  // the handshake is over

// Whether the server has a message whole, with an accepted recipient, and its reply is not whole.
bool ehlo_wire_is_in_doubt(const struct ehlo_wire *w);

// Whether the server's unfinished line cannot become one of a reply any more: SPECIFICATION.md, "A
// line of a reply", 1 to 4.
bool ehlo_wire_line_is_broken(const struct ehlo_wire *w);

#endif  // EHLO_REPLAY_WIRE_H
