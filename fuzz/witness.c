// See witness.h.
#include "fuzz/witness.h"

#include <string.h>

#include "fuzz/reference.h"

// The flags by which spans are told apart; the others depend on what is queued.
#define KINDS (EHLO_OUTPUT_SECRET | EHLO_OUTPUT_BODY)

void ehlo_witness_begin(struct ehlo_witness *w, const struct ehlo_client *c,
                        const struct ehlo_config *config) {
  struct ehlo_fuzz_bytes rooms[] = {w->wanted, w->kinds, w->server, w->base64};
  for (size_t i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++) {
    ehlo_fuzz_clear(&rooms[i]);
  }
  memset(w, 0, sizeof(*w));
  w->wanted = rooms[0];
  w->kinds = rooms[1];
  w->server = rooms[2];
  w->base64 = rooms[3];
  w->client = c;
  w->cleartext_allowed = config->allow_cleartext_auth;
  w->bare_cr_repaired = config->bare_cr == EHLO_BARE_CR_REPAIR;
  w->bare_lf_refused = config->bare_lf == EHLO_BARE_LF_REFUSE;
  w->pending[w->num_pending++].verb = EHLO_VERB_GREETING;
}

static bool is_over(const struct ehlo_witness *w) {
  enum ehlo_state state = ehlo_client_state(w->client);
  return state == EHLO_STATE_CLOSED || state == EHLO_STATE_FAILED;
}

// ---- What has to be sent ------------------------------------------------------------------------

static void want(struct ehlo_witness *w, struct ehlo_span bytes, uint8_t kind) {
  ehlo_fuzz_add(&w->wanted, bytes.bytes, bytes.len);
  ehlo_fuzz_fill(&w->kinds, kind, bytes.len);
}

static void push(struct ehlo_witness *w, enum ehlo_verb verb) {
  EHLO_FUZZ_CHECK(w->num_pending < EHLO_PENDING_MAX);
  w->pending[w->num_pending++] = (struct ehlo_witness_command){verb, w->wanted.len, false};
}

static void pop(struct ehlo_witness *w) {
  w->num_pending--;
  w->num_had = 0;
  memmove(w->pending, w->pending + 1, w->num_pending * sizeof(w->pending[0]));
}

// One line and nothing else: no octet that could end it or be taken for something else.
static void judge_text(struct ehlo_span text, bool utf8) {
  for (size_t i = 0; i < text.len; i++) {
    EHLO_FUZZ_CHECK(text.bytes[i] >= ' ' && text.bytes[i] != 0x7f);
    EHLO_FUZZ_CHECK(text.bytes[i] < 0x80 || utf8);
  }
}

static void judge_line(const struct ehlo_witness_line *line) {
  judge_text(line->head, line->utf8);
  judge_text(line->tail, line->utf8);
  if (line->verbatim) {
    judge_text(*line->secret, true);
    size_t len = line->head.len + line->secret->len + line->tail.len + 2;
    EHLO_FUZZ_CHECK(line->secret->len > 0 && len <= EHLO_TOKEN_MAX);
    return;
  }
  bool token = line->verb == EHLO_VERB_AUTH;
  EHLO_FUZZ_CHECK(line->head.len + 2 <= (token ? EHLO_TOKEN_MAX + 2 : EHLO_COMMAND_MAX));
}

static void want_secret(struct ehlo_witness *w, struct ehlo_span secret, bool verbatim) {
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_SECRECY, w->cleartext_allowed || ehlo_client_is_secure(w->client));
  w->secret_at = w->wanted.len;
  w->secret_len = secret.len;
  if (verbatim) {
    want(w, secret, EHLO_OUTPUT_SECRET);
    return;
  }
  ehlo_fuzz_clear(&w->base64);
  ehlo_reference_base64(&w->base64, secret.bytes, secret.len);
  EHLO_FUZZ_CHECK(w->base64.len <= EHLO_TOKEN_MAX);
  w->secret_len = w->base64.len;
  want(w, (struct ehlo_span){w->base64.bytes, w->base64.len}, EHLO_OUTPUT_SECRET);
}

void ehlo_witness_verb(struct ehlo_witness *w, enum ehlo_status status,
                       const struct ehlo_witness_line *line) {
  bool failed = ehlo_client_state(w->client) == EHLO_STATE_FAILED;
  EHLO_FUZZ_CHECK(status == EHLO_OK || failed || ehlo_status_class(status) == EHLO_CLASS_CALLER);
  if (status != EHLO_OK) {
    return;
  }
  EHLO_FUZZ_CHECK(!is_over(w) && !w->tls_wanted);
  judge_line(line);
  want(w, line->head, 0);
  if (line->secret != NULL) {
    want_secret(w, *line->secret, line->verbatim);
    bool whole = line->head.len == 0 || line->verbatim;  // else the limit is of the command line
    EHLO_FUZZ_CHECK(whole || line->head.len + w->secret_len + 2 <= EHLO_TOKEN_MAX);
  }
  want(w, line->tail, 0);
  want(w, ehlo_str("\r\n"), 0);
  push(w, line->verb);
}

// RFC 2033 §4.3: in LMTP a last chunk without a recipient is over without a reply.
static void settle(struct ehlo_witness *w) {
  while (w->num_pending > 0 && w->lmtp && w->num_accepted == 0 && w->pending[0].last_chunk &&
         w->pending[0].end <= w->num_sent && (w->num_pending > 1 || w->chunk_left == 0)) {
    w->open = false;
    w->chunked = false;
    pop(w);
  }
}

void ehlo_witness_chunk_size(struct ehlo_witness *w, uint64_t len, bool last) {
  w->chunk_left = len;
  w->pending[w->num_pending - 1].last_chunk = last;
  w->chunk_octets = false;
  w->chunk_text = false;
  w->chunk_held = false;
  w->chunk_broken = false;
  w->in_line = false;
  w->cr = false;
}

static void want_of_chunk(struct ehlo_witness *w, const uint8_t *bytes, size_t len) {
  w->chunk_left -= len;
  want(w, (struct ehlo_span){bytes, len}, EHLO_OUTPUT_BODY);
  if (len > 0) {
    w->pending[w->num_pending - 1].end = w->wanted.len;
  }
}

void ehlo_witness_chunk(struct ehlo_witness *w, const uint8_t *bytes, size_t len) {
  EHLO_FUZZ_CHECK(len <= w->chunk_left && !(len > 0 && w->chunk_text));
  w->chunk_octets |= len > 0;
  want_of_chunk(w, bytes, len);
}

// One octet of encoded text. The last of a chunk is an LF, and waits.
static void want_text(struct ehlo_witness *w, uint8_t byte, bool chunk) {
  if (!chunk) {
    want(w, (struct ehlo_span){&byte, 1}, EHLO_OUTPUT_BODY);
  } else if (w->chunk_left > 1 && !w->chunk_broken) {
    want_of_chunk(w, &byte, 1);
  } else if (!w->chunk_held && byte == '\n' && !w->chunk_broken) {
    w->chunk_held = true;
  } else {
    w->chunk_broken = true;
  }
}

static void end_line(struct ehlo_witness *w, bool chunk) {
  want_text(w, '\r', chunk);
  want_text(w, '\n', chunk);
  w->in_line = false;
  w->cr = false;
}

static void want_run(struct ehlo_witness *w, bool chunk, const uint8_t *bytes, size_t len) {
  if (!chunk) {
    want(w, ehlo_str(!w->in_line && bytes[0] == '.' ? "." : ""), EHLO_OUTPUT_BODY);
    want(w, (struct ehlo_span){bytes, len}, EHLO_OUTPUT_BODY);
  }
  for (size_t i = 0; chunk && i < len; i++) {
    want_text(w, bytes[i], true);
  }
  w->in_line = true;
}

void ehlo_witness_body(struct ehlo_witness *w, enum ehlo_status status, bool chunk,
                       const uint8_t *bytes, size_t len) {
  EHLO_FUZZ_CHECK(!(chunk && len > 0 && w->chunk_octets));
  w->chunk_text |= chunk && len > 0;
  for (size_t i = 0; i < len;) {
    if (bytes[i] == '\n') {
      EHLO_FUZZ_CHECK(w->cr || !w->bare_lf_refused);
      end_line(w, chunk);
      i++;
      continue;
    }
    if (w->cr) {
      EHLO_FUZZ_CHECK(w->bare_cr_repaired);
      end_line(w, chunk);
    }
    size_t run = 0;
    while (i + run < len && bytes[i + run] != '\r' && bytes[i + run] != '\n') {
      run++;
    }
    w->cr = run == 0;
    if (run > 0) {
      want_run(w, chunk, bytes + i, run);
    }
    i += run + w->cr;
  }
  EHLO_FUZZ_CHECK((status == EHLO_E_CHUNK_SIZE) == (chunk && w->chunk_broken));
}

// The end of a chunk's text: whole, or broken by what is too much or too little.
static void end_chunk(struct ehlo_witness *w, enum ehlo_status status) {
  if (status != EHLO_OK && status != EHLO_E_CHUNK_SIZE) {
    return;
  }
  EHLO_FUZZ_CHECK(!w->chunk_octets && (w->chunk_broken || !w->cr || w->bare_cr_repaired));
  if ((w->in_line || w->cr) && !w->chunk_broken) {
    EHLO_FUZZ_CHECK(!w->bare_lf_refused || w->cr);
    end_line(w, true);
  }
  w->chunk_broken |= !w->chunk_held;
  EHLO_FUZZ_CHECK((status == EHLO_OK) == !w->chunk_broken);
  if (status == EHLO_OK) {
    want_of_chunk(w, (const uint8_t *)"\n", 1);
    EHLO_FUZZ_CHECK(w->chunk_left == 0);
  }
}

void ehlo_witness_body_end(struct ehlo_witness *w, enum ehlo_status status, bool chunk) {
  if (chunk) {
    end_chunk(w, status);
    return;
  }
  if (status != EHLO_OK) {
    return;
  }
  EHLO_FUZZ_CHECK(!w->cr || w->bare_cr_repaired);
  if (w->in_line || w->cr) {
    EHLO_FUZZ_CHECK(!w->bare_lf_refused || w->cr);
    end_line(w, false);
  }
  want(w, ehlo_str(".\r\n"), EHLO_OUTPUT_BODY);
  push(w, EHLO_VERB_BODY);
}

// ---- The transport's side -----------------------------------------------------------------------

void ehlo_witness_server(struct ehlo_witness *w, const uint8_t *bytes, size_t len) {
  ehlo_fuzz_add(&w->server, bytes, len);
}

// A span is not of the kind that its octets had to be of: a secret in the open, or less than that.
static void judge_kinds(const uint8_t *kinds, size_t len, uint8_t kind) {
  bool exposed = false;
  for (size_t i = 0; i < len; i++) {
    exposed = exposed || ((kinds[i] ^ kind) & EHLO_OUTPUT_SECRET) != 0;
  }
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_SECRECY, !exposed);
  EHLO_FUZZ_CHECK(exposed);
}

void ehlo_witness_output(struct ehlo_witness *w, const struct ehlo_output *out, size_t taken) {
  bool secret = (out->flags & EHLO_OUTPUT_SECRET) != 0;
  EHLO_FUZZ_CHECK(out->span.len > 0 && taken <= out->span.len && !is_over(w));
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_SECRECY,
                     !secret || w->cleartext_allowed || ehlo_client_is_secure(w->client));
  size_t at = w->num_sent;
  uint8_t kind = out->flags & KINDS;
  bool awaited = at <= w->wanted.len && taken <= w->wanted.len - at;
  EHLO_FUZZ_CHECK(awaited);
  EHLO_FUZZ_CHECK(!awaited || taken == 0 ||
                  memcmp(out->span.bytes, w->wanted.bytes + at, taken) == 0);
  if (awaited && !ehlo_fuzz_is_all(kind, w->kinds.bytes + at, taken)) {
    judge_kinds(w->kinds.bytes + at, taken, kind);
  }
  w->num_sent += taken;
  settle(w);
}

void ehlo_witness_tls(struct ehlo_witness *w, enum ehlo_status status) {
  if (status == EHLO_OK) {
    EHLO_FUZZ_CHECK(w->tls_wanted || w->server.len == 0);
    EHLO_FUZZ_CHECK(!ehlo_client_is_authenticated(w->client));
    EHLO_FUZZ_CHECK(!ehlo_client_capabilities(w->client)->esmtp);
    w->tls_wanted = false;
    w->lmtp = false;
    w->greeted = false;
  }
}

// ---- Events -------------------------------------------------------------------------------------

// Whether the session is past EHLO: a chunk counts only there.
static void note_greeted(struct ehlo_witness *w, enum ehlo_verb verb, uint16_t code) {
  bool success = code / 100 == 2;
  bool hello = verb == EHLO_VERB_EHLO || verb == EHLO_VERB_HELO || verb == EHLO_VERB_LHLO;
  bool auth = verb == EHLO_VERB_AUTH;
  bool message = (verb == EHLO_VERB_DATA && code == 354) || verb == EHLO_VERB_BODY;
  if (verb == EHLO_VERB_XCLIENT && success) {
    w->greeted = false;
  } else if ((success && (hello || auth || verb == EHLO_VERB_MAIL)) || message ||
             (auth && w->challenged)) {
    w->greeted = true;
  }
  if (auth) {
    w->challenged = code == 334;
    w->open = w->open && !success && code != 334;
    w->chunked = w->chunked && !success && code != 334;
  }
}

// What a reply other than 421 changes for the replies after it.
static void note_reply(struct ehlo_witness *w, enum ehlo_verb verb, uint16_t code, bool answered) {
  bool success = code / 100 == 2;
  bool hello = verb == EHLO_VERB_EHLO || verb == EHLO_VERB_HELO || verb == EHLO_VERB_LHLO;
  if (hello || verb == EHLO_VERB_XCLIENT) {
    w->lmtp = success ? verb == EHLO_VERB_LHLO : w->lmtp;
  }
  if (verb == EHLO_VERB_MAIL && (success || !(w->open || w->chunked))) {
    w->num_recipients = 0;
    w->num_accepted = 0;
  }
  if (verb == EHLO_VERB_RCPT) {
    w->num_accepted += success && w->open;
  }
  if (verb == EHLO_VERB_XCLIENT && success) {
    EHLO_FUZZ_CHECK(!ehlo_client_is_authenticated(w->client));
    EHLO_FUZZ_CHECK(!ehlo_client_capabilities(w->client)->esmtp);
  }
  note_greeted(w, verb, code);
  bool over = verb == EHLO_VERB_BODY || (verb == EHLO_VERB_BDAT && w->pending[0].last_chunk);
  bool ends = hello || verb == EHLO_VERB_RSET || verb == EHLO_VERB_XCLIENT;
  if ((success && ends) || (over && answered)) {
    w->open = false;
    w->chunked = false;
  } else if (verb == EHLO_VERB_MAIL && success) {
    w->open = true;
    w->chunked = false;
  } else if ((verb == EHLO_VERB_BDAT && !over) || (verb == EHLO_VERB_DATA && code == 354)) {
    w->chunked = verb == EHLO_VERB_BDAT && w->greeted;
    w->open = false;
  }
}

// Whether the oldest command gets a reply for each accepted recipient.
static bool by_recipient(const struct ehlo_witness *w) {
  return w->lmtp && w->num_pending > 0 &&
         (w->pending[0].verb == EHLO_VERB_BODY || w->pending[0].last_chunk);
}

static void judge_recipient(struct ehlo_witness *w, const struct ehlo_event *event) {
  bool rcpt = event->verb == EHLO_VERB_RCPT;
  EHLO_FUZZ_CHECK(event->of_recipient == (rcpt || by_recipient(w)));
  if (rcpt) {
    EHLO_FUZZ_CHECK(event->recipient == w->num_recipients);
    w->num_recipients++;
  } else {
    EHLO_FUZZ_CHECK(event->recipient == (by_recipient(w) ? w->num_had : 0));
  }
}

static void judge_reply(struct ehlo_witness *w, const struct ehlo_event *event) {
  const struct ehlo_reply *reply = &event->reply;
  enum ehlo_verb due = w->num_pending > 0 ? w->pending[0].verb : EHLO_VERB_NONE;
  EHLO_FUZZ_CHECK(event->verb == due && !w->tls_wanted);
  bool said = reply->text.len > 0 && w->reply_end <= w->server.len &&
              reply->text.len <= w->server.len - w->reply_end;
  EHLO_FUZZ_CHECK(said);
  EHLO_FUZZ_CHECK(!said ||
                  memcmp(reply->text.bytes, w->server.bytes + w->reply_end, reply->text.len) == 0);
  w->reply_end += reply->text.len;
  w->last_verb = due;
  w->last_code = reply->code;
  judge_recipient(w, event);
  if (reply->code == 421) {
    EHLO_FUZZ_CHECK(event->num_due == 0);
    w->num_pending = 0;
    return;
  }
  EHLO_FUZZ_CHECK(due != EHLO_VERB_NONE && w->pending[0].end <= w->num_sent);
  EHLO_FUZZ_CHECK(due != EHLO_VERB_BDAT || w->num_pending > 1 || w->chunk_left == 0);
  size_t left = 0;
  if (by_recipient(w)) {
    EHLO_FUZZ_CHECK(w->num_had < w->num_accepted);
    left = w->num_accepted - ++w->num_had;
  }
  EHLO_FUZZ_CHECK(event->num_due == left);
  note_reply(w, due, reply->code, left == 0);
  if (left == 0) {
    pop(w);
  }
  settle(w);
}

static void judge_failure(struct ehlo_witness *w, const struct ehlo_error *error) {
  EHLO_FUZZ_CHECK(ehlo_client_state(w->client) == EHLO_STATE_FAILED && !w->failed_told);
  enum ehlo_status_class class = ehlo_status_class(error->status);
  EHLO_FUZZ_CHECK(class != EHLO_CLASS_NONE && class != EHLO_CLASS_CALLER);
  EHLO_FUZZ_CHECK(error->offset <= w->server.len);
  EHLO_FUZZ_CHECK(error->verb == (w->num_pending > 0 ? w->pending[0].verb : EHLO_VERB_NONE));
  EHLO_FUZZ_CHECK(!error->verb_sent || w->pending[0].end <= w->num_sent);
  EHLO_FUZZ_CHECK(!w->tls_wanted || error->status == EHLO_E_STARTTLS_INJECTION ||
                  class == EHLO_CLASS_TRANSPORT);
  w->failed_told = true;
}

void ehlo_witness_event(struct ehlo_witness *w, const struct ehlo_event *event) {
  EHLO_FUZZ_CHECK(!w->failed_told && !w->closed_told);
  switch (event->type) {
    case EHLO_EVENT_REPLY:
    case EHLO_EVENT_CHALLENGE:
      judge_reply(w, event);
      break;
    case EHLO_EVENT_TLS_WANTED:
      EHLO_FUZZ_CHECK(w->last_verb == EHLO_VERB_STARTTLS && w->last_code == 220);
      w->tls_wanted = true;
      break;
    case EHLO_EVENT_BODY_WANTED:
      EHLO_FUZZ_CHECK(w->last_verb == EHLO_VERB_DATA && w->last_code == 354);
      w->in_line = false;
      w->cr = false;
      break;
    case EHLO_EVENT_CLOSED:
      EHLO_FUZZ_CHECK(ehlo_client_state(w->client) == EHLO_STATE_CLOSED);
      EHLO_FUZZ_CHECK(w->last_code == 421 || w->last_verb == EHLO_VERB_QUIT ||
                      w->pending[0].verb == EHLO_VERB_QUIT);
      w->num_pending = 0;
      w->closed_told = true;
      break;
    case EHLO_EVENT_FAILED:
      judge_failure(w, &event->error);
      break;
    case EHLO_EVENT_NONE:
      EHLO_FUZZ_CHECK(!"an event is one");
      break;
  }
}

// Something can go on: at the latest the clock where output or a reply is waited for, else the program.
static bool can_go_on(const struct ehlo_witness *w, bool has_output) {
  if (ehlo_deadline(w->client) != EHLO_NEVER) {
    return true;
  }
  if (has_output || w->num_pending > 0) {
    return false;
  }
  for (int verb = EHLO_VERB_EHLO; verb < EHLO_NUM_VERBS; verb++) {
    if (ehlo_client_may_send(w->client, (enum ehlo_verb)verb)) {
      return true;
    }
  }
  return false;
}

void ehlo_witness_rest(struct ehlo_witness *w) {
  struct ehlo_output out;
  bool has_output = ehlo_output_peek(w->client, &out);
  EHLO_FUZZ_CHECK(is_over(w) || (w->last_code != 421 && w->last_verb != EHLO_VERB_QUIT));
  if (is_over(w)) {
    EHLO_FUZZ_CHECK(!has_output && ehlo_deadline(w->client) == EHLO_NEVER);
    EHLO_FUZZ_CHECK(w->failed_told || w->closed_told);
    return;
  }
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_LIVENESS, w->num_sent == w->wanted.len || has_output);
  EHLO_FUZZ_CHECK(w->num_sent < w->wanted.len || !has_output);
  EHLO_FUZZ_CHECK(ehlo_client_num_pending(w->client) == w->num_pending);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_LIVENESS, can_go_on(w, has_output));
}

// A secret shorter than this may be there by chance.
#define RESIDUE_MIN 12

// Where `text` is in there, SIZE_MAX if it is not.
static size_t find(const uint8_t *bytes, size_t len, size_t from, struct ehlo_span text) {
  while (from < len && len - from >= text.len) {
    const uint8_t *at = memchr(bytes + from, text.bytes[0], len - from - text.len + 1);
    if (at == NULL) {
      break;
    }
    from = (size_t)(at - bytes);
    if (memcmp(at, text.bytes, text.len) == 0) {
      return from;
    }
    from++;
  }
  return SIZE_MAX;
}

// Whether the program said the same where it is no secret.
static bool is_said(const struct ehlo_witness *w, struct ehlo_span text) {
  const struct ehlo_fuzz_bytes *all = &w->wanted;
  size_t at = find(all->bytes, all->len, 0, text);
  while (at != SIZE_MAX && ehlo_fuzz_is_all(EHLO_OUTPUT_SECRET, w->kinds.bytes + at, text.len)) {
    at = find(all->bytes, all->len, at + 1, text);
  }
  return at != SIZE_MAX;
}

void ehlo_witness_buffer(struct ehlo_witness *w, const uint8_t *output, size_t len) {
  struct ehlo_output out;
  if (w->secret_len == 0 || ehlo_output_peek(w->client, &out)) {
    return;
  }
  struct ehlo_span secret = {w->wanted.bytes + w->secret_at, w->secret_len};
  w->secret_len = 0;
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_SECRECY, secret.len < RESIDUE_MIN ||
                                            find(output, len, 0, secret) == SIZE_MAX ||
                                            is_said(w, secret));
}
