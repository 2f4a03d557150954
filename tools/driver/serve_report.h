// What the clients of `ehlo serve` did, in words or as JSON. A client's words are shown escaped.
#ifndef EHLO_TOOLS_DRIVER_SERVE_REPORT_H
#define EHLO_TOOLS_DRIVER_SERVE_REPORT_H

#include "tools/driver/serve_connection.h"

// `faults` are the texts of the faults, in the order of ehlo_faults.list.
void serve_report_print(const struct serve_connection *c, const char *const *faults);
void serve_report_json(const struct serve_connection *c, const char *const *faults);

#endif  // EHLO_TOOLS_DRIVER_SERVE_REPORT_H
