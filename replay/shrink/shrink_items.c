// Passes over whole things. In a submission one thing stands in several places: the settings name
// it, the client says it, the server answers it, and strict playback wants all or nothing of it.
#include <stdlib.h>
#include <string.h>

#include "replay/shrink/shrink_edits.h"

static void cut_line(struct ehlo_shrink_edits *e, const struct ehlo_shrink_scan *s, size_t line) {
  ehlo_shrink_cut(e, s->lines[line].at, s->lines[line].len);
}

static void cut_exchange(struct ehlo_shrink_edits *e, const struct ehlo_shrink_scan *s,
                         size_t exchange) {
  for (uint32_t i = s->exchanges[exchange].first_line; i < s->exchanges[exchange + 1].first_line;
       i++) {
    cut_line(e, s, s->by_exchange[i]);
  }
}

static void cut_settings(struct ehlo_shrink_edits *e, const struct ehlo_shrink_scan *s,
                         const char *const *words, size_t num_words) {
  uint32_t at;
  uint32_t len;
  for (size_t i = 0; i < s->num_lines; i++) {
    for (size_t w = 0; w < num_words; w++) {
      if (ehlo_shrink_setting(&at, &len, s, i, words[w])) {
        cut_line(e, s, i);
      }
    }
  }
}

// ---- Messages -----------------------------------------------------------------------------------

// Which message a setting goes with. "message" stands between two of them: with the first one goes
// the mark of the second.
static uint32_t message_of(const struct ehlo_shrink_scan *s, size_t line) {
  uint32_t at;
  uint32_t len;
  bool mark = ehlo_shrink_setting(&at, &len, s, line, "message");
  return mark && s->lines[line].message == 1 ? 0 : s->lines[line].message;
}

// Each message with its settings and its transaction. Both stand in the order of the messages.
static void pass_messages(struct ehlo_shrink_edits *e, const struct ehlo_shrink_scan *s) {
  size_t line = 0;
  size_t x = 0;
  for (uint32_t n = 0; line < s->num_lines || x < s->num_exchanges; n++) {
    for (; line < s->num_lines &&
           (s->lines[line].message == EHLO_SHRINK_NONE || message_of(s, line) <= n);
         line++) {
      if (s->lines[line].message != EHLO_SHRINK_NONE) {
        cut_line(e, s, line);
      }
    }
    for (; x < s->num_exchanges && s->exchanges[x].transaction <= n + 1; x++) {
      if (s->exchanges[x].transaction > 0) {
        cut_exchange(e, s, x);
      }
    }
    ehlo_shrink_edit_end(e);
  }
}

// The text of a message, all lines of it but the final dot. A chunk keeps its command.
static void pass_texts(struct ehlo_shrink_edits *e, const struct ehlo_shrink_scan *s) {
  for (size_t i = 0; i < s->num_lines;) {
    size_t first = i;
    for (; i < s->num_lines && s->lines[i].role == EHLO_ROLE_TEXT &&
           s->lines[i].exchange == s->lines[first].exchange;
         i++) {
      const struct ehlo_shrink_line *l = &s->lines[i];
      if (l->text_len != 1 || s->text[l->text_at] != '.') {
        cut_line(e, s, i);
      }
    }
    ehlo_shrink_edit_end(e);
    i += i == first;
  }
}

// ---- Recipients ---------------------------------------------------------------------------------

// LMTP answers a message once for each recipient that was accepted: this one's answer goes, too.
static void cut_recipient_exchange(struct ehlo_shrink_edits *e, const struct ehlo_shrink_scan *s,
                                   size_t exchange) {
  const struct ehlo_shrink_exchange *rcpt = &s->exchanges[exchange];
  cut_exchange(e, s, exchange);
  if (rcpt->code / 100 != 2) {
    return;
  }
  for (size_t k = exchange;
       k < s->num_exchanges && s->exchanges[k].transaction <= rcpt->transaction; k++) {
    const struct ehlo_shrink_exchange *x = &s->exchanges[k];
    bool answers_each = x->num_replies > 1 && x->transaction == rcpt->transaction &&
                        (x->kind == EHLO_EXCHANGE_MESSAGE || x->kind == EHLO_EXCHANGE_BDAT);
    for (uint32_t i = x->first_line; answers_each && i < x[1].first_line; i++) {
      const struct ehlo_shrink_line *l = &s->lines[s->by_exchange[i]];
      if (l->role == EHLO_ROLE_REPLY && l->reply == rcpt->accepted_before) {
        cut_line(e, s, s->by_exchange[i]);
      }
    }
  }
}

// A setting or a command that names a recipient.
struct named {
  const char *path;
  uint32_t len;
  uint32_t line;
};

static int by_path(const void *x, const void *y) {
  const struct named *a = x;
  const struct named *b = y;
  int order = memcmp(a->path, b->path, a->len < b->len ? a->len : b->len);
  return order != 0 ? order : (a->len > b->len) - (a->len < b->len);
}

static int by_path_and_line(const void *x, const void *y) {
  int order = by_path(x, y);
  uint32_t a = ((const struct named *)x)->line;
  uint32_t b = ((const struct named *)y)->line;
  return order != 0 ? order : (a > b) - (a < b);
}

// "submit to <path>"
static bool take_setting(struct named *out, const struct ehlo_shrink_scan *s, size_t line) {
  uint32_t at;
  bool good = ehlo_shrink_setting(&at, &out->len, s, line, "to");
  out->path = good ? s->text + at : NULL;
  out->line = (uint32_t)line;
  return good;
}

// "RCPT TO:<path>", with or without parameters.
static bool take_command(struct named *out, const struct ehlo_shrink_scan *s, size_t line) {
  static const char mark[] = "RCPT TO:";
  const uint32_t mark_len = sizeof(mark) - 1;
  const struct ehlo_shrink_line *l = &s->lines[line];
  if (l->role != EHLO_ROLE_COMMAND || l->text_len <= mark_len ||
      memcmp(s->text + l->text_at, mark, mark_len) != 0) {
    return false;
  }
  *out = (struct named){s->text + l->text_at + mark_len, 0, (uint32_t)line};
  uint32_t most = l->text_len - mark_len;
  while (out->len < most &&
         (out->len == 0 || out->path[out->len - 1] != '>' || out->path[out->len] != ' ')) {
    out->len++;
  }
  return true;
}

// All lines that `take` takes, by path and then by line. NULL: there is no memory.
static struct named *sorted(size_t *out_num, const struct ehlo_shrink_scan *s,
                            bool (*take)(struct named *, const struct ehlo_shrink_scan *, size_t)) {
  struct named *all = malloc((s->num_lines + 1) * sizeof(*all));
  *out_num = 0;
  for (size_t i = 0; all != NULL && i < s->num_lines; i++) {
    *out_num += take(&all[*out_num], s, i);
  }
  if (all != NULL) {
    qsort(all, *out_num, sizeof(*all), by_path_and_line);
  }
  return all;
}

// The first in a sorted list that is not before this path, or not at it either.
static size_t bound(const struct named *all, size_t num, const struct named *path, bool upper) {
  size_t lo = 0;
  while (lo < num) {
    size_t middle = lo + (num - lo) / 2;
    int order = by_path(&all[middle], path);
    if (order < 0 || (upper && order == 0)) {
      lo = middle + 1;
    } else {
      num = middle;
    }
  }
  return lo;
}

// The commands of the recipient at `n` of the settings: its own, where there is one for each setting
// that names it, else all that name it, since it was tried again.
static void cut_commands(struct ehlo_shrink_edits *e, const struct ehlo_shrink_scan *s,
                         const struct named *settings, size_t num_settings, size_t n,
                         const struct named *commands, size_t num_commands) {
  size_t first_setting = bound(settings, num_settings, &settings[n], false);
  size_t end_setting = bound(settings, num_settings, &settings[n], true);
  size_t first = bound(commands, num_commands, &settings[n], false);
  size_t end = bound(commands, num_commands, &settings[n], true);
  if (end - first == end_setting - first_setting) {
    first += n - first_setting;
    end = first + 1;
  }
  for (size_t i = first; i < end; i++) {
    cut_recipient_exchange(e, s, s->lines[commands[i].line].exchange);
  }
}

static void pass_recipients(struct ehlo_shrink_edits *e, const struct ehlo_shrink_scan *s) {
  size_t num_settings;
  size_t num_commands;
  struct named *settings = sorted(&num_settings, s, take_setting);
  struct named *commands = sorted(&num_commands, s, take_command);
  e->failed = e->failed || settings == NULL || commands == NULL;
  for (size_t i = 0; i < s->num_lines && !e->failed; i++) {
    struct named setting;
    uint32_t at;
    uint32_t len;
    if (!take_setting(&setting, s, i)) {
      continue;
    }
    size_t n = bound(settings, num_settings, &setting, false);
    while (settings[n].line != i) {
      n++;
    }
    cut_line(e, s, i);
    for (size_t k = i + 1; k < s->num_lines && ehlo_shrink_setting(&at, &len, s, k, "rcpt-params");
         k++) {
      cut_line(e, s, k);
    }
    cut_commands(e, s, settings, num_settings, n, commands, num_commands);
    ehlo_shrink_edit_end(e);
  }
  free(settings);
  free(commands);
}

// ---- Parts of a session -------------------------------------------------------------------------

// Cuts the first exchange of this kind from `from` on, if there is one; returns it or SIZE_MAX.
static size_t cut_next(struct ehlo_shrink_edits *e, const struct ehlo_shrink_scan *s,
                       enum ehlo_exchange_kind kind, size_t from) {
  for (size_t x = from; x < s->num_exchanges; x++) {
    if (s->exchanges[x].kind == kind) {
      cut_exchange(e, s, x);
      return x;
    }
  }
  return SIZE_MAX;
}

static void cut_kind(struct ehlo_shrink_edits *e, const struct ehlo_shrink_scan *s,
                     enum ehlo_exchange_kind kind) {
  for (size_t i = 0; i < s->num_lines; i++) {
    if (s->lines[i].exchange != EHLO_SHRINK_NONE &&
        s->exchanges[s->lines[i].exchange].kind == kind) {
      cut_line(e, s, i);
    }
  }
}

static void cut_facts(struct ehlo_shrink_edits *e, const struct ehlo_shrink_scan *s,
                      enum ehlo_fact fact) {
  for (size_t i = 0; i < s->num_lines; i++) {
    if (s->lines[i].type == EHLO_ITEM_FACT && s->lines[i].fact == fact) {
      cut_line(e, s, i);
    }
  }
}

// Logging in; XCLIENT and STARTTLS each with the EHLO that has to follow them.
static void pass_features(struct ehlo_shrink_edits *e, const struct ehlo_shrink_scan *s) {
  static const char *const auth[] = {"user",           "auth",  "initial-response",
                                     "auth-attempts",  "nonce", "allow-cleartext-auth",
                                     "channel-binding"};
  static const char *const xclient[] = {"xclient"};
  static const char *const binding[] = {"channel-binding"};
  cut_settings(e, s, auth, sizeof(auth) / sizeof(auth[0]));
  cut_kind(e, s, EHLO_EXCHANGE_AUTH);
  ehlo_shrink_edit_end(e);
  size_t x = cut_next(e, s, EHLO_EXCHANGE_XCLIENT, 0);
  if (x != SIZE_MAX) {
    cut_settings(e, s, xclient, 1);
    cut_next(e, s, EHLO_EXCHANGE_HELO, x);
    ehlo_shrink_edit_end(e);
  }
  x = cut_next(e, s, EHLO_EXCHANGE_STARTTLS, 0);
  if (x != SIZE_MAX) {
    cut_settings(e, s, binding, 1);
    cut_facts(e, s, EHLO_FACT_TLS);
    cut_next(e, s, EHLO_EXCHANGE_HELO, x);
    ehlo_shrink_edit_end(e);
  }
}

// Each exchange; DATA goes with the message that follows it.
static void pass_exchanges(struct ehlo_shrink_edits *e, const struct ehlo_shrink_scan *s) {
  for (size_t x = 0; x < s->num_exchanges; x++) {
    if (s->exchanges[x].kind == EHLO_EXCHANGE_MESSAGE) {
      continue;
    }
    cut_exchange(e, s, x);
    if (s->exchanges[x].kind == EHLO_EXCHANGE_DATA) {
      cut_next(e, s, EHLO_EXCHANGE_MESSAGE, x);
    }
    ehlo_shrink_edit_end(e);
  }
}

// ---- Parameters ---------------------------------------------------------------------------------

// The next " WORD" or " WORD=value" of a command behind its path.
static bool next_parameter(const struct ehlo_shrink_scan *s, const struct ehlo_shrink_line *l,
                           uint32_t *pos, uint32_t *out_at, uint32_t *out_len) {
  uint32_t end = l->text_at + l->text_len;
  while (*pos < end && s->text[*pos] != ' ') {
    (*pos)++;
  }
  *out_at = *pos;
  if (*pos >= end) {
    return false;
  }
  for ((*pos)++; *pos < end && s->text[*pos] != ' '; (*pos)++) {
  }
  *out_len = *pos - *out_at;
  return true;
}

static bool same_word(const struct ehlo_shrink_scan *s, uint32_t a, uint32_t a_len, uint32_t b,
                      uint32_t b_len) {
  uint32_t i = 0;
  while (i < a_len && i < b_len && s->text[a + i] == s->text[b + i] && s->text[a + i] != '=') {
    i++;
  }
  return (i == a_len || s->text[a + i] == '=') && (i == b_len || s->text[b + i] == '=');
}

static bool has_parameters(const struct ehlo_shrink_scan *s, size_t line) {
  const struct ehlo_shrink_line *l = &s->lines[line];
  return l->role == EHLO_ROLE_COMMAND && l->first_piece == line &&
         (s->exchanges[l->exchange].kind == EHLO_EXCHANGE_MAIL ||
          s->exchanges[l->exchange].kind == EHLO_EXCHANGE_RCPT);
}

// The place behind "MAIL FROM:" and "RCPT TO:", from which on blanks part.
static uint32_t path_of(const struct ehlo_shrink_line *l) {
  return l->text_at + (l->text_len < 10 ? l->text_len : 10);
}

// Cuts a parameter out of all commands; `with_settings`, out of the facts too; else the line of EHLO's
// reply that offers it goes.
static void cut_parameter(struct ehlo_shrink_edits *e, const struct ehlo_shrink_scan *s,
                          uint32_t word, uint32_t word_len, bool with_settings) {
  for (size_t i = 0; i < s->num_lines; i++) {
    const struct ehlo_shrink_line *l = &s->lines[i];
    uint32_t at;
    uint32_t len;
    for (uint32_t pos = path_of(l);
         has_parameters(s, i) && next_parameter(s, l, &pos, &at, &len);) {
      if (same_word(s, at, len, word, word_len)) {
        ehlo_shrink_cut(e, at, len);
      }
    }
    bool offered = l->role == EHLO_ROLE_REPLY &&
                   s->exchanges[l->exchange].kind == EHLO_EXCHANGE_HELO && l->text_len > 4;
    uint32_t keyword_len = offered ? l->text_len - 4 : 0;
    for (uint32_t k = 0; k < keyword_len; k++) {
      keyword_len = s->text[l->text_at + 4 + k] == ' ' ? k : keyword_len;
    }
    if (!with_settings && offered &&
        same_word(s, l->text_at + 4, keyword_len, word + 1, word_len - 1)) {
      cut_line(e, s, i);
    }
  }
  bool size = word_len >= 5 && memcmp(s->text + word, " SIZE", 5) == 0;
  bool body = word_len >= 5 && memcmp(s->text + word, " BODY", 5) == 0;
  static const char *const size_words[] = {"size"};
  static const char *const body_words[] = {"8bit", "binary"};
  static const char *const other_words[] = {"mail-params", "rcpt-params"};
  if (with_settings) {
    cut_settings(e, s, size ? size_words : body ? body_words : other_words, size ? 1 : 2);
  }
}

// The parameters of the first command that has each of them.
static void pass_parameters(struct ehlo_shrink_edits *e, const struct ehlo_shrink_scan *s) {
  for (size_t i = 0; i < s->num_lines; i++) {
    const struct ehlo_shrink_line *l = &s->lines[i];
    uint32_t at;
    uint32_t len;
    for (uint32_t pos = path_of(l);
         has_parameters(s, i) && next_parameter(s, l, &pos, &at, &len);) {
      cut_parameter(e, s, at, len, true);
      ehlo_shrink_edit_end(e);
      cut_parameter(e, s, at, len, false);
      ehlo_shrink_edit_end(e);
    }
    if (e->num > 64) {
      return;
    }
  }
}

// ---- The rest -----------------------------------------------------------------------------------

static void pass_facts(struct ehlo_shrink_edits *e, const struct ehlo_shrink_scan *s) {
  for (size_t i = 0; i < s->num_lines; i++) {
    const struct ehlo_shrink_line *l = &s->lines[i];
    if (l->role == EHLO_ROLE_NONE && l->type != EHLO_ITEM_EVENT && !ehlo_shrink_is_kept(s, i)) {
      cut_line(e, s, i);
      ehlo_shrink_edit_end(e);
    }
  }
}

static void pass_events(struct ehlo_shrink_edits *e, const struct ehlo_shrink_scan *s) {
  for (size_t i = 0; i < s->num_lines; i++) {
    if (s->lines[i].type == EHLO_ITEM_EVENT) {
      cut_line(e, s, i);
      ehlo_shrink_edit_end(e);
    }
  }
}

const ehlo_shrink_pass_fn ehlo_shrink_item_passes[] = {
    pass_events,   pass_messages,  pass_recipients, pass_texts,
    pass_features, pass_exchanges, pass_parameters, pass_facts,
};
const size_t ehlo_shrink_num_item_passes =
    sizeof(ehlo_shrink_item_passes) / sizeof(ehlo_shrink_item_passes[0]);
