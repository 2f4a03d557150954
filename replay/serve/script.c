// Reading a transcript for its server. Commands wait in a row; each whole reply goes to the first
// of them. Memory grows with what the server said, up to the limits of script.h, and not with
// messages.
#include "replay/serve/script.h"

#include <stdlib.h>
#include <string.h>

#include "replay/serve/hello.h"
#include "replay/serve/script_parts.h"

#define HIDDEN_TEXT "(hidden)"  // for \{secret} of the server

// ---- Arrays that grow --------------------------------------------------------------------------

void *script_grow(struct script_reader *r, enum script_array array, void *members, size_t size,
                  size_t num, size_t more) {
  size_t *cap = &r->script->caps[array];
  if (num + more <= *cap) {
    return members;
  }
  size_t wanted = (num + more) * 2 + 64;
  void *grown = realloc(members, wanted * size);
  if (grown == NULL) {
    r->out_of_memory = true;
    return NULL;
  }
  *cap = wanted;
  return grown;
}

bool script_is_over(const struct script_reader *r) {
  return r->out_of_memory || r->wrong != NULL;
}

// ---- What the server said ----------------------------------------------------------------------

static void add_text(struct script_reader *r, const void *bytes, size_t len) {
  struct ehlo_script *s = r->script;
  if (len > EHLO_SCRIPT_TEXT_MAX - s->text_len) {
    r->wrong = "the server says more than can be played, which is 16 MiB";
    return;
  }
  SCRIPT_GROW(r, ARRAY_TEXT, text, s->text_len, len);
  memcpy(s->text + s->text_len, bytes, len);
  s->text_len += len;
}

static void add_piece(struct script_reader *r, uint64_t delay_us, bool is_chunk) {
  struct ehlo_script *s = r->script;
  SCRIPT_GROW(r, ARRAY_PIECES, pieces, s->num_pieces, 1);
  s->pieces[s->num_pieces++] = (struct ehlo_piece){s->text_len, 0, delay_us, is_chunk};
}

static bool offers_starttls(const struct script_reader *r, const struct ehlo_answer *a) {
  size_t len;
  const uint8_t *text = ehlo_answer_text(r->script, &len, a);
  return a->meaning == EHLO_MEANS_EHLO && a->code == 250 && (a->bits & EHLO_COURSE_TLS) == 0 &&
         ehlo_hello_offers(text, len, "STARTTLS");
}

static void note_answer(struct script_reader *r, const struct ehlo_answer *a) {
  struct ehlo_script *s = r->script;
  bool in_auth = a->meaning == EHLO_MEANS_AUTH || a->meaning == EHLO_MEANS_RESPONSE;
  if (in_auth && s->num_attempts > 0) {
    struct ehlo_attempt *attempt = &s->attempts[s->num_attempts - 1];
    if (attempt->num_answers == 0) {
      attempt->first_answer = s->num_answers - 1;
      attempt->bits = a->bits;
    }
    attempt->num_answers = s->num_answers - attempt->first_answer;
  }
  s->lmtp = s->lmtp || (a->meaning == EHLO_MEANS_LHLO && a->code == 250);
  s->offers_starttls = s->offers_starttls || offers_starttls(r, a);
  if (a->transaction > s->num_transactions) {
    s->num_transactions = a->transaction;
  }
}

// What was said since reply_at answers `meaning`.
static void add_answer(struct script_reader *r, struct script_pending to, unsigned code) {
  struct ehlo_script *s = r->script;
  if (s->num_answers == EHLO_SCRIPT_ANSWERS_MAX) {
    r->wrong = "the server gives more replies than can be played, which is 65536";
    return;
  }
  SCRIPT_GROW(r, ARRAY_ANSWERS, answers, s->num_answers, 1);
  size_t index = s->num_answers++;
  bool challenge = to.meaning == EHLO_MEANS_AUTH || to.meaning == EHLO_MEANS_RESPONSE;
  s->answers[index] = (struct ehlo_answer){
      .meaning = to.meaning,
      .bits = r->course.bits,
      // MAIL opens the transaction that its reply belongs to.
      .transaction = r->course.transaction + (to.meaning == EHLO_MEANS_MAIL),
      .code = code,
      .is_hidden = r->is_hidden && challenge && code == 334,
      .to_cancel = to.to_cancel,
      .verb = to.verb,
      .first_piece = r->first_piece,
      .num_pieces = s->num_pieces - r->first_piece,
      .clock_us = r->clock_us,
      .next = EHLO_NO_ANSWER,
  };
  if (s->first[to.meaning] == EHLO_NO_ANSWER) {
    s->first[to.meaning] = index;
  } else {
    s->answers[s->last[to.meaning]].next = index;
  }
  s->last[to.meaning] = index;
  r->clock_us = 0;
  note_answer(r, &s->answers[index]);
}

// What was said belongs to the answer before it: nobody had asked.
static void add_to_last_answer(struct script_reader *r) {
  struct ehlo_answer *a = &r->script->answers[r->script->num_answers - 1];
  a->num_pieces = r->script->num_pieces - a->first_piece;
  a->clock_us += r->clock_us;
  r->clock_us = 0;
}

// ---- Which command it answers ------------------------------------------------------------------

void script_push(struct script_reader *r, enum ehlo_meaning meaning, bool to_cancel,
                 uint32_t verb) {
  if (r->num_pending == EHLO_SCRIPT_PENDING_MAX) {
    r->wrong = "more commands wait for their replies than can be played, which is 4096";
    return;
  }
  size_t at = (r->pending_at + r->num_pending++) % EHLO_SCRIPT_PENDING_MAX;
  r->pending[at] = (struct script_pending){meaning, to_cancel, verb};
}

// RFC 2033 §4.3: in LMTP the last chunk of a message for nobody has no reply.
static void pop(struct script_reader *r) {
  do {
    r->pending_at = (r->pending_at + 1) % EHLO_SCRIPT_PENDING_MAX;
    r->num_pending--;
  } while (r->num_pending > 0 && r->course.lmtp && r->course.num_accepted == 0 &&
           r->pending[r->pending_at].meaning == EHLO_MEANS_MESSAGE);
}

// What the next reply answers. False: nothing.
static bool find_asked(struct script_reader *r, struct script_pending *out) {
  if (r->num_pending > 0) {
    *out = r->pending[r->pending_at];
    return true;
  }
  bool under_way = r->place == SCRIPT_AT_MESSAGE || r->place == SCRIPT_AT_CHUNK;
  *out = (struct script_pending){EHLO_MEANS_MESSAGE, false, 0};
  if (r->place == SCRIPT_AT_CHUNK && !r->chunk_last) {
    out->meaning = EHLO_MEANS_CHUNK;
  }
  return under_way && !r->answered_early && r->line_len > 0;
}

static void take_effect(struct script_reader *r, enum ehlo_meaning meaning, unsigned code) {
  if (meaning == EHLO_MEANS_MESSAGE && r->course.lmtp && ++r->num_final < r->course.num_accepted) {
    return;
  }
  r->num_final = 0;
  ehlo_course_take(&r->course, meaning, code);
  if (r->num_pending > 0) {
    pop(r);
  } else {
    r->answered_early = true;
  }
  if (meaning == EHLO_MEANS_DATA && code == 354) {
    r->place = SCRIPT_AT_MESSAGE;
    r->answered_early = false;
    r->line_len = 0;
    ehlo_unstuff_init(&r->unstuff);
  } else if ((meaning == EHLO_MEANS_AUTH || meaning == EHLO_MEANS_RESPONSE) && code == 334) {
    r->place = SCRIPT_AT_RESPONSE;
  }
}

static void end_reply(struct script_reader *r, unsigned code) {
  struct script_pending to;
  bool asked = find_asked(r, &to);
  r->in_reply = false;
  if (!asked && r->script->num_answers > 0) {
    add_to_last_answer(r);
    return;
  }
  add_answer(r, asked ? to : (struct script_pending){EHLO_MEANS_GREETING, false, 0}, code);
  if (asked && !script_is_over(r)) {
    take_effect(r, to.meaning, code);
  }
}

static void begin_reply(struct script_reader *r) {
  if (!r->in_reply) {
    r->in_reply = true;
    r->is_hidden = false;
    r->reply_at = r->script->text_len;
    r->line_at = r->reply_at;
    r->first_piece = r->script->num_pieces;
  }
}

// The line is whole. A reply goes on only where the line says so.
static void end_server_line(struct script_reader *r) {
  const uint8_t *line = r->script->text + r->line_at;
  size_t len = r->script->text_len - r->line_at;
  unsigned code = ehlo_code_of(line, len);
  r->line_at = r->script->text_len;
  if (code == 0 || len < 4 || line[3] != '-') {
    end_reply(r, code);
  }
}

static void take_server(struct script_reader *r, const struct ehlo_item *item) {
  bool again = r->spoke && r->side == EHLO_SIDE_SERVER;
  uint64_t delay_us = item->has_time ? item->delta_us : 0;
  bool new_piece = !again || item->has_time;
  size_t secret = 0;
  for (size_t i = 0; i <= item->bytes_len && !script_is_over(r); i++) {
    bool had_reply = r->in_reply;
    while (secret < item->num_secrets && item->secret_at[secret] == i) {
      begin_reply(r);
      r->is_hidden = true;
      secret++;
      if (new_piece || !had_reply) {
        add_piece(r, delay_us, item->has_time && again);
      }
      add_text(r, HIDDEN_TEXT, strlen(HIDDEN_TEXT));
      if (!script_is_over(r)) {
        r->script->pieces[r->script->num_pieces - 1].len += strlen(HIDDEN_TEXT);
      }
      new_piece = false;
      had_reply = true;
    }
    if (i == item->bytes_len || script_is_over(r)) {
      break;
    }
    begin_reply(r);
    if (new_piece || !had_reply) {
      add_piece(r, delay_us, item->has_time && again);
      delay_us = 0;
      new_piece = false;
      again = false;  // replies further on in this line are in the same chunk
    }
    add_text(r, item->bytes + i, 1);
    if (script_is_over(r)) {
      break;
    }
    r->script->pieces[r->script->num_pieces - 1].len++;
    if (item->bytes[i] == '\n') {
      end_server_line(r);
    }
  }
}

// ---- Facts -------------------------------------------------------------------------------------

// The connection ended by the server's doing, or it fell silent: what it owed has that for an
// answer.
static void end_session(struct script_reader *r, enum ehlo_ending ending) {
  struct script_pending to;
  begin_reply(r);
  bool partial = r->script->text_len > r->reply_at;
  if (partial || find_asked(r, &to) || r->script->num_answers == 0) {
    end_reply(r, 0);
  }
  if (r->script->num_answers > 0) {
    r->script->answers[r->script->num_answers - 1].ending = ending;
  }
  r->in_reply = false;
}

static void take_host(struct ehlo_script *s, const struct ehlo_item *item) {
  const char *host = item->args;
  size_t len = strcspn(host, " ");
  if (len > item->args_len) {
    len = item->args_len;
  }
  if (item->failed || strncmp(host, "unix:", 5) == 0) {
    return;
  }
  while (len > 0 && host[len - 1] != ':') {
    len--;
  }
  len -= len > 0;
  if (len > 2 && host[0] == '[' && host[len - 1] == ']') {
    host++;
    len -= 2;
  }
  if (len < sizeof(s->host) && memchr(host, '\\', len) == NULL) {
    memcpy(s->host, host, len);
    s->host[len] = '\0';
  }
}

static void take_tls(struct script_reader *r, const struct ehlo_item *item) {
  struct ehlo_script *s = r->script;
  bool begun = s->num_answers > 0 || r->in_reply;
  if (item->failed && (r->course.bits & EHLO_COURSE_TLS) != 0 && (s->implicit_tls || s->starttls)) {
    end_session(r, EHLO_ENDS_CUT);
    return;
  }
  s->implicit_tls = s->implicit_tls || !begun;
  s->starttls = s->starttls || begun;
  r->course.bits |= EHLO_COURSE_TLS;
}

static void take_fact(struct script_reader *r, const struct ehlo_item *item) {
  if (item->fact == EHLO_FACT_CONNECT) {
    take_host(r->script, item);
  } else if (item->fact == EHLO_FACT_TLS) {
    take_tls(r, item);
  } else if (item->fact == EHLO_FACT_EOF && item->side == EHLO_SIDE_SERVER) {
    end_session(r, EHLO_ENDS_CLOSED);
  } else if (item->fact == EHLO_FACT_RESET && item->side == EHLO_SIDE_SERVER) {
    end_session(r, EHLO_ENDS_RESET);
  } else if (item->fact == EHLO_FACT_TIMEOUT) {
    end_session(r, EHLO_ENDS_SILENT);
  }
  r->spoke = r->spoke && item->fact == EHLO_FACT_SUBMIT;
}

// ---- All of it ---------------------------------------------------------------------------------

static void take_item(struct script_reader *r, const struct ehlo_item *item) {
  if (item->has_time) {
    r->clock_us += item->delta_us;
  }
  switch (item->type) {
    case EHLO_ITEM_SERVER:
      take_server(r, item);
      break;
    case EHLO_ITEM_CLIENT:
      script_take_client(r, item);
      break;
    case EHLO_ITEM_FACT:
      take_fact(r, item);
      return;
    case EHLO_ITEM_COMMENT:
    case EHLO_ITEM_EVENT:
      return;
  }
  r->side = item->side;
  r->spoke = true;
}

static enum ehlo_script_result read_all(struct script_reader *r, struct ehlo_reader *reader,
                                        struct ehlo_transcript_error *out_error) {
  struct ehlo_item item;
  enum ehlo_read_result got;
  while ((got = ehlo_reader_next(reader, &item)) == EHLO_READ_ITEM) {
    take_item(r, &item);
    if (r->out_of_memory) {
      return EHLO_SCRIPT_MEMORY;
    }
    if (r->wrong != NULL) {
      *out_error = (struct ehlo_transcript_error){item.line, item.column, r->wrong};
      return EHLO_SCRIPT_BAD;
    }
  }
  if (got == EHLO_READ_BAD) {
    *out_error = reader->error;
    return EHLO_SCRIPT_BAD;
  }
  if (r->in_reply) {
    end_reply(r, 0);  // a record that was cut off
  }
  if (got == EHLO_READ_END && r->script->num_answers == 0 && !r->script->implicit_tls) {
    *out_error = (struct ehlo_transcript_error){reader->line > 0 ? reader->line : 1, 1,
                                                "nothing here is said by a server"};
    return EHLO_SCRIPT_BAD;
  }
  return got == EHLO_READ_END && !r->out_of_memory ? EHLO_SCRIPT_OK
         : r->out_of_memory                        ? EHLO_SCRIPT_MEMORY
                                                   : EHLO_SCRIPT_FAILED;
}

enum ehlo_script_result ehlo_script_read(struct ehlo_script *out,
                                         struct ehlo_transcript_error *out_error, ehlo_read_fn read,
                                         void *arg) {
  struct script_reader *r = calloc(1, sizeof(*r));
  struct ehlo_reader *reader = malloc(sizeof(*reader));
  enum ehlo_script_result result = EHLO_SCRIPT_MEMORY;
  memset(out, 0, sizeof(*out));
  for (size_t i = 0; i < EHLO_NUM_MEANINGS; i++) {
    out->first[i] = EHLO_NO_ANSWER;
    out->last[i] = EHLO_NO_ANSWER;
  }
  if (r != NULL && reader != NULL) {
    r->script = out;
    script_push(r, EHLO_MEANS_GREETING, false, 0);
    ehlo_reader_init(reader, read, arg);
    result = read_all(r, reader, out_error);
  }
  free(r);
  free(reader);
  if (result != EHLO_SCRIPT_OK) {
    ehlo_script_free(out);
  }
  return result;
}

void ehlo_script_free(struct ehlo_script *s) {
  free(s->text);
  free(s->pieces);
  free(s->answers);
  free(s->attempts);
  free(s->steps);
  memset(s, 0, sizeof(*s));
}

const uint8_t *ehlo_answer_text(const struct ehlo_script *s, size_t *out_len,
                                const struct ehlo_answer *answer) {
  *out_len = 0;
  for (size_t i = 0; i < answer->num_pieces; i++) {
    *out_len += s->pieces[answer->first_piece + i].len;
  }
  return *out_len > 0 ? s->text + s->pieces[answer->first_piece].at : NULL;
}
