// The bytes between the two sides. Each is read only while the other has taken all it was given, so
// buffers stay as large as they are.
#include <string.h>
#include <sysexits.h>

#include "tools/driver/relay_parts.h"

bool relay_reads_front(const struct relay_session *s) {
  return s->front_status == EHLO_OK && s->gate.state == GATE_PASS &&
         live_channel_is_idle(&s->behind) && live_channel_is_idle(&s->front) &&
         s->front_len < sizeof(s->from_front);
}

bool relay_reads_behind(const struct relay_session *s) {
  bool listens =
      s->gate.state == GATE_PASS || s->gate.state == GATE_HELLO || s->gate.state == GATE_STARTTLS;
  return s->behind_status == EHLO_OK && listens && live_channel_is_idle(&s->front) &&
         s->behind_len < sizeof(s->from_behind);
}

static bool pump_front(struct relay_session *s) {
  size_t n = 0;
  if (relay_reads_front(s)) {
    s->front_status = live_channel_read(&s->front, &n, s->from_front + s->front_len,
                                        sizeof(s->from_front) - s->front_len);
    s->front_len += n;
  }
  if (s->front_len == 0 || !live_channel_is_idle(&s->behind) || !live_channel_is_idle(&s->front)) {
    return n > 0;
  }
  size_t used = gate_front(&s->gate, s->from_front, s->front_len, s->front_status != EHLO_OK,
                           relay_now_us(s));
  s->front_len -= used;
  if (s->front_len > 0 && used > 0) {
    memmove(s->from_front, s->from_front + used, s->front_len);
  }
  return n > 0 || used > 0;
}

static void note_late(struct relay_session *s) {
  if (s->front_is_done && !s->late_noted) {
    s->late_noted = true;
    relay_write_fact(s, "note the client had closed its side before this");
  }
}

static bool pump_behind(struct relay_session *s) {
  size_t n = 0;
  if (relay_reads_behind(s)) {
    s->behind_status = live_channel_read(&s->behind, &n, s->from_behind + s->behind_len,
                                         sizeof(s->from_behind) - s->behind_len);
    s->behind_len += n;
  }
  if (s->behind_len == 0 || !live_channel_is_idle(&s->front)) {
    return n > 0;
  }
  note_late(s);
  size_t used = gate_behind(&s->gate, s->from_behind, s->behind_len, s->behind_status != EHLO_OK,
                            relay_now_us(s));
  s->behind_len -= used;
  if (s->behind_len > 0 && used > 0) {
    memmove(s->from_behind, s->from_behind + used, s->behind_len);
  }
  return n > 0 || used > 0;
}

// The server's side has come to its end, and all of it has passed.
static void end_behind(struct relay_session *s) {
  const char *fact = s->front_is_done ? "eof C" : "eof S";
  bool said_goodbye = ehlo_tap_last_code(&s->gate.tap) == 221 || s->front_is_done;
  if (s->gate.state != GATE_PASS) {
    relay_fail(s, EX_IOERR, "the server closed the connection before TLS had begun", fact);
  } else if (s->behind_status == EHLO_E_TLS && !said_goodbye) {
    relay_fail_tls_behind(s, EHLO_E_TLS);
  } else {
    relay_write_end(s, fact);
    relay_begin_ending(s);
  }
}

static void check_ends(struct relay_session *s) {
  bool front_reset = s->front_status == EHLO_E_RESET || s->front.broken == EHLO_E_RESET;
  bool behind_reset = s->behind_status == EHLO_E_RESET;
  if (s->gate.state == GATE_REFUSED) {
    relay_end_refused(s);
  } else if (behind_reset && s->behind_len == 0) {
    relay_end_reset_behind(s);
  } else if (front_reset && !s->front_is_done) {
    relay_reset_both(s, "reset C");
  } else if (s->behind_status != EHLO_OK && s->behind_len == 0) {
    end_behind(s);
  } else if (s->front_is_done && s->front.broken != EHLO_OK) {
    relay_write_end(s, "eof C");  // nobody is there any more
    relay_begin_ending(s);
  } else if (s->front_status != EHLO_OK && s->front_len == 0 && !s->front_is_done) {
    s->front_is_done = true;
    live_channel_shut(&s->behind);
  }
}

bool relay_pass(struct relay_session *s) {
  bool moved;
  live_channel_flush(&s->front);
  live_channel_flush(&s->behind);
  if (s->gate.state == GATE_BEGINS_BEHIND) {
    moved = relay_shake_behind(s);
  } else if (s->gate.state == GATE_BEGINS_FRONT) {
    moved = relay_shake_front(s);
  } else {
    moved = pump_behind(s);
    moved = pump_front(s) || moved;
  }
  if (s->stage == RELAY_PASS) {
    check_ends(s);
  }
  return moved;
}

// Until the program in front has closed too, lest it lose what it has not read.
bool relay_ending(struct relay_session *s) {
  size_t n = 0;
  live_channel_flush(&s->front);
  enum ehlo_status status = live_channel_read(&s->front, &n, s->from_front, sizeof(s->from_front));
  bool sent = live_channel_is_idle(&s->front);
  if ((status != EHLO_OK && sent) || s->front.broken != EHLO_OK) {
    s->stage = RELAY_OVER;
  }
  return n > 0;
}
