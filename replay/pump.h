// Drives one client over one transport until the session is over: the blocking loop that every
// caller of the engine would write. It decides nothing and looks at no byte.
#ifndef EHLO_REPLAY_PUMP_H
#define EHLO_REPLAY_PUMP_H

#include "replay/program.h"
#include "replay/transport.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ehlo_pump {
  struct ehlo_client *client;
  struct ehlo_transport *transport;
  struct ehlo_program *program;
  struct ehlo_observer observer;
  bool tls_first;  // TLS before the greeting (RFC 8314 §3.3)
};

// Runs to the end: the program has finished, the session has closed or failed, or the transport
// answered with a status of class CALLER, by which a player says that its transcript is at its end.
// Returns that status, else EHLO_OK. The transport is left open.
enum ehlo_status ehlo_pump_run(struct ehlo_pump *p);

#ifdef __cplusplus
}
#endif

#endif  // EHLO_REPLAY_PUMP_H
