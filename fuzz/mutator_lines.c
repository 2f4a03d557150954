// The custom mutator of the targets whose inputs are lines. Three times in four it works on lines, with
// a few operations in a row; else, and within a line now and then, libFuzzer does what it does to bytes,
// its dictionary included. It stands in fuzzers alone: LLVMFuzzerMutate is theirs.
#include <string.h>

#include "fuzz/fuzz.h"
#include "fuzz/lines.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *data1, size_t size1, const uint8_t *data2,
                                 size_t size2, uint8_t *out, size_t max_out, unsigned seed);

#define OPERATIONS_MAX 4
#define LINE_MAX_LEN 4096
#define USUAL_MAX ((size_t)1024)

// A session needs its length at once, where libFuzzer would begin with a few octets. See flags.c.
char ehlo_fuzz_mutator_flag[] = "-len_control=0";

// One line goes through libFuzzer's own mutations.
static void mutate_line(struct ehlo_fuzz_lines *l) {
  uint8_t text[LINE_MAX_LEN];
  size_t i = ehlo_fuzz_lines_below(l, l->num);
  if (l->num == 0 || l->lines[i].len == 0 || l->lines[i].len > sizeof(text) / 2) {
    return;
  }
  memcpy(text, l->lines[i].bytes, l->lines[i].len);
  struct ehlo_span line = {text, LLVMFuzzerMutate(text, l->lines[i].len, sizeof(text))};
  if (line.len > 0) {
    l->lines[i] = ehlo_fuzz_lines_join(l, &line, 1);
  }
}

// Mostly one operation: libFuzzer calls several times in a row by itself.
static void operate(struct ehlo_fuzz_lines *l) {
  size_t num = ehlo_fuzz_lines_below(l, 4) > 0 ? 1 : 1 + ehlo_fuzz_lines_below(l, OPERATIONS_MAX);
  for (size_t tries = 4 * num; num > 0 && tries > 0; tries--) {
    num -= ehlo_fuzz_lines_operate(l);
  }
  if (ehlo_fuzz_lines_below(l, 16) == 0) {
    mutate_line(l);
  }
}

// Long inputs take long: mostly none grows beyond what most sessions need.
static size_t bound(struct ehlo_fuzz_lines *l, size_t size, size_t max_size) {
  size_t usual = size > USUAL_MAX ? size : USUAL_MAX;
  return usual < max_size && ehlo_fuzz_lines_below(l, 8) > 0 ? usual : max_size;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
  static struct ehlo_fuzz_lines lines;
  if (seed % 4 == 0 || size > EHLO_FUZZ_LINES_ROOM / 4) {
    return LLVMFuzzerMutate(data, size, max_size);
  }
  ehlo_fuzz_lines_read(&lines, &EHLO_FUZZ_DIALECT, data, size, seed);
  operate(&lines);
  size_t len = ehlo_fuzz_lines_write(&lines, data, bound(&lines, size, max_size));
  return len > 0 ? len : LLVMFuzzerMutate(data, size, max_size);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *data1, size_t size1, const uint8_t *data2,
                                 size_t size2, uint8_t *out, size_t max_out, unsigned seed) {
  static struct ehlo_fuzz_lines lines;
  static struct ehlo_fuzz_lines other;
  ehlo_fuzz_lines_read(&lines, &EHLO_FUZZ_DIALECT, data1, size1, seed);
  ehlo_fuzz_lines_read(&other, &EHLO_FUZZ_DIALECT, data2, size2, seed);
  return ehlo_fuzz_lines_splice(&lines, &other) ? ehlo_fuzz_lines_write(&lines, out, max_out) : 0;
}
