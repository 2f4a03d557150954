// A whole AUTH exchange between a mechanism and a server that knows its part, while the input edits
// what the server says. What has to hold:
//  - with the right password and no edit the server lets the client in, and has proved itself where
//    the mechanism is mutual; with a wrong password neither, whatever is edited;
//  - who has proved itself to the client has accepted the client's own proof over the same words, so
//    an edit to a nonce, a salt, a count or a signature never goes unnoticed;
//  - a proof over an edited challenge is none to the server;
//  - a proof or the password is in secret responses only, and the password only where the mechanism
//    says it;
//  - other legal words of the server's and other credentials are taken with exactly the right
//    answer, up to the engine's limits, and what is not legal is refused for the right reason;
//  - an exchange ends, by the server, a refusal of the client's, or with nothing left to say.
//
// The server is by the RFCs and BoringSSL alone (sasl_server.c). auth.c is the other way: any words
// at all. An input is an octet that chooses the mechanism, one of flags, with HAS_SETTINGS one that
// chooses the credentials and one that chooses the words, and edits of three octets: the challenge
// and what to do, where, and a value; an insertion has its text behind them.
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "engine/sasl/sasl.h"
#include "fuzz/fuzz.h"
#include "fuzz/sasl_server.h"

static const struct {
  const struct ehlo_mechanism *mechanism;
  enum ehlo_fuzz_sasl_family family;
  const EVP_MD *(*md)(void);
} kinds[] = {
    {&ehlo_mechanism_plain, EHLO_FUZZ_SASL_PLAIN, EVP_md5},
    {&ehlo_mechanism_login, EHLO_FUZZ_SASL_LOGIN, EVP_md5},
    {&ehlo_mechanism_external, EHLO_FUZZ_SASL_EXTERNAL, EVP_md5},
    {&ehlo_mechanism_xoauth2, EHLO_FUZZ_SASL_XOAUTH2, EVP_md5},
    {&ehlo_mechanism_oauthbearer, EHLO_FUZZ_SASL_OAUTHBEARER, EVP_md5},
    {&ehlo_mechanism_cram_md5, EHLO_FUZZ_SASL_CRAM, EVP_md5},
    {&ehlo_mechanism_cram_sha1, EHLO_FUZZ_SASL_CRAM, EVP_sha1},
    {&ehlo_mechanism_cram_sha256, EHLO_FUZZ_SASL_CRAM, EVP_sha256},
    {&ehlo_mechanism_digest_md5, EHLO_FUZZ_SASL_DIGEST, EVP_md5},
    {&ehlo_mechanism_scram_sha_1, EHLO_FUZZ_SASL_SCRAM, EVP_sha1},
    {&ehlo_mechanism_scram_sha_224, EHLO_FUZZ_SASL_SCRAM, EVP_sha224},
    {&ehlo_mechanism_scram_sha_256, EHLO_FUZZ_SASL_SCRAM, EVP_sha256},
    {&ehlo_mechanism_scram_sha_384, EHLO_FUZZ_SASL_SCRAM, EVP_sha384},
    {&ehlo_mechanism_scram_sha_512, EHLO_FUZZ_SASL_SCRAM, EVP_sha512},
    {&ehlo_mechanism_scram_sha_1_plus, EHLO_FUZZ_SASL_SCRAM, EVP_sha1},
    {&ehlo_mechanism_scram_sha_256_plus, EHLO_FUZZ_SASL_SCRAM, EVP_sha256},
    {&ehlo_mechanism_scram_sha_512_plus, EHLO_FUZZ_SASL_SCRAM, EVP_sha512},
};
#define NUM_KINDS (sizeof(kinds) / sizeof(kinds[0]))

enum goal {
  LET_IN = 0,  // one for each mechanism
  REFUSED = NUM_KINDS,
  PROVED = REFUSED + 7,
  DENIED,
  UNNOTICED,
  UNPROVED,
  ODD_TAKEN,
  ODD_WORDS_REFUSED,
  ODD_CREDENTIALS_REFUSED,
};

const char *const ehlo_fuzz_goals[EHLO_FUZZ_GOALS_MAX] = {
    "PLAIN lets in",
    "LOGIN lets in",
    "EXTERNAL lets in",
    "XOAUTH2 lets in",
    "OAUTHBEARER lets in",
    "CRAM-MD5 lets in",
    "CRAM-SHA1 lets in",
    "CRAM-SHA256 lets in",
    "DIGEST-MD5 lets in",
    "SCRAM-SHA-1 lets in",
    "SCRAM-SHA-224 lets in",
    "SCRAM-SHA-256 lets in",
    "SCRAM-SHA-384 lets in",
    "SCRAM-SHA-512 lets in",
    "SCRAM-SHA-1-PLUS lets in",
    "SCRAM-SHA-256-PLUS lets in",
    "SCRAM-SHA-512-PLUS lets in",
    [REFUSED + EHLO_AUTH_CHALLENGE] = "an edit makes a challenge none",
    [REFUSED + EHLO_AUTH_NONCE] = "an edited nonce",
    [REFUSED + EHLO_AUTH_ITERATIONS] = "an edited iteration count",
    [REFUSED + EHLO_AUTH_EXTENSION] = "a mandatory extension put in",
    [REFUSED + EHLO_AUTH_SERVER] = "an error put in",
    [REFUSED + EHLO_AUTH_PROOF] = "an edited signature",
    [PROVED] = "a server that has proved itself",
    [DENIED] = "a wrong password",
    [UNNOTICED] = "an edit that means nothing",
    [UNPROVED] = "a proof over an edited challenge",
    [ODD_TAKEN] = "other words and credentials that are legal",
    [ODD_WORDS_REFUSED] = "words that are not legal",
    [ODD_CREDENTIALS_REFUSED] = "credentials that cannot be sent",
};

enum flags {
  WITHOUT_INITIAL = 1,
  WRONG_PASSWORD = 2,
  SERVER_BINDS = 4,
  HAS_UNIQUE = 8,  // in place of tls-exporter
  HAS_AUTHZID = 16,
  HAS_SETTINGS = 32,
  HAS_BOTH = 64,  // tls-exporter and tls-unique
  NO_BINDING = 128,
};

#define USER "user"
#define PASSWORD "7Zebra&Crossing"
#define NONCE "fyko+d2lbbFgONRv9qkx"
#define URI "smtp/mail.example"
#define RESPONSE_MAX 4096
#define CHALLENGE_MAX 4096
#define TURNS_MAX 6

// ---- Credentials --------------------------------------------------------------------------------

#define TEXT(s) ((struct ehlo_span){(const uint8_t *)(s), sizeof(s) - 1})
#define X4(s) s s s s
#define COMMAS_640 X4(X4(X4(",,,,,,,,,,")))
#define COMMAS_704 COMMAS_640 X4(X4(",,,,"))
#define A_128 X4(X4("aaaaaaaa"))

static const struct choice {
  struct ehlo_span user;
  const char *hashed_user;  // DIGEST-MD5's, in ISO 8859-1 if that has all of it; NULL: the same
  struct ehlo_span password;
  const char *hashed_password;
  struct ehlo_span authzid;
  struct ehlo_span nonce;
  unsigned attempt;
  const char *cnonce;  // the nonce with the attempt's digits; NULL: the same
} choices[] = {
    {TEXT(USER), NULL, TEXT(PASSWORD), NULL, TEXT("other"), TEXT(NONCE), 0, NULL},
    {TEXT("m\xc3\xbcller"), "m\xfcller", TEXT("7Z\303\251bra&Crossing"), "7Z\351bra&Crossing",
     TEXT("\xc3\xa4"), TEXT(NONCE), 1, NONCE "1"},
    {TEXT("\xc3\xa9\xe2\x82\xac"), NULL, TEXT("\xe2\x82\xac\xc3\xa9uro"), NULL, TEXT("a\\b\"c"),
     TEXT("!~"), 12, "!~21"},
    {TEXT("u,s=e\"r\\"), NULL, TEXT(PASSWORD), NULL, TEXT("b,o=s\"s\\"), TEXT(A_128), 0, NULL},
    {TEXT(USER), NULL, TEXT(""), NULL, TEXT("other"), TEXT(NONCE), 10, NONCE "01"},
    {TEXT(""), NULL, TEXT(PASSWORD), NULL, TEXT("other"), TEXT(NONCE), 0, NULL},
    {TEXT("us\0er"), NULL, TEXT(PASSWORD), NULL, TEXT("other"), TEXT(NONCE), 0, NULL},
    {TEXT(USER), NULL, TEXT("7Zebra\0&"), NULL, TEXT("other"), TEXT(NONCE), 0, NULL},
    {TEXT(USER), NULL, TEXT(PASSWORD), NULL, TEXT("oth\0er"), TEXT(NONCE), 0, NULL},
    {TEXT("us\177er"), NULL, TEXT(PASSWORD), NULL, TEXT("other"), TEXT(NONCE), 0, NULL},
    {TEXT(USER), NULL, TEXT("7Zebra\x1f&"), NULL, TEXT("other"), TEXT(NONCE), 0, NULL},
    {TEXT(USER), NULL, TEXT(PASSWORD), NULL, TEXT("oth\177er"), TEXT(NONCE), 0, NULL},
    {TEXT(COMMAS_640), NULL, TEXT(PASSWORD), NULL, TEXT("other"), TEXT(NONCE), 0, NULL},
    {TEXT(COMMAS_704), NULL, TEXT(PASSWORD), NULL, TEXT("other"), TEXT(NONCE), 0, NULL},
    {TEXT(USER), NULL, TEXT(PASSWORD), NULL, TEXT("other"), TEXT("no nce"), 0, NULL},
    {TEXT(USER), NULL, TEXT(PASSWORD), NULL, TEXT("other"), TEXT("no\x7fnce"), 0, NULL},
    {TEXT(USER), NULL, TEXT(PASSWORD), NULL, TEXT("other"), TEXT("no,nce"), 0, NULL},
    {TEXT(USER), NULL, TEXT(PASSWORD), NULL, TEXT("other"), TEXT(""), 0, NULL},
    {TEXT(USER), NULL, TEXT(PASSWORD), NULL, TEXT("other"), TEXT(A_128 "a"), 0, NULL},
};

struct run {
  size_t kind;
  uint8_t flags;
  const uint8_t *edits;
  size_t edits_len;
  struct ehlo_credentials cred;
  struct ehlo_auth auth;
  struct ehlo_fuzz_sasl_server server;
  size_t num_challenges;
  bool edited;
  bool refused;
  bool sendable;
  size_t response_len;
  uint8_t response[RESPONSE_MAX];
  size_t challenge_len;
  uint8_t challenge[CHALLENGE_MAX];
};

static const uint8_t binding[32] = {0, 0xff, ',', '=', '"', 1, 2, 3};

static bool has_octet(struct ehlo_span s, bool (*is)(uint8_t)) {
  for (size_t i = 0; i < s.len; i++) {
    if (is(s.bytes[i])) {
      return true;
    }
  }
  return false;
}

static bool is_nul(uint8_t c) {
  return c == 0;
}

static bool is_control(uint8_t c) {
  return c < 32 || c == 127;
}

// RFC 5802 §7: printable = %x21-2B / %x2D-7E
static bool is_no_printable(uint8_t c) {
  return c < 0x21 || c == 0x2c || c > 0x7e;
}

static bool is_nonce(struct ehlo_span s) {
  return s.len > 0 && s.len <= EHLO_NONCE_MAX && !has_octet(s, is_no_printable);
}

// Octets of a saslname.
static size_t name_len(struct ehlo_span s) {
  size_t len = s.len;
  for (size_t i = 0; i < s.len; i++) {
    len += s.bytes[i] == ',' || s.bytes[i] == '=' ? 2 : 0;
  }
  return len;
}

// Whether a mechanism can say these credentials at all.
static bool is_sendable(const struct run *r) {
  const struct ehlo_credentials *c = &r->cred;
  bool bound = c->tls_exporter.len > 0 || c->tls_unique.len > 0;
  bool nul = has_octet(c->user, is_nul) || has_octet(c->password, is_nul);
  bool control = has_octet(c->user, is_control) || has_octet(c->password, is_control);
  switch (kinds[r->kind].family) {
    case EHLO_FUZZ_SASL_PLAIN:
      return !nul && !has_octet(c->authzid, is_nul);
    case EHLO_FUZZ_SASL_LOGIN:
      return !nul;
    case EHLO_FUZZ_SASL_EXTERNAL:
      return !has_octet(c->authzid.len > 0 ? c->authzid : c->user, is_control);
    case EHLO_FUZZ_SASL_XOAUTH2:
      return !control;
    case EHLO_FUZZ_SASL_OAUTHBEARER:
      return !control && name_len(c->user) <= EHLO_AUTH_SCRATCH_MAX;
    case EHLO_FUZZ_SASL_CRAM:
      return !control && c->user.len > 0;
    case EHLO_FUZZ_SASL_DIGEST:
      return !control && c->user.len > 0 && !has_octet(c->authzid, is_control) &&
             is_nonce(c->nonce);
    case EHLO_FUZZ_SASL_SCRAM:
    default:
      return !control && c->user.len > 0 && !has_octet(c->authzid, is_control) &&
             is_nonce(c->nonce) && (bound || !kinds[r->kind].mechanism->binds);
  }
}

// SCRAM's scratch has the last message and what is signed in it at once: whether long names fit is
// left to the engine.
static bool may_not_fit(const struct run *r) {
  return kinds[r->kind].family == EHLO_FUZZ_SASL_SCRAM &&
         name_len(r->cred.user) + name_len(r->cred.authzid) > EHLO_AUTH_SCRATCH_MAX / 2;
}

// Why the client has to refuse, -1 if it has not to.
static int wanted_problem(const struct run *r) {
  switch (ehlo_fuzz_sasl_server_fault(&r->server)) {
    case EHLO_FUZZ_SASL_CHALLENGE:
      return EHLO_AUTH_CHALLENGE;
    case EHLO_FUZZ_SASL_NONCE:
      return EHLO_AUTH_NONCE;
    case EHLO_FUZZ_SASL_ITERATIONS:
      return EHLO_AUTH_ITERATIONS;
    case EHLO_FUZZ_SASL_EXTENSION:
      return EHLO_AUTH_EXTENSION;
    case EHLO_FUZZ_SASL_LEGAL:
    default:
      return -1;
  }
}

static struct ehlo_span text(const char *s) {
  return (struct ehlo_span){(const uint8_t *)s, strlen(s)};
}

// ---- Edits --------------------------------------------------------------------------------------

// Puts `len` octets in the place of `gone` at `at`.
static void splice(struct run *r, size_t at, size_t gone, const uint8_t *bytes, size_t len) {
  size_t behind = r->challenge_len - at - gone;
  if (at + len + behind > CHALLENGE_MAX) {
    return;
  }
  memmove(r->challenge + at + len, r->challenge + at + gone, behind);
  if (len > 0) {
    memcpy(r->challenge + at, bytes, len);
  }
  r->challenge_len = at + len + behind;
}

// Does one edit; `text` is what an insertion puts in.
static void edit(struct run *r, const uint8_t *e, const uint8_t *inserted, size_t len) {
  size_t at = e[1] % (r->challenge_len + 1);
  size_t left = r->challenge_len - at;
  size_t cut = (size_t)e[2] % 32 + 1;
  uint8_t flipped;
  switch (e[0] / 4 % 4) {
    case 0:
      splice(r, at, left > 0, &e[2], 1);
      break;
    case 1:
      splice(r, at, cut < left ? cut : left, NULL, 0);
      break;
    case 2:
      splice(r, at, 0, inserted, len);
      break;
    default:
      if (left > 0) {
        flipped = (uint8_t)(r->challenge[at] ^ (1U << e[2] % 8));
        splice(r, at, 1, &flipped, 1);
      }
      break;
  }
}

// The server's next challenge, as it comes to the client.
static void make_challenge(struct run *r) {
  const struct ehlo_fuzz_sasl_server *s = &r->server;
  size_t at = 0;
  memcpy(r->challenge, s->challenge, s->challenge_len);
  r->challenge_len = s->challenge_len;
  while (at + 3 <= r->edits_len) {
    const uint8_t *e = r->edits + at;
    at += 3;
    size_t len = e[0] / 4 % 4 == 2 ? e[2] % 64 : 0;
    len = len < r->edits_len - at ? len : r->edits_len - at;
    if (e[0] % 4 == r->num_challenges % 4) {
      edit(r, e, r->edits + at, len);
    }
    at += len;
  }
  r->num_challenges++;
  r->edited |= r->challenge_len != s->challenge_len ||
               memcmp(r->challenge, s->challenge, s->challenge_len) != 0;
}

// ---- One exchange -------------------------------------------------------------------------------

static bool holds(const struct run *r, const uint8_t *bytes, size_t len) {
  for (size_t at = 0; len > 0 && at + len <= r->response_len; at++) {
    if (memcmp(r->response + at, bytes, len) == 0) {
      return true;
    }
  }
  return false;
}

// Whether the challenge has the password in it, so that a response may say it back.
static bool is_guessed(const struct run *r) {
  size_t len = r->cred.password.len;
  for (size_t at = 0; len > 0 && at + len <= r->edits_len; at++) {
    if (memcmp(r->edits + at, r->cred.password.bytes, len) == 0) {
      return true;
    }
  }
  return false;
}

static void check_secrecy(const struct run *r, bool secret) {
  enum ehlo_fuzz_sasl_family family = kinds[r->kind].family;
  bool tells = family == EHLO_FUZZ_SASL_PLAIN || family == EHLO_FUZZ_SASL_LOGIN ||
               family == EHLO_FUZZ_SASL_XOAUTH2 || family == EHLO_FUZZ_SASL_OAUTHBEARER;
  bool has_password = holds(r, r->cred.password.bytes, r->cred.password.len);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_SECRECY, !has_password || (secret && (tells || is_guessed(r))));
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_SECRECY, secret || !holds(r, r->auth.ours.text, r->auth.ours.len));
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_SECRECY, !holds(r, r->auth.expected.text, r->auth.expected.len));
}

// What the client kept for its own proof is gone with the server's, the password in another form
// among it.
static void check_gone(const struct run *r) {
  const char *hashed = r->server.account.hashed_password;
  size_t len = strlen(hashed);
  for (size_t at = 0; len > 0 && at + len <= sizeof(r->auth.scratch); at++) {
    EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_SECRECY, memcmp(r->auth.scratch + at, hashed, len) != 0);
  }
}

// Lets the client answer, `has_challenge` or by itself. False if it has no answer.
static bool respond(struct run *r, bool has_challenge) {
  struct ehlo_response given;
  uint8_t *exact = ehlo_fuzz_copy(r->challenge, r->challenge_len);
  struct ehlo_span span = {exact, r->challenge_len};
  bool is_first = r->auth.step == 0;
  bool has = kinds[r->kind].mechanism->respond(&r->auth, has_challenge ? &span : NULL, &given);
  if (!is_first && kinds[r->kind].family == EHLO_FUZZ_SASL_DIGEST && !is_guessed(r)) {
    check_gone(r);
  }
  memset(exact, 0xee, r->challenge_len);
  free(exact);
  r->response_len = 0;
  for (size_t i = 0; has && i < given.num_parts; i++) {
    EHLO_FUZZ_CHECK(given.parts[i].len <= RESPONSE_MAX - r->response_len);
    if (given.parts[i].len > 0) {
      memcpy(r->response + r->response_len, given.parts[i].bytes, given.parts[i].len);
    }
    r->response_len += given.parts[i].len;
  }
  if (has) {
    check_secrecy(r, given.secret);
  }
  return has;
}

// Whether a proof is over the server's words, all of them.
static bool counts_words(const struct run *r) {
  enum ehlo_fuzz_sasl_family family = kinds[r->kind].family;
  return family == EHLO_FUZZ_SASL_CRAM || family == EHLO_FUZZ_SASL_SCRAM;
}

static void converse(struct run *r) {
  bool initial = (r->flags & WITHOUT_INITIAL) == 0 && kinds[r->kind].mechanism->may_go_first;
  if (initial && !respond(r, false)) {
    r->refused = true;
    return;
  }
  ehlo_fuzz_sasl_server_take(&r->server, initial ? r->response : NULL, r->response_len);
  for (unsigned turn = 0; !r->server.over && !r->refused; turn++) {
    EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_LIVENESS, turn < TURNS_MAX);
    make_challenge(r);
    r->refused = !respond(r, true);
    if (!r->refused) {
      bool accepted = r->server.accepts;
      ehlo_fuzz_sasl_server_take(&r->server, r->response, r->response_len);
      // A proof over words that the server did not say is none to it.
      bool newly = r->server.accepts && !accepted;
      EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, !newly || !r->edited || !counts_words(r));
    }
  }
}

// ---- The claims ---------------------------------------------------------------------------------

// An exchange that cannot be is refused, and for its reason if it has one alone.
static void check_refusal(const struct run *r, int problem) {
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, r->refused);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, r->auth.problem == EHLO_AUTH_CREDENTIALS
                                          ? !r->sendable
                                          : (int)r->auth.problem == problem);
  ehlo_fuzz_reach(r->sendable ? ODD_WORDS_REFUSED : ODD_CREDENTIALS_REFUSED);
}

static void check(const struct run *r) {
  bool knows = (r->flags & WRONG_PASSWORD) == 0 ||
               kinds[r->kind].family == EHLO_FUZZ_SASL_EXTERNAL || r->cred.on_trust;
  int problem = wanted_problem(r);
  bool legal = r->sendable && problem < 0;
  if (r->refused && r->auth.problem == EHLO_AUTH_CREDENTIALS && may_not_fit(r)) {
    return;
  }
  bool mutual = kinds[r->kind].mechanism->mutual;
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, knows || !r->server.accepts);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, !r->auth.proved || (mutual && r->server.accepts));
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, !r->refused || r->edited || !legal || (!knows && mutual));
  if (!r->edited && !legal) {
    check_refusal(r, problem);
  }
  if (!r->edited && knows && legal) {
    EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, !r->server.inexact);
    if ((r->flags & HAS_SETTINGS) != 0) {
      ehlo_fuzz_reach(ODD_TAKEN);
    }
    EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, r->server.over && r->server.accepts);
    EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, r->auth.proved == mutual);
    ehlo_fuzz_reach(LET_IN + r->kind);
  }
  if (!knows && !r->edited) {
    ehlo_fuzz_reach(DENIED);
  }
  if (r->auth.proved) {
    ehlo_fuzz_reach(PROVED);
  }
  if (r->refused && r->edited) {
    ehlo_fuzz_reach(REFUSED + r->auth.problem);
  }
  if (r->edited && r->server.over && r->server.accepts) {
    ehlo_fuzz_reach(UNNOTICED);
  }
  if (r->edited && knows && counts_words(r) && !r->refused && !r->server.accepts) {
    ehlo_fuzz_reach(UNPROVED);
  }
}

// The binding, and what the server has to see of it.
static void bind(struct run *r) {
  static const uint8_t unique[12] = {9, 0xfe, ',', '=', '"', 3};
  bool plus = kinds[r->kind].mechanism->binds;
  bool none = (r->flags & NO_BINDING) != 0;
  bool has_unique = !none && (r->flags & (HAS_UNIQUE | HAS_BOTH)) != 0;
  bool has_exporter = !none && (!has_unique || (r->flags & HAS_BOTH) != 0);
  if (has_unique) {
    r->cred.tls_unique = (struct ehlo_span){unique, sizeof(unique)};
  }
  if (has_exporter) {
    r->cred.tls_exporter = (struct ehlo_span){binding, sizeof(binding)};
  }
  struct ehlo_span bound = has_exporter ? r->cred.tls_exporter : r->cred.tls_unique;
  r->auth.server_binds = (r->flags & SERVER_BINDS) != 0;
  r->server.account.gs2 = none || r->auth.server_binds ? "n" : "y";
  if (plus) {
    r->server.account.gs2 = has_exporter ? "p=tls-exporter" : "p=tls-unique";
    r->server.account.binding = bound.bytes;
    r->server.account.binding_len = bound.len;
  }
}

// What a span of the table has is a string, too.
static const char *string(struct ehlo_span s) {
  return (const char *)s.bytes;
}

static void set_up(struct run *r, uint8_t credentials, uint8_t words) {
  const struct choice *c = &choices[credentials % (sizeof(choices) / sizeof(choices[0]))];
  struct ehlo_span authzid = (r->flags & HAS_AUTHZID) != 0 ? c->authzid : TEXT("");
  const char *hashed = c->hashed_password != NULL ? c->hashed_password : string(c->password);
  bool wrong = (r->flags & WRONG_PASSWORD) != 0;
  r->server.family = kinds[r->kind].family;
  r->server.md = kinds[r->kind].md();
  r->server.words = words;
  r->cred = (struct ehlo_credentials){
      .user = c->user,
      .password = c->password,
      .authzid = authzid,
      .nonce = c->nonce,
      .digest_uri = text(URI),
      .on_trust = ehlo_fuzz_sasl_server_trusts(&r->server),
  };
  r->auth.credentials = &r->cred;
  r->auth.attempt = c->attempt;
  r->server.account = (struct ehlo_fuzz_sasl_account){
      .user = string(c->user),
      .password = wrong ? "8Zebra&Crossing" : string(c->password),
      .hashed_user = c->hashed_user != NULL ? c->hashed_user : string(c->user),
      .hashed_password = wrong ? "8Zebra&Crossing" : hashed,
      .authzid = string(authzid),
      .cnonce = c->cnonce != NULL ? c->cnonce : string(c->nonce),
      .uri = URI,
  };
  bind(r);
  r->sendable = is_sendable(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct run r;
  if (size < 2) {
    return 0;
  }
  memset(&r, 0, sizeof(r));
  r.kind = data[0] % NUM_KINDS;
  r.flags = data[1];
  size_t at = (r.flags & HAS_SETTINGS) != 0 && size >= 4 ? 4 : 2;
  set_up(&r, at == 4 ? data[2] : 0, at == 4 ? data[3] : 0);
  r.edits = data + at;
  r.edits_len = r.cred.on_trust ? 0 : size - at;  // what is on trust has no proof of anything
  converse(&r);
  check(&r);
  return 0;
}
