// The conversation as both sides must have understood it (RFC 5321 §3, RFC 4954 §4, RFC 3030, RFC 2033).
// It must not print, and must not take anything that a peer sent for granted.
#include "tools/show/dialogue.h"

#include <string.h>

#include "engine/ehlo.h"
#include "replay/course.h"

#define CODE_LEN 3

void show_dialogue_init(struct show_dialogue *d) {
  memset(d, 0, sizeof(*d));
  ehlo_turns_init(&d->turns);
}

// ---- Stages -------------------------------------------------------------------------------------

// Whether a verb has a stage of its own; the others happen wherever the session stands.
static bool stage_of(enum ehlo_stage *out, enum ehlo_verb verb) {
  switch (verb) {
    case EHLO_VERB_GREETING:
      *out = EHLO_STAGE_GREETING;
      return true;
    case EHLO_VERB_EHLO:
    case EHLO_VERB_HELO:
    case EHLO_VERB_LHLO:
      *out = EHLO_STAGE_EHLO;
      return true;
    case EHLO_VERB_STARTTLS:
      *out = EHLO_STAGE_STARTTLS;
      return true;
    case EHLO_VERB_AUTH:
      *out = EHLO_STAGE_AUTH;
      return true;
    case EHLO_VERB_MAIL:
    case EHLO_VERB_RSET:  // makes room for it
      *out = EHLO_STAGE_MAIL;
      return true;
    case EHLO_VERB_RCPT:
      *out = EHLO_STAGE_RCPT;
      return true;
    case EHLO_VERB_DATA:
      *out = EHLO_STAGE_DATA;
      return true;
    case EHLO_VERB_BODY:
    case EHLO_VERB_BDAT:
      *out = EHLO_STAGE_BODY;
      return true;
    case EHLO_VERB_QUIT:
      *out = EHLO_STAGE_QUIT;
      return true;
    case EHLO_VERB_NONE:
    case EHLO_VERB_NOOP:
    case EHLO_VERB_VRFY:
    case EHLO_VERB_EXPN:
    case EHLO_VERB_HELP:
    case EHLO_VERB_ETRN:
    case EHLO_VERB_XCLIENT:
    case EHLO_VERB_OTHER:
    case EHLO_NUM_VERBS:
      break;
  }
  return false;
}

// ---- Lines --------------------------------------------------------------------------------------

static void take(struct show_line *line, const uint8_t *bytes, size_t len) {
  for (size_t i = 0; i < len; i++, line->len++) {
    if (line->len < sizeof(line->head)) {
      line->head[line->len] = (char)bytes[i];
    }
  }
  line->cr = len > 0 ? bytes[len - 1] == '\r' : line->cr;
}

// What is known of the line, without its CRLF.
static struct ehlo_span head_of(const struct show_line *line, bool ends) {
  size_t len = line->len - (ends ? 2 : 0);
  return (struct ehlo_span){(const uint8_t *)line->head,
                            len < sizeof(line->head) ? len : sizeof(line->head)};
}

// The end of the line that goes on at `from`: behind its CRLF, or where the item or `limit` ends.
static size_t find_end(bool *out_ends, const struct show_line *line, const struct ehlo_item *item,
                       size_t from, size_t limit) {
  bool cr = line->cr;
  for (size_t i = from; i < limit; i++) {
    if (cr && item->bytes[i] == '\n') {
      *out_ends = true;
      return i + 1;
    }
    cr = item->bytes[i] == '\r';
  }
  *out_ends = false;
  return limit;
}

// Whether a secret stands in the part of the item that is the piece. Where one piece ends and the next
// begins without a CRLF between them, it is the next one's.
static bool is_in(const struct show_piece *p, size_t at) {
  return at >= p->from && (at < p->to || (at == p->to && (p->ends || at == p->item->bytes_len)));
}

// ---- The client ---------------------------------------------------------------------------------

// A line of nothing but a secret is an answer to a challenge, even if none was noticed.
static bool is_response(const struct show_dialogue *d, const struct show_piece *piece) {
  const struct show_line *line = &d->lines[EHLO_SIDE_CLIENT];
  return d->turns.in_auth ||
         (line->len <= (piece->ends ? 2U : 0U) + 1U && show_piece_is_secret(piece));
}

static void judge_command(struct show_dialogue *d, struct show_piece *piece) {
  struct ehlo_span head = head_of(&d->lines[EHLO_SIDE_CLIENT], piece->ends);
  bool whole_word = piece->ends || memchr(head.bytes, ' ', head.len) != NULL;
  piece->role = is_response(d, piece) ? SHOW_RESPONSE : SHOW_COMMAND;
  if (piece->role == SHOW_RESPONSE) {
    piece->verb = EHLO_VERB_AUTH;
  } else if (whole_word) {
    piece->verb = ehlo_verb_of_line(head);
  }
  if (piece->begins) {
    ehlo_turns_begin_line(&d->turns);
  }
  if (piece->ends) {
    ehlo_turns_line(&d->turns, piece->verb, head);
  }
}

static void judge_text(struct show_dialogue *d, struct show_piece *piece, size_t len) {
  const struct ehlo_item *item = piece->item;
  size_t at = piece->from;
  piece->verb = (enum ehlo_verb)d->turns.text.verb;
  for (size_t i = 0; i < item->num_secrets; i++) {
    if (is_in(piece, item->secret_at[i])) {
      at += ehlo_turns_text(&d->turns, item->bytes + at, item->secret_at[i] - at);
      ehlo_turns_hidden(&d->turns);
    }
  }
  ehlo_turns_text(&d->turns, item->bytes + at, piece->from + len - at);
  bool dot = piece->verb == EHLO_VERB_BODY && !d->turns.in_message;
  piece->role = dot ? SHOW_MESSAGE_END : SHOW_MESSAGE;
}

static void judge_client(struct show_dialogue *d, struct show_piece *piece, size_t len) {
  if (ehlo_turns_is_text(&d->turns)) {
    judge_text(d, piece, len);
  } else {
    judge_command(d, piece);
  }
  (void)stage_of(&d->stage, piece->verb);
  piece->stage = d->stage;
}

// ---- The server ---------------------------------------------------------------------------------

static void read_reply(struct show_piece *piece, struct ehlo_span head) {
  unsigned code = ehlo_code_of(head.bytes, head.len);
  bool bare = head.len == CODE_LEN;
  if (code == 0 || (bare && !piece->ends) ||
      (!bare && head.bytes[CODE_LEN] != ' ' && head.bytes[CODE_LEN] != '-')) {
    return;
  }
  piece->code = code;
  piece->last = bare || head.bytes[CODE_LEN] == ' ';
  if (!bare) {
    (void)ehlo_enhanced_parse(
        &piece->enhanced, (struct ehlo_span){head.bytes + CODE_LEN + 1, head.len - CODE_LEN - 1});
  }
}

static void judge_server(struct show_dialogue *d, struct show_piece *piece) {
  if (piece->begins) {
    ehlo_turns_begin_reply(&d->turns);
  }
  piece->role = SHOW_REPLY;
  piece->verb = d->turns.reply.early ? EHLO_VERB_NONE : (enum ehlo_verb)d->turns.reply.verb;
  (void)stage_of(&d->stage, piece->verb);
  piece->stage = d->stage;
  read_reply(piece, head_of(&d->lines[EHLO_SIDE_SERVER], piece->ends));
  if (piece->ends && piece->code != 0 && piece->last) {
    ehlo_turns_end_reply(&d->turns, piece->code);
  }
}

// ---- Items --------------------------------------------------------------------------------------

static enum ehlo_side side_waited_for(const struct ehlo_item *item) {
  bool ends = item->fact == EHLO_FACT_EOF || item->fact == EHLO_FACT_RESET;
  if (item->type != EHLO_ITEM_FACT || ends) {
    return item->side;
  }
  bool own = item->fact == EHLO_FACT_NOTE || item->fact == EHLO_FACT_SUBMIT;
  return own ? EHLO_SIDE_CLIENT : EHLO_SIDE_SERVER;
}

void show_dialogue_item(struct show_dialogue *d, const struct ehlo_item *item) {
  d->item = item;
  d->at = 0;
  d->given = false;
  d->timed = d->timed || item->has_time;
  d->time_us += item->has_time ? item->delta_us : 0;
}

static void judge_fact(struct show_dialogue *d, struct show_piece *piece) {
  const struct ehlo_item *item = piece->item;
  bool of_session = item->fact != EHLO_FACT_HEADER && item->fact != EHLO_FACT_NOTE &&
                    item->fact != EHLO_FACT_SUBMIT;
  if (item->fact == EHLO_FACT_CONNECT) {
    d->stage = EHLO_STAGE_CONNECT;
  } else if (item->fact == EHLO_FACT_TLS) {
    bool broke = item->failed && d->turns.secure;  // it was up before: no handshake failed here
    d->stage = broke ? d->stage : EHLO_STAGE_TLS;
    if (!item->failed) {
      ehlo_turns_tls(&d->turns);
    }
    memset(d->lines, 0, sizeof(d->lines));
  } else if (of_session) {
    (void)stage_of(&d->stage, ehlo_turns_awaited(&d->turns));
  }
  piece->has_stage = of_session;
  piece->stage = d->stage;
}

static void give_item(struct show_dialogue *d, struct show_piece *piece) {
  switch (piece->item->type) {
    case EHLO_ITEM_FACT:
      piece->role = SHOW_FACT;
      judge_fact(d, piece);
      break;
    case EHLO_ITEM_EVENT:
      piece->role = SHOW_EVENT;
      break;
    case EHLO_ITEM_COMMENT:
    case EHLO_ITEM_SERVER:
    case EHLO_ITEM_CLIENT:
      piece->role = SHOW_COMMENT;
      break;
  }
}

static size_t limit_of(const struct show_dialogue *d) {
  size_t left = d->item->bytes_len - d->at;
  if (d->item->side == EHLO_SIDE_CLIENT && d->turns.chunk_left > 0 && d->turns.chunk_left < left) {
    return d->at + (size_t)d->turns.chunk_left;
  }
  return d->item->bytes_len;
}

// The CR at the end of a piece may be half of a CRLF: it is shown with the next one if it is not.
static size_t text_end(const struct show_piece *piece, struct show_line *line, size_t end) {
  const struct ehlo_item *item = piece->item;
  if (piece->ends) {
    return end - piece->from >= 2 ? end - 2 : piece->from;
  }
  if (item->num_secrets > 0 && item->secret_at[item->num_secrets - 1] == end) {
    line->cr = false;  // something stood behind it
  }
  return line->cr && end > piece->from ? end - 1 : end;
}

static void give_line(struct show_dialogue *d, struct show_piece *piece) {
  const struct ehlo_item *item = d->item;
  struct show_line *line = &d->lines[item->side];
  size_t end = find_end(&piece->ends, line, item, d->at, limit_of(d));
  size_t len = end - d->at;
  piece->from = d->at;
  piece->begins = line->len == 0;
  piece->cr_before = line->cr && !(piece->ends && len == 1);
  take(line, item->bytes + d->at, len);
  piece->to = text_end(piece, line, end);
  line->len += show_piece_is_secret(piece) ? 1 : 0;  // something stood there
  piece->first = line->len > 0 ? line->head[0] : '\0';
  piece->has_stage = true;
  d->at = end;
  if (item->side == EHLO_SIDE_SERVER) {
    judge_server(d, piece);
  } else {
    judge_client(d, piece, len);
  }
  // A line is over at its CRLF, and the text of a chunk where the chunk is.
  piece->over = piece->ends || (piece->role == SHOW_MESSAGE && !ehlo_turns_is_text(&d->turns));
  if (piece->over) {
    memset(line, 0, sizeof(*line));
  }
}

bool show_dialogue_next(struct show_dialogue *d, struct show_piece *out) {
  const struct ehlo_item *item = d->item;
  bool dialogue = item->type == EHLO_ITEM_SERVER || item->type == EHLO_ITEM_CLIENT;
  if (d->given && (!dialogue || d->at >= item->bytes_len)) {
    return false;
  }
  *out = (struct show_piece){
      .item = item,
      .stage = d->stage,
      .tls = d->turns.secure,
      .timed = d->timed,
      .time_us = d->time_us,
      .has_wait = item->has_time && !d->given,
      .wait_us = item->delta_us,
      .waited_for = side_waited_for(item),
  };
  d->given = true;
  if (dialogue) {
    give_line(d, out);
  } else {
    give_item(d, out);
  }
  return true;
}

// ---- Text ---------------------------------------------------------------------------------------

bool show_piece_is_secret(const struct show_piece *piece) {
  bool dialogue = piece->item->type == EHLO_ITEM_SERVER || piece->item->type == EHLO_ITEM_CLIENT;
  for (size_t i = 0; dialogue && i < piece->item->num_secrets; i++) {
    if (is_in(piece, piece->item->secret_at[i])) {
      return true;
    }
  }
  return false;
}

bool show_segments_next(struct show_segments *it, struct show_segment *out) {
  static const uint8_t cr[] = {'\r'};
  const struct show_piece *p = it->piece;
  const struct ehlo_item *item = p->item;
  if (!it->begun) {
    it->begun = true;
    it->at = p->from;
    if (p->cr_before) {
      *out = (struct show_segment){.text = {cr, 1}};
      return true;
    }
  }
  while (it->next_secret < item->num_secrets && !is_in(p, item->secret_at[it->next_secret])) {
    it->next_secret++;
  }
  bool secret = it->next_secret < item->num_secrets;
  size_t stop = secret ? item->secret_at[it->next_secret] : p->to;
  if (it->at == stop && !secret) {
    return false;
  }
  *out = (struct show_segment){.secret = it->at == stop};
  if (out->secret) {
    it->next_secret++;
  } else {
    out->text = (struct ehlo_span){item->bytes + it->at, stop - it->at};
    it->at = stop;
  }
  return true;
}
