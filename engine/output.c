// The output queue: one linear region and a short list of segments, each uniform in its flags. A
// secret is zeroed as soon as the transport has it.
#include <string.h>

#include "engine/check.h"
#include "engine/client.h"

void ehlo_wipe(void *p, size_t len) {
  memset(p, 0, len);
#if defined(__GNUC__)
  // A compiler may leave out what nobody reads again; this may read it, for all that it knows.
  __asm__ __volatile__("" : : "r"(p) : "memory");
#else
  volatile unsigned char *bytes = p;
  for (size_t i = 0; i < len; i++) {
    bytes[i] = 0;
  }
#endif
}

static void compact(struct ehlo_client *c) {
  if (c->out_start == 0) {
    return;
  }
  size_t len = c->out_end - c->out_start;
  memmove(c->out, c->out + c->out_start, len);
  ehlo_wipe(c->out + len, c->out_start);
  for (size_t i = 0; i < c->num_segments; i++) {
    c->segments[i].end -= (uint32_t)c->out_start;
  }
  c->out_start = 0;
  c->out_end = len;
}

size_t ehlo_output_room(struct ehlo_client *c) {
  if (c->num_segments + 3 > EHLO_SEGMENTS_MAX) {
    return 0;  // AUTH needs three
  }
  compact(c);
  return c->out_cap - c->out_end;
}

uint8_t *ehlo_output_tail(struct ehlo_client *c) {
  return c->out + c->out_end;
}

void ehlo_output_commit(struct ehlo_client *c, size_t len, unsigned flags) {
  if (len == 0) {
    return;
  }
  c->out_end += len;
  c->queued_total += len;
  EHLO_ASSERT(c->out_end <= c->out_cap);
  struct ehlo_segment *last = c->num_segments > 0 ? &c->segments[c->num_segments - 1] : NULL;
  if (last == NULL || last->flags != flags) {
    EHLO_ASSERT(c->num_segments < EHLO_SEGMENTS_MAX);
    last = &c->segments[c->num_segments++];
    last->flags = (uint8_t)flags;
  }
  last->end = (uint32_t)c->out_end;
}

void ehlo_output_drop(struct ehlo_client *c) {
  ehlo_wipe(c->out + c->out_start, c->out_end - c->out_start);
  c->out_start = 0;
  c->out_end = 0;
  c->num_segments = 0;
  c->span_touched = false;
}

bool ehlo_output_peek(const struct ehlo_client *c, struct ehlo_output *out) {
  memset(out, 0, sizeof(*out));
  if (c->num_segments == 0) {
    return false;
  }
  out->span = (struct ehlo_span){c->out + c->out_start, c->segments[0].end - c->out_start};
  out->flags = c->segments[0].flags;
  bool message_goes_on = c->intent == EHLO_STATE_BODY || c->intent == EHLO_STATE_CHUNK;
  if (c->num_segments > 1 || message_goes_on) {
    out->flags |= EHLO_OUTPUT_MORE;
  }
  if (c->span_touched) {
    out->flags |= EHLO_OUTPUT_CONTINUED;
  }
  return true;
}

void ehlo_output_ack(struct ehlo_client *c, size_t n, uint64_t now_ms) {
  if (now_ms > c->now_ms) {
    c->now_ms = now_ms;
  }
  if (n == 0 || c->num_segments == 0) {
    return;
  }
  struct ehlo_segment *first = &c->segments[0];
  EHLO_ASSERT(n <= first->end - c->out_start);
  if ((first->flags & EHLO_OUTPUT_SECRET) != 0) {
    ehlo_wipe(c->out + c->out_start, n);
  }
  c->out_start += n;
  c->acked_total += n;
  c->span_touched = c->out_start < first->end;
  c->wait_start_ms = c->now_ms;
  if (!c->span_touched) {
    c->num_segments--;
    memmove(c->segments, c->segments + 1, c->num_segments * sizeof(c->segments[0]));
  }
  if (c->num_segments == 0) {
    c->out_start = 0;
    c->out_end = 0;
  }
  ehlo_client_settle(c);
}
