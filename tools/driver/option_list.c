// See option_list.h.
#include "tools/driver/option_list.h"

#include <stdlib.h>
#include <string.h>

const char *option_list_add(struct option_list *list, const char *value) {
  const char **values = realloc(list->values, (list->num + 1) * sizeof(*values));
  if (values == NULL) {
    return "out of memory";
  }
  list->values = values;
  values[list->num++] = value;
  return NULL;
}

void option_list_free(struct option_list *list) {
  free(list->values);
  memset(list, 0, sizeof(*list));
}
