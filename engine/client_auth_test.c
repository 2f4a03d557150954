// Tests of what protects a credential: STARTTLS and what may stand behind it, AUTH and its limits,
// secret spans and their end.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "engine/testing.h"

static const struct ehlo_config defaults;
static const struct ehlo_config cleartext = {.allow_cleartext_auth = true};

#define RUN_ALL(scripts, config) \
  ehlo_script_run_table(scripts, sizeof(scripts) / sizeof((scripts)[0]), config)

// Up to the 220 of STARTTLS, 48 octets; then under TLS with AUTH; then in cleartext with AUTH.
#define OFFERED                                                                          \
  "S: 220 x\n= reply greeting 220\n> ehlo c\nC: EHLO c\nS: 250-mx.ex\nS: 250-STARTTLS\n" \
  "S: 250 AUTH PLAIN\n= reply EHLO 250\n> starttls\nC: STARTTLS\n"
#define SECURE                                                                  \
  OFFERED                                                                       \
  "S: 220 go\n= reply STARTTLS 220\n= tls-wanted\n! tls\n> ehlo c\nC: EHLO c\n" \
  "S: 250-mx.ex\nS: 250 AUTH PLAIN LOGIN XOAUTH2\n= reply EHLO 250\n"
#define CLEAR                                                                              \
  "S: 220 x\n= reply greeting 220\n> ehlo c\nC: EHLO c\nS: 250-mx.ex\nS: 250-PIPELINING\n" \
  "S: 250 AUTH PLAIN LOGIN\n= reply EHLO 250\n"

static const char *const starttls[][2] = {
    {"in order", SECURE "? secure tls\n? state ready\n> starttls -> state\n"},
    {"capabilities are forgotten", OFFERED
     "S: 220 go\n= reply STARTTLS 220\n= tls-wanted\n? state tls\n> ehlo c -> state\n"
     "> quit -> state\n"
     "! tls\n? state greeted\n> mail <a@b> -> state\n> auth PLAIN x -> state\n> starttls -> state\n"
     "> ehlo c\nC: EHLO c\nS: 250 mx.ex\n= reply EHLO 250\n> auth PLAIN x -> unsupported\n"},
    {"refused for now",
     OFFERED "S: 454 no\n= reply STARTTLS 454\n? state ready\n? secure clear\n! tls -> state\n"
             "> auth PLAIN x -> cleartext\n"},
    {"refused", OFFERED "S: 501 no\n= reply STARTTLS 501\n? state ready\n"},
    {"not offered", CLEAR "> starttls -> unsupported\n"},
    {"another 2yz", OFFERED "S: 250 go\n= failed reply-impossible @48 [250 go] STARTTLS sent\n"},
    {"3yz", OFFERED "S: 354 go\n= failed reply-impossible @48 [354 go] STARTTLS sent\n"},
    {"421", OFFERED "S: 421 go\n= reply STARTTLS 421\n= closed\n! tls -> state\n"},
    {"rule 6: a reply behind the 220",
     OFFERED "S: 220 go\nS: 250-injected\nS: 250 AUTH PLAIN\n= reply STARTTLS 220\n= tls-wanted\n"
             "= failed starttls-injection @56 [] nothing unsent\n? state failed\n"
             "! tls -> starttls-injection\n> ehlo c -> starttls-injection\n"},
    {"one octet behind the 220", OFFERED "S: 220 go\nS: x\\\n= reply STARTTLS 220\n= tls-wanted\n"
                                         "= failed starttls-injection @56 [] nothing unsent\n"},
    {"a 421 behind the 220", OFFERED "S: 220 go\nS: 421 bye\n= reply STARTTLS 220\n= tls-wanted\n"
                                     "= failed starttls-injection @56 [] nothing unsent\n"},
    {"in a call of its own", OFFERED "S: 220 go\n= reply STARTTLS 220\n= tls-wanted\nS: 220 x\n"
                                     "= failed starttls-injection @56 [] nothing unsent\n"},
    {"a 421 in a call of its own",
     OFFERED "S: 220 go\n= reply STARTTLS 220\n= tls-wanted\nS: 421 x\n"
             "= failed starttls-injection @56 [] nothing unsent\n"},
    {"a multi-line 220",
     OFFERED "S: 220-a\nS: 220 b\nS: 250 x\n= reply STARTTLS 220\n= tls-wanted\n"
             "= failed starttls-injection @62 [] nothing unsent\n"},
    {"the handshake fails", OFFERED "S: 220 go\n= reply STARTTLS 220\n= tls-wanted\n! end tls\n"
                                    "= failed tls @56 [] nothing unsent\n> ehlo c -> tls\n"},
    {"behind a pipeline",
     "S: 220 x\n= reply greeting 220\n> ehlo c\nC: EHLO c\nS: 250-x\n"
     "S: 250-PIPELINING\nS: 250 STARTTLS\n= reply EHLO 250\n"
     "> rset\nC: RSET\n> starttls\nC: STARTTLS\n> ehlo c -> state\n"
     "S: 250 r\nS: 220 t\n= reply RSET 250\n= reply STARTTLS 220\n= tls-wanted\n! tls\n"
     "? secure tls\n"},
    {"TLS from the start",
     "! tls\n? secure tls\n! tls -> state\nS: 220 x\n= reply greeting 220\n"
     "> ehlo c\nC: EHLO c\nS: 250-x\nS: 250 STARTTLS\n= reply EHLO 250\n> starttls -> state\n"},
    {"not in the middle",
     "S: 220 \\\n! tls -> state\nS: x\n= reply greeting 220\n! tls -> state\n"},
    {"raw, in cleartext",
     "S: 220 x\n= reply greeting 220\n> raw starttls\nC: starttls\n"
     "S: 220 x\n= reply STARTTLS 220\n= tls-wanted\n! tls\n? secure tls\n? state greeted\n"},
};

Test(client_auth, starttls) {
  RUN_ALL(starttls, &defaults);
}

static enum ehlo_status input(struct ehlo_session *s, const char *text) {
  size_t used = 0;
  return ehlo_input(&s->client, &used, (const uint8_t *)text, strlen(text), 0);
}

// The call that brings the 220 and a byte more is the one that fails, before any event was taken.
Test(client_auth, rule_6_within_the_same_call) {
  static const struct ehlo_script script = {.name = "same call", .text = OFFERED};
  struct ehlo_session *s = malloc(sizeof(*s));
  cr_assert(s != NULL);
  for (size_t more = 0; more < 2; more++) {
    ehlo_script_run_once(s, &script, EHLO_SCRIPT_WHOLE);
    cr_assert_eq(input(s, more != 0 ? "220 go\r\n2" : "220 go\r\n"),
                 more != 0 ? EHLO_E_STARTTLS_INJECTION : EHLO_OK);
    cr_assert_eq(ehlo_client_state(&s->client), more != 0 ? EHLO_STATE_FAILED : EHLO_STATE_TLS);
    ehlo_session_free(s);
  }
  free(s);
}

// What was learnt before TLS is nowhere to be found after it.
Test(client_auth, rule_6_capabilities_are_forgotten) {
  static const char before[] =
      "S: 220 x\n> ehlo c\nS: 250-x\nS: 250-PIPELINING\nS: 250-SIZE 5\nS: 250-STARTTLS\n"
      "S: 250 AUTH PLAIN\n> auth PLAIN x\nS: 235 x\n> starttls\nS: 220 x\n";
  struct ehlo_script script = {.name = "forgotten", .text = before, .config = cleartext};
  struct ehlo_script_mode mode = EHLO_SCRIPT_WHOLE;
  mode.effects_only = true;
  struct ehlo_session *s = malloc(sizeof(*s));
  cr_assert(s != NULL);
  ehlo_script_run_once(s, &script, mode);
  cr_assert(ehlo_client_is_authenticated(&s->client));
  cr_assert(ehlo_client_capabilities(&s->client)->pipelining);
  cr_assert_eq(ehlo_tls_done(&s->client, 0), EHLO_OK);
  static const struct ehlo_capabilities none;
  cr_assert_eq(memcmp(ehlo_client_capabilities(&s->client), &none, sizeof(none)), 0);
  cr_assert(!ehlo_client_is_authenticated(&s->client));
  cr_assert_eq(ehlo_send_rset(&s->client), EHLO_OK);
  cr_assert_eq(ehlo_send_noop(&s->client, ehlo_str("")), EHLO_E_STATE);  // no PIPELINING any more
  ehlo_session_free(s);
  free(s);
}

// An answer to a challenge that was not taken yet would answer something unread.
Test(client_auth, a_challenge_is_taken_first) {
  static const struct ehlo_script script = {.name = "challenge",
                                            .text = SECURE "> auth LOGIN\nC: AUTH LOGIN\n"};
  struct ehlo_session *s = malloc(sizeof(*s));
  cr_assert(s != NULL);
  ehlo_script_run_once(s, &script, EHLO_SCRIPT_WHOLE);
  cr_assert_eq(input(s, "334 \r\n"), EHLO_OK);
  cr_assert_eq(ehlo_send_auth_response(&s->client, NULL, 0, false), EHLO_E_STATE);
  cr_assert_eq(ehlo_send_auth_cancel(&s->client), EHLO_E_STATE);
  ehlo_session_collect(s);
  cr_assert_eq(ehlo_send_auth_cancel(&s->client), EHLO_OK);
  ehlo_session_free(s);
  free(s);
}

static const char *const auth[][2] = {
    {"initial response", SECURE
     "> auth PLAIN user\nC: AUTH PLAIN {dXNlcg==}\n? secure tls\nS: 235 ok\n= reply AUTH 235\n"
     "? may-not AUTH\n"
     "? secure tls+auth\n? state ready\n> auth PLAIN user -> state\n> mail <a@b>\n"
     "C: MAIL FROM:<a@b>\n"},
    {"any 2yz", SECURE "> auth PLAIN user\nC: AUTH PLAIN {dXNlcg==}\nS: 250 ok\n= reply AUTH 250\n"
                       "? secure tls+auth\n"},
    {"no initial response", SECURE
     "> auth LOGIN\nC: AUTH LOGIN\n> respond x -> state\nS: 334 VXNlcm5hbWU6\n"
     "= challenge [Username:]\n"
     "? state auth\n? may AUTH\n> auth LOGIN -> state\n> quit -> state\n> raw QUIT -> state\n"
     "> respond-open user\nC: dXNlcg==\n> respond x -> state\nS: 334 UGFzc3dvcmQ6\n"
     "= challenge [Password:]\n"
     "> respond pass\nC: {cGFzcw==}\nS: 235 ok\n= reply AUTH 235\n? secure tls+auth\n"},
    {"empty ones",
     SECURE "> auth PLAIN =\nC: AUTH PLAIN =\nS: 334 \n= challenge []\n> respond \nC: \n"
            "S: 334\n= challenge []\n> respond \nC: \nS: 535 no\n= reply AUTH 535\n? secure tls\n"
            "? state ready\n"},
    {"again after a refusal",
     SECURE "> auth PLAIN user\nC: AUTH PLAIN {dXNlcg==}\nS: 535 no\n= reply AUTH 535\n"
            "> auth LOGIN\nC: AUTH LOGIN\nS: 454 no\n= reply AUTH 454\n? secure tls\n"},
    {"cancelled",
     SECURE "> cancel -> state\n> auth LOGIN\nC: AUTH LOGIN\n> cancel -> state\nS: 334 AA==\n"
            "= challenge [\\x00]\n"
            "> cancel\nC: *\nS: 501 x\n= reply AUTH 501\n? state ready\n? secure tls\n"},
    {"a challenge in plain words",
     SECURE "> auth LOGIN\nC: AUTH LOGIN\nS: 334 Username:\n= challenge invalid\n"
            "> respond-open user\nC: dXNlcg==\nS: 334 cGFz\\x00\n"
            "= failed reply-syntax @120 [334 cGFz\\x00] AUTH sent\n"},
    {"challenges that are no base64", SECURE
     "> auth LOGIN\nC: AUTH LOGIN\nS: 334 AAA\n= challenge invalid\n> respond-open a\nC: YQ==\n"
     "S: 334  AAAA\n= challenge invalid\n> respond-open a\nC: YQ==\n"
     "S: 334 AAAA \n= challenge invalid\n> respond-open a\nC: YQ==\n"
     "S: 334-AAAA\nS: 334 AAAA\n= challenge invalid\n> cancel\nC: *\nS: 501 x\n= reply AUTH 501\n"},
    {"another 3yz", SECURE
     "> auth LOGIN\nC: AUTH LOGIN\nS: 354 x\n= failed reply-impossible @97 [354 x] AUTH sent\n"},
    {"421 for a credential",
     SECURE "> auth PLAIN user\nC: AUTH PLAIN {dXNlcg==}\nS: 421 x\n= reply AUTH 421\n= closed\n"},
    {"not offered", SECURE
     "> auth CRAM-MD5 -> unsupported\n> auth PLAI x -> unsupported\n"
     "> auth PLAINX x -> unsupported\n> auth plain x -> argument\n> auth PL\\nAIN x -> argument\n"
     "> auth ABCDEFGHIJKLMNOPQRSTU x -> too-long\n? state ready\n"},
    {"not in a transaction", SECURE
     "> mail <a@b>\nC: MAIL FROM:<a@b>\nS: 250 x\n= reply MAIL 250\n> auth PLAIN x -> state\n"},
    {"nine challenges", SECURE "> auth LOGIN\nC: AUTH LOGIN\n"
#define TURN "S: 334 \n= challenge []\n> respond \nC: \n"
     TURN TURN TURN TURN TURN TURN TURN TURN
                               "S: 334 \n= failed too-many-challenges @145 [334 ] AUTH sent\n"},
    {"eight, and eight again",
     SECURE "> auth LOGIN\nC: AUTH LOGIN\n" TURN TURN TURN TURN TURN TURN TURN TURN
            "S: 535 x\n= reply AUTH 535\n> auth LOGIN\nC: AUTH LOGIN\n" TURN TURN TURN TURN TURN
                TURN TURN TURN "S: 235 x\n= reply AUTH 235\n"},
};

Test(client_auth, auth) {
  RUN_ALL(auth, &defaults);
}

// AUTH as programs send it. SECURE has AUTH offered.
static const char *const raw_auth[][2] = {
    {"in another form",
     CLEAR "> raw auth login \nC: auth login \nS: 334 YQ==\n= challenge [a]\n? state auth\n"
           "> respond x\nC: {eA==}\nS: 235 x\n= reply AUTH 235\n? state ready\n"
           "> raw AUTH  X =\nC: AUTH  X =\nS: 503 x\n= reply AUTH 503\n"},
    {"before EHLO",
     "S: 220 x\n= reply greeting 220\n> raw AUTH\nC: AUTH\nS: 503 x\n= reply AUTH 503\n"
     "? state greeted\n> raw-secret AUTH X |abc|\nC: AUTH X {abc}\nS: 503 x\n= reply AUTH 503\n"
     "? state greeted\n"},
    {"with a secret, as it is",
     CLEAR "> raw-secret auth plain |x y|\nC: auth plain {x y}\nS: 535 x\n= reply AUTH 535\n"
           "> raw-secret AUTH |x| \nC: AUTH {x} \nS: 504 x\n= reply AUTH 504\n"
           "> raw-secret AUT|x|\nC: AUT{x}\nS: 500 x\n= reply other 500\n"
           "> raw-secret NOOP a |x| b\nC: NOOP a {x} b\nS: 250 x\n= reply NOOP 250\n"
           "> raw-secret BDAT |5|\nC: BDAT {5}\nS: 501 x\n= reply other 501\n"
           "> raw-secret |x|\nC: {x}\nS: 500 x\n= reply other 500\n? state ready\n"},
    {"not everything",
     CLEAR "> raw-secret AUTH PLAIN || -> argument\n> raw-secret AUTH X y|z| -> argument\n"
           "> raw-secret AUTH X =|z| -> argument\n> raw-secret AUTH X |z| = -> argument\n"
           "> raw-secret AUTH X |y| z -> argument\n> raw-secret AUTH |\\n| -> argument\n"
           "> raw-secret a|x|\\r -> argument\n> raw-secret \\n|x| -> argument\n"
           "> raw-secret AUTH X |\\{a*12280}| -> too-long\n? state ready\n"},
};

Test(client_auth, raw_lines) {
  RUN_ALL(raw_auth, &(struct ehlo_config){.allow_cleartext_auth = true});
}

static const char *const in_cleartext[][2] = {
    {"refused", CLEAR "> auth PLAIN x -> cleartext\n> auth LOGIN -> cleartext\n"
                      "> raw AUTH PLAIN x -> argument\n> raw auth login -> cleartext\n"
                      "> raw-secret AUTH PLAIN |eA==| -> cleartext\n"
                      "> raw-secret |eA==| -> cleartext\n> raw-secret NOOP |x| -> cleartext\n"
                      "? state ready\n"},
};

static const char *const in_cleartext_allowed[][2] = {
    {"behind an RSET that is refused: the transaction stays open",
     CLEAR "> mail <a@b>\nC: MAIL FROM:<a@b>\nS: 250 a\n= reply MAIL 250\n> rset\n> auth PLAIN x\n"
           "C: RSET\nC: AUTH PLAIN {eA==}\nS: 550 r\nS: 503 a\n= reply RSET 550\n= reply AUTH 503\n"
           "? state mail\n> rcpt <c@d>\nC: RCPT TO:<c@d>\n"},
    {"allowed", CLEAR "> auth PLAIN user\nC: AUTH PLAIN {dXNlcg==}\n> rset -> state\n"
                      "S: 235 x\n= reply AUTH 235\n? secure clear+auth\n"},
    {"at the end of a flight",
     CLEAR "> rset\nC: RSET\n> auth PLAIN user\nC: AUTH PLAIN {dXNlcg==}\n"
           "S: 250 a\nS: 235 x\n= reply RSET 250\n= reply AUTH 235\n"},
    {"authentication is forgotten over TLS",
     OFFERED "S: 454 x\n= reply STARTTLS 454\n> auth PLAIN user\nC: AUTH PLAIN {dXNlcg==}\n"
             "S: 235 x\n= reply AUTH 235\n? secure clear+auth\n> starttls\nC: STARTTLS\n"
             "S: 220 x\n= reply STARTTLS 220\n= tls-wanted\n! tls\n? secure tls\n"
             "> ehlo c\nC: EHLO c\nS: 250-x\nS: 250 AUTH PLAIN\n= reply EHLO 250\n"
             "> auth PLAIN user\nC: AUTH PLAIN {dXNlcg==}\nS: 235 x\n= reply AUTH 235\n"
             "? secure tls+auth\n"},
};

Test(client_auth, cleartext) {
  RUN_ALL(in_cleartext, &defaults);
  RUN_ALL(in_cleartext_allowed, &cleartext);
}

// ---- Secrets ------------------------------------------------------------------------------------

#define PASSWORD "correct-horse-battery-staple"
#define PASSWORD_BASE64 "Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5LXN0YXBsZQ=="

// Whether five octets of the password's base64 stand anywhere in the memory of the session.
static bool remembers(const struct ehlo_session *s) {
  const char *needle = PASSWORD_BASE64;
  for (size_t k = 0; k + 5 <= strlen(needle); k++) {
    for (size_t i = 0; i + 5 <= s->buf_len; i++) {
      if (memcmp(s->buf + i, needle + k, 5) == 0) {
        return true;
      }
    }
  }
  return false;
}

static struct ehlo_session *session_with_secret_queued(void) {
  static const struct ehlo_script script = {
      .name = "secret",
      .text = CLEAR "! hold\n> rset\n> auth PLAIN " PASSWORD "\n",
      .config = {.allow_cleartext_auth = true}};
  struct ehlo_session *s = malloc(sizeof(*s));
  cr_assert(s != NULL);
  ehlo_script_run_once(s, &script, EHLO_SCRIPT_WHOLE);
  cr_assert(remembers(s));
  return s;
}

// The span before, the secret and the span behind it, each uniform, with MORE on all but the last.
Test(client_auth, rule_5_secret_spans) {
  struct ehlo_session *s = session_with_secret_queued();
  static const struct {
    const char *text;
    unsigned flags;
  } want[] = {
      {"RSET\r\nAUTH PLAIN ", EHLO_OUTPUT_MORE},
      {PASSWORD_BASE64, EHLO_OUTPUT_SECRET | EHLO_OUTPUT_MORE},
      {"\r\n", 0},
  };
  struct ehlo_output out;
  for (size_t i = 0; i < 3; i++) {
    size_t len = strlen(want[i].text);
    cr_assert(ehlo_output_peek(&s->client, &out));
    cr_assert(out.span.len == len && memcmp(out.span.bytes, want[i].text, len) == 0);
    cr_assert_eq(out.flags, want[i].flags, "span %zu has flags %u", i, out.flags);
    ehlo_output_ack(&s->client, len, 0);
  }
  cr_assert(!ehlo_output_peek(&s->client, &out));
  cr_assert(!remembers(s));
  ehlo_session_free(s);
  free(s);
}

// A part of a secret span is gone as soon as it was taken, and what is left is still secret.
Test(client_auth, a_secret_taken_in_parts) {
  struct ehlo_session *s = session_with_secret_queued();
  struct ehlo_output out;
  ehlo_output_ack(&s->client, strlen("RSET\r\nAUTH PLAIN "), 0);
  for (size_t left = strlen(PASSWORD_BASE64); left > 0; left--) {
    cr_assert(ehlo_output_peek(&s->client, &out));
    cr_assert_eq(out.span.len, left);
    bool first = left == strlen(PASSWORD_BASE64);
    cr_assert_eq(out.flags, EHLO_OUTPUT_SECRET | EHLO_OUTPUT_MORE |
                                (first ? 0U : (unsigned)EHLO_OUTPUT_CONTINUED));
    const uint8_t *at = out.span.bytes;
    cr_assert_neq(*at, 0);
    ehlo_output_ack(&s->client, 1, 0);
    cr_assert_eq(*at, 0);
  }
  cr_assert(!remembers(s));
  cr_assert(ehlo_output_peek(&s->client, &out));
  cr_assert_eq(out.flags, 0);
  ehlo_session_free(s);
  free(s);
}

// However the session ends, a secret that was not taken yet does not outlive it.
Test(client_auth, a_secret_ends_with_the_session) {
  static const char *const ends[] = {"250 x\r\n250 y\r\n250 z\r\n", "421 x\r\n", "rubbish\n", ""};
  for (size_t i = 0; i < 4; i++) {
    for (size_t taken = 0; taken < 30; taken += 9) {
      struct ehlo_session *s = session_with_secret_queued();
      s->mode.effects_only = true;
      ehlo_session_drain(s, taken);
      if (ends[i][0] != '\0') {
        ehlo_session_feed(s, (const uint8_t *)ends[i], strlen(ends[i]));
      } else {
        ehlo_input_end(&s->client, EHLO_E_RESET);
      }
      struct ehlo_output out;
      cr_assert(!ehlo_output_peek(&s->client, &out));
      cr_assert(!remembers(s), "end %zu after %zu octets", i, taken);
      ehlo_session_free(s);
      free(s);
    }
  }
}

// Room is made by moving what waits to the front: what it leaves behind holds no secret.
Test(client_auth, a_secret_is_moved_whole) {
  struct ehlo_session *s = session_with_secret_queued();
  ehlo_output_ack(&s->client, 10, 0);  // the queue begins behind its front now
  // A verb that fails for its length asks for room first.
  struct ehlo_span part = ehlo_str(PASSWORD);
  cr_assert_eq(ehlo_send_auth_response(&s->client, &part, 1, true), EHLO_E_STATE);
  size_t copies = 0;
  for (size_t i = 0; i + strlen(PASSWORD_BASE64) <= s->buf_len; i++) {
    copies += memcmp(s->buf + i, PASSWORD_BASE64, strlen(PASSWORD_BASE64)) == 0;
  }
  cr_assert_eq(copies, 1);
  ehlo_session_free(s);
  free(s);
}

// The same where it does happen: a flight taken in part, then AUTH behind it, then all of it.
Test(client_auth, compaction) {
  static const struct ehlo_script script = {
      .name = "compaction",
      .text =
          CLEAR "! hold\n> rset\n> rset\n> rset\n! take 8\nC: RSET\nC+ RS\n> auth PLAIN " PASSWORD
                "\n! release\nC: ET\nC: RSET\nC: AUTH PLAIN {" PASSWORD_BASE64 "}\n",
      .config = {.allow_cleartext_auth = true}};
  ehlo_script_run(&script);
  struct ehlo_session *s = malloc(sizeof(*s));
  ehlo_script_run_once(s, &script, EHLO_SCRIPT_WHOLE);
  cr_assert(!remembers(s));
  ehlo_session_free(s);
  free(s);
}

Test(client_auth, wipe) {
  struct ehlo_session *s = session_with_secret_queued();
  ehlo_client_wipe(&s->client);
  for (size_t i = 0; i < s->buf_len; i++) {
    cr_assert_eq(s->buf[i], 0, "octet %zu", i);
  }
  const uint8_t *bytes = (const uint8_t *)&s->client;
  for (size_t i = 0; i < sizeof(s->client); i++) {
    cr_assert_eq(bytes[i], 0, "octet %zu of the context", i);
  }
  ehlo_client_wipe(&s->client);  // once more does nothing
  ehlo_session_free(s);
  free(s);
}

// ---- Tokens -------------------------------------------------------------------------------------

static uint8_t token[EHLO_TOKEN_MAX + 1];

static enum ehlo_status send_initial(struct ehlo_client *c, size_t raw_len) {
  struct ehlo_span parts[] = {{token, raw_len / 2}, {token, raw_len - raw_len / 2}};
  return ehlo_send_auth(c, "PLAIN", parts, 2, true);
}

static enum ehlo_status send_response(struct ehlo_client *c, size_t raw_len) {
  struct ehlo_span part = {token, raw_len};
  return ehlo_send_auth_response(c, &part, 1, true);
}

static struct ehlo_session *session_at(const char *text) {
  struct ehlo_script *script = malloc(sizeof(*script));
  struct ehlo_session *s = malloc(sizeof(*s));
  cr_assert(script != NULL && s != NULL);
  *script = (struct ehlo_script){.name = "token", .text = text, .config = cleartext};
  struct ehlo_script_mode mode = EHLO_SCRIPT_WHOLE;
  mode.effects_only = true;
  ehlo_script_run_once(s, script, mode);
  return s;
}

static void free_session(struct ehlo_session *s) {
  free((struct ehlo_script *)(uintptr_t)s->script);
  ehlo_session_free(s);
  free(s);
}

// RFC 4954 §4: 12,288 octets of base64 in a line of its own, or in all with AUTH in front.
Test(client_auth, tokens_at_their_limit) {
  struct ehlo_session *s = session_at(CLEAR);
  cr_assert_eq(send_initial(&s->client, EHLO_TOKEN_MAX + 1), EHLO_E_TOO_LONG);
  cr_assert_eq(send_initial(&s->client, 9216), EHLO_E_TOO_LONG);
  cr_assert_eq(send_initial(&s->client, 9205), EHLO_E_TOO_LONG);  // 11 + 12276 + 2 > 12288
  cr_assert_eq(send_initial(&s->client, 9204), EHLO_OK);          // 11 + 12272 + 2
  ehlo_session_drain(s, SIZE_MAX);
  cr_assert_eq(s->sent_len - s->sent_pos, 11 + 12272 + 2 + 2U);  // the braces too
  free_session(s);
  s = session_at(CLEAR "> auth LOGIN\nC: AUTH LOGIN\nS: 334 \n");
  cr_assert_eq(send_response(&s->client, 9217), EHLO_E_TOO_LONG);
  cr_assert_eq(send_response(&s->client, 9216), EHLO_OK);
  free_session(s);
}

// Challenges of 12,288 octets are decoded; one more breaks the limit of the line.
Test(client_auth, challenges_at_their_limit) {
  struct ehlo_session *s = session_at(
      CLEAR
      "> auth LOGIN\nC: AUTH LOGIN\nS: 334 \\{Q*12288}\n> respond \nC: \nS: 334 \\{Q*12289}\n");
  cr_assert(strncmp(strstr(s->events, "challenge"), "challenge [A\\x04\\x10A", 20) == 0, "%.400s",
            strstr(s->events, "challenge"));
  cr_assert_not_null(strstr(s->events, "failed line-too-long @24644 [334 QQQ"), "%s", s->events);
  free_session(s);
  // It is for a 334 alone, and only where AUTH is outstanding.
  s = session_at(CLEAR "> auth LOGIN\nC: AUTH LOGIN\nS: 535 \\{Q*4091}\n");
  cr_assert_not_null(strstr(s->events, "failed line-too-long"));
  free_session(s);
  s = session_at(CLEAR "> noop x\nC: NOOP x\nS: 334 \\{Q*4091}\n");
  cr_assert_not_null(strstr(s->events, "failed line-too-long"));
  free_session(s);
}
