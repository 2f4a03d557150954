// What one session of `ehlo probe` saw, in words and in JSON.
#ifndef EHLO_TOOLS_DRIVER_PROBE_PRINT_H
#define EHLO_TOOLS_DRIVER_PROBE_PRINT_H

#include <stdbool.h>

#include "tools/driver/probe.h"

void probe_print_json(const struct session *s,
                      const enum probe_version_state versions[PROBE_VERSIONS]);

void probe_print_words(const struct session *s, bool quiet,
                       const enum probe_version_state versions[PROBE_VERSIONS], unsigned warn_days);

// Warns if a certificate of the chain expires within so many days.
void probe_print_days(const struct live_tls_info *tls, unsigned warn_days);

#endif  // EHLO_TOOLS_DRIVER_PROBE_PRINT_H
