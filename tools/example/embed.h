// What the example offers to its main().
#ifndef EHLO_TOOLS_EXAMPLE_EMBED_H
#define EHLO_TOOLS_EXAMPLE_EMBED_H

#include "engine/submit.h"

// Submits `message` over the connected socket `fd`, without TLS.
enum ehlo_outcome submit(int fd, const struct ehlo_submit_config *cfg, struct ehlo_span message);

#endif  // EHLO_TOOLS_EXAMPLE_EMBED_H
