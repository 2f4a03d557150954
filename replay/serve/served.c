// A session that is served: the client's bytes become commands, each command gets one answer, and
// an answer becomes steps. What the answer is, served_choice.c decides; what is told of it, is in
// served_report.c.
#include "replay/serve/served.h"

#include <assert.h>
#include <string.h>

#include "replay/serve/hello.h"
#include "replay/serve/served_parts.h"

void ehlo_served_wipe(void *bytes, size_t len) {
  volatile uint8_t *at = bytes;
  while (len-- > 0) {
    *at++ = 0;
  }
}

enum ehlo_serve_tls ehlo_serve_tls_of(const struct ehlo_script *script, enum ehlo_serve_tls asked) {
  if (asked != EHLO_SERVE_RECORDED) {
    return asked;
  }
  return script->implicit_tls                          ? EHLO_SERVE_IMPLICIT
         : script->starttls || script->offers_starttls ? EHLO_SERVE_STARTTLS
                                                       : EHLO_SERVE_CLEARTEXT;
}

// ---- Saying ------------------------------------------------------------------------------------

static uint64_t at_speed(const struct ehlo_served *s, uint64_t recorded_us) {
  return s->speed_permille == 0 ? 0
                                : recorded_us / s->speed_permille * 1000 +
                                      recorded_us % s->speed_permille * 1000 / s->speed_permille;
}

static struct ehlo_served_step end_step(struct ehlo_served *s, enum ehlo_ending ending) {
  struct ehlo_saying *saying = &s->saying;
  struct ehlo_served_step step = {
      .type = EHLO_STEP_END, .delay_us = saying->delay_us, .ending = ending};
  s->place = ending == EHLO_ENDS_SILENT ? EHLO_AT_SILENCE : EHLO_AT_END;
  s->report.ending = ending;
  s->final_left = 0;
  s->tls_due = false;
  saying->active = false;
  saying->delay_us = 0;
  return step;
}

// Where the session has a fault, how many octets may still be said.
static size_t session_left(const struct ehlo_served *s) {
  bool ends = s->session.ending != EHLO_ENDS_NOT && s->session.at != EHLO_FAULT_ALL;
  return !ends ? SIZE_MAX : s->session.at > s->said ? s->session.at - (size_t)s->said : 0;
}

static struct ehlo_served_step say(struct ehlo_served *s, const uint8_t *bytes, size_t len,
                                   bool apart) {
  struct ehlo_served_step step = {.type = EHLO_STEP_SAY,
                                  .delay_us = s->saying.delay_us,
                                  .apart = apart,
                                  .bytes = bytes,
                                  .len = len};
  s->saying.delay_us = 0;
  s->said += len;
  return step;
}

static size_t least(size_t a, size_t b) {
  return a < b ? a : b;
}

// The next octets of the reply.
static struct ehlo_served_step say_more(struct ehlo_served *s, size_t most) {
  struct ehlo_saying *saying = &s->saying;
  bool drip = saying->drip || s->session.drip;
  bool apart = drip;
  size_t n = saying->len - saying->at;
  if (saying->piece != NULL) {
    if (saying->piece_at == saying->piece->len) {
      saying->piece++;
      saying->piece_at = 0;
    }
    if (saying->piece_at == 0) {
      saying->delay_us += at_speed(s, saying->piece->delay_us);
      apart = apart || saying->piece->is_chunk;
    }
    n = saying->piece->len - saying->piece_at;
  }
  n = least(drip ? least(n, 1) : n, most);
  struct ehlo_served_step step = say(s, saying->bytes + saying->at, n, apart);
  saying->at += n;
  saying->piece_at += n;
  return step;
}

// How the connection ends behind this answer, if it does: a fault of the session has the last word.
static enum ehlo_ending last_ending(const struct ehlo_served *s) {
  enum ehlo_ending ending = s->saying.ending;
  bool natural = ending != EHLO_ENDS_NOT && ending != EHLO_ENDS_SILENT;
  return natural && s->session.ending != EHLO_ENDS_NOT ? s->session.ending : ending;
}

static void begin_handshake(struct ehlo_served *s);
static void answer_next_recipient(struct ehlo_served *s);

struct ehlo_served_step ehlo_served_next(struct ehlo_served *s) {
  struct ehlo_saying *saying = &s->saying;
  for (;;) {
    if (s->place == EHLO_AT_END || s->place == EHLO_AT_SILENCE) {
      return (struct ehlo_served_step){.type = EHLO_STEP_NONE};
    }
    size_t left = session_left(s);
    if (left == 0) {
      return end_step(s, s->session.ending);
    }
    if (saying->active) {
      size_t to_say = least(saying->len, saying->stop_at) - saying->at;
      if (to_say > 0) {
        return say_more(s, least(to_say, left));
      }
      if (saying->inject != NULL) {
        const struct ehlo_fault *f = saying->inject;
        saying->inject = NULL;
        return say(s, f->text, least(f->text_len, left), false);
      }
      if (last_ending(s) != EHLO_ENDS_NOT) {
        return end_step(s, last_ending(s));
      }
      saying->active = false;
    } else if (s->final_left > 0) {
      answer_next_recipient(s);
    } else if (s->tls_due) {
      s->tls_due = false;
      begin_handshake(s);
    } else if (s->tls_begins) {
      s->tls_begins = false;
      return (struct ehlo_served_step){.type = EHLO_STEP_START_TLS, .delay_us = saying->delay_us};
    } else {
      return (struct ehlo_served_step){.type = EHLO_STEP_NONE};
    }
  }
}

// ---- Answering ---------------------------------------------------------------------------------

static struct ehlo_strike strike_at(struct ehlo_served *s, enum ehlo_fault_stage stage) {
  return ehlo_faults_strike(s->faults, stage, ++s->occurrences[stage], s->connection);
}

static struct ehlo_choice choice_of_fault(const struct ehlo_fault *f) {
  struct ehlo_choice choice = {.bytes = f->text, .len = f->text_len};
  if (f->kind == EHLO_FAULT_HANG) {
    choice.ending = EHLO_ENDS_SILENT;
  } else if (f->kind != EHLO_FAULT_RAW) {
    choice.code = ehlo_code_of(f->text, f->text_len);
  }
  return choice;
}

// What strikes a handshake comes in its place.
static void begin_handshake(struct ehlo_served *s) {
  struct ehlo_strike strike = strike_at(s, EHLO_FAULT_AT_TLS);
  ehlo_served_tell_strike(s, &strike, EHLO_MEANS_STARTTLS);
  s->saying = (struct ehlo_saying){.delay_us = strike.delay_us, .ending = strike.ending};
  s->place = EHLO_AT_HANDSHAKE;
  s->tls_begins = strike.reply == NULL && strike.ending == EHLO_ENDS_NOT;
  s->saying.active = !s->tls_begins;
  if (strike.reply != NULL) {
    s->saying.bytes = strike.reply->text;
    s->saying.len = strike.reply->text_len;
    s->saying.stop_at = s->saying.len;
    s->saying.ending = strike.reply->kind == EHLO_FAULT_HANG ? EHLO_ENDS_SILENT : EHLO_ENDS_CUT;
  }
}

static void begin_saying(struct ehlo_served *s, const struct ehlo_choice *choice,
                         const struct ehlo_strike *strike) {
  s->saying = (struct ehlo_saying){
      .active = true,
      .bytes = choice->bytes,
      .len = choice->len,
      .piece = choice->pieces,
      .delay_us = strike->delay_us,
      .drip = strike->drip,
      .stop_at = choice->len,
      .inject = strike->inject,
      .ending = choice->ending,
  };
  if (strike->ending != EHLO_ENDS_NOT) {
    s->saying.ending = strike->ending;
    if (strike->at <= choice->len) {  // a place beyond it is behind all of it
      s->saying.stop_at = strike->at;
      s->saying.inject = NULL;
    }
  }
}

static void note_hello(struct ehlo_served *s, const struct ehlo_choice *choice) {
  if (choice->code / 100 == 2) {
    s->offers_auth = ehlo_hello_offers_mechanism(choice->bytes, choice->len, NULL);
    s->offers_chunking = ehlo_hello_offers(choice->bytes, choice->len, "CHUNKING");
  }
}

// Whether the same command will look for the answer behind this one.
static void count_answer(struct ehlo_served *s, enum ehlo_meaning meaning) {
  if (meaning == EHLO_MEANS_EHLO || meaning == EHLO_MEANS_HELO || meaning == EHLO_MEANS_LHLO) {
    s->num_hello[(s->course.bits & EHLO_COURSE_TLS) != 0]++;
  }
  s->nth[meaning]++;
  s->nth_in_transaction[meaning]++;
}

static void take_effect(struct ehlo_served *s, enum ehlo_meaning meaning,
                        const struct ehlo_choice *choice) {
  bool success = choice->code / 100 == 2;
  bool in_clear = (s->course.bits & EHLO_COURSE_TLS) == 0;
  size_t transaction = s->course.transaction;
  if (choice->answer != NULL || success || meaning == EHLO_MEANS_MESSAGE) {
    ehlo_course_take(&s->course, meaning, choice->code);
  }
  if (s->course.transaction != transaction) {
    memset(s->nth_in_transaction, 0, sizeof(s->nth_in_transaction));
  }
  if (meaning == EHLO_MEANS_EHLO || meaning == EHLO_MEANS_HELO || meaning == EHLO_MEANS_LHLO) {
    note_hello(s, choice);
  }
  if (meaning == EHLO_MEANS_DATA && choice->code == 354) {
    s->place = EHLO_AT_MESSAGE;
    s->body_octets = 0;
    ehlo_unstuff_init(&s->unstuff);
  }
  if ((meaning == EHLO_MEANS_AUTH || meaning == EHLO_MEANS_RESPONSE) && choice->code == 334) {
    s->place = EHLO_AT_RESPONSE;
  }
  s->tls_due = meaning == EHLO_MEANS_STARTTLS && choice->code == 220 && in_clear &&
               s->tls == EHLO_SERVE_STARTTLS;
}

static void answer(struct ehlo_served *s, const struct ehlo_command_line *c) {
  enum ehlo_meaning meaning = c->meaning;
  struct ehlo_choice choice = ehlo_served_choose(s, c);
  struct ehlo_strike strike = strike_at(s, ehlo_fault_stage_of(meaning));
  if (strike.reply != NULL) {
    choice = choice_of_fault(strike.reply);
  } else {
    if (choice.answer != NULL) {
      ehlo_faults_advance(s->faults, choice.answer->clock_us);
    }
    count_answer(s, meaning);
  }
  if (choice.ending == EHLO_ENDS_NOT && (meaning == EHLO_MEANS_QUIT || choice.code == 421)) {
    choice.ending = EHLO_ENDS_CLOSED;
  }
  ehlo_served_tell_reply(s, c, choice.code);
  ehlo_served_tell_strike(s, &strike, meaning);
  if (meaning != EHLO_MEANS_MESSAGE || s->final_left == 0) {
    take_effect(s, meaning, &choice);
  }
  begin_saying(s, &choice, &strike);
}

static void answer_next_recipient(struct ehlo_served *s) {
  struct ehlo_command_line c = {.meaning = EHLO_MEANS_MESSAGE, .is_bdat = s->message_is_chunks};
  s->final_left--;
  s->final_index++;
  answer(s, &c);
}

// The message is whole. In LMTP each recipient has a reply, and nobody has none behind BDAT.
static void end_message(struct ehlo_served *s, bool is_chunks) {
  struct ehlo_command_line c = {.meaning = EHLO_MEANS_MESSAGE, .is_bdat = is_chunks};
  s->place = EHLO_AT_COMMAND;
  if (!is_chunks) {
    ehlo_served_tell_step(s, EHLO_MEANS_MESSAGE, "");
  }
  ehlo_served_settle(s, EHLO_REACTION_WENT_ON);
  s->report.num_messages++;
  s->report.message_octets += s->body_octets;
  s->body_octets = 0;
  s->message_is_chunks = is_chunks;
  s->message_told = false;
  s->final_index = 0;
  if (s->course.lmtp && s->course.num_accepted == 0 && is_chunks) {
    ehlo_course_take(&s->course, EHLO_MEANS_MESSAGE, 0);
    return;
  }
  s->final_left = s->course.lmtp && s->course.num_accepted > 0 ? s->course.num_accepted - 1 : 0;
  answer(s, &c);
}

// ---- The client's bytes ------------------------------------------------------------------------

static void begin_chunk(struct ehlo_served *s, const struct ehlo_command_line *c) {
  s->place = EHLO_AT_CHUNK;
  s->chunk_left = c->octets;
  s->chunk_last = c->meaning == EHLO_MEANS_MESSAGE;
}

static void end_chunk(struct ehlo_served *s) {
  s->place = EHLO_AT_COMMAND;
  if (s->chunk_last) {
    end_message(s, true);
  } else {
    struct ehlo_command_line c = {.meaning = EHLO_MEANS_CHUNK, .is_bdat = true};
    answer(s, &c);
  }
}

static void take_command(struct ehlo_served *s, size_t len) {
  struct ehlo_command_line c;
  ehlo_command_read(&c, s->line, len);
  s->verb = c.verb;
  ehlo_served_tell_command(s, &c);
  ehlo_faults_advance(s->faults, s->faults->command_us);
  if (!c.is_bdat) {
    answer(s, &c);
    return;
  }
  begin_chunk(s, &c);
  if (s->chunk_left == 0) {
    end_chunk(s);
  }
}

static void take_response(struct ehlo_served *s, size_t len) {
  struct ehlo_command_line c = {
      .meaning = EHLO_MEANS_RESPONSE, .argument = s->line, .argument_len = len};
  ehlo_served_settle(s, EHLO_REACTION_WENT_ON);
  ehlo_faults_advance(s->faults, s->faults->command_us);
  s->place = EHLO_AT_COMMAND;
  answer(s, &c);
}

// A line too long is no command; in an exchange it ends that.
static void refuse_line(struct ehlo_served *s) {
  struct ehlo_choice choice = ehlo_choice_words("500 5.5.6 Line too long\r\n");
  struct ehlo_strike none = {.reply = NULL};
  s->report.num_too_long++;
  s->place = EHLO_AT_COMMAND;
  ehlo_served_settle(s, EHLO_REACTION_WENT_ON);
  ehlo_faults_advance(s->faults, s->faults->command_us);
  begin_saying(s, &choice, &none);
}

static void end_line(struct ehlo_served *s) {
  size_t len = s->line_len;
  if (len > 0 && s->line[len - 1] == '\r') {
    len--;
  }
  if (s->line_too_long) {
    refuse_line(s);
  } else if (s->place == EHLO_AT_RESPONSE) {
    take_response(s, len);
  } else {
    take_command(s, len);
  }
  ehlo_served_wipe(s->line, s->line_len);
  s->line_len = 0;
  s->line_too_long = false;
}

// What is longer than a line may be is let go by.
static size_t take_line(struct ehlo_served *s, const uint8_t *in, size_t len) {
  const uint8_t *lf = memchr(in, '\n', len);
  size_t n = lf != NULL ? (size_t)(lf - in) : len;
  if (s->line_too_long || n > sizeof(s->line) - 1 - s->line_len) {
    s->line_too_long = true;
  } else {
    memcpy(s->line + s->line_len, in, n);
    s->line_len += n;
  }
  if (lf == NULL) {
    return n;
  }
  end_line(s);
  return n + 1;
}

static size_t take_message(struct ehlo_served *s, const uint8_t *in, size_t len) {
  uint8_t out[1024 + 2];
  size_t used;
  size_t out_len;
  ehlo_unstuff_feed(&s->unstuff, &used, &out_len, out, in, least(len, sizeof(out) - 2));
  s->body_octets += out_len;
  if (s->unstuff.ended) {
    end_message(s, false);
  }
  return used;
}

static size_t take_chunk(struct ehlo_served *s, size_t len) {
  size_t n = s->chunk_left < len ? (size_t)s->chunk_left : len;
  s->chunk_left -= n;
  s->body_octets += n;
  if (s->chunk_left == 0) {
    end_chunk(s);
  }
  return n;
}

static bool is_busy(const struct ehlo_served *s) {
  return s->saying.active || s->final_left > 0 || s->tls_due || s->place == EHLO_AT_HANDSHAKE;
}

size_t ehlo_served_input(struct ehlo_served *s, const uint8_t *in, size_t len) {
  size_t used = 0;
  while (used < len && !is_busy(s)) {
    size_t n = len - used;
    switch (s->place) {
      case EHLO_AT_COMMAND:
      case EHLO_AT_RESPONSE:
        n = take_line(s, in + used, n);
        break;
      case EHLO_AT_MESSAGE:
        n = take_message(s, in + used, n);
        break;
      case EHLO_AT_CHUNK:
        n = take_chunk(s, n);
        break;
      case EHLO_AT_HANDSHAKE:
      case EHLO_AT_SILENCE:
      case EHLO_AT_END:
        break;
    }
    used += n;
  }
  s->report.octets += used;
  return used;
}

// ---- From beginning to end ---------------------------------------------------------------------

static void greet(struct ehlo_served *s) {
  struct ehlo_command_line c = {.meaning = EHLO_MEANS_GREETING};
  s->place = EHLO_AT_COMMAND;
  answer(s, &c);
}

void ehlo_served_init(struct ehlo_served *s, const struct ehlo_script *script,
                      struct ehlo_faults *faults, enum ehlo_serve_tls tls, uint32_t speed_permille,
                      size_t connection) {
  memset(s, 0, sizeof(*s));
  s->script = script;
  s->faults = faults;
  s->tls = ehlo_serve_tls_of(script, tls);
  s->speed_permille = speed_permille;
  s->connection = connection;
  ehlo_faults_advance(faults, faults->connection_us);
  s->session = strike_at(s, EHLO_FAULT_AT_SESSION);
  ehlo_served_tell_strike(s, &s->session, EHLO_MEANS_GREETING);
  if (s->tls == EHLO_SERVE_IMPLICIT) {
    s->tls_due = true;
  } else {
    greet(s);
  }
}

void ehlo_served_tls_done(struct ehlo_served *s, bool good, size_t dropped) {
  assert(s->place == EHLO_AT_HANDSHAKE);
  s->report.dropped += dropped;
  if (!good) {
    s->report.tls_failed = true;
    s->place = EHLO_AT_END;
    return;
  }
  s->report.tls = true;
  ehlo_served_settle(s, EHLO_REACTION_WENT_ON);
  s->course.bits |= EHLO_COURSE_TLS;
  s->place = EHLO_AT_COMMAND;
  if (s->tls == EHLO_SERVE_IMPLICIT) {
    greet(s);
  }
}

void ehlo_served_stop(struct ehlo_served *s, const char *reply) {
  struct ehlo_choice choice = ehlo_choice_words(reply);
  struct ehlo_strike none = {.reply = NULL};
  if (is_busy(s) || s->place != EHLO_AT_COMMAND || s->line_len > 0) {
    return;
  }
  choice.ending = EHLO_ENDS_CLOSED;
  begin_saying(s, &choice, &none);
}

void ehlo_served_finish(struct ehlo_served *s) {
  bool ours = s->report.ending != EHLO_ENDS_NOT && s->report.ending != EHLO_ENDS_SILENT;
  if (s->report.ending == EHLO_ENDS_NOT) {
    ehlo_served_tell_step(s, EHLO_MEANS_GREETING, "");  // it leaves
  }
  ehlo_served_settle(s, s->report.quit ? EHLO_REACTION_QUIT
                        : ours         ? EHLO_REACTION_NONE
                                       : EHLO_REACTION_CLOSED);
  ehlo_served_wipe(s->line, sizeof(s->line));
}
