// The custom mutator of the command target: the arguments are taken apart into the first one and the
// words of the second, worked on as lines (lines.h), and put together again, so that a parameter that is
// put in stands as a word of its own. A quarter of the time it is bytes. It stands in fuzzers alone.
#include <string.h>

#include "fuzz/lines.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

// Verb, offers, state, and where the first argument ends, in 255ths of all.
#define HEADER 4
#define VERB_MAIL 2
// Up to so many octets every end can be said.
#define TEXT_MAX ((size_t)255)

// The input with an LF behind the first argument and for each blank of the second.
static size_t to_lines(uint8_t *out, const uint8_t *data, size_t size) {
  size_t len = size - HEADER;
  size_t first_len = len * data[3] / 255;
  memcpy(out, data, HEADER - 1);
  memcpy(out + HEADER - 1, data + HEADER, len);
  memmove(out + HEADER + first_len, out + HEADER - 1 + first_len, len - first_len);
  out[HEADER - 1 + first_len] = '\n';
  for (size_t i = HEADER + first_len; i < HEADER + len; i++) {
    out[i] = out[i] == ' ' ? '\n' : out[i];
  }
  return HEADER + len;
}

static size_t from_lines(uint8_t *out, size_t max, const struct ehlo_fuzz_lines *l) {
  size_t len = 0;
  size_t first_len = l->num > 0 ? l->lines[0].len : 0;
  if (max < HEADER || first_len > max - HEADER) {
    return 0;
  }
  for (size_t i = 0; i < l->num && l->lines[i].len + 1 <= max - HEADER - len; i++) {
    if (i > 1) {
      out[HEADER + len++] = ' ';
    }
    memcpy(out + HEADER + len, l->lines[i].bytes, l->lines[i].len);
    len += l->lines[i].len;
  }
  memcpy(out, l->header, HEADER - 1);
  size_t share = len > 0 ? (first_len * 255 + len - 1) / len : 0;
  out[3] = (uint8_t)(share < 255 ? share : 255);
  return HEADER + len;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
  static struct ehlo_fuzz_lines lines;
  static uint8_t text[EHLO_FUZZ_LINES_ROOM];
  if (seed % 4 == 0 || size < HEADER || size > sizeof(text) / 4) {
    return LLVMFuzzerMutate(data, size, max_size);
  }
  size_t len = to_lines(text, data, size);
  ehlo_fuzz_lines_read(&lines, &ehlo_fuzz_command_dialect, text, len, seed);
  for (size_t left = 1 + ehlo_fuzz_lines_below(&lines, 3); left > 0; left--) {
    ehlo_fuzz_lines_operate(&lines);
  }
  if (ehlo_fuzz_lines_below(&lines, 4) == 0) {
    lines.header[0] = (uint8_t)(VERB_MAIL + ehlo_fuzz_lines_below(&lines, 2));
    lines.header[1] = 0xff;
    lines.header[2] = (uint8_t)(lines.header[0] == VERB_MAIL ? 1 : 7);
  }
  len = from_lines(data, max_size < HEADER + TEXT_MAX ? max_size : HEADER + TEXT_MAX, &lines);
  return len > 0 ? len : LLVMFuzzerMutate(data, size, max_size);
}
