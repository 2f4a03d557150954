// The message: DATA and the text after it, BDAT and the two ways to fill its chunks.
#include <string.h>

#include "engine/client.h"

enum ehlo_status ehlo_send_data(struct ehlo_client *c) {
  enum ehlo_status status = ehlo_client_check(c, EHLO_VERB_DATA);
  if (status == EHLO_OK) {
    status = ehlo_put_command(c, EHLO_VERB_DATA, ehlo_str(""));
  }
  if (status == EHLO_OK) {
    ehlo_body_init(&c->body, c->config.bare_cr);
    ehlo_body_set_bare_lf(&c->body, c->config.bare_lf);
  }
  return status;
}

// Takes octets written at the tail as message; with an idle server the wait begins here.
static void commit(struct ehlo_client *c, size_t len) {
  if (len > 0 && c->num_segments == 0) {
    c->wait_start_ms = c->now_ms;
  }
  ehlo_output_commit(c, len, EHLO_OUTPUT_BODY);
}

// ---- BDAT ---------------------------------------------------------------------------------------

void ehlo_client_begin_chunk(struct ehlo_client *c, uint64_t len) {
  ehlo_body_init_chunk(&c->body, c->config.bare_cr);
  ehlo_body_set_bare_lf(&c->body, c->config.bare_lf);
  c->chunk_way = EHLO_CHUNK_OPEN;
  c->chunk_left = len;
  ehlo_client_chunk_taken(c, 0);
}

// RFC 3030 §2: bdat-cmd ::= "BDAT" SP chunk-size [ SP end-marker ] CR LF
enum ehlo_status ehlo_send_bdat(struct ehlo_client *c, uint64_t len, bool last) {
  enum ehlo_status status = ehlo_client_check(c, EHLO_VERB_BDAT);
  if (status != EHLO_OK) {
    return status;
  }
  if (!c->caps.chunking) {
    return EHLO_E_UNSUPPORTED;
  }
  uint8_t digits[20];
  size_t at = sizeof(digits);
  uint64_t rest = len;
  do {
    digits[--at] = (uint8_t)('0' + rest % 10);
    rest /= 10;
  } while (rest > 0);
  struct ehlo_span parts[] = {
      ehlo_str("BDAT "), {digits + at, sizeof(digits) - at}, ehlo_str(last ? " LAST" : "")};
  c->chunk_last = last;
  status = ehlo_put_line(c, EHLO_VERB_BDAT, parts, 3);
  if (status != EHLO_OK) {
    return status;
  }
  ehlo_client_begin_chunk(c, len);
  return EHLO_OK;
}

enum ehlo_status ehlo_send_chunk(struct ehlo_client *c, size_t *out_used, const uint8_t *in,
                                 size_t len) {
  *out_used = 0;
  if (c->status != EHLO_OK) {
    return c->status;
  }
  if (c->intent != EHLO_STATE_CHUNK) {
    return EHLO_E_STATE;
  }
  if (c->chunk_way > EHLO_CHUNK_OCTETS) {
    return c->chunk_way == EHLO_CHUNK_BROKEN ? EHLO_E_CHUNK_SIZE : EHLO_E_STATE;
  }
  size_t room = ehlo_output_room(c);
  size_t take = len < room ? len : room;
  take = take < c->chunk_left ? take : (size_t)c->chunk_left;
  if (take > 0) {
    c->chunk_way = EHLO_CHUNK_OCTETS;
    memcpy(ehlo_output_tail(c), in, take);
    commit(c, take);
  }
  *out_used = take;
  ehlo_client_chunk_taken(c, take);
  return EHLO_OK;
}

static enum ehlo_status break_chunk(struct ehlo_client *c) {
  c->chunk_way = EHLO_CHUNK_BROKEN;
  return EHLO_E_CHUNK_SIZE;
}

static enum ehlo_status check_chunk_text(const struct ehlo_client *c) {
  if (c->chunk_way == EHLO_CHUNK_BROKEN) {
    return EHLO_E_CHUNK_SIZE;
  }
  return c->chunk_way == EHLO_CHUNK_OCTETS ? EHLO_E_STATE : EHLO_OK;
}

// Takes `written` octets of encoded text at the tail into the chunk. Its last octet, which is the LF
// of its last line, waits for the end of the text: a server must not have a whole chunk of a text
// that then goes on, since it would take the part for the message.
static enum ehlo_status commit_text(struct ehlo_client *c, size_t written) {
  if (written == 0) {
    return EHLO_OK;
  }
  size_t room = c->chunk_left - 1 < written ? (size_t)(c->chunk_left - 1) : written;
  bool fits = written == room;
  bool ends = written == c->chunk_left && ehlo_output_tail(c)[written - 1] == '\n';
  c->chunk_way = EHLO_CHUNK_TEXT;
  commit(c, room);
  c->chunk_left -= room;
  if (fits) {
    return EHLO_OK;
  }
  c->chunk_way = EHLO_CHUNK_HELD;
  return ends ? EHLO_OK : break_chunk(c);
}

static enum ehlo_status send_chunk_text(struct ehlo_client *c, size_t *out_used, const uint8_t *in,
                                        size_t len) {
  enum ehlo_status status = check_chunk_text(c);
  if (status != EHLO_OK) {
    return status;
  }
  size_t room = ehlo_output_room(c);
  size_t written = 0;
  status = ehlo_body_encode(&c->body, out_used, &written, ehlo_output_tail(c), room, in, len);
  if (*out_used > 0 && c->chunk_way == EHLO_CHUNK_OPEN) {
    c->chunk_way = EHLO_CHUNK_TEXT;
  }
  enum ehlo_status fit = commit_text(c, written);
  return fit != EHLO_OK ? fit : status;
}

static enum ehlo_status end_chunk_text(struct ehlo_client *c) {
  enum ehlo_status status = check_chunk_text(c);
  if (status != EHLO_OK) {
    return status;
  }
  size_t room = ehlo_output_room(c);
  size_t written = 0;
  status = ehlo_body_end(&c->body, &written, ehlo_output_tail(c), room);
  if (status == EHLO_OK) {
    status = commit_text(c, written);
  }
  if (status != EHLO_OK) {
    return status;
  }
  if (c->chunk_way != EHLO_CHUNK_HELD) {
    return break_chunk(c);
  }
  *ehlo_output_tail(c) = '\n';
  commit(c, 1);
  ehlo_client_chunk_taken(c, 1);
  return EHLO_OK;
}

// ---- Text ---------------------------------------------------------------------------------------

// The message may flow once the event that wants it was taken.
static enum ehlo_status check_body(const struct ehlo_client *c) {
  enum ehlo_status status = ehlo_client_check(c, EHLO_VERB_BODY);
  if (status != EHLO_OK) {
    return status;
  }
  return c->reply_ready || c->follow_up != EHLO_EVENT_NONE ? EHLO_E_STATE : EHLO_OK;
}

enum ehlo_status ehlo_send_body(struct ehlo_client *c, size_t *out_used, const uint8_t *in,
                                size_t len) {
  *out_used = 0;
  if (c->intent == EHLO_STATE_CHUNK) {
    return send_chunk_text(c, out_used, in, len);
  }
  enum ehlo_status status = check_body(c);
  if (status != EHLO_OK) {
    return status;
  }
  size_t room = ehlo_output_room(c);
  size_t written = 0;
  status = ehlo_body_encode(&c->body, out_used, &written, ehlo_output_tail(c), room, in, len);
  commit(c, written);
  return status;
}

enum ehlo_status ehlo_send_body_end(struct ehlo_client *c) {
  if (c->intent == EHLO_STATE_CHUNK) {
    return end_chunk_text(c);
  }
  enum ehlo_status status = check_body(c);
  if (status != EHLO_OK) {
    return status;
  }
  size_t room = ehlo_output_room(c);
  size_t written = 0;
  status = ehlo_body_end(&c->body, &written, ehlo_output_tail(c), room);
  if (status == EHLO_OK) {
    ehlo_output_commit(c, written, EHLO_OUTPUT_BODY);
    ehlo_client_push(c, EHLO_VERB_BODY);
  }
  return status;
}
