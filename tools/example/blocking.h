// One submission that waits: replay/pump.h over a transport of the program's own.
#ifndef EHLO_TOOLS_EXAMPLE_BLOCKING_H
#define EHLO_TOOLS_EXAMPLE_BLOCKING_H

#include "engine/submit.h"

// Submits `message` over the connected socket `fd`, without TLS.
enum ehlo_outcome submit_blocking(int fd, const struct ehlo_submit_config *cfg,
                                  const struct ehlo_timeouts *timeouts, struct ehlo_span message);

#endif  // EHLO_TOOLS_EXAMPLE_BLOCKING_H
