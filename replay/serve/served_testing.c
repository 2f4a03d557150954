// See served_testing.h.
#include "replay/serve/served_testing.h"

#include <stdlib.h>
#include <string.h>

static void add(struct ehlo_sides_bytes *b, const void *bytes, size_t len) {
  if (len > b->cap - b->len) {
    b->cap = (b->len + len) * 2 + 256;
    b->bytes = realloc(b->bytes, b->cap);
    if (b->bytes == NULL) {
      abort();
    }
  }
  if (len > 0) {
    memcpy(b->bytes + b->len, bytes, len);
  }
  b->len += len;
}

bool ehlo_sides_begin(const struct ehlo_sides_bytes *b, const void *bytes, size_t len) {
  return b->len >= len && (len == 0 || memcmp(b->bytes, bytes, len) == 0);
}

// ---- Transcripts -------------------------------------------------------------------------------

struct text {
  const uint8_t *at;
  size_t left;
};

static long read_text(void *arg, uint8_t *buf, size_t cap) {
  struct text *t = arg;
  size_t n = t->left < cap ? t->left : cap;
  if (n > 0) {
    memcpy(buf, t->at, n);
    t->at += n;
    t->left -= n;
  }
  return (long)n;
}

static void add_item(struct ehlo_sides_bytes *b, const struct ehlo_item *item, const char *secret) {
  size_t next = 0;
  for (size_t i = 0; i <= item->bytes_len; i++) {
    for (; next < item->num_secrets && item->secret_at[next] == i; next++) {
      add(b, secret, strlen(secret));
    }
    if (i < item->bytes_len) {
      add(b, item->bytes + i, 1);
    }
  }
}

bool ehlo_sides_read(struct ehlo_sides *out, const uint8_t *text, size_t len) {
  static struct ehlo_reader reader;
  struct text t = {text, len};
  struct ehlo_item item;
  enum ehlo_read_result got;
  memset(out, 0, sizeof(*out));
  ehlo_reader_init(&reader, read_text, &t);
  while ((got = ehlo_reader_next(&reader, &item)) == EHLO_READ_ITEM) {
    if (item.type == EHLO_ITEM_CLIENT) {
      add_item(&out->client, &item, "c2VjcmV0");
    } else if (item.type == EHLO_ITEM_SERVER) {
      add_item(&out->server, &item, "(hidden)");
    }
  }
  return got == EHLO_READ_END;
}

void ehlo_sides_free(struct ehlo_sides *sides) {
  free(sides->client.bytes);
  free(sides->server.bytes);
  memset(sides, 0, sizeof(*sides));
}

bool ehlo_script_read_text(struct ehlo_script *out, struct ehlo_transcript_error *out_error,
                           const uint8_t *text, size_t len) {
  struct text t = {text, len};
  return ehlo_script_read(out, out_error, read_text, &t) == EHLO_SCRIPT_OK;
}

// ---- Sessions ----------------------------------------------------------------------------------

static void log_step(struct ehlo_served_run *run, const struct ehlo_served_step *step) {
  uint64_t head[] = {(uint64_t)step->type, step->delay_us, step->apart, (uint64_t)step->ending,
                     step->len};
  add(&run->log, head, sizeof(head));
  add(&run->log, step->bytes, step->len);
  run->num_steps++;
  run->delay_us += step->delay_us;
}

void ehlo_served_run_steps(struct ehlo_served_run *run, struct ehlo_served *s) {
  for (;;) {
    struct ehlo_served_step step = ehlo_served_next(s);
    switch (step.type) {
      case EHLO_STEP_NONE:
        return;
      case EHLO_STEP_SAY:
        add(&run->said, step.bytes, step.len);
        break;
      case EHLO_STEP_START_TLS:
        run->num_handshakes++;
        ehlo_served_tls_done(s, true, 0);
        break;
      case EHLO_STEP_END:
        run->ended = true;
        run->ending = step.ending;
        break;
    }
    log_step(run, &step);
  }
}

void ehlo_served_run_input(struct ehlo_served_run *run, struct ehlo_served *s, const uint8_t *bytes,
                           size_t len, size_t piece) {
  for (size_t at = 0; at < len;) {
    size_t n = len - at < piece ? len - at : piece;
    for (size_t used = 0; used < n;) {
      used += ehlo_served_input(s, bytes + at + used, n - used);
      ehlo_served_run_steps(run, s);
    }
    at += n;
  }
}

void ehlo_served_run_free(struct ehlo_served_run *run) {
  free(run->said.bytes);
  free(run->log.bytes);
  memset(run, 0, sizeof(*run));
}
