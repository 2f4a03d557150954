// See serve_tap.h.
#include "tools/driver/serve_tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/tap/tap.h"
#include "tools/driver/complaints.h"
#include "tools/driver/numbered.h"
#include "tools/driver/sink.h"

struct serve_tap {
  struct ehlo_tap tap;
  struct sink sink;
  char path[4096];
};

struct serve_tap *serve_tap_open(const char *path, size_t number) {
  struct serve_tap *t = malloc(sizeof(*t));
  if (t == NULL || !numbered_path(t->path, sizeof(t->path), path, number)) {
    fprintf(complaints(), "ehlo serve: cannot record a connection: %s\n",
            t == NULL ? "out of memory" : "the path is too long");
    free(t);
    return NULL;
  }
  if (sink_open(&t->sink, t->path, NULL) != 0) {
    free(t);
    return NULL;
  }
  ehlo_tap_init(&t->tap, sink_write, &t->sink);
  return t;
}

void serve_tap_client(struct serve_tap *t, const uint8_t *bytes, size_t len, uint64_t time_us) {
  if (t != NULL && len > 0) {
    ehlo_tap_client(&t->tap, bytes, len, time_us);
  }
}

void serve_tap_server(struct serve_tap *t, const uint8_t *bytes, size_t len, uint64_t time_us) {
  if (t != NULL && len > 0) {
    ehlo_tap_server(&t->tap, bytes, len, time_us);
  }
}

void serve_tap_fact(struct serve_tap *t, uint64_t time_us, const char *text) {
  if (t != NULL) {
    ehlo_tap_fact(&t->tap, time_us, text, strlen(text));
  }
}

bool serve_tap_close(struct serve_tap *t) {
  if (t == NULL) {
    return true;
  }
  ehlo_tap_finish(&t->tap);
  sink_close(&t->sink);
  bool good = !t->sink.incomplete && !ehlo_tap_failed(&t->tap);
  free(t);
  return good;
}
