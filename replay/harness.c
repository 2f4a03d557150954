// The server's side of a transcript, given to a client that is called back, and the order in which
// both sides speak. What the client says is for harness_match.c to judge.
#include "replay/harness.h"

#include <string.h>

#include "replay/harness_match.h"

// Stands for what a server said of a secret: any text does, if it is base64.
static const char hidden[] = "aGlkZGVu";
#define HIDDEN_LEN (sizeof(hidden) - 1)

long ehlo_memory_read(void *memory, uint8_t *buf, size_t cap) {
  struct ehlo_memory *m = memory;
  size_t left = m->len - m->pos;
  size_t n = left < cap ? left : cap;
  if (n > 0) {
    memcpy(buf, (const uint8_t *)m->bytes + m->pos, n);
  }
  m->pos += n;
  return (long)n;
}

// ---- The client -----------------------------------------------------------------------------------

static size_t match(struct ehlo_harness *h, const uint8_t *bytes, size_t len) {
  return h->options.tolerant ? ehlo_harness_match_tolerantly(h, bytes, len)
                             : ehlo_harness_match_strictly(h, bytes, len);
}

static void hold(struct ehlo_harness *h, const uint8_t *bytes, size_t len) {
  if (len > sizeof(h->held) - h->held_len) {
    ehlo_harness_peek(h);
    ehlo_harness_diverge(h, "more than 64 KiB of the client's before its turn", NULL, 0);
    return;
  }
  memcpy(h->held + h->held_len, bytes, len);
  h->held_len += len;
}

void ehlo_harness_send(struct ehlo_harness *h, const void *bytes, size_t len) {
  size_t used = 0;
  if (h->quoting) {
    ehlo_harness_quote(h, bytes, len);
  }
  if (len == 0 || h->over || h->closed) {
    return;
  }
  if (h->held_len == 0) {
    used = match(h, bytes, len);
  }
  if (used < len && !h->over) {
    h->result->num_early += len - used;
    hold(h, (const uint8_t *)bytes + used, len - used);
  }
}

void ehlo_harness_close(struct ehlo_harness *h) {
  h->closed = true;
}

// What waited for its turn.
static void send_held(struct ehlo_harness *h) {
  size_t used = match(h, h->held, h->held_len);
  h->held_len -= used;
  memmove(h->held, h->held + used, h->held_len);
}

static void call(struct ehlo_harness *h, enum ehlo_harness_happening happening, size_t len) {
  struct ehlo_harness_input in = {happening, len > 0 ? h->chunk : NULL, len, h->time_us};
  h->client(h->arg, h, &in);
}

// ---- The server -----------------------------------------------------------------------------------

static size_t server_len(const struct ehlo_item *item) {
  return item->bytes_len + item->num_secrets * HIDDEN_LEN;
}

// Octet `pos` of a server's item with its secrets filled in.
static uint8_t server_byte(const struct ehlo_item *item, size_t pos) {
  size_t filled = 0;
  for (size_t i = 0; i < item->num_secrets; i++, filled += HIDDEN_LEN) {
    size_t at = item->secret_at[i] + filled;
    if (pos < at) {
      break;
    }
    if (pos < at + HIDDEN_LEN) {
      return (uint8_t)hidden[pos - at];
    }
  }
  return item->bytes[pos - filled];
}

// The next item, whatever it is, belongs to the chunk that was begun.
static bool chunk_goes_on(struct ehlo_harness *h) {
  return h->options.chunks == EHLO_CHUNKS_RECORDED && ehlo_harness_peek(h) &&
         h->item.type == EHLO_ITEM_SERVER && !h->item.has_time;
}

static void give_chunk(struct ehlo_harness *h) {
  size_t most = h->options.chunks == EHLO_CHUNKS_BYTE ? 1 : sizeof(h->chunk);
  size_t len = 0;
  h->time_us += h->item.has_time ? h->item.delta_us : 0;
  h->item.has_time = false;
  do {
    while (len < most && h->server_pos < server_len(&h->item)) {
      h->chunk[len++] = server_byte(&h->item, h->server_pos++);
    }
    if (h->server_pos == server_len(&h->item)) {
      ehlo_harness_drop(h);
    }
  } while (len < most && chunk_goes_on(h));
  ehlo_harness_hear(h, h->chunk, len);
  if (!h->closed) {
    call(h, EHLO_HARNESS_BYTES, len);
  }
}

// What a fact is to the client.
static enum ehlo_harness_happening happening_of(const struct ehlo_item *item) {
  switch (item->fact) {
    case EHLO_FACT_TLS:
      return item->failed ? EHLO_HARNESS_TLS_FAILED : EHLO_HARNESS_TLS;
    case EHLO_FACT_TIMEOUT:
      return EHLO_HARNESS_TIMEOUT;
    case EHLO_FACT_RESET:
      return EHLO_HARNESS_RESET;
    case EHLO_FACT_CONNECT:
      return EHLO_HARNESS_CONNECT_FAILED;
    case EHLO_FACT_EOF:
    case EHLO_FACT_HEADER:
    case EHLO_FACT_NOTE:
    case EHLO_FACT_SUBMIT:
      break;
  }
  return EHLO_HARNESS_CLOSED;
}

// Nothing that the client says reaches anybody before a fact that it did not wait for, nor after the
// connection's end.
static void give_fact(struct ehlo_harness *h) {
  enum ehlo_harness_happening happening = happening_of(&h->item);
  bool by_client = (h->item.fact == EHLO_FACT_EOF || h->item.fact == EHLO_FACT_RESET) &&
                   h->item.side == EHLO_SIDE_CLIENT;
  bool was_closed = h->closed;
  if (h->held_len > 0) {
    ehlo_harness_diverge(h, NULL, h->held, h->held_len);
    return;
  }
  h->time_us += h->item.has_time ? h->item.delta_us : 0;
  h->closed = h->closed || (happening != EHLO_HARNESS_TLS && happening != EHLO_HARNESS_TIMEOUT);
  ehlo_harness_drop(h);
  if (!by_client && !was_closed) {
    call(h, happening, 0);
  }
}

// ---- The session ----------------------------------------------------------------------------------

// It is the client's turn, and it says nothing more. Whether that is a divergence is known once the
// place of it is passed.
static void fall_silent(struct ehlo_harness *h) {
  struct ehlo_divergence none = {.found = false};
  ehlo_harness_diverge(
      h, h->closed ? "nothing: the connection is over" : "nothing: the client waits for the server",
      NULL, 0);
  h->over = false;
  h->over = !(h->options.tolerant ? ehlo_harness_leaves_off_tolerantly(h)
                                  : ehlo_harness_leaves_off_strictly(h));
  if (!h->over) {
    h->result->divergence = none;
  }
}

static void go_on(struct ehlo_harness *h) {
  switch (h->item.type) {
    case EHLO_ITEM_CLIENT:
      fall_silent(h);
      break;
    case EHLO_ITEM_SERVER:
      give_chunk(h);
      break;
    case EHLO_ITEM_FACT:
      give_fact(h);
      break;
    case EHLO_ITEM_COMMENT:
    case EHLO_ITEM_EVENT:
      ehlo_harness_drop(h);
      break;
  }
}

static void finish(struct ehlo_harness *h) {
  struct ehlo_harness_result *r = h->result;
  if (h->reader.error.message != NULL) {
    r->verdict = EHLO_REPLAY_BAD;
    r->error = h->reader.error;
  } else if (h->reader.read_failed) {
    r->verdict = EHLO_REPLAY_FAILED;
  } else if (!r->divergence.found && h->held_len > 0) {
    ehlo_harness_diverge(h, NULL, h->held, h->held_len);
  }
  if (r->verdict == EHLO_REPLAY_SAME && r->divergence.found) {
    r->verdict = EHLO_REPLAY_DIVERGED;
  }
  r->end_us = h->time_us;
}

// Sets up all but the buffers, which say how much of them is used.
static void init(struct ehlo_harness *h, struct ehlo_harness_result *out,
                 const struct ehlo_harness_options *options) {
  memset(out, 0, sizeof(*out));
  h->options = *options;
  h->result = out;
  h->have_item = false;
  h->over = false;
  h->quoting = false;
  h->closed = false;
  h->time_us = 0;
  h->server_pos = 0;
  h->at = 0;
  h->in_secret = false;
  h->cr = false;
  h->next_line = EHLO_HARNESS_COMMAND;
  h->reply_len = 0;
  h->left = 0;
  h->wanted_left = 0;
  h->line_len = 0;
  h->held_len = 0;
}

void ehlo_harness_run(struct ehlo_harness *h, struct ehlo_harness_result *out, ehlo_read_fn read,
                      void *read_arg, const struct ehlo_harness_options *options,
                      ehlo_harness_client_fn client, void *client_arg) {
  init(h, out, options);
  h->client = client;
  h->arg = client_arg;
  ehlo_reader_init(&h->reader, read, read_arg);
  for (;;) {
    send_held(h);
    if (h->over || !ehlo_harness_peek(h)) {
      break;
    }
    go_on(h);
  }
  finish(h);
}
