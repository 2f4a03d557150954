// JSON Lines of a transcript. The fields are a promise to programs: some may come, none goes or changes
// its meaning. Text of a peer is escaped by text_print_json() alone.
#include "tools/driver/show_json.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ehlo.h"
#include "tools/driver/text.h"
#include "tools/show/facts.h"

// ---- Text ---------------------------------------------------------------------------------------

static const char *type_name(enum ehlo_item_type type) {
  static const char *const names[] = {"comment", "fact", "server", "client", "event"};
  return names[type];
}

static bool is_dialogue(const struct ehlo_item *item) {
  return item->type == EHLO_ITEM_SERVER || item->type == EHLO_ITEM_CLIENT;
}

// The bytes of an item, with its secrets as the transcript has them.
static json_t *item_text(const struct ehlo_item *item) {
  if (!is_dialogue(item) || item->num_secrets > 0) {
    return text_to_json((struct ehlo_span){(const uint8_t *)item->text, item->text_len});
  }
  return text_to_json((struct ehlo_span){item->bytes, item->bytes_len - (item->ends_line ? 2 : 0)});
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

static void add_fact(json_t *json, const struct ehlo_item *item) {
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
  json_object_set_new(json, "word", json_string(show_fact_word(item->fact)));
  json_object_set_new(json, "parts", object);
}

static void add_event(json_t *json, const struct ehlo_item *item) {
  size_t len = strcspn(item->text, " ");
  json_object_set_new(json, "word",
                      text_to_json((struct ehlo_span){(const uint8_t *)item->text, len}));
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

static void add_reply(json_t *json, const struct show_piece *piece) {
  const struct ehlo_enhanced *e = &piece->enhanced;
  char enhanced[24];
  bool known = piece->code != 0;
  snprintf(enhanced, sizeof(enhanced), "%u.%u.%u", e->class, e->subject, e->detail);
  json_object_set_new(json, "code", known ? json_integer(piece->code) : json_null());
  json_object_set_new(json, "enhanced", e->class != 0 ? json_string(enhanced) : json_null());
  json_object_set_new(json, "last", known ? json_boolean(piece->last) : json_null());
}

static void add_dialogue(json_t *json, const struct show_piece *piece) {
  const struct ehlo_item *item = piece->item;
  json_object_set_new(json, "ends_line", json_boolean(piece->ends));
  json_object_set_new(json, "secret", json_boolean(item->num_secrets > 0));
  json_object_set_new(
      json, "verb",
      piece->verb != EHLO_VERB_NONE ? json_string(ehlo_verb_name(piece->verb)) : json_null());
  if (piece->role == SHOW_REPLY) {
    add_reply(json, piece);
  } else {
    json_object_set_new(json, "part", json_string(part_name(piece->role)));
  }
}

// ---- Items --------------------------------------------------------------------------------------

static json_t *seconds_json(bool known, uint64_t us) {
  return known ? json_real((double)us / 1e6) : json_null();
}

void show_json_item(struct show_dialogue *d, const struct ehlo_item *item) {
  struct show_piece piece;
  struct show_piece last;
  show_dialogue_item(d, item);
  show_dialogue_next(d, &piece);
  last = piece;
  while (show_dialogue_next(d, &last)) {
    // The text of an item may hold line ends of its own: its last line is the one that is told of.
  }
  json_t *json = json_pack("{s:I, s:s, s:o, s:o, s:o, s:s?, s:b}", "line", (json_int_t)item->line,
                           "type", type_name(item->type), "text", item_text(item), "seconds",
                           seconds_json(piece.timed, piece.time_us), "wait",
                           seconds_json(piece.has_wait, piece.wait_us), "stage",
                           last.has_stage ? ehlo_stage_name(last.stage) : NULL, "tls", piece.tls);
  if (is_dialogue(item)) {
    add_dialogue(json, &last);
  } else if (item->type == EHLO_ITEM_FACT) {
    add_fact(json, item);
  } else if (item->type == EHLO_ITEM_EVENT) {
    add_event(json, item);
  }
  text_print_json(json, JSON_COMPACT);
}
