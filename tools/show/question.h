// The question that a reply of a recorded session is to tools/explain.
#ifndef EHLO_TOOLS_SHOW_QUESTION_H
#define EHLO_TOOLS_SHOW_QUESTION_H

#include "tools/explain/explain.h"
#include "tools/show/summary.h"

#define SHOW_HOST_MAX 256

// `host` is written for the question to point to.
struct explain_question show_question(char host[SHOW_HOST_MAX], const struct show_summary *s,
                                      const struct show_reply *r);

#endif  // EHLO_TOOLS_SHOW_QUESTION_H
