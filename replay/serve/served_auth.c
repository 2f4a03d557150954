// AUTH, exchange by exchange. Any credential is taken as the recorded one was: nothing is compared.
// What the transcript hides cannot be said, so an exchange that comes to a hidden challenge, the
// proof of a server that it knows the password, ends there with a refusal that says so.
#include <string.h>

#include "engine/base64.h"
#include "engine/ehlo.h"
#include "replay/serve/hello.h"
#include "replay/serve/served_parts.h"

static const char no_proof[] =
    "454 4.7.0 The transcript hides what comes here, the proof that the server knows the "
    "password\r\n";

// "r=served,s=…,i=4096": what SCRAM says first where nothing was recorded.
static const char scram_first[] = "334 cj1zZXJ2ZWQscz1jMlZ5ZG1Wa0lITmhiSFE9LGk9NDA5Ng==\r\n";

// What a mechanism that was offered but never used begins with; the password is asked for once.
static const struct {
  const char *name;
  const char *first;   // challenge, where the client has not begun by itself
  const char *second;  // ... and after its first response
} known[] = {
    {"PLAIN", "334 \r\n", NULL},
    {"LOGIN", "334 VXNlcm5hbWU6\r\n", "334 UGFzc3dvcmQ6\r\n"},
    {"CRAM-MD5", "334 PDE4OTYuNjk3MTcwOTUyQGxvY2FsaG9zdD4=\r\n", NULL},
    {"XOAUTH2", "334 \r\n", NULL},
    {"OAUTHBEARER", "334 \r\n", NULL},
    {"EXTERNAL", "334 \r\n", NULL},
    {"ANONYMOUS", "334 \r\n", NULL},
};
#define NUM_KNOWN (sizeof(known) / sizeof(known[0]))

static bool is_scram(const char *mechanism) {
  return strncmp(mechanism, "SCRAM-", 6) == 0;
}

// Those whose server speaks first: a response in the command line is not for them.
static bool server_begins(const char *mechanism) {
  return strcmp(mechanism, "DIGEST-MD5") == 0 || strncmp(mechanism, "CRAM-", 5) == 0;
}

// ---- Which recorded exchange -------------------------------------------------------------------

static void take_mechanism(char out[EHLO_MECHANISM_MAX], const struct ehlo_command_line *c) {
  size_t len = 0;
  for (; len < c->argument_len && c->argument[len] != ' '; len++) {
    uint8_t octet = c->argument[len];
    if (len + 1 < EHLO_MECHANISM_MAX) {
      out[len] = (char)(octet >= 'a' && octet <= 'z' ? octet - 'a' + 'A' : octet);
    }
  }
  memset(out + (len < EHLO_MECHANISM_MAX ? len : 0), 0,
         len < EHLO_MECHANISM_MAX ? EHLO_MECHANISM_MAX - len : EHLO_MECHANISM_MAX);
}

// How often the mechanism was used before; one more now. Beyond the table all are the first.
static size_t count_use(struct ehlo_served_auth *auth) {
  for (size_t i = 0; i < auth->num_used; i++) {
    if (strcmp(auth->used[i].name, auth->mechanism) == 0) {
      return auth->used[i].times++;
    }
  }
  if (auth->num_used < EHLO_SERVED_MECHANISMS_MAX) {
    memcpy(auth->used[auth->num_used].name, auth->mechanism, EHLO_MECHANISM_MAX);
    auth->used[auth->num_used++].times = 1;
  }
  return 0;
}

// The nth exchange with this mechanism, or the last one; NULL: there is none. One of the same
// course, under TLS or not, goes before another.
static const struct ehlo_attempt *find_attempt(const struct ehlo_served *s, const char *mechanism,
                                               size_t n, unsigned mask) {
  const struct ehlo_attempt *found = NULL;
  for (size_t i = 0; i < s->script->num_attempts; i++) {
    const struct ehlo_attempt *a = &s->script->attempts[i];
    bool same = mechanism == NULL || strcmp(a->mechanism, mechanism) == 0;
    if (same && a->num_answers > 0 && (a->bits & mask) == (s->course.bits & mask)) {
      found = a;
      if (n-- == 0) {
        break;
      }
    }
  }
  return found;
}

static const struct ehlo_answer *answer_of(const struct ehlo_served *s,
                                           const struct ehlo_attempt *attempt, size_t n) {
  return attempt != NULL && n < attempt->num_answers
             ? &s->script->answers[attempt->first_answer + n]
             : NULL;
}

// How the recorded exchanges ended, but for those that the client cancelled; NULL if none did.
static const struct ehlo_answer *find_verdict(const struct ehlo_served *s) {
  for (size_t i = 0; i < s->script->num_attempts; i++) {
    const struct ehlo_attempt *attempt = &s->script->attempts[i];
    const struct ehlo_answer *a = answer_of(s, attempt, attempt->num_answers - 1);
    if (a != NULL && a->code != 334 && !a->to_cancel) {
      return a;
    }
  }
  return NULL;
}

static struct ehlo_choice verdict(struct ehlo_served *s) {
  const struct ehlo_answer *a = find_verdict(s);
  bool refused = a != NULL && a->code >= 400;
  if (is_scram(s->auth.mechanism) && !refused) {
    s->report.no_proof = true;
    return ehlo_choice_words(no_proof);
  }
  return a != NULL ? ehlo_choice_answer(s, a)
                   : ehlo_choice_words("235 2.7.0 Authentication successful\r\n");
}

// ---- SCRAM -------------------------------------------------------------------------------------

// The value of an attribute, "r=…", up to the comma.
static struct ehlo_span attribute(struct ehlo_span message, char name) {
  for (size_t i = 0; i + 1 < message.len; i++) {
    bool begins = i == 0 || message.bytes[i - 1] == ',';
    if (begins && message.bytes[i] == (uint8_t)name && message.bytes[i + 1] == '=') {
      struct ehlo_span value = {message.bytes + i + 2, 0};
      size_t left = message.len - i - 2;
      while (value.len < left && value.bytes[value.len] != ',') {
        value.len++;
      }
      return value;
    }
  }
  return (struct ehlo_span){NULL, 0};
}

// The nonce in a client's first message, decoded into `out` of a line's size.
static struct ehlo_span client_nonce(uint8_t *out, struct ehlo_span response) {
  struct ehlo_span message = {out, 0};
  return response.len < EHLO_SERVED_LINE_MAX && ehlo_base64_decode(out, &message.len, response)
             ? attribute(message, 'r')
             : (struct ehlo_span){NULL, 0};
}

// The server's nonce without the recorded client's, which it begins with. False: it does not, which
// is a fault to be played as it is.
static bool own_part(struct ehlo_span *nonce, const struct ehlo_attempt *attempt) {
  uint8_t recorded[sizeof(attempt->response)];
  if (attempt == NULL || attempt->response[0] == '\0') {
    return true;  // nothing is known of it: all of the nonce is as good as any other
  }
  struct ehlo_span theirs = client_nonce(recorded, ehlo_str(attempt->response));
  if (theirs.bytes == NULL) {
    return true;
  }
  if (nonce->len <= theirs.len || memcmp(nonce->bytes, theirs.bytes, theirs.len) != 0) {
    return false;
  }
  nonce->bytes += theirs.len;
  nonce->len -= theirs.len;
  return true;
}

// The recorded first message of the server with the nonce of this client in place of the recorded
// one's (RFC 5802 §5.1): a client refuses a nonce that does not begin with its own.
static struct ehlo_choice with_nonce(struct ehlo_served *s, struct ehlo_choice choice,
                                     struct ehlo_span response) {
  uint8_t client[EHLO_SERVED_LINE_MAX];
  uint8_t server[EHLO_SERVED_LINE_MAX];
  struct ehlo_span message = {server, 0};
  if (choice.len < 6 || choice.len >= sizeof(server) ||
      !ehlo_base64_decode(server, &message.len,
                          (struct ehlo_span){choice.bytes + 4, choice.len - 6})) {
    return choice;  // no message of SCRAM, which is for the client to judge
  }
  struct ehlo_span whole = attribute(message, 'r');
  struct ehlo_span own = whole;
  struct ehlo_span nonce = client_nonce(client, response);
  if (whole.bytes == NULL || nonce.bytes == NULL || !own_part(&own, s->auth.attempt)) {
    return choice;
  }
  const uint8_t *end = message.bytes + message.len;
  struct ehlo_span parts[] = {
      {message.bytes, (size_t)(whole.bytes - message.bytes)},
      nonce,
      {own.bytes, (size_t)(end - own.bytes)},
  };
  if (ehlo_base64_encoded_len(parts[0].len + parts[1].len + parts[2].len) + 6 >
      sizeof(s->scratch)) {
    return choice;
  }
  memcpy(s->scratch, "334 ", 4);
  choice.len = 4 + ehlo_base64_encode(s->scratch + 4, parts, 3);
  memcpy(s->scratch + choice.len, "\r\n", 2);
  choice.len += 2;
  if (nonce.len + own.len == whole.len && memcmp(nonce.bytes, whole.bytes, nonce.len) == 0) {
    return choice;  // it is the recorded nonce, so the cuts stay
  }
  choice.bytes = s->scratch;
  choice.pieces = NULL;
  return choice;
}

// ---- One step ----------------------------------------------------------------------------------

// A mechanism that was never used in the transcript.
static struct ehlo_choice improvise(struct ehlo_served *s, struct ehlo_span response) {
  struct ehlo_served_auth *auth = &s->auth;
  size_t n = auth->num_responses;
  if (is_scram(auth->mechanism)) {
    return n == 0   ? ehlo_choice_words("334 \r\n")
           : n == 1 ? with_nonce(s, ehlo_choice_words(scram_first), response)
                    : verdict(s);
  }
  for (size_t i = 0; i < NUM_KNOWN; i++) {
    const char *challenge = n == 0 ? known[i].first : n == 1 ? known[i].second : NULL;
    if (strcmp(known[i].name, auth->mechanism) == 0 && challenge != NULL) {
      return ehlo_choice_words(challenge);
    }
  }
  return n == 0 ? ehlo_choice_words("334 \r\n") : verdict(s);
}

// The recorded exchange goes on.
static struct ehlo_choice go_on(struct ehlo_served *s, struct ehlo_span response, bool cancelled) {
  struct ehlo_served_auth *auth = &s->auth;
  const struct ehlo_answer *a = answer_of(s, auth->attempt, auth->next);
  auth->next++;
  if (cancelled) {
    return a != NULL && a->to_cancel ? ehlo_choice_answer(s, a)
                                     : ehlo_choice_words("501 5.7.0 Cancelled\r\n");
  }
  if (a != NULL && a->is_hidden) {
    s->report.no_proof = true;
    return ehlo_choice_words(no_proof);
  }
  if (a == NULL || a->to_cancel) {
    return verdict(s);
  }
  struct ehlo_choice choice = ehlo_choice_answer(s, a);
  bool first_message = is_scram(auth->mechanism) && auth->num_responses == 1 && a->code == 334;
  return first_message ? with_nonce(s, choice, response) : choice;
}

// The first challenge, where this client waits for one and the recorded one did not.
static struct ehlo_choice ask_first(const struct ehlo_served_auth *auth) {
  for (size_t i = 0; i < NUM_KNOWN; i++) {
    if (strcmp(known[i].name, auth->mechanism) == 0) {
      return ehlo_choice_words(known[i].first);
    }
  }
  return ehlo_choice_words("334 \r\n");
}

// A refusal that needs no credential (RFC 4954 §6).
static bool is_about_mechanism(unsigned code) {
  return (code >= 500 && code <= 504) || code == 530 || code == 534 || code == 538;
}

static struct ehlo_choice begin(struct ehlo_served *s, struct ehlo_span initial, bool has_initial) {
  struct ehlo_served_auth *auth = &s->auth;
  const struct ehlo_answer *first = answer_of(s, auth->attempt, 0);
  auth->num_responses = has_initial;
  if (auth->attempt == NULL) {
    return improvise(s, initial);
  }
  bool recorded = auth->attempt->has_initial;
  if (recorded && !has_initial && !is_about_mechanism(first->code)) {
    return ask_first(auth);
  }
  if (!recorded && has_initial && first->code == 334 && !server_begins(auth->mechanism)) {
    auth->next = 1;  // what it asked for has come
  }
  return go_on(s, initial, false);
}

static bool is_offered(const struct ehlo_served *s, const char *mechanism) {
  for (size_t i = s->script->first[EHLO_MEANS_EHLO]; i != EHLO_NO_ANSWER;) {
    size_t len;
    const uint8_t *text = ehlo_answer_text(s->script, &len, &s->script->answers[i]);
    if (ehlo_hello_offers_mechanism(text, len, mechanism)) {
      return true;
    }
    i = s->script->answers[i].next;
  }
  return false;
}

struct ehlo_choice ehlo_served_choose_auth(struct ehlo_served *s,
                                           const struct ehlo_command_line *c) {
  struct ehlo_served_auth *auth = &s->auth;
  take_mechanism(auth->mechanism, c);
  size_t n = count_use(auth);
  auth->next = 0;
  auth->attempt = find_attempt(s, auth->mechanism, n, EHLO_COURSE_TLS);
  if (auth->attempt == NULL) {
    auth->attempt = find_attempt(s, auth->mechanism, n, 0);
  }
  if (auth->attempt == NULL && !is_offered(s, auth->mechanism)) {
    return ehlo_choice_words(s->offers_auth ? "504 5.5.4 Mechanism not offered\r\n"
                                            : "502 5.5.1 AUTH is not offered\r\n");
  }
  const uint8_t *blank = c->argument_len > 0 ? memchr(c->argument, ' ', c->argument_len) : NULL;
  struct ehlo_span initial = {NULL, 0};
  if (blank != NULL) {
    initial = (struct ehlo_span){blank + 1, c->argument_len - (size_t)(blank + 1 - c->argument)};
  }
  return begin(s, initial, initial.len > 0);
}

struct ehlo_choice ehlo_served_choose_response(struct ehlo_served *s,
                                               const struct ehlo_command_line *c) {
  struct ehlo_span response = {c->argument, c->argument_len};
  bool cancelled = response.len == 1 && response.bytes[0] == '*';
  s->auth.num_responses++;
  if (s->auth.attempt != NULL) {
    return go_on(s, response, cancelled);
  }
  return cancelled ? ehlo_choice_words("501 5.7.0 Cancelled\r\n") : improvise(s, response);
}
