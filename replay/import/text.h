// Small readers of text that the parsers of logs share.
#ifndef EHLO_REPLAY_IMPORT_TEXT_H
#define EHLO_REPLAY_IMPORT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A part of a line, whose memory is another's.
struct text {
  const uint8_t *bytes;
  size_t len;
};

bool text_begins(struct text t, const char *beginning);
bool text_is(struct text t, const char *whole);
struct text text_after(struct text t, size_t n);
// Takes `beginning` off the front, if it is there.
bool text_take(struct text *t, const char *beginning);
// Takes a decimal or hexadecimal number of at most 15 digits off the front.
bool text_take_number(struct text *t, uint64_t *out, unsigned base);
// The offset of `part`, or t.len.
size_t text_find(struct text t, const char *part);

// Takes "HH:MM:SS.ffffff" off the front, with any number of digits behind a dot or none; the time
// of day in microseconds.
bool text_take_time(struct text *t, uint64_t *out_us);
// Takes "YYYY-MM-DD HH:MM:SS" or its like with a T off the front: microseconds since 1970.
bool text_take_date(struct text *t, uint64_t *out_us);

// Whether it is one line of a reply: three digits, then a blank, a hyphen or nothing.
bool text_is_reply(struct text t);

#endif  // EHLO_REPLAY_IMPORT_TEXT_H
