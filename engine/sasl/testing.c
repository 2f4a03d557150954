// See testing.h.
#include "engine/sasl/testing.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static void set_default(struct ehlo_span *out, const char *text) {
  if (out->bytes == NULL) {
    *out = (struct ehlo_span){(const uint8_t *)text, strlen(text)};
  }
}

// Asks for a response in a place of its own, which `auth` then is.
static bool respond(struct ehlo_auth **auth, const struct ehlo_sasl_case *c, const char *text,
                    struct ehlo_response *out) {
  struct ehlo_auth *moved = malloc(sizeof(*moved));
  memcpy(moved, *auth, sizeof(*moved));
  memset(*auth, 0xee, sizeof(**auth));
  free(*auth);
  *auth = moved;
  if (text == NULL) {
    return c->mechanism->respond(moved, NULL, out);
  }
  size_t len = strlen(text);
  uint8_t *bytes = malloc(len);
  memcpy(bytes, text, len);
  struct ehlo_span challenge = {bytes, len};
  bool has = c->mechanism->respond(moved, &challenge, out);
  memset(bytes, 0xee, len);
  free(bytes);
  return has;
}

static void expect_response(const struct ehlo_sasl_case *c, size_t turn,
                            const struct ehlo_auth *auth, const struct ehlo_response *response) {
  const char *want = c->turns[turn].response;
  char joined[4096];
  size_t len = 0;
  cr_assert(response->num_parts <= EHLO_RESPONSE_PARTS);
  for (size_t i = 0; i < response->num_parts; i++) {
    memcpy(joined + len, response->parts[i].bytes, response->parts[i].len);
    len += response->parts[i].len;
  }
  joined[len] = '\0';
  cr_assert_str_eq(joined, want, "%s, turn %zu: [%s]\ninstead of [%s]", c->name, turn, joined,
                   want);
  char proof[EHLO_AUTH_PROOF_MAX + 1];
  memcpy(proof, auth->ours.text, auth->ours.len);
  proof[auth->ours.len] = '\0';
  bool has_proof = auth->ours.len > 0 && strstr(joined, proof) != NULL;
  cr_assert_eq(response->secret, has_proof, "%s, turn %zu", c->name, turn);
}

static void run(const struct ehlo_sasl_case *c) {
  struct ehlo_credentials cred = c->cred;
  struct ehlo_auth *auth = calloc(1, sizeof(*auth));
  struct ehlo_response response;
  set_default(&cred.user, "user");
  set_default(&cred.password, "pencil");
  set_default(&cred.nonce, "0123456789abcdef");
  set_default(&cred.digest_uri, "smtp/mail.example");
  auth->credentials = &cred;
  auth->attempt = c->attempt;
  auth->server_binds = c->server_binds;
  for (size_t i = 0; i < EHLO_SASL_TURNS_MAX; i++) {
    const struct ehlo_sasl_turn *turn = &c->turns[i];
    if (i > 0 && turn->challenge == NULL && turn->response == NULL) {
      break;
    }
    memset(&response, 0xee, sizeof(response));
    bool has = respond(&auth, c, turn->challenge, &response);
    cr_assert_eq(has, turn->response != NULL, "%s, turn %zu: problem %d", c->name, i,
                 (int)auth->problem);
    if (has) {
      expect_response(c, i, auth, &response);
    } else {
      cr_assert_eq(auth->problem, turn->problem, "%s, turn %zu: problem %d", c->name, i,
                   (int)auth->problem);
    }
  }
  cr_assert_eq(auth->proved, c->proved, "%s", c->name);
  free(auth);
}

void ehlo_sasl_cases_run(const struct ehlo_sasl_case *cases, size_t num_cases) {
  for (size_t i = 0; i < num_cases; i++) {
    run(&cases[i]);
  }
}
