// Passes over lines and what is in them.
#include <string.h>

#include "replay/shrink/shrink_edits.h"

static void cut_line(struct ehlo_shrink_edits *e, const struct ehlo_shrink_scan *s, size_t line) {
  ehlo_shrink_cut(e, s->lines[line].at, s->lines[line].len);
}

// A line that was cut into pieces goes on in one: without the backslash, the line feed, and the next
// one's time and mark.
static void pass_cuts(struct ehlo_shrink_edits *e, const struct ehlo_shrink_scan *s) {
  for (size_t i = 0; i + 1 < s->num_lines; i++) {
    const struct ehlo_shrink_line *l = &s->lines[i];
    bool cut = l->role != EHLO_ROLE_NONE && !l->ends_line;
    if (cut && l[1].role != EHLO_ROLE_NONE && l[1].first_piece == l->first_piece &&
        l->text_len > 0) {
      uint32_t from = l->text_at + l->text_len - 1;
      ehlo_shrink_cut(e, from, l[1].text_at - from);
      ehlo_shrink_edit_end(e);
    }
  }
}

// Times, and the blanks that stand in place of one.
static void pass_times(struct ehlo_shrink_edits *e, const struct ehlo_shrink_scan *s) {
  for (size_t i = 0; i < s->num_lines; i++) {
    ehlo_shrink_cut(e, s->lines[i].at, s->lines[i].time_len);
    ehlo_shrink_edit_end(e);
  }
}

// Any line with all its pieces: lines of a reply, of a message, halves of an exchange.
static void pass_lines(struct ehlo_shrink_edits *e, const struct ehlo_shrink_scan *s) {
  for (size_t i = 0; i < s->num_lines; i++) {
    if (s->lines[i].first_piece != i || ehlo_shrink_is_kept(s, i)) {
      continue;
    }
    cut_line(e, s, i);
    for (size_t k = i + 1; k < s->num_lines && s->lines[i].role != EHLO_ROLE_NONE; k++) {
      if (s->lines[k].first_piece == i) {
        cut_line(e, s, k);
      } else if (s->lines[k].role == s->lines[i].role) {
        break;
      }
    }
    ehlo_shrink_edit_end(e);
  }
}

// ---- Words and values ---------------------------------------------------------------------------

// Characters of an enhanced status code with the blank in front of it, at `at` behind the code.
static uint32_t enhanced_len(const char *text, uint32_t len) {
  uint32_t at = 1;
  unsigned dots = 0;
  for (; at < len && ((text[at] >= '0' && text[at] <= '9') || text[at] == '.'); at++) {
    dots += text[at] == '.';
  }
  return dots == 2 && (at == len || text[at] == ' ') ? at : 0;
}

static void pass_words(struct ehlo_shrink_edits *e, const struct ehlo_shrink_scan *s) {
  for (size_t i = 0; i < s->num_lines; i++) {
    const struct ehlo_shrink_line *l = &s->lines[i];
    if (l->role != EHLO_ROLE_REPLY || l->first_piece != i || !l->ends_line || l->text_len < 5) {
      continue;
    }
    const char *words = s->text + l->text_at + 3;
    uint32_t len = l->text_len - 3;
    uint32_t enhanced = enhanced_len(words, len);
    if (enhanced > 0) {
      ehlo_shrink_cut(e, l->text_at + 3 + enhanced, len - enhanced);
      ehlo_shrink_edit_end(e);
    }
    uint32_t keep = words[0] == '-' ? 1 : 0;
    ehlo_shrink_cut(e, l->text_at + 3 + keep, len - keep);
    ehlo_shrink_edit_end(e);
  }
}

// Details behind the word of a fact, all at once.
static void pass_details(struct ehlo_shrink_edits *e, const struct ehlo_shrink_scan *s) {
  for (size_t i = 0; i < s->num_lines; i++) {
    const struct ehlo_shrink_line *l = &s->lines[i];
    const char *text = s->text + l->text_at;
    if (l->type != EHLO_ITEM_FACT || (l->fact != EHLO_FACT_TLS && l->fact != EHLO_FACT_CONNECT)) {
      continue;
    }
    uint32_t word = l->fact == EHLO_FACT_TLS ? 3 : 7;
    word += l->text_len >= word + 7 && memcmp(text + word, " failed", 7) == 0 ? 7 : 0;
    if (word < l->text_len) {
      ehlo_shrink_cut(e, l->text_at + word, l->text_len - word);
      ehlo_shrink_edit_end(e);
    }
  }
}

// Whether the value stands at `at` of the client's text as a whole: "<VALUE>", " VALUE", "=VALUE".
static bool stands_at(const struct ehlo_shrink_scan *s, const struct ehlo_shrink_line *l,
                      uint32_t at, uint32_t value, uint32_t len) {
  uint32_t end = l->text_at + l->text_len;
  if (at + len > end || at == l->text_at || memcmp(s->text + at, s->text + value, len) != 0) {
    return false;
  }
  char before = s->text[at - 1];
  char after = at + len < end ? s->text[at + len] : ' ';
  return (before == '<' && after == '>') || ((before == ' ' || before == '=') && after == ' ');
}

// Where the value stands in settings and commands.
struct places {
  uint32_t at[64];
  size_t num;
};

static void find_places(struct places *out, const struct ehlo_shrink_scan *s, uint32_t value,
                        uint32_t len) {
  out->num = 0;
  for (size_t i = 0; i < s->num_lines; i++) {
    const struct ehlo_shrink_line *l = &s->lines[i];
    bool setting = l->type == EHLO_ITEM_FACT && l->fact == EHLO_FACT_SUBMIT;
    for (uint32_t k = 1; (setting || l->role == EHLO_ROLE_COMMAND) && k + len <= l->text_len; k++) {
      if (out->num < 64 && stands_at(s, l, l->text_at + k, value, len)) {
        out->at[out->num++] = l->text_at + k;
      }
    }
  }
}

// Each octet of a value goes in all its places at once.
static void shorten(struct ehlo_shrink_edits *e, const struct ehlo_shrink_scan *s, uint32_t value,
                    uint32_t len) {
  struct places places;
  find_places(&places, s, value, len);
  for (uint32_t at = 0; at < len;) {
    uint32_t atom = (uint32_t)ehlo_shrink_atom(s->text + value + at, len - at);
    for (size_t i = 0; i < places.num; i++) {
      ehlo_shrink_cut(e, places.at[i] + at, atom);
    }
    ehlo_shrink_edit_end(e);
    at += atom;
  }
}

void ehlo_shrink_pass_line_values(struct ehlo_shrink_edits *e, const struct ehlo_shrink_scan *s,
                                  size_t line) {
  static const char *const words[] = {"helo", "from",        "to",          "user",   "xclient",
                                      "size", "mail-params", "rcpt-params", "timeout"};
  uint32_t at;
  uint32_t len;
  for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++) {
    if (!ehlo_shrink_setting(&at, &len, s, line, words[w])) {
      continue;
    }
    bool path = len >= 2 && s->text[at] == '<' && s->text[at + len - 1] == '>';
    shorten(e, s, at + path, len - (path ? 2 : 0));
    return;
  }
}

// The text of one line but for what can only be as it is.
void ehlo_shrink_pass_line_bytes(struct ehlo_shrink_edits *e, const struct ehlo_shrink_scan *s,
                                 size_t line) {
  const struct ehlo_shrink_line *l = &s->lines[line];
  bool dialogue = l->role != EHLO_ROLE_NONE;
  bool fact =
      l->type == EHLO_ITEM_FACT && l->fact != EHLO_FACT_SUBMIT && l->fact != EHLO_FACT_HEADER;
  uint32_t digits = 0;
  for (; l->time_len > 0 && digits < l->time_len && s->text[l->at + digits] != ' '; digits++) {
    ehlo_shrink_cut(e, l->at + digits, 1);
    ehlo_shrink_edit_end(e);
  }
  for (uint32_t at = 0; (dialogue || fact) && at < l->text_len;) {
    uint32_t atom = (uint32_t)ehlo_shrink_atom(s->text + l->text_at + at, l->text_len - at);
    ehlo_shrink_cut(e, l->text_at + at, atom);
    ehlo_shrink_edit_end(e);
    at += atom;
  }
}

const ehlo_shrink_pass_fn ehlo_shrink_line_passes[] = {pass_cuts, pass_times, pass_lines};
const size_t ehlo_shrink_num_line_passes =
    sizeof(ehlo_shrink_line_passes) / sizeof(ehlo_shrink_line_passes[0]);

const ehlo_shrink_pass_fn ehlo_shrink_byte_passes[] = {pass_words, pass_details};
const size_t ehlo_shrink_num_byte_passes =
    sizeof(ehlo_shrink_byte_passes) / sizeof(ehlo_shrink_byte_passes[0]);
