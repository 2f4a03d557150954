// Rendering of transcripts for a terminal. What a line is it has from the dialogue; bytes of a peer
// go out escaped only.
#include "tools/driver/trace.h"

#include <inttypes.h>
#include <string.h>

#include "engine/base64.h"
#include "tools/driver/text.h"

#define BODY_LINES_SHOWN 8
#define NOTICE_US 1000000  // a wait of so long is told

#define RED "\033[31m"
#define DIM "\033[2m"
#define PLAIN "\033[0m"

void trace_init(struct trace *t, FILE *out, bool raw) {
  memset(t, 0, sizeof(*t));
  t->out = out;
  t->raw = raw;
  t->colour = text_colour(out);
  show_dialogue_init(&t->dialogue);
}

// ---- Pieces of lines ----------------------------------------------------------------------------

static void begin(struct trace *t, const struct show_piece *piece, const char *mark,
                  const char *colour) {
  if (t->colour) {
    fputs(colour, t->out);
  }
  if (t->raw) {
    fprintf(t->out, "%4" PRIu64 ".%06" PRIu64 " ", piece->time_us / 1000000,
            piece->time_us % 1000000);
    if (!piece->has_wait && piece->role != SHOW_FACT) {
      fputs(". ", t->out);  // the same chunk goes on
    } else {
      fputs("+ ", t->out);
    }
  }
  fprintf(t->out, "%-3s ", mark);
}

static void end(struct trace *t) {
  fputs(t->colour ? PLAIN "\n" : "\n", t->out);
}

// Text of our own, or escaped already.
static void print_dim(struct trace *t, const char *text, size_t len) {
  fputs(t->colour ? DIM "    " : "    ", t->out);
  fwrite(text, 1, len, t->out);
  end(t);
}

static void print_seconds(FILE *out, uint64_t us) {
  fprintf(out, us < 100000000 ? "%.1f s" : "%.0f s", (double)us / 1e6);
}

static const char *mark_of(const struct show_piece *piece) {
  bool refused = piece->first == '4' || piece->first == '5';
  if (piece->item->side == EHLO_SIDE_CLIENT) {
    return piece->tls ? "~>" : "->";
  }
  return piece->tls ? (refused ? "<~*" : "<~") : (refused ? "<**" : "<-");
}

static const char *colour_of(const struct show_piece *piece) {
  bool refused = piece->first == '4' || piece->first == '5';
  return piece->item->side == EHLO_SIDE_SERVER && refused ? RED : "";
}

// ---- Challenges ---------------------------------------------------------------------------------

static void keep_challenge(struct trace *t, const struct show_piece *piece,
                           const struct show_segment *segment) {
  size_t room = sizeof(t->challenge) - t->challenge_len;
  bool of_server = piece->item->side == EHLO_SIDE_SERVER;
  if (!of_server || segment->secret || segment->text.len > room) {
    t->challenge_secret = true;
    return;
  }
  memcpy(t->challenge + t->challenge_len, segment->text.bytes, segment->text.len);
  t->challenge_len += segment->text.len;
}

// What a challenge says, where it is text: "334 VXNlcm5hbWU6" asks for "Username:".
static void print_challenge(struct trace *t) {
  uint8_t text[TRACE_CHALLENGE_MAX];
  size_t len;
  if (t->challenge_secret || t->challenge_len <= 4 || memcmp(t->challenge, "334 ", 4) != 0) {
    return;
  }
  struct ehlo_span token = {(const uint8_t *)t->challenge + 4, t->challenge_len - 4};
  if (ehlo_base64_decode(text, &len, token) && len > 0) {
    fputs("   (", t->out);
    text_print(t->out, (struct ehlo_span){text, len});
    fputs(")", t->out);
  }
}

static void begin_line(struct trace *t) {
  t->challenge_len = 0;
  t->challenge_secret = false;
  t->num_cuts = 0;
  t->within_us = 0;
}

// ---- The ordinary view --------------------------------------------------------------------------

static void note_wait(struct trace *t, const struct show_piece *piece) {
  if (piece->wait_us < NOTICE_US || (t->typed && piece->waited_for == EHLO_SIDE_CLIENT)) {
    return;
  }
  fputs(t->colour ? DIM "    (" : "    (", t->out);
  print_seconds(t->out, piece->wait_us);
  fprintf(
      t->out, ", %s)",
      piece->waited_for == EHLO_SIDE_SERVER ? "waiting for the server" : "on the client's side");
  end(t);
}

static void note_cuts(struct trace *t) {
  if (t->within_us < NOTICE_US) {
    return;
  }
  fputs(t->colour ? DIM "    (" : "    (", t->out);
  print_seconds(t->out, t->within_us);
  fprintf(t->out, " within this line, in %zu pieces)", t->num_cuts + 1);
  end(t);
}

static void end_line(struct trace *t) {
  if (t->open && !t->hidden) {
    print_challenge(t);
    end(t);
  }
  if (t->open) {
    note_cuts(t);
  }
  t->open = false;
}

// Something else comes before the line is over.
static void break_line(struct trace *t) {
  if (t->open && !t->hidden) {
    fputs("…", t->out);
    t->challenge_secret = true;
  }
  end_line(t);
}

static void note_hidden_lines(struct trace *t) {
  if (t->body_lines > BODY_LINES_SHOWN && !t->typed) {
    fprintf(t->out, "    … %zu more lines of the message\n", t->body_lines - BODY_LINES_SHOWN);
  }
  t->body_lines = 0;
}

static void open_line(struct trace *t, const struct show_piece *piece) {
  if (piece->has_wait) {
    note_wait(t, piece);
  }
  if (piece->role != SHOW_MESSAGE) {
    note_hidden_lines(t);
  } else if (piece->begins) {
    t->body_lines++;
  }
  begin_line(t);
  t->open = true;
  t->side = piece->item->side;
  t->hidden = piece->role == SHOW_MESSAGE && (t->typed || t->body_lines > BODY_LINES_SHOWN);
  if (!t->hidden) {
    begin(t, piece, mark_of(piece), colour_of(piece));
    fputs(piece->begins ? "" : "…", t->out);
  }
}

static void print_piece(struct trace *t, const struct show_piece *piece) {
  struct show_segments it = {.piece = piece};
  struct show_segment segment;
  while (show_segments_next(&it, &segment)) {
    keep_challenge(t, piece, &segment);
    if (t->hidden) {
      continue;
    }
    if (segment.secret) {
      fputs("(hidden)", t->out);
    } else {
      text_print(t->out, segment.text);
    }
  }
}

static void put_line(struct trace *t, const struct show_piece *piece) {
  if (t->open && (piece->begins || t->side != piece->item->side)) {
    break_line(t);
  }
  if (!t->open) {
    open_line(t, piece);
  } else {
    t->num_cuts++;
    t->within_us += piece->has_wait ? piece->wait_us : 0;
  }
  print_piece(t, piece);
  if (piece->over) {
    end_line(t);
  }
}

// What a certificate says of itself stands in a line of its own.
static void put_fact(struct trace *t, const struct show_piece *piece) {
  const struct ehlo_item *item = piece->item;
  if (item->fact == EHLO_FACT_HEADER || item->fact == EHLO_FACT_SUBMIT) {
    return;
  }
  break_line(t);
  note_hidden_lines(t);
  if (piece->has_wait) {
    note_wait(t, piece);
  }
  const char *more = item->fact == EHLO_FACT_TLS ? strstr(item->text, " subject=\"") : NULL;
  size_t len = more != NULL ? (size_t)(more - item->text) : item->text_len;
  begin(t, piece, "===", DIM);
  fwrite(item->text, 1, len, t->out);  // escaped as it stands in the file
  end(t);
  if (more != NULL) {
    print_dim(t, more + 1, item->text_len - len - 1);
  }
}

static void put_piece(struct trace *t, const struct show_piece *piece) {
  switch (piece->role) {
    case SHOW_COMMAND:
    case SHOW_RESPONSE:
    case SHOW_MESSAGE:
    case SHOW_MESSAGE_END:
    case SHOW_REPLY:
      put_line(t, piece);
      break;
    case SHOW_FACT:
      put_fact(t, piece);
      break;
    case SHOW_EVENT:
    case SHOW_COMMENT:
      break;
  }
}

// ---- The raw view -------------------------------------------------------------------------------

// The bytes of an item, with "(hidden)" where a secret stood.
static void print_raw_bytes(struct trace *t, const struct ehlo_item *item) {
  size_t at = 0;
  for (size_t i = 0; i < item->num_secrets; i++) {
    text_print_raw(t->out, (struct ehlo_span){item->bytes + at, item->secret_at[i] - at});
    fputs("(hidden)", t->out);
    at = item->secret_at[i];
  }
  text_print_raw(t->out, (struct ehlo_span){item->bytes + at, item->bytes_len - at});
}

static void put_raw_line(struct trace *t, const struct show_piece *piece) {
  struct show_segments it = {.piece = piece};
  struct show_segment segment;
  if (piece->begins) {
    begin_line(t);
  }
  while (show_segments_next(&it, &segment)) {
    keep_challenge(t, piece, &segment);
  }
  if (piece->from > 0) {
    return;  // the item was shown with its first piece
  }
  begin(t, piece, mark_of(piece), colour_of(piece));
  print_raw_bytes(t, piece->item);
  if (piece->over) {
    print_challenge(t);
  }
  end(t);
}

static void put_raw(struct trace *t, const struct show_piece *piece) {
  const struct ehlo_item *item = piece->item;
  switch (item->type) {
    case EHLO_ITEM_SERVER:
    case EHLO_ITEM_CLIENT:
      put_raw_line(t, piece);
      break;
    case EHLO_ITEM_FACT:
    case EHLO_ITEM_EVENT:
      if (item->fact != EHLO_FACT_HEADER || item->type == EHLO_ITEM_EVENT) {
        begin(t, piece, item->type == EHLO_ITEM_FACT ? "===" : "  =", DIM);
        fwrite(item->text, 1, item->text_len, t->out);
        end(t);
      }
      break;
    case EHLO_ITEM_COMMENT:
      fprintf(t->out, "%s\n", item->raw);
      break;
  }
}

// ---- Items --------------------------------------------------------------------------------------

void trace_item(struct trace *t, const struct ehlo_item *item) {
  struct show_piece piece;
  show_dialogue_item(&t->dialogue, item);
  while (show_dialogue_next(&t->dialogue, &piece)) {
    (t->raw ? put_raw : put_piece)(t, &piece);
  }
}

void trace_finish(struct trace *t) {
  break_line(t);
  note_hidden_lines(t);
}

static long read_pending(void *arg, uint8_t *buf, size_t cap) {
  struct trace *t = arg;
  size_t left = t->pending_len - t->reader_pos;
  size_t n = left < cap ? left : cap;
  memcpy(buf, t->pending + t->reader_pos, n);
  t->reader_pos += n;
  return (long)n;
}

static void show_pending(struct trace *t) {
  struct ehlo_item item;
  t->reader_pos = 0;
  ehlo_reader_init(&t->reader, read_pending, t);
  if (ehlo_reader_next(&t->reader, &item) == EHLO_READ_ITEM) {
    trace_item(t, &item);
  }
  t->pending_len = 0;
}

void trace_text(struct trace *t, const char *text, size_t len) {
  for (size_t i = 0; i < len; i++) {
    if (t->pending_len < sizeof(t->pending) - 1) {
      t->pending[t->pending_len++] = text[i];
    }
    if (text[i] == '\n') {
      show_pending(t);
    }
  }
  fflush(t->out);
}
