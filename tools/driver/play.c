// Playing the server.
#include "tools/driver/play.h"

#include <string.h>

struct player {
  struct ehlo_transport *transport;
  uint32_t wait_ms;
  size_t in_start;
  size_t in_len;
  uint8_t in[16384];
};

static uint64_t deadline(const struct player *p) {
  return p->transport->ops->now_us(p->transport) / 1000 + p->wait_ms;
}

// Moves bytes once, output and input; what the client says waits behind what is there.
static bool move(struct player *p, const struct ehlo_output *out, size_t *out_taken) {
  size_t got = 0;
  memmove(p->in, p->in + p->in_start, p->in_len);
  p->in_start = 0;
  if (p->in_len == sizeof(p->in)) {
    p->in_len = 0;  // a line that long is read and dropped
  }
  enum ehlo_status status =
      p->transport->ops->exchange(p->transport, out_taken, &got, out, p->in + p->in_len,
                                  sizeof(p->in) - p->in_len, deadline(p));
  p->in_len += got;
  return status == EHLO_OK;
}

static bool say(struct player *p, const uint8_t *bytes, size_t len) {
  while (len > 0) {
    struct ehlo_output out = {.span = {bytes, len}};
    size_t taken = 0;
    if (!move(p, &out, &taken)) {
      return false;
    }
    bytes += taken;
    len -= taken;
  }
  return true;
}

static bool receive(struct player *p) {
  const struct ehlo_output nothing = {.flags = 0};
  size_t taken = 0;
  return move(p, &nothing, &taken);
}

// Takes one line of the client; `*out_dot` tells of a line that is a dot alone.
static bool hear_line(struct player *p, bool *out_dot) {
  for (;;) {
    const uint8_t *start = p->in + p->in_start;
    const uint8_t *lf = memchr(start, '\n', p->in_len);
    if (lf != NULL) {
      size_t len = (size_t)(lf - start) + 1;
      *out_dot = len == 3 && memcmp(start, ".\r\n", 3) == 0;
      p->in_start += len;
      p->in_len -= len;
      return true;
    }
    if (!receive(p)) {
      return false;
    }
  }
}

static bool hear_message(struct player *p) {
  bool dot = false;
  while (!dot) {
    if (!hear_line(p, &dot)) {
      return false;
    }
  }
  return true;
}

// The client's next line; in the message the transcript's lines pass until its end, and so do the
// client's, who may have another message.
static bool hear_item(struct player *p, const struct ehlo_item *item, bool *in_message) {
  bool dot;
  if (!*in_message) {
    return !item->ends_line || hear_line(p, &dot);
  }
  if (item->bytes_len == 3 && memcmp(item->bytes, ".\r\n", 3) == 0) {
    *in_message = false;
    return hear_message(p);
  }
  return true;
}

bool play_server(struct ehlo_transport *transport, struct ehlo_reader *reader, uint32_t wait_ms) {
  struct player p = {.transport = transport, .wait_ms = wait_ms};
  struct ehlo_item item;
  bool in_message = false;
  bool good = true;
  while (good && ehlo_reader_next(reader, &item) == EHLO_READ_ITEM) {
    switch (item.type) {
      case EHLO_ITEM_SERVER:
        in_message = item.bytes_len >= 3 && memcmp(item.bytes, "354", 3) == 0;
        good = say(&p, item.bytes, item.bytes_len);
        break;
      case EHLO_ITEM_CLIENT:
        good = hear_item(&p, &item, &in_message);
        break;
      case EHLO_ITEM_FACT:
        if (item.fact == EHLO_FACT_TLS) {
          good = transport->ops->start_tls(transport, deadline(&p)) == EHLO_OK;
        }
        break;
      case EHLO_ITEM_COMMENT:
      case EHLO_ITEM_EVENT:
        break;
    }
  }
  return good;
}
