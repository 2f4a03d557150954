// See warnings.h.
#include "tools/driver/warnings.h"

#include <stdarg.h>
#include <stdio.h>

#include "engine/ehlo.h"
#include "tools/driver/complaints.h"
#include "tools/driver/text.h"

void warnings_add(struct warnings *w, const char *format, ...) {
  char text[1024];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof(text), format, arguments);
  va_end(arguments);
  if (!w->silent) {
    fprintf(complaints(), "ehlo: %s\n", text);
  }
  if (w->list == NULL) {
    w->list = json_array();
  }
  json_array_append_new(w->list, text_to_json(ehlo_str(text)));
}

json_t *warnings_json(const struct warnings *first, const struct warnings *second) {
  json_t *all = json_array();
  if (first != NULL && first->list != NULL) {
    json_array_extend(all, first->list);
  }
  if (second != NULL && second->list != NULL) {
    json_array_extend(all, second->list);
  }
  return all;
}

void warnings_free(struct warnings *w) {
  json_decref(w->list);
  w->list = NULL;
}
