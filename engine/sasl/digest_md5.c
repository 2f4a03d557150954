// DIGEST-MD5 (RFC 2831), made historic by RFC 6331 and here for old servers alone: initial
// authentication with qop "auth", no security layer, no subsequent authentication.
//
//   digest-challenge = 1#( realm / nonce / qop-options / stale / maxbuf / charset / algorithm /
//                          cipher-opts / auth-param )
//   directive        = token "=" ( token / quoted-string )
//
// Names and the password are hashed in ISO 8859-1 where it has all their characters, else in UTF-8
// (§2.1.2.1).
#include <openssl/mem.h>
#include <string.h>

#include "engine/sasl/parts.h"
#include "engine/sasl/sasl.h"

#define CHALLENGE_MAX ((size_t)2048)  // §2.1.1
#define DIGITS 32

// ---- Reading ------------------------------------------------------------------------------------

struct directive {
  struct ehlo_span name;
  struct ehlo_span value;  // of a quoted string without its quotes, backslashes still there
};

static bool is_blank(uint8_t c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_token_char(uint8_t c) {
  return c > 0x20 && c < 0x7f && memchr("()<>@,;:\\\"/[]?={}", c, 17) == NULL;
}

static void skip_blanks(struct ehlo_span *rest) {
  while (rest->len > 0 && is_blank(rest->bytes[0])) {
    *rest = (struct ehlo_span){rest->bytes + 1, rest->len - 1};
  }
}

static bool skip_char(struct ehlo_span *rest, uint8_t c) {
  if (rest->len == 0 || rest->bytes[0] != c) {
    return false;
  }
  *rest = (struct ehlo_span){rest->bytes + 1, rest->len - 1};
  return true;
}

static struct ehlo_span take_token(struct ehlo_span *rest) {
  struct ehlo_span token = {rest->bytes, 0};
  while (token.len < rest->len && is_token_char(rest->bytes[token.len])) {
    token.len++;
  }
  *rest = (struct ehlo_span){rest->bytes + token.len, rest->len - token.len};
  return token;
}

// The rest of a quoted string, its first quote gone.
static bool take_quoted(struct ehlo_span *out, struct ehlo_span *rest) {
  size_t at = 0;
  while (at < rest->len && rest->bytes[at] != '"') {
    if (rest->bytes[at] == '\0') {
      return false;
    }
    at += rest->bytes[at] == '\\' ? 2 : 1;
  }
  if (at >= rest->len) {
    return false;
  }
  *out = (struct ehlo_span){rest->bytes, at};
  *rest = (struct ehlo_span){rest->bytes + at + 1, rest->len - at - 1};
  return true;
}

// Takes the next directive. `*out_end`: there is none any more. False: this is no list of them.
static bool take_directive(struct directive *out, bool *out_end, struct ehlo_span *rest) {
  do {
    skip_blanks(rest);
  } while (skip_char(rest, ','));
  *out_end = rest->len == 0;
  if (*out_end) {
    return true;
  }
  out->name = take_token(rest);
  skip_blanks(rest);
  if (out->name.len == 0 || !skip_char(rest, '=')) {
    return false;
  }
  skip_blanks(rest);
  if (skip_char(rest, '"')) {
    if (!take_quoted(&out->value, rest)) {
      return false;
    }
  } else {
    out->value = take_token(rest);
    if (out->value.len == 0) {
      return false;
    }
  }
  skip_blanks(rest);
  return rest->len == 0 || rest->bytes[0] == ',';
}

// Names of directives and of what they choose are compared without case.
static bool is_word(struct ehlo_span text, const char *word) {
  size_t i = 0;
  for (; i < text.len && word[i] != '\0'; i++) {
    uint8_t c = text.bytes[i];
    if ((c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c) != (uint8_t)word[i]) {
      return false;
    }
  }
  return i == text.len && word[i] == '\0';
}

static bool list_has(struct ehlo_span list, const char *word) {
  while (list.len > 0) {
    struct ehlo_span entry = ehlo_sasl_take(&list, ',');
    skip_blanks(&entry);
    while (entry.len > 0 && is_blank(entry.bytes[entry.len - 1])) {
      entry.len--;
    }
    if (is_word(entry, word)) {
      return true;
    }
  }
  return false;
}

struct challenge {
  struct ehlo_span realm;  // the first one
  struct ehlo_span nonce;
  struct ehlo_span qop;
  struct ehlo_span charset;
  struct ehlo_span algorithm;
};

// Keeps a value that may come once only. An empty one that is there has bytes all the same.
static bool keep_once(struct ehlo_span *out, struct ehlo_span value) {
  bool first = out->bytes == NULL;
  *out = value;
  return first;
}

static bool note_directive(struct challenge *out, const struct directive *d) {
  if (is_word(d->name, "realm")) {
    out->realm = out->realm.bytes == NULL ? d->value : out->realm;
    return true;
  }
  if (is_word(d->name, "nonce")) {
    return keep_once(&out->nonce, d->value);
  }
  if (is_word(d->name, "qop")) {
    return keep_once(&out->qop, d->value);
  }
  if (is_word(d->name, "charset")) {
    return keep_once(&out->charset, d->value) && is_word(d->value, "utf-8");
  }
  if (is_word(d->name, "algorithm")) {
    return keep_once(&out->algorithm, d->value);
  }
  return true;
}

static bool read_challenge(struct challenge *out, struct ehlo_span text) {
  struct directive d;
  bool end = false;
  memset(out, 0, sizeof(*out));
  if (text.len > CHALLENGE_MAX) {
    return false;
  }
  while (!end) {
    if (!take_directive(&d, &end, &text) || (!end && !note_directive(out, &d))) {
      return false;
    }
  }
  return out->nonce.len > 0 && is_word(out->algorithm, "md5-sess") &&
         (out->qop.bytes == NULL || list_has(out->qop, "auth"));
}

// ---- What is hashed -----------------------------------------------------------------------------

// Puts a quoted string's text, its backslashes resolved: behind each stands a character.
static struct ehlo_span put_unquoted(struct ehlo_auth *auth, struct ehlo_span text) {
  size_t start = auth->scratch_len;
  for (size_t i = 0; i < text.len; i++) {
    i += text.bytes[i] == '\\';
    ehlo_auth_put(auth, (struct ehlo_span){text.bytes + i, 1});
  }
  return (struct ehlo_span){auth->scratch + start, auth->scratch_len - start};
}

// UTF-8 of U+0080 to U+00FF is C2 or C3 and one octet.
static bool is_latin1(struct ehlo_span text) {
  for (size_t i = 0; i < text.len; i++) {
    bool pair =
        (text.bytes[i] & 0xfe) == 0xc2 && i + 1 < text.len && (text.bytes[i + 1] & 0xc0) == 0x80;
    if (text.bytes[i] >= 0x80 && !pair) {
      return false;
    }
    i += pair;
  }
  return true;
}

static bool is_ascii(struct ehlo_span text) {
  uint8_t all = 0;
  for (size_t i = 0; i < text.len; i++) {
    all |= text.bytes[i];
  }
  return all < 0x80;
}

static void put_latin1(struct ehlo_auth *auth, struct ehlo_span *text) {
  if (is_ascii(*text) || !is_latin1(*text)) {
    return;  // as it is, where it is
  }
  size_t start = auth->scratch_len;
  for (size_t i = 0; i < text->len; i++) {
    uint8_t c = text->bytes[i];
    if (c >= 0x80) {
      c = (uint8_t)(c << 6 | (text->bytes[++i] & 0x3f));
    }
    ehlo_auth_put(auth, (struct ehlo_span){&c, 1});
  }
  *text = (struct ehlo_span){auth->scratch + start, auth->scratch_len - start};
}

struct values {
  struct ehlo_span user;
  struct ehlo_span realm;
  struct ehlo_span nonce;
  struct ehlo_span cnonce;
  struct ehlo_span password;
};

// Brings what is hashed into its form, in the scratch where that is another one.
static void prepare(struct ehlo_auth *auth, struct values *v, const struct challenge *c) {
  const struct ehlo_credentials *cred = auth->credentials;
  v->user = cred->user;
  v->password = cred->password;
  v->realm = put_unquoted(auth, c->realm);
  v->nonce = put_unquoted(auth, c->nonce);
  size_t start = auth->scratch_len;
  ehlo_sasl_put_nonce(auth);
  v->cnonce = (struct ehlo_span){auth->scratch + start, auth->scratch_len - start};
  put_latin1(auth, &v->user);
  put_latin1(auth, &v->realm);
  put_latin1(auth, &v->password);
}

static bool md5_digits(struct ehlo_auth_proof *out, const struct ehlo_span *parts, size_t num) {
  uint8_t hash[EVP_MAX_MD_SIZE];
  bool done = ehlo_sasl_hash(hash, EVP_md5(), parts, num);
  ehlo_sasl_prove_hex(out, hash, done ? DIGITS / 2 : 0);
  return done;
}

// §2.1.2.1: the digits of H(A1), where A1 = H(user ":" realm ":" password) ":" nonce ":" cnonce
// [":" authzid]
static bool hash_a1(struct ehlo_auth_proof *out, const struct ehlo_auth *auth,
                    const struct values *v) {
  uint8_t secret[EVP_MAX_MD_SIZE];
  struct ehlo_span authzid = auth->credentials->authzid;
  struct ehlo_span colon = ehlo_sasl_text(":");
  struct ehlo_span names[] = {v->user, colon, v->realm, colon, v->password};
  bool done = ehlo_sasl_hash(secret, EVP_md5(), names, 5);
  struct ehlo_span a1[] = {{secret, DIGITS / 2}, colon, v->nonce, colon, v->cnonce, colon, authzid};
  done = done && md5_digits(out, a1, authzid.len > 0 ? 7 : 5);
  OPENSSL_cleanse(secret, sizeof(secret));
  return done;
}

// response-value; `verb` is "AUTHENTICATE:" for ours and ":" for the server's (§2.1.3).
static bool respond_value(struct ehlo_auth_proof *out, const struct ehlo_auth *auth,
                          const struct values *v, const struct ehlo_auth_proof *a1,
                          const char *verb) {
  struct ehlo_auth_proof a2;
  struct ehlo_span colon = ehlo_sasl_text(":");
  struct ehlo_span text[] = {ehlo_sasl_text(verb), auth->credentials->digest_uri};
  if (!md5_digits(&a2, text, 2)) {
    return false;
  }
  struct ehlo_span parts[] = {{a1->text, a1->len},
                              colon,
                              v->nonce,
                              ehlo_sasl_text(":00000001:"),
                              v->cnonce,
                              ehlo_sasl_text(":auth:"),
                              {a2.text, a2.len}};
  return md5_digits(out, parts, 7);
}

static bool prove(struct ehlo_auth *auth, const struct values *v) {
  struct ehlo_auth_proof a1;
  bool done = hash_a1(&a1, auth, v) && respond_value(&auth->ours, auth, v, &a1, "AUTHENTICATE:") &&
              respond_value(&auth->expected, auth, v, &a1, ":");
  OPENSSL_cleanse(&a1, sizeof(a1));
  return done;
}

// ---- Writing ------------------------------------------------------------------------------------

static void put_text(struct ehlo_auth *auth, const char *text) {
  ehlo_auth_put(auth, ehlo_sasl_text(text));
}

// What was quoted goes back as it came.
static void put_as_it_came(struct ehlo_auth *auth, const char *name, struct ehlo_span value) {
  put_text(auth, name);
  put_text(auth, "=\"");
  ehlo_auth_put(auth, value);
  put_text(auth, "\"");
}

// ,name="value", with backslashes before what needs them.
static void put_quoted(struct ehlo_auth *auth, const char *name, struct ehlo_span value) {
  put_text(auth, name);
  put_text(auth, "=\"");
  for (size_t i = 0; i < value.len; i++) {
    if (value.bytes[i] == '"' || value.bytes[i] == '\\') {
      put_text(auth, "\\");
    }
    ehlo_auth_put(auth, (struct ehlo_span){value.bytes + i, 1});
  }
  put_text(auth, "\"");
}

static void put_response(struct ehlo_auth *auth, const struct challenge *c,
                         const struct values *v) {
  const struct ehlo_credentials *cred = auth->credentials;
  bool utf8 = c->charset.bytes != NULL;
  put_text(auth, utf8 ? "charset=utf-8," : "");
  put_quoted(auth, "username", utf8 ? cred->user : v->user);
  if (c->realm.bytes != NULL) {
    put_as_it_came(auth, ",realm", c->realm);
  }
  put_as_it_came(auth, ",nonce", c->nonce);
  put_text(auth, ",nc=00000001");
  put_quoted(auth, ",cnonce", v->cnonce);
  put_quoted(auth, ",digest-uri", cred->digest_uri);
  put_text(auth, ",response=");
  ehlo_auth_put(auth, (struct ehlo_span){auth->ours.text, auth->ours.len});
  put_text(auth, ",qop=auth");
  if (cred->authzid.len > 0) {
    put_quoted(auth, ",authzid", cred->authzid);
  }
}

// ---- The exchange -------------------------------------------------------------------------------

static bool can_send(const struct ehlo_credentials *cred) {
  return cred->user.len > 0 && ehlo_auth_is_text(cred->user) && ehlo_auth_is_text(cred->password) &&
         ehlo_auth_is_text(cred->authzid) && ehlo_sasl_is_nonce(cred->nonce) &&
         cred->nonce.len <= EHLO_NONCE_MAX && cred->digest_uri.len > 0 &&
         ehlo_auth_is_text(cred->digest_uri);
}

// Computes both proofs and writes the response, behind what was hashed.
static bool compute_response(struct ehlo_auth *auth, struct ehlo_span *out,
                             const struct challenge *challenge) {
  struct values values;
  prepare(auth, &values, challenge);
  if (!prove(auth, &values)) {
    return false;
  }
  size_t start = auth->scratch_len;
  put_response(auth, challenge, &values);
  *out = (struct ehlo_span){auth->scratch + start, auth->scratch_len - start};
  return !auth->overflow;
}

static bool respond_first(struct ehlo_auth *auth, struct ehlo_response *out,
                          struct ehlo_span text) {
  struct challenge challenge;
  if (!read_challenge(&challenge, text)) {
    return ehlo_auth_refuse(auth, EHLO_AUTH_CHALLENGE);
  }
  if (!can_send(auth->credentials)) {
    return ehlo_auth_refuse(auth, EHLO_AUTH_CREDENTIALS);
  }
  if (auth->credentials->on_trust) {
    ehlo_sasl_prove_on_trust(&auth->ours);
    out->parts[0] = (struct ehlo_span){auth->ours.text, auth->ours.len};
  } else if (!compute_response(auth, &out->parts[0], &challenge)) {
    return ehlo_auth_refuse(auth, EHLO_AUTH_CREDENTIALS);
  }
  out->num_parts = 1;
  out->secret = true;
  return true;
}

// §2.1.3: response-auth = "rspauth" "=" response-value
static bool check_server(struct ehlo_auth *auth, struct ehlo_span text) {
  struct directive d;
  bool end;
  if (auth->credentials->on_trust && ehlo_sasl_is(text, EHLO_PROOF_ON_TRUST)) {
    auth->proved = true;
    return true;
  }
  if (!take_directive(&d, &end, &text) || end || !is_word(d.name, "rspauth")) {
    return ehlo_auth_refuse(auth, EHLO_AUTH_CHALLENGE);
  }
  auth->proved = auth->expected.len == DIGITS && d.value.len == DIGITS &&
                 CRYPTO_memcmp(d.value.bytes, auth->expected.text, DIGITS) == 0;
  if (!auth->proved) {
    return ehlo_auth_refuse(auth, EHLO_AUTH_PROOF);
  }
  return true;
}

static bool respond(struct ehlo_auth *auth, const struct ehlo_span *challenge,
                    struct ehlo_response *out) {
  memset(out, 0, sizeof(*out));
  OPENSSL_cleanse(auth->scratch, auth->scratch_len);
  auth->scratch_len = 0;
  unsigned step = auth->step++;
  if (challenge == NULL || step > 1) {
    return ehlo_auth_refuse(auth, EHLO_AUTH_CHALLENGE);
  }
  return step == 0 ? respond_first(auth, out, *challenge) : check_server(auth, *challenge);
}

const struct ehlo_mechanism ehlo_mechanism_digest_md5 = {
    .name = "DIGEST-MD5",
    .reads_challenge = true,
    .mutual = true,
    .respond = respond,
};
