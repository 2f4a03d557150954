// What is learnt from a response is found when a server says it back, and what is none is not.
#include "replay/tap/learn.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base64.h"
#include "engine/ehlo.h"

struct row {
  const char *mechanism;
  unsigned step;
  const char *response;  // before base64
  size_t len;
  const char *secret;  // NULL: there is none in it
  const char *open;    // what is none, or NULL
};

#define ROW(mechanism, step, response, secret, open) \
  { mechanism, step, response, sizeof(response) - 1, secret, open }

static struct ehlo_redactor redactor;

static bool hits(const char *text) {
  return ehlo_redactor_hits(&redactor, (const uint8_t *)text, strlen(text));
}

static void learn(const char *mechanism, unsigned step, const void *text, size_t len) {
  uint8_t *copy = malloc(len > 0 ? len : 1);
  memcpy(copy, text, len);
  ehlo_redactor_init(&redactor);
  ehlo_learn_response(&redactor, ehlo_str(mechanism), step, (struct ehlo_span){copy, len});
  free(copy);
}

Test(learn, responses) {
  static const struct row rows[] = {
      ROW("PLAIN", 0, "\0somebody\0tim-secret", "tim-secret", "somebody"),
      ROW("plain", 0, "admin-one\0somebody\0tim-secret", "tim-secret", "somebody"),
      ROW("PLAIN", 0, "tim-secret", "tim-secret", NULL),
      ROW("LOGIN", 0, "somebody-else", NULL, "somebody-else"),
      ROW("LOGIN", 1, "tim-secret", "tim-secret", NULL),
      ROW("LOGIN", 2, "tim-secret", "tim-secret", NULL),
      ROW("CRAM-MD5", 0, "some body 0123456789abcdef", "0123456789abcdef", "some body"),
      ROW("DIGEST-MD5", 0, "username=\"somebody\",response=0123456789abcdef,qop=auth",
          "0123456789abcdef", "username=\"somebody\""),
      ROW("DIGEST-MD5", 0, "nothing-of-it", "nothing-of-it", NULL),
      ROW("SCRAM-SHA-1", 0, "n,,n=somebody,r=fyko+d2lbbFgONRv9qkxdawL", NULL,
          "fyko+d2lbbFgONRv9qkxdawL"),
      ROW("SCRAM-SHA-256-PLUS", 1, "c=biws,r=fyko+d2lb,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
          "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", "c=biws,r=fyko+d2lb"),
      ROW("XOAUTH2", 0, "user=somebody\1auth=Bearer ya29.token-of-it\1\1", "ya29.token-of-it",
          "user=somebody"),
      ROW("OAUTHBEARER", 0, "n,a=somebody,\1host=x\1auth=Bearer ya29.token-of-it\1\1",
          "ya29.token-of-it", "n,a=somebody"),
      ROW("XOAUTH2", 1, "\1", NULL, "anything"),
      ROW("", 0, "somebody\0tim-secret", "tim-secret", NULL),
      ROW("X-UNKNOWN", 0, "somebody/tim-secret", "somebody/tim-secret", NULL),
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    uint8_t text[300];
    struct ehlo_span part = {(const uint8_t *)rows[i].response, rows[i].len};
    size_t len = ehlo_base64_encode(text, &part, 1);
    for (int padded = 1; padded >= 0; padded--) {
      learn(rows[i].mechanism, rows[i].step, text, len);
      cr_expect_eq(rows[i].secret != NULL && hits(rows[i].secret), rows[i].secret != NULL,
                   "%s: the secret of %zu", rows[i].mechanism, i);
      cr_expect_not(rows[i].open != NULL && hits(rows[i].open), "%s: what is none of %zu",
                    rows[i].mechanism, i);
      while (len > 0 && text[len - 1] == '=') {
        len--;  // and once more as clients send it that leave the padding out
      }
    }
  }
}

Test(learn, no_base64) {
  learn("LOGIN", 0, "what is this?", 13);
  cr_expect(hits("501 what is this? no"));
  learn("PLAIN", 0, "====", 4);
  cr_expect(hits("501 ===="));
  learn("PLAIN", 0, "", 0);
  cr_expect(ehlo_redactor_is_empty(&redactor));
}

Test(learn, too_long) {
  static uint8_t text[20000];
  memset(text, 'A', sizeof(text));
  learn("GSSAPI", 0, text, sizeof(text));
  cr_expect(hits("535 AAAAAAAAAAAA"));
}

static bool is_proof(const char *line) {
  size_t len = strlen(line);
  uint8_t *copy = malloc(len > 0 ? len : 1);
  memcpy(copy, line, len);
  bool found = ehlo_learn_is_proof(copy, len);
  free(copy);
  return found;
}

Test(learn, proofs) {
  cr_expect(is_proof("334 dj02cnJpVFJCaTIzV3BSTU0=\r\n"));
  cr_expect(is_proof("334 dj02cnJpVFJCaTIzV3BSTU0"));
  cr_expect(is_proof("235 2.7.0 dj02cnJpVFJCaTIzV3BSTU0=\r\n"));
  cr_expect(is_proof("235-dj02cnJpVFJCaTIzV3BSTU0=\r\n"));
  cr_expect(is_proof("334 cnNwYXV0aD1lYTQwZjYwMw==\r\n"));
  cr_expect(is_proof("334 rspauth=ea40f603\r\n"));
  cr_expect_not(is_proof("334 cj1mb28scz1iYXIsaT0x\r\n"));  // r=foo,s=bar,i=1
  cr_expect_not(is_proof("334 VXNlcm5hbWU6\r\n"));
  cr_expect_not(is_proof("250 dj02cnJpVFJCaTIzV3BSTU0=\r\n"));
  cr_expect_not(is_proof("334 \r\n"));
  cr_expect_not(is_proof("334"));
  cr_expect_not(is_proof(""));
}
