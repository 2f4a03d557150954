// Words for what ended a TLS session, from BoringSSL's error queue. Alerts are told as what the
// other side objects to, since their own names help nobody. It knows nothing of certificates.
#ifndef EHLO_TOOLS_LIVE_TLS_ERROR_H
#define EHLO_TOOLS_LIVE_TLS_ERROR_H

#include "tools/live/text.h"

// Appends one sentence on the oldest error in the queue, and empties the queue. `peer` is "server"
// or "client".
void live_tls_error_take(struct live_text *t, const char *peer);

#endif  // EHLO_TOOLS_LIVE_TLS_ERROR_H
