// Whatever a server says in an AUTH exchange: nothing of the password, of a key or of a proof is in
// a response that is no secret, responses are bounded, the result is the same when the state moves
// and the challenge is gone behind the call, after a refusal nothing more is to be had, and a SCRAM
// server counts as proved only with the signature that a second computation has.
//
// An input is an octet that chooses the mechanism, an octet of flags, and a challenge a line. In a
// line, 0x1a is an LF, 0x01 stands for our nonce and 0x02 for the right signature, as base64.
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base64.h"
#include "engine/sasl/sasl.h"
#include "fuzz/fuzz.h"

static const struct {
  const struct ehlo_mechanism *mechanism;
  const EVP_MD *(*md)(void);  // of SCRAM
} kinds[] = {
    {&ehlo_mechanism_plain, NULL},
    {&ehlo_mechanism_login, NULL},
    {&ehlo_mechanism_external, NULL},
    {&ehlo_mechanism_xoauth2, NULL},
    {&ehlo_mechanism_oauthbearer, NULL},
    {&ehlo_mechanism_cram_md5, NULL},
    {&ehlo_mechanism_cram_sha1, NULL},
    {&ehlo_mechanism_cram_sha256, NULL},
    {&ehlo_mechanism_digest_md5, NULL},
    {&ehlo_mechanism_scram_sha_1, EVP_sha1},
    {&ehlo_mechanism_scram_sha_224, EVP_sha224},
    {&ehlo_mechanism_scram_sha_256, EVP_sha256},
    {&ehlo_mechanism_scram_sha_384, EVP_sha384},
    {&ehlo_mechanism_scram_sha_512, EVP_sha512},
    {&ehlo_mechanism_scram_sha_1_plus, EVP_sha1},
    {&ehlo_mechanism_scram_sha_256_plus, EVP_sha256},
    {&ehlo_mechanism_scram_sha_512_plus, EVP_sha512},
};
#define KIND_XOAUTH2 3
#define KIND_OAUTHBEARER 4
#define NUM_KINDS (sizeof(kinds) / sizeof(kinds[0]))

#define GOAL_REFUSED NUM_KINDS
#define GOAL_PROVED (GOAL_REFUSED + 7)
#define GOAL_TRUSTED (GOAL_PROVED + 2)

const char *const ehlo_fuzz_goals[EHLO_FUZZ_GOALS_MAX] = {
    "PLAIN answers",
    "LOGIN answers",
    "EXTERNAL answers",
    "XOAUTH2 answers",
    "OAUTHBEARER answers",
    "CRAM-MD5 answers",
    "CRAM-SHA1 answers",
    "CRAM-SHA256 answers",
    "DIGEST-MD5 answers",
    "SCRAM-SHA-1 answers",
    "SCRAM-SHA-224 answers",
    "SCRAM-SHA-256 answers",
    "SCRAM-SHA-384 answers",
    "SCRAM-SHA-512 answers",
    "SCRAM-SHA-1-PLUS answers",
    "SCRAM-SHA-256-PLUS answers",
    "SCRAM-SHA-512-PLUS answers",
    [GOAL_REFUSED + EHLO_AUTH_CHALLENGE] = "no such challenge",
    [GOAL_REFUSED + EHLO_AUTH_CREDENTIALS] = "no such credentials",
    [GOAL_REFUSED + EHLO_AUTH_NONCE] = "not our nonce",
    [GOAL_REFUSED + EHLO_AUTH_ITERATIONS] = "iterations out of bounds",
    [GOAL_REFUSED + EHLO_AUTH_EXTENSION] = "a mandatory extension",
    [GOAL_REFUSED + EHLO_AUTH_SERVER] = "the server's error",
    [GOAL_REFUSED + EHLO_AUTH_PROOF] = "a wrong proof",
    [GOAL_PROVED] = "SCRAM proved",
    [GOAL_PROVED + 1] = "DIGEST-MD5 proved",
    [GOAL_TRUSTED] = "a proof on trust",
};

enum flags {
  WITHOUT_INITIAL = 1,
  ON_TRUST = 2,
  SERVER_BINDS = 4,
  HAS_EXPORTER = 8,
  HAS_UNIQUE = 16,
  HAS_AUTHZID = 32,
  ODD_NAME = 64,  // characters that need an escape everywhere
  BAD_NAME = 128,
};

#define PASSWORD "7Zebra&Crossing"
#define NONCE "fyko+d2lbbFgONRv9qkx"
#define RESPONSE_MAX (EHLO_TOKEN_MAX / 4 * 3)
#define EHLO_TOKEN_MAX ((size_t)12288)
// More would only take long.
#define ITERATIONS_RUN 5000

static struct ehlo_span text(const char *s) {
  return (struct ehlo_span){(const uint8_t *)s, strlen(s)};
}

static struct ehlo_credentials make_credentials(uint8_t flags) {
  static const uint8_t binding[32] = {0, 0xff, ',', '=', '"', 1, 2, 3};
  struct ehlo_credentials cred = {
      .user = text("user"),
      .password = text(PASSWORD),
      .nonce = text(NONCE),
      .digest_uri = text("smtp/mail.example"),
      .on_trust = (flags & ON_TRUST) != 0,
  };
  if ((flags & HAS_EXPORTER) != 0) {
    cred.tls_exporter = (struct ehlo_span){binding, 32};
  }
  if ((flags & HAS_UNIQUE) != 0) {
    cred.tls_unique = (struct ehlo_span){binding, 12};
  }
  if ((flags & HAS_AUTHZID) != 0) {
    cred.authzid = text("b,o=s\"s");
  }
  if ((flags & ODD_NAME) != 0) {
    cred.user = text("u,s=e\"r\\\xc3\xa9");
  }
  if ((flags & BAD_NAME) != 0) {
    cred.user = text("us\ner");
  }
  return cred;
}

// ---- The second computation ---------------------------------------------------------------------

// What a SCRAM server knows after the client's two messages.
struct model {
  struct ehlo_fuzz_bytes client_first;  // without the header
  struct ehlo_fuzz_bytes server_first;
  size_t len;  // of the signature; 0: there is none yet
  uint8_t signature[EVP_MAX_MD_SIZE];
};

static void free_model(struct model *m) {
  free(m->client_first.bytes);
  free(m->server_first.bytes);
}

// Behind the first `mark` of the text, up to a comma or the end.
static struct ehlo_span value_of(const struct ehlo_fuzz_bytes *b, const char *mark) {
  size_t mark_len = strlen(mark);
  for (size_t at = 0; at + mark_len <= b->len; at++) {
    if (memcmp(b->bytes + at, mark, mark_len) == 0) {
      const uint8_t *start = b->bytes + at + mark_len;
      size_t left = b->len - at - mark_len;
      const uint8_t *comma = left > 0 ? memchr(start, ',', left) : NULL;
      return (struct ehlo_span){start, comma != NULL ? (size_t)(comma - start) : left};
    }
  }
  return (struct ehlo_span){NULL, 0};
}

static unsigned long iterations_of(const struct ehlo_fuzz_bytes *server_first) {
  char digits[24] = "";
  struct ehlo_span value = value_of(server_first, ",i=");
  memcpy(digits, value.bytes != NULL ? value.bytes : (const uint8_t *)"",
         value.len < sizeof(digits) - 1 ? value.len : sizeof(digits) - 1);
  return strtoul(digits, NULL, 10);
}

// The signature over what was said, with the client's last message up to its proof.
static void sign(struct model *m, const EVP_MD *md, const uint8_t *final, size_t final_len) {
  uint8_t salt[EHLO_SCRAM_SALT_MAX + 3];
  size_t salt_len;
  uint8_t salted[EVP_MAX_MD_SIZE];
  uint8_t key[EVP_MAX_MD_SIZE];
  unsigned len;
  struct ehlo_fuzz_bytes message = {0};
  struct ehlo_span value = value_of(&m->server_first, ",s=");
  EHLO_FUZZ_CHECK(value.len <= EHLO_SCRAM_SALT_MAX / 3 * 4 + 4);
  EHLO_FUZZ_CHECK(ehlo_base64_decode(salt, &salt_len, value));
  unsigned long iterations = iterations_of(&m->server_first);
  EHLO_FUZZ_CHECK(iterations >= 4096 && iterations <= 600000);
  EHLO_FUZZ_CHECK(PKCS5_PBKDF2_HMAC(PASSWORD, strlen(PASSWORD), salt, salt_len,
                                    (unsigned)iterations, md, EVP_MD_size(md), salted) == 1);
  HMAC(md, salted, EVP_MD_size(md), (const uint8_t *)"Server Key", 10, key, &len);
  ehlo_fuzz_add(&message, m->client_first.bytes, m->client_first.len);
  ehlo_fuzz_add(&message, ",", 1);
  ehlo_fuzz_add(&message, m->server_first.bytes, m->server_first.len);
  ehlo_fuzz_add(&message, ",", 1);
  ehlo_fuzz_add(&message, final, final_len);
  HMAC(md, key, EVP_MD_size(md), message.bytes, message.len, m->signature, &len);
  m->len = len;
  free(message.bytes);
}

// Where `needle` is in `hay`, or NULL.
static const uint8_t *find(const uint8_t *hay, size_t len, const uint8_t *needle,
                           size_t needle_len) {
  for (size_t at = 0; at + needle_len <= len; at++) {
    if (memcmp(hay + at, needle, needle_len) == 0) {
      return hay + at;
    }
  }
  return NULL;
}

// A server's first message may be answered only if its nonce is ours with something behind it, and
// nothing mandatory stands in it, each attribute of its own is there once, and the number begins with none of
// the noughts that RFC 5802 §7 leaves out.
static void judge_server_first(const struct ehlo_fuzz_bytes *text) {
  static const char nonce[] = "r=" NONCE;
  size_t len = sizeof(nonce) - 1;
  EHLO_FUZZ_CHECK(text->len > len && memcmp(text->bytes, nonce, len) == 0);
  EHLO_FUZZ_CHECK(text->bytes[len] != ',');
  EHLO_FUZZ_CHECK(find(text->bytes, text->len, (const uint8_t *)",m=", 3) == NULL);
  EHLO_FUZZ_CHECK(find(text->bytes, text->len, (const uint8_t *)",r=", 3) == NULL);
  const uint8_t *number = find(text->bytes, text->len, (const uint8_t *)",i=", 3);
  EHLO_FUZZ_CHECK(number != NULL);
  size_t left = text->len - (size_t)(number + 3 - text->bytes);
  EHLO_FUZZ_CHECK(left > 0 && number[3] != '0');
  EHLO_FUZZ_CHECK(find(number + 3, left, (const uint8_t *)",i=", 3) == NULL);
  EHLO_FUZZ_CHECK(find(number + 3, left, (const uint8_t *)",s=", 3) == NULL);
}

// The client has given a response.
static void model_response(struct model *m, const EVP_MD *md, unsigned step,
                           const struct ehlo_fuzz_bytes *response) {
  if (step == 1) {
    const uint8_t *bare = find(response->bytes, response->len, (const uint8_t *)",n=", 3);
    EHLO_FUZZ_CHECK(bare != NULL);
    ehlo_fuzz_add(&m->client_first, bare + 1, response->len - (size_t)(bare + 1 - response->bytes));
  } else if (step == 2) {
    const uint8_t *proof = find(response->bytes, response->len, (const uint8_t *)",p=", 3);
    EHLO_FUZZ_CHECK(proof != NULL);
    judge_server_first(&m->server_first);
    sign(m, md, response->bytes, (size_t)(proof - response->bytes));
  }
}

// "v=" and the signature, whatever follows a comma.
static bool is_right(const struct model *m, const struct ehlo_fuzz_bytes *challenge) {
  uint8_t bytes[EVP_MAX_MD_SIZE + 3];
  size_t len;
  struct ehlo_fuzz_bytes marked = {0};
  ehlo_fuzz_add(&marked, "\n", 1);  // nothing may stand before it
  ehlo_fuzz_add(&marked, challenge->bytes, challenge->len);
  struct ehlo_span value = value_of(&marked, "\nv=");
  bool right = m->len > 0 && value.len <= ehlo_base64_encoded_len(m->len) &&
               ehlo_base64_decode(bytes, &len, value) && len == m->len &&
               memcmp(bytes, m->signature, len) == 0;
  free(marked.bytes);
  return right;
}

// ---- One exchange -------------------------------------------------------------------------------

struct run {
  size_t kind;
  uint8_t flags;
  struct ehlo_credentials cred;
  struct ehlo_auth *auth;
  struct model model;
  struct ehlo_fuzz_bytes log;
  bool moves;
  bool refused;
  bool guessed;  // the server's text has the password, so a response may have it of there
  bool too_slow;
};

static void move(struct run *r) {
  if (r->moves) {
    struct ehlo_auth *old = r->auth;
    r->auth = (struct ehlo_auth *)ehlo_fuzz_copy((const uint8_t *)old, sizeof(*old));
    memset(old, 0xee, sizeof(*old));
    free(old);
  }
}

// A challenge as the line has it, with what is written in it put in.
static struct ehlo_fuzz_bytes expand(const struct run *r, const uint8_t *line, size_t len) {
  struct ehlo_fuzz_bytes out = {0};
  for (size_t i = 0; i < len && out.len < RESPONSE_MAX; i++) {
    uint8_t byte = line[i] == 0x1a ? '\n' : line[i];
    if (byte == 1) {
      ehlo_fuzz_add(&out, NONCE, strlen(NONCE));
    } else if (byte == 2) {
      uint8_t encoded[EHLO_AUTH_PROOF_MAX];
      struct ehlo_span part = {r->model.signature, r->model.len};
      ehlo_fuzz_add(&out, encoded, ehlo_base64_encode(encoded, &part, 1));
    } else {
      ehlo_fuzz_add(&out, &byte, 1);
    }
  }
  return out;
}

static bool holds(const struct ehlo_fuzz_bytes *b, const uint8_t *bytes, size_t len) {
  return len > 0 && find(b->bytes, b->len, bytes, len) != NULL;
}

static void check_response(const struct run *r, const struct ehlo_fuzz_bytes *response,
                           bool secret) {
  bool has_password = holds(response, (const uint8_t *)PASSWORD, strlen(PASSWORD));
  bool tells = r->kind < 5 && r->kind != 2;
  EHLO_FUZZ_CHECK(response->len <= RESPONSE_MAX);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_SECRECY, !has_password || (secret && (tells || r->guessed)));
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_SECRECY,
                     secret || !holds(response, r->auth->ours.text, r->auth->ours.len));
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_SECRECY,
                     !holds(response, r->auth->expected.text, r->auth->expected.len));
}

// The token goes once; the error that a challenge then says is acknowledged (RFC 7628 §3.2.3).
static void check_token(const struct run *r, const struct ehlo_fuzz_bytes *response) {
  size_t len = r->kind == KIND_OAUTHBEARER ? 1 : 0;
  EHLO_FUZZ_CHECK(r->auth->step == 1 ||
                  (response->len == len && (len == 0 || *response->bytes == 1)));
}

static void take_response(struct run *r, const struct ehlo_response *given) {
  struct ehlo_fuzz_bytes response = {0};
  const EVP_MD *md = kinds[r->kind].md != NULL ? kinds[r->kind].md() : NULL;
  EHLO_FUZZ_CHECK(given->num_parts <= EHLO_RESPONSE_PARTS);
  for (size_t i = 0; i < given->num_parts; i++) {
    ehlo_fuzz_add(&response, given->parts[i].bytes, given->parts[i].len);
  }
  check_response(r, &response, given->secret);
  if (r->kind == KIND_XOAUTH2 || r->kind == KIND_OAUTHBEARER) {
    check_token(r, &response);
  }
  if (md != NULL && !r->cred.on_trust) {
    model_response(&r->model, md, r->auth->step, &response);
  }
  ehlo_fuzz_add_number(&r->log, response.len);
  ehlo_fuzz_add_number(&r->log, given->secret);
  ehlo_fuzz_add(&r->log, response.bytes, response.len);
  ehlo_fuzz_reach(r->kind);
  free(response.bytes);
}

static void check_proved(struct run *r, const struct ehlo_fuzz_bytes *challenge, bool was_proved) {
  if (!r->auth->proved || was_proved) {
    return;
  }
  bool digest = kinds[r->kind].md == NULL;
  EHLO_FUZZ_CHECK(kinds[r->kind].mechanism->mutual);
  if (r->cred.on_trust) {
    EHLO_FUZZ_CHECK(challenge->len == 6 && memcmp(challenge->bytes, "hidden", 6) == 0);
    ehlo_fuzz_reach(GOAL_TRUSTED);
    return;
  }
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL,
                     digest ? holds(challenge, r->auth->expected.text, r->auth->expected.len)
                            : is_right(&r->model, challenge));
  ehlo_fuzz_reach(GOAL_PROVED + digest);
}

// `line` NULL asks for an initial response.
static void turn(struct run *r, const uint8_t *line, size_t len) {
  struct ehlo_response response;
  struct ehlo_fuzz_bytes challenge = expand(r, line, len);
  bool scram = kinds[r->kind].md != NULL;
  if (scram && r->auth->step == 1) {
    unsigned long iterations = iterations_of(&challenge);
    r->too_slow = iterations > ITERATIONS_RUN && iterations <= 600000 && !r->cred.on_trust;
    ehlo_fuzz_add(&r->model.server_first, challenge.bytes, challenge.len);
  }
  r->guessed = r->guessed || holds(&challenge, (const uint8_t *)PASSWORD, strlen(PASSWORD));
  if (!r->too_slow) {
    move(r);
    bool was_proved = r->auth->proved;
    uint8_t *bytes = ehlo_fuzz_copy(challenge.bytes, challenge.len);
    struct ehlo_span span = {bytes, challenge.len};
    bool has = kinds[r->kind].mechanism->respond(r->auth, line != NULL ? &span : NULL, &response);
    memset(bytes, 0xee, challenge.len);
    free(bytes);
    EHLO_FUZZ_CHECK(!(has && r->refused));
    ehlo_fuzz_add_number(&r->log, has);
    if (has) {
      take_response(r, &response);
    } else if (!r->refused) {
      r->refused = true;
      ehlo_fuzz_add_number(&r->log, r->auth->problem);
      ehlo_fuzz_reach(GOAL_REFUSED + r->auth->problem);
    }
    check_proved(r, &challenge, was_proved);
  }
  free(challenge.bytes);
}

static struct ehlo_fuzz_bytes run(const uint8_t *data, size_t size, bool moves) {
  struct run r = {.kind = data[0] % NUM_KINDS, .flags = data[1], .moves = moves};
  bool initial = (r.flags & WITHOUT_INITIAL) == 0 && kinds[r.kind].mechanism->may_go_first;
  r.cred = make_credentials(r.flags);
  struct ehlo_auth zero = {.credentials = &r.cred, .server_binds = (r.flags & SERVER_BINDS) != 0};
  r.auth = (struct ehlo_auth *)ehlo_fuzz_copy((const uint8_t *)&zero, sizeof(zero));
  if (initial) {
    turn(&r, NULL, 0);
  }
  unsigned turns = 0;
  for (size_t at = 2; at < size && !r.too_slow && turns < 8; turns++) {
    const uint8_t *lf = memchr(data + at, '\n', size - at);
    size_t len = lf != NULL ? (size_t)(lf - data) - at : size - at;
    turn(&r, data + at, len);
    at += len + 1;
  }
  free_model(&r.model);
  free(r.auth);
  return r.log;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2) {
    return 0;
  }
  uint8_t *input = ehlo_fuzz_copy(data, size);
  struct ehlo_fuzz_bytes whole = run(input, size, false);
  struct ehlo_fuzz_bytes moved = run(input, size, true);
  EHLO_FUZZ_CHECK(ehlo_fuzz_same(&whole, &moved));
  free(whole.bytes);
  free(moved.bytes);
  free(input);
  return 0;
}
