// JSON Lines of a transcript. The fields are a promise to programs: some may come, none goes or changes
// its meaning. Text of a peer is escaped by text_write_json_string() and text_write_json() alone. A
// transcript may have millions of lines, so they are written as they come; only the parts of facts, of
// which there are few, are gathered first.
#include "tools/driver/show_json.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ehlo.h"
#include "tools/driver/explanation.h"
#include "tools/driver/text.h"
#include "tools/show/facts.h"
#include "tools/show/question.h"

// ---- Text ---------------------------------------------------------------------------------------

static const char *type_name(enum ehlo_item_type type) {
  static const char *const names[] = {"comment", "fact", "server", "client", "event"};
  return names[type];
}

static bool is_dialogue(const struct ehlo_item *item) {
  return item->type == EHLO_ITEM_SERVER || item->type == EHLO_ITEM_CLIENT;
}

static struct ehlo_span text_of(const struct ehlo_item *item) {
  return (struct ehlo_span){(const uint8_t *)item->text, item->text_len};
}

// The bytes of an item, with its secrets as the transcript has them.
static struct ehlo_span shown_text(const struct ehlo_item *item) {
  if (!is_dialogue(item) || item->num_secrets > 0) {
    return text_of(item);
  }
  return (struct ehlo_span){item->bytes, item->bytes_len - (item->ends_line ? 2 : 0)};
}

// ---- Fields -------------------------------------------------------------------------------------

// Written as they are: names, numbers, what needs no escape.
static void put(const char *text) {
  fputs_unlocked(text, stdout);
}

static void put_string(const char *name, struct ehlo_span text) {
  put(name);
  text_write_json_string(stdout, text);
}

// A word of our own; NULL: null.
static void put_word(const char *name, const char *word) {
  put(name);
  if (word == NULL) {
    put("null");
    return;
  }
  putc_unlocked('"', stdout);
  put(word);
  putc_unlocked('"', stdout);
}

static void put_bool(const char *name, bool value) {
  put(name);
  put(value ? "true" : "false");
}

static void put_number(const char *name, uint64_t value) {
  char digits[21] = "";
  char *first = digits + sizeof(digits) - 1;
  put(name);
  do {
    *--first = (char)('0' + value % 10);
    value /= 10;
  } while (value > 0);
  put(first);
}

// The time of a line is mostly that of the line before it.
static void put_seconds(const char *name, bool known, uint64_t us) {
  static uint64_t last_us;
  static char last[32];
  put(name);
  if (!known) {
    put("null");
    return;
  }
  if (last[0] == '\0' || us != last_us) {
    json_t *json = json_real((double)us / 1e6);
    size_t len = json_dumpb(json, last, sizeof(last) - 1, JSON_ENCODE_ANY | JSON_REAL_PRECISION(9));
    json_decref(json);
    last[len < sizeof(last) ? len : 0] = '\0';
    last_us = us;
  }
  put(last);
}

// ---- Facts --------------------------------------------------------------------------------------

// Texts parted by ", ".
static json_t *list_json(const uint8_t *text, size_t len) {
  json_t *list = json_array();
  while (len > 0) {
    const uint8_t *comma = memmem(text, len, ", ", 2);
    size_t n = comma != NULL ? (size_t)(comma - text) : len;
    json_array_append_new(list, text_to_json((struct ehlo_span){text, n}));
    size_t used = comma != NULL ? n + 2 : n;
    text += used;
    len -= used;
  }
  return list;
}

static json_t *part_json(const struct show_part *part) {
  static uint8_t text[EHLO_TRANSCRIPT_LINE_MAX];
  size_t len = show_part_text(text, sizeof(text), part);
  char number[8] = "";
  switch (part->kind) {
    case SHOW_PART_FLAG:
      return json_true();
    case SHOW_PART_LIST:
      return list_json(text, len);
    case SHOW_PART_NUMBER:
      memcpy(number, text, len < sizeof(number) ? len : sizeof(number) - 1);
      return json_integer(strtol(number, NULL, 10));
    case SHOW_PART_TEXT:
      break;
  }
  return text_to_json((struct ehlo_span){text, len});
}

static void put_fact(const struct ehlo_item *item) {
  struct show_part parts[SHOW_PARTS_MAX];
  size_t num = show_fact_parts(parts, item);
  json_t *object = json_object();
  for (size_t i = 0; i < num; i++) {
    char name[64];  // ASCII, as the parser of parts takes it
    size_t len = parts[i].name.len < sizeof(name) ? parts[i].name.len : sizeof(name) - 1;
    memcpy(name, parts[i].name.bytes, len);
    name[len] = '\0';
    json_object_set_new(object, name, part_json(&parts[i]));
  }
  put_word(",\"word\":", show_fact_word(item->fact));
  put(",\"parts\":");
  text_write_json(stdout, object, JSON_COMPACT);
}

static void put_event(const struct ehlo_item *item) {
  size_t len = strcspn(item->text, " ");
  put_string(",\"word\":", (struct ehlo_span){(const uint8_t *)item->text, len});
}

// ---- The dialogue -------------------------------------------------------------------------------

static const char *part_name(enum show_role role) {
  switch (role) {
    case SHOW_RESPONSE:
      return "response";
    case SHOW_MESSAGE:
      return "message";
    case SHOW_MESSAGE_END:
      return "end";
    case SHOW_COMMAND:
    case SHOW_REPLY:
    case SHOW_FACT:
    case SHOW_EVENT:
    case SHOW_COMMENT:
      break;
  }
  return "command";
}

static void put_reply(const struct show_piece *piece) {
  const struct ehlo_enhanced *e = &piece->enhanced;
  char enhanced[24];
  snprintf(enhanced, sizeof(enhanced), "%u.%u.%u", e->class_code, e->subject, e->detail);
  if (piece->code == 0) {
    put(",\"code\":null");
  } else {
    put_number(",\"code\":", piece->code);
  }
  put_word(",\"enhanced\":", e->class_code != 0 ? enhanced : NULL);
  if (piece->code == 0) {
    put(",\"last\":null");
  } else {
    put_bool(",\"last\":", piece->last);
  }
}

static void put_dialogue(const struct show_piece *piece) {
  put_bool(",\"ends_line\":", piece->ends);
  put_bool(",\"secret\":", piece->item->num_secrets > 0);
  put_word(",\"verb\":", piece->verb != EHLO_VERB_NONE ? ehlo_verb_name(piece->verb) : NULL);
  if (piece->role == SHOW_REPLY) {
    put_reply(piece);
  } else {
    put_word(",\"part\":", part_name(piece->role));
  }
}

// ---- Items --------------------------------------------------------------------------------------

void show_json_init(struct show_json *j) {
  show_dialogue_init(&j->dialogue);
  show_summary_init(&j->summary);
  j->open = false;
}

void show_json_item(struct show_json *j, const struct ehlo_item *item) {
  struct show_piece piece;
  struct show_piece last;
  show_dialogue_item(&j->dialogue, item);
  show_dialogue_next(&j->dialogue, &piece);
  last = piece;
  do {
    // The text of an item may hold line ends of its own: its last line is the one that is told of.
    show_summary_piece(&j->summary, &last);
  } while (show_dialogue_next(&j->dialogue, &last));
  put(j->open ? "}\n" : "");
  j->open = true;
  text_note_json();
  put_number("{\"line\":", item->line);
  put_word(",\"type\":", type_name(item->type));
  put_string(",\"text\":", shown_text(item));
  put_seconds(",\"seconds\":", piece.timed, piece.time_us);
  put_seconds(",\"wait\":", piece.has_wait, piece.wait_us);
  put_word(",\"stage\":", last.has_stage ? ehlo_stage_name(last.stage) : NULL);
  put_bool(",\"tls\":", piece.tls);
  if (is_dialogue(item)) {
    put_dialogue(&last);
  } else if (item->type == EHLO_ITEM_FACT) {
    put_fact(item);
  } else if (item->type == EHLO_ITEM_EVENT) {
    put_event(item);
  }
}

static void put_end(const struct show_summary *s) {
  bool inferred;
  struct explanation e;
  struct show_verdict v = show_summary_verdict(s, &inferred);
  bool known = v.outcome != EHLO_OUTCOME_OPEN;
  put_word(",\"end\":{\"outcome\":", known ? ehlo_outcome_name(v.outcome) : NULL);
  put_word(",\"stage\":", known ? ehlo_stage_name(v.stage) : NULL);
  put_bool(",\"inferred\":", known && inferred);
  put(",\"explanation\":");
  if (show_explain(&e, s, v)) {
    text_write_json(stdout, explanation_json(&e), JSON_COMPACT);
  } else {
    put("null");
  }
  put("}");
}

void show_json_end(struct show_json *j, bool whole) {
  if (j->open && whole) {
    put_end(&j->summary);
  }
  put(j->open ? "}\n" : "");
  j->open = false;
}
