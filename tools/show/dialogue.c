// The conversation as both sides must have understood it (RFC 5321 §3, RFC 4954 §4, RFC 3030, RFC 2033).
// It must not print, and must not take anything that a peer sent for granted.
#include "tools/show/dialogue.h"

#include <string.h>

#include "engine/ehlo.h"

#define CODE_LEN 3
// In `pending`, beside the verbs: BDAT … LAST, which LMTP answers as it does a message.
#define LAST_CHUNK ((uint8_t)EHLO_NUM_VERBS)

void show_dialogue_init(struct show_dialogue *d) {
  memset(d, 0, sizeof(*d));
  d->pending[0] = EHLO_VERB_GREETING;
  d->num_pending = 1;
}

// ---- Commands and their replies -----------------------------------------------------------------

static void push(struct show_dialogue *d, uint8_t verb) {
  if (d->num_pending == SHOW_PENDING_MAX || d->num_lost > 0) {
    d->num_lost++;
    return;
  }
  d->pending[(d->first_pending + d->num_pending++) % SHOW_PENDING_MAX] = verb;
}

// The oldest command without its reply.
static enum ehlo_verb oldest(const struct show_dialogue *d) {
  uint8_t verb = d->num_pending > 0 ? d->pending[d->first_pending] : EHLO_VERB_NONE;
  return verb == LAST_CHUNK ? EHLO_VERB_BDAT : (enum ehlo_verb)verb;
}

static void pop(struct show_dialogue *d) {
  if (d->num_pending > 0) {
    d->first_pending = (d->first_pending + 1) % SHOW_PENDING_MAX;
    d->num_pending--;
  } else if (d->num_lost > 0) {
    d->num_lost--;
  }
}

// A 354 says that DATA was understood, whatever came in between.
static void pop_to_data(struct show_dialogue *d) {
  for (size_t i = 0; i < d->num_pending; i++) {
    if (d->pending[(d->first_pending + i) % SHOW_PENDING_MAX] == EHLO_VERB_DATA) {
      d->first_pending = (d->first_pending + i + 1) % SHOW_PENDING_MAX;
      d->num_pending -= i + 1;
      d->in_message = true;
      return;
    }
  }
  pop(d);
}

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

// BDAT SIZE [LAST], RFC 3030 §2.
static void begin_chunk(struct show_dialogue *d, struct ehlo_span line) {
  uint64_t size = 0;
  size_t i = 5;
  for (; i < line.len && line.bytes[i] >= '0' && line.bytes[i] <= '9'; i++) {
    size = size < UINT64_MAX / 100 ? size * 10 + (uint64_t)(line.bytes[i] - '0') : size;
  }
  d->chunk_left = size;
  push(d, i < line.len ? LAST_CHUNK : EHLO_VERB_BDAT);
}

static void end_command(struct show_dialogue *d, enum ehlo_verb verb, struct ehlo_span line) {
  d->lmtp = d->lmtp || verb == EHLO_VERB_LHLO;
  if (verb == EHLO_VERB_BDAT) {
    begin_chunk(d, line);
  } else {
    push(d, (uint8_t)verb);
  }
}

// A line of nothing but a secret is an answer to a challenge, even if none was noticed.
static bool is_response(const struct show_dialogue *d, const struct show_piece *piece) {
  const struct show_line *line = &d->lines[EHLO_SIDE_CLIENT];
  return d->expects_response ||
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
  if (piece->ends) {
    d->expects_response = false;
    end_command(d, piece->verb, head);
  }
}

static void judge_message(struct show_dialogue *d, struct show_piece *piece) {
  const struct show_line *line = &d->lines[EHLO_SIDE_CLIENT];
  piece->role = SHOW_MESSAGE;
  piece->verb = EHLO_VERB_BODY;
  if (piece->ends && line->len == 3 && line->head[0] == '.') {
    piece->role = SHOW_MESSAGE_END;
    d->in_message = false;
    push(d, EHLO_VERB_BODY);
  }
}

static void judge_client(struct show_dialogue *d, struct show_piece *piece, size_t len) {
  if (d->chunk_left > 0) {
    piece->role = SHOW_MESSAGE;
    piece->verb = EHLO_VERB_BDAT;
    d->chunk_left -= len;
  } else if (d->in_message) {
    judge_message(d, piece);
  } else {
    judge_command(d, piece);
  }
  (void)stage_of(&d->stage, piece->verb);
  piece->stage = d->stage;
}

// ---- The server ---------------------------------------------------------------------------------

static bool is_digit(uint8_t c) {
  return c >= '0' && c <= '9';
}

static void read_reply(struct show_piece *piece, struct ehlo_span head) {
  if (head.len < CODE_LEN || !is_digit(head.bytes[0]) || !is_digit(head.bytes[1]) ||
      !is_digit(head.bytes[2])) {
    return;
  }
  if (head.len == CODE_LEN && !piece->ends) {
    return;
  }
  if (head.len > CODE_LEN && head.bytes[CODE_LEN] != ' ' && head.bytes[CODE_LEN] != '-') {
    return;
  }
  piece->code = (head.bytes[0] - '0') * 100U + (head.bytes[1] - '0') * 10U + (head.bytes[2] - '0');
  piece->last = head.len == CODE_LEN || head.bytes[CODE_LEN] == ' ';
  if (head.len > CODE_LEN) {
    (void)ehlo_enhanced_parse(
        &piece->enhanced, (struct ehlo_span){head.bytes + CODE_LEN + 1, head.len - CODE_LEN - 1});
  }
}

// LMTP answers a message once for each recipient that was taken (RFC 2033 §4.2).
static void end_final(struct show_dialogue *d) {
  if (d->num_pending > 0 && d->pending[d->first_pending] == EHLO_VERB_BDAT) {
    pop(d);
    return;
  }
  if (d->lmtp && d->final_left == 0) {
    d->final_left = d->num_taken;
  }
  d->final_left -= d->final_left > 0 ? 1 : 0;
  if (d->final_left == 0) {
    d->num_taken = 0;
    pop(d);
  }
}

static void end_reply(struct show_dialogue *d, const struct show_piece *piece) {
  bool taken = piece->code / 100 == 2;
  if (piece->code == 354) {
    pop_to_data(d);
    return;
  }
  if (piece->verb == EHLO_VERB_BODY || piece->verb == EHLO_VERB_BDAT) {
    end_final(d);
    return;
  }
  d->expects_response = piece->verb == EHLO_VERB_AUTH && piece->code == 334;
  d->num_taken += piece->verb == EHLO_VERB_RCPT && taken ? 1 : 0;
  if (piece->verb == EHLO_VERB_MAIL || piece->verb == EHLO_VERB_RSET) {
    d->num_taken = 0;
  }
  pop(d);
}

// LMTP does not answer the last chunk of a message without a recipient at all (RFC 2033 §4.3).
static void skip_unanswered(struct show_dialogue *d) {
  while (d->lmtp && d->num_taken == 0 && d->num_pending > 0 &&
         d->pending[d->first_pending] == LAST_CHUNK) {
    pop(d);
  }
}

static void judge_server(struct show_dialogue *d, struct show_piece *piece) {
  if (piece->begins) {
    skip_unanswered(d);
  }
  piece->role = SHOW_REPLY;
  piece->verb = oldest(d);
  (void)stage_of(&d->stage, piece->verb);
  piece->stage = d->stage;
  read_reply(piece, head_of(&d->lines[EHLO_SIDE_SERVER], piece->ends));
  if (piece->ends && piece->code != 0 && piece->last) {
    end_reply(d, piece);
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
    bool broke = item->failed && d->tls;  // it was up before: no handshake failed here
    d->stage = broke ? d->stage : EHLO_STAGE_TLS;
    d->tls = d->tls || !item->failed;
    memset(d->lines, 0, sizeof(d->lines));
  } else if (of_session) {
    (void)stage_of(&d->stage, oldest(d));
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
  if (d->item->side == EHLO_SIDE_CLIENT && d->chunk_left > 0 && d->chunk_left < left) {
    return d->at + (size_t)d->chunk_left;
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

// A line is over at its CRLF, and the text of a chunk where the chunk is.
static bool is_over(const struct show_dialogue *d, const struct show_piece *piece) {
  bool chunk = piece->role == SHOW_MESSAGE && piece->verb == EHLO_VERB_BDAT;
  return piece->ends || (chunk && d->chunk_left == 0);
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
  piece->over = is_over(d, piece);
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
      .tls = d->tls,
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
