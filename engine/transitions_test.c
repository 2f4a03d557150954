// Every transition of the state machine, taken by a real client: an exploration of all that a caller
// can send and a server can answer, from the greeting on, with up to three commands outstanding.
// Where a client stands is state.c's to say, and the client has to stand there.
//
// What counts: each legal pair of state and verb is sent, and each transition that transitions.c
// declares is taken, and no other.
// What the transitions should be is written in state_test.c.
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ehlo.h"
#include "engine/state.h"
#include "engine/transitions.h"

#define PENDING_MAX 3

static const uint16_t codes[] = {220, 250, 334, 354, 450, 550, 421};
#define NUM_CODES (sizeof(codes) / sizeof(codes[0]))

// ---- A place in the exploration -------------------------------------------------------------------

// What one place has that another has not, as far as transitions go.
struct key {
  uint8_t state;
  uint8_t intent;
  uint8_t num_pending;
  uint8_t pending[PENDING_MAX];
  bool pipelining;
  bool secure;
  bool authenticated;
  bool lmtp;
  uint8_t num_accepted;  // none, one, or more: how many replies a message gets in LMTP
  uint8_t num_body_replies;
};

struct place {
  struct key key;
  struct ehlo_client client;
  uint8_t buffer[EHLO_BUFFER_MIN];
};

#define PLACES_MAX ((size_t)65536)

struct exploration {
  struct place *places[PLACES_MAX];
  size_t num_places;
  uint32_t by_hash[2 * PLACES_MAX];  // the place's number plus one
  bool sent[EHLO_NUM_STATES][EHLO_NUM_VERBS];
  uint8_t taken[EHLO_NUM_TRANSITIONS];
  size_t num_steps;
};

static struct key key_of(const struct ehlo_client *c) {
  struct key key;
  memset(&key, 0, sizeof(key));
  key.state = c->state;
  key.intent = c->intent;
  key.num_pending = c->num_pending;
  for (size_t i = 0; i < c->num_pending; i++) {
    key.pending[i] = c->pending[(c->pending_first + i) % EHLO_PENDING_MAX];
  }
  key.pipelining = c->caps.pipelining;
  key.secure = c->secure;
  key.authenticated = c->authenticated;
  key.lmtp = c->lmtp;
  key.num_accepted = (uint8_t)(!c->lmtp ? 0 : c->num_accepted < 2 ? c->num_accepted : 2);
  key.num_body_replies = (uint8_t)(c->num_body_replies < 2 ? c->num_body_replies : 2);
  return key;
}

static void copy_place(struct place *to, const struct place *from) {
  *to = *from;
  ehlo_client_rebase(&to->client, to->buffer);
}

// Where a place with this key stands in the table, or would.
static uint32_t *find(struct exploration *x, const struct key *key) {
  size_t at = 14695981039346656037U;
  for (size_t i = 0; i < sizeof(*key); i++) {
    at = (at ^ ((const uint8_t *)key)[i]) * 1099511628211U;
  }
  for (;; at++) {
    uint32_t *number = &x->by_hash[at % (2 * PLACES_MAX)];
    if (*number == 0 || memcmp(&x->places[*number - 1]->key, key, sizeof(*key)) == 0) {
      return number;
    }
  }
}

// Keeps a place for later if none like it was seen.
static void keep(struct exploration *x, struct place *p) {
  p->key = key_of(&p->client);
  uint32_t *number = find(x, &p->key);
  if (*number != 0) {
    return;
  }
  cr_assert_lt(x->num_places, PLACES_MAX);
  struct place *kept = malloc(sizeof(*kept));
  cr_assert_not_null(kept);
  copy_place(kept, p);
  x->places[x->num_places++] = kept;
  *number = (uint32_t)x->num_places;
}

// The transport takes all there is.
static void drain(struct ehlo_client *c) {
  struct ehlo_output out;
  while (ehlo_output_peek(c, &out)) {
    ehlo_output_ack(c, out.span.len, 0);
  }
}

// ---- Sending --------------------------------------------------------------------------------------

static enum ehlo_status send_raw(struct ehlo_client *c, enum ehlo_verb verb) {
  if (verb == EHLO_VERB_BDAT) {
    return ehlo_send_raw(c, ehlo_str("bdat 0 last"));
  }
  return ehlo_send_raw(c, ehlo_str(verb == EHLO_VERB_OTHER ? "XFOO" : ehlo_verb_name(verb)));
}

static enum ehlo_status send_auth(struct ehlo_client *c) {
  struct ehlo_span part = ehlo_str("x");
  return c->intent == EHLO_STATE_AUTH ? ehlo_send_auth_response(c, &part, 1, true)
                                      : ehlo_send_auth(c, "LOGIN", NULL, 0, true);
}

// A chunk of two octets; the client stands inside it after the first.
static enum ehlo_status send_bdat(struct ehlo_client *c, bool last) {
  size_t used;
  enum ehlo_status status = ehlo_send_bdat(c, 2, last);
  for (int i = 0; i < 2 && status == EHLO_OK; i++) {
    cr_assert_eq(ehlo_client_state(c), EHLO_STATE_CHUNK);
    status = ehlo_send_chunk(c, &used, (const uint8_t *)"x", 1);
  }
  return status;
}

// A verb without a call of its own, which a raw line sends.
#define NO_CALL EHLO_NUM_STATUS

static enum ehlo_status send_verb(struct ehlo_client *c, enum ehlo_verb verb, bool last) {
  struct ehlo_span path = ehlo_str("a@b.example");
  struct ehlo_span none = ehlo_str("");
  switch ((int)verb) {
    case EHLO_VERB_EHLO:
      return ehlo_send_ehlo(c, ehlo_str("c"));
    case EHLO_VERB_HELO:
      return ehlo_send_helo(c, ehlo_str("c"));
    case EHLO_VERB_LHLO:
      return ehlo_send_lhlo(c, ehlo_str("c"));
    case EHLO_VERB_ETRN:
      return ehlo_send_etrn(c, ehlo_str("x"));
    case EHLO_VERB_XCLIENT:
      return ehlo_send_xclient(c, ehlo_str("NAME=x"));
    case EHLO_VERB_STARTTLS:
      return ehlo_send_starttls(c);
    case EHLO_VERB_AUTH:
      return send_auth(c);
    case EHLO_VERB_MAIL:
      return ehlo_send_mail(c, path, none);
    case EHLO_VERB_RCPT:
      return ehlo_send_rcpt(c, path, none);
    case EHLO_VERB_DATA:
      return ehlo_send_data(c);
    case EHLO_VERB_BODY:
      return ehlo_send_body_end(c);
    case EHLO_VERB_BDAT:
      return send_bdat(c, last);
    case EHLO_VERB_RSET:
      return ehlo_send_rset(c);
    case EHLO_VERB_NOOP:
      return ehlo_send_noop(c, none);
    case EHLO_VERB_VRFY:
      return ehlo_send_vrfy(c, ehlo_str("x"));
    case EHLO_VERB_EXPN:
      return ehlo_send_expn(c, ehlo_str("x"));
    case EHLO_VERB_HELP:
      return ehlo_send_help(c, none);
    case EHLO_VERB_QUIT:
      return ehlo_send_quit(c);
    default:
      return NO_CALL;
  }
}

static bool has_call(enum ehlo_verb verb) {
  static struct place p;
  ehlo_client_init(&p.client, &(struct ehlo_config){0}, p.buffer, sizeof(p.buffer), 0);
  return send_verb(&p.client, verb, true) != NO_CALL;
}

// Where the intent is after `verb`, which state.c says; a chunk ends where it was given.
static enum ehlo_state intent_after(enum ehlo_state intent, enum ehlo_verb verb, bool last) {
  if (verb == EHLO_VERB_BDAT) {
    return ehlo_state_on_chunk(last);
  }
  return ehlo_state_on_send(intent, verb);
}

static void try_verb(struct exploration *x, const struct place *from, enum ehlo_verb verb, bool raw,
                     bool last) {
  static struct place p;
  copy_place(&p, from);
  enum ehlo_state intent = ehlo_client_state(&p.client);
  bool allowed = ehlo_client_may_send(&p.client, verb);
  enum ehlo_status status = raw ? send_raw(&p.client, verb) : send_verb(&p.client, verb, last);
  if (status == NO_CALL) {
    return;
  }
  if (status != EHLO_OK) {
    cr_assert_eq(ehlo_client_state(&p.client), intent, "a refused verb changes nothing");
    return;
  }
  if (!raw || (allowed && !has_call(verb))) {
    cr_assert(allowed && ehlo_state_is_legal(intent, verb), "%s in %s", ehlo_verb_name(verb),
              ehlo_state_name(intent));
    x->sent[intent][verb] = true;
  }
  cr_assert_eq(ehlo_client_state(&p.client), intent_after(intent, verb, last), "%s in %s",
               ehlo_verb_name(verb), ehlo_state_name(intent));
  drain(&p.client);
  keep(x, &p);
}

// ---- Answering --------------------------------------------------------------------------------------

static const char *text_of(enum ehlo_verb verb, uint16_t code) {
  bool hello = (verb == EHLO_VERB_EHLO || verb == EHLO_VERB_LHLO) && code == 250;
  return hello ? "250-x\r\n250-PIPELINING\r\n250-STARTTLS\r\n250-CHUNKING\r\n250-ETRN\r\n"
                 "250-XCLIENT NAME\r\n250 AUTH LOGIN\r\n"
               : NULL;
}

static void feed(struct ehlo_client *c, enum ehlo_verb verb, uint16_t code) {
  char line[16];
  const char *text = text_of(verb, code);
  if (text == NULL) {
    snprintf(line, sizeof(line), "%u \r\n", code);
    text = line;
  }
  size_t used;
  ehlo_input(c, &used, (const uint8_t *)text, strlen(text), 0);
  cr_assert_eq(used, strlen(text));
}

static void take_events(struct ehlo_client *c, enum ehlo_event_type follow_up, bool good) {
  struct ehlo_event event;
  enum ehlo_event_type type = ehlo_next(c, &event);
  if (!good) {
    cr_assert_eq(type, EHLO_EVENT_FAILED);
  } else {
    cr_assert(type == EHLO_EVENT_REPLY || type == EHLO_EVENT_CHALLENGE);
    cr_assert_eq(ehlo_next(c, &event), follow_up);
  }
  while (ehlo_next(c, &event) != EHLO_EVENT_NONE) {
  }
}

// What decides beside the code, from the client's books.
static unsigned context_of(const struct place *p) {
  const struct ehlo_client *c = &p->client;
  enum ehlo_verb verb = (enum ehlo_verb)(p->key.pending[0] & 0x7f);
  bool last = (p->key.pending[0] & 0x80) != 0;
  bool message = verb == EHLO_VERB_BODY || last;
  bool more = c->lmtp && message && c->num_body_replies + 1 < c->num_accepted;
  return (last ? EHLO_REPLY_LAST_CHUNK : 0) | (c->lmtp ? EHLO_REPLY_LMTP : 0) |
         (more ? EHLO_REPLY_MORE_DUE : 0) | (c->secure ? EHLO_REPLY_SECURE : 0);
}

static void try_reply(struct exploration *x, const struct place *from, uint16_t code) {
  static struct place p;
  copy_place(&p, from);
  struct ehlo_client *c = &p.client;
  enum ehlo_state state = (enum ehlo_state)c->state;
  enum ehlo_verb verb = (enum ehlo_verb)(from->key.pending[0] & 0x7f);
  struct ehlo_transition t = ehlo_state_on_reply(state, verb, code, context_of(from));
  feed(c, verb, code);
  // In LMTP a last chunk that nobody accepted gets no reply: what stands behind it goes with it.
  bool settled = c->lmtp && from->key.num_pending > c->num_pending + 1U &&
                 t.next != EHLO_STATE_CLOSED && t.status == EHLO_OK;
  cr_assert_eq((enum ehlo_state)c->state, settled ? EHLO_STATE_READY : t.next, "%u to %s in %s",
               code, ehlo_verb_name(verb), ehlo_state_name(state));
  cr_assert_eq(c->status, t.status);
  cr_assert(c->num_pending > 0 || c->intent == c->state);
  take_events(c, t.follow_up, t.status == EHLO_OK);
  x->taken[ehlo_transition_number(state, verb, ehlo_reply_class_of(code))] = 1;
  x->num_steps++;
  keep(x, &p);
}

static void try_tls(struct exploration *x, const struct place *from) {
  static struct place p;
  copy_place(&p, from);
  enum ehlo_state before = (enum ehlo_state)p.client.state;
  if (ehlo_tls_done(&p.client, 0) == EHLO_OK) {
    cr_assert(before == EHLO_STATE_CONNECT || before == EHLO_STATE_TLS);
    cr_assert_eq((enum ehlo_state)p.client.state, ehlo_state_on_tls(before));
    cr_assert_eq(p.client.intent, p.client.state);
    keep(x, &p);
  }
}

static void explore(struct exploration *x, size_t i) {
  const struct place *from = x->places[i];
  for (int v = EHLO_VERB_GREETING + 1; v < EHLO_NUM_VERBS; v++) {
    if (from->key.num_pending == PENDING_MAX) {
      break;
    }
    try_verb(x, from, (enum ehlo_verb)v, false, true);
    if (v != EHLO_VERB_BODY) {  // which no line begins with
      try_verb(x, from, (enum ehlo_verb)v, true, true);
    }
    if (v == EHLO_VERB_BDAT) {
      try_verb(x, from, (enum ehlo_verb)v, false, false);
    }
  }
  bool awaits = from->key.num_pending > 0 && from->key.state != EHLO_STATE_FAILED;
  for (size_t k = 0; k < NUM_CODES && awaits; k++) {
    try_reply(x, from, codes[k]);
  }
  try_tls(x, from);
}

// ---- Counting -------------------------------------------------------------------------------------

static void count_sent(const struct exploration *x) {
  size_t num_legal = 0;
  for (int s = 0; s < EHLO_NUM_STATES; s++) {
    for (int v = 0; v < EHLO_NUM_VERBS; v++) {
      bool legal = ehlo_state_is_legal((enum ehlo_state)s, (enum ehlo_verb)v);
      cr_expect_eq(x->sent[s][v], legal, "%s in %s: sent %d, legal %d",
                   ehlo_verb_name((enum ehlo_verb)v), ehlo_state_name((enum ehlo_state)s),
                   x->sent[s][v], legal);
      num_legal += legal;
    }
  }
  printf("%zu of %zu legal pairs of state and verb sent\n", num_legal, num_legal);
}

static void count_taken(const struct exploration *x) {
  size_t declared = ehlo_transitions_declared();
  size_t missing = ehlo_transitions_missing(stderr, x->taken);
  cr_expect_eq(missing, 0, "%zu declared transitions were never taken, see above", missing);
  size_t surplus = ehlo_transitions_surplus(stderr, x->taken);
  cr_expect_eq(surplus, 0, "%zu transitions were taken that cannot be, see above", surplus);
  printf(
      "%zu of %zu transitions (confirmed state, verb, class of reply) taken by a client, in %zu "
      "steps; %zu cannot be\n",
      declared - missing, declared, x->num_steps, EHLO_NUM_TRANSITIONS - declared);
}

Test(transitions, each_is_taken) {
  static struct exploration x;
  static struct place start;
  ehlo_client_init(&start.client, &(struct ehlo_config){.allow_cleartext_auth = true}, start.buffer,
                   sizeof(start.buffer), 0);
  keep(&x, &start);
  for (size_t i = 0; i < x.num_places; i++) {
    explore(&x, i);
  }
  count_sent(&x);
  count_taken(&x);
  for (size_t i = 0; i < x.num_places; i++) {
    free(x.places[i]);
  }
}

Test(transitions, names) {
  char name[EHLO_TRANSITION_NAME_MAX];
  ehlo_transition_name(
      name, ehlo_transition_number(EHLO_STATE_READY, EHLO_VERB_MAIL, ehlo_reply_class_of(250)));
  cr_expect_str_eq(name, "ready MAIL 2yz");
  ehlo_transition_name(
      name, ehlo_transition_number(EHLO_STATE_CHUNKED, EHLO_VERB_STARTTLS, EHLO_REPLY_421));
  cr_expect_str_eq(name, "chunked STARTTLS 421");
}

Test(transitions, what_a_set_lacks) {
  uint8_t taken[EHLO_NUM_TRANSITIONS];
  size_t bare = ehlo_transition_number(EHLO_STATE_TLS, EHLO_VERB_NOOP, EHLO_REPLY_2YZ);
  size_t good = ehlo_transition_number(EHLO_STATE_AUTH, EHLO_VERB_AUTH, EHLO_REPLY_5YZ);
  memset(taken, 0, sizeof(taken));
  cr_expect_eq(ehlo_transitions_missing(NULL, taken), ehlo_transitions_declared());
  taken[bare] = taken[good] = 1;
  cr_expect_eq(ehlo_transitions_missing(NULL, taken), ehlo_transitions_declared() - 1);
  cr_expect_eq(ehlo_transitions_surplus(NULL, taken), 1);
  cr_expect_null(ehlo_transition_why_not(good));
  cr_expect_str_eq(ehlo_transition_why_not(bare), "any octet is an injection and is not looked at");
}

Test(transitions, documentation) {
  char *text;
  size_t len;
  FILE *out = open_memstream(&text, &len);
  ehlo_transitions_print(out);
  fclose(out);
  cr_expect_not_null(strstr(text, "\n- connect: greeting\n"));
  cr_expect_not_null(strstr(text, "\n- body: body\n"));
  cr_expect_not_null(strstr(text, "\n- reply to any but greeting in connect: no verb is legal"));
  cr_expect_not_null(strstr(text, "\n- reply to any in tls: any octet is an injection"));
  free(text);
}
