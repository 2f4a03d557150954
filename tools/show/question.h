// The questions that a recorded session is to tools/explain: a reply of it, or how it failed.
#ifndef EHLO_TOOLS_SHOW_QUESTION_H
#define EHLO_TOOLS_SHOW_QUESTION_H

#include "tools/explain/explain.h"
#include "tools/show/summary.h"

#define SHOW_HOST_MAX 256

// What a question points to beside the summary.
struct show_asked {
  char host[SHOW_HOST_MAX];
  uint8_t line[EXPLAIN_FAILURE_LINE_MAX];
};

// `asked` is written for the question to point to.
struct explain_question show_question(struct show_asked *asked, const struct show_summary *s,
                                      const struct show_reply *r);

// What ended the session where no reply did. False: a reply did, or it ended well, or it is not
// known.
bool show_failure_question(struct explain_question *out, struct show_asked *asked,
                           const struct show_summary *s);

// Explains the reply that decided on the verdict, or else the failure. False where there is nothing to
// explain.
bool show_explain(struct explanation *out, const struct show_summary *s, struct show_verdict v);

#endif  // EHLO_TOOLS_SHOW_QUESTION_H
