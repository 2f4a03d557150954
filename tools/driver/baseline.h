// What a server was like when somebody took it down, and what changed since. Pure: text in, text
// out.
#ifndef EHLO_TOOLS_DRIVER_BASELINE_H
#define EHLO_TOOLS_DRIVER_BASELINE_H

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

#define BASELINE_MAX ((size_t)64 << 10)  // octets of a file; one has about 3,000

// Reads the text of a baseline, a JSON object, which is the caller's. NULL if it is none: `*error`
// says where and why, with words of the text in it.
json_t *baseline_read(json_error_t *error, const char *text, size_t len);

// Prints one sentence on that error, escaped, with a line feed.
void baseline_complain(FILE *out, const char *path, const json_error_t *error);

// Prints each difference, escaped, in lines "PLACE: WHAT VALUE", and returns how many there are. Of
// lists it tells what is gone and what is new, whatever their order; what is missing in an object
// counts as null.
size_t baseline_compare(FILE *out, const json_t *old, const json_t *now);

#endif  // EHLO_TOOLS_DRIVER_BASELINE_H
