// A line of a log as prefix, dialogue and the rest, as far as that can be told without knowing the
// format: times, marks and quotes stand before what was said, quotes and line ends behind it.
#ifndef EHLO_REPLAY_SCRUB_LOGLINE_H
#define EHLO_REPLAY_SCRUB_LOGLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct logline {
  const uint8_t *bytes;
  size_t len;
  bool is_json;
};

struct logline logline_of(const uint8_t *line, size_t len);
// Whether what is said may begin at `at`: nothing but times and marks is before it.
bool logline_begins_at(const struct logline *l, size_t at);
// Whether it may end at `end`: nothing but quotes and line ends is behind it.
bool logline_ends_at(const struct logline *l, size_t end);
// Whether only blanks are behind `end`.
bool logline_is_over_at(const struct logline *l, size_t end);
// The text behind a mark that is a client's, without what is behind it. False if there is none.
bool logline_client_text(const struct logline *l, size_t *out_at, size_t *out_len);

#endif  // EHLO_REPLAY_SCRUB_LOGLINE_H
