// Replies are paired with commands in the order in which these were sent (RFC 2920 §3.1). What a
// line is about is decided by its first word and by the replies before it, and by nothing else.
#include "replay/dialogue.h"

#include <string.h>
#include <strings.h>

#define FNV_START UINT64_C(14695981039346656037)
#define FNV_PRIME UINT64_C(1099511628211)

static const struct {
  const char *word;
  enum ehlo_exchange_kind kind;
} commands[] = {
    {"EHLO", EHLO_EXCHANGE_HELO},       {"HELO", EHLO_EXCHANGE_HELO},
    {"LHLO", EHLO_EXCHANGE_HELO},       {"STARTTLS", EHLO_EXCHANGE_STARTTLS},
    {"XCLIENT", EHLO_EXCHANGE_XCLIENT}, {"AUTH", EHLO_EXCHANGE_AUTH},
    {"MAIL", EHLO_EXCHANGE_MAIL},       {"RCPT", EHLO_EXCHANGE_RCPT},
    {"DATA", EHLO_EXCHANGE_DATA},       {"BDAT", EHLO_EXCHANGE_BDAT},
    {"RSET", EHLO_EXCHANGE_RSET},       {"QUIT", EHLO_EXCHANGE_QUIT},
};

const char *ehlo_exchange_name(enum ehlo_exchange_kind kind) {
  static const char *const names[EHLO_NUM_EXCHANGE_KINDS] = {
      "the greeting", "EHLO",        "STARTTLS", "XCLIENT", "AUTH", "MAIL",      "RCPT",
      "DATA",         "the message", "BDAT",     "RSET",    "QUIT", "a command", "nothing"};
  return names[kind];
}

void ehlo_dialogue_init(struct ehlo_dialogue *d, const struct ehlo_dialogue_hooks *hooks) {
  memset(d, 0, sizeof(*d));
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

static void push(struct ehlo_dialogue *d, size_t exchange, enum ehlo_exchange_kind kind,
                 bool last_chunk) {
  if (d->num_pending < EHLO_DIALOGUE_PENDING_MAX) {
    size_t at = (d->first_pending + d->num_pending++) % EHLO_DIALOGUE_PENDING_MAX;
    d->pending[at] = (struct ehlo_dialogue_pending){exchange, kind, last_chunk};
  }
}

static enum ehlo_exchange_kind kind_of(const uint8_t *bytes, size_t len) {
  size_t word_len = 0;
  while (word_len < len && bytes[word_len] != ' ') {
    word_len++;
  }
  for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
    if (strlen(commands[i].word) == word_len &&
        strncasecmp(commands[i].word, (const char *)bytes, word_len) == 0) {
      return commands[i].kind;
    }
  }
  return EHLO_EXCHANGE_OTHER;
}

static void end_text(struct ehlo_dialogue *d) {
  if (d->hooks.text_end != NULL) {
    d->hooks.text_end(d->hooks.arg, d->text_exchange, d->time_us);
  }
}

// "BDAT 86 LAST"
static void read_bdat(struct ehlo_dialogue *d, const struct ehlo_dialogue_line *line) {
  size_t i = 5;
  d->chunk_left = 0;
  for (; i < line->len && line->bytes[i] >= '0' && line->bytes[i] <= '9' &&
         d->chunk_left < UINT64_MAX / 100;
       i++) {
    d->chunk_left = d->chunk_left * 10 + (uint64_t)(line->bytes[i] - '0');
  }
  d->chunk_last = line->len == i + 5 && strncasecmp((const char *)line->bytes + i, " LAST", 5) == 0;
  d->text_exchange = line->exchange;
}

static void end_command(struct ehlo_dialogue *d) {
  struct ehlo_dialogue_line line = whole_line(d, EHLO_SIDE_CLIENT);
  line.exchange = d->line_exchange;
  line.continued = d->in_auth;
  line.kind = d->in_auth ? EHLO_EXCHANGE_AUTH : kind_of(line.bytes, line.len);
  if (line.kind == EHLO_EXCHANGE_HELO) {
    d->hello_is_lhlo = line.bytes[0] == 'L' || line.bytes[0] == 'l';
  }
  if (line.kind == EHLO_EXCHANGE_BDAT) {
    read_bdat(d, &line);
  }
  d->in_auth = false;
  tell_line(d, &line);
  push(d, line.exchange, line.kind, line.kind == EHLO_EXCHANGE_BDAT && d->chunk_last);
  if (line.kind == EHLO_EXCHANGE_BDAT && d->chunk_left == 0) {
    end_text(d);
  }
}

static void tell_text(struct ehlo_dialogue *d, const uint8_t *bytes, size_t len) {
  if (d->hooks.text != NULL && len > 0) {
    d->hooks.text(d->hooks.arg, d->text_exchange, bytes, len, d->file_line);
  }
}

// One octet behind a 354. The final dot is a line of its own.
static bool ends_message(struct ehlo_dialogue *d, uint8_t byte) {
  static const uint8_t dot[] = ".\r";
  if (byte == '\n') {
    bool ends = d->dot_len == 1 || d->dot_len == 2;
    d->dot_len = 0;
    return ends;
  }
  d->dot_len = d->dot_len < 2 && byte == dot[d->dot_len] ? d->dot_len + 1 : SIZE_MAX;
  return false;
}

static size_t take_message(struct ehlo_dialogue *d, const uint8_t *bytes, size_t len) {
  for (size_t i = 0; i < len; i++) {
    if (ends_message(d, bytes[i])) {
      tell_text(d, bytes, i + 1);
      end_text(d);
      d->in_message = false;
      push(d, d->text_exchange, EHLO_EXCHANGE_MESSAGE, true);
      return i + 1;
    }
  }
  tell_text(d, bytes, len);
  return len;
}

static size_t take_chunk(struct ehlo_dialogue *d, const uint8_t *bytes, size_t len) {
  size_t n = len < d->chunk_left ? len : (size_t)d->chunk_left;
  tell_text(d, bytes, n);
  d->chunk_left -= n;
  if (d->chunk_left == 0) {
    end_text(d);
  }
  return n;
}

static void begin_command(struct ehlo_dialogue *d) {
  if (d->client.begun) {
    return;
  }
  begin_half(d, &d->client);
  if (!d->in_auth) {
    d->line_exchange = d->num_exchanges++;
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
    if (d->chunk_left > 0) {
      at += take_chunk(d, bytes + at, len - at);
    } else if (d->in_message) {
      at += take_message(d, bytes + at, len - at);
    } else {
      at += take_command(d, bytes + at, len - at);
    }
  }
}

// ---- The server's side --------------------------------------------------------------------------

// Whose reply the one that begins now is.
static void begin_reply(struct ehlo_dialogue *d) {
  d->reply_is_pending = false;
  if (!d->greeted) {
    d->greeted = true;
    d->reply_kind = EHLO_EXCHANGE_GREETING;
    d->reply_exchange = d->num_exchanges++;
  } else if (d->num_pending > 0) {
    const struct ehlo_dialogue_pending *p = &d->pending[d->first_pending];
    d->reply_is_pending = true;
    d->reply_kind = p->kind;
    d->reply_exchange = p->exchange;
  } else if (d->in_message || d->chunk_left > 0) {
    d->reply_kind = d->in_message ? EHLO_EXCHANGE_MESSAGE : EHLO_EXCHANGE_BDAT;
    d->reply_exchange = d->text_exchange;
  } else {
    d->reply_kind = EHLO_EXCHANGE_UNASKED;
    d->reply_exchange = d->num_exchanges++;
  }
}

static unsigned code_of(const uint8_t *bytes, size_t len) {
  unsigned code = 0;
  for (size_t i = 0; i < 3; i++) {
    if (i >= len || bytes[i] < '0' || bytes[i] > '9') {
      return 0;
    }
    code = code * 10 + (unsigned)(bytes[i] - '0');
  }
  return len == 3 || bytes[3] == ' ' || bytes[3] == '-' ? code : 0;
}

// In LMTP a message has a reply for each recipient that was accepted (RFC 2033 §4.2).
static bool more_replies_are_due(struct ehlo_dialogue *d) {
  const struct ehlo_dialogue_pending *p = &d->pending[d->first_pending];
  if (!p->last_chunk) {
    return false;
  }
  bool more = d->lmtp && ++d->num_final < d->num_accepted;
  if (!more) {
    d->num_final = 0;
    d->num_accepted = 0;
  }
  return more;
}

static void end_reply(struct ehlo_dialogue *d, unsigned code) {
  bool good = code / 100 == 2;
  d->in_reply = false;
  if (!d->reply_is_pending) {
    return;
  }
  if (d->reply_kind == EHLO_EXCHANGE_HELO && good) {
    d->lmtp = d->hello_is_lhlo;
  } else if (d->reply_kind == EHLO_EXCHANGE_MAIL && good) {
    d->num_accepted = 0;
  } else if (d->reply_kind == EHLO_EXCHANGE_RCPT) {
    d->num_accepted += good;
  } else if (d->reply_kind == EHLO_EXCHANGE_AUTH && code == 334) {
    d->in_auth = true;
    d->line_exchange = d->reply_exchange;
  } else if (d->reply_kind == EHLO_EXCHANGE_DATA && code == 354) {
    d->in_message = true;
    d->dot_len = 0;
    d->text_exchange = d->num_exchanges++;
  }
  if (!more_replies_are_due(d)) {
    d->first_pending = (d->first_pending + 1) % EHLO_DIALOGUE_PENDING_MAX;
    d->num_pending--;
  }
}

static void end_reply_line(struct ehlo_dialogue *d) {
  struct ehlo_dialogue_line line = whole_line(d, EHLO_SIDE_SERVER);
  line.exchange = d->reply_exchange;
  line.kind = d->reply_kind;
  line.continued = d->in_reply;
  line.code = code_of(line.bytes, line.len);
  line.ends_reply = line.code == 0 || line.len == 3 || line.bytes[3] == ' ';
  d->in_reply = true;
  tell_line(d, &line);
  if (line.ends_reply) {
    end_reply(d, line.code);
  }
}

static void begin_reply_line(struct ehlo_dialogue *d) {
  if (!d->server.begun) {
    begin_half(d, &d->server);
    if (!d->in_reply) {
      begin_reply(d);
    }
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
    return (struct ehlo_dialogue_place){EHLO_ROLE_REPLY, d->reply_exchange};
  }
  if (d->in_message || d->chunk_left > 0) {
    return (struct ehlo_dialogue_place){EHLO_ROLE_TEXT, d->text_exchange};
  }
  begin_command(d);
  return (struct ehlo_dialogue_place){EHLO_ROLE_COMMAND, d->line_exchange};
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
    if (item->type == EHLO_ITEM_SERVER || d->chunk_left == 0) {
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
    d->secure = true;
    d->client.begun = false;
    d->server.begun = false;
    d->in_reply = false;
  }
  return place;
}
