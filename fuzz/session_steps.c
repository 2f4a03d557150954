// See session_steps.h.
#include "fuzz/session_steps.h"

#include <string.h>

#include "fuzz/counters.h"
#include "fuzz/reference.h"

// The flags by which spans are told apart; the others depend on what is queued.
#define KINDS (EHLO_OUTPUT_SECRET | EHLO_OUTPUT_BODY)

// How much of each part of a buffer is spoilt beforehand: more than most sessions write.
#define SPOILT_MAX ((size_t)1024)

static enum ehlo_state state_of(const struct ehlo_fuzz_session *s) {
  return ehlo_client_state(&s->client);
}

static bool is_over(const struct ehlo_fuzz_session *s) {
  return state_of(s) == EHLO_STATE_CLOSED || state_of(s) == EHLO_STATE_FAILED;
}

// ---- What is seen -------------------------------------------------------------------------------

// Whether this run is judged by more than another run.
static bool is_watched(const struct ehlo_fuzz_session *s) {
  return EHLO_FUZZ_HAS(~EHLO_FUZZ_RECUT) && s->whole;
}

// The status of a call. The last one of a step is the step's.
static void see_status(struct ehlo_fuzz_session *s, enum ehlo_status status) {
  s->status = status;
  ehlo_fuzz_reach(EHLO_FUZZ_GOAL_STATUS + status);
}

// A verb was called that, if it was accepted, has to send `line`.
static void see_verb(struct ehlo_fuzz_session *s, enum ehlo_status status,
                     const struct ehlo_witness_line *line) {
  see_status(s, status);
  if (is_watched(s)) {
    ehlo_witness_verb(&s->witness, status, line);
  }
}

static void follow_error(struct ehlo_fuzz_trail *t, const struct ehlo_error *error) {
  const uint64_t numbers[] = {error->status, error->offset, error->verb, error->verb_sent,
                              error->line.len};
  ehlo_fuzz_trail_add_numbers(t, EHLO_FUZZ_TRAIL_ERROR, numbers,
                              sizeof(numbers) / sizeof(numbers[0]));
  ehlo_fuzz_trail_add(t, EHLO_FUZZ_TRAIL_ERROR, error->line.bytes, error->line.len);
}

static void follow_event(struct ehlo_fuzz_session *s, const struct ehlo_event *event) {
  const struct ehlo_enhanced *e = &event->reply.enhanced;
  const uint64_t numbers[] = {
      event->type,
      event->verb,
      event->of_recipient,
      event->recipient,
      event->num_due,
      event->reply.code,
      event->reply.num_lines,
      (uint64_t)e->class_code << 32 | (uint64_t)e->subject << 16 | e->detail,
      event->challenge_valid,
      s->num_sent,
  };
  const uint64_t lens[] = {event->reply.text.len, event->challenge.len};
  struct ehlo_fuzz_trail *t = &s->trail;
  ehlo_fuzz_trail_add_numbers(t, EHLO_FUZZ_TRAIL_EVENT, numbers,
                              sizeof(numbers) / sizeof(numbers[0]));
  ehlo_fuzz_trail_add_numbers(t, EHLO_FUZZ_TRAIL_TEXT, lens, sizeof(lens) / sizeof(lens[0]));
  ehlo_fuzz_trail_add(t, EHLO_FUZZ_TRAIL_TEXT, event->reply.text.bytes, event->reply.text.len);
  ehlo_fuzz_trail_add(t, EHLO_FUZZ_TRAIL_TEXT, event->challenge.bytes, event->challenge.len);
  follow_error(t, &event->error);
}

static bool is_modelled(const struct ehlo_fuzz_session *s) {
  return EHLO_FUZZ_HAS(EHLO_FUZZ_MODEL) && s->whole;
}

static void see_event(struct ehlo_fuzz_session *s, const struct ehlo_event *event) {
  ehlo_fuzz_reach(EHLO_FUZZ_GOAL_EVENT + event->type);
  ehlo_fuzz_count_event(s->confirmed, event);
  if (event->num_due > 0) {
    ehlo_fuzz_reach(EHLO_FUZZ_GOAL_LMTP);
  }
  if (event->type == EHLO_EVENT_FAILED) {
    ehlo_fuzz_reach(EHLO_FUZZ_GOAL_STATUS + event->error.status);
  }
  if (EHLO_FUZZ_HAS(EHLO_FUZZ_RECUT)) {
    follow_event(s, event);
  }
  if (is_watched(s)) {
    ehlo_witness_event(&s->witness, event);
  }
  if (is_modelled(s)) {
    ehlo_session_model_see_event(&s->model, event);
  }
}

// The first `n` octets of a span are about to be taken.
static void see_output(struct ehlo_fuzz_session *s, const struct ehlo_output *out, size_t n) {
  uint8_t kind = out->flags & KINDS;
  if (EHLO_FUZZ_HAS(EHLO_FUZZ_RECUT) && n > 0) {
    if (kind != s->sent_kind) {
      const uint64_t change[] = {s->num_sent, kind};
      ehlo_fuzz_trail_add_numbers(&s->trail, EHLO_FUZZ_TRAIL_OUTPUT, change, 2);
      s->sent_kind = kind;
    }
    ehlo_fuzz_trail_add(&s->trail, EHLO_FUZZ_TRAIL_OUTPUT, out->span.bytes, n);
  }
  if (is_watched(s)) {
    ehlo_witness_output(&s->witness, out, n);
  }
  if (is_modelled(s)) {
    ehlo_session_model_see_output(&s->model, out, n);
  }
  s->num_sent += n;
}

// The client took these octets of the server's stream; of a session that is over, none.
static void see_server(struct ehlo_fuzz_session *s, const uint8_t *bytes, size_t len) {
  if (is_watched(s)) {
    ehlo_witness_server(&s->witness, bytes, len);
  }
}

// Of a buffer, what is for output (ehlo.h).
static size_t output_len(size_t len) {
  return len / 4 < EHLO_OUTPUT_FULL ? len / 4 : EHLO_OUTPUT_FULL;
}

static void follow_rest(struct ehlo_fuzz_session *s) {
  struct ehlo_fuzz_trail *t = &s->trail;
  const uint64_t status = s->status;
  const uint64_t state = state_of(s);
  const uint64_t waiting[] = {ehlo_deadline(&s->client), ehlo_client_num_pending(&s->client)};
  const uint64_t num_sent = s->num_sent;
  ehlo_fuzz_trail_add_numbers(t, EHLO_FUZZ_TRAIL_STATUS, &status, 1);
  ehlo_fuzz_trail_add_numbers(t, EHLO_FUZZ_TRAIL_STATE, &state, 1);
  ehlo_fuzz_trail_add_numbers(t, EHLO_FUZZ_TRAIL_WAITING, waiting, 2);
  ehlo_fuzz_trail_add_numbers(t, EHLO_FUZZ_TRAIL_OUTPUT, &num_sent, 1);
}

// The step is done, and nobody is inside the client.
static void see_rest(struct ehlo_fuzz_session *s) {
  ehlo_fuzz_reach(EHLO_FUZZ_GOAL_STATE + state_of(s));
  if (EHLO_FUZZ_HAS(EHLO_FUZZ_RECUT)) {
    follow_rest(s);
    ehlo_fuzz_trail_mark(&s->trail);
  }
  if (is_watched(s)) {
    ehlo_witness_rest(&s->witness);
    ehlo_witness_buffer(&s->witness, s->room->bytes, output_len(s->room->lent));
  }
  if (is_modelled(s)) {
    ehlo_session_model_see_rest(&s->model, &s->client, s->status);
  }
}

// ---- The transport ------------------------------------------------------------------------------

static size_t take_events(struct ehlo_fuzz_session *s) {
  struct ehlo_event event;
  size_t num = 0;
  while (ehlo_next(&s->client, &event) != EHLO_EVENT_NONE) {
    see_event(s, &event);
    num++;
  }
  return num;
}

// Takes up to `max` octets of output. A secret leaves nothing behind.
static size_t take_output(struct ehlo_fuzz_session *s, size_t max) {
  struct ehlo_output out;
  size_t total = 0;
  while (total < max && ehlo_output_peek(&s->client, &out)) {
    size_t left = max - total;
    size_t n = ehlo_fuzz_next_cut(&s->cuts, out.span.len < left ? out.span.len : left);
    see_output(s, &out, n);
    ehlo_output_ack(&s->client, n, s->now_ms);
    EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_SECRECY, (out.flags & EHLO_OUTPUT_SECRET) == 0 ||
                                              ehlo_fuzz_is_zero(out.span.bytes, n));
    total += n;
  }
  return total;
}

// A piece of the server's stream, as often as it takes to have all of it taken. An event is looked for
// where one can be, which is not in the midst of a line; the end of the step finds it anyway.
static void give_piece(struct ehlo_fuzz_session *s, const uint8_t *bytes, size_t len) {
  for (size_t at = 0; at < len;) {
    enum ehlo_state before = state_of(s);
    bool over = before == EHLO_STATE_CLOSED || before == EHLO_STATE_FAILED;
    size_t left = len - at;
    size_t used = 0;
    s->confirmed = (enum ehlo_state)s->client.state;
    s->status = ehlo_input(&s->client, &used, bytes + at, left, s->now_ms);
    EHLO_FUZZ_CHECK(used <= left && (!over || used == left));
    EHLO_FUZZ_CHECK((s->status == EHLO_OK) == (state_of(s) != EHLO_STATE_FAILED));
    see_server(s, bytes + at, over ? 0 : used);
    bool in_line = used == left && s->status == EHLO_OK && bytes[len - 1] != '\n';
    bool progress = in_line || take_events(s) > 0 || used > 0;
    s->events_taken = !in_line;
    EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_LIVENESS, progress);
    if (!progress) {
      return;
    }
    at += used;
  }
}

static void give_server(struct ehlo_fuzz_session *s, struct ehlo_span text) {
  size_t left = s->num_received < EHLO_FUZZ_SERVER_MAX ? EHLO_FUZZ_SERVER_MAX - s->num_received : 0;
  size_t len = text.len < left ? text.len : left;
  s->num_received += len;
  for (size_t at = 0; at < len;) {
    size_t piece = ehlo_fuzz_next_cut(&s->cuts, len - at);
    give_piece(s, text.bytes + at, piece);
    at += piece;
  }
}

static void end_connection(struct ehlo_fuzz_session *s, char how) {
  enum ehlo_status why = how == 'r'   ? EHLO_E_RESET
                         : how == 't' ? EHLO_E_TLS
                         : how == 'x' ? EHLO_E_CONNECT
                                      : EHLO_E_CLOSED;
  s->status = ehlo_input_end(&s->client, why);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_LIVENESS, is_over(s));
}

static void end_handshake(struct ehlo_fuzz_session *s) {
  enum ehlo_status status = ehlo_tls_done(&s->client, s->now_ms);
  see_status(s, status);
  if (is_watched(s)) {
    ehlo_witness_tls(&s->witness, status);
  }
}

// The deadline is where it says, not before and not behind.
static void pass_time(struct ehlo_fuzz_session *s, uint64_t ms) {
  uint64_t deadline = ehlo_deadline(&s->client);
  enum ehlo_state before = state_of(s);
  s->now_ms += ms;
  ehlo_tick(&s->client, s->now_ms);
  bool due = deadline != EHLO_NEVER && s->now_ms >= deadline;
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_LIVENESS, state_of(s) == (due ? EHLO_STATE_FAILED : before));
}

// The places where a client begins to write hold another thing in each run, so that one who reads what
// nobody wrote leaves the trail. They are a quarter apart (ehlo.h), or at the lower of its bounds. The
// output is filled as a whole, since the witness looks at all of it.
static void spoil(const struct ehlo_fuzz_session *s, uint8_t *bytes, size_t len) {
  size_t quarter = output_len(len);
  size_t spoilt = len - quarter < SPOILT_MAX ? len - quarter : SPOILT_MAX;
  uint8_t octet = s->whole ? 0xa5 : 0x5a;
  memset(bytes, octet, quarter);
  memset(bytes + quarter, octet, spoilt);
}

// A buffer that is not the one the client is in.
static struct ehlo_fuzz_block *lend_room(struct ehlo_fuzz_session *s, size_t room) {
  struct ehlo_fuzz_block *block = &s->rooms[room][s->room == &s->rooms[room][0]];
  spoil(s, ehlo_fuzz_lend(block, ehlo_fuzz_room_lens[room]), ehlo_fuzz_room_lens[room]);
  return block;
}

// What was the client is wiped, and the copy goes on as if nothing had been.
static void move(struct ehlo_fuzz_session *s) {
  struct ehlo_client old = s->client;
  struct ehlo_fuzz_block *old_room = s->room;
  s->room = lend_room(s, s->settings.room);
  memcpy(s->room->bytes, old_room->bytes, s->room->lent);
  ehlo_client_rebase(&s->client, s->room->bytes);
  ehlo_client_wipe(&old);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_SECRECY, ehlo_fuzz_is_zero(old_room->bytes, old_room->lent));
  ehlo_fuzz_return(old_room);
}

// An idle client goes on in a buffer of another size, and leaves nothing behind.
static void resize(struct ehlo_fuzz_session *s, size_t room) {
  struct ehlo_fuzz_block *block = lend_room(s, room);
  enum ehlo_status status = ehlo_client_move(&s->client, block->bytes, block->lent);
  see_status(s, status);
  if (status != EHLO_OK) {
    ehlo_fuzz_return(block);
    return;
  }
  EHLO_FUZZ_CHECK(!is_watched(s) || s->witness.num_pending == 0);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_SECRECY, ehlo_fuzz_is_zero(s->room->bytes, s->room->lent));
  ehlo_fuzz_return(s->room);
  s->room = block;
  s->settings.room = room;
  ehlo_fuzz_reach(EHLO_FUZZ_GOAL_MOVE);
}

// ---- The program --------------------------------------------------------------------------------

// A piece of the message, of which the client took so much.
static void see_message(struct ehlo_fuzz_session *s, enum ehlo_status status, bool octets,
                        bool chunk, struct ehlo_span taken) {
  see_status(s, status);
  if (is_watched(s) && octets) {
    ehlo_witness_chunk(&s->witness, taken.bytes, taken.len);
  } else if (is_watched(s)) {
    ehlo_witness_body(&s->witness, status, chunk, taken.bytes, taken.len);
  }
}

// The message in pieces, where output is taken between them; else once, since then it matters to
// the room how it is cut.
static void give_message(struct ehlo_fuzz_session *s, struct ehlo_span text, bool octets) {
  bool hold = s->settings.hold;
  for (size_t at = 0; at < text.len;) {
    size_t piece = hold ? text.len - at : ehlo_fuzz_next_cut(&s->cuts, text.len - at);
    size_t used = 0;
    bool chunk = state_of(s) == EHLO_STATE_CHUNK;
    enum ehlo_status status = octets ? ehlo_send_chunk(&s->client, &used, text.bytes + at, piece)
                                     : ehlo_send_body(&s->client, &used, text.bytes + at, piece);
    see_message(s, status, octets, chunk, (struct ehlo_span){text.bytes + at, used});
    if (is_modelled(s)) {
      ehlo_session_model_see_used(&s->model, text, used);
    }
    at += used;
    size_t taken = hold ? 0 : take_output(s, SIZE_MAX);
    if (status != EHLO_OK || hold || (used == 0 && taken == 0)) {
      return;
    }
  }
}

static void respond(struct ehlo_fuzz_session *s, struct ehlo_span text, bool secret) {
  enum ehlo_status status = ehlo_send_auth_response(&s->client, &text, 1, secret);
  struct ehlo_fuzz_bytes *plain = &s->command.head;
  ehlo_fuzz_clear(plain);
  if (!secret && is_watched(s)) {
    ehlo_reference_base64(plain, text.bytes, text.len);
  }
  struct ehlo_witness_line line = {
      .verb = EHLO_VERB_AUTH, .head = {plain->bytes, plain->len}, .secret = secret ? &text : NULL};
  see_verb(s, status, &line);
}

static void cancel(struct ehlo_fuzz_session *s) {
  struct ehlo_witness_line line = {.verb = EHLO_VERB_AUTH, .head = ehlo_str("*")};
  see_verb(s, ehlo_send_auth_cancel(&s->client), &line);
}

static void end_message(struct ehlo_fuzz_session *s) {
  bool chunk = state_of(s) == EHLO_STATE_CHUNK;
  enum ehlo_status status = ehlo_send_body_end(&s->client);
  see_status(s, status);
  if (is_watched(s)) {
    ehlo_witness_body_end(&s->witness, status, chunk);
  }
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
    bool equals = end == at + 1 && line.bytes[at] == '=';
    num_words += end > at;
    EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_SECRECY, end == at || num_words < 3 || (num_words == 3 && equals));
    at = end + 1;
  }
}

static void do_command(struct ehlo_fuzz_session *s, struct ehlo_span line, bool raw) {
  struct ehlo_fuzz_command *command = &s->command;
  ehlo_fuzz_command_read(command, line, raw);
  enum ehlo_status status = ehlo_fuzz_command_send(command, &s->client);
  struct ehlo_witness_line wanted = {
      .verb = command->verb,
      .head = {command->head.bytes, command->head.len},
      .secret = command->has_secret && command->text.len > 0 ? &command->text : NULL,
      .utf8 = command->raw || command->verb == EHLO_VERB_MAIL || command->verb == EHLO_VERB_RCPT,
  };
  see_verb(s, status, &wanted);
  if (status == EHLO_OK && command->raw && command->verb == EHLO_VERB_AUTH) {
    judge_unmarked(line);
    EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_SECRECY, s->settings.config.allow_cleartext_auth ||
                                              ehlo_client_is_secure(&s->client));
  }
  if (status == EHLO_OK && command->verb == EHLO_VERB_BDAT && is_watched(s)) {
    ehlo_witness_chunk_size(&s->witness, command->chunk_len, command->last_chunk);
  }
}

static void do_secret_line(struct ehlo_fuzz_session *s, struct ehlo_span line) {
  struct ehlo_span secret;
  struct ehlo_witness_line wanted = {.secret = &secret, .utf8 = true, .verbatim = true};
  ehlo_fuzz_split_secret(line, &wanted.head, &secret, &wanted.tail);
  // A word that the secret may continue is none, and a BDAT of which nobody may know the size.
  bool word_ends = index_of(wanted.head, 0, ' ') < wanted.head.len;
  wanted.verb = word_ends ? ehlo_verb_of_line(wanted.head) : EHLO_VERB_OTHER;
  wanted.verb = wanted.verb == EHLO_VERB_BDAT ? EHLO_VERB_OTHER : wanted.verb;
  enum ehlo_status status = ehlo_send_raw_secret(&s->client, wanted.head, secret, wanted.tail);
  if (status == EHLO_OK) {
    ehlo_fuzz_reach(EHLO_FUZZ_GOAL_SECRET);
  }
  see_verb(s, status, &wanted);
}

// ---- Steps --------------------------------------------------------------------------------------

void ehlo_fuzz_session_begin(struct ehlo_fuzz_session *s,
                             const struct ehlo_fuzz_session_settings *settings,
                             struct ehlo_fuzz_cuts cuts, const struct ehlo_fuzz_session *first) {
  s->settings = *settings;
  s->cuts = cuts;
  s->whole = first == NULL;
  s->now_ms = 0;
  s->num_received = 0;
  s->num_sent = 0;
  s->sent_kind = 0;
  s->status = EHLO_OK;
  s->room = NULL;
  s->room = lend_room(s, settings->room);
  ehlo_client_init(&s->client, &settings->config, s->room->bytes, s->room->lent, s->now_ms);
  if (EHLO_FUZZ_HAS(EHLO_FUZZ_RECUT)) {
    ehlo_fuzz_trail_begin(&s->trail, first != NULL ? &first->trail : NULL);
  }
  if (is_watched(s)) {
    ehlo_witness_begin(&s->witness, &s->client, &settings->config);
  }
  if (is_modelled(s)) {
    ehlo_session_model_begin(&s->model, settings);
  }
}

// False: there is no such step.
static bool apply(struct ehlo_fuzz_session *s, char what, struct ehlo_span text) {
  switch (what) {
    case 'S':
    case 's':
      give_server(s, text);
      return true;
    case 'C':
    case 'W':
      do_command(s, text, what == 'W');
      return true;
    case 'w':
      do_secret_line(s, text);
      return true;
    case 'R':
    case 'r':
      respond(s, text, what == 'R');
      return true;
    case '*':
      cancel(s);
      return true;
    case 'B':
    case 'b':
    case 'O':
      give_message(s, text, what == 'O');
      return true;
    case '.':
      end_message(s);
      return true;
    case 'T':
      end_handshake(s);
      return true;
    case '+':
      pass_time(s, ehlo_fuzz_number(text, 1000000000));
      return true;
    case 'E':
      end_connection(s, text.len > 0 ? (char)text.bytes[0] : '\0');
      return true;
    case 'A':
      take_output(s, (size_t)ehlo_fuzz_number(text, 1000000000));
      return true;
    case 'K':
      move(s);
      return true;
    case 'M':
      resize(s, (size_t)ehlo_fuzz_number(text, EHLO_FUZZ_NUM_ROOMS - 1));
      return true;
    default:
      return false;
  }
}

void ehlo_fuzz_session_step(struct ehlo_fuzz_session *s, struct ehlo_fuzz_step step) {
  s->status = EHLO_OK;
  if (is_modelled(s)) {
    ehlo_session_model_step(&s->model, step);
  }
  s->events_taken = false;
  if (!apply(s, step.what, step.text)) {
    return;
  }
  if (!s->events_taken) {
    take_events(s);
  }
  if (!s->settings.hold) {
    take_output(s, SIZE_MAX);
  }
  see_rest(s);
}

void ehlo_fuzz_session_end(struct ehlo_fuzz_session *s) {
  uint64_t deadline = ehlo_deadline(&s->client);
  s->status = EHLO_OK;
  if (is_modelled(s)) {
    s->model.status = EHLO_OK;
    ehlo_session_model_wait(&s->model);
  }
  if (deadline != EHLO_NEVER) {
    if (deadline > s->now_ms + 1) {
      pass_time(s, deadline - s->now_ms - 1);
    }
    pass_time(s, deadline - s->now_ms);
    take_events(s);
    see_rest(s);
  }
  if (EHLO_FUZZ_HAS(EHLO_FUZZ_RECUT)) {
    ehlo_fuzz_trail_end(&s->trail);
  }
  ehlo_fuzz_return(s->room);
}
