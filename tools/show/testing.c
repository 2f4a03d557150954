// Reads a transcript out of a string.
#include "tools/show/testing.h"

#include <string.h>

#include <criterion/criterion.h>

static long read_text(void *arg, uint8_t *buf, size_t cap) {
  const char **text = arg;
  size_t left = strlen(*text);
  size_t n = left < cap ? left : cap;
  memcpy(buf, *text, n);
  *text += n;
  return (long)n;
}

void testing_read(const char *text, void (*take)(void *arg, const struct ehlo_item *item),
                  void *arg) {
  static struct ehlo_reader reader;
  struct ehlo_item item;
  ehlo_reader_init(&reader, read_text, &text);
  while (ehlo_reader_next(&reader, &item) == EHLO_READ_ITEM) {
    take(arg, &item);
  }
  cr_assert_null(reader.error.message, "%zu:%zu: %s", reader.error.line, reader.error.column,
                 reader.error.message);
}
