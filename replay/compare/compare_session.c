// Reads one session and keeps what is to be compared of it: words shortened, texts as hashes.
#include "replay/compare/compare_session.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HASH_START UINT64_C(14695981039346656037)
#define HASH_PRIME UINT64_C(1099511628211)
#define WORDS_EACH_MAX 256

struct reading {
  struct ehlo_compare_session *s;
  struct ehlo_reader reader;
  struct ehlo_dialogue dialogue;
  bool memory;
  uint64_t answered_us;  // when the reply before came
  // Of the dialogue's exchanges, which of ours; those beyond are not kept.
  uint32_t *index;
  size_t index_cap;
  size_t ordinals[EHLO_NUM_EXCHANGE_KINDS + 1];
  // The message's line under way.
  uint32_t text_hash;
  size_t text_len;
  size_t text_line;  // of the file
  bool in_header;
  bool fleeting;
  char text[96];
};

static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t len) {
  for (size_t i = 0; i < len; i++) {
    hash = (hash ^ ((const uint8_t *)bytes)[i]) * HASH_PRIME;
  }
  return hash;
}

// ---- Memory -------------------------------------------------------------------------------------

// Room for one more in an array; NULL where there is none, or `most` are there.
static void *grow(struct reading *r, void *array, size_t *cap, size_t num, size_t most,
                  size_t size) {
  if (num >= most) {
    return NULL;
  }
  if (num < *cap) {
    return array;
  }
  size_t larger = num * 2 + 16;
  void *more = realloc(array, larger * size);
  r->memory = r->memory && more != NULL;
  *cap = more != NULL ? larger : *cap;
  return more;
}

const char *ehlo_compare_words(const struct ehlo_compare_session *s, uint32_t words) {
  return words == 0 ? "" : s->words + words;
}

static bool make_room(struct reading *r, size_t len) {
  struct ehlo_compare_session *s = r->s;
  if (s->words_len + len > EHLO_COMPARE_WORDS_MAX) {
    return false;
  }
  if (s->words_len + len > s->words_cap) {
    size_t cap = (s->words_len + len) * 2 + 4096;
    char *more = realloc(s->words, cap);
    r->memory = r->memory && more != NULL;
    if (more == NULL) {
      return false;
    }
    s->words = more;
    s->words_cap = cap;
  }
  return true;
}

// Keeps up to `most` octets, made printable.
static uint32_t keep(struct reading *r, const void *bytes, size_t len, size_t most) {
  struct ehlo_compare_session *s = r->s;
  size_t n = len < most ? len : most;
  if (n == 0 || !make_room(r, n * 4 + 8)) {
    return 0;
  }
  s->words_len += s->words_len == 0;  // 0 is the empty one
  size_t start = s->words_len;
  for (size_t i = 0; i < n; i++) {
    uint8_t c = ((const uint8_t *)bytes)[i];
    bool plain = c >= 0x20 && c <= 0x7e;
    s->words_len += (size_t)snprintf(s->words + s->words_len, 5, plain ? "%c" : "\\x%02x", c);
  }
  if (n < len) {
    memcpy(s->words + s->words_len, "...", 3);
    s->words_len += 3;
  }
  s->words[s->words_len++] = '\0';
  return (uint32_t)start;
}

// ---- Exchanges ----------------------------------------------------------------------------------

static struct ehlo_compare_exchange *add_exchange(struct reading *r, int kind, size_t line) {
  struct ehlo_compare_session *s = r->s;
  struct ehlo_compare_exchange *more = grow(r, s->exchanges, &s->exchanges_cap, s->num_exchanges,
                                            EHLO_COMPARE_EXCHANGES_MAX, sizeof(*more));
  if (more == NULL) {
    s->num_more++;
    return NULL;
  }
  s->exchanges = more;
  struct ehlo_compare_exchange *x = &more[s->num_exchanges++];
  memset(x, 0, sizeof(*x));
  x->kind = kind;
  x->secure = r->dialogue.turns.secure;
  x->ordinal = ++r->ordinals[kind];
  x->line = line;
  // Of what was said without being asked for, the wait is since the last thing that happened.
  bool unasked = kind == EHLO_EXCHANGE_GREETING || kind == EHLO_EXCHANGE_UNASKED;
  x->asked_us = unasked ? r->answered_us : r->dialogue.time_us;
  x->codes_hash = x->reply_hash = HASH_START;
  x->command_hash = x->spoken_hash = HASH_START;
  x->text_hash = x->lasting_hash = HASH_START;
  return x;
}

// Ours for one of the dialogue's; NULL if it is not kept.
static struct ehlo_compare_exchange *exchange_of(struct reading *r, size_t exchange, int kind,
                                                 size_t line) {
  if (exchange >= EHLO_COMPARE_EXCHANGES_MAX + 1024) {
    r->s->num_more++;
    return NULL;
  }
  if (r->index[exchange] == 0) {
    if (add_exchange(r, kind, line) == NULL) {
      return NULL;
    }
    r->index[exchange] = (uint32_t)r->s->num_exchanges;
  }
  return &r->s->exchanges[r->index[exchange] - 1];
}

// Of a command without the octets that it announces: "SIZE=86" of MAIL, "86" of BDAT.
static uint64_t hash_without_size(const struct ehlo_dialogue_line *line) {
  static const char mark[] = " SIZE=";
  bool bdat = line->kind == EHLO_EXCHANGE_BDAT;
  size_t at = bdat ? 4 : 0;
  if ((!bdat && line->kind != EHLO_EXCHANGE_MAIL) || line->len == EHLO_DIALOGUE_LINE_MAX) {
    return line->hash;
  }
  while (!bdat && at < line->len &&
         (line->len - at < sizeof(mark) - 1 ||
          strncasecmp((const char *)line->bytes + at, mark, sizeof(mark) - 1) != 0)) {
    at++;
  }
  uint64_t hash = hash_bytes(HASH_START, line->bytes, at);
  at += at < line->len;
  while (at < line->len && line->bytes[at] != ' ') {
    at++;
  }
  return hash_bytes(hash, line->bytes + at, line->len - at);
}

static void take_command(struct reading *r, const struct ehlo_dialogue_line *line) {
  struct ehlo_compare_exchange *x =
      exchange_of(r, line->exchange, (int)line->kind, line->file_line);
  if (x == NULL) {
    r->s->more_hash = r->s->more_hash * HASH_PRIME ^ line->hash;
    return;
  }
  x->asked_us = line->time_us;
  if (!line->continued) {
    x->kind = (int)line->kind;
    x->command = keep(r, line->bytes, line->len, WORDS_EACH_MAX);
    x->command_hash = hash_without_size(line);
    x->spoken_hash = line->hash;
    r->s->greeted_in_clear =
        r->s->greeted_in_clear || (line->kind == EHLO_EXCHANGE_HELO && !r->dialogue.turns.secure);
  }
}

// ---- Replies ------------------------------------------------------------------------------------

// Characters of an enhanced status code at `text` (RFC 3463 §2), 0: there is none.
static size_t enhanced_len(const uint8_t *text, size_t len) {
  size_t i = 0;
  unsigned dots = 0;
  for (; i < len && (isdigit(text[i]) || (text[i] == '.' && i > 0 && text[i - 1] != '.')); i++) {
    dots += text[i] == '.';
  }
  bool good = dots == 2 && i >= 5 && text[1] == '.' && text[i - 1] != '.' &&
              (text[0] == '2' || text[0] == '4' || text[0] == '5');
  return good && i <= 9 && (i == len || text[i] == ' ') ? i : 0;
}

static void take_capability(struct reading *r, struct ehlo_compare_exchange *x,
                            const struct ehlo_dialogue_line *line, const uint8_t *text,
                            size_t len) {
  struct ehlo_compare_session *s = r->s;
  char keyword[64];
  size_t keyword_len = 0;
  while (keyword_len < len && keyword_len < sizeof(keyword) && text[keyword_len] != ' ') {
    keyword[keyword_len] = (char)toupper(text[keyword_len]);
    keyword_len++;
  }
  if (keyword_len == 0) {
    return;
  }
  struct ehlo_compare_capability *more =
      grow(r, s->capabilities, &s->capabilities_cap, s->num_capabilities,
           EHLO_COMPARE_CAPABILITIES_MAX, sizeof(*more));
  if (more == NULL) {
    return;
  }
  s->capabilities = more;
  x->first_capability = x->num_capabilities == 0 ? s->num_capabilities : x->first_capability;
  x->num_capabilities++;
  size_t rest = keyword_len + (keyword_len < len && text[keyword_len] == ' ');
  uint32_t kept = keep(r, keyword, keyword_len, sizeof(keyword));
  s->capabilities[s->num_capabilities++] = (struct ehlo_compare_capability){
      kept, keep(r, text + rest, len - rest, WORDS_EACH_MAX * 4), line->file_line};
}

static void add_code(struct ehlo_compare_exchange *x, const struct ehlo_dialogue_line *line,
                     size_t enhanced) {
  size_t at = strlen(x->codes);
  const char *words = (const char *)line->bytes + 4;
  x->codes_hash = hash_bytes(x->codes_hash, &line->code, sizeof(line->code));
  x->codes_hash = hash_bytes(x->codes_hash, words, enhanced);
  snprintf(x->codes + at, sizeof(x->codes) - at, "%s%03u%s%.*s", at > 0 ? ", " : "", line->code,
           enhanced > 0 ? " " : "", (int)enhanced, words);
}

static void end_reply(struct reading *r, struct ehlo_compare_exchange *x,
                      const struct ehlo_dialogue_line *line) {
  uint64_t from = x->asked_us > r->answered_us ? x->asked_us : r->answered_us;
  x->code = line->code;
  x->waited_us = line->time_us - from;
  r->answered_us = line->time_us;
}

static void take_reply(struct reading *r, const struct ehlo_dialogue_line *line) {
  struct ehlo_compare_exchange *x =
      exchange_of(r, line->exchange, (int)line->kind, line->file_line);
  if (x == NULL) {
    r->s->more_hash = r->s->more_hash * HASH_PRIME ^ line->code;
    return;
  }
  x->reply_line = x->reply_line == 0 || !line->continued ? line->file_line : x->reply_line;
  bool challenge = line->kind == EHLO_EXCHANGE_AUTH && line->code == 334;
  size_t words_at = line->code != 0 && line->len > 4 ? 4 : line->code != 0 ? line->len : 0;
  size_t enhanced =
      line->code != 0 ? enhanced_len(line->bytes + words_at, line->len - words_at) : 0;
  if (!line->continued && !challenge) {
    add_code(x, line, enhanced);
  }
  const uint8_t *text = line->bytes + words_at + enhanced;
  size_t len = line->len - words_at - enhanced;
  if (x->kind == EHLO_EXCHANGE_HELO && line->continued && line->code / 100 == 2) {
    take_capability(r, x, line, line->bytes + words_at, line->len - words_at);
  } else if (!challenge) {
    x->reply_hash = hash_bytes(x->reply_hash, &line->hash, sizeof(line->hash));
    x->reply = x->reply == 0 ? keep(r, text + (len > 0 && *text == ' '),
                                    len - (len > 0 && *text == ' '), WORDS_EACH_MAX / 2)
                             : x->reply;
  }
  if (line->ends_reply) {
    end_reply(r, x, line);
  }
}

static void on_line(void *arg, const struct ehlo_dialogue_line *line) {
  if (line->side == EHLO_SIDE_CLIENT) {
    take_command(arg, line);
  } else {
    take_reply(arg, line);
  }
}

// ---- Messages -----------------------------------------------------------------------------------

// What is different in each message: who made it says when, and draws names.
static bool begins_fleeting(const char *text) {
  static const char *const names[] = {
      "Date:", "Message-ID:", "Received:", "DKIM-Signature:", "ARC-"};
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    if (strncasecmp(text, names[i], strlen(names[i])) == 0) {
      return true;
    }
  }
  return strncasecmp(text, "Content-Type:", 13) == 0 && strstr(text, "boundary=") != NULL;
}

static void judge_text_line(struct reading *r) {
  bool folded = r->text[0] == ' ' || r->text[0] == '\t';
  bool blank = r->text_len == 2 && r->text[0] == '\r';
  if (blank) {
    r->in_header = false;
  }
  if (!r->in_header) {
    r->fleeting = r->text_len >= 2 && memcmp(r->text, "--", 2) == 0;  // a boundary
  } else if (folded) {
    r->fleeting = r->fleeting || strstr(r->text, "boundary=") != NULL;
  } else {
    r->fleeting = begins_fleeting(r->text);
  }
}

static void end_text_line(struct reading *r, struct ehlo_compare_exchange *x) {
  struct ehlo_compare_session *s = r->s;
  size_t kept = r->text_len < sizeof(r->text) - 1 ? r->text_len : sizeof(r->text) - 1;
  r->text[kept] = '\0';
  judge_text_line(r);
  x->text_line_count++;
  x->text_hash = hash_bytes(x->text_hash, &r->text_hash, sizeof(r->text_hash));
  x->lasting_hash = r->fleeting ? x->lasting_hash
                                : hash_bytes(x->lasting_hash, &r->text_hash, sizeof(r->text_hash));
  struct ehlo_compare_text_line *more =
      grow(r, s->text_lines, &s->text_lines_cap, s->num_text_lines, EHLO_COMPARE_TEXT_LINES_MAX,
           sizeof(*more));
  if (more != NULL) {
    while (kept > 0 && (r->text[kept - 1] == '\r' || r->text[kept - 1] == '\n')) {
      kept--;
    }
    bool quoted = s->num_text_lines < EHLO_COMPARE_TEXT_QUOTED_MAX;
    s->text_lines = more;
    x->first_text_line = x->num_text_lines == 0 ? s->num_text_lines : x->first_text_line;
    x->num_text_lines++;
    s->text_lines[s->num_text_lines++] = (struct ehlo_compare_text_line){
        r->text_hash, r->fleeting, quoted ? keep(r, r->text, kept, 80) : 0, r->text_line};
  }
  r->text_len = 0;
}

static void on_text(void *arg, size_t exchange, const uint8_t *bytes, size_t len,
                    size_t file_line) {
  struct reading *r = arg;
  struct ehlo_compare_exchange *x = exchange_of(r, exchange, EHLO_EXCHANGE_MESSAGE, file_line);
  if (x == NULL) {
    r->s->more_hash = hash_bytes(r->s->more_hash, bytes, len);
    return;
  }
  if (x->octets == 0) {
    r->in_header = true;
    r->fleeting = false;
    r->text_len = 0;
  }
  x->octets += len;
  for (size_t i = 0; i < len; i++) {
    if (r->text_len == 0) {
      r->text_hash = (uint32_t)HASH_START;
      r->text_line = file_line;
    }
    if (r->text_len < sizeof(r->text) - 1) {
      r->text[r->text_len] = (char)bytes[i];
    }
    r->text_len++;
    r->text_hash = (r->text_hash ^ bytes[i]) * 16777619U;
    if (bytes[i] == '\n') {
      end_text_line(r, x);
    }
  }
}

static void on_text_end(void *arg, size_t exchange, uint64_t time_us) {
  struct reading *r = arg;
  struct ehlo_compare_exchange *x = exchange_of(r, exchange, EHLO_EXCHANGE_MESSAGE, 0);
  if (x == NULL) {
    return;
  }
  if (r->text_len > 0) {
    end_text_line(r, x);
  }
  if (x->kind == EHLO_EXCHANGE_MESSAGE && x->octets >= 3) {
    x->octets -= 3;  // the final dot, which is not the message's
  }
  x->asked_us = time_us;
}

// ---- Facts and events ---------------------------------------------------------------------------

static void take_tls(struct reading *r, const struct ehlo_item *item) {
  struct ehlo_compare_exchange *x = add_exchange(r, EHLO_COMPARE_TLS, item->line);
  if (x == NULL) {
    return;
  }
  x->failed = item->failed;
  x->command = keep(r, item->args, item->args_len, WORDS_EACH_MAX * 2);
  x->reply_line = item->line;
  x->waited_us = r->dialogue.time_us - r->answered_us;
  r->answered_us = r->dialogue.time_us;
}

static void take_setting(struct reading *r, const struct ehlo_item *item) {
  struct ehlo_compare_session *s = r->s;
  // What is told in MAIL, RCPT, EHLO and the message is compared there; a nonce is drawn each time.
  static const char *const elsewhere[] = {"from", "to",    "mail-params",    "rcpt-params",
                                          "size", "8bit",  "binary",         "message",
                                          "helo", "nonce", "channel-binding"};
  size_t word = strcspn(item->args, " ");
  s->has_settings = true;
  for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++) {
    if (strlen(elsewhere[i]) == word && memcmp(item->args, elsewhere[i], word) == 0) {
      return;
    }
  }
  struct ehlo_compare_setting *more = grow(r, s->settings, &s->settings_cap, s->num_settings,
                                           EHLO_COMPARE_SETTINGS_MAX, sizeof(*more));
  if (more != NULL) {
    s->settings = more;
    s->settings[s->num_settings++] = (struct ehlo_compare_setting){
        keep(r, item->args, item->args_len, WORDS_EACH_MAX), item->line};
  }
}

static void take_fact(struct reading *r, const struct ehlo_item *item) {
  struct ehlo_compare_session *s = r->s;
  switch (item->fact) {
    case EHLO_FACT_HEADER:
      break;
    case EHLO_FACT_CONNECT:
      s->connect = keep(r, item->args, item->args_len, WORDS_EACH_MAX);
      s->connect_failed = item->failed;
      s->connect_line = item->line;
      r->answered_us = r->dialogue.time_us;
      break;
    case EHLO_FACT_TLS:
      take_tls(r, item);
      break;
    case EHLO_FACT_EOF:
      s->end = item->side == EHLO_SIDE_SERVER ? EHLO_COMPARE_EOF_S : EHLO_COMPARE_EOF_C;
      s->end_line = item->line;
      break;
    case EHLO_FACT_RESET:
      s->end = item->side == EHLO_SIDE_SERVER ? EHLO_COMPARE_RESET_S : EHLO_COMPARE_RESET_C;
      s->end_line = item->line;
      break;
    case EHLO_FACT_TIMEOUT:
      s->timed_out = true;
      s->end_line = item->line;
      break;
    case EHLO_FACT_NOTE:
      s->knows_times = s->knows_times && strcmp(item->args, "unknown times") != 0;
      s->knows_pieces = s->knows_pieces && strcmp(item->args, "unknown chunks") != 0;
      break;
    case EHLO_FACT_SUBMIT:
      take_setting(r, item);
      break;
  }
}

static void take_event(struct reading *r, const struct ehlo_item *item) {
  struct ehlo_compare_session *s = r->s;
  if (strncmp(item->text, "outcome ", 8) == 0) {
    s->outcome = keep(r, item->text + 8, item->text_len - 8, 96);
    s->outcome_line = item->line;
  } else if (strncmp(item->text, "failed ", 7) == 0) {
    s->failure = keep(r, item->text + 7, strcspn(item->text + 7, " "), 96);
    s->failure_line = item->line;
  }
}

// A piece is what came at once: a new one begins at a time, and after the other side spoke.
static void count_piece(struct reading *r, const struct ehlo_item *item,
                        struct ehlo_dialogue_place place, bool *in_piece) {
  bool server = item->type == EHLO_ITEM_SERVER;
  if (server && place.exchange < EHLO_COMPARE_EXCHANGES_MAX && r->index[place.exchange] != 0) {
    r->s->exchanges[r->index[place.exchange] - 1].num_pieces += item->has_time || !*in_piece;
  }
  if (item->type != EHLO_ITEM_COMMENT && item->type != EHLO_ITEM_EVENT) {
    *in_piece = server;
  }
}

// ---- The whole ----------------------------------------------------------------------------------

static enum ehlo_read_result run(struct reading *r) {
  struct ehlo_item item;
  enum ehlo_read_result result;
  bool any_time = false;
  bool in_piece = false;
  r->s->knows_times = true;
  r->s->knows_pieces = true;
  while (r->memory && (result = ehlo_reader_next(&r->reader, &item)) == EHLO_READ_ITEM) {
    any_time = any_time || item.has_time;
    struct ehlo_dialogue_place place = ehlo_dialogue_item(&r->dialogue, &item);
    count_piece(r, &item, place, &in_piece);
    if (item.type == EHLO_ITEM_FACT) {
      take_fact(r, &item);
    } else if (item.type == EHLO_ITEM_EVENT) {
      take_event(r, &item);
    }
  }
  r->s->knows_times = r->s->knows_times && any_time;
  return r->memory ? result : EHLO_READ_FAILED;
}

enum ehlo_read_result ehlo_compare_read(struct ehlo_compare_session *out,
                                        struct ehlo_transcript_error *out_error, bool *out_memory,
                                        ehlo_read_fn read, void *arg) {
  struct reading *r = calloc(1, sizeof(*r));
  enum ehlo_read_result result = EHLO_READ_FAILED;
  memset(out, 0, sizeof(*out));
  *out_memory = false;
  if (r == NULL) {
    return result;
  }
  r->s = out;
  r->index = calloc(EHLO_COMPARE_EXCHANGES_MAX + 1024, sizeof(*r->index));
  r->memory = r->index != NULL;
  ehlo_reader_init(&r->reader, read, arg);
  ehlo_dialogue_init(&r->dialogue, &(struct ehlo_dialogue_hooks){on_line, on_text, on_text_end, r});
  result = run(r);
  *out_memory = r->memory;
  *out_error = r->reader.error;
  free(r->index);
  free(r);
  return result;
}

void ehlo_compare_session_free(struct ehlo_compare_session *s) {
  free(s->exchanges);
  free(s->capabilities);
  free(s->text_lines);
  free(s->settings);
  free(s->words);
}
