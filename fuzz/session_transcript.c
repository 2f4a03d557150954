// session_transcript INPUT: an input of the session target as a transcript, on standard output. On standard
// error stands what of it a transcript cannot say. Status 66, 73: it cannot be read, or written.
#include <stdio.h>
#include <stdlib.h>

#include "fuzz/fuzz.h"
#include "fuzz/session_record.h"

#define EXIT_USAGE 64
#define EXIT_NO_INPUT 66
#define EXIT_NO_OUTPUT 73

static void tell(void *arg, size_t step, const char *what) {
  if (step == 0) {
    fprintf(stderr, "%s: left out: %s\n", (const char *)arg, what);
  } else {
    fprintf(stderr, "%s: step %zu: left out: %s\n", (const char *)arg, step, what);
  }
}

static bool put(void *arg, const char *text, size_t len) {
  return fwrite(text, 1, len, arg) == len;
}

static bool read_file(struct ehlo_fuzz_bytes *out, const char *path) {
  FILE *file = fopen(path, "rb");
  uint8_t block[4096];
  if (file == NULL) {
    return false;
  }
  for (size_t n = fread(block, 1, sizeof(block), file); n > 0;
       n = fread(block, 1, sizeof(block), file)) {
    ehlo_fuzz_add(out, block, n);
  }
  bool read = ferror(file) == 0;
  fclose(file);
  return read;
}

int main(int argc, char **argv) {
  static struct ehlo_writer writer;
  struct ehlo_fuzz_bytes input = {0};
  size_t left = 0;
  if (argc != 2) {
    fprintf(stderr, "usage: session_transcript INPUT\n");
    return EXIT_USAGE;
  }
  if (!read_file(&input, argv[1])) {
    perror(argv[1]);
    return EXIT_NO_INPUT;
  }
  ehlo_writer_init(&writer, put, stdout);
  bool written = ehlo_session_record(&writer, &left, input.bytes, input.len, tell, argv[1]);
  free(input.bytes);
  return written && fflush(stdout) == 0 ? 0 : EXIT_NO_OUTPUT;
}
