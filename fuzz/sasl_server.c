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
#define SCRAM_SALT "QSXCR+Q6sek8bd92"
#define SCRAM_ITERATIONS 4096
#define DIGEST_REALM "mail.example"
#define DIGEST_NONCE "OA6MG9tEQGm2hh"

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
  if (bytes == NULL) {
    say(s, "");
  } else if (s->step++ == 0) {
    const char *form =
        is_xoauth2 ? "user=%s\001auth=Bearer %s\001\001" : "n,a=%s,\001auth=Bearer %s\001\001";
    snprintf(want, sizeof(want), form, a->user, a->password);
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
    say(s, "<1896.697170952@mail.example>");
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
static void digest(char *out, const struct ehlo_fuzz_sasl_account *a, const char *verb) {
  char text[EHLO_FUZZ_SASL_TEXT_MAX];
  uint8_t a1[EHLO_FUZZ_SASL_TEXT_MAX];
  char a1_hex[33];
  char a2_hex[33];
  unsigned len;
  int n = snprintf(text, sizeof(text), "%s:" DIGEST_REALM ":%s", a->user, a->password);
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

static void take_digest(struct ehlo_fuzz_sasl_server *s, const uint8_t *bytes, size_t len) {
  char value[33];
  char text[EHLO_FUZZ_SASL_TEXT_MAX];
  if (bytes == NULL) {
    say(s, "realm=\"" DIGEST_REALM "\",nonce=\"" DIGEST_NONCE
           "\",qop=\"auth\",charset=utf-8,algorithm=md5-sess");
  } else if (s->step++ == 0) {
    digest(value, &s->account, "AUTHENTICATE");
    snprintf(text, sizeof(text), ",response=%s,", value);
    bool named = find(bytes, len, ",nonce=\"" DIGEST_NONCE "\",") != NULL &&
                 find(bytes, len, ",realm=\"" DIGEST_REALM "\",") != NULL;
    s->accepts = named && find(bytes, len, text) != NULL;
    digest(value, &s->account, "");
    snprintf(text, sizeof(text), "rspauth=%s", value);
    say(s, text);
  } else {
    end(s, s->accepts && len == 0);
  }
}

// ---- SCRAM --------------------------------------------------------------------------------------

// SaltedPassword, which is dear, for each password and hash once.
static const uint8_t *salted(const EVP_MD *md, const char *password) {
  static struct {
    const EVP_MD *md;
    const char *password;
    uint8_t key[EVP_MAX_MD_SIZE];
  } known[16];
  size_t i = 0;
  while (known[i].md != NULL && (known[i].md != md || strcmp(known[i].password, password) != 0)) {
    EHLO_FUZZ_CHECK(++i < sizeof(known) / sizeof(known[0]));
  }
  if (known[i].md == NULL) {
    uint8_t salt[32];
    size_t salt_len;
    EHLO_FUZZ_CHECK(EVP_DecodeBase64(salt, &salt_len, sizeof(salt), (const uint8_t *)SCRAM_SALT,
                                     strlen(SCRAM_SALT)) == 1);
    EHLO_FUZZ_CHECK(PKCS5_PBKDF2_HMAC(password, strlen(password), salt, salt_len, SCRAM_ITERATIONS,
                                      md, EVP_MD_size(md), known[i].key) == 1);
    known[i].md = md;
    known[i].password = password;
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
  return snprintf(out, cap, "c=%s,r=%s" SCRAM_NONCE, (const char *)encoded, s->account.cnonce);
}

// HMAC(`key`, AuthMessage)
static void sign(uint8_t *out, const struct ehlo_fuzz_sasl_server *s, const uint8_t *key) {
  char final[2 * EHLO_FUZZ_SASL_TEXT_MAX];
  uint8_t message[4 * EHLO_FUZZ_SASL_TEXT_MAX];
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
  char want[3 * EHLO_FUZZ_SASL_TEXT_MAX];
  uint8_t client_key[EVP_MAX_MD_SIZE];
  uint8_t stored_key[EVP_MAX_MD_SIZE];
  uint8_t proof[EVP_MAX_MD_SIZE];
  unsigned md_len;
  HMAC(s->md, salted(s->md, s->account.password), EVP_MD_size(s->md), (const uint8_t *)"Client Key",
       10, client_key, &md_len);
  EHLO_FUZZ_CHECK(EVP_Digest(client_key, md_len, stored_key, &md_len, s->md, NULL) == 1);
  sign(proof, s, stored_key);
  for (unsigned i = 0; i < md_len; i++) {
    proof[i] ^= client_key[i];
  }
  int n = make_final(want, sizeof(want), s);
  n += snprintf(want + n, sizeof(want) - (size_t)n, ",p=");
  EVP_EncodeBlock((uint8_t *)want + n, proof, md_len);
  return is_text(bytes, len, want);
}

static void say_signature(struct ehlo_fuzz_sasl_server *s) {
  uint8_t server_key[EVP_MAX_MD_SIZE];
  uint8_t signature[EVP_MAX_MD_SIZE];
  char text[EHLO_FUZZ_SASL_TEXT_MAX] = "v=";
  unsigned len;
  HMAC(s->md, salted(s->md, s->account.password), EVP_MD_size(s->md), (const uint8_t *)"Server Key",
       10, server_key, &len);
  sign(signature, s, server_key);
  EVP_EncodeBlock((uint8_t *)text + 2, signature, len);
  say(s, text);
}

static bool is_first(const struct ehlo_fuzz_sasl_server *s) {
  const struct ehlo_fuzz_sasl_account *a = &s->account;
  char want[EHLO_FUZZ_SASL_TEXT_MAX];
  size_t len;
  const uint8_t *text = bare(s, &len);
  snprintf(want, sizeof(want), "n=%s,r=%s", a->user, a->cnonce);
  return is_text(text, len, want);
}

static void take_scram(struct ehlo_fuzz_sasl_server *s, const uint8_t *bytes, size_t len) {
  char text[EHLO_FUZZ_SASL_TEXT_MAX];
  if (bytes == NULL) {
    say(s, "");
  } else if (s->step++ == 0) {
    EHLO_FUZZ_CHECK(len <= sizeof(s->first));
    memcpy(s->first, bytes, len);
    s->first_len = len;
    EHLO_FUZZ_CHECK(is_first(s));
    snprintf(text, sizeof(text), "r=%s" SCRAM_NONCE ",s=" SCRAM_SALT ",i=%d", s->account.cnonce,
             SCRAM_ITERATIONS);
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
