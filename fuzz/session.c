// Whatever a server says, however it is cut, whatever the program asks for and whatever becomes of
// the connection: the same events come and the same bytes go, each command is one line of its own,
// no secret is in an ordinary span, nothing is sent after an error, and a session never hangs.
//
// An input is two octets of settings and then a line for each step. Its first character says what:
//   S text  the server sends the text and CRLF       s text  without the CRLF
//   C line  a command, by its verb or as it is       W line  as it is
//   w line  as it is, with a secret between 0x01 and 0x02
//   R text  a secret response to a challenge         r text  one that is no secret     *  cancels
//   B text  a line of the message or of a chunk's text      b text  without its line end     .  its end
//   O text  octets of a chunk
//   T  TLS is on     + MS  time passes     E c/r/t/x  the connection ends     A N  output is taken
//   K  the client moves to a copy of itself     M N  it moves to a buffer of another size
// In the text, 0x1a is an LF, 0x1c and 0x1d say the octet before them 60 and 1000 times more.
#include <stdlib.h>
#include <string.h>

#include "engine/ehlo.h"
#include "fuzz/counters.h"
#include "fuzz/fuzz.h"
#include "fuzz/reference.h"
#include "fuzz/session_text.h"
#include "fuzz/witness.h"

#define GOAL_EVENT 0
#define GOAL_STATE 8
#define GOAL_STATUS 24
#define GOAL_MOVE 60
#define GOAL_LMTP 61
#define GOAL_SECRET 62

const char *const ehlo_fuzz_goals[EHLO_FUZZ_GOALS_MAX] = {
    [GOAL_EVENT + EHLO_EVENT_REPLY] = "event reply",
    [GOAL_EVENT + EHLO_EVENT_CHALLENGE] = "event challenge",
    [GOAL_EVENT + EHLO_EVENT_TLS_WANTED] = "event tls-wanted",
    [GOAL_EVENT + EHLO_EVENT_BODY_WANTED] = "event body-wanted",
    [GOAL_EVENT + EHLO_EVENT_CLOSED] = "event closed",
    [GOAL_EVENT + EHLO_EVENT_FAILED] = "event failed",
    [GOAL_STATE + EHLO_STATE_CONNECT] = "state connect",
    [GOAL_STATE + EHLO_STATE_GREETED] = "state greeted",
    [GOAL_STATE + EHLO_STATE_REFUSED] = "state refused",
    [GOAL_STATE + EHLO_STATE_READY] = "state ready",
    [GOAL_STATE + EHLO_STATE_TLS] = "state tls",
    [GOAL_STATE + EHLO_STATE_AUTH] = "state auth",
    [GOAL_STATE + EHLO_STATE_MAIL] = "state mail",
    [GOAL_STATE + EHLO_STATE_RCPT] = "state rcpt",
    [GOAL_STATE + EHLO_STATE_DATA] = "state data",
    [GOAL_STATE + EHLO_STATE_BODY] = "state body",
    [GOAL_STATE + EHLO_STATE_CHUNK] = "state chunk",
    [GOAL_STATE + EHLO_STATE_CHUNKED] = "state chunked",
    [GOAL_STATE + EHLO_STATE_QUIT] = "state quit",
    [GOAL_STATUS + EHLO_E_STATE] = "status state",
    [GOAL_STATUS + EHLO_E_ARGUMENT] = "status argument",
    [GOAL_STATUS + EHLO_E_TOO_LONG] = "status too-long",
    [GOAL_STATUS + EHLO_E_FULL] = "status full",
    [GOAL_STATUS + EHLO_E_UNSUPPORTED] = "status unsupported",
    [GOAL_STATUS + EHLO_E_CLEARTEXT] = "status cleartext",
    [GOAL_STATUS + EHLO_E_BARE_CR] = "status bare-cr",
    [GOAL_STATUS + EHLO_E_BARE_LF] = "status bare-lf",
    [GOAL_STATUS + EHLO_E_NUL_DOT] = "status nul-dot",
    [GOAL_STATUS + EHLO_E_CHUNK_SIZE] = "status chunk-size",
    [GOAL_STATUS + EHLO_E_REPLY_SYNTAX] = "status reply-syntax",
    [GOAL_STATUS + EHLO_E_REPLY_CODE] = "status reply-code",
    [GOAL_STATUS + EHLO_E_REPLY_UNEXPECTED] = "status reply-unexpected",
    [GOAL_STATUS + EHLO_E_REPLY_EARLY] = "status reply-early",
    [GOAL_STATUS + EHLO_E_REPLY_IMPOSSIBLE] = "status reply-impossible",
    [GOAL_STATUS + EHLO_E_STARTTLS_INJECTION] = "status starttls-injection",
    [GOAL_STATUS + EHLO_E_LINE_TOO_LONG] = "status line-too-long",
    [GOAL_STATUS + EHLO_E_REPLY_TOO_LONG] = "status reply-too-long",
    [GOAL_STATUS + EHLO_E_TOO_MANY_CHALLENGES] = "status too-many-challenges",
    [GOAL_STATUS + EHLO_E_CLOSED] = "status closed",
    [GOAL_STATUS + EHLO_E_RESET] = "status reset",
    [GOAL_STATUS + EHLO_E_TLS] = "status tls",
    [GOAL_STATUS + EHLO_E_TIMEOUT] = "status timeout",
    [GOAL_MOVE] = "a move to another buffer",
    [GOAL_LMTP] = "a message with two replies",
    [GOAL_SECRET] = "a raw line with a secret",
};

// The first octet of an input.
#define SETTING_CLEARTEXT 1  // credentials may go without TLS
#define SETTING_HOLD 2       // output is taken by "A" steps alone
#define SETTING_ROOM 12      // which of four sizes the buffer has, in two bits
#define SETTING_BARE_CR 16   // a bare CR in the message is repaired
#define SETTING_BARE_LF 32   // a bare LF in the message is refused

#define NUM_ROOMS 4
static const size_t rooms[NUM_ROOMS] = {EHLO_BUFFER_MIN, 8192, 24576, EHLO_BUFFER_FULL};

// All that the server may say in one run, in octets.
#define SERVER_MAX ((size_t)1 << 17)

struct session {
  struct ehlo_client client;
  uint8_t *buf;
  size_t buf_len;
  uint64_t now_ms;
  bool hold;
  enum ehlo_state confirmed;  // before the octets that were given last
  struct ehlo_fuzz_cuts cuts;
  struct ehlo_witness witness;
};

static enum ehlo_state state_of(const struct session *s) {
  return ehlo_client_state(&s->client);
}

static void note_status(enum ehlo_status status) {
  ehlo_fuzz_reach(GOAL_STATUS + status);
}

// ---- The transport ------------------------------------------------------------------------------

static size_t take_events(struct session *s) {
  struct ehlo_event event;
  size_t num = 0;
  while (ehlo_next(&s->client, &event) != EHLO_EVENT_NONE) {
    ehlo_witness_event(&s->witness, &event);
    ehlo_fuzz_count_event(s->confirmed, &event);
    ehlo_fuzz_reach(GOAL_EVENT + event.type);
    if (event.num_due > 0) {
      ehlo_fuzz_reach(GOAL_LMTP);
    }
    if (event.type == EHLO_EVENT_FAILED) {
      ehlo_fuzz_reach(GOAL_STATUS + event.error.status);
    }
    num++;
  }
  return num;
}

// Takes up to `max` octets of output. A secret leaves nothing behind.
static size_t take_output(struct session *s, size_t max) {
  struct ehlo_output out;
  size_t total = 0;
  while (total < max && ehlo_output_peek(&s->client, &out)) {
    size_t left = max - total;
    size_t n = ehlo_fuzz_next_cut(&s->cuts, out.span.len < left ? out.span.len : left);
    ehlo_witness_output(&s->witness, &out, n);
    ehlo_output_ack(&s->client, n, s->now_ms);
    EHLO_FUZZ_CHECK((out.flags & EHLO_OUTPUT_SECRET) == 0 || ehlo_fuzz_is_zero(out.span.bytes, n));
    total += n;
  }
  return total;
}

static void give_server(struct session *s, const uint8_t *bytes, size_t len) {
  uint8_t *copy = ehlo_fuzz_copy(bytes, len);
  for (size_t at = 0; at < len && s->witness.server.len < SERVER_MAX;) {
    size_t piece = ehlo_fuzz_next_cut(&s->cuts, len - at);
    while (piece > 0) {
      bool over = state_of(s) == EHLO_STATE_CLOSED || state_of(s) == EHLO_STATE_FAILED;
      size_t used = 0;
      s->confirmed = (enum ehlo_state)s->client.state;
      enum ehlo_status status = ehlo_input(&s->client, &used, copy + at, piece, s->now_ms);
      EHLO_FUZZ_CHECK(used <= piece && (!over || used == piece));
      EHLO_FUZZ_CHECK((status == EHLO_OK) == (state_of(s) != EHLO_STATE_FAILED));
      ehlo_witness_server(&s->witness, copy + at, over ? 0 : used);
      EHLO_FUZZ_CHECK(take_events(s) > 0 || used > 0);
      at += used;
      piece -= used;
    }
  }
  free(copy);
}

static void end_connection(struct session *s, char how) {
  enum ehlo_status why = how == 'r'   ? EHLO_E_RESET
                         : how == 't' ? EHLO_E_TLS
                         : how == 'x' ? EHLO_E_CONNECT
                                      : EHLO_E_CLOSED;
  ehlo_input_end(&s->client, why);
  EHLO_FUZZ_CHECK(state_of(s) == EHLO_STATE_CLOSED || state_of(s) == EHLO_STATE_FAILED);
}

// The deadline is where it says, not before and not behind.
static void pass_time(struct session *s, uint64_t ms) {
  uint64_t deadline = ehlo_deadline(&s->client);
  enum ehlo_state before = state_of(s);
  s->now_ms += ms;
  ehlo_tick(&s->client, s->now_ms);
  bool due = deadline != EHLO_NEVER && s->now_ms >= deadline;
  EHLO_FUZZ_CHECK(state_of(s) == (due ? EHLO_STATE_FAILED : before));
}

// What was the client is wiped, and the copy goes on as if nothing had been.
static void move(struct session *s) {
  struct ehlo_client old = s->client;
  uint8_t *old_buf = s->buf;
  s->buf = ehlo_fuzz_copy(old_buf, s->buf_len);
  ehlo_client_rebase(&s->client, s->buf);
  ehlo_client_wipe(&old);
  EHLO_FUZZ_CHECK(ehlo_fuzz_is_zero(old_buf, s->buf_len));
  free(old_buf);
}

// An idle client goes on in a buffer of another size, and leaves nothing behind.
static void resize(struct session *s, size_t room) {
  uint8_t *buf = malloc(rooms[room]);
  enum ehlo_status status = ehlo_client_move(&s->client, buf, rooms[room]);
  note_status(status);
  ehlo_fuzz_add_number(&s->witness.log, status);
  if (status != EHLO_OK) {
    free(buf);
    return;
  }
  EHLO_FUZZ_CHECK(s->witness.num_pending == 0);
  EHLO_FUZZ_CHECK(ehlo_fuzz_is_zero(s->buf, s->buf_len));
  free(s->buf);
  s->buf = buf;
  s->buf_len = rooms[room];
  ehlo_fuzz_reach(GOAL_MOVE);
}

// ---- The program --------------------------------------------------------------------------------

// The message in pieces, where output is taken between them; else once, since then it matters to
// the room how it is cut.
static void give_message(struct session *s, struct ehlo_span text, bool octets) {
  for (size_t at = 0; at < text.len;) {
    size_t piece = s->hold ? text.len - at : ehlo_fuzz_next_cut(&s->cuts, text.len - at);
    size_t used = 0;
    bool chunk = state_of(s) == EHLO_STATE_CHUNK;
    enum ehlo_status status = octets ? ehlo_send_chunk(&s->client, &used, text.bytes + at, piece)
                                     : ehlo_send_body(&s->client, &used, text.bytes + at, piece);
    note_status(status);
    if (octets) {
      ehlo_witness_chunk(&s->witness, text.bytes + at, used);
    } else {
      ehlo_witness_body(&s->witness, status, chunk, text.bytes + at, used);
    }
    at += used;
    size_t taken = s->hold ? 0 : take_output(s, SIZE_MAX);
    if (status != EHLO_OK || s->hold || (used == 0 && taken == 0)) {
      return;
    }
  }
}

static void respond(struct session *s, struct ehlo_span text, bool secret) {
  enum ehlo_status status = ehlo_send_auth_response(&s->client, &text, 1, secret);
  struct ehlo_fuzz_bytes plain = {0};
  note_status(status);
  if (!secret) {
    ehlo_reference_base64(&plain, text.bytes, text.len);
  }
  struct ehlo_witness_line line = {
      EHLO_VERB_AUTH, {plain.bytes, plain.len}, secret ? &text : NULL, false, false, {NULL, 0}};
  ehlo_witness_verb(&s->witness, status, &line);
  free(plain.bytes);
}

static size_t index_of(struct ehlo_span text, size_t from, uint8_t byte) {
  while (from < text.len && text.bytes[from] != byte) {
    from++;
  }
  return from;
}

// Of what stands unmarked behind AUTH and its mechanism, "=" is all that may leave.
static void judge_unmarked(struct ehlo_span line) {
  size_t num_words = 0;
  for (size_t at = 0; at < line.len;) {
    size_t end = index_of(line, at, ' ');
    num_words += end > at;
    EHLO_FUZZ_CHECK(end == at || num_words < 3 || (num_words == 3 && line.bytes[at] == '='));
    EHLO_FUZZ_CHECK(end == at || num_words < 3 || end == at + 1);
    at = end + 1;
  }
}

static void do_command(struct session *s, struct ehlo_span line, bool raw) {
  struct ehlo_fuzz_command command;
  ehlo_fuzz_command_read(&command, line, raw);
  enum ehlo_status status = ehlo_fuzz_command_send(&command, &s->client);
  note_status(status);
  struct ehlo_witness_line wanted = {
      .verb = command.verb,
      .head = {command.head.bytes, command.head.len},
      .secret = command.has_secret && command.text.len > 0 ? &command.text : NULL,
      .utf8 = command.raw || command.verb == EHLO_VERB_MAIL || command.verb == EHLO_VERB_RCPT,
  };
  ehlo_witness_verb(&s->witness, status, &wanted);
  if (status == EHLO_OK && command.raw && command.verb == EHLO_VERB_AUTH) {
    judge_unmarked(line);
    EHLO_FUZZ_CHECK(s->witness.cleartext_allowed || ehlo_client_is_secure(&s->client));
  }
  if (status == EHLO_OK && command.verb == EHLO_VERB_BDAT) {
    ehlo_witness_chunk_size(&s->witness, command.chunk_len, command.last_chunk);
  }
  free(command.head.bytes);
}

static void do_secret_line(struct session *s, struct ehlo_span line) {
  size_t begin = index_of(line, 0, 1);
  size_t end = index_of(line, begin, 2);
  size_t from = begin < end ? begin + 1 : end;
  size_t behind = end < line.len ? end + 1 : end;
  struct ehlo_span secret = {line.bytes + from, end - from};
  struct ehlo_witness_line wanted = {
      .head = {line.bytes, begin},
      .secret = &secret,
      .utf8 = true,
      .verbatim = true,
      .tail = {line.bytes + behind, line.len - behind},
  };
  // A word that the secret may continue is none, and a BDAT of which nobody may know the size.
  bool word_ends = index_of(wanted.head, 0, ' ') < begin;
  wanted.verb = word_ends ? ehlo_verb_of_line(wanted.head) : EHLO_VERB_OTHER;
  wanted.verb = wanted.verb == EHLO_VERB_BDAT ? EHLO_VERB_OTHER : wanted.verb;
  enum ehlo_status status = ehlo_send_raw_secret(&s->client, wanted.head, secret, wanted.tail);
  note_status(status);
  if (status == EHLO_OK) {
    ehlo_fuzz_reach(GOAL_SECRET);
  }
  ehlo_witness_verb(&s->witness, status, &wanted);
}

static void end_message(struct session *s) {
  bool chunk = state_of(s) == EHLO_STATE_CHUNK;
  enum ehlo_status status = ehlo_send_body_end(&s->client);
  note_status(status);
  ehlo_witness_body_end(&s->witness, status, chunk);
}

static void cancel(struct session *s) {
  enum ehlo_status status = ehlo_send_auth_cancel(&s->client);
  note_status(status);
  struct ehlo_witness_line line = {EHLO_VERB_AUTH, ehlo_str("*"), NULL, false, false, {NULL, 0}};
  ehlo_witness_verb(&s->witness, status, &line);
}

// ---- Steps --------------------------------------------------------------------------------------

static void do_step(struct session *s, char what, struct ehlo_span text) {
  switch (what) {
    case 'S':
    case 's':
      give_server(s, text.bytes, text.len);
      break;
    case 'C':
    case 'W':
      do_command(s, text, what == 'W');
      break;
    case 'w':
      do_secret_line(s, text);
      break;
    case 'R':
    case 'r':
      respond(s, text, what == 'R');
      break;
    case '*':
      cancel(s);
      break;
    case 'B':
    case 'b':
      give_message(s, text, false);
      break;
    case 'O':
      give_message(s, text, true);
      break;
    case '.':
      end_message(s);
      break;
    case 'T':
      ehlo_witness_tls(&s->witness, ehlo_tls_done(&s->client, s->now_ms));
      break;
    case '+':
      pass_time(s, ehlo_fuzz_number(text, 1000000000));
      break;
    case 'E':
      end_connection(s, text.len > 0 ? (char)text.bytes[0] : '\0');
      break;
    case 'A':
      take_output(s, (size_t)ehlo_fuzz_number(text, 1000000000));
      break;
    case 'K':
      move(s);
      break;
    case 'M':
      resize(s, (size_t)ehlo_fuzz_number(text, NUM_ROOMS - 1));
      break;
    default:
      return;
  }
  take_events(s);
  if (!s->hold) {
    take_output(s, SIZE_MAX);
  }
  ehlo_witness_rest(&s->witness);
  ehlo_fuzz_reach(GOAL_STATE + state_of(s));
}

// What is left to happen when nothing more comes: the deadline, if there is one.
static void finish(struct session *s) {
  uint64_t deadline = ehlo_deadline(&s->client);
  if (deadline != EHLO_NEVER) {
    if (deadline > s->now_ms + 1) {
      pass_time(s, deadline - s->now_ms - 1);
    }
    pass_time(s, deadline - s->now_ms);
    take_events(s);
    ehlo_witness_rest(&s->witness);
  }
}

static void run(struct session *s, const uint8_t *data, size_t size, struct ehlo_fuzz_cuts cuts) {
  bool repair = (data[0] & SETTING_BARE_CR) != 0;
  bool exact = (data[0] & SETTING_BARE_LF) != 0;
  struct ehlo_config config = {
      .allow_cleartext_auth = (data[0] & SETTING_CLEARTEXT) != 0,
      .bare_cr = repair ? EHLO_BARE_CR_REPAIR : EHLO_BARE_CR_REFUSE,
      .bare_lf = exact ? EHLO_BARE_LF_REFUSE : EHLO_BARE_LF_NORMALISE,
  };
  memset(s, 0, sizeof(*s));
  s->buf_len = rooms[(data[0] & SETTING_ROOM) / 4];
  s->buf = malloc(s->buf_len);
  s->hold = (data[0] & SETTING_HOLD) != 0;
  s->cuts = cuts;
  ehlo_client_init(&s->client, &config, s->buf, s->buf_len, s->now_ms);
  ehlo_witness_init(&s->witness, &s->client, config.allow_cleartext_auth);
  s->witness.bare_cr_repaired = repair;
  s->witness.bare_lf_refused = exact;
  for (size_t at = 2; at < size;) {
    uint8_t text[EHLO_FUZZ_TEXT_MAX];
    char what;
    size_t len = ehlo_fuzz_step_read(text, &what, data, &at, size);
    do_step(s, what, (struct ehlo_span){text, len});
  }
  finish(s);
  free(s->buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct session whole;
  static struct session other;
  if (size < 2) {
    return 0;
  }
  run(&whole, data, size, (struct ehlo_fuzz_cuts){EHLO_FUZZ_WHOLE, 0});
  for (int cut = EHLO_FUZZ_BYTES; cut < EHLO_FUZZ_NUM_CUTS; cut++) {
    run(&other, data, size, (struct ehlo_fuzz_cuts){(enum ehlo_fuzz_cut)cut, data[1]});
    EHLO_FUZZ_CHECK(ehlo_fuzz_same(&other.witness.log, &whole.witness.log));
    EHLO_FUZZ_CHECK(ehlo_fuzz_same(&other.witness.sent, &whole.witness.sent));
    ehlo_witness_free(&other.witness);
  }
  ehlo_witness_free(&whole.witness);
  return 0;
}
