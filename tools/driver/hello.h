// The reply to EHLO as a relay shows it: what a program in front cannot have is taken out, what it
// can have is put in. It knows nothing of connections.
#ifndef EHLO_TOOLS_DRIVER_HELLO_H
#define EHLO_TOOLS_DRIVER_HELLO_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/reply.h"

// Octets of a reply that can be edited; a longer one is passed as it is.
#define HELLO_MAX ((size_t)16384)

// Whether the reply, whole lines, is a success and offers STARTTLS.
bool hello_offers_starttls(struct ehlo_span reply);

// Writes the reply for the program in front and returns its length: without the server's STARTTLS,
// without mechanisms that bind to a TLS session (their names end in -PLUS: there are two sessions
// here), and with a STARTTLS of the relay's own where `offers_starttls`. Only a reply of code 250
// with more than one line, or one to which something is added, differs. `out` has room for
// HELLO_MAX + 32.
size_t hello_for_front(char *out, struct ehlo_span reply, bool offers_starttls);

#endif  // EHLO_TOOLS_DRIVER_HELLO_H
