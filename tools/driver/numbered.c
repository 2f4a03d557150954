// See numbered.h. It looks at no file.
#include "tools/driver/numbered.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool numbered_path(char *out, size_t cap, const char *path, uint64_t number) {
  const char *slash = strrchr(path, '/');
  const char *name = slash != NULL ? slash + 1 : path;
  const char *dot = strrchr(name, '.');
  const char *suffix = dot != NULL && dot > name ? dot : path + strlen(path);
  size_t stem_len = (size_t)(suffix - path);
  char between[24] = "";
  if (number != 1) {
    snprintf(between, sizeof(between), ".%" PRIu64, number);
  }
  if (strlen(path) + strlen(between) >= cap) {
    return false;
  }
  memcpy(out, path, stem_len);
  snprintf(out + stem_len, cap - stem_len, "%s%s", between, suffix);
  return true;
}
