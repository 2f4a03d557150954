// Which part of a response is the secret, for each mechanism. It decides nothing about what is
// shown: the client's side of an exchange is hidden whole, whatever is found here.
#include "replay/tap/learn.h"

#include <string.h>

#include "engine/base64.h"
#include "engine/ehlo.h"
#include "replay/tap/hide.h"

static struct ehlo_span after(struct ehlo_span s, size_t n) {
  return (struct ehlo_span){s.bytes + n, s.len - n};
}

// The place behind the last `needle`, SIZE_MAX where there is none.
static size_t find_last(struct ehlo_span s, const char *needle) {
  size_t len = strlen(needle);
  for (size_t at = s.len; at >= len; at--) {
    if (memcmp(s.bytes + at - len, needle, len) == 0) {
      return at;
    }
  }
  return SIZE_MAX;
}

static struct ehlo_span until(struct ehlo_span s, uint8_t end) {
  const uint8_t *p = s.len > 0 ? memchr(s.bytes, end, s.len) : NULL;
  return p == NULL ? s : (struct ehlo_span){s.bytes, (size_t)(p - s.bytes)};
}

// ---- The secret of a response -------------------------------------------------------------------

static struct ehlo_span all(struct ehlo_span response, unsigned step) {
  (void)step;
  return response;
}

// RFC 4616: [authzid] NUL authcid NUL passwd
static struct ehlo_span of_plain(struct ehlo_span response, unsigned step) {
  struct ehlo_span rest = response;
  (void)step;
  for (int i = 0; i < 2; i++) {
    struct ehlo_span name = until(rest, '\0');
    if (name.len == rest.len) {
      return response;
    }
    rest = after(rest, name.len + 1);
  }
  return rest;
}

static struct ehlo_span of_login(struct ehlo_span response, unsigned step) {
  return step == 0 ? (struct ehlo_span){response.bytes, 0} : response;
}

// RFC 2195: user SP digest
static struct ehlo_span of_cram(struct ehlo_span response, unsigned step) {
  size_t at = find_last(response, " ");
  (void)step;
  return at == SIZE_MAX ? response : after(response, at);
}

// RFC 5802: the client's proof; its first message holds none.
static struct ehlo_span of_scram(struct ehlo_span response, unsigned step) {
  size_t at = find_last(response, ",p=");
  (void)step;
  return at == SIZE_MAX ? (struct ehlo_span){response.bytes, 0} : after(response, at);
}

// RFC 2831: …,response=32HEX,…
static struct ehlo_span of_digest(struct ehlo_span response, unsigned step) {
  size_t at = find_last(response, "response=");
  (void)step;
  return at == SIZE_MAX ? response : until(after(response, at), ',');
}

// RFC 7628, and Google's: …auth=Bearer SP token %x01…
static struct ehlo_span of_token(struct ehlo_span response, unsigned step) {
  size_t at = find_last(response, "auth=");
  (void)step;
  if (at == SIZE_MAX) {
    return response;
  }
  struct ehlo_span value = until(after(response, at), 1);
  struct ehlo_span type = until(value, ' ');
  return type.len == value.len ? value : after(value, type.len + 1);
}

static const struct {
  const char *name;
  bool is_family;  // any name that begins so
  struct ehlo_span (*secret)(struct ehlo_span response, unsigned step);
} mechanisms[] = {
    {"PLAIN", false, of_plain},       {"LOGIN", false, of_login},
    {"CRAM-", true, of_cram},         {"SCRAM-", true, of_scram},
    {"DIGEST-MD5", false, of_digest}, {"XOAUTH2", false, of_token},
    {"OAUTHBEARER", false, of_token},
};

static struct ehlo_span secret_of(struct ehlo_span mechanism, struct ehlo_span response,
                                  unsigned step) {
  for (size_t i = 0; i < sizeof(mechanisms) / sizeof(mechanisms[0]); i++) {
    size_t len = strlen(mechanisms[i].name);
    struct ehlo_span name = mechanism;
    if (mechanisms[i].is_family && name.len > len) {
      name.len = len;
    }
    if (ehlo_hide_same(name, mechanisms[i].name)) {
      return mechanisms[i].secret(response, step);
    }
  }
  return all(response, step);
}

// ---- Base64 as people send it -------------------------------------------------------------------

// Decodes with or without the padding; `out` has room for as many octets as `text`. False: it is no
// base64, or is longer than any response.
static bool decode(uint8_t *out, size_t *out_len, struct ehlo_span text) {
  uint8_t padded[EHLO_TOKEN_MAX + 4];
  size_t len = text.len;
  while (len > 0 && text.bytes[len - 1] == '=') {
    len--;
  }
  if (len == 0 || len > EHLO_TOKEN_MAX || text.len - len > 2) {
    return false;
  }
  memcpy(padded, text.bytes, len);
  while (len % 4 != 0) {
    padded[len++] = '=';
  }
  bool valid = ehlo_base64_decode(out, out_len, (struct ehlo_span){padded, len});
  memset(padded, 0, sizeof(padded));
  return valid;
}

void ehlo_learn_response(struct ehlo_redactor *r, struct ehlo_span mechanism, unsigned step,
                         struct ehlo_span text) {
  uint8_t raw[EHLO_TOKEN_MAX];
  size_t len;
  if (decode(raw, &len, text)) {
    struct ehlo_span secret = secret_of(mechanism, (struct ehlo_span){raw, len}, step);
    ehlo_redactor_add(r, secret.bytes, secret.len);
    memset(raw, 0, sizeof(raw));
  } else {
    ehlo_redactor_add(r, text.bytes, text.len);
  }
}

// ---- The server's proof -------------------------------------------------------------------------

static bool is_proof(struct ehlo_span word) {
  uint8_t raw[EHLO_TOKEN_MAX];
  size_t len;
  if (find_last(word, "rspauth=") != SIZE_MAX) {
    return true;
  }
  if (!decode(raw, &len, word)) {
    return false;
  }
  struct ehlo_span message = {raw, len};
  return (len >= 2 && memcmp(raw, "v=", 2) == 0) || find_last(message, "rspauth=") != SIZE_MAX;
}

bool ehlo_learn_is_proof(const uint8_t *line, size_t len) {
  static const char challenge[] = "334";
  static const char success[] = "235";
  size_t at = sizeof(challenge);
  if (len <= at || (memcmp(line, challenge, 3) != 0 && memcmp(line, success, 3) != 0)) {
    return false;
  }
  while (at < len) {
    size_t end = at;
    while (end < len && line[end] > ' ') {
      end++;
    }
    if (end > at && is_proof((struct ehlo_span){line + at, end - at})) {
      return true;
    }
    at = end + 1;
  }
  return false;
}
