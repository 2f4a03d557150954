// What the files of a relay's session share. Not for anybody else.
#ifndef EHLO_TOOLS_DRIVER_RELAY_PARTS_H
#define EHLO_TOOLS_DRIVER_RELAY_PARTS_H

#include "tools/driver/relay_session.h"

// Microseconds since the session began.
uint64_t relay_now_us(const struct relay_session *s);
// Something has moved: the wait begins anew.
void relay_touch(struct relay_session *s);

void relay_write_fact(struct relay_session *s, const char *text);
// How it ended, for the record; the first end counts.
void relay_write_end(struct relay_session *s, const char *text);

// The server's side is over; the program in front gets what is left for it.
void relay_begin_ending(struct relay_session *s);
// A reset is passed on.
void relay_reset_both(struct relay_session *s, const char *fact);
void relay_end_reset_behind(struct relay_session *s);
// Nothing passes any more: tells why, to the user and in front; `end` is the fact for the record.
void relay_fail(struct relay_session *s, int status, const char *why, const char *end);
void relay_fail_tls_behind(struct relay_session *s, enum ehlo_status status);
// The gate has refused something by itself.
void relay_end_refused(struct relay_session *s);

// Each goes on as far as it can without waiting, and tells whether something moved.
void relay_begin_dial(struct relay_session *s);
bool relay_dial(struct relay_session *s);
bool relay_shake_behind(struct relay_session *s);
bool relay_shake_front(struct relay_session *s);
bool relay_pass(struct relay_session *s);
// Until the program in front has closed too, lest it lose what it has not read.
bool relay_ending(struct relay_session *s);

// Whether a side is read now.
bool relay_reads_front(const struct relay_session *s);
bool relay_reads_behind(const struct relay_session *s);

#endif  // EHLO_TOOLS_DRIVER_RELAY_PARTS_H
