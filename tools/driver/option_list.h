// The values of an option that may be given again.
#ifndef EHLO_TOOLS_DRIVER_OPTION_LIST_H
#define EHLO_TOOLS_DRIVER_OPTION_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct option_list {
  const char **values;  // the command line's or the configuration's
  size_t num;
};

// NULL, or the sentence that a row's setter returns.
const char *option_list_add(struct option_list *list, const char *value);
void option_list_free(struct option_list *list);

#endif  // EHLO_TOOLS_DRIVER_OPTION_LIST_H
