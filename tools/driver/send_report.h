// What a submission came to, told to people or to programs.
#ifndef EHLO_TOOLS_DRIVER_SEND_REPORT_H
#define EHLO_TOOLS_DRIVER_SEND_REPORT_H

#include "tools/driver/post.h"
#include "tools/driver/session.h"

// After a session: the JSON object, or the words on standard output and standard error.
void send_report_json(const struct send_options *o, const struct post *p, const struct session *s);
void send_report_words(const struct send_options *o, const struct post *p, const struct session *s);

// The JSON object on what was wrong before there was a session. `warnings` may be NULL.
void send_report_early(const struct send_options *o, const char *stage, const char *error,
                       const struct warnings *warnings);

// The same where the command line was not understood.
void send_report_usage(const char *error);

#endif  // EHLO_TOOLS_DRIVER_SEND_REPORT_H
