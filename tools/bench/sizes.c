// What a session takes of memory; the rest of the engine is code and constants.
#include "engine/ehlo.h"
#include "engine/submit.h"
#include "tools/bench/bench.h"

static void add_size(struct bench_case *c, const char *name, size_t octets, size_t wanted) {
  c->sizes[c->num_sizes++] = (struct size_row){name, octets, wanted};
}

void case_size(struct bench_case *c, const struct settings *settings) {
  (void)settings;
  c->summary = "memory of a session, all of it the caller's";
  add_size(c, "struct ehlo_client", sizeof(struct ehlo_client), 2048);
  add_size(c, "an idle session: that and the smallest buffer",
           sizeof(struct ehlo_client) + EHLO_BUFFER_MIN, 4096);
  add_size(c, "a session with all default limits", sizeof(struct ehlo_client) + EHLO_BUFFER_DEFAULT,
           65536);
  add_size(c, "struct ehlo_submit", sizeof(struct ehlo_submit), 0);
}
