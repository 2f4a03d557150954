// The server's side of a transcript, played to a client over a connection: says what the server
// said and waits where the client spoke, line by line, whatever the client's words are.
#ifndef EHLO_TOOLS_DRIVER_PLAY_H
#define EHLO_TOOLS_DRIVER_PLAY_H

#include <stdbool.h>

#include "replay/transcript.h"
#include "replay/transport.h"

// Plays what `reader` gives over `transport`, the server's end. False if the client left early or was
// silent for longer than `wait_ms`. The transport is left open.
bool play_server(struct ehlo_transport *transport, struct ehlo_reader *reader, uint32_t wait_ms);

#endif  // EHLO_TOOLS_DRIVER_PLAY_H
