// The player walks through the items of a transcript once, from the front. The client's bytes are
// expected in a queue of their own, since the program reads lines before the client sends them.
#include "replay/player.h"

#include <stdio.h>
#include <string.h>

#include "replay/escape.h"

// ---- Divergence ---------------------------------------------------------------------------------

void ehlo_player_diverge(struct ehlo_player *p, size_t line, size_t column, const char *expected,
                         const char *got) {
  struct ehlo_divergence *d = &p->divergence;
  if (d->found) {
    return;
  }
  d->found = true;
  d->line = line;
  d->column = column;
  snprintf(d->expected, sizeof(d->expected), "%s", expected);
  snprintf(d->got, sizeof(d->got), "%s", got);
}

// Up to one line of `bytes`, escaped, shortened to fit.
static void quote(char out[200], const uint8_t *bytes, size_t len) {
  size_t at = 0;
  out[at++] = '"';
  for (size_t i = 0; i < len && at < 190; i++) {
    at += ehlo_escape_put(out + at, bytes[i]);
    if (bytes[i] == '\n') {
      break;
    }
  }
  out[at++] = '"';
  out[at] = '\0';
}

// ---- Items --------------------------------------------------------------------------------------

static void take_event_item(struct ehlo_player *p);

// An item is used up: `--update` has it again as it was.
static void drop_item(struct ehlo_player *p) {
  p->have_item = false;
  p->server_pos = 0;
  p->line = p->item.line;
  if (p->copy != NULL && p->item.type != EHLO_ITEM_EVENT) {
    ehlo_writer_raw_line(p->copy, p->item.raw, p->item.raw_len, p->item.has_line_feed);
  }
}

// Reads one item if none is at hand. False at the end.
static bool fetch_item(struct ehlo_player *p) {
  if (p->have_item || p->at_end) {
    return p->have_item;
  }
  enum ehlo_read_result result = ehlo_reader_next(p->reader, &p->item);
  p->have_item = result == EHLO_READ_ITEM;
  p->at_end = !p->have_item;
  p->bad = result == EHLO_READ_BAD || result == EHLO_READ_FAILED;
  return p->have_item;
}

// Goes on to the next item that matters to the session. False at the end.
static bool peek_item(struct ehlo_player *p) {
  while (fetch_item(p)) {
    bool fact = p->item.type == EHLO_ITEM_FACT;
    if (p->item.type == EHLO_ITEM_EVENT) {
      take_event_item(p);
    } else if (fact && p->item.fact == EHLO_FACT_HEADER) {
      p->has_header = true;
    } else if (p->item.type != EHLO_ITEM_COMMENT && !(fact && p->item.fact == EHLO_FACT_NOTE)) {
      return true;
    }
    drop_item(p);
  }
  return false;
}

// The time of an item passes once, when its first byte or its fact is due.
static void pass_time(struct ehlo_player *p) {
  if (p->item.has_time) {
    p->time_us += p->item.delta_us;
    p->item.has_time = false;
  }
}

void ehlo_player_prologue(struct ehlo_player *p,
                          void (*fact)(void *arg, const struct ehlo_item *fact), void *arg) {
  while (peek_item(p) && p->item.type == EHLO_ITEM_FACT &&
         (p->item.fact == EHLO_FACT_SUBMIT || p->item.fact == EHLO_FACT_CONNECT)) {
    if (p->item.failed) {
      return;  // the transport's to tell
    }
    pass_time(p);
    fact(arg, &p->item);
    drop_item(p);
  }
}

static bool fact_is_next(struct ehlo_player *p, enum ehlo_fact fact) {
  return peek_item(p) && p->item.type == EHLO_ITEM_FACT && p->item.fact == fact;
}

bool ehlo_player_tls_is_next(struct ehlo_player *p) {
  return fact_is_next(p, EHLO_FACT_TLS);
}

bool ehlo_player_timeout_is_next(struct ehlo_player *p) {
  return fact_is_next(p, EHLO_FACT_TIMEOUT);
}

// ---- What the client is expected to send --------------------------------------------------------

const struct ehlo_item *ehlo_player_client_item(struct ehlo_player *p) {
  return !p->given && peek_item(p) && p->item.type == EHLO_ITEM_CLIENT ? &p->item : NULL;
}

// One character of the item's text, or one escape: a byte or a secret is expected.
static size_t expect_piece(struct ehlo_player *p, const struct ehlo_item *item, size_t at) {
  struct ehlo_place place = {(uint32_t)item->line, (uint32_t)(item->column + at)};
  uint8_t byte = (uint8_t)item->text[at];
  size_t used = 1;
  enum ehlo_escape escape = EHLO_ESCAPE_BYTE;
  if (byte == '\\') {
    escape = ehlo_escape_take(&byte, &used, item->text + at, item->text_len - at);
  }
  if (escape == EHLO_ESCAPE_SECRET) {
    p->secrets[p->num_secrets++] = (struct ehlo_expect_secret){p->expect_len, place};
  } else if (escape == EHLO_ESCAPE_BYTE) {
    p->places[p->expect_len] = place;
    p->expect[p->expect_len++] = byte;
  }
  return used;
}

static void expect_item(struct ehlo_player *p, const struct ehlo_item *item) {
  for (size_t at = 0; at < item->text_len;) {
    at += expect_piece(p, item, at);
  }
  for (size_t i = 0; item->ends_line && i < 2; i++) {
    p->places[p->expect_len] =
        (struct ehlo_place){(uint32_t)item->line, (uint32_t)(item->column + item->text_len)};
    p->expect[p->expect_len++] = (uint8_t) "\r\n"[i];
  }
}

bool ehlo_player_take_client_item(struct ehlo_player *p) {
  const struct ehlo_item *item = &p->item;
  if (p->expect_len + item->bytes_len > EHLO_EXPECT_MAX ||
      p->num_secrets + item->num_secrets > EHLO_EXPECT_SECRETS_MAX) {
    ehlo_player_diverge(p, item->line, item->column, "output of the client",
                        "nothing, for more than 64 KiB of recorded text");
    return false;
  }
  pass_time(p);
  if (!p->tolerant) {
    expect_item(p, item);
  }
  drop_item(p);
  return true;
}

static bool expects_nothing(const struct ehlo_player *p) {
  return p->expect_len == 0 && p->num_secrets == 0;
}

static bool secret_is_due(const struct ehlo_player *p, size_t at) {
  return p->num_secrets > 0 && p->secrets[0].at == at;
}

// Where the byte or the secret at `at` of the expectation is written. Something is expected there.
static struct ehlo_place place_of(const struct ehlo_player *p, size_t at) {
  return secret_is_due(p, at) ? p->secrets[0].place : p->places[at];
}

// What is expected from `at` on, in words.
static void describe_expected(const struct ehlo_player *p, char out[200], size_t at) {
  if (secret_is_due(p, at)) {
    snprintf(out, 200, "a secret");
  } else {
    quote(out, p->expect + at, p->expect_len - at);
  }
}

// Takes `n` bytes off the front, none of them behind a secret.
static void expect_pop_bytes(struct ehlo_player *p, size_t n) {
  p->expect_len -= n;
  memmove(p->expect, p->expect + n, p->expect_len);
  memmove(p->places, p->places + n, p->expect_len * sizeof(p->places[0]));
  for (size_t i = 0; i < p->num_secrets; i++) {
    p->secrets[i].at -= n;
  }
}

static void expect_pop_secret(struct ehlo_player *p) {
  p->num_secrets--;
  memmove(p->secrets, p->secrets + 1, p->num_secrets * sizeof(p->secrets[0]));
}

static void diverge_at(struct ehlo_player *p, size_t at, const struct ehlo_output *out) {
  char expected[200];
  char got[200];
  struct ehlo_place place = place_of(p, at);
  describe_expected(p, expected, at);
  if ((out->flags & EHLO_OUTPUT_SECRET) != 0) {
    snprintf(got, sizeof(got), "a secret");
  } else {
    quote(got, out->span.bytes + at, out->span.len - at);
  }
  ehlo_player_diverge(p, place.line, place.column, expected, got);
}

// Holds what the client sends against the expectation; returns the bytes taken.
static size_t match(struct ehlo_player *p, const struct ehlo_output *out) {
  bool is_secret = (out->flags & EHLO_OUTPUT_SECRET) != 0;
  if (is_secret != secret_is_due(p, 0)) {
    diverge_at(p, 0, out);
    return 0;
  }
  if (is_secret) {
    expect_pop_secret(p);
    return out->span.len;
  }
  size_t until = p->num_secrets > 0 ? p->secrets[0].at : p->expect_len;
  size_t n = out->span.len < until ? out->span.len : until;
  size_t same = 0;
  while (same < n && out->span.bytes[same] == p->expect[same]) {
    same++;
  }
  if (same < n) {
    diverge_at(p, same, out);
    return 0;
  }
  expect_pop_bytes(p, n);
  return n;
}

// ---- Events -------------------------------------------------------------------------------------

void ehlo_player_event(struct ehlo_player *p, const char *text) {
  if (p->copy != NULL) {
    ehlo_writer_event(p->copy, text);
    return;
  }
  if (p->num_events == EHLO_EVENTS_MAX) {
    p->first_event = (p->first_event + 1) % EHLO_EVENTS_MAX;
    p->num_events--;
  }
  size_t at = (p->first_event + p->num_events++) % EHLO_EVENTS_MAX;
  snprintf(p->events[at], sizeof(p->events[at]), "%s", text);
}

static const char *pop_event(struct ehlo_player *p) {
  if (p->num_events == 0) {
    return NULL;
  }
  const char *text = p->events[p->first_event];
  p->first_event = (p->first_event + 1) % EHLO_EVENTS_MAX;
  p->num_events--;
  return text;
}

// Whether an event is as recorded. Behind a hidden line the offsets of an error are not known.
static bool same_event(const struct ehlo_player *p, const char *text) {
  const char *at = p->offsets_shifted ? strstr(text, " at ") : NULL;
  if (at == NULL || strncmp(text, "failed ", strlen("failed ")) != 0) {
    return strcmp(text, p->item.text) == 0;
  }
  return strncmp(text, p->item.text, (size_t)(at - text) + strlen(" at ")) == 0;
}

// An "= " line: the events have to say so. In a file with a header the list is complete from its
// first line on; in one written by hand each line stands for itself.
static void take_event_item(struct ehlo_player *p) {
  bool complete = p->has_header && p->events_listed;
  p->events_listed = true;
  if (p->copy != NULL) {
    return;
  }
  const char *first = NULL;
  for (const char *text = pop_event(p); text != NULL; text = pop_event(p)) {
    first = first != NULL ? first : text;
    if (same_event(p, text)) {
      return;
    }
    if (complete) {
      break;
    }
  }
  ehlo_player_diverge(p, p->item.line, p->item.column, p->item.text,
                      first != NULL ? first : "no event");
}

// ---- The transport ------------------------------------------------------------------------------

// A line that echoed a secret is kept without it. Any text does in its place, if it is base64, since
// the line may have been a challenge.
static const char hidden[] = "aGlkZGVu";
#define HIDDEN_LEN (sizeof(hidden) - 1)

static size_t server_len(const struct ehlo_item *item) {
  return item->bytes_len + item->num_secrets * HIDDEN_LEN;
}

// Byte `pos` of a server item with its secrets filled in.
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

// Whether the item that is next belongs to the chunk of the one just given.
static bool continues_chunk(struct ehlo_player *p) {
  return p->chunks == EHLO_CHUNKS_RECORDED && fetch_item(p) && p->item.type == EHLO_ITEM_SERVER &&
         !p->item.has_time;
}

static size_t give_chunk(struct ehlo_player *p, uint8_t *in, size_t cap) {
  size_t len = 0;
  size_t most = p->chunks == EHLO_CHUNKS_BYTE ? 1 : cap;
  pass_time(p);
  do {
    while (len < most && p->server_pos < server_len(&p->item)) {
      in[len++] = server_byte(&p->item, p->server_pos++);
    }
    if (p->server_pos == server_len(&p->item)) {
      p->offsets_shifted = p->offsets_shifted || p->item.num_secrets > 0;
      drop_item(p);
    }
  } while (len < most && continues_chunk(p));
  return len;
}

static enum ehlo_status take_timeout(struct ehlo_player *p, uint64_t deadline_ms) {
  bool timed = p->item.has_time;
  pass_time(p);
  drop_item(p);
  if (deadline_ms == EHLO_NEVER || (timed && deadline_ms > p->time_us / 1000)) {
    ehlo_player_diverge(p, p->item.line, p->item.column, "a wait that timed out",
                        "a wait that goes on");
    return EHLO_E_STATE;
  }
  if (p->time_us < deadline_ms * 1000) {
    p->time_us = deadline_ms * 1000;
  }
  return EHLO_E_TIMEOUT;
}

// A fact ends the connection.
static enum ehlo_status take_end(struct ehlo_player *p, uint64_t deadline_ms) {
  switch (p->item.fact) {
    case EHLO_FACT_TIMEOUT:
      return take_timeout(p, deadline_ms);
    case EHLO_FACT_EOF:
      pass_time(p);
      drop_item(p);
      // Where the client closed, nothing is known of what the server would have said.
      return p->item.side == EHLO_SIDE_SERVER ? EHLO_E_CLOSED : EHLO_E_STATE;
    case EHLO_FACT_RESET:
      pass_time(p);
      drop_item(p);
      return EHLO_E_RESET;
    case EHLO_FACT_CONNECT:
      pass_time(p);
      drop_item(p);
      return EHLO_E_CONNECT;
    case EHLO_FACT_TLS:
      if (p->item.failed) {
        pass_time(p);
        drop_item(p);
        return EHLO_E_TLS;
      }
      break;
    case EHLO_FACT_HEADER:
    case EHLO_FACT_NOTE:
    case EHLO_FACT_SUBMIT:
      break;
  }
  ehlo_player_diverge(p, p->item.line, p->item.column, p->item.text, "no such step");
  return EHLO_E_STATE;
}

static enum ehlo_status take_output(struct ehlo_player *p, size_t *out_taken,
                                    const struct ehlo_output *out) {
  if (p->tolerant) {
    *out_taken = out->span.len;
    return EHLO_OK;
  }
  while (expects_nothing(p) && ehlo_player_client_item(p) != NULL) {
    if (!ehlo_player_take_client_item(p)) {
      return EHLO_E_STATE;
    }
  }
  if (expects_nothing(p)) {
    return EHLO_OK;  // the server's turn
  }
  *out_taken = match(p, out);
  return p->divergence.found ? EHLO_E_STATE : EHLO_OK;
}

static void count_output(struct ehlo_player *p, size_t taken, const struct ehlo_output *out) {
  bool whole = taken == out->span.len && (out->flags & EHLO_OUTPUT_MORE) == 0;
  p->num_flights += taken > 0 && !p->in_flight;
  p->num_writes += whole;
  p->in_flight = p->in_flight || taken > 0;
}

static enum ehlo_status at_the_end(struct ehlo_player *p, const struct ehlo_output *out) {
  if (!p->bad && out->span.len > 0) {
    char got[200];
    quote(got, out->span.bytes, (out->flags & EHLO_OUTPUT_SECRET) != 0 ? 0 : out->span.len);
    ehlo_player_diverge(p, p->reader->line, 1, "the end of the transcript", got);
  }
  return EHLO_E_STATE;
}

// Whether all that is expected is the first half of a line end or of the final dot. The client
// keeps it back until it knows what follows, and here the connection ended before.
static bool expects_half_a_line_end(const struct ehlo_player *p) {
  bool half = p->num_secrets == 0 && p->expect_len <= 2 && p->item.type == EHLO_ITEM_FACT;
  for (size_t i = 0; half && i < p->expect_len; i++) {
    half = p->expect[i] == '.' || p->expect[i] == '\r';
  }
  return half;
}

// The client will not send what is expected next.
static void diverge_unsent(struct ehlo_player *p, const char *got) {
  char expected[200];
  struct ehlo_place place = {(uint32_t)p->item.line, (uint32_t)p->item.column};
  if (expects_nothing(p)) {
    quote(expected, p->item.bytes, p->item.bytes_len);
  } else {
    place = place_of(p, 0);
    describe_expected(p, expected, 0);
  }
  ehlo_player_diverge(p, place.line, place.column, expected, got);
}

static enum ehlo_status player_exchange(struct ehlo_transport *t, size_t *out_taken, size_t *in_len,
                                        const struct ehlo_output *out, uint8_t *in, size_t in_cap,
                                        uint64_t deadline_ms) {
  struct ehlo_player *p = (struct ehlo_player *)t;
  bool was_given = p->given;
  *out_taken = 0;
  *in_len = 0;
  p->given = false;
  if (out->span.len > 0) {
    enum ehlo_status status = take_output(p, out_taken, out);
    if (*out_taken > 0 || status != EHLO_OK) {
      count_output(p, *out_taken, out);
      return status;
    }
  } else if (was_given && expects_nothing(p) && ehlo_player_client_item(p) != NULL) {
    return EHLO_OK;  // from now on the program can see what it is to send
  }
  while (p->tolerant && ehlo_player_client_item(p) != NULL) {
    pass_time(p);
    drop_item(p);
  }
  if (!peek_item(p)) {
    return at_the_end(p, out);
  }
  if (expects_half_a_line_end(p)) {
    p->expect_len = 0;
  }
  if (p->item.type == EHLO_ITEM_CLIENT || !expects_nothing(p)) {
    diverge_unsent(p, "nothing: the client waits for a reply");
    return EHLO_E_STATE;
  }
  if (p->item.type == EHLO_ITEM_FACT) {
    return take_end(p, deadline_ms);
  }
  uint64_t due_us = p->time_us + (p->item.has_time ? p->item.delta_us : 0);
  if (deadline_ms != EHLO_NEVER && due_us / 1000 > deadline_ms) {
    p->item.delta_us -= deadline_ms * 1000 - p->time_us;
    p->time_us = deadline_ms * 1000;
    return EHLO_E_TIMEOUT;
  }
  *in_len = give_chunk(p, in, in_cap);
  p->given = true;
  p->in_flight = false;
  return EHLO_OK;
}

// ClientHello, and Finished with whatever the client says first under TLS. Where TLS comes before the
// greeting the server speaks first, and Finished goes alone.
static void count_handshake(struct ehlo_player *p) {
  size_t flights = p->num_flights == 0 ? 2 : 1;
  p->num_flights += flights;
  p->num_handshake_flights += flights;
  p->in_flight = false;
}

static enum ehlo_status player_start_tls(struct ehlo_transport *t, uint64_t deadline_ms) {
  struct ehlo_player *p = (struct ehlo_player *)t;
  if (!peek_item(p)) {
    return EHLO_E_STATE;
  }
  if (p->item.type == EHLO_ITEM_SERVER) {
    return EHLO_E_STARTTLS_INJECTION;
  }
  if (p->item.type == EHLO_ITEM_CLIENT) {
    ehlo_player_diverge(p, p->item.line, p->item.column, "text from the client", "a TLS handshake");
    return EHLO_E_STATE;
  }
  if (p->item.fact == EHLO_FACT_TLS && !p->item.failed) {
    pass_time(p);
    drop_item(p);
    count_handshake(p);
    return EHLO_OK;
  }
  return take_end(p, deadline_ms);
}

static void player_describe_tls(struct ehlo_transport *t, char *out, size_t cap) {
  (void)t;
  snprintf(out, cap, "recorded");
}

static void player_close(struct ehlo_transport *t) {
  (void)t;
}

static uint64_t player_now_us(struct ehlo_transport *t) {
  return ((struct ehlo_player *)t)->time_us;
}

static const struct ehlo_transport_ops player_ops = {
    .exchange = player_exchange,
    .start_tls = player_start_tls,
    .describe_tls = player_describe_tls,
    .close = player_close,
    .now_us = player_now_us,
};

void ehlo_player_init(struct ehlo_player *p, struct ehlo_reader *reader, enum ehlo_chunks chunks,
                      bool tolerant, struct ehlo_writer *copy) {
  memset(p, 0, sizeof(*p));
  p->base.ops = &player_ops;
  p->reader = reader;
  p->chunks = chunks;
  p->tolerant = tolerant;
  p->copy = copy;
}

void ehlo_player_finish(struct ehlo_player *p) {
  p->given = false;
  if (!p->tolerant && !expects_nothing(p)) {
    diverge_unsent(p, "the end of the session");
  }
  while (!p->divergence.found && peek_item(p)) {
    // What the server still said after the session's end is part of the record, not of the session.
    if (p->item.type == EHLO_ITEM_CLIENT && !p->tolerant) {
      diverge_unsent(p, "the end of the session");
    }
    drop_item(p);
  }
  const char *text = pop_event(p);
  if (p->has_header && p->events_listed && text != NULL) {
    ehlo_player_diverge(p, p->reader->line, 1, "no further event", text);
  }
}
