// Tests of the submission policy up to the envelope: greeting, EHLO and HELO, TLS, AUTH, early
// stops, and what comes of it when any step fails. engine/submit_envelope_test.c has the rest.
//
// The scripts are laid out by hand.
// clang-format off
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "engine/base64.h"
#include "engine/submit_testing.h"

#define NO_TLS .tls = EHLO_TLS_NONE
#define IMPLICIT .tls = EHLO_TLS_IMPLICIT
#define LOGS_IN .credentials = &ehlo_case_credentials

#define BEGIN "S: 220 mail.example ESMTP\nC: EHLO client.example\n"
#define BEGIN_TLS \
  BEGIN "S: 250-mail.example\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go ahead\n! tls\n" \
  "C: EHLO client.example\n"
#define ENVELOPE                                                        \
  "C: MAIL FROM:<a@client.example>\nS: 250 ok\nC: RCPT TO:<b@mail.example>\n" \
  "S: 250 ok\nC: DATA\nS: 354 go\nC: hi\nC: .\nS: 250 queued\n"
#define QUIT "C: QUIT\nS: 221 bye\n"

// ---- Greeting, EHLO, HELO -----------------------------------------------------------------------

static const struct ehlo_submit_case hellos[] = {
    {"one message", {NO_TLS}, .text = BEGIN "S: 250 mail.example\n" ENVELOPE QUIT
     "? flights 6\n? taken 1\n= accepted quit 0\n"},
    {"greeting 554", {NO_TLS}, .text = "S: 554 no\n" QUIT "= refused greeting 69\n"},
    {"greeting 521", {NO_TLS}, .text = "S: 521 no\n" QUIT "= refused greeting 69\n"},
    {"greeting 450", {NO_TLS}, .text = "S: 450 later\n" QUIT "= deferred greeting 75\n"},
    {"greeting 421", {NO_TLS}, .text = "S: 421 later\n= deferred greeting 75\n"},
    {"greeting 554, TLS wanted", {LOGS_IN}, .text = "S: 554 no\n" QUIT "= refused greeting 69\n"},
    {"greeting 250", {NO_TLS}, .text = "S: 250 hi\n"
     "= protocol-error greeting 76 status=reply-impossible\n"},
    {"no greeting", {NO_TLS}, .text = "S: HTTP/1.1 400 Bad Request\n"
     "= protocol-error greeting 76 status=reply-syntax\n"},
    {"no connection", {NO_TLS}, .text = "! end connect\n"
     "= connect-failed connect 74 status=connect\n"},
    {"EHLO 451", {NO_TLS}, .text = BEGIN "S: 451 later\n" QUIT "= deferred ehlo 75\n"},
    {"EHLO 502, then HELO", {NO_TLS}, .text = BEGIN "S: 502 what\nC: HELO client.example\n"
     "S: 250 mail.example\n" ENVELOPE QUIT "= accepted quit 0\n"},
    {"EHLO 500, then HELO", {NO_TLS}, .text = BEGIN "S: 500 what\nC: HELO client.example\n"
     "S: 250-mail.example\nS: 250 PIPELINING\n" ENVELOPE QUIT "= accepted quit 0\n"},
    {"EHLO 550, then HELO", {NO_TLS}, .text = BEGIN "S: 550 what\nC: HELO client.example\n"
     "S: 250 mail.example\n" ENVELOPE QUIT "= accepted quit 0\n"},
    {"EHLO 502, HELO 502", {NO_TLS}, .text = BEGIN "S: 502 what\nC: HELO client.example\n"
     "S: 502 what\n" QUIT "= refused ehlo 69\n"},
    {"EHLO 502, HELO 450", {NO_TLS}, .text = BEGIN "S: 502 what\nC: HELO client.example\n"
     "S: 450 later\n" QUIT "= deferred ehlo 75\n"},
    {"HELO has no AUTH", {NO_TLS, LOGS_IN}, .allow_cleartext_auth = true,
     .text = BEGIN "S: 502 what\nC: HELO client.example\nS: 250-mail.example\nS: 250 AUTH PLAIN\n"
     QUIT "= auth-refused auth 77 problem=no-auth\n"},
    {"EHLO 502 where TLS is required", {LOGS_IN}, .text = BEGIN "S: 502 what\n" QUIT
     "= tls-failed starttls 78 problem=no-starttls\n"},
    {"EHLO 504 where TLS is required", {LOGS_IN}, .text = BEGIN "S: 504 what\n" QUIT
     "= tls-failed starttls 78 problem=no-starttls\n"},
    {"EHLO 550 where TLS is required", {LOGS_IN}, .text = BEGIN "S: 550 not you\n" QUIT
     "= refused ehlo 69\n"},
    {"EHLO 450 where TLS is required", {LOGS_IN}, .text = BEGIN "S: 450 later\n" QUIT
     "= deferred ehlo 75\n"},
    {"a name that cannot be sent", {NO_TLS, .helo_name = SPAN("a\r\nb")}, .text = "S: 220 hi\n" QUIT
     "= usage ehlo 64 problem=argument status=argument\n"},
    {"an empty name", {NO_TLS, .helo_name = SPAN("")}, .text = "S: 220 hi\n" QUIT
     "= usage ehlo 64 problem=argument status=argument\n"},
};

Test(submit, hellos) {
  RUN_CASES(hellos);
}

// ---- TLS ----------------------------------------------------------------------------------------

static const struct ehlo_submit_case tls[] = {
    {"STARTTLS", {0}, .text = BEGIN_TLS "S: 250 mail.example\n" ENVELOPE QUIT
     "? flights 8\n= accepted quit 0\n"},
    {"STARTTLS not offered", {LOGS_IN}, .text = BEGIN "S: 250-mail.example\nS: 250 AUTH PLAIN\n"
     QUIT "= tls-failed starttls 78 problem=no-starttls\n"},
    {"STARTTLSX is not STARTTLS", {0}, .text = BEGIN "S: 250-mail.example\nS: 250 STARTTLSX\n"
     QUIT "= tls-failed starttls 78 problem=no-starttls\n"},
    {"STARTTLS 454", {LOGS_IN}, .allow_cleartext_auth = true,
     .text = BEGIN "S: 250-mail.example\nS: 250-AUTH PLAIN\nS: 250 STARTTLS\nC: STARTTLS\n"
     "S: 454 not now\n" QUIT "= tls-failed starttls 78\n"},
    {"STARTTLS 501", {0}, .text = BEGIN "S: 250-mail.example\nS: 250 STARTTLS\nC: STARTTLS\n"
     "S: 501 what\n" QUIT "= tls-failed starttls 78\n"},
    {"STARTTLS 250", {0}, .text = BEGIN "S: 250-mail.example\nS: 250 STARTTLS\nC: STARTTLS\n"
     "S: 250 ok\n= protocol-error starttls 76 status=reply-impossible\n"},
    {"bytes behind the 220", {0}, .text = BEGIN "S: 250-mail.example\nS: 250 STARTTLS\n"
     "C: STARTTLS\nS: 220 go ahead\nS: 250 AUTH PLAIN\n"
     "= protocol-error starttls 76 status=starttls-injection\n"},
    {"the handshake fails", {LOGS_IN}, .allow_cleartext_auth = true,
     .text = BEGIN "S: 250-mail.example\nS: 250-AUTH PLAIN\nS: 250 STARTTLS\nC: STARTTLS\n"
     "S: 220 go ahead\n! end tls\n= tls-failed tls 78 status=tls\n"},
    {"TLS breaks later", {0}, .text = BEGIN_TLS "! end tls\n= lost ehlo 74 status=tls\n"},
    {"what was offered before TLS is forgotten", {LOGS_IN}, .text = BEGIN "S: 250-mail.example\n"
     "S: 250-AUTH PLAIN\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go ahead\n! tls\n"
     "C: EHLO client.example\nS: 250 mail.example\n" QUIT
     "= auth-refused auth 77 problem=no-auth\n"},
    {"PIPELINING before TLS is forgotten", {0}, .text = BEGIN "S: 250-mail.example\n"
     "S: 250-PIPELINING\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go ahead\n! tls\n"
     "C: EHLO client.example\nS: 250 mail.example\n" ENVELOPE QUIT "= accepted quit 0\n"},
    {"STARTTLS once only", {0}, .text = BEGIN_TLS "S: 250-mail.example\nS: 250 STARTTLS\n"
     ENVELOPE QUIT "= accepted quit 0\n"},
    {"EHLO 502 under TLS, then HELO", {0}, .text = BEGIN_TLS "S: 502 what\n"
     "C: HELO client.example\nS: 250 mail.example\n" ENVELOPE QUIT "= accepted quit 0\n"},
    {"no TLS means none", {NO_TLS}, .text = BEGIN "S: 250-mail.example\nS: 250 STARTTLS\n"
     ENVELOPE QUIT "= accepted quit 0\n"},
    {"implicit TLS", {IMPLICIT}, .text = "! tls\n" BEGIN "S: 250-mail.example\nS: 250 STARTTLS\n"
     ENVELOPE QUIT "= accepted quit 0\n"},
    {"implicit TLS that never came", {IMPLICIT, LOGS_IN}, .allow_cleartext_auth = true,
     .text = "S: 220 mail.example\n" QUIT "= tls-failed tls 78 problem=no-tls\n"},
    {"implicit TLS that never came, refused", {IMPLICIT}, .text = "S: 554 no\n" QUIT
     "= tls-failed tls 78 problem=no-tls\n"},
    {"implicit TLS fails", {IMPLICIT}, .text = "! end tls\n= tls-failed tls 78 status=tls\n"},
    {"implicit TLS, closed", {IMPLICIT}, .text = "! end closed\n= lost tls 74 status=closed\n"},
    {"implicit TLS, too slow", {IMPLICIT}, .text = "! timeout\n= timeout tls 75 status=timeout\n"},
    {"implicit TLS, no connection", {IMPLICIT}, .text = "! end connect\n"
     "= connect-failed connect 74 status=connect\n"},
    {"implicit TLS breaks later", {IMPLICIT}, .text = "! tls\n! end tls\n"
     "= lost greeting 74 status=tls\n"},
};

Test(submit, tls) {
  RUN_CASES(tls);
}

// ---- AUTH ---------------------------------------------------------------------------------------

// A mechanism that has to understand its challenges, as those with cryptography do.
static bool picky_respond(struct ehlo_auth *auth, const struct ehlo_span *challenge,
                          struct ehlo_response *out) {
  memset(out, 0, sizeof(*out));
  out->parts[0] = *challenge;
  out->num_parts = 1;
  return auth->step++ < 3;
}

static const struct ehlo_mechanism picky = {
    .name = "PICKY", .reads_challenge = true, .respond = picky_respond};
static const struct ehlo_mechanism *const only_picky[] = {&picky};
static const struct ehlo_mechanism *const only_xoauth2[] = {&ehlo_mechanism_xoauth2};
static const struct ehlo_mechanism *const only_oauthbearer[] = {&ehlo_mechanism_oauthbearer};
static const struct ehlo_mechanism *const only_login[] = {&ehlo_mechanism_login};
static const struct ehlo_mechanism *const login_first[] = {&ehlo_mechanism_login,
                                                           &ehlo_mechanism_plain};
static const struct ehlo_credentials acts_for_other = {
    .authzid = SPAN("boss"), .user = SPAN("user"), .password = SPAN("pass")};
static const struct ehlo_credentials no_password = {.user = SPAN("user"), .password = SPAN("")};

#define OFFER(mechanisms) BEGIN_TLS "S: 250-mail.example\nS: 250 AUTH " mechanisms "\n"
#define PLAIN_TOKEN "{AHVzZXIAcGFzcw==}"
#define NEVER_FIRST .initial_response = EHLO_INITIAL_NEVER
#define ALWAYS_FIRST .initial_response = EHLO_INITIAL_ALWAYS

static const struct ehlo_submit_case dialogues[] = {
    {"PLAIN", {LOGS_IN}, .text = OFFER("PLAIN") "C: AUTH PLAIN " PLAIN_TOKEN "\nS: 235 in\n"
     ENVELOPE QUIT "? flights 9\n= accepted quit 0\n"},
    {"PLAIN for somebody else", {.credentials = &acts_for_other}, .text = OFFER("PLAIN")
     "C: AUTH PLAIN {Ym9zcwB1c2VyAHBhc3M=}\nS: 235 in\n" ENVELOPE QUIT "= accepted quit 0\n"},
    {"PLAIN after an empty challenge", {LOGS_IN, NEVER_FIRST}, .text = OFFER("PLAIN")
     "C: AUTH PLAIN\nS: 334 \nC: " PLAIN_TOKEN "\nS: 235 in\n" ENVELOPE QUIT "= accepted quit 0\n"},
    {"PLAIN after a challenge that is none", {LOGS_IN, NEVER_FIRST}, .text = OFFER("PLAIN")
     "C: AUTH PLAIN\nS: 334 go ahead!\nC: " PLAIN_TOKEN "\nS: 235 in\n" ENVELOPE QUIT
     "= accepted quit 0\n"},
    {"LOGIN", {LOGS_IN}, .text = OFFER("LOGIN") "C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: dXNlcg==\n"
     "S: 334 UGFzc3dvcmQ6\nC: {cGFzcw==}\nS: 235 in\n" ENVELOPE QUIT
     "? flights 11\n= accepted quit 0\n"},
    {"LOGIN with the name at once", {LOGS_IN, ALWAYS_FIRST}, .text = OFFER("LOGIN")
     "C: AUTH LOGIN dXNlcg==\nS: 334 UGFzc3dvcmQ6\nC: {cGFzcw==}\nS: 235 in\n" ENVELOPE QUIT
     "? flights 10\n= accepted quit 0\n"},
    {"LOGIN, prompts that are not base64", {LOGS_IN}, .text = OFFER("LOGIN")
     "C: AUTH LOGIN\nS: 334 Username:\nC: dXNlcg==\nS: 334\nC: {cGFzcw==}\nS: 235 in\n" ENVELOPE
     QUIT "= accepted quit 0\n"},
    {"LOGIN, an empty password", {.credentials = &no_password}, .text = OFFER("LOGIN")
     "C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: dXNlcg==\nS: 334 UGFzc3dvcmQ6\nC: \nS: 535 no\n" QUIT
     "= auth-refused auth 77\n"},
    {"the client's order counts", {LOGS_IN}, .text = OFFER("LOGIN PLAIN") "C: AUTH PLAIN "
     PLAIN_TOKEN "\nS: 235 in\n" ENVELOPE QUIT "= accepted quit 0\n"},
    {"LOGIN before PLAIN", {LOGS_IN, .mechanisms = login_first, .num_mechanisms = 2},
     .text = OFFER("PLAIN LOGIN") "C: AUTH LOGIN\nS: 535 no\n" QUIT "= auth-refused auth 77\n"},
    {"allowed in cleartext", {LOGS_IN, NO_TLS}, .allow_cleartext_auth = true,
     .text = BEGIN "S: 250-mail.example\nS: 250 AUTH PLAIN\nC: AUTH PLAIN " PLAIN_TOKEN "\n"
     "S: 235 in\n" ENVELOPE QUIT "= accepted quit 0\n"},
};

static const struct ehlo_submit_case auth_fails[] = {
    {"PLAIN in cleartext", {LOGS_IN, NO_TLS}, .text = BEGIN "S: 250-mail.example\n"
     "S: 250 AUTH PLAIN\n" QUIT "= tls-failed auth 78 problem=cleartext\n"},
    {"LOGIN in cleartext", {LOGS_IN, NO_TLS}, .text = BEGIN "S: 250-mail.example\n"
     "S: 250 AUTH LOGIN\n" QUIT "= tls-failed auth 78 problem=cleartext\n"},
    {"no AUTH", {LOGS_IN}, .text = BEGIN_TLS "S: 250 mail.example\n" QUIT
     "= auth-refused auth 77 problem=no-auth\n"},
    {"no mechanism", {LOGS_IN}, .text = OFFER("CRAM-MD5 PLAINX XPLAIN LOGIN2") QUIT
     "= auth-refused auth 77 problem=no-mechanism\n"},
    {"PLAIN is offered, LOGIN wanted", {LOGS_IN, .mechanisms = only_login, .num_mechanisms = 1},
     .text = OFFER("PLAIN") QUIT "= auth-refused auth 77 problem=no-mechanism\n"},
    {"535", {LOGS_IN}, .text = OFFER("PLAIN LOGIN") "C: AUTH PLAIN " PLAIN_TOKEN "\n"
     "S: 535 5.7.8 no\n" QUIT "= auth-refused auth 77\n"},
    {"534", {LOGS_IN}, .text = OFFER("PLAIN") "C: AUTH PLAIN " PLAIN_TOKEN "\n"
     "S: 534 5.7.9 too weak\n" QUIT "= auth-refused auth 77\n"},
    {"535 after the name", {LOGS_IN}, .text = OFFER("LOGIN") "C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\n"
     "C: dXNlcg==\nS: 535 no\n" QUIT "= auth-refused auth 77\n"},
    {"454", {LOGS_IN}, .text = OFFER("PLAIN") "C: AUTH PLAIN " PLAIN_TOKEN "\n"
     "S: 454 4.7.0 later\n" QUIT "= deferred auth 75\n"},
    {"432", {LOGS_IN}, .text = OFFER("PLAIN") "C: AUTH PLAIN " PLAIN_TOKEN "\n"
     "S: 432 4.7.12 password transition\n" QUIT "= deferred auth 75\n"},
    {"354", {LOGS_IN}, .text = OFFER("PLAIN") "C: AUTH PLAIN " PLAIN_TOKEN "\n"
     "S: 354 what\n= protocol-error auth 76 status=reply-impossible\n"},
    {"PLAIN has one answer", {LOGS_IN}, .text = OFFER("PLAIN") "C: AUTH PLAIN " PLAIN_TOKEN "\n"
     "S: 334 \nC: *\nS: 501 cancelled\n" QUIT "= auth-refused auth 77 problem=challenge\n"},
    {"LOGIN has two", {LOGS_IN}, .text = OFFER("LOGIN") "C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\n"
     "C: dXNlcg==\nS: 334 UGFzc3dvcmQ6\nC: {cGFzcw==}\nS: 334 UGFzc3dvcmQ6\nC: *\n"
     "S: 501 cancelled\n" QUIT "= auth-refused auth 77 problem=challenge\n"},
    {"LOGIN with the name at once has one left", {LOGS_IN, ALWAYS_FIRST}, .text = OFFER("LOGIN")
     "C: AUTH LOGIN dXNlcg==\nS: 334 UGFzc3dvcmQ6\nC: {cGFzcw==}\nS: 334 UGFzc3dvcmQ6\nC: *\n"
     "S: 535 cancelled\n" QUIT "= auth-refused auth 77 problem=challenge\n"},
    {"cancelled, and let in all the same", {LOGS_IN}, .text = OFFER("PLAIN") "C: AUTH PLAIN "
     PLAIN_TOKEN "\nS: 334 \nC: *\nS: 235 in\n" QUIT "= auth-refused auth 77 problem=challenge\n"},
    {"cancelled, 454", {LOGS_IN}, .text = OFFER("PLAIN") "C: AUTH PLAIN " PLAIN_TOKEN "\n"
     "S: 334 \nC: *\nS: 454 later\n" QUIT "= auth-refused auth 77 problem=challenge\n"},
    {"cancelled again and again", {LOGS_IN}, .text = OFFER("PLAIN") "C: AUTH PLAIN " PLAIN_TOKEN
     "\nS: 334 \nC: *\nS: 334 \nC: *\nS: 501 no\n" QUIT
     "= auth-refused auth 77 problem=challenge\n"},
    {"XOAUTH2, an old token", {LOGS_IN, .mechanisms = only_xoauth2, .num_mechanisms = 1},
     .text = OFFER("XOAUTH2") "C: AUTH XOAUTH2 {dXNlcj11c2VyAWF1dGg9QmVhcmVyIHBhc3MBAQ==}\n"
     "S: 334 e30=\nC: \nS: 535 no\n" QUIT "= auth-refused auth 77\n"},
    {"OAUTHBEARER, an old token", {LOGS_IN, .mechanisms = only_oauthbearer, .num_mechanisms = 1},
     .text = OFFER("OAUTHBEARER") "C: AUTH OAUTHBEARER {bixhPXVzZXIsAWF1dGg9QmVhcmVyIHBhc3MBAQ==}\n"
     "S: 334 e30=\nC: AQ==\nS: 535 no\n" QUIT "= auth-refused auth 77\n"},
    {"a challenge that must be read", {LOGS_IN, .mechanisms = only_picky, .num_mechanisms = 1},
     .text = OFFER("PICKY") "C: AUTH PICKY\nS: 334 aGk=\nC: aGk=\nS: 334 aGk\nC: *\nS: 501 no\n"
     QUIT "= auth-refused auth 77 problem=challenge\n"},
    {"no answer behind a *", {LOGS_IN, .mechanisms = only_picky, .num_mechanisms = 1},
     .text = OFFER("PICKY") "C: AUTH PICKY\nS: 334 aGk\nC: *\nS: 334 aGk=\nC: *\nS: 501 no\n"
     QUIT "= auth-refused auth 77 problem=challenge\n"},
    {"a challenge in two lines", {LOGS_IN, .mechanisms = only_picky, .num_mechanisms = 1},
     .text = OFFER("PICKY") "C: AUTH PICKY\nS: 334-aGk=\nS: 334 aGk=\nC: *\nS: 501 no\n" QUIT
     "= auth-refused auth 77 problem=challenge\n"},
};

Test(submit, auth_dialogues) {
  RUN_CASES(dialogues);
}

Test(submit, auth_fails) {
  RUN_CASES(auth_fails);
}

#define PASSWORD_MAX 10000
static const char *const long_dialogues[] = {
    OFFER("PLAIN") "C: AUTH PLAIN {%s}\nS: 535 no\n" QUIT "= auth-refused auth 77\n",
    OFFER("PLAIN") "C: AUTH PLAIN\nS: 334 \nC: {%s}\nS: 535 no\n" QUIT "= auth-refused auth 77\n",
    OFFER("PLAIN") "C: AUTH PLAIN\nS: 334 \nC: *\nS: 501 no\n" QUIT
    "= usage auth 64 problem=argument status=too-long\n",
};

// RFC 4954 §4: a line has 12,288 octets for the token, and the command with an initial response no
// more than that in all. "AUTH PLAIN " and CRLF are 13, "\0user\0" is 6.
Test(submit, long_tokens) {
  static const struct {
    size_t password_len;
    int dialogue;
  } rows[] = {{9198, 0}, {9199, 1}, {9210, 1}, {9211, 2}, {PASSWORD_MAX, 2}};
  static char raw[PASSWORD_MAX + 6] = "\0user";
  static char token[PASSWORD_MAX / 3 * 4 + 20];
  static char text[EHLO_CASE_TEXT_MAX];
  memset(raw + 6, 'p', PASSWORD_MAX);
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct ehlo_span message = {(const uint8_t *)raw, 6 + rows[i].password_len};
    token[ehlo_base64_encode((uint8_t *)token, &message, 1)] = '\0';
    struct ehlo_credentials cred = {.user = ehlo_str("user"),
                                    .password = {message.bytes + 6, rows[i].password_len}};
    snprintf(text, sizeof(text), long_dialogues[rows[i].dialogue], token);
    struct ehlo_submit_case one = {"long token", {.credentials = &cred}, .text = text};
    ehlo_submit_case_run(&one);
  }
}

// ---- Early stops --------------------------------------------------------------------------------

#define STOP(name) .stop = true, .stop_after = EHLO_STAGE_##name
#define IN_TLS_AND_AUTH                                                     \
  BEGIN_TLS "S: 250-mail.example\nS: 250-PIPELINING\nS: 250 AUTH PLAIN\n" \
            "C: AUTH PLAIN " PLAIN_TOKEN "\nS: 235 in\n"
#define MAIL "C: MAIL FROM:<a@client.example>\n"
#define RCPT "C: RCPT TO:<b@mail.example>\n"

static const struct ehlo_submit_case stops[] = {
    {"connect", {LOGS_IN, STOP(CONNECT)}, .text = "S: 220 hi\n" QUIT "= stopped connect 0\n"},
    {"connect, refused", {LOGS_IN, STOP(CONNECT)}, .text = "S: 554 no\n" QUIT
     "= stopped connect 0\n"},
    {"connect, no TLS", {IMPLICIT, STOP(CONNECT)}, .text = "S: 220 hi\n" QUIT
     "= tls-failed tls 78 problem=no-tls\n"},
    {"greeting", {LOGS_IN, STOP(GREETING)}, .text = "S: 220 hi\n" QUIT "= stopped greeting 0\n"},
    {"greeting, refused", {LOGS_IN, STOP(GREETING)}, .text = "S: 554 no\n" QUIT
     "= refused greeting 69\n"},
    {"ehlo", {LOGS_IN, STOP(EHLO)}, .text = BEGIN "S: 250-mail\nS: 250 STARTTLS\n" QUIT
     "= stopped ehlo 0\n"},
    {"ehlo, no STARTTLS", {LOGS_IN, STOP(EHLO)}, .text = BEGIN "S: 250 mail\n" QUIT
     "= stopped ehlo 0\n"},
    {"starttls", {LOGS_IN, STOP(STARTTLS)}, .text = BEGIN "S: 250-mail\nS: 250 STARTTLS\n"
     "C: STARTTLS\nS: 220 go\n! tls\n" QUIT "= stopped starttls 0\n"},
    {"starttls, refused", {LOGS_IN, STOP(STARTTLS)}, .text = BEGIN "S: 250-mail\n"
     "S: 250 STARTTLS\nC: STARTTLS\nS: 454 later\n" QUIT "= tls-failed starttls 78\n"},
    {"tls", {LOGS_IN, STOP(TLS)}, .text = BEGIN_TLS "S: 250 mail\n" QUIT "= stopped tls 0\n"},
    {"tls where there is none", {NO_TLS, STOP(TLS)}, .text = BEGIN "S: 250 mail\n" QUIT
     "= stopped tls 0\n"},
    {"auth", {LOGS_IN, STOP(AUTH)}, .text = IN_TLS_AND_AUTH QUIT "= stopped auth 0\n"},
    {"auth, refused", {LOGS_IN, STOP(AUTH)}, .text = OFFER("PLAIN") "C: AUTH PLAIN " PLAIN_TOKEN
     "\nS: 535 no\n" QUIT "= auth-refused auth 77\n"},
    {"mail", {LOGS_IN, STOP(MAIL)}, .text = IN_TLS_AND_AUTH MAIL "S: 250 ok\n" QUIT
     "= stopped mail 0\n"},
    {"mail, refused", {LOGS_IN, STOP(MAIL)}, .text = IN_TLS_AND_AUTH MAIL "S: 550 no\n" QUIT
     "= refused mail 69\n"},
    {"rcpt", {LOGS_IN, STOP(RCPT)}, .text = IN_TLS_AND_AUTH MAIL RCPT "S: 250 ok\nS: 250 ok\n" QUIT
     "= stopped rcpt 0\n"},
    {"rcpt, refused", {LOGS_IN, STOP(RCPT)}, .text = IN_TLS_AND_AUTH MAIL RCPT
     "S: 250 ok\nS: 550 no\n" QUIT "= refused rcpt 69\n"},
    {"data: only closing takes it back", {LOGS_IN, STOP(DATA)}, .text = IN_TLS_AND_AUTH MAIL RCPT
     "C: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n= stopped data 0\n"},
    {"data, refused", {LOGS_IN, STOP(DATA)}, .text = IN_TLS_AND_AUTH MAIL RCPT
     "C: DATA\nS: 250 ok\nS: 250 ok\nS: 554 no\n" QUIT "= refused data 69\n"},
    // A stage that this session has not got is passed, not waited for.
    {"starttls where there is none", {NO_TLS, STOP(STARTTLS)}, .text = BEGIN "S: 250 mail\n" QUIT
     "= stopped tls 0\n"},
    {"starttls under implicit TLS", {IMPLICIT, STOP(STARTTLS)}, .text = "! tls\n" BEGIN
     "S: 250 mail\n" QUIT "= stopped tls 0\n"},
    {"auth where nobody logs in", {NO_TLS, STOP(AUTH)}, .text = BEGIN "S: 250 mail\n" QUIT
     "= stopped auth 0\n"},
};

Test(submit, stops) {
  RUN_CASES(stops);
}

// ---- An end at every wait -----------------------------------------------------------------------

// A session with everything in it. `stages`: where it stands when each turn of the server is due.
static const char whole_session[] =
    BEGIN_TLS "S: 250-mail.example\nS: 250 AUTH LOGIN\nC: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\n"
    "C: dXNlcg==\nS: 334 UGFzc3dvcmQ6\nC: {cGFzcw==}\nS: 235 in\n" ENVELOPE QUIT;
static const char *const stages[] = {"greeting", "ehlo", "starttls", "tls",  "ehlo", "auth", "auth",
                                     "auth",     "mail", "rcpt",     "data", "body", "quit"};
#define NUM_WAITS (sizeof(stages) / sizeof(stages[0]))

// Where the wait number `n` of `text` begins.
static size_t wait_at(const char *text, size_t n) {
  bool in_turn = false;
  const char *at = text;
  while (*at != '\0') {
    bool server = at[0] == 'S' || at[0] == '!';
    if (server && (!in_turn || at[0] == '!') && n-- == 0) {
      break;
    }
    in_turn = server;
    at += strcspn(at, "\n") + 1;
  }
  return (size_t)(at - text);
}

// Ends the session at each wait by `step`. `verdict` has the stage as %s; at two places the verdict
// is another: after the final dot (`in_body`, also with %s), and after QUIT it is always accepted.
static void end_everywhere(const char *step, const char *verdict, const char *in_body) {
  static char text[5000];
  for (size_t i = 0; i < NUM_WAITS; i++) {
    size_t len = wait_at(whole_session, i);
    const char *stage = stages[i];
    const char *want = strcmp(stage, "body") == 0 ? in_body : verdict;
    want = strcmp(stage, "quit") == 0 ? "accepted %s 0" : want;
    memcpy(text, whole_session, len);
    len += (size_t)sprintf(text + len, "%s\n= ", step);
    sprintf(text + len, want, stage);
    strcat(text, "\n");
    struct ehlo_submit_case one = {step, {LOGS_IN}, .text = text};
    if (strcmp(stage, "tls") != 0) {
      ehlo_submit_case_run(&one);
    }
  }
}

Test(submit, connection_ends) {
  end_everywhere("! end closed", "lost %s 74 status=closed", "unknown %s 79 status=closed");
  end_everywhere("! end reset", "lost %s 74 status=reset", "unknown %s 79 status=reset");
  end_everywhere("! end tls", "lost %s 74 status=tls", "unknown %s 79 status=tls");
  end_everywhere("! end timeout", "timeout %s 75 status=timeout", "unknown %s 79 status=timeout");
  end_everywhere("! timeout", "timeout %s 75 status=timeout", "unknown %s 79 status=timeout");
}

// Half a reply is none, however good it looks.
Test(submit, connection_ends_within_a_reply) {
  end_everywhere("S: 250-ok\\\n! end closed", "lost %s 74 status=closed",
                 "unknown %s 79 status=closed");
  end_everywhere("S: 250-ok\nS: 250 ok\\\n! end reset", "lost %s 74 status=reset",
                 "unknown %s 79 status=reset");
  end_everywhere("S: 2\\\n! timeout", "timeout %s 75 status=timeout",
                 "unknown %s 79 status=timeout");
}

Test(submit, server_breaks_the_protocol) {
  end_everywhere("S: rubbish", "protocol-error %s 76 status=reply-syntax",
                 "protocol-error %s 76 status=reply-syntax");
  end_everywhere("S: 250-a\nS: 550 b", "protocol-error %s 76 status=reply-code",
                 "protocol-error %s 76 status=reply-code");
  end_everywhere("S: \\{x*5000}", "protocol-error %s 76 status=reply-syntax",
                 "protocol-error %s 76 status=reply-syntax");
}

// RFC 5321 §3.8: the server closes, whatever was asked; QUIT would come too late.
Test(submit, service_closes) {
  end_everywhere("S: 421 4.3.2 closing", "deferred %s 75", "deferred %s 75");
  end_everywhere("S: 421-closing\nS: 421 now\n! end closed", "deferred %s 75", "deferred %s 75");
}

static const struct ehlo_submit_case tls_waits[] = {
    {"EOF", {0}, .text = BEGIN "S: 250-a\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\n! end closed\n"
     "= lost tls 74 status=closed\n"},
    {"reset", {0}, .text = BEGIN "S: 250-a\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\n! end reset\n"
     "= lost tls 74 status=reset\n"},
    {"timeout", {0}, .text = BEGIN "S: 250-a\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\n! timeout\n"
     "= timeout tls 75 status=timeout\n"},
    {"421", {0}, .text = BEGIN "S: 250-a\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\nS: 421 bye\n"
     "= protocol-error starttls 76 status=starttls-injection\n"},
};

Test(submit, handshake_ends) {
  RUN_CASES(tls_waits);
}

// ---- Names --------------------------------------------------------------------------------------

Test(submit, outcomes_have_names_and_exit_statuses) {
  static const char *const rows[EHLO_NUM_OUTCOMES] = {
      [EHLO_OUTCOME_OPEN] = "open 70",
      [EHLO_OUTCOME_ACCEPTED] = "accepted 0",
      [EHLO_OUTCOME_PARTIAL] = "partial 1",
      [EHLO_OUTCOME_REFUSED] = "refused 69",
      [EHLO_OUTCOME_DEFERRED] = "deferred 75",
      [EHLO_OUTCOME_UNKNOWN] = "unknown 79",
      [EHLO_OUTCOME_STOPPED] = "stopped 0",
      [EHLO_OUTCOME_AUTH_REFUSED] = "auth-refused 77",
      [EHLO_OUTCOME_TLS_FAILED] = "tls-failed 78",
      [EHLO_OUTCOME_PROTOCOL_ERROR] = "protocol-error 76",
      [EHLO_OUTCOME_TIMEOUT] = "timeout 75",
      [EHLO_OUTCOME_CONNECT_FAILED] = "connect-failed 74",
      [EHLO_OUTCOME_LOST] = "lost 74",
      [EHLO_OUTCOME_USAGE] = "usage 64",
  };
  for (int i = 0; i < EHLO_NUM_OUTCOMES; i++) {
    struct ehlo_submit s = {.verdict.outcome = (enum ehlo_outcome)i};
    char row[60];
    sprintf(row, "%s %d", ehlo_outcome_name(s.verdict.outcome), ehlo_submit_exit_status(&s));
    cr_assert_str_eq(row, rows[i]);
  }
  struct ehlo_submit data = {.verdict = {.outcome = EHLO_OUTCOME_USAGE, .problem = EHLO_PROBLEM_8BIT}};
  cr_assert_eq(ehlo_submit_exit_status(&data), 65);
  data.verdict.problem = EHLO_PROBLEM_MESSAGE;
  cr_assert_eq(ehlo_submit_exit_status(&data), 65);
  data.verdict.outcome = EHLO_OUTCOME_PARTIAL;
  cr_assert_eq(ehlo_submit_exit_status(&data), 1);
}

Test(submit, stages_and_problems_have_words) {
  static const char *const names[] = {"connect", "greeting", "ehlo", "starttls", "tls", "auth",
                                      "mail",    "rcpt",     "data", "body",     "quit"};
  for (int i = 0; i < EHLO_NUM_STAGES; i++) {
    cr_assert_str_eq(ehlo_stage_name((enum ehlo_stage)i), names[i]);
  }
  cr_assert_str_eq(ehlo_stage_name(EHLO_NUM_STAGES), "unknown");
  cr_assert_str_eq(ehlo_outcome_name(EHLO_NUM_OUTCOMES), "unknown");
  static const char *const words[] = {
      [EHLO_PROBLEM_NONE] = "no problem", [EHLO_PROBLEM_NO_STARTTLS] = "does not offer STARTTLS",
      [EHLO_PROBLEM_NO_TLS] = "TLS was to come", [EHLO_PROBLEM_NO_AUTH] = "does not offer AUTH",
      [EHLO_PROBLEM_NO_MECHANISM] = "no AUTH mechanism", [EHLO_PROBLEM_CLEARTEXT] = "the password",
      [EHLO_PROBLEM_CHALLENGE] = "challenge", [EHLO_PROBLEM_CREDENTIALS] = "cannot carry",
      [EHLO_PROBLEM_NONCE] = "nonce", [EHLO_PROBLEM_ITERATIONS] = "iteration count",
      [EHLO_PROBLEM_EXTENSION] = "extension of the AUTH", [EHLO_PROBLEM_PROOF] = "prove",
      [EHLO_PROBLEM_SERVER_ERROR] = "error of its own", [EHLO_PROBLEM_TOO_BIG] = "SIZE",
      [EHLO_PROBLEM_8BIT] = "8BITMIME", [EHLO_PROBLEM_MAIL_MAX] = "no more messages",
      [EHLO_PROBLEM_UNSUPPORTED] = "extension that this needs", [EHLO_PROBLEM_RSET] = "RSET",
      [EHLO_PROBLEM_ARGUMENT] = "an argument", [EHLO_PROBLEM_MESSAGE] = "the message cannot",
  };
  for (int i = EHLO_PROBLEM_NONE; i <= EHLO_PROBLEM_MESSAGE; i++) {
    cr_assert_not_null(strstr(ehlo_submit_problem_text((enum ehlo_submit_problem)i), words[i]));
  }
  for (int i = EHLO_PROBLEM_NONE; i <= EHLO_PROBLEM_MESSAGE; i++) {
    for (int k = 0; k < i; k++) {
      cr_assert_str_neq(ehlo_submit_problem_text((enum ehlo_submit_problem)i),
                        ehlo_submit_problem_text((enum ehlo_submit_problem)k));
    }
  }
}
