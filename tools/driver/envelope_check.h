// The header of a message that was read, beside the envelope that it is to go in: what the two have
// to do with each other is the sender's affair, so all of this is warnings.
#ifndef EHLO_TOOLS_DRIVER_ENVELOPE_CHECK_H
#define EHLO_TOOLS_DRIVER_ENVELOPE_CHECK_H

#include "tools/driver/message.h"

// `from` is the envelope's sender; empty, and its From is not looked at.
void envelope_check(struct warnings *warnings, const struct message *m, const char *from);

#endif  // EHLO_TOOLS_DRIVER_ENVELOPE_CHECK_H
