// What a recording relay lets pass between a program in front and a server behind. Commands are seen
// before they pass, and what has to do with TLS is answered or done by the gate itself, so that each
// side has a TLS session of its own; everything else passes as it is, and is recorded before it does.
// Pure: bytes come in, bytes and wishes go out through callbacks; it knows no socket and no clock.
//
// The record is of the session behind, as a client of that server would have had it: where the
// server is to speak TLS by STARTTLS, the gate asks for it at the first command, with the client's
// own EHLO, and only then lets the client on. The client is shown the capabilities that the server
// has under TLS, and STARTTLS if the relay offers it; its own STARTTLS is answered here.
#ifndef EHLO_TOOLS_DRIVER_GATE_H
#define EHLO_TOOLS_DRIVER_GATE_H

#include "replay/tap/tap.h"
#include "tools/driver/hello.h"

// Octets of a command that is looked at before it passes.
#define GATE_LINE_MAX ((size_t)8192)

struct gate_config {
  bool starttls_behind;       // TLS has to be begun by STARTTLS
  bool secure_behind;         // TLS is on from the start
  bool allow_cleartext_auth;  // a credential may go where there is no TLS
  bool offers_starttls;       // in front
  bool secure_front;          // TLS is on from the start
  bool requires_front_tls;    // in front nothing but EHLO and STARTTLS goes without TLS
  const char *helo;           // for an EHLO of the relay's own
};

enum gate_state {
  GATE_PASS = 0,
  GATE_HELLO,          // the gate's EHLO is on its way
  GATE_STARTTLS,       // … its STARTTLS
  GATE_BEGINS_BEHIND,  // a handshake is wanted behind
  GATE_BEGINS_FRONT,   // … in front
  GATE_REFUSED,        // nothing passes any more; see `why` and `status`
};

struct gate_out {
  void (*to_front)(void *arg, const uint8_t *bytes, size_t len);
  void (*to_behind)(void *arg, const uint8_t *bytes, size_t len);
  void *arg;
};

// All members are private, but for `state`, `status` and `why`, which are to be read, and `tap`,
// which takes facts.
struct gate {
  struct ehlo_tap tap;
  struct gate_config config;
  struct gate_out out;
  enum gate_state state;
  int status;     // an exit status, once REFUSED
  char why[512];  // a sentence, once REFUSED
  bool secure_behind;
  bool secure_front;
  bool greeted;         // some of the server's bytes came
  bool auth_refused;    // here, and no known command since
  uint64_t hello_at;    // the EHLO whose reply is awaited, as the tap counts; 0: none
  bool front_is_fresh;  // TLS has begun there, and no EHLO has come since
  bool hello_is_last;   // no command has passed since it
  bool hello_kept;      // `hello` is a whole reply to `hello_line`
  size_t hello_line_len;
  size_t hello_len;
  uint8_t hello_line[GATE_LINE_MAX];
  uint8_t hello[HELLO_MAX];
};

void gate_init(struct gate *g, const struct gate_config *config, const struct gate_out *out,
               ehlo_write_fn write, void *write_arg);

// Bytes of the client's; returns how many were used. The rest is to be given again, with what
// follows it, after gate_behind() or a handshake. `ended`: no more follow.
size_t gate_front(struct gate *g, const uint8_t *bytes, size_t len, bool ended, uint64_t now_us);

// The same for bytes of the server's.
size_t gate_behind(struct gate *g, const uint8_t *bytes, size_t len, bool ended, uint64_t now_us);

// The handshake that was wanted is over; `details` for the record.
void gate_secured_behind(struct gate *g, const char *details, uint64_t now_us);
void gate_secured_front(struct gate *g, const char *details, uint64_t now_us);

// Ends it: nothing passes from here on, and the program in front is told by a reply, since it may
// wait for one. `status` is an exit status. Not during a handshake in front.
void gate_refuse(struct gate *g, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif  // EHLO_TOOLS_DRIVER_GATE_H
