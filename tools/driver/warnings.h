// What is worth a word and stops nothing: said once on standard error as it is met, unless -q, or
// kept for the JSON object with --json. A warning never holds a secret.
#ifndef EHLO_TOOLS_DRIVER_WARNINGS_H
#define EHLO_TOOLS_DRIVER_WARNINGS_H

#include <jansson.h>
#include <stdbool.h>

struct warnings {
  bool silent;   // they are only kept
  json_t *list;  // owned; NULL: none so far
};

void warnings_add(struct warnings *w, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// Both lists as one array, a new reference; each may be NULL.
json_t *warnings_json(const struct warnings *first, const struct warnings *second);

void warnings_free(struct warnings *w);

#endif  // EHLO_TOOLS_DRIVER_WARNINGS_H
