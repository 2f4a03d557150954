// The rows of the diagram: an arrow for what one side sent at once, a gap for each wait, a rule for each
// fact. Heights of gaps are left to CSS, by a unit that is known at the end: nothing is looked at twice.
#include <inttypes.h>
#include <string.h>

#include "engine/base64.h"
#include "tools/show/facts.h"
#include "tools/show/page_parts.h"

#define LABEL_US 100000   // a wait of so long has its words beside it
#define PARTING_US 1000   // a wait of so long parts two arrows of one side
#define SHORT_MESSAGE 12  // lines of a message that is not folded

void show_page_init(struct show_page *p) {
  memset(p, 0, sizeof(*p));
  show_dialogue_init(&p->dialogue);
  show_summary_init(&p->summary);
  clip_init(&p->rows, SHOW_PAGE_ROWS_MAX, SHOW_PAGE_ROWS_MAX / 4);
  clip_init(&p->raw, SHOW_PAGE_RAW_MAX, SHOW_PAGE_RAW_MAX / 4);
  clip_init(&p->settings, SHOW_PAGE_SETTINGS_MAX, SHOW_PAGE_SETTINGS_MAX / 4);
  clip_init(&p->lines, SHOW_PAGE_BLOCK_MAX, SHOW_PAGE_BLOCK_MAX / 4);
}

void show_page_free(struct show_page *p) {
  clip_free(&p->rows);
  clip_free(&p->raw);
  clip_free(&p->settings);
  clip_free(&p->lines);
  markup_free(&p->line);
  markup_free(&p->scratch);
}

static void put_row(struct show_page *p) {
  clip_add(&p->rows, p->scratch.bytes, p->scratch.len);
  p->scratch.len = 0;
}

// ---- Waits --------------------------------------------------------------------------------------

static void put_gap(struct show_page *p, uint64_t us, enum ehlo_side side, enum ehlo_stage stage,
                    const char *where) {
  struct markup *m = &p->scratch;
  bool server = side == EHLO_SIDE_SERVER;
  if (us == 0) {
    return;
  }
  markup_format(m, "<li class=\"gap %s\" style=\"--s:%" PRIu64 ".%06" PRIu64 "\"><i></i>",
                server ? "server" : "client", us / 1000000, us % 1000000);
  if (us >= LABEL_US) {
    markup_add(m, "<span>");
    markup_duration(m, us);
    markup_format(m, ", %s%s <small>(%s)</small></span>",
                  server ? "waiting for the server" : "on the client’s side", where,
                  ehlo_stage_name(stage));
  }
  markup_add(m, "</li>\n");
  put_row(p);
}

// ---- Lines --------------------------------------------------------------------------------------

// What a challenge says, where it is text. Escapes are no base64, so a line with any is none.
static void add_challenge(struct show_page *p) {
  uint8_t text[SHOW_PAGE_LINE_MAX];
  size_t len;
  const struct markup *line = &p->line;
  if (p->side != EHLO_SIDE_SERVER || line->len <= 4 || line->len > sizeof(text) ||
      memcmp(line->bytes, "334 ", 4) != 0) {
    return;
  }
  struct ehlo_span token = {(const uint8_t *)line->bytes + 4, line->len - 4};
  if (ehlo_base64_decode(text, &len, token) && len > 0) {
    markup_add(&p->scratch, " <span class=says>(");
    markup_text(&p->scratch, (struct ehlo_span){text, len});
    markup_add(&p->scratch, ")</span>");
  }
}

static void end_line(struct show_page *p, bool cut) {
  struct markup *m = &p->scratch;
  bool refusal = p->side == EHLO_SIDE_SERVER && (p->first == '4' || p->first == '5');
  if (!p->line_open) {
    return;
  }
  markup_add(m, refusal ? "<li class=bad><b class=badge>" : "<li>");
  if (refusal) {
    markup_add(m, p->first == '4' ? "refused for now" : "refused");
    markup_add(m, "</b> ");
  }
  markup_add(m, p->continued ? "<span class=cut>…</span>" : "");
  markup_bytes(m, p->line.bytes, p->line.len);
  if (!cut && !p->continued) {
    add_challenge(p);
  }
  if (p->line_left_out > 0) {
    markup_format(m, " <span class=cut>… %zu octets left out</span>", p->line_left_out);
  }
  markup_add(m, cut ? "<span class=cut>…</span></li>\n" : "</li>\n");
  clip_add(&p->lines, m->bytes, m->len);
  m->len = 0;
  p->line.len = 0;
  p->line_open = false;
}

static void begin_line(struct show_page *p, const struct show_piece *piece) {
  p->line_open = true;
  p->continued = !piece->begins;
  p->first = piece->first;
  p->line_shown = 0;
  p->line_left_out = 0;
  p->num_lines += piece->role != SHOW_MESSAGE_END ? 1 : 0;
}

static void add_text(struct show_page *p, struct ehlo_span text) {
  size_t room = SHOW_PAGE_LINE_MAX - p->line_shown;
  size_t n = text.len < room ? text.len : room;
  markup_text(&p->line, (struct ehlo_span){text.bytes, n});
  p->line_shown += n;
  p->line_left_out += text.len - n;
}

static void add_piece(struct show_page *p, const struct show_piece *piece) {
  struct show_segments it = {.piece = piece};
  struct show_segment segment;
  if (!p->line_open) {
    begin_line(p, piece);
  }
  p->first = piece->first;
  while (show_segments_next(&it, &segment)) {
    if (segment.secret) {
      markup_add(&p->line, "<span class=secret>hidden</span>");
    } else {
      add_text(p, segment.text);
    }
  }
  if (piece->role != SHOW_MESSAGE_END) {
    p->num_octets += piece->to - piece->from + (piece->ends ? 2 : 0);
  }
  if (piece->over) {
    end_line(p, false);
  }
}

// ---- Arrows -------------------------------------------------------------------------------------

static void put_time(struct show_page *p, bool timed, uint64_t time_us) {
  markup_add(&p->scratch, "<span class=t>");
  if (timed) {
    markup_duration(&p->scratch, time_us);
  }
  markup_add(&p->scratch, "</span>");
}

static void begin_message(struct show_page *p) {
  markup_format(&p->scratch,
                "<details%s><summary>The message: %zu line%s, %" PRIu64 " octets</summary>",
                p->num_lines <= SHORT_MESSAGE ? " open" : "", p->num_lines,
                p->num_lines == 1 ? "" : "s", p->num_octets);
}

static void end_row(struct show_page *p) {
  struct markup *m = &p->scratch;
  bool client = p->side == EHLO_SIDE_CLIENT;
  if (!p->row_open) {
    return;
  }
  end_line(p, true);
  markup_format(m, "<li class=\"row %s %s\">", client ? "client" : "server",
                p->tls ? "tls" : "plain");
  put_time(p, p->timed, p->time_us);
  markup_format(m, "<div class=arrow><span class=vh>%s%s: </span>",
                client ? "Client to server" : "Server to client",
                p->tls ? ", under TLS" : ", in cleartext");
  if (p->is_message) {
    begin_message(p);
  }
  markup_add(m, "<ol class=lines>");
  show_page_put_clip(m, &p->lines, "lines");
  markup_add(m, p->is_message ? "</ol></details></div></li>\n" : "</ol></div></li>\n");
  put_row(p);
  clip_clear(&p->lines);
  p->row_open = false;
  const char *where = p->is_message ? ", while the message went out" : ", within these lines";
  put_gap(p, p->within_us[EHLO_SIDE_SERVER], EHLO_SIDE_SERVER, p->stage, where);
  put_gap(p, p->within_us[EHLO_SIDE_CLIENT], EHLO_SIDE_CLIENT, p->stage, where);
}

static bool is_message(const struct show_piece *piece) {
  return piece->role == SHOW_MESSAGE || piece->role == SHOW_MESSAGE_END;
}

static void begin_row(struct show_page *p, const struct show_piece *piece) {
  if (piece->has_wait) {
    put_gap(p, piece->wait_us, piece->waited_for, piece->stage, "");
  }
  p->row_open = true;
  p->side = piece->item->side;
  p->is_message = is_message(piece);
  p->tls = piece->tls;
  p->timed = piece->timed;
  p->time_us = piece->time_us;
  p->within_us[0] = p->within_us[1] = 0;
  p->stage = piece->stage;
  p->num_lines = 0;
  p->num_octets = 0;
}

// A wait between two lines parts two arrows, if it can be seen; within a line or a message none does.
static bool goes_on(const struct show_page *p, const struct show_piece *piece) {
  bool waits = piece->has_wait && piece->wait_us >= PARTING_US;
  return p->row_open && p->side == piece->item->side && p->is_message == is_message(piece) &&
         p->tls == piece->tls && (!waits || p->is_message || !piece->begins);
}

static void put_dialogue(struct show_page *p, const struct show_piece *piece) {
  if (!goes_on(p, piece)) {
    end_row(p);
    begin_row(p, piece);
  } else if (piece->has_wait) {
    p->within_us[piece->waited_for] += piece->wait_us;
  }
  if (p->line_open && piece->begins) {
    end_line(p, false);  // the text of a chunk that ended without a CRLF
  }
  add_piece(p, piece);
}

// ---- Facts --------------------------------------------------------------------------------------

static const char *fact_words(const struct ehlo_item *item) {
  bool server = item->side == EHLO_SIDE_SERVER;
  switch (item->fact) {
    case EHLO_FACT_CONNECT:
      return item->failed ? "No connection: " : "Connected to ";
    case EHLO_FACT_TLS:
      return item->failed ? "TLS failed: " : "TLS begins: ";
    case EHLO_FACT_EOF:
      return server ? "The server closed the connection" : "The client closed the connection";
    case EHLO_FACT_RESET:
      return server ? "The connection broke, on the server’s side"
                    : "The connection broke, on the client’s side";
    case EHLO_FACT_TIMEOUT:
      return "Timeout: the client waited until its deadline";
    case EHLO_FACT_NOTE:
      return "Note: ";
    case EHLO_FACT_HEADER:
    case EHLO_FACT_SUBMIT:
      break;
  }
  return "";
}

static void add_part(struct markup *m, const struct show_part *parts, size_t num, const char *name,
                     const char *before) {
  uint8_t text[1024];
  const struct show_part *part = show_part_find(parts, num, name);
  if (part != NULL) {
    markup_add(m, before);
    markup_text(m, (struct ehlo_span){text, show_part_text(text, sizeof(text), part)});
  }
}

static void add_fact_parts(struct markup *m, const struct ehlo_item *item) {
  struct show_part parts[SHOW_PARTS_MAX];
  size_t num = show_fact_parts(parts, item);
  add_part(m, parts, num, "path", "");
  add_part(m, parts, num, "host", "");
  add_part(m, parts, num, "port", ", port ");
  add_part(m, parts, num, "address", ", at ");
  add_part(m, parts, num, "version", "");
  add_part(m, parts, num, "cipher", ", ");
  add_part(m, parts, num, "group", ", ");
  if (item->fact != EHLO_FACT_TLS || item->failed) {
    add_part(m, parts, num, "reason", "");
  }
  add_part(m, parts, num, "note", "");
}

static void put_setting(struct show_page *p, const struct ehlo_item *item) {
  struct show_part parts[SHOW_PARTS_MAX];
  size_t num = show_fact_parts(parts, item);
  struct markup *m = &p->scratch;
  add_part(m, parts, num, "setting", "<tr><th scope=row>");
  markup_add(m, "</th><td>");
  add_part(m, parts, num, "value", "");
  markup_add(m, num > 1 ? "</td></tr>\n" : "yes</td></tr>\n");
  clip_add(&p->settings, m->bytes, m->len);
  m->len = 0;
}

static void put_fact(struct show_page *p, const struct show_piece *piece) {
  const struct ehlo_item *item = piece->item;
  if (item->fact == EHLO_FACT_HEADER) {
    return;
  }
  end_row(p);
  if (piece->has_wait) {
    put_gap(p, piece->wait_us, piece->waited_for, piece->stage, "");
  }
  if (item->fact == EHLO_FACT_SUBMIT) {
    put_setting(p, item);
    return;
  }
  bool bad = item->failed || item->fact == EHLO_FACT_TIMEOUT || item->fact == EHLO_FACT_RESET;
  markup_format(&p->scratch, "<li class=\"fact%s\">", bad ? " bad" : "");
  put_time(p, piece->timed, piece->time_us);
  markup_add(&p->scratch, "<p>");
  markup_add(&p->scratch, bad ? "<b class=badge>problem</b> " : "");
  markup_add(&p->scratch, fact_words(item));
  add_fact_parts(&p->scratch, item);
  markup_add(&p->scratch, "</p></li>\n");
  put_row(p);
}

static void put_comment(struct show_page *p, const struct ehlo_item *item) {
  end_row(p);
  markup_add(&p->scratch, "<li class=comment><p>");
  markup_text(&p->scratch, (struct ehlo_span){(const uint8_t *)item->text, item->text_len});
  markup_add(&p->scratch, "</p></li>\n");
  put_row(p);
}

// ---- Items --------------------------------------------------------------------------------------

static void put_piece(struct show_page *p, const struct show_piece *piece) {
  switch (piece->role) {
    case SHOW_COMMAND:
    case SHOW_RESPONSE:
    case SHOW_MESSAGE:
    case SHOW_MESSAGE_END:
    case SHOW_REPLY:
      put_dialogue(p, piece);
      break;
    case SHOW_FACT:
      put_fact(p, piece);
      break;
    case SHOW_COMMENT:
      put_comment(p, piece->item);
      break;
    case SHOW_EVENT:
      break;
  }
}

static void put_raw(struct show_page *p, const struct ehlo_item *item) {
  markup_text(&p->scratch, (struct ehlo_span){(const uint8_t *)item->raw, item->raw_len});
  markup_add(&p->scratch, "\n");
  clip_add(&p->raw, p->scratch.bytes, p->scratch.len);
  p->scratch.len = 0;
}

void show_page_item(struct show_page *p, const struct ehlo_item *item) {
  struct show_piece piece;
  put_raw(p, item);
  show_dialogue_item(&p->dialogue, item);
  while (show_dialogue_next(&p->dialogue, &piece)) {
    show_summary_piece(&p->summary, &piece);
    put_piece(p, &piece);
  }
}

void show_page_end(struct show_page *p) {
  end_row(p);
}
