// See shell_wire.h.
#include "tools/driver/shell_wire.h"

#include "tools/driver/shell_interrupt.h"

#define SLICE_MS 100  // after so long Ctrl-C is looked for

static enum ehlo_status look(struct shell_wire *w, size_t *out_taken, size_t *in_len,
                             const struct ehlo_output *out, uint8_t *in, size_t in_cap) {
  enum ehlo_status status =
      w->inner->ops->exchange(w->inner, out_taken, in_len, out, in, in_cap, 0);
  w->quiet = status == EHLO_E_TIMEOUT;
  return w->quiet ? EHLO_OK : status;
}

static enum ehlo_status exchange(struct ehlo_transport *t, size_t *out_taken, size_t *in_len,
                                 const struct ehlo_output *out, uint8_t *in, size_t in_cap,
                                 uint64_t deadline_ms) {
  struct shell_wire *w = (struct shell_wire *)t;
  if (w->idle && out->span.len == 0) {
    return look(w, out_taken, in_len, out, in, in_cap);
  }
  w->quiet = false;
  for (;;) {
    uint64_t slice_ms = w->inner->ops->now_us(w->inner) / 1000 + SLICE_MS;
    bool last = deadline_ms <= slice_ms;
    enum ehlo_status status = w->inner->ops->exchange(w->inner, out_taken, in_len, out, in, in_cap,
                                                      last ? deadline_ms : slice_ms);
    if (status != EHLO_E_TIMEOUT || last) {
      return status;
    }
    if (shell_interrupt_is_set()) {
      return SHELL_WIRE_INTERRUPTED;
    }
  }
}

static enum ehlo_status start_tls(struct ehlo_transport *t, uint64_t deadline_ms) {
  struct shell_wire *w = (struct shell_wire *)t;
  return w->inner->ops->start_tls(w->inner, deadline_ms);
}

static void describe_tls(struct ehlo_transport *t, char *out, size_t cap) {
  struct shell_wire *w = (struct shell_wire *)t;
  w->inner->ops->describe_tls(w->inner, out, cap);
}

static void close_inner(struct ehlo_transport *t) {
  struct shell_wire *w = (struct shell_wire *)t;
  w->inner->ops->close(w->inner);
}

static uint64_t now_us(struct ehlo_transport *t) {
  struct shell_wire *w = (struct shell_wire *)t;
  return w->inner->ops->now_us(w->inner);
}

void shell_wire_init(struct shell_wire *w, struct ehlo_transport *inner) {
  static const struct ehlo_transport_ops ops = {exchange, start_tls, describe_tls, close_inner,
                                                now_us};
  *w = (struct shell_wire){.base = {&ops}, .inner = inner};
}
