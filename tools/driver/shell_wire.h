// A transport between the recorder and the live one: while the shell is at its prompt it only looks
// whether something is there, and while a reply is awaited it notices Ctrl-C.
#ifndef EHLO_TOOLS_DRIVER_SHELL_WIRE_H
#define EHLO_TOOLS_DRIVER_SHELL_WIRE_H

#include "replay/transport.h"

// What exchange() returns after Ctrl-C: of class CALLER, so that the pump ends.
#define SHELL_WIRE_INTERRUPTED EHLO_E_STATE

struct shell_wire {
  struct ehlo_transport base;
  struct ehlo_transport *inner;
  bool idle;   // to look once: that nothing is there is no error, and moves nothing
  bool quiet;  // the last look found nothing
};

void shell_wire_init(struct shell_wire *w, struct ehlo_transport *inner);

#endif  // EHLO_TOOLS_DRIVER_SHELL_WIRE_H
