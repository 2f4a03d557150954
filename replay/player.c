// The player walks through the items of a transcript once, from the front. The client's bytes are
// expected in a queue of their own, since the program reads lines before the client sends them.
#include "replay/player.h"

#include <stddef.h>
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
  if (p->item.type == EHLO_ITEM_SERVER || p->item.type == EHLO_ITEM_FACT) {
    ehlo_digest_item(&p->digest, p->recorded_us, &p->item);
  }
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
  p->recorded_us += p->have_item && p->item.has_time ? p->item.delta_us : 0;
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

bool ehlo_player_take_client_item(struct ehlo_player *p) {
  const struct ehlo_item *item = &p->item;
  if (!ehlo_expect_add(&p->expect, item, p->recorded_us) && !p->tolerant) {
    ehlo_player_diverge(p, item->line, item->column, "output of the client",
                        "nothing, while 128 KiB of recorded text wait");
    return false;
  }
  pass_time(p);
  drop_item(p);
  return true;
}

void ehlo_player_follow(struct ehlo_player *p) {
  p->follows = true;
  p->tolerant = false;
  p->expect.foreign = true;
}

bool ehlo_player_read_client(struct ehlo_player *p, struct ehlo_expect_text *out) {
  if (ehlo_expect_read(&p->expect, out)) {
    return true;
  }
  return ehlo_player_client_item(p) != NULL && ehlo_player_take_client_item(p) &&
         ehlo_expect_read(&p->expect, out);
}

void ehlo_player_hold(struct ehlo_player *p, bool holds) {
  p->holds = holds;
}

// What is expected has to wait for something of the server's.
static bool is_late(const struct ehlo_player *p) {
  return p->follows && (p->holds || ehlo_expect_has_unread(&p->expect));
}

// The recorded client did not wait here. False: there is no room for all that it said.
static bool put_off_client(struct ehlo_player *p) {
  while (p->follows && ehlo_player_client_item(p) != NULL) {
    if (!ehlo_player_take_client_item(p)) {
      return false;
    }
  }
  return true;
}

static bool expects_nothing(const struct ehlo_player *p) {
  return p->tolerant || ehlo_expect_is_empty(&p->expect);
}

// What is expected next, and the client gives `got` in its place.
static void diverge_here(struct ehlo_player *p, const char *got) {
  char expected[200];
  struct ehlo_place place = ehlo_expect_place(&p->expect);
  ehlo_expect_describe(&p->expect, expected);
  ehlo_player_diverge(p, place.line, place.column, expected, got);
}

void ehlo_player_refuse(struct ehlo_player *p, const char *why) {
  if (ehlo_expect_is_empty(&p->expect)) {
    ehlo_player_diverge(p, p->line, 1, "text of the client", why);
  } else {
    diverge_here(p, why);
  }
}

// Holds what the client sends against the expectation; returns the bytes taken.
static size_t match(struct ehlo_player *p, const struct ehlo_output *out) {
  char got[200];
  size_t len;
  if (ehlo_expect_match(&p->expect, &len, out, &p->digest)) {
    return len;
  }
  if ((out->flags & EHLO_OUTPUT_SECRET) != 0) {
    snprintf(got, sizeof(got), "a secret");
  } else {
    quote(got, out->span.bytes + len, out->span.len - len);
  }
  diverge_here(p, got);
  return 0;
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
  size_t len = strlen(text);
  len = len < EHLO_PLAYER_EVENT_MAX ? len : EHLO_PLAYER_EVENT_MAX - 1;
  memcpy(p->events[at], text, len);
  p->events[at][len] = '\0';
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

// The bytes of a server item from `pos` on, with its secrets filled in: as many as stand together.
static struct ehlo_span server_span(const struct ehlo_item *item, size_t pos) {
  size_t filled = 0;
  size_t end = item->bytes_len;
  for (size_t i = 0; i < item->num_secrets; i++, filled += HIDDEN_LEN) {
    size_t at = item->secret_at[i] + filled;
    if (pos < at) {
      end = item->secret_at[i];
      break;
    }
    if (pos < at + HIDDEN_LEN) {
      return (struct ehlo_span){(const uint8_t *)hidden + (pos - at), at + HIDDEN_LEN - pos};
    }
  }
  return (struct ehlo_span){item->bytes + pos - filled, end - (pos - filled)};
}

// Whether the item that is next belongs to the chunk of the one just given.
static bool continues_chunk(struct ehlo_player *p) {
  return p->chunks == EHLO_CHUNKS_RECORDED && fetch_item(p) && p->item.type == EHLO_ITEM_SERVER &&
         !p->item.has_time;
}

// The first bytes of a span up to a line's end, `most` at most.
static size_t up_to_line_end(struct ehlo_span span, size_t most) {
  size_t n = span.len < most ? span.len : most;
  const uint8_t *lf = n > 0 ? memchr(span.bytes, '\n', n) : NULL;
  return lf != NULL ? (size_t)(lf - span.bytes) + 1 : n;
}

// Adds what is left of a server item to `in`, up to `*most` bytes in all. To a client that is late goes
// one line, so that it can say what the next one answers: then `*most` becomes what is there.
static size_t give_item(struct ehlo_player *p, uint8_t *in, size_t len, size_t *most) {
  bool late = is_late(p);
  while (len < *most && p->server_pos < server_len(&p->item)) {
    struct ehlo_span span = server_span(&p->item, p->server_pos);
    size_t room = *most - len;
    size_t n = late ? up_to_line_end(span, room) : span.len < room ? span.len : room;
    memcpy(in + len, span.bytes, n);
    len += n;
    p->server_pos += n;
    *most = late && in[len - 1] == '\n' ? len : *most;
  }
  return len;
}

static size_t give_chunk(struct ehlo_player *p, uint8_t *in, size_t cap) {
  size_t len = 0;
  size_t most = p->chunks == EHLO_CHUNKS_BYTE ? 1 : cap;
  pass_time(p);
  do {
    len = give_item(p, in, len, &most);
    if (p->server_pos == server_len(&p->item)) {
      p->offsets_shifted = p->offsets_shifted || p->item.num_secrets > 0;
      drop_item(p);
    }
  } while (len < most && continues_chunk(p));
  return len;
}

// Whoever waited without deadlines that are known has waited long enough; where the client waits for
// nothing, the other program did, and left.
static enum ehlo_status take_timeout(struct ehlo_player *p, uint64_t deadline_ms) {
  bool timed = p->item.has_time && !p->follows;
  pass_time(p);
  drop_item(p);
  if (deadline_ms == EHLO_NEVER && p->follows) {
    return EHLO_E_STATE;
  }
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

// Takes what the client sends, whatever it is; returns how much. Where the recorded client waited with
// a part of the message that nobody took, this one has to wait as well.
static size_t take_any_output(struct ehlo_player *p, const struct ehlo_output *out) {
  struct ehlo_output part = *out;
  if (ehlo_player_timeout_is_next(p)) {
    part.span.len = ehlo_expect_num_bytes(&p->expect, out->span.len);
  } else if (ehlo_expect_is_empty(&p->expect)) {
    ehlo_player_client_item(p);  // it stays where it is, and its time is the one of these bytes
  }
  if (part.span.len > 0) {
    ehlo_expect_replace(&p->expect, &part, &p->digest, p->recorded_us);
  }
  return part.span.len;
}

static enum ehlo_status take_output(struct ehlo_player *p, size_t *out_taken,
                                    const struct ehlo_output *out) {
  if (p->tolerant) {
    *out_taken = take_any_output(p, out);
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

// The client will not send what is expected next.
static void diverge_unsent(struct ehlo_player *p, const char *got) {
  if (!expects_nothing(p)) {
    diverge_here(p, got);
    return;
  }
  char expected[200];
  quote(expected, p->item.bytes, p->item.bytes_len);
  ehlo_player_diverge(p, p->item.line, p->item.column, expected, got);
}

// Whether the server's chunk, of which some was given, goes on. All of it was there when the client
// made its output, so where nothing is compared the output waits for the rest of it.
static bool is_within_chunk(struct ehlo_player *p, bool was_given) {
  return was_given && peek_item(p) && p->item.type == EHLO_ITEM_SERVER && !p->item.has_time;
}

static enum ehlo_status player_exchange(struct ehlo_transport *t, size_t *out_taken, size_t *in_len,
                                        const struct ehlo_output *out, uint8_t *in, size_t in_cap,
                                        uint64_t deadline_ms) {
  struct ehlo_player *p = (struct ehlo_player *)t;
  bool was_given = p->given;
  *out_taken = 0;
  *in_len = 0;
  p->given = false;
  if (out->span.len > 0 && !(p->tolerant && is_within_chunk(p, was_given))) {
    enum ehlo_status status = take_output(p, out_taken, out);
    if (*out_taken > 0 || status != EHLO_OK) {
      count_output(p, *out_taken, out);
      return status;
    }
  } else if (was_given && (expects_nothing(p) || is_late(p)) &&
             ehlo_player_client_item(p) != NULL) {
    return EHLO_OK;  // from now on the program can see what it is to send
  }
  while (p->tolerant && ehlo_player_client_item(p) != NULL) {
    pass_time(p);
    drop_item(p);
  }
  if (!put_off_client(p)) {
    return EHLO_E_STATE;
  }
  if (!peek_item(p)) {
    return at_the_end(p, out);
  }
  if (p->item.type == EHLO_ITEM_FACT) {
    // The client keeps it back until it knows what follows, and here the connection ended before.
    ehlo_expect_drop_half_line_end(&p->expect, &p->digest);
  }
  if (p->tolerant) {
    ehlo_expect_clear(&p->expect);
  }
  if (p->item.type == EHLO_ITEM_CLIENT || !(expects_nothing(p) || is_late(p))) {
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
  p->given = p->given && !p->follows;
  if (!put_off_client(p) || !peek_item(p)) {
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
    if (p->follows) {
      ehlo_expect_skip(&p->expect, &p->digest);
      p->holds = false;
    }
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
  memset(p, 0, offsetof(struct ehlo_player, events));
  ehlo_expect_init(&p->expect);
  ehlo_digest_init(&p->digest);
  p->base.ops = &player_ops;
  p->reader = reader;
  p->chunks = chunks;
  p->tolerant = tolerant;
  p->copy = copy;
}

void ehlo_player_finish(struct ehlo_player *p) {
  p->given = false;
  if (is_late(p)) {
    ehlo_expect_skip(&p->expect, &p->digest);
  }
  if (!p->tolerant && !expects_nothing(p)) {
    diverge_unsent(p, "the end of the session");
  }
  while (!p->divergence.found && peek_item(p)) {
    // What was still said after the session's end is part of the record, not of the session. Where the
    // client decides for itself, it would have said no more.
    bool client = p->item.type == EHLO_ITEM_CLIENT;
    if (client && p->follows) {
      ehlo_digest_item(&p->digest, p->recorded_us, &p->item);
    } else if (client && !p->tolerant) {
      diverge_unsent(p, "the end of the session");
    }
    drop_item(p);
  }
  const char *text = pop_event(p);
  if (p->has_header && p->events_listed && text != NULL) {
    ehlo_player_diverge(p, p->reader->line, 1, "no further event", text);
  }
}
