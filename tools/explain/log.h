// Finds the refusals in what somebody pasted: the log of a mail program, a traceback, a server's
// mail log, or just a reply. Host and stage come from what stands around it. Pure, and bounded in
// memory; it takes line by line and must not take a number in passing for a reply.
#ifndef EHLO_TOOLS_EXPLAIN_LOG_H
#define EHLO_TOOLS_EXPLAIN_LOG_H

#include "tools/explain/sentence.h"

#define EXPLAIN_LOG_WORDS_MAX 4096  // octets of one reply, and of one line, that are looked at

struct explain_log {
  void (*found)(void *arg, const struct explain_question *q);
  void *arg;
  bool is_reply;  // all of it is one: a code counts wherever it stands
  // What the lines before said.
  char host[256];
  uint8_t greeting[512];
  size_t greeting_len;
  bool stage_known;
  enum ehlo_stage stage;
  // The reply at hand.
  bool open;
  bool goes_on;     // its last line said so
  bool folded;      // lines without a code came, that may belong to it or not
  size_t sure_len;  // of the words, before these
  char quote;       // a program put it between these; 0: it did not
  bool own_stage_known;
  enum ehlo_stage own_stage;
  char own_host[256];
  unsigned code;
  struct ehlo_enhanced enhanced;
  size_t len;
  uint8_t words[EXPLAIN_LOG_WORDS_MAX];
};

// `found` gets each refusal, in order, with words that live until it returns.
void explain_log_init(struct explain_log *l,
                      void (*found)(void *arg, const struct explain_question *q), void *arg);
// Lines without a code that follow a reply, with the same mark or further in, are taken for a part
// of it where its own lines are not known and all together are.
// A line without its end. A line end that a program wrote as the two characters "\n" counts as one.
void explain_log_line(struct explain_log *l, struct ehlo_span line);
void explain_log_end(struct explain_log *l);

#endif  // EHLO_TOOLS_EXPLAIN_LOG_H
