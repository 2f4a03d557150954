// The words of a reply as one sentence, and what is looked for in it. Pure, bounded by
// EXPLAIN_SENTENCE_MAX in memory and by its square in time.
#ifndef EHLO_TOOLS_EXPLAIN_SENTENCE_H
#define EHLO_TOOLS_EXPLAIN_SENTENCE_H

#include "tools/explain/explain.h"

#define EXPLAIN_SENTENCE_MAX 2048  // octets; what goes beyond is not looked at

struct explain_sentence {
  char text[EXPLAIN_SENTENCE_MAX + 1];  // NUL-terminated; a NUL among the words became a blank
  size_t len;
};

// Reads "535", "535 ", "535-" and an enhanced status code behind it at the beginning of `line`.
// Returns how many octets these are, 0 if there is no code from 200 to 599. `*out_code` and
// `*out_enhanced` are set then.
size_t explain_codes(unsigned *out_code, struct ehlo_enhanced *out_enhanced, struct ehlo_span line);

// Joins the lines of `words` by blanks, each without the code of `q` and its enhanced status code,
// also where somebody joined the lines before. White space comes down to single blanks, and what
// word processors make of quotes, blanks and hyphens (in UTF-8) to those of ASCII.
void explain_sentence_make(struct explain_sentence *out, const struct explain_question *q);

// Where it is a 334 with base64 of JSON, as servers refuse a token (RFC 7628 §3.2.2), the JSON
// takes its place.
void explain_sentence_decode(struct explain_sentence *s);

// Whether `match` of an entry is in the sentence, in any case of letters.
bool explain_sentence_has(const struct explain_sentence *s, const char *match);

// Whether it is all of it, but for a full stop and what support asks for.
bool explain_sentence_is(const struct explain_sentence *s, const char *match);

// Finds what a provider's support asks for: the last bracket of Exchange, what stands before "-
// gsmtp" … Empty if there is none.
void explain_trace(char out[EXPLAIN_TRACE_MAX], const struct explain_sentence *s);

#endif  // EHLO_TOOLS_EXPLAIN_SENTENCE_H
