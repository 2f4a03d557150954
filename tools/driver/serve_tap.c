// See serve_tap.h.
#include "tools/driver/serve_tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/tap.h"
#include "tools/driver/sink.h"

struct serve_tap {
  struct ehlo_tap tap;
  struct sink sink;
  char path[4096];
};

// "session.smtp" is "session.2.smtp" for the second; a path without a suffix gets the number behind.
static bool number_path(char *out, size_t cap, const char *path, size_t number) {
  const char *slash = strrchr(path, '/');
  const char *dot = strrchr(slash != NULL ? slash : path, '.');
  int len;
  if (number == 1) {
    len = snprintf(out, cap, "%s", path);
  } else if (dot == NULL || dot == path || dot[-1] == '/') {
    len = snprintf(out, cap, "%s.%zu", path, number);
  } else {
    len = snprintf(out, cap, "%.*s.%zu%s", (int)(dot - path), path, number, dot);
  }
  return len >= 0 && (size_t)len < cap;
}

struct serve_tap *serve_tap_open(const char *path, size_t number) {
  struct serve_tap *t = malloc(sizeof(*t));
  if (t == NULL || !number_path(t->path, sizeof(t->path), path, number) ||
      sink_open(&t->sink, t->path, NULL) != 0) {
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
