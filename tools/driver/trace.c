// Rendering of transcripts for a terminal.
#include "tools/driver/trace.h"

#include <inttypes.h>
#include <string.h>

#include "engine/base64.h"
#include "tools/driver/text.h"

#define BODY_LINES_SHOWN 8

#define RED "\033[31m"
#define DIM "\033[2m"
#define PLAIN "\033[0m"

void trace_init(struct trace *t, FILE *out, bool raw) {
  memset(t, 0, sizeof(*t));
  t->out = out;
  t->raw = raw;
  t->colour = text_colour(out);
}

static void begin(struct trace *t, const struct ehlo_item *item, const char *mark,
                  const char *colour) {
  if (t->colour) {
    fputs(colour, t->out);
  }
  if (t->raw) {
    fprintf(t->out, "%4" PRIu64 ".%06" PRIu64 " ", t->time_us / 1000000, t->time_us % 1000000);
    if (!item->has_time && item->type != EHLO_ITEM_FACT) {
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

static void print_piece(struct trace *t, struct ehlo_span piece) {
  if (t->raw) {
    text_print_raw(t->out, piece);
  } else {
    text_print(t->out, piece);
  }
}

// The bytes of an item, with "(hidden)" where a secret stood.
static void print_bytes(struct trace *t, const struct ehlo_item *item) {
  size_t len = item->bytes_len - (item->ends_line && !t->raw ? 2 : 0);
  size_t at = 0;
  for (size_t i = 0; i < item->num_secrets; i++) {
    print_piece(t, (struct ehlo_span){item->bytes + at, item->secret_at[i] - at});
    fputs("(hidden)", t->out);
    at = item->secret_at[i];
  }
  print_piece(t, (struct ehlo_span){item->bytes + at, len - at});
}

// What a challenge says, where it is text: "334 VXNlcm5hbWU6" asks for "Username:".
static void print_challenge(struct trace *t, const struct ehlo_item *item) {
  uint8_t text[EHLO_TRANSCRIPT_LINE_MAX];
  size_t len;
  if (item->bytes_len <= 6 || memcmp(item->bytes, "334 ", 4) != 0 || !item->ends_line) {
    return;
  }
  struct ehlo_span token = {item->bytes + 4, item->bytes_len - 6};
  if (ehlo_base64_decode(text, &len, token) && len > 0) {
    fputs("   (", t->out);
    text_print(t->out, (struct ehlo_span){text, len});
    fputs(")", t->out);
  }
}

static void show_server(struct trace *t, const struct ehlo_item *item) {
  bool refused = item->bytes_len > 0 && (item->bytes[0] == '4' || item->bytes[0] == '5');
  const char *mark = t->tls ? (refused ? "<~*" : "<~") : (refused ? "<**" : "<-");
  t->in_body = item->bytes_len >= 3 && memcmp(item->bytes, "354", 3) == 0;
  t->body_lines = 0;
  begin(t, item, mark, refused ? RED : "");
  print_bytes(t, item);
  print_challenge(t, item);
  end(t);
}

static bool ends_body(const struct ehlo_item *item) {
  return item->bytes_len == 3 && memcmp(item->bytes, ".\r\n", 3) == 0;
}

static void show_client(struct trace *t, const struct ehlo_item *item) {
  if (t->in_body && ends_body(item)) {
    t->in_body = false;
    if (t->body_lines > BODY_LINES_SHOWN && !t->raw) {
      fprintf(t->out, "    … %zu more lines of the message\n", t->body_lines - BODY_LINES_SHOWN);
    }
  } else if (t->in_body && ++t->body_lines > BODY_LINES_SHOWN && !t->raw) {
    return;
  }
  begin(t, item, t->tls ? "~>" : "->", "");
  print_bytes(t, item);
  end(t);
}

static void show_fact(struct trace *t, const struct ehlo_item *item) {
  if (item->fact == EHLO_FACT_HEADER || (item->fact == EHLO_FACT_SUBMIT && !t->raw)) {
    return;
  }
  begin(t, item, "===", DIM);
  fwrite(item->text, 1, item->text_len, t->out);  // escaped as it stands in the file
  end(t);
  t->tls = t->tls || (item->fact == EHLO_FACT_TLS && !item->failed);
}

void trace_item(struct trace *t, const struct ehlo_item *item) {
  t->time_us += item->has_time ? item->delta_us : 0;
  switch (item->type) {
    case EHLO_ITEM_SERVER:
      show_server(t, item);
      break;
    case EHLO_ITEM_CLIENT:
      show_client(t, item);
      break;
    case EHLO_ITEM_FACT:
      show_fact(t, item);
      break;
    case EHLO_ITEM_EVENT:
      if (t->raw) {
        begin(t, item, "  =", DIM);
        fwrite(item->text, 1, item->text_len, t->out);
        end(t);
      }
      break;
    case EHLO_ITEM_COMMENT:
      if (t->raw) {
        fprintf(t->out, "%s\n", item->raw);
      }
      break;
  }
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
