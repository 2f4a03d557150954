// From lines to verbs. A line that a verb would write just so becomes that verb; any other line,
// such as "mail from: <a@b>", is sent as it is, and its reply is judged by its first word.
#include "replay/verbs.h"

#include <stddef.h>
#include <string.h>

#include "engine/base64.h"

static struct ehlo_span after(struct ehlo_span line, size_t n) {
  n = n < line.len ? n : line.len;
  return (struct ehlo_span){line.bytes + n, line.len - n};
}

static bool begins(struct ehlo_span line, const char *text) {
  size_t len = strlen(text);
  return line.len >= len && memcmp(line.bytes, text, len) == 0;
}

static bool is(struct ehlo_span line, const char *text) {
  return begins(line, text) && line.len == strlen(text);
}

static bool has_argument(struct ehlo_span line, const char *verb) {
  return begins(line, verb) && line.len > strlen(verb);
}

// ---- AUTH ---------------------------------------------------------------------------------------

// What stands for a secret: the client marks it, the player asks for no more.
static struct ehlo_span placeholder(void) {
  return ehlo_str("secret");
}

static enum ehlo_status send_response(struct ehlo_verbs *v, struct ehlo_client *c,
                                      struct ehlo_span line) {
  uint8_t raw[EHLO_TRANSCRIPT_LINE_MAX];
  struct ehlo_span part = {raw, 0};
  if (is(line, "*") && !v->line_secret) {
    return ehlo_send_auth_cancel(c);
  }
  if (v->line_secret) {
    part = placeholder();
  } else if (!ehlo_base64_decode(raw, &part.len, line)) {
    return EHLO_E_ARGUMENT;
  }
  return ehlo_send_auth_response(c, &part, 1, v->line_secret);
}

// "AUTH PLAIN", "AUTH PLAIN =", "AUTH PLAIN <base64>", "AUTH PLAIN \{secret}"
static enum ehlo_status send_auth(struct ehlo_verbs *v, struct ehlo_client *c,
                                  struct ehlo_span line) {
  char mechanism[32] = "";
  struct ehlo_span rest = after(line, strlen("AUTH "));
  const uint8_t *blank = memchr(rest.bytes, ' ', rest.len);
  size_t name_len = blank != NULL ? (size_t)(blank - rest.bytes) : rest.len;
  if (name_len >= sizeof(mechanism)) {
    return EHLO_E_TOO_LONG;
  }
  memcpy(mechanism, rest.bytes, name_len);
  if (blank == NULL) {
    return ehlo_send_auth(c, mechanism, NULL, 0, false);
  }
  uint8_t raw[EHLO_TRANSCRIPT_LINE_MAX];
  struct ehlo_span part = {raw, 0};
  struct ehlo_span initial = after(rest, name_len + 1);
  if (v->line_secret) {
    part = placeholder();
  } else if (!is(initial, "=") && !ehlo_base64_decode(raw, &part.len, initial)) {
    return EHLO_E_ARGUMENT;
  }
  return ehlo_send_auth(c, mechanism, &part, 1, v->line_secret);
}

// ---- Other commands -----------------------------------------------------------------------------

// Takes "<path>" or "<path> params" apart; the path ends at the first '>' outside quotes.
static bool split_path(struct ehlo_span text, struct ehlo_span *path, struct ehlo_span *params) {
  bool quoted = false;
  for (size_t i = 0; i < text.len; i++) {
    uint8_t c = text.bytes[i];
    if (c == '"') {
      quoted = !quoted;
    } else if (c == '\\' && quoted) {
      i++;
    } else if (c == '>' && !quoted) {
      *path = (struct ehlo_span){text.bytes, i};
      *params = after(text, i + 2);
      return i + 1 == text.len || (text.bytes[i + 1] == ' ' && params->len > 0);
    }
  }
  return false;
}

static enum ehlo_status send_path(struct ehlo_client *c, struct ehlo_span line, bool mail) {
  struct ehlo_span path;
  struct ehlo_span params;
  if (!split_path(after(line, strlen(mail ? "MAIL FROM:<" : "RCPT TO:<")), &path, &params)) {
    return EHLO_E_ARGUMENT;
  }
  return mail ? ehlo_send_mail(c, path, params) : ehlo_send_rcpt(c, path, params);
}

// "BDAT 86", "BDAT 86 LAST"
static enum ehlo_status send_bdat(struct ehlo_verbs *v, struct ehlo_client *c,
                                  struct ehlo_span line) {
  uint64_t len = 0;
  size_t i = strlen("BDAT ");
  size_t start = i;
  while (i < line.len && i - start < 18 && line.bytes[i] >= '0' && line.bytes[i] <= '9') {
    len = len * 10 + (uint64_t)(line.bytes[i++] - '0');
  }
  struct ehlo_span rest = after(line, i);
  if (i == start || (rest.len > 0 && !is(rest, " LAST"))) {
    return EHLO_E_ARGUMENT;
  }
  enum ehlo_status status = ehlo_send_bdat(c, len, rest.len > 0);
  v->chunk_left = status == EHLO_OK ? len : 0;
  return status;
}

// The verb that writes this line, or EHLO_E_ARGUMENT where none would write just that.
static enum ehlo_status send_verb(struct ehlo_verbs *v, struct ehlo_client *c,
                                  struct ehlo_span line) {
  if (begins(line, "AUTH ")) {
    return send_auth(v, c, line);
  }
  if (begins(line, "BDAT ")) {
    return send_bdat(v, c, line);
  }
  if (begins(line, "EHLO ")) {
    return ehlo_send_ehlo(c, after(line, 5));
  }
  if (begins(line, "HELO ")) {
    return ehlo_send_helo(c, after(line, 5));
  }
  if (begins(line, "LHLO ")) {
    return ehlo_send_lhlo(c, after(line, 5));
  }
  if (begins(line, "ETRN ")) {
    return ehlo_send_etrn(c, after(line, 5));
  }
  if (begins(line, "XCLIENT ")) {
    return ehlo_send_xclient(c, after(line, 8));
  }
  if (begins(line, "MAIL FROM:<") || begins(line, "RCPT TO:<")) {
    return send_path(c, line, line.bytes[0] == 'M');
  }
  if (is(line, "STARTTLS")) {
    return ehlo_send_starttls(c);
  }
  if (is(line, "DATA")) {
    return ehlo_send_data(c);
  }
  if (is(line, "RSET")) {
    return ehlo_send_rset(c);
  }
  if (is(line, "QUIT")) {
    return ehlo_send_quit(c);
  }
  if (is(line, "NOOP") || has_argument(line, "NOOP ")) {
    return ehlo_send_noop(c, after(line, 5));
  }
  if (is(line, "HELP") || has_argument(line, "HELP ")) {
    return ehlo_send_help(c, after(line, 5));
  }
  if (has_argument(line, "VRFY ")) {
    return ehlo_send_vrfy(c, after(line, 5));
  }
  return has_argument(line, "EXPN ") ? ehlo_send_expn(c, after(line, 5)) : EHLO_E_ARGUMENT;
}

static enum ehlo_status send_line(struct ehlo_verbs *v, struct ehlo_client *c,
                                  struct ehlo_span line) {
  if (ehlo_client_state(c) == EHLO_STATE_AUTH) {
    return send_response(v, c, line);
  }
  enum ehlo_status status = send_verb(v, c, line);
  if (status == EHLO_OK || v->line_secret) {
    return status;
  }
  enum ehlo_status raw = ehlo_send_raw(c, line);
  return raw == EHLO_OK ? EHLO_OK : status;
}

// ---- The program --------------------------------------------------------------------------------

static void refuse(struct ehlo_verbs *v, const struct ehlo_item *item, enum ehlo_status status) {
  ehlo_player_diverge(v->player, item->line, item->column, item->text, ehlo_status_text(status));
  v->over = true;
}

// Adds an item to the line under way; true when the line is whole.
static bool add_to_line(struct ehlo_verbs *v, const struct ehlo_item *item) {
  size_t len = item->bytes_len - (item->ends_line ? 2 : 0);
  if (v->line_len + len > sizeof(v->line)) {
    refuse(v, item, EHLO_E_TOO_LONG);
    return false;
  }
  memcpy(v->line + v->line_len, item->bytes, len);
  v->line_len += len;
  v->line_secret = v->line_secret || item->num_secrets > 0;
  return item->ends_line;
}

static bool is_message_time(const struct ehlo_client *c) {
  enum ehlo_state state = ehlo_client_state(c);
  return state == EHLO_STATE_BODY || state == EHLO_STATE_CHUNK;
}

// Takes the client's next line off the transcript, however it was cut. False if there is none.
static bool take_line(struct ehlo_verbs *v, struct ehlo_item *out_last) {
  bool whole = false;
  v->line_len = 0;
  v->line_secret = false;
  while (!whole && !v->over) {
    const struct ehlo_item *item = ehlo_player_client_item(v->player);
    if (item == NULL) {
      return false;
    }
    *out_last = *item;
    whole = add_to_line(v, item);
    ehlo_player_take_client_item(v->player);
  }
  return whole;
}

// The client is idle and the next item is the client's: turns it into a command.
static void follow(struct ehlo_verbs *v, struct ehlo_client *c) {
  enum ehlo_state state = ehlo_client_state(c);
  struct ehlo_output out;
  struct ehlo_item last;
  bool over = state == EHLO_STATE_CLOSED || state == EHLO_STATE_FAILED;
  if (over || is_message_time(c) || ehlo_output_peek(c, &out) || !take_line(v, &last)) {
    return;
  }
  enum ehlo_status status = send_line(v, c, (struct ehlo_span){v->line, v->line_len});
  if (status != EHLO_OK) {
    refuse(v, &last, status);
  }
  ehlo_unstuff_init(&v->unstuff);
}

static enum ehlo_event_type verbs_next(struct ehlo_program *p, struct ehlo_client *c,
                                       struct ehlo_event *out) {
  struct ehlo_verbs *v = (struct ehlo_verbs *)p;
  enum ehlo_event_type type = ehlo_next(c, out);
  if (type == EHLO_EVENT_NONE && !v->over) {
    follow(v, c);
  }
  return type;
}

// Message text of a DATA command, from the transcript's lines.
static bool give_data(struct ehlo_verbs *v, struct ehlo_client *c) {
  const struct ehlo_item *item = ehlo_player_client_item(v->player);
  uint8_t text[EHLO_TRANSCRIPT_LINE_MAX + 8];
  size_t used;
  size_t len;
  size_t sent;
  if (item == NULL || v->over) {
    return true;
  }
  ehlo_unstuff_feed(&v->unstuff, &used, &len, text, item->bytes, item->bytes_len);
  struct ehlo_item copy = *item;
  enum ehlo_status status = EHLO_OK;
  for (size_t at = 0; at < len && status == EHLO_OK; at += sent) {
    status = ehlo_send_body(c, &sent, text + at, len - at);
    if (status == EHLO_OK && sent == 0) {
      status = EHLO_E_FULL;
    }
  }
  if (status == EHLO_OK && v->unstuff.ended) {
    status = ehlo_send_body_end(c);
  }
  if (status != EHLO_OK) {
    refuse(v, &copy, status);
    return false;
  }
  ehlo_player_take_client_item(v->player);
  return true;
}

static bool give_chunk(struct ehlo_verbs *v, struct ehlo_client *c) {
  const struct ehlo_item *item = ehlo_player_client_item(v->player);
  if (item == NULL || v->over) {
    return true;
  }
  struct ehlo_item copy = *item;
  size_t sent = 0;
  if (item->bytes_len > v->chunk_left ||
      ehlo_send_chunk(c, &sent, item->bytes, item->bytes_len) != EHLO_OK ||
      sent != item->bytes_len) {
    refuse(v, &copy, EHLO_E_TOO_LONG);
    return false;
  }
  v->chunk_left -= sent;
  ehlo_player_take_client_item(v->player);
  return true;
}

// One piece at a time, each held against the transcript; more where a piece gave nothing to send, as
// the first half of a line end does.
static bool verbs_body(struct ehlo_program *p, struct ehlo_client *c) {
  struct ehlo_verbs *v = (struct ehlo_verbs *)p;
  struct ehlo_output out;
  while (is_message_time(c) && !v->over && !ehlo_output_peek(c, &out) &&
         ehlo_player_client_item(v->player) != NULL) {
    bool data = ehlo_client_state(c) == EHLO_STATE_BODY;
    if (!(data ? give_data(v, c) : give_chunk(v, c))) {
      return false;
    }
  }
  return true;
}

static bool verbs_finished(const struct ehlo_program *p) {
  return ((const struct ehlo_verbs *)p)->over;
}

void ehlo_verbs_init(struct ehlo_verbs *v, struct ehlo_player *player) {
  static const struct ehlo_program_ops ops = {
      .next = verbs_next,
      .body = verbs_body,
      .finished = verbs_finished,
  };
  memset(v, 0, offsetof(struct ehlo_verbs, line));
  v->base.ops = &ops;
  v->player = player;
}
