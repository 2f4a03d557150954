// Who speaks, told by the first line of what should have been an SMTP server's. Pure.
#ifndef EHLO_TOOLS_DRIVER_FIRST_BYTES_H
#define EHLO_TOOLS_DRIVER_FIRST_BYTES_H

#include "engine/reply.h"

// A sentence without a full stop on who this is and what helps, static; NULL if it is not clear.
// `line` may be cut short.
const char *first_bytes_look(struct ehlo_span line);

#endif  // EHLO_TOOLS_DRIVER_FIRST_BYTES_H
