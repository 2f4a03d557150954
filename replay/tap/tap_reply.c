// The server's replies: which answers which line is known by counting; codes that can only belong to
// AUTH set the count right where a side broke the protocol.
#include <string.h>

#include "replay/tap/tap_parts.h"

static uint64_t least(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

// Whatever was text is over.
static void end_doubt(struct ehlo_tap *t) {
  t->unsure = false;
  if (t->shows) {
    ehlo_tap_line_begin(t);
  }
}

static void close_exchange(struct ehlo_tap *t) {
  t->open = false;
  t->doubt = true;
  if (t->unsure) {
    end_doubt(t);
  }
}

static void reply_to_auth(struct ehlo_tap *t, unsigned code, uint64_t at, bool unasked) {
  if (code == 334) {
    t->num_answered = least(t->auth_at, t->num_sent);
    t->auth_at++;
  } else if (unasked || at >= t->auth_at || code == 235 || code == 535) {
    close_exchange(t);
    if (t->num_answered < t->auth_at) {
      t->num_answered = least(t->auth_at, t->num_sent);
    }
  }
}

// The reply to DATA, which asks for the text. An exchange that began behind DATA began in the text.
static bool asks_for_text(const struct ehlo_tap *t, unsigned code) {
  bool before_auth = t->num_answered == t->data_at && t->data_at < t->auth_at;
  return code == 354 && t->data_at != 0 && (!t->open || before_auth);
}

// It is the text for certain only if the client has waited.
static void begin_text(struct ehlo_tap *t) {
  if (t->num_sent == t->data_at && ehlo_tap_at_line_start(t)) {
    t->mode = EHLO_TAP_TEXT;
    t->text_place = 2;
  } else {
    t->unsure = true;
    t->auth_at = t->num_sent + 1;
  }
  t->num_answered = t->num_sent;
}

// The server has answered in the middle of what is taken for text.
static void doubt_text(struct ehlo_tap *t) {
  static const uint8_t passed[] = {'.', '\r'};
  if (t->mode == EHLO_TAP_TEXT && t->text_place != 2) {
    t->shows = true;  // the rest of this line is text in any case
    ehlo_tap_line_keep(t, t->text_place > 2 ? passed : passed + 1, t->text_place == 4 ? 2 : 1);
  }
  t->mode = EHLO_TAP_LINES;
  t->unsure = true;
}

static void reply_elsewhere(struct ehlo_tap *t, unsigned code, uint64_t at) {
  bool chunk_is_refused = t->mode == EHLO_TAP_CHUNK && !t->chunk_begun && at >= t->chunk_at;
  if (t->mode == EHLO_TAP_TEXT || chunk_is_refused) {
    doubt_text(t);
  } else if (t->unsure) {
    end_doubt(t);
  } else if (code == 334) {
    t->num_answered = t->num_sent;
    ehlo_tap_open_exchange(t, (struct ehlo_span){NULL, 0});
    t->auth_at++;
  }
}

static void take_reply(struct ehlo_tap *t, unsigned code) {
  bool unasked = t->num_answered == t->num_sent;
  t->last_code = code;
  t->was_refused = t->was_refused || code / 100 == 4 || code / 100 == 5;
  if (!unasked) {
    t->num_answered++;
  }
  if (asks_for_text(t, code)) {
    begin_text(t);
  } else if (t->open) {
    reply_to_auth(t, code, t->num_answered, unasked);
  } else {
    reply_elsewhere(t, code, t->num_answered);
  }
  if (t->num_answered >= t->data_at) {
    t->data_at = 0;
  }
}

// The code of a reply's last line; 0 for any other line.
static unsigned final_code(const struct ehlo_tap *t) {
  unsigned code = 0;
  if (t->reply_len < 3 || (t->reply_len > 3 && t->reply[3] == '-')) {
    return 0;
  }
  for (size_t i = 0; i < 3; i++) {
    if (t->reply[i] < '0' || t->reply[i] > '9') {
      return 0;
    }
    code = code * 10 + (unsigned)(t->reply[i] - '0');
  }
  return code;
}

static void take_reply_line(struct ehlo_tap *t) {
  if (!t->reply_overlong) {
    ehlo_offered_add(&t->offered, (struct ehlo_span){t->reply, t->reply_len});
  }
  unsigned code = final_code(t);
  if (code != 0) {
    take_reply(t, code);
  }
  t->reply_len = 0;
  t->reply_overlong = false;
}

void ehlo_tap_read_replies(struct ehlo_tap *t, const uint8_t *bytes, size_t len) {
  for (size_t at = 0; at < len;) {
    const uint8_t *lf = memchr(bytes + at, '\n', len - at);
    size_t n = lf != NULL ? (size_t)(lf - bytes) - at : len - at;
    size_t room = sizeof(t->reply) - t->reply_len;
    size_t kept = n < room ? n : room;
    memcpy(t->reply + t->reply_len, bytes + at, kept);
    t->reply_len += kept;
    t->reply_overlong = t->reply_overlong || kept < n;
    if (lf != NULL) {
      take_reply_line(t);
    }
    at += lf != NULL ? n + 1 : n;
  }
}
