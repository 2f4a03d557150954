// See sasl_server.h. Each family is a function of the step: RFC 4616, 4422, 7628, 2195, 2831, 5802.
// A client that fails is told what the rest of the exchange would be all the same, as far as there is
// one: what it makes of that is what is tested.
#include "fuzz/sasl_server.h"

#include <openssl/base64.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

#include "fuzz/fuzz.h"

#define SCRAM_NONCE "3rfcNHYJY1ZVvWVs7j"
#define DIGEST_NONCE "OA6MG9tEQGm2hh"

// ---- What a server may say, and what it may not ------------------------------------------------

#define DIGEST_REST "nonce=\"" DIGEST_NONCE "\",qop=\"auth\",algorithm=md5-sess"
#define DIGEST_UTF8 DIGEST_REST ",charset=utf-8"

// RFC 2831 §2.1.1
static const struct digest_words {
  const char *text;
  const char *realm;   // as it goes back; NULL: not at all
  const char *hashed;  // the realm without quoting and in ISO 8859-1
  bool utf8;
  enum ehlo_fuzz_sasl_fault fault;
  size_t len;  // filled up with blanks; 0: as it is
} digest_words[] = {
    {"realm=\"mail.example\",nonce=\"" DIGEST_NONCE
     "\",qop=\"auth\",charset=utf-8,algorithm=md5-sess",
     "mail.example", "mail.example", true, 0, 0},
    {"realm=\"mail.example\"," DIGEST_REST, "mail.example", "mail.example", false, 0, 0},
    {"realm=\"first\",realm=\"second\"," DIGEST_UTF8, "first", "first", true, 0, 0},
    {"realm=\"\"," DIGEST_UTF8, "", "", true, 0, 0},
    {DIGEST_UTF8, NULL, "", true, 0, 0},
    {"realm=\"m\xc3\xa4il\"," DIGEST_UTF8, "m\xc3\xa4il", "m\xe4il", true, 0, 0},
    {"realm=\"\xe2\x82\xac\"," DIGEST_UTF8, "\xe2\x82\xac", "\xe2\x82\xac", true, 0, 0},
    {"realm=\"a\\\"b\\\\c\"," DIGEST_UTF8, "a\\\"b\\\\c", "a\"b\\c", true, 0, 0},
    {"nonce=\"" DIGEST_NONCE "\",qop=\"auth-int, auth\",algorithm=md5-sess", NULL, "", false, 0, 0},
    {"nonce=\"" DIGEST_NONCE "\",algorithm=md5-sess,,CHARSET=\"UTF-8\"", NULL, "", true, 0, 0},
    {DIGEST_UTF8, NULL, "", true, 0, 2048},
    {DIGEST_UTF8, NULL, "", true, EHLO_FUZZ_SASL_CHALLENGE, 2049},
    {DIGEST_REST ",charset=latin-1", NULL, "", false, EHLO_FUZZ_SASL_CHALLENGE, 0},
    {DIGEST_REST ",nonce=\"other\"", NULL, "", false, EHLO_FUZZ_SASL_CHALLENGE, 0},
    {DIGEST_REST ",qop=\"auth\"", NULL, "", false, EHLO_FUZZ_SASL_CHALLENGE, 0},
    {DIGEST_UTF8 ",charset=utf-8", NULL, "", false, EHLO_FUZZ_SASL_CHALLENGE, 0},
    {DIGEST_REST ",algorithm=md5-sess", NULL, "", false, EHLO_FUZZ_SASL_CHALLENGE, 0},
    {"nonce=\"" DIGEST_NONCE "\",qop=\"auth-int\",algorithm=md5-sess", NULL, "", false,
     EHLO_FUZZ_SASL_CHALLENGE, 0},
    {"realm=\"a\"x=y," DIGEST_UTF8, NULL, "", true, EHLO_FUZZ_SASL_CHALLENGE, 0},
};

// RFC 5802 §7, with the limits of the engine's.
static const struct scram_words {
  size_t nonce_len;  // of the whole, which is filled up; 0: as it is
  const char *nonce_end;
  size_t salt_len;
  unsigned iterations;
  const char *first_end;
  const char *final_end;
  enum ehlo_fuzz_sasl_fault fault;
  bool trusts;
} scram_words[] = {
    {0, "", 12, 4096, "", "", 0, false},
    {512, "", 12, 4096, "", "", 0, false},
    {513, "", 12, 4096, "", "", EHLO_FUZZ_SASL_NONCE, false},
    {0, "!~", 12, 4096, "", "", 0, false},
    {0, "\x7f", 12, 4096, "", "", EHLO_FUZZ_SASL_NONCE, false},
    {0, " ", 12, 4096, "", "", EHLO_FUZZ_SASL_NONCE, false},
    {0, "", 1, 4096, "", "", 0, false},
    {0, "", 256, 4096, "", "", 0, false},
    {0, "", 257, 4096, "", "", EHLO_FUZZ_SASL_CHALLENGE, false},
    {0, "", 12, 600000, "", "", 0, true},
    {0, "", 12, 600001, "", "", EHLO_FUZZ_SASL_ITERATIONS, true},
    {0, "", 12, 4095, "", "", EHLO_FUZZ_SASL_ITERATIONS, true},
    {0, "", 12, 4096, ",x=y", ",x=y", 0, false},
    {0, "", 12, 4096, ",m=y", "", EHLO_FUZZ_SASL_EXTENSION, false},
    {0, "", 12, 4096, "", ",m=y", EHLO_FUZZ_SASL_EXTENSION, false},
    {0, "", 12, 4096, "", ",x=", EHLO_FUZZ_SASL_CHALLENGE, false},
};

static const struct digest_words *digest_words_of(const struct ehlo_fuzz_sasl_server *s) {
  return &digest_words[s->words % (sizeof(digest_words) / sizeof(digest_words[0]))];
}

static const struct scram_words *scram_words_of(const struct ehlo_fuzz_sasl_server *s) {
  return &scram_words[s->words % (sizeof(scram_words) / sizeof(scram_words[0]))];
}

// CRAM's other words are none.
static bool says_nothing(const struct ehlo_fuzz_sasl_server *s) {
  return s->family == EHLO_FUZZ_SASL_CRAM && s->words % 2 == 1;
}

enum ehlo_fuzz_sasl_fault ehlo_fuzz_sasl_server_fault(const struct ehlo_fuzz_sasl_server *s) {
  if (s->family == EHLO_FUZZ_SASL_DIGEST) {
    return digest_words_of(s)->fault;
  }
  if (s->family == EHLO_FUZZ_SASL_SCRAM) {
    return scram_words_of(s)->fault;
  }
  return says_nothing(s) ? EHLO_FUZZ_SASL_CHALLENGE : EHLO_FUZZ_SASL_LEGAL;
}

bool ehlo_fuzz_sasl_server_trusts(const struct ehlo_fuzz_sasl_server *s) {
  return s->family == EHLO_FUZZ_SASL_SCRAM && scram_words_of(s)->trusts;
}

// ---- Pieces -------------------------------------------------------------------------------------

static void say(struct ehlo_fuzz_sasl_server *s, const char *text) {
  s->challenge_len = strlen(text);
  EHLO_FUZZ_CHECK(s->challenge_len <= sizeof(s->challenge));
  memcpy(s->challenge, text, s->challenge_len);
}

static void end(struct ehlo_fuzz_sasl_server *s, bool accepts) {
  s->accepts = accepts;
  s->over = true;
}

static bool is_text(const uint8_t *bytes, size_t len, const char *text) {
  return len == strlen(text) && memcmp(bytes, text, len) == 0;
}

static const uint8_t *find(const uint8_t *hay, size_t len, const char *needle) {
  size_t needle_len = strlen(needle);
  for (size_t at = 0; at + needle_len <= len; at++) {
    if (memcmp(hay + at, needle, needle_len) == 0) {
      return hay + at;
    }
  }
  return NULL;
}

static void to_hex(char *out, const uint8_t *bytes, size_t len) {
  for (size_t i = 0; i < len; i++) {
    snprintf(out + 2 * i, 3, "%02x", bytes[i]);
  }
}

// RFC 5802 §5.1: a saslname has =2C and =3D for what would part it.
static void to_saslname(char *out, size_t cap, const char *name) {
  size_t len = 0;
  for (out[0] = '\0'; *name != '\0'; name++) {
    char as_is[2] = {*name, '\0'};
    const char *form = *name == ',' ? "=2C" : *name == '=' ? "=3D" : as_is;
    EHLO_FUZZ_CHECK(len + 4 < cap);
    len += (size_t)snprintf(out + len, cap - len, "%s", form);
  }
}

// ---- In words -----------------------------------------------------------------------------------

static bool is_plain(const struct ehlo_fuzz_sasl_account *a, const uint8_t *bytes, size_t len) {
  char want[EHLO_FUZZ_SASL_TEXT_MAX];
  int n = snprintf(want, sizeof(want), "%s%c%s%c%s", a->authzid, 0, a->user, 0, a->password);
  return len == (size_t)n && memcmp(bytes, want, len) == 0;
}

static bool is_external(const struct ehlo_fuzz_sasl_account *a, const uint8_t *bytes, size_t len) {
  return is_text(bytes, len, a->authzid[0] != '\0' ? a->authzid : a->user);
}

static void take_single(struct ehlo_fuzz_sasl_server *s, const uint8_t *bytes, size_t len) {
  if (bytes == NULL) {
    say(s, "");
  } else {
    end(s, s->family == EHLO_FUZZ_SASL_PLAIN ? is_plain(&s->account, bytes, len)
                                             : is_external(&s->account, bytes, len));
  }
}

static void take_login(struct ehlo_fuzz_sasl_server *s, const uint8_t *bytes, size_t len) {
  if (bytes == NULL) {
    say(s, "User Name");
  } else if (s->step++ == 0) {
    s->accepts = is_text(bytes, len, s->account.user);
    say(s, "Password:");
  } else {
    end(s, s->accepts && is_text(bytes, len, s->account.password));
  }
}

// A token that is not good is told so in JSON, which wants an answer before the 535.
static void take_token(struct ehlo_fuzz_sasl_server *s, const uint8_t *bytes, size_t len) {
  const struct ehlo_fuzz_sasl_account *a = &s->account;
  bool is_xoauth2 = s->family == EHLO_FUZZ_SASL_XOAUTH2;
  char want[EHLO_FUZZ_SASL_TEXT_MAX];
  char name[EHLO_FUZZ_SASL_TEXT_MAX];
  if (bytes == NULL) {
    say(s, "");
  } else if (s->step++ == 0) {
    if (is_xoauth2) {
      snprintf(want, sizeof(want), "user=%s\001auth=Bearer %s\001\001", a->user, a->password);
    } else {
      to_saslname(name, sizeof(name), a->user);
      EHLO_FUZZ_CHECK(snprintf(want, sizeof(want), "n,%s%s,\001auth=Bearer %s\001\001",
                               name[0] != '\0' ? "a=" : "", name, a->password) < (int)sizeof(want));
    }
    if (is_text(bytes, len, want)) {
      end(s, true);
    } else {
      say(s, "{\"status\":\"401\",\"schemes\":\"bearer\"}");
    }
  } else {
    EHLO_FUZZ_CHECK(is_text(bytes, len, is_xoauth2 ? "" : "\001"));
    end(s, false);
  }
}

// ---- CRAM and DIGEST-MD5 ------------------------------------------------------------------------

static void take_cram(struct ehlo_fuzz_sasl_server *s, const uint8_t *bytes, size_t len) {
  uint8_t mac[EVP_MAX_MD_SIZE];
  unsigned mac_len;
  char hex[2 * EVP_MAX_MD_SIZE + 1];
  char want[EHLO_FUZZ_SASL_TEXT_MAX];
  if (bytes == NULL) {
    say(s, says_nothing(s) ? "" : "<1896.697170952@mail.example>");
    return;
  }
  HMAC(s->md, s->account.password, strlen(s->account.password), s->challenge, s->challenge_len, mac,
       &mac_len);
  to_hex(hex, mac, mac_len);
  snprintf(want, sizeof(want), "%s %s", s->account.user, hex);
  end(s, is_text(bytes, len, want));
}

static void md5_hex(char *out, const void *bytes, size_t len) {
  uint8_t hash[EVP_MAX_MD_SIZE];
  unsigned hash_len;
  EHLO_FUZZ_CHECK(EVP_Digest(bytes, len, hash, &hash_len, EVP_md5(), NULL) == 1);
  to_hex(out, hash, hash_len);
}

// RFC 2831 §2.1.2.1: response-value; `verb` is "AUTHENTICATE" or empty.
static void digest(char *out, const struct ehlo_fuzz_sasl_server *s, const char *verb) {
  const struct ehlo_fuzz_sasl_account *a = &s->account;
  char text[EHLO_FUZZ_SASL_TEXT_MAX];
  uint8_t a1[EHLO_FUZZ_SASL_TEXT_MAX];
  char a1_hex[33];
  char a2_hex[33];
  unsigned len;
  int n = snprintf(text, sizeof(text), "%s:%s:%s", a->hashed_user, digest_words_of(s)->hashed,
                   a->hashed_password);
  EHLO_FUZZ_CHECK(EVP_Digest(text, (size_t)n, a1, &len, EVP_md5(), NULL) == 1);
  n = snprintf((char *)a1 + len, sizeof(a1) - len, ":" DIGEST_NONCE ":%s%s%s", a->cnonce,
               a->authzid[0] != '\0' ? ":" : "", a->authzid);
  md5_hex(a1_hex, a1, len + (size_t)n);
  n = snprintf(text, sizeof(text), "%s:%s", verb, a->uri);
  md5_hex(a2_hex, text, (size_t)n);
  n = snprintf(text, sizeof(text), "%s:" DIGEST_NONCE ":00000001:%s:auth:%s", a1_hex, a->cnonce,
               a2_hex);
  md5_hex(out, text, (size_t)n);
}

// What is left to find in a response, each directive with a comma behind it.
struct directives {
  const uint8_t *bytes;
  size_t len;
  size_t used;
  bool all;
};

static void expect(struct directives *d, const char *name, const char *value) {
  char want[EHLO_FUZZ_SASL_TEXT_MAX];
  int n = snprintf(want, sizeof(want), ",%s=%s,", name, value);
  d->all = d->all && find(d->bytes, d->len, want) != NULL;
  d->used += (size_t)n - 1;
}

static void expect_quoted(struct directives *d, const char *name, const char *value) {
  char quoted[EHLO_FUZZ_SASL_TEXT_MAX];
  size_t len = 0;
  quoted[len++] = '"';
  for (; *value != '\0' && len + 4 < sizeof(quoted); value++) {
    if (*value == '"' || *value == '\\') {
      quoted[len++] = '\\';
    }
    quoted[len++] = *value;
  }
  quoted[len++] = '"';
  quoted[len] = '\0';
  expect(d, name, quoted);
}

// Each directive as it has to be, in whatever order, and nothing else.
static bool is_exact(const struct ehlo_fuzz_sasl_server *s, const uint8_t *bytes, size_t len,
                     const char *value) {
  const struct ehlo_fuzz_sasl_account *a = &s->account;
  const struct digest_words *w = digest_words_of(s);
  uint8_t text[2 * EHLO_FUZZ_SASL_TEXT_MAX];
  char realm[64];
  struct directives d = {text, len + 2, 1, true};
  EHLO_FUZZ_CHECK(d.len <= sizeof(text));
  text[0] = ',';
  memcpy(text + 1, bytes, len);
  text[len + 1] = ',';
  expect_quoted(&d, "username", w->utf8 ? a->user : a->hashed_user);
  expect_quoted(&d, "nonce", DIGEST_NONCE);
  expect_quoted(&d, "cnonce", a->cnonce);
  expect_quoted(&d, "digest-uri", a->uri);
  expect(&d, "nc", "00000001");
  expect(&d, "qop", "auth");
  expect(&d, "response", value);
  if (w->utf8) {
    expect(&d, "charset", "utf-8");
  }
  if (w->realm != NULL) {
    snprintf(realm, sizeof(realm), "\"%s\"", w->realm);
    expect(&d, "realm", realm);
  }
  if (a->authzid[0] != '\0') {
    expect_quoted(&d, "authzid", a->authzid);
  }
  return d.all && d.used == d.len;
}

static void take_digest(struct ehlo_fuzz_sasl_server *s, const uint8_t *bytes, size_t len) {
  const struct digest_words *w = digest_words_of(s);
  char value[33];
  char text[EHLO_FUZZ_SASL_TEXT_MAX];
  if (bytes == NULL) {
    snprintf(text, sizeof(text), "%-*s", (int)w->len, w->text);
    say(s, text);
  } else if (s->step++ == 0) {
    digest(value, s, "AUTHENTICATE");
    snprintf(text, sizeof(text), ",response=%s,", value);
    s->accepts = find(bytes, len, text) != NULL;
    s->inexact = !is_exact(s, bytes, len, value);
    digest(value, s, "");
    snprintf(text, sizeof(text), "rspauth=%s", value);
    say(s, text);
  } else {
    end(s, s->accepts && len == 0);
  }
}

// ---- SCRAM --------------------------------------------------------------------------------------

#define SALT_MAX 257

static size_t make_salt(const struct ehlo_fuzz_sasl_server *s, uint8_t *out) {
  size_t len = scram_words_of(s)->salt_len;
  for (size_t i = 0; i < len; i++) {
    out[i] = (uint8_t)(i * 37 + 11);
  }
  return len;
}

// SaltedPassword, which is dear, for each password, salt and hash once.
static const uint8_t *salted(const struct ehlo_fuzz_sasl_server *s) {
  static struct {
    const EVP_MD *md;
    const char *password;
    size_t salt_len;
    uint8_t key[EVP_MAX_MD_SIZE];
  } known[128];
  const char *password = s->account.password;
  uint8_t salt[SALT_MAX];
  size_t salt_len = make_salt(s, salt);
  size_t i = 0;
  while (known[i].md != NULL && (known[i].md != s->md || known[i].salt_len != salt_len ||
                                 strcmp(known[i].password, password) != 0)) {
    EHLO_FUZZ_CHECK(++i < sizeof(known) / sizeof(known[0]));
  }
  if (known[i].md == NULL) {
    EHLO_FUZZ_CHECK(PKCS5_PBKDF2_HMAC(password, strlen(password), salt, salt_len, 4096, s->md,
                                      EVP_MD_size(s->md), known[i].key) == 1);
    known[i].md = s->md;
    known[i].password = password;
    known[i].salt_len = salt_len;
  }
  return known[i].key;
}

// The client's first message without its header, which ends with the second comma.
static const uint8_t *bare(const struct ehlo_fuzz_sasl_server *s, size_t *out_len) {
  const uint8_t *comma = memchr(s->first, ',', s->first_len);
  size_t left = comma != NULL ? s->first_len - (size_t)(comma + 1 - s->first) : 0;
  const uint8_t *second = left > 0 ? memchr(comma + 1, ',', left) : NULL;
  EHLO_FUZZ_CHECK(second != NULL);
  *out_len = s->first_len - (size_t)(second + 1 - s->first);
  return second + 1;
}

// The client's nonce and what the server adds.
static void make_nonce(char *out, size_t cap, const struct ehlo_fuzz_sasl_server *s) {
  const struct scram_words *w = scram_words_of(s);
  size_t len = (size_t)snprintf(out, cap, "%s%s%s", s->account.cnonce, SCRAM_NONCE, w->nonce_end);
  for (; len < w->nonce_len && len + 1 < cap; len++) {
    out[len] = 'x';
    out[len + 1] = '\0';
  }
}

// "c=" and "r=" as they have to be in the client's final message.
static int make_final(char *out, size_t cap, const struct ehlo_fuzz_sasl_server *s) {
  uint8_t header[EHLO_FUZZ_SASL_TEXT_MAX + 64];
  uint8_t encoded[2 * sizeof(header)];
  size_t bare_len;
  const uint8_t *end_of_header = bare(s, &bare_len);
  size_t len = (size_t)(end_of_header - s->first);
  memcpy(header, s->first, len);
  if (s->account.binding != NULL) {
    memcpy(header + len, s->account.binding, s->account.binding_len);
    len += s->account.binding_len;
  }
  EVP_EncodeBlock(encoded, header, len);
  char nonce[EHLO_FUZZ_SASL_TEXT_MAX];
  make_nonce(nonce, sizeof(nonce), s);
  return snprintf(out, cap, "c=%s,r=%s", (const char *)encoded, nonce);
}

// HMAC(`key`, AuthMessage)
static void sign(uint8_t *out, const struct ehlo_fuzz_sasl_server *s, const uint8_t *key) {
  char final[3 * EHLO_FUZZ_SASL_TEXT_MAX];
  uint8_t message[6 * EHLO_FUZZ_SASL_TEXT_MAX];
  unsigned mac_len;
  size_t bare_len;
  const uint8_t *first = bare(s, &bare_len);
  make_final(final, sizeof(final), s);
  int n = snprintf((char *)message, sizeof(message), "%.*s,%.*s,%s", (int)bare_len,
                   (const char *)first, (int)s->challenge_len, (const char *)s->challenge, final);
  EHLO_FUZZ_CHECK(n > 0 && (size_t)n < sizeof(message));
  HMAC(s->md, key, EVP_MD_size(s->md), message, (size_t)n, out, &mac_len);
}

static bool is_final(const struct ehlo_fuzz_sasl_server *s, const uint8_t *bytes, size_t len) {
  char want[4 * EHLO_FUZZ_SASL_TEXT_MAX];
  uint8_t client_key[EVP_MAX_MD_SIZE];
  uint8_t stored_key[EVP_MAX_MD_SIZE];
  uint8_t proof[EVP_MAX_MD_SIZE];
  unsigned md_len;
  int n = make_final(want, sizeof(want), s);
  if (scram_words_of(s)->trusts) {
    snprintf(want + n, sizeof(want) - (size_t)n, ",p=hidden");
    return is_text(bytes, len, want);
  }
  HMAC(s->md, salted(s), EVP_MD_size(s->md), (const uint8_t *)"Client Key", 10, client_key,
       &md_len);
  EHLO_FUZZ_CHECK(EVP_Digest(client_key, md_len, stored_key, &md_len, s->md, NULL) == 1);
  sign(proof, s, stored_key);
  for (unsigned i = 0; i < md_len; i++) {
    proof[i] ^= client_key[i];
  }
  n += snprintf(want + n, sizeof(want) - (size_t)n, ",p=");
  EVP_EncodeBlock((uint8_t *)want + n, proof, md_len);
  return is_text(bytes, len, want);
}

static void say_signature(struct ehlo_fuzz_sasl_server *s) {
  uint8_t server_key[EVP_MAX_MD_SIZE];
  uint8_t signature[EVP_MAX_MD_SIZE];
  char text[EHLO_FUZZ_SASL_TEXT_MAX] = "v=";
  unsigned len;
  if (scram_words_of(s)->trusts) {
    say(s, "hidden");
    return;
  }
  HMAC(s->md, salted(s), EVP_MD_size(s->md), (const uint8_t *)"Server Key", 10, server_key, &len);
  sign(signature, s, server_key);
  size_t text_len = 2 + EVP_EncodeBlock((uint8_t *)text + 2, signature, len);
  snprintf(text + text_len, sizeof(text) - text_len, "%s", scram_words_of(s)->final_end);
  say(s, text);
}

static bool is_first(const struct ehlo_fuzz_sasl_server *s) {
  const struct ehlo_fuzz_sasl_account *a = &s->account;
  char want[EHLO_FUZZ_SASL_TEXT_MAX];
  char user[EHLO_FUZZ_SASL_TEXT_MAX];
  char authzid[EHLO_FUZZ_SASL_TEXT_MAX];
  to_saslname(user, sizeof(user), a->user);
  to_saslname(authzid, sizeof(authzid), a->authzid);
  int n = snprintf(want, sizeof(want), "%s,%s%s,n=%s,r=%s", a->gs2, authzid[0] != '\0' ? "a=" : "",
                   authzid, user, a->cnonce);
  return n < (int)sizeof(want) && is_text(s->first, s->first_len, want);
}

static void take_scram(struct ehlo_fuzz_sasl_server *s, const uint8_t *bytes, size_t len) {
  char text[EHLO_FUZZ_SASL_TEXT_MAX];
  char nonce[EHLO_FUZZ_SASL_TEXT_MAX / 2];
  uint8_t salt[SALT_MAX];
  uint8_t encoded[2 * SALT_MAX];
  if (bytes == NULL) {
    say(s, "");
  } else if (s->step++ == 0) {
    EHLO_FUZZ_CHECK(len <= sizeof(s->first));
    memcpy(s->first, bytes, len);
    s->first_len = len;
    EHLO_FUZZ_CHECK(is_first(s));
    make_nonce(nonce, sizeof(nonce), s);
    EVP_EncodeBlock(encoded, salt, make_salt(s, salt));
    snprintf(text, sizeof(text), "r=%s,s=%s,i=%u%s", nonce, (const char *)encoded,
             scram_words_of(s)->iterations, scram_words_of(s)->first_end);
    say(s, text);
  } else if (s->step == 2) {
    s->accepts = is_final(s, bytes, len);
    say_signature(s);
  } else {
    end(s, s->accepts && len == 0);
  }
}

void ehlo_fuzz_sasl_server_take(struct ehlo_fuzz_sasl_server *s, const uint8_t *response,
                                size_t len) {
  switch (s->family) {
    case EHLO_FUZZ_SASL_PLAIN:
    case EHLO_FUZZ_SASL_EXTERNAL:
      take_single(s, response, len);
      break;
    case EHLO_FUZZ_SASL_LOGIN:
      take_login(s, response, len);
      break;
    case EHLO_FUZZ_SASL_XOAUTH2:
    case EHLO_FUZZ_SASL_OAUTHBEARER:
      take_token(s, response, len);
      break;
    case EHLO_FUZZ_SASL_CRAM:
      take_cram(s, response, len);
      break;
    case EHLO_FUZZ_SASL_DIGEST:
      take_digest(s, response, len);
      break;
    case EHLO_FUZZ_SASL_SCRAM:
      take_scram(s, response, len);
      break;
  }
}
