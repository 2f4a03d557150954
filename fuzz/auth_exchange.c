// A whole AUTH exchange between a mechanism and a server that knows its part, while the input edits
// what the server says. What has to hold:
//  - with the right password and no edit the server lets the client in, and has proved itself where
//    the mechanism is mutual; with a wrong password neither, whatever is edited;
//  - who has proved itself to the client has accepted the client's own proof over the same words, so
//    an edit to a nonce, a salt, a count or a signature never goes unnoticed;
//  - a proof over an edited challenge is none to the server;
//  - a proof or the password is in secret responses only, and the password only where the mechanism
//    says it;
//  - an exchange ends, by the server, a refusal of the client's, or with nothing left to say.
//
// The server is by the RFCs and BoringSSL alone (sasl_server.c). auth.c is the other way: any words at
// all. An input is an octet that chooses the mechanism, one of flags, and edits of three octets: the
// challenge and what to do, where, and a value; an insertion has its text behind them.
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
};

enum flags {
  WITHOUT_INITIAL = 1,
  WRONG_PASSWORD = 2,
  SERVER_BINDS = 4,
  HAS_UNIQUE = 8,  // in place of tls-exporter
  HAS_AUTHZID = 16,
};

#define USER "user"
#define PASSWORD "7Zebra&Crossing"
#define NONCE "fyko+d2lbbFgONRv9qkx"
#define URI "smtp/mail.example"
#define RESPONSE_MAX 4096
#define CHALLENGE_MAX 1024
#define TURNS_MAX 6

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
  size_t response_len;
  uint8_t response[RESPONSE_MAX];
  size_t challenge_len;
  uint8_t challenge[CHALLENGE_MAX];
};

static const uint8_t binding[32] = {0, 0xff, ',', '=', '"', 1, 2, 3};

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
  size_t len = strlen(PASSWORD);
  for (size_t at = 0; at + len <= r->edits_len; at++) {
    if (memcmp(r->edits + at, PASSWORD, len) == 0) {
      return true;
    }
  }
  return false;
}

static void check_secrecy(const struct run *r, bool secret) {
  enum ehlo_fuzz_sasl_family family = kinds[r->kind].family;
  bool tells = family == EHLO_FUZZ_SASL_PLAIN || family == EHLO_FUZZ_SASL_LOGIN ||
               family == EHLO_FUZZ_SASL_XOAUTH2 || family == EHLO_FUZZ_SASL_OAUTHBEARER;
  bool has_password = holds(r, (const uint8_t *)PASSWORD, strlen(PASSWORD));
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_SECRECY, !has_password || (secret && (tells || is_guessed(r))));
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_SECRECY, secret || !holds(r, r->auth.ours.text, r->auth.ours.len));
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_SECRECY, !holds(r, r->auth.expected.text, r->auth.expected.len));
}

// Lets the client answer, `has_challenge` or by itself. False if it has no answer.
static bool respond(struct run *r, bool has_challenge) {
  struct ehlo_response given;
  uint8_t *exact = ehlo_fuzz_copy(r->challenge, r->challenge_len);
  struct ehlo_span span = {exact, r->challenge_len};
  bool has = kinds[r->kind].mechanism->respond(&r->auth, has_challenge ? &span : NULL, &given);
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
  if (initial) {
    EHLO_FUZZ_CHECK(respond(r, false));
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

static void check(const struct run *r) {
  bool knows = (r->flags & WRONG_PASSWORD) == 0 || kinds[r->kind].family == EHLO_FUZZ_SASL_EXTERNAL;
  bool mutual = kinds[r->kind].mechanism->mutual;
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, knows || !r->server.accepts);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, !r->auth.proved || (mutual && r->server.accepts));
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, !r->refused || r->edited || (!knows && mutual));
  if (!r->edited && knows) {
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

static void set_up(struct run *r) {
  bool plus = kinds[r->kind].mechanism->binds;
  bool unique = (r->flags & HAS_UNIQUE) != 0;
  size_t binding_len = unique ? 12 : 32;
  const char *authzid = (r->flags & HAS_AUTHZID) != 0 ? "other" : "";
  r->cred = (struct ehlo_credentials){
      .user = text(USER),
      .password = text(PASSWORD),
      .authzid = text(authzid),
      .nonce = text(NONCE),
      .digest_uri = text(URI),
  };
  if (unique) {
    r->cred.tls_unique = (struct ehlo_span){binding, binding_len};
  } else {
    r->cred.tls_exporter = (struct ehlo_span){binding, binding_len};
  }
  r->auth.credentials = &r->cred;
  r->auth.server_binds = (r->flags & SERVER_BINDS) != 0;
  r->server.family = kinds[r->kind].family;
  r->server.md = kinds[r->kind].md();
  r->server.account = (struct ehlo_fuzz_sasl_account){
      .user = USER,
      .password = (r->flags & WRONG_PASSWORD) != 0 ? "8Zebra&Crossing" : PASSWORD,
      .authzid = authzid,
      .cnonce = NONCE,
      .uri = URI,
      .binding = plus ? binding : NULL,
      .binding_len = plus ? binding_len : 0,
  };
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct run r;
  if (size < 2) {
    return 0;
  }
  memset(&r, 0, sizeof(r));
  r.kind = data[0] % NUM_KINDS;
  r.flags = data[1];
  r.edits = data + 2;
  r.edits_len = size - 2;
  set_up(&r);
  converse(&r);
  check(&r);
  return 0;
}
