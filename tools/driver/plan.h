// What would be done, and what is odd about it, before anything is opened: --profile, --dry-run,
// and the combinations that cannot be meant.
#ifndef EHLO_TOOLS_DRIVER_PLAN_H
#define EHLO_TOOLS_DRIVER_PLAN_H

#include <jansson.h>
#include <stdio.h>

#include "tools/driver/live_options.h"
#include "tools/driver/warnings.h"

// --profile and --dry-run, over struct live_options.
extern const struct option_row plan_option_rows[];

// A sentence on options that exclude one another or make no sense alone, NULL if all is well.
// `uses` are those of the command line: what stands in the configuration for many servers need not
// fit each.
const char *plan_conflict(const struct live_options *o, const struct option_uses *uses);

// Warns of what contradicts what is known of the provider. `from` may be NULL.
void plan_warn(struct warnings *w, const struct live_options *o, const char *from);

// What is resolved of the shared options: server, TLS, login, record.
void plan_print(FILE *out, const struct live_options *o);
json_t *plan_json(const struct live_options *o);

// One of the two, as --json says, to standard output.
void plan_show(const struct live_options *o);

#endif  // EHLO_TOOLS_DRIVER_PLAN_H
