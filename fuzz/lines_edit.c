// Operations of lines.h on the order of lines and on replies, and the table of all.
// Each picks its places at random and does one thing.
#include <stdio.h>
#include <string.h>

#include "engine/ehlo.h"
#include "fuzz/lines_parts.h"

static size_t below(struct ehlo_fuzz_lines *l, size_t n) {
  return ehlo_fuzz_lines_below(l, n);
}

// A few lines in a row: from `*out_at`, mostly one or two. 0 where there are none.
static size_t pick_range(struct ehlo_fuzz_lines *l, size_t *out_at) {
  *out_at = below(l, l->num);
  size_t left = l->num - *out_at;
  size_t most = below(l, 4) == 0 ? left : left < 3 ? left : 3;
  return most > 0 ? 1 + below(l, most) : 0;
}

// A line of the server's with some text; l->num where no try has found one.
static size_t pick_server(struct ehlo_fuzz_lines *l, size_t *out_text) {
  for (int tries = 0; tries < 16 && l->num > 0; tries++) {
    size_t i = below(l, l->num);
    *out_text = ehlo_fuzz_lines_server_text(l, l->lines[i]);
    if (*out_text < l->lines[i].len) {
      return i;
    }
  }
  return l->num;
}

// Puts in a text of several lines.
static bool insert_text(struct ehlo_fuzz_lines *l, size_t at, const char *text) {
  struct ehlo_span lines[64];
  size_t num = 0;
  while (num < 64) {
    size_t len = strcspn(text, "\n");
    lines[num++] = (struct ehlo_span){(const uint8_t *)text, len};
    if (text[len] == '\0') {
      break;
    }
    text += len + 1;
  }
  return ehlo_fuzz_lines_insert(l, at, lines, num);
}

// ---- Order ----------------------------------------------------------------------------------------

static bool cut(struct ehlo_fuzz_lines *l) {
  size_t at;
  size_t num = pick_range(l, &at);
  ehlo_fuzz_lines_remove(l, at, num);
  return num > 0;
}

static bool cut_end(struct ehlo_fuzz_lines *l) {
  size_t at = below(l, l->num);
  bool any = at < l->num;
  l->num = at;
  return any;
}

static bool repeat(struct ehlo_fuzz_lines *l) {
  static const size_t often[] = {1, 1, 2, 8, 64};
  size_t at;
  size_t num = pick_range(l, &at);
  bool done = false;
  for (size_t times = often[below(l, 5)]; times > 0 && num > 0; times--) {
    done |= ehlo_fuzz_lines_insert(l, at + num, l->lines + at, num);
  }
  return done;
}

static bool copy_elsewhere(struct ehlo_fuzz_lines *l) {
  size_t at;
  size_t num = pick_range(l, &at);
  return num > 0 && ehlo_fuzz_lines_insert(l, below(l, l->num + 1), l->lines + at, num);
}

static bool move(struct ehlo_fuzz_lines *l) {
  struct ehlo_span lines[EHLO_FUZZ_LINES_MAX];
  size_t at;
  size_t num = pick_range(l, &at);
  if (num == 0 || num == l->num) {
    return false;
  }
  memcpy(lines, l->lines + at, num * sizeof(lines[0]));
  ehlo_fuzz_lines_remove(l, at, num);
  return ehlo_fuzz_lines_insert(l, below(l, l->num + 1), lines, num);
}

static bool swap(struct ehlo_fuzz_lines *l) {
  size_t a = below(l, l->num);
  size_t b = below(l, l->num);
  if (a == b) {
    return false;
  }
  struct ehlo_span line = l->lines[a];
  l->lines[a] = l->lines[b];
  l->lines[b] = line;
  return true;
}

// ---- Pieces ---------------------------------------------------------------------------------------

// One line of the server's in two pieces.
static bool split(struct ehlo_fuzz_lines *l) {
  const struct ehlo_fuzz_dialect *d = l->dialect;
  size_t text;
  size_t i = pick_server(l, &text);
  if (i == l->num || d->server_part == d->server || l->num == EHLO_FUZZ_LINES_MAX) {
    return false;
  }
  struct ehlo_span line = l->lines[i];
  size_t at = text + below(l, line.len - text + 1);
  struct ehlo_span head[] = {ehlo_str(d->server_part), ehlo_fuzz_lines_part(line, text, at),
                             ehlo_str(d->part_end)};
  struct ehlo_span tail[] = {ehlo_fuzz_lines_part(line, 0, text),
                             ehlo_fuzz_lines_part(line, at, line.len)};
  struct ehlo_span first = ehlo_fuzz_lines_join(l, head, 3);
  return first.len > 0 && ehlo_fuzz_lines_replace(l, i, tail, 2) &&
         ehlo_fuzz_lines_insert(l, i, &first, 1);
}

static bool ends_in(struct ehlo_span line, const char *end) {
  size_t len = strlen(end);
  return line.len >= len && memcmp(line.bytes + line.len - len, end, len) == 0;
}

// A piece and the line of the server's that follows it become one.
static bool join(struct ehlo_fuzz_lines *l) {
  const struct ehlo_fuzz_dialect *d = l->dialect;
  size_t end_len = strlen(d->part_end);
  size_t text;
  size_t i = pick_server(l, &text);
  if (i + 1 >= l->num || d->server_part == d->server) {
    return false;
  }
  size_t next = ehlo_fuzz_lines_server_text(l, l->lines[i + 1]);
  bool is_part = text >= strlen(d->server_part) &&
                 memcmp(l->lines[i].bytes + text - strlen(d->server_part), d->server_part,
                        strlen(d->server_part)) == 0 &&
                 ends_in(l->lines[i], d->part_end);
  if (!is_part || next > l->lines[i + 1].len || l->lines[i].len < text + end_len) {
    return false;
  }
  struct ehlo_span parts[] = {ehlo_fuzz_lines_part(l->lines[i + 1], 0, next),
                              ehlo_fuzz_lines_part(l->lines[i], text, l->lines[i].len - end_len),
                              ehlo_fuzz_lines_part(l->lines[i + 1], next, l->lines[i + 1].len)};
  bool done = ehlo_fuzz_lines_replace(l, i, parts, 3);
  ehlo_fuzz_lines_remove(l, i + 1, done ? 1 : 0);
  return done;
}

// ---- Replies --------------------------------------------------------------------------------------

static bool swap_replies(struct ehlo_fuzz_lines *l) {
  size_t text_a;
  size_t text_b;
  size_t a = pick_server(l, &text_a);
  size_t b = pick_server(l, &text_b);
  if (a == l->num || b == l->num || a == b) {
    return false;
  }
  struct ehlo_span line_a = l->lines[a];
  struct ehlo_span line_b = l->lines[b];
  struct ehlo_span new_a[] = {ehlo_fuzz_lines_part(line_a, 0, text_a),
                              ehlo_fuzz_lines_part(line_b, text_b, line_b.len)};
  struct ehlo_span new_b[] = {ehlo_fuzz_lines_part(line_b, 0, text_b),
                              ehlo_fuzz_lines_part(line_a, text_a, line_a.len)};
  return ehlo_fuzz_lines_replace(l, a, new_a, 2) && ehlo_fuzz_lines_replace(l, b, new_b, 2);
}

static const char *const codes[] = {"220", "221", "235", "250", "251", "252", "354", "334",
                                    "421", "450", "452", "454", "500", "502", "503", "530",
                                    "535", "550", "552", "554", "211", "214", "253", "300",
                                    "200", "399", "400", "599", "555", "600", "199", "25 "};
#define NUM_CODES (sizeof(codes) / sizeof(codes[0]))

static bool change_code(struct ehlo_fuzz_lines *l) {
  size_t text;
  size_t i = pick_server(l, &text);
  if (i == l->num || l->lines[i].len < text + 3) {
    return false;
  }
  struct ehlo_span line = l->lines[i];
  char code[4];
  snprintf(code, sizeof(code), "%s", codes[below(l, NUM_CODES)]);
  if (below(l, 4) == 0) {  // one digit alone
    memcpy(code, line.bytes + text, 3);
    code[below(l, 3)] = (char)('0' + below(l, 10));
  }
  struct ehlo_span parts[] = {ehlo_fuzz_lines_part(line, 0, text),
                              {(const uint8_t *)code, 3},
                              ehlo_fuzz_lines_part(line, text + 3, line.len)};
  return ehlo_fuzz_lines_replace(l, i, parts, 3);
}

// The last line of a reply becomes one in its middle, and the other way round.
static bool flip_continuation(struct ehlo_fuzz_lines *l) {
  size_t text;
  size_t i = pick_server(l, &text);
  if (i == l->num || l->lines[i].len < text + 4) {
    return false;
  }
  struct ehlo_span line = l->lines[i];
  const char *mark = line.bytes[text + 3] == '-' ? " " : "-";
  struct ehlo_span parts[] = {ehlo_fuzz_lines_part(line, 0, text + 3), ehlo_str(mark),
                              ehlo_fuzz_lines_part(line, text + 4, line.len)};
  return ehlo_fuzz_lines_replace(l, i, parts, 3);
}

// Every verb that is a word, and a word that is none.
static const char *pick_verb(struct ehlo_fuzz_lines *l) {
  size_t first = EHLO_VERB_GREETING + 1;
  enum ehlo_verb verb = (enum ehlo_verb)(first + below(l, EHLO_NUM_VERBS - first));
  return verb == EHLO_VERB_OTHER || verb == EHLO_VERB_BODY ? "XFOO" : ehlo_verb_name(verb);
}

// A command and a reply to it, whatever both are.
static bool put_exchange(struct ehlo_fuzz_lines *l, size_t at) {
  static const char *const classes[] = {"250", "220", "354", "334", "450", "550", "421"};
  char command[40];
  char reply[40];
  const struct ehlo_fuzz_dialect *d = l->dialect;
  const char *verb = pick_verb(l);
  const char *argument = strcmp(verb, "BDAT") != 0 ? "" : below(l, 2) == 0 ? " 0 LAST" : " 0";
  snprintf(command, sizeof(command), "%s%s%s", below(l, 4) > 0 ? d->raw_command : d->command, verb,
           argument);
  if (d->num_answers > 0 && below(l, 8) == 0) {
    snprintf(command, sizeof(command), "%s", d->answers[below(l, d->num_answers)]);
  }
  snprintf(reply, sizeof(reply), "%s%s x", l->dialect->server, classes[below(l, 7)]);
  struct ehlo_span parts[] = {ehlo_str(command), ehlo_str(reply)};
  struct ehlo_span lines[] = {ehlo_fuzz_lines_join(l, parts, 1),
                              ehlo_fuzz_lines_join(l, parts + 1, 1)};
  return ehlo_fuzz_lines_insert(l, at, lines, 2);
}

static bool insert_exchange(struct ehlo_fuzz_lines *l) {
  return l->dialect->command != NULL &&
         put_exchange(l, below(l, 3) == 0 ? below(l, l->num + 1) : l->num);
}

// ---- Templates ------------------------------------------------------------------------------------

// Anywhere, or among the first ones, where settings and offers stand.
static bool insert_line(struct ehlo_fuzz_lines *l) {
  const struct ehlo_fuzz_dialect *d = l->dialect;
  size_t places = l->num > 8 && below(l, 2) == 0 ? 8 : l->num;
  return d->num_lines > 0 && insert_text(l, below(l, places + 1), d->lines[below(l, d->num_lines)]);
}

static bool replace_line(struct ehlo_fuzz_lines *l) {
  const struct ehlo_fuzz_dialect *d = l->dialect;
  if (d->num_lines == 0 || l->num == 0) {
    return false;
  }
  struct ehlo_span line = ehlo_str(d->lines[below(l, d->num_lines)]);
  return ehlo_fuzz_lines_replace(l, below(l, l->num), &line, 1);
}

static bool insert_scene(struct ehlo_fuzz_lines *l) {
  const struct ehlo_fuzz_dialect *d = l->dialect;
  size_t at = below(l, 2) == 0 ? below(l, l->num + 1) : l->num;
  return d->num_scenes > 0 && insert_text(l, at, d->scenes[below(l, d->num_scenes)]);
}

// Settings from which a session comes far, or others.
static void set_header(struct ehlo_fuzz_lines *l) {
  const struct ehlo_fuzz_dialect *d = l->dialect;
  for (size_t i = 0; i < d->header_len; i++) {
    l->header[i] = (uint8_t)(d->header != NULL ? d->header[i] : (char)below(l, 256));
  }
}

// From the start on: a scene, and a few exchanges where it has led to.
static bool begin_anew(struct ehlo_fuzz_lines *l) {
  const struct ehlo_fuzz_dialect *d = l->dialect;
  bool quiet = d->num_ways > 0 && below(l, 2) == 0;
  if (d->num_scenes == 0) {
    return false;
  }
  if (below(l, 2) == 0) {
    set_header(l);
  }
  l->num = 0;
  bool done = insert_text(l, 0, d->scenes[below(l, quiet ? d->num_ways : d->num_scenes)]);
  for (size_t left = quiet ? 1 + below(l, 8) : below(l, 4); left > 0 && d->command != NULL;
       left--) {
    done |= put_exchange(l, l->num);
  }
  return done;
}

static bool change_settings(struct ehlo_fuzz_lines *l) {
  size_t len = l->dialect->header_len;
  if (len == 0) {
    return false;
  }
  l->header[below(l, len)] ^= (uint8_t)(1U << below(l, 8));
  return true;
}

const struct ehlo_fuzz_operation ehlo_fuzz_operations[] = {
    {"cut", 6, cut},
    {"cut-end", 2, cut_end},
    {"repeat", 2, repeat},
    {"copy", 4, copy_elsewhere},
    {"move", 3, move},
    {"swap", 3, swap},
    {"split", 3, split},
    {"join", 2, join},
    {"swap-replies", 4, swap_replies},
    {"code", 12, change_code},
    {"continuation", 3, flip_continuation},
    {"exchange", 12, insert_exchange},
    {"line", 12, insert_line},
    {"replace", 6, replace_line},
    {"scene", 4, insert_scene},
    {"anew", 16, begin_anew},
    {"stretch", 3, ehlo_fuzz_lines_stretch},
    {"number", 4, ehlo_fuzz_lines_change_number},
    {"octet", 6, ehlo_fuzz_lines_change_octet},
    {"word", 4, ehlo_fuzz_lines_change_word},
    {"settings", 2, change_settings},
};
const size_t ehlo_fuzz_num_operations =
    sizeof(ehlo_fuzz_operations) / sizeof(ehlo_fuzz_operations[0]);

bool ehlo_fuzz_lines_operate(struct ehlo_fuzz_lines *l) {
  size_t sum = 0;
  for (size_t i = 0; i < ehlo_fuzz_num_operations; i++) {
    sum += ehlo_fuzz_operations[i].weight;
  }
  size_t chosen = below(l, sum);
  size_t i = 0;
  while (chosen >= ehlo_fuzz_operations[i].weight) {
    chosen -= ehlo_fuzz_operations[i++].weight;
  }
  return ehlo_fuzz_operations[i].run(l);
}

// ---- Two inputs -----------------------------------------------------------------------------------

// The texts of the other's replies, one for each of ours from some place on.
static bool take_replies(struct ehlo_fuzz_lines *l, const struct ehlo_fuzz_lines *other) {
  size_t from = 0;
  bool done = false;
  for (size_t i = below(l, l->num); i < l->num; i++) {
    size_t text = ehlo_fuzz_lines_server_text(l, l->lines[i]);
    size_t theirs = SIZE_MAX;
    while (text <= l->lines[i].len && from < other->num && theirs > other->lines[from].len) {
      theirs = ehlo_fuzz_lines_server_text(other, other->lines[from++]);
    }
    if (text <= l->lines[i].len && theirs < SIZE_MAX && theirs <= other->lines[from - 1].len) {
      struct ehlo_span line = other->lines[from - 1];
      struct ehlo_span parts[] = {ehlo_fuzz_lines_part(l->lines[i], 0, text),
                                  ehlo_fuzz_lines_part(line, theirs, line.len)};
      done |= ehlo_fuzz_lines_replace(l, i, parts, 2);
    }
  }
  return done;
}

// Lines of the other's, copied: `l` may outlive it.
static bool take_lines(struct ehlo_fuzz_lines *l, size_t at, const struct ehlo_fuzz_lines *other,
                       size_t from, size_t num) {
  struct ehlo_span lines[EHLO_FUZZ_LINES_MAX];
  for (size_t i = 0; i < num; i++) {
    lines[i] = ehlo_fuzz_lines_join(l, &other->lines[from + i], 1);
  }
  return ehlo_fuzz_lines_insert(l, at, lines, num);
}

bool ehlo_fuzz_lines_splice(struct ehlo_fuzz_lines *l, const struct ehlo_fuzz_lines *other) {
  size_t from = below(l, other->num);
  size_t num = other->num > from ? 1 + below(l, other->num - from) : 0;
  switch (below(l, 3)) {
    case 0:
      l->num = below(l, l->num + 1);
      return take_lines(l, l->num, other, from, other->num - from);
    case 1:
      return take_lines(l, below(l, l->num + 1), other, from, num);
    default:
      return take_replies(l, other);
  }
}
