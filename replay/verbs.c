// From lines to verbs. A line that a verb would write just so becomes that verb; any other line,
// such as "mail from: <a@b>", is sent as it is, and its reply is judged by its first word. Octets that
// the engine never sends have a stand-in, see expect.h. What cannot be sent yet waits for the reply that it has to wait for, also where the recorded client did not.
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

static enum ehlo_status send_response(const struct ehlo_verbs *v, struct ehlo_client *c,
                                      struct ehlo_span line) {
  uint8_t raw[EHLO_TRANSCRIPT_LINE_MAX];
  struct ehlo_span part = {raw, 0};
  bool secret = v->num_secrets > 0;
  if (is(line, "*") && !secret) {
    return ehlo_send_auth_cancel(c);
  }
  if (secret || !ehlo_base64_decode(raw, &part.len, line)) {
    part = placeholder();
    secret = true;
  }
  return ehlo_send_auth_response(c, &part, 1, secret);
}

// "AUTH PLAIN", "AUTH PLAIN =", "AUTH PLAIN <base64>", "AUTH PLAIN \{secret}"
static enum ehlo_status send_auth(const struct ehlo_verbs *v, struct ehlo_client *c,
                                  struct ehlo_span line) {
  char mechanism[32] = "";
  struct ehlo_span rest = after(line, strlen("AUTH "));
  const uint8_t *blank = memchr(rest.bytes, ' ', rest.len);
  size_t name_len = blank != NULL ? (size_t)(blank - rest.bytes) : rest.len;
  if (name_len >= sizeof(mechanism)) {
    return EHLO_E_TOO_LONG;
  }
  memcpy(mechanism, rest.bytes, name_len);
  bool secret = v->num_secrets > 0;
  if (blank == NULL) {
    return secret ? EHLO_E_ARGUMENT : ehlo_send_auth(c, mechanism, NULL, 0, false);
  }
  uint8_t raw[EHLO_TRANSCRIPT_LINE_MAX];
  struct ehlo_span part = {raw, 0};
  struct ehlo_span initial = after(rest, name_len + 1);
  if (secret && initial.len == 0) {
    part = placeholder();
  } else if (secret) {
    return EHLO_E_ARGUMENT;
  } else if (!is(initial, "=") && !ehlo_base64_decode(raw, &part.len, initial)) {
    return EHLO_E_ARGUMENT;
  }
  return ehlo_send_auth(c, mechanism, &part, 1, secret);
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
static enum ehlo_status send_bdat(struct ehlo_client *c, struct ehlo_span line) {
  uint64_t len = 0;
  size_t start = strlen("BDAT ");
  size_t i = start;
  while (i < line.len && i - start < 18 && line.bytes[i] >= '0' && line.bytes[i] <= '9') {
    len = len * 10 + (uint64_t)(line.bytes[i++] - '0');
  }
  struct ehlo_span rest = after(line, i);
  bool as_written = i > start && (line.bytes[start] != '0' || i == start + 1);
  if (!as_written || (rest.len > 0 && !is(rest, " LAST"))) {
    return EHLO_E_ARGUMENT;
  }
  return ehlo_send_bdat(c, len, rest.len > 0);
}

// The verb that writes this line, or EHLO_E_ARGUMENT where none would write just that.
static enum ehlo_status send_verb(const struct ehlo_verbs *v, struct ehlo_client *c,
                                  struct ehlo_span line) {
  if (begins(line, "AUTH ")) {
    return send_auth(v, c, line);
  }
  if (begins(line, "BDAT ")) {
    return send_bdat(c, line);
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

// ---- Stand-ins ----------------------------------------------------------------------------------

// Puts a stand-in for each octet that may not be in a command.
static struct ehlo_span sendable_line(uint8_t *out, struct ehlo_span line) {
  for (size_t i = 0; i < line.len; i++) {
    bool refused = line.bytes[i] < 0x20 || line.bytes[i] > 0x7e;
    out[i] = refused ? EHLO_STAND_IN : line.bytes[i];
  }
  return (struct ehlo_span){out, line.len};
}

// The same for the text of a message: NUL, and a CR with no LF behind it. Returns what may be given
// now; what a CR at the end is, is seen later.
static size_t sendable_text(struct ehlo_verbs *v, uint8_t *text, size_t len) {
  for (size_t i = 0; i < len; i++) {
    bool bare_cr = text[i] == '\r' && i + 1 < len && text[i + 1] != '\n';
    text[i] = text[i] == '\0' || bare_cr ? EHLO_STAND_IN : text[i];
  }
  v->cr = len > 0 && text[len - 1] == '\r';
  return v->cr ? len - 1 : len;
}

// Where the words of AUTH and its mechanism end, and the blanks behind them.
static size_t auth_head_len(struct ehlo_span line) {
  size_t at = 0;
  for (int word = 0; word < 2; word++) {
    while (at < line.len && line.bytes[at] != ' ') {
      at++;
    }
    while (at < line.len && line.bytes[at] == ' ') {
      at++;
    }
  }
  return at;
}

// ---- A line -------------------------------------------------------------------------------------

// The end of a line that is too long for a command is left out, and its secret with it.
static enum ehlo_status send_as_it_is(const struct ehlo_verbs *v, struct ehlo_client *c,
                                      struct ehlo_span line) {
  size_t most = EHLO_COMMAND_MAX - placeholder().len - 2;
  line.len = line.len < most ? line.len : most;
  if (v->num_secrets == 0 || v->secret_at > line.len) {
    return ehlo_send_raw(c, line);
  }
  struct ehlo_span head = {line.bytes, v->secret_at};
  return ehlo_send_raw_secret(c, head, placeholder(), after(line, v->secret_at));
}

// AUTH with what is no initial response: one stands for it.
static enum ehlo_status send_odd_auth(const struct ehlo_verbs *v, struct ehlo_client *c,
                                      struct ehlo_span line) {
  size_t len = auth_head_len(line);
  struct ehlo_span head = {line.bytes,
                           v->num_secrets > 0 && v->secret_at < len ? v->secret_at : len};
  return ehlo_send_raw_secret(c, head, placeholder(), ehlo_str(""));
}

static enum ehlo_status send_line(const struct ehlo_verbs *v, struct ehlo_client *c,
                                  struct ehlo_span line) {
  if (ehlo_client_state(c) == EHLO_STATE_AUTH) {
    return send_response(v, c, line);
  }
  bool auth = begins(line, "AUTH ");
  enum ehlo_status status = EHLO_E_ARGUMENT;
  if (v->num_secrets == 0 || (auth && v->num_secrets == 1 && v->secret_at == line.len)) {
    status = send_verb(v, c, line);
  }
  if (status == EHLO_OK) {
    return EHLO_OK;
  }
  uint8_t text[EHLO_TRANSCRIPT_LINE_MAX];
  line = sendable_line(text, line);
  enum ehlo_status raw = send_as_it_is(v, c, line);
  if (raw == EHLO_E_ARGUMENT && ehlo_verb_of_line(line) == EHLO_VERB_AUTH) {
    raw = send_odd_auth(v, c, line);
  }
  return raw == EHLO_OK || raw == EHLO_E_STATE ? raw : status;
}

// ---- What the transcript has --------------------------------------------------------------------

static bool has_input(const struct ehlo_verbs *v) {
  return v->in_at < v->in.len || v->in_secrets < v->in.num_secrets;
}

// Has some of the client's text at hand. False if there is none.
static bool fill(struct ehlo_verbs *v) {
  while (!has_input(v)) {
    if (!ehlo_player_read_client(v->player, &v->in)) {
      return false;
    }
    v->in_at = 0;
    v->in_secrets = 0;
  }
  return true;
}

static void refuse(struct ehlo_verbs *v, enum ehlo_status status) {
  ehlo_player_refuse(v->player, ehlo_status_text(status));
  v->over = true;
}

// An LF ends the line, and a CR before it is no part of it. Of a line that filled the room the end is
// not there, and would not be sent.
static void end_line(struct ehlo_verbs *v) {
  size_t text_len = v->line_len - 1;
  bool cr = text_len > 0 && v->line[text_len - 1] == '\r' &&
            (v->num_secrets == 0 || v->secret_at < text_len);
  v->line_len = cr ? text_len - 1 : text_len;
  v->bare_lf = !cr;
  v->line_whole = true;
}

// A line is sent with one secret; others in it have a stand-in.
static void add_secret(struct ehlo_verbs *v) {
  if (v->num_secrets == 0) {
    v->secret_at = v->line_len;
  } else if (v->line_len < sizeof(v->line)) {
    v->line[v->line_len++] = EHLO_STAND_IN;
  }
  v->num_secrets++;
  v->in_secrets++;
}

// Adds what is at hand to the line under way, up to its end or the next secret.
static void add_to_line(struct ehlo_verbs *v) {
  bool to_secret = v->in_secrets < v->in.num_secrets;
  size_t end = to_secret ? v->in.secret_at[v->in_secrets] : v->in.len;
  const uint8_t *lf = end > v->in_at ? memchr(v->in.bytes + v->in_at, '\n', end - v->in_at) : NULL;
  size_t n = lf != NULL ? (size_t)(lf + 1 - (v->in.bytes + v->in_at)) : end - v->in_at;
  size_t room = sizeof(v->line) - v->line_len;
  memcpy(v->line + v->line_len, v->in.bytes + v->in_at, n < room ? n : room);
  v->line_len += n < room ? n : room;
  v->in_at += n;
  if (lf != NULL) {
    end_line(v);
  } else if (to_secret) {
    add_secret(v);
  }
}

static void drop_line(struct ehlo_verbs *v) {
  v->line_whole = false;
  v->line_len = 0;
  v->num_secrets = 0;
}

// What was said in cleartext and waits is forgotten when TLS begins.
static void notice_tls(struct ehlo_verbs *v, const struct ehlo_client *c) {
  if (v->secure == ehlo_client_is_secure(c)) {
    return;
  }
  v->secure = !v->secure;
  v->in_at = v->in.len;
  v->in_secrets = v->in.num_secrets;
  drop_line(v);
}

// Tells whether some of what was read is still to be sent.
static void note_hold(const struct ehlo_verbs *v, const struct ehlo_client *c) {
  bool amid = ehlo_client_state(c) == EHLO_STATE_BODY && ehlo_unstuff_is_amid(&v->unstuff);
  bool line = v->line_len > 0 || v->line_whole || v->num_secrets > 0;
  ehlo_player_hold(v->player, has_input(v) || line || amid);
}

// ---- The program --------------------------------------------------------------------------------

static bool is_message_time(enum ehlo_state state) {
  return state == EHLO_STATE_BODY || state == EHLO_STATE_CHUNK;
}

// Whether a line of the client's would be a command now, or a response.
static bool takes_lines(enum ehlo_state state) {
  return state != EHLO_STATE_CLOSED && state != EHLO_STATE_FAILED && state != EHLO_STATE_TLS &&
         state != EHLO_STATE_DATA && !is_message_time(state);
}

static bool has_to_wait(const struct ehlo_client *c, enum ehlo_status status) {
  return ehlo_client_num_pending(c) > 0 && (status == EHLO_E_STATE || status == EHLO_E_FULL);
}

static void send_next(struct ehlo_verbs *v, struct ehlo_client *c) {
  struct ehlo_output out;
  if (!takes_lines(ehlo_client_state(c)) || ehlo_output_peek(c, &out)) {
    return;
  }
  while (!v->line_whole && !v->over && fill(v)) {
    add_to_line(v);
  }
  if (!v->line_whole || v->over) {
    return;
  }
  enum ehlo_status status = send_line(v, c, (struct ehlo_span){v->line, v->line_len});
  if (has_to_wait(c, status)) {
    return;
  }
  if (status != EHLO_OK) {
    refuse(v, status);
  }
  v->cr = false;
  if (v->bare_lf) {
    ehlo_unstuff_init_bare_lf(&v->unstuff);
  } else {
    ehlo_unstuff_init(&v->unstuff);
  }
  drop_line(v);
}

static enum ehlo_event_type verbs_next(struct ehlo_program *p, struct ehlo_client *c,
                                       struct ehlo_event *out) {
  struct ehlo_verbs *v = (struct ehlo_verbs *)p;
  enum ehlo_event_type type = ehlo_next(c, out);
  if (type == EHLO_EVENT_NONE && !v->over) {
    notice_tls(v, c);
    send_next(v, c);
    note_hold(v, c);
  }
  return type;
}

// Octets of a message taken at once: with its dots doubled, it fits into the output.
#define TEXT_MAX ((size_t)4096)

// Message text of a DATA command.
static enum ehlo_status give_data(struct ehlo_verbs *v, struct ehlo_client *c) {
  static const uint8_t stand_in = EHLO_STAND_IN;
  uint8_t text[1 + TEXT_MAX + 2] = {'\r'};
  bool to_secret = v->in_secrets < v->in.num_secrets;
  size_t left = (to_secret ? v->in.secret_at[v->in_secrets] : v->in.len) - v->in_at;
  size_t used;
  size_t len;
  size_t sent = 0;
  uint8_t *out = text + (v->cr ? 1 : 0);
  if (left > 0) {
    ehlo_unstuff_feed(&v->unstuff, &used, &len, out, v->in.bytes + v->in_at,
                      left < TEXT_MAX ? left : TEXT_MAX);
    v->in_at += used;
  } else {
    ehlo_unstuff_feed(&v->unstuff, &used, &len, out, &stand_in, 1);
    v->in_secrets++;
  }
  len = sendable_text(v, text, (size_t)(out - text) + len);
  enum ehlo_status status = ehlo_send_body(c, &sent, text, len);
  if (status == EHLO_OK && sent < len) {
    status = EHLO_E_FULL;
  }
  return status == EHLO_OK && v->unstuff.ended ? ehlo_send_body_end(c) : status;
}

static enum ehlo_status give_chunk(struct ehlo_verbs *v, struct ehlo_client *c) {
  size_t sent = 0;
  if (v->in.num_secrets > 0) {
    return EHLO_E_ARGUMENT;
  }
  enum ehlo_status status = ehlo_send_chunk(c, &sent, v->in.bytes + v->in_at, v->in.len - v->in_at);
  v->in_at += sent;
  return status;
}

// One piece at a time, each held against the transcript; more where a piece gave nothing to send, as
// the first half of a line end does.
static bool verbs_body(struct ehlo_program *p, struct ehlo_client *c) {
  struct ehlo_verbs *v = (struct ehlo_verbs *)p;
  struct ehlo_output out;
  while (is_message_time(ehlo_client_state(c)) && !v->over && !ehlo_output_peek(c, &out) &&
         fill(v)) {
    bool data = ehlo_client_state(c) == EHLO_STATE_BODY;
    enum ehlo_status status = data ? give_data(v, c) : give_chunk(v, c);
    if (status != EHLO_OK) {
      refuse(v, status);
    }
  }
  note_hold(v, c);
  return !v->over;
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
  memset(v, 0, offsetof(struct ehlo_verbs, in));
  v->in.len = 0;
  v->in.num_secrets = 0;
  v->base.ops = &ops;
  v->player = player;
  ehlo_player_follow(player);
}
