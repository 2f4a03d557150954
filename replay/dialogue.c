// Lines are put together here. What they are about, turns.c knows.
#include "replay/dialogue.h"

#include <string.h>

#include "replay/course.h"

#define FNV_START UINT64_C(14695981039346656037)
#define FNV_PRIME UINT64_C(1099511628211)

// Verbs that matter to nobody here are one kind.
static const enum ehlo_exchange_kind kinds[EHLO_NUM_VERBS] = {
    [EHLO_VERB_NONE] = EHLO_EXCHANGE_UNASKED,    [EHLO_VERB_GREETING] = EHLO_EXCHANGE_GREETING,
    [EHLO_VERB_EHLO] = EHLO_EXCHANGE_HELO,       [EHLO_VERB_HELO] = EHLO_EXCHANGE_HELO,
    [EHLO_VERB_LHLO] = EHLO_EXCHANGE_HELO,       [EHLO_VERB_STARTTLS] = EHLO_EXCHANGE_STARTTLS,
    [EHLO_VERB_XCLIENT] = EHLO_EXCHANGE_XCLIENT, [EHLO_VERB_AUTH] = EHLO_EXCHANGE_AUTH,
    [EHLO_VERB_MAIL] = EHLO_EXCHANGE_MAIL,       [EHLO_VERB_RCPT] = EHLO_EXCHANGE_RCPT,
    [EHLO_VERB_DATA] = EHLO_EXCHANGE_DATA,       [EHLO_VERB_BODY] = EHLO_EXCHANGE_MESSAGE,
    [EHLO_VERB_BDAT] = EHLO_EXCHANGE_BDAT,       [EHLO_VERB_RSET] = EHLO_EXCHANGE_RSET,
    [EHLO_VERB_QUIT] = EHLO_EXCHANGE_QUIT,       [EHLO_VERB_NOOP] = EHLO_EXCHANGE_OTHER,
    [EHLO_VERB_VRFY] = EHLO_EXCHANGE_OTHER,      [EHLO_VERB_EXPN] = EHLO_EXCHANGE_OTHER,
    [EHLO_VERB_HELP] = EHLO_EXCHANGE_OTHER,      [EHLO_VERB_ETRN] = EHLO_EXCHANGE_OTHER,
    [EHLO_VERB_OTHER] = EHLO_EXCHANGE_OTHER,
};

const char *ehlo_exchange_name(enum ehlo_exchange_kind kind) {
  static const char *const names[EHLO_NUM_EXCHANGE_KINDS] = {
      "the greeting", "EHLO",        "STARTTLS", "XCLIENT", "AUTH", "MAIL",      "RCPT",
      "DATA",         "the message", "BDAT",     "RSET",    "QUIT", "a command", "nothing"};
  return names[kind];
}

void ehlo_dialogue_init(struct ehlo_dialogue *d, const struct ehlo_dialogue_hooks *hooks) {
  memset(d, 0, sizeof(*d));
  ehlo_turns_init(&d->turns);
  if (hooks != NULL) {
    d->hooks = *hooks;
  }
}

// ---- Lines --------------------------------------------------------------------------------------

static void begin_half(struct ehlo_dialogue *d, struct ehlo_dialogue_half *h) {
  if (!h->begun) {
    h->begun = true;
    h->len = 0;
    h->hash = FNV_START;
    h->file_line = d->file_line;
  }
}

static void add_byte(struct ehlo_dialogue_half *h, uint8_t byte) {
  h->hash = (h->hash ^ byte) * FNV_PRIME;
  if (h->len < sizeof(h->bytes)) {
    h->bytes[h->len++] = byte;
  }
}

static struct ehlo_dialogue_line whole_line(struct ehlo_dialogue *d, enum ehlo_side side) {
  struct ehlo_dialogue_half *h = side == EHLO_SIDE_CLIENT ? &d->client : &d->server;
  h->begun = false;
  return (struct ehlo_dialogue_line){
      .side = side,
      .bytes = h->bytes,
      .len = h->len,
      .hash = h->hash,
      .file_line = h->file_line,
      .time_us = d->time_us,
  };
}

static void tell_line(struct ehlo_dialogue *d, const struct ehlo_dialogue_line *line) {
  if (d->hooks.line != NULL) {
    d->hooks.line(d->hooks.arg, line);
  }
}

// ---- The client's side --------------------------------------------------------------------------

static void end_text(struct ehlo_dialogue *d) {
  if (d->hooks.text_end != NULL) {
    d->hooks.text_end(d->hooks.arg, d->turns.text.exchange, d->time_us);
  }
}

static void end_command(struct ehlo_dialogue *d) {
  struct ehlo_dialogue_line line = whole_line(d, EHLO_SIDE_CLIENT);
  struct ehlo_span text = {line.bytes, line.len};
  enum ehlo_verb verb = d->turns.in_auth ? EHLO_VERB_AUTH : ehlo_verb_of_line(text);
  line.exchange = d->turns.line_exchange;
  line.continued = d->turns.in_auth;
  line.kind = kinds[verb];
  tell_line(d, &line);
  ehlo_turns_line(&d->turns, verb, text);
  if (verb == EHLO_VERB_BDAT && !ehlo_turns_is_text(&d->turns)) {
    end_text(d);
  }
}

static void tell_text(struct ehlo_dialogue *d, const uint8_t *bytes, size_t len) {
  if (d->hooks.text != NULL && len > 0) {
    d->hooks.text(d->hooks.arg, d->turns.text.exchange, bytes, len, d->file_line);
  }
}

static size_t take_text(struct ehlo_dialogue *d, const uint8_t *bytes, size_t len) {
  size_t n = ehlo_turns_text(&d->turns, bytes, len);
  tell_text(d, bytes, n);
  if (!ehlo_turns_is_text(&d->turns)) {
    end_text(d);
  }
  return n;
}

static void begin_command(struct ehlo_dialogue *d) {
  if (!d->client.begun) {
    begin_half(d, &d->client);
    ehlo_turns_begin_line(&d->turns);
  }
}

static size_t take_command(struct ehlo_dialogue *d, const uint8_t *bytes, size_t len) {
  begin_command(d);
  for (size_t i = 0; i < len; i++) {
    if (bytes[i] == '\n') {
      d->client.len -= d->client.len > 0 && d->client.bytes[d->client.len - 1] == '\r' ? 1 : 0;
      end_command(d);
      return i + 1;
    }
    add_byte(&d->client, bytes[i]);
  }
  return len;
}

static void take_client(struct ehlo_dialogue *d, const uint8_t *bytes, size_t len) {
  for (size_t at = 0; at < len;) {
    at += ehlo_turns_is_text(&d->turns) ? take_text(d, bytes + at, len - at)
                                        : take_command(d, bytes + at, len - at);
  }
}

// ---- The server's side --------------------------------------------------------------------------

static void end_reply_line(struct ehlo_dialogue *d) {
  struct ehlo_dialogue_line line = whole_line(d, EHLO_SIDE_SERVER);
  line.exchange = d->turns.reply.exchange;
  line.kind = kinds[d->turns.reply.verb];
  line.continued = d->goes_on;
  uint8_t mark = line.len > 3 ? line.bytes[3] : ' ';
  line.code = mark == ' ' || mark == '-' ? ehlo_code_of(line.bytes, line.len) : 0;
  line.ends_reply = line.code != 0 && mark == ' ';
  tell_line(d, &line);
  if (line.ends_reply) {
    ehlo_turns_end_reply(&d->turns, line.code);
  }
}

static void begin_reply_line(struct ehlo_dialogue *d) {
  if (!d->server.begun) {
    begin_half(d, &d->server);
    d->goes_on = !ehlo_turns_begin_reply(&d->turns);
  }
}

static void take_server(struct ehlo_dialogue *d, const uint8_t *bytes, size_t len) {
  for (size_t i = 0; i < len; i++) {
    begin_reply_line(d);
    if (bytes[i] != '\n') {
      add_byte(&d->server, bytes[i]);
      continue;
    }
    d->server.len -= d->server.len > 0 && d->server.bytes[d->server.len - 1] == '\r' ? 1 : 0;
    end_reply_line(d);
  }
}

// ---- Items --------------------------------------------------------------------------------------

static struct ehlo_dialogue_place place_of(struct ehlo_dialogue *d, const struct ehlo_item *item) {
  if (item->type == EHLO_ITEM_SERVER) {
    begin_reply_line(d);
    return (struct ehlo_dialogue_place){EHLO_ROLE_REPLY, d->turns.reply.exchange};
  }
  if (ehlo_turns_is_text(&d->turns)) {
    return (struct ehlo_dialogue_place){EHLO_ROLE_TEXT, d->turns.text.exchange};
  }
  begin_command(d);
  return (struct ehlo_dialogue_place){EHLO_ROLE_COMMAND, d->turns.line_exchange};
}

static void take(struct ehlo_dialogue *d, enum ehlo_item_type type, const uint8_t *bytes,
                 size_t len) {
  if (type == EHLO_ITEM_SERVER) {
    take_server(d, bytes, len);
  } else {
    take_client(d, bytes, len);
  }
}

// The octets of an item, with a mark where a secret stood. In a chunk no octet may be put that the
// count does not have.
static void take_dialogue(struct ehlo_dialogue *d, const struct ehlo_item *item) {
  static const uint8_t mark[] = "\\{secret}";
  size_t at = 0;
  for (size_t i = 0; i < item->num_secrets; i++) {
    take(d, item->type, item->bytes + at, item->secret_at[i] - at);
    if (item->type == EHLO_ITEM_SERVER || d->turns.chunk_left == 0) {
      take(d, item->type, mark, sizeof(mark) - 1);
    }
    at = item->secret_at[i];
  }
  take(d, item->type, item->bytes + at, item->bytes_len - at);
}

struct ehlo_dialogue_place ehlo_dialogue_item(struct ehlo_dialogue *d,
                                              const struct ehlo_item *item) {
  struct ehlo_dialogue_place place = {EHLO_ROLE_NONE, 0};
  d->time_us += item->has_time ? item->delta_us : 0;
  d->file_line = item->line;
  if (item->type == EHLO_ITEM_SERVER || item->type == EHLO_ITEM_CLIENT) {
    place = place_of(d, item);
    take_dialogue(d, item);
  } else if (item->type == EHLO_ITEM_FACT && item->fact == EHLO_FACT_TLS && !item->failed) {
    ehlo_turns_tls(&d->turns);
    d->client.begun = false;
    d->server.begun = false;
  }
  return place;
}
