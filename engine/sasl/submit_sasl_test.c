// The submission policy with mechanisms that prove something: when success counts, what ends an
// exchange, which mechanism is chosen, and when another one follows.
//
// The scripts are laid out by hand; tokens were computed apart with Python's hashlib.
// clang-format off
#include <criterion/criterion.h>
#include <string.h>

#include "engine/sasl/sasl.h"
#include "engine/submit_testing.h"

#define BEGIN "S: 220 mail.example ESMTP\nC: EHLO client.example\n"
#define UNDER_TLS "! tls\n" BEGIN
#define OFFER(mechanisms) UNDER_TLS "S: 250-mail.example\nS: 250 AUTH " mechanisms "\n"
#define ENVELOPE \
  "C: MAIL FROM:<a@client.example>\nS: 250 ok\nC: RCPT TO:<b@mail.example>\n" \
  "S: 250 ok\nC: DATA\nS: 354 go\nC: hi\nC: .\nS: 250 queued\n"
#define QUIT "C: QUIT\nS: 221 bye\n"
#define ACCEPTED ENVELOPE QUIT "= accepted quit 0\n"

// SCRAM-SHA-256 for "user" and "pass", with the flags n and y and bound to eight octets.
#define FIRST "biwsbj11c2VyLHI9MDEyMzQ1Njc4OWFiY2RlZg=="
#define SERVER_FIRST "cj0wMTIzNDU2Nzg5YWJjZGVmU0VSVkVSLHM9TURFeU16UTFOamM0T1dGaVkyUmxaZz09LGk9NDA5Ng=="
#define FINAL \
  "Yz1iaXdzLHI9MDEyMzQ1Njc4OWFiY2RlZlNFUlZFUixwPTFMaVpBaTN0clBab0V2WGk0WVJlUFNNWVgvZSthNzBmVXJvams3TzBRcVE9"
#define PROOF "dj1sZW5oMDlZMC80aGxIQTBidy81SS9tVWhCOTNGUlNQaVJqMUFjTW9xV2xzPQ=="
#define FIRST_Y "eSwsbj11c2VyLHI9MDEyMzQ1Njc4OWFiY2RlZg=="
#define FIRST_PLUS "cD10bHMtZXhwb3J0ZXIsLG49dXNlcixyPTAxMjM0NTY3ODlhYmNkZWY="
#define FINAL_PLUS \
  "Yz1jRDEwYkhNdFpYaHdiM0owWlhJc0xBQUJBZ01FQlFZSCxyPTAxMjM0NTY3ODlhYmNkZWZTRVJWRVIscD1tT2o4OGZsMHk2VWFZSUwrMTI4YmFDS21CamdNWHhlTWUwVUdVY2VBNmRzPQ=="
#define PROOF_PLUS "dj1ZeWVsQVp5TnpPSGtaOU1qVXRFMlo0QWoyam5jeGRaTGgyWWhoVnJqOExjPQ=="
// SCRAM-SHA-1 as a second attempt.
#define SECOND "biwsbj11c2VyLHI9MDEyMzQ1Njc4OWFiY2RlZjE="
#define PLAIN_TOKEN "AHVzZXIAcGFzcw=="
#define CRAM_CHALLENGE "PDFAbWFpbC5leGFtcGxlPg=="
#define CRAM_TOKEN "dXNlciAxYmI2OWQ0MmY2YzQ4OGVlNGZhYWYxNTVkZGE4ZDU0Yg=="
#define NOT_OUR_NONCE "cj1hYmMscz1NREV5LGk9NDA5Ng=="
#define ENDLESS "cj0wMTIzNDU2Nzg5YWJjZGVmU0VSVkVSLHM9TURFeSxpPTk5OTk5OTk5OTk5OQ=="
#define MANDATORY "bT14LHI9MDEyMzQ1Njc4OWFiY2RlZlNFUlZFUixzPU1ERXksaT00MDk2"
#define WRONG_PROOF "dj1BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBPQ=="
#define INNER_ERROR "ZT1vdGhlci1lcnJvcg=="

#define BASIC .user = SPAN("user"), .password = SPAN("pass"), .nonce = SPAN("0123456789abcdef")
static const uint8_t binding[] = {0, 1, 2, 3, 4, 5, 6, 7};
static const struct ehlo_credentials basic = {BASIC};
static const struct ehlo_credentials with_blank = {.user = SPAN("a b"), .password = SPAN("pass")};
static const struct ehlo_credentials bound = {BASIC, .tls_exporter = {binding, 8}};
static const struct ehlo_credentials odd = {
    .user = SPAN("us\001er"), .password = SPAN("pass"), .nonce = SPAN("0123456789abcdef")};

static const struct ehlo_mechanism *const all[] = {
    &ehlo_mechanism_scram_sha_256_plus, &ehlo_mechanism_scram_sha_256,
    &ehlo_mechanism_scram_sha_1,        &ehlo_mechanism_cram_md5,
    &ehlo_mechanism_plain,
};
#define WITH(cred) .tls = EHLO_TLS_IMPLICIT, .credentials = &(cred), .mechanisms = all, .num_mechanisms = 5
#define ONCE WITH(basic)
#define TWICE WITH(basic), .auth_attempts = 2

static const struct ehlo_submit_case proofs[] = {
    {"SCRAM", {ONCE}, .text = OFFER("SCRAM-SHA-256") "C: AUTH SCRAM-SHA-256 " FIRST "\nS: 334 " SERVER_FIRST
     "\nC: {" FINAL "}\nS: 334 " PROOF "\nC: \nS: 235 in\n" ACCEPTED},
    {"without an initial response", {ONCE, .initial_response = EHLO_INITIAL_NEVER},
     .text = OFFER("SCRAM-SHA-256") "C: AUTH SCRAM-SHA-256\nS: 334 \nC: " FIRST "\nS: 334 " SERVER_FIRST
     "\nC: {" FINAL "}\nS: 334 " PROOF "\nC: \nS: 235 in\n" ACCEPTED},
    {"refused", {ONCE}, .text = OFFER("SCRAM-SHA-256 PLAIN") "C: AUTH SCRAM-SHA-256 " FIRST "\nS: 334 "
     SERVER_FIRST "\nC: {" FINAL "}\nS: 535 no\n" QUIT "= auth-refused auth 77\n"},
    {"success before anything was proved", {ONCE}, .text = OFFER("SCRAM-SHA-256") "C: AUTH SCRAM-SHA-256 " FIRST
     "\nS: 235 in\n" QUIT "= auth-refused auth 77 problem=proof\n"},
    {"success before the server's proof", {ONCE}, .text = OFFER("SCRAM-SHA-256") "C: AUTH SCRAM-SHA-256 " FIRST
     "\nS: 334 " SERVER_FIRST "\nC: {" FINAL "}\nS: 235 in\n" QUIT "= auth-refused auth 77 problem=proof\n"},
    {"a wrong proof", {ONCE}, .text = OFFER("SCRAM-SHA-256") "C: AUTH SCRAM-SHA-256 " FIRST "\nS: 334 "
     SERVER_FIRST "\nC: {" FINAL "}\nS: 334 " WRONG_PROOF "\nC: *\nS: 501 ok\n" QUIT
     "= auth-refused auth 77 problem=proof\n"},
    {"a wrong proof, and in all the same", {ONCE}, .text = OFFER("SCRAM-SHA-256") "C: AUTH SCRAM-SHA-256 " FIRST
     "\nS: 334 " SERVER_FIRST "\nC: {" FINAL "}\nS: 334 " WRONG_PROOF "\nC: *\nS: 235 in\n" QUIT
     "= auth-refused auth 77 problem=proof\n"},
    {"a challenge behind the proof", {ONCE}, .text = OFFER("SCRAM-SHA-256") "C: AUTH SCRAM-SHA-256 " FIRST
     "\nS: 334 " SERVER_FIRST "\nC: {" FINAL "}\nS: 334 " PROOF "\nC: \nS: 334 " PROOF "\nC: *\nS: 501 ok\n"
     QUIT "= auth-refused auth 77 problem=challenge\n"},
    {"a challenge that is not base64", {ONCE}, .text = OFFER("SCRAM-SHA-256") "C: AUTH SCRAM-SHA-256 " FIRST
     "\nS: 334 r=abc\nC: *\nS: 501 ok\n" QUIT "= auth-refused auth 77 problem=challenge\n"},
    {"a nonce that is not ours", {TWICE}, .text = OFFER("SCRAM-SHA-256 PLAIN") "C: AUTH SCRAM-SHA-256 " FIRST
     "\nS: 334 " NOT_OUR_NONCE "\nC: *\nS: 501 ok\n" QUIT "= auth-refused auth 77 problem=nonce\n"},
    {"too many iterations", {TWICE}, .text = OFFER("SCRAM-SHA-256 PLAIN") "C: AUTH SCRAM-SHA-256 " FIRST
     "\nS: 334 " ENDLESS "\nC: *\nS: 501 ok\n" QUIT "= auth-refused auth 77 problem=iterations\n"},
    {"a mandatory extension", {TWICE}, .text = OFFER("SCRAM-SHA-256 PLAIN") "C: AUTH SCRAM-SHA-256 " FIRST
     "\nS: 334 " MANDATORY "\nC: *\nS: 501 ok\n" QUIT "= auth-refused auth 77 problem=extension\n"},
    {"an error inside", {TWICE}, .text = OFFER("SCRAM-SHA-256 PLAIN") "C: AUTH SCRAM-SHA-256 " FIRST
     "\nS: 334 " INNER_ERROR "\nC: *\nS: 501 ok\n" QUIT "= auth-refused auth 77 problem=server-error\n"},
    {"cut off before the proof", {ONCE}, .text = OFFER("SCRAM-SHA-256") "C: AUTH SCRAM-SHA-256 " FIRST
     "\nS: 334 " SERVER_FIRST "\nC: {" FINAL "}\n! end closed\n= lost auth 74 status=closed\n"},
};

Test(submit_sasl, proofs) {
  RUN_CASES(proofs);
}

static const struct ehlo_submit_case choices[] = {
    {"bound", {WITH(bound)}, .text = OFFER("PLAIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS")
     "C: AUTH SCRAM-SHA-256-PLUS " FIRST_PLUS "\nS: 334 " SERVER_FIRST "\nC: {" FINAL_PLUS "}\nS: 334 "
     PROOF_PLUS "\nC: \nS: 235 in\n" ACCEPTED},
    {"nothing to bind", {ONCE}, .text = OFFER("PLAIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS")
     "C: AUTH SCRAM-SHA-256 " FIRST "\nS: 535 no\n" QUIT "= auth-refused auth 77\n"},
    {"nothing to bind, and nothing else", {ONCE}, .text = OFFER("SCRAM-SHA-256-PLUS") QUIT
     "= auth-refused auth 77 problem=no-mechanism\n"},
    {"the server could not bind, we could", {WITH(bound)}, .text = OFFER("SCRAM-SHA-256")
     "C: AUTH SCRAM-SHA-256 " FIRST_Y "\nS: 535 no\n" QUIT "= auth-refused auth 77\n"},
    {"the server binds with another hash", {WITH(bound)}, .text = OFFER("SCRAM-SHA-256 SCRAM-SHA-9-PLUS")
     "C: AUTH SCRAM-SHA-256 " FIRST "\nS: 535 no\n" QUIT "= auth-refused auth 77\n"},
    {"no TLS, nothing to bind", {.tls = EHLO_TLS_NONE, .credentials = &bound, .mechanisms = all,
     .num_mechanisms = 5}, .allow_cleartext_auth = true,
     .text = BEGIN "S: 250-mail.example\nS: 250 AUTH SCRAM-SHA-256-PLUS CRAM-MD5\nC: AUTH CRAM-MD5\nS: 334 "
     CRAM_CHALLENGE "\nC: {" CRAM_TOKEN "}\nS: 235 in\n" ACCEPTED},
    {"a proof is a credential too", {.tls = EHLO_TLS_NONE, .credentials = &basic, .mechanisms = all,
     .num_mechanisms = 5},
     .text = BEGIN "S: 250-mail.example\nS: 250 AUTH SCRAM-SHA-256\n" QUIT
     "= tls-failed auth 78 problem=cleartext\n"},
    {"CRAM before PLAIN", {ONCE}, .text = OFFER("PLAIN CRAM-MD5") "C: AUTH CRAM-MD5\nS: 334 " CRAM_CHALLENGE
     "\nC: {" CRAM_TOKEN "}\nS: 235 in\n" ACCEPTED},
    {"a name with a blank: not by CRAM", {WITH(with_blank)}, .text = OFFER("PLAIN CRAM-MD5")
     "C: AUTH PLAIN {AGEgYgBwYXNz}\nS: 235 in\n" ACCEPTED},
    {"a name with a blank, CRAM alone", {WITH(with_blank)}, .text = OFFER("CRAM-MD5")
     "C: AUTH CRAM-MD5\nS: 535 no\n" QUIT "= auth-refused auth 77\n"},
    {"a name with a blank, without TLS", {.tls = EHLO_TLS_NONE, .credentials = &with_blank,
     .mechanisms = all, .num_mechanisms = 5}, .allow_cleartext_auth = true,
     .text = BEGIN "S: 250-mail.example\nS: 250 AUTH CRAM-MD5 PLAIN\nC: AUTH CRAM-MD5\nS: 535 no\n" QUIT
     "= auth-refused auth 77\n"},
    {"CRAM does not go first", {ONCE, .initial_response = EHLO_INITIAL_ALWAYS}, .text = OFFER("PLAIN CRAM-MD5")
     "C: AUTH CRAM-MD5\nS: 535 no\n" QUIT "= auth-refused auth 77\n"},
};

Test(submit_sasl, choices) {
  RUN_CASES(choices);
}

static const struct ehlo_submit_case attempts[] = {
    {"one by itself", {ONCE}, .text = OFFER("SCRAM-SHA-256 SCRAM-SHA-1 PLAIN")
     "C: AUTH SCRAM-SHA-256 " FIRST "\nS: 535 no\n" QUIT "= auth-refused auth 77\n"},
    {"two where they are asked for, with another nonce", {TWICE}, .text = OFFER("SCRAM-SHA-256 SCRAM-SHA-1 PLAIN")
     "C: AUTH SCRAM-SHA-256 " FIRST "\nS: 535 no\nC: AUTH SCRAM-SHA-1 " SECOND "\nS: 504 no\n" QUIT
     "= auth-refused auth 77\n"},
    {"the second succeeds", {TWICE}, .text = OFFER("SCRAM-SHA-256 PLAIN") "C: AUTH SCRAM-SHA-256 " FIRST
     "\nS: 504 no\nC: AUTH PLAIN {" PLAIN_TOKEN "}\nS: 235 in\n" ACCEPTED},
    {"more than there are", {WITH(basic), .auth_attempts = 9}, .text = OFFER("SCRAM-SHA-256 PLAIN")
     "C: AUTH SCRAM-SHA-256 " FIRST "\nS: 535 no\nC: AUTH PLAIN {" PLAIN_TOKEN "}\nS: 535 no\n" QUIT
     "= auth-refused auth 77\n"},
    {"refused for now is no refusal", {TWICE}, .text = OFFER("SCRAM-SHA-256 PLAIN") "C: AUTH SCRAM-SHA-256 "
     FIRST "\nS: 454 later\n" QUIT "= deferred auth 75\n"},
    {"421 ends it", {TWICE}, .text = OFFER("SCRAM-SHA-256 PLAIN") "C: AUTH SCRAM-SHA-256 " FIRST
     "\nS: 421 bye\n= deferred auth 75\n"},
    {"success without a proof ends it", {TWICE}, .text = OFFER("SCRAM-SHA-256 PLAIN") "C: AUTH SCRAM-SHA-256 "
     FIRST "\nS: 235 in\n" QUIT "= auth-refused auth 77 problem=proof\n"},
    {"a name that SCRAM cannot carry", {WITH(odd)}, .text = OFFER("SCRAM-SHA-256 PLAIN") QUIT
     "= usage auth 64 problem=credentials\n"},
    {"a name that only PLAIN can carry", {WITH(odd), .auth_attempts = 3},
     .text = OFFER("SCRAM-SHA-256 SCRAM-SHA-1 PLAIN")
     "C: AUTH PLAIN {AHVzAWVyAHBhc3M=}\nS: 235 in\n" ACCEPTED},
    {"too few attempts for it", {WITH(odd), .auth_attempts = 2}, .text = OFFER("SCRAM-SHA-256 SCRAM-SHA-1 PLAIN")
     QUIT "= usage auth 64 problem=credentials\n"},
    {"a name that CRAM cannot carry", {WITH(odd)}, .text = OFFER("CRAM-MD5 PLAIN") "C: AUTH CRAM-MD5\nS: 334 "
     CRAM_CHALLENGE "\nC: *\nS: 501 ok\n" QUIT "= usage auth 64 problem=credentials\n"},
    {"and another that can", {WITH(odd), .auth_attempts = 2}, .text = OFFER("CRAM-MD5 PLAIN")
     "C: AUTH CRAM-MD5\nS: 334 " CRAM_CHALLENGE
     "\nC: *\nS: 501 ok\nC: AUTH PLAIN {AHVzAWVyAHBhc3M=}\nS: 235 in\n" ACCEPTED},
    {"success for what was taken back", {WITH(odd), .auth_attempts = 2}, .text = OFFER("CRAM-MD5 PLAIN")
     "C: AUTH CRAM-MD5\nS: 334 " CRAM_CHALLENGE "\nC: *\nS: 235 in\n" QUIT
     "= auth-refused auth 77 problem=challenge\n"},
};

Test(submit_sasl, attempts) {
  RUN_CASES(attempts);
}

// The older binding serves where the newer one is not to be had, and under TLS alone.
static const struct ehlo_credentials bound_unique = {BASIC, .tls_unique = {binding, 8}};
static const struct ehlo_submit_case older_bindings[] = {
    {"tls-unique", {WITH(bound_unique)}, .text = OFFER("PLAIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS")
     "C: AUTH SCRAM-SHA-256-PLUS cD10bHMtdW5pcXVlLCxuPXVzZXIscj0wMTIzNDU2Nzg5YWJjZGVm\n"
     "S: 535 no\n" QUIT "= auth-refused auth 77\n"},
};

Test(submit_sasl, older_bindings) {
  RUN_CASES(older_bindings);
}

// ---- What stays in memory -----------------------------------------------------------------------

static bool is_clean(const struct ehlo_auth *auth) {
  static const uint8_t zero[EHLO_AUTH_SCRATCH_MAX];
  return memcmp(auth->scratch, zero, sizeof(auth->scratch)) == 0 && auth->ours.len == 0 &&
         auth->expected.len == 0 && memcmp(auth->ours.text, zero, EHLO_AUTH_PROOF_MAX) == 0 &&
         memcmp(auth->expected.text, zero, EHLO_AUTH_PROOF_MAX) == 0;
}

static void feed(struct ehlo_submit *s, struct ehlo_client *c, const char *text) {
  struct ehlo_event event;
  struct ehlo_output out;
  for (size_t len = strlen(text), used = 0; len > 0; text += used, len -= used) {
    ehlo_input(c, &used, (const uint8_t *)text, len, 0);
    while (ehlo_submit_next(s, c, &event) != EHLO_EVENT_NONE) {
      bool last = event.type == EHLO_EVENT_REPLY && event.verb == EHLO_VERB_AUTH;
      cr_expect(!last || is_clean(&s->auth), "%s", text);
    }
    while (ehlo_output_peek(c, &out)) {
      ehlo_output_ack(c, out.span.len, 0);
    }
  }
}

// However an exchange ends, nothing of it is left.
Test(submit_sasl, leaves_nothing_behind) {
  static const char *const ends[] = {
      "334 " PROOF "\r\n235 in\r\n", "235 in\r\n", "535 no\r\n", "454 no\r\n", "421 no\r\n", "250\r\n999 x\r\n",
      "334 " WRONG_PROOF "\r\n", "334 x\r\n", NULL};
  static const struct ehlo_config config = {.timeouts = {0}};
  static uint8_t buf[EHLO_BUFFER_DEFAULT];
  struct ehlo_submit_config cfg = {ONCE, .helo_name = SPAN("client.example")};
  for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
    struct ehlo_client c;
    struct ehlo_submit s;
    struct ehlo_event event;
    ehlo_client_init(&c, &config, buf, sizeof(buf), 0);
    ehlo_submit_init(&s, &cfg);
    ehlo_tls_done(&c, 0);
    feed(&s, &c, "220 hi\r\n250-mail.example\r\n250 AUTH SCRAM-SHA-256\r\n334 " SERVER_FIRST "\r\n");
    cr_assert(!is_clean(&s.auth));
    if (ends[i] != NULL) {
      feed(&s, &c, ends[i]);
    } else {
      ehlo_input_end(&c, EHLO_E_RESET);
      while (ehlo_submit_next(&s, &c, &event) != EHLO_EVENT_NONE) {
      }
    }
    cr_expect(is_clean(&s.auth), "%zu", i);
  }
}
