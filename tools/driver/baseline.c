// Baselines. Everything that is printed may be a stranger's: the file is somebody's, and the facts
// are a server's.
#include "tools/driver/baseline.h"

#include <stdlib.h>
#include <string.h>

#include "engine/ehlo.h"
#include "tools/driver/text.h"

json_t *baseline_read(json_error_t *error, const char *text, size_t len) {
  *error = (json_error_t){.line = 1, .column = 1};
  if (len > BASELINE_MAX) {
    snprintf(error->text, sizeof(error->text), "it has more than %zu octets", BASELINE_MAX);
    return NULL;
  }
  json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES, error);
  if (json != NULL && !json_is_object(json)) {
    *error = (json_error_t){.line = 1, .column = 1, .text = "no object"};
    json_decref(json);
    return NULL;
  }
  return json;
}

void baseline_complain(FILE *out, const char *path, const json_error_t *error) {
  fputs("ehlo: ", out);
  text_print(out, ehlo_str(path));
  fprintf(out, ":%d:%d: this is no baseline: ", error->line, error->column);
  text_print(out, ehlo_str(error->text));
  fputc('\n', out);
}

// ---- Comparing --------------------------------------------------------------------------------------

// A place within the facts: the names on the way to it, from the inside.
struct place {
  const struct place *outer;
  const char *name;  // NULL: the whole
};

static void print_place(FILE *out, const struct place *at) {
  if (at->outer != NULL && at->outer->name != NULL) {
    print_place(out, at->outer);
    fputc('.', out);
  }
  text_print(out, ehlo_str(at->name != NULL ? at->name : ""));
}

static void say(FILE *out, const struct place *at, const char *what, const json_t *value) {
  char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
  print_place(out, at);
  fprintf(out, ": %s ", what);
  text_print(out, ehlo_str(text != NULL ? text : "?"));
  fputc('\n', out);
  free(text);
}

static size_t count(const json_t *array, size_t len, const json_t *value) {
  size_t num = 0;
  for (size_t i = 0; i < len; i++) {
    num += json_equal(json_array_get(array, i), value) ? 1 : 0;
  }
  return num;
}

// Those of `here` that stand there less often.
static size_t say_only(FILE *out, const struct place *at, const char *what, const json_t *here,
                       const json_t *there) {
  size_t num = 0;
  for (size_t i = 0; i < json_array_size(here); i++) {
    const json_t *value = json_array_get(here, i);
    if (count(here, i + 1, value) > count(there, json_array_size(there), value)) {
      say(out, at, what, value);
      num++;
    }
  }
  return num;
}

static size_t compare(FILE *out, const struct place *at, const json_t *old, const json_t *now);

// The names of `names`, but for those that are in `but` as well.
static size_t compare_names(FILE *out, const struct place *at, const json_t *names,
                            const json_t *but, const json_t *old, const json_t *now) {
  const char *name;
  json_t *value;
  size_t num = 0;
  json_object_foreach((json_t *)names, name, value) {
    struct place inner = {at, name};
    const json_t *before = json_object_get(old, name);
    const json_t *after = json_object_get(now, name);
    if (json_object_get(but, name) == NULL) {
      num += compare(out, &inner, before != NULL ? before : json_null(),
                     after != NULL ? after : json_null());
    }
  }
  return num;
}

static size_t compare(FILE *out, const struct place *at, const json_t *old, const json_t *now) {
  if (json_equal(old, now)) {
    return 0;
  }
  if (json_is_array(old) && json_is_array(now)) {
    size_t gone = say_only(out, at, "gone:", old, now);
    return gone + say_only(out, at, "new:", now, old);
  }
  if (json_is_object(old) && json_is_object(now)) {
    size_t num = compare_names(out, at, now, NULL, old, now);
    return num + compare_names(out, at, old, now, old, now);
  }
  say(out, at, "was:", old);
  say(out, at, "is: ", now);
  return 1;
}

size_t baseline_compare(FILE *out, const json_t *old, const json_t *now) {
  static const struct place whole = {NULL, NULL};
  return compare(out, &whole, old, now);
}
