// A relay's gate between a client and a server that are lists of lines: what each of them sees, and the
// record that is left, for each way of TLS in front and behind.
#include "tools/driver/gate.h"

#include <criterion/criterion.h>
#include <string.h>

#include "engine/ehlo.h"

static struct gate gate;
static char front[60000];
static char behind[60000];
static char record[60000];
static char unread_front[60000];
static char unread_behind[60000];

static void append(char *text, size_t cap, const void *bytes, size_t len) {
  size_t at = strlen(text);
  cr_assert_lt(at + len, cap);
  memcpy(text + at, bytes, len);
  text[at + len] = '\0';
}

static bool take_record(void *arg, const char *text, size_t len) {
  (void)arg;
  append(record, sizeof(record), text, len);
  return true;
}

static void to_front(void *arg, const uint8_t *bytes, size_t len) {
  (void)arg;
  append(front, sizeof(front), bytes, len);
}

static void to_behind(void *arg, const uint8_t *bytes, size_t len) {
  (void)arg;
  append(behind, sizeof(behind), bytes, len);
}

static void start(struct gate_config config) {
  static const struct gate_out out = {to_front, to_behind, NULL};
  config.helo = "relay.example";
  front[0] = behind[0] = record[0] = unread_front[0] = unread_behind[0] = '\0';
  gate_init(&gate, &config, &out, take_record, NULL);
}

// Gives what is unread, as the relay does, until nothing moves.
static void settle(bool ended) {
  for (bool moved = true; moved;) {
    size_t used =
        gate_behind(&gate, (const uint8_t *)unread_behind, strlen(unread_behind), ended, 0);
    memmove(unread_behind, unread_behind + used, strlen(unread_behind + used) + 1);
    moved = used > 0;
    used = gate_front(&gate, (const uint8_t *)unread_front, strlen(unread_front), ended, 0);
    memmove(unread_front, unread_front + used, strlen(unread_front + used) + 1);
    moved = moved || used > 0;
  }
}

static size_t cut;  // octets at a time

static void give(char *unread, size_t cap, const char *text) {
  for (size_t at = 0, len = strlen(text); at < len; at += cut) {
    append(unread, cap, text + at, len - at < cut ? len - at : cut);
    settle(false);
  }
}

static void client(const char *text) {
  front[0] = '\0';
  give(unread_front, sizeof(unread_front), text);
}

static void server(const char *text) {
  behind[0] = '\0';
  give(unread_behind, sizeof(unread_behind), text);
}

#define EACH_CUT for (cut = 1; cut <= 100000; cut = cut == 1 ? 7 : cut * 1000)

Test(gate, starttls_behind_cleartext_in_front) {
  EACH_CUT {
    start((struct gate_config){.starttls_behind = true});
    server("220 mail.example\r\n");
    cr_expect_str_eq(front, "220 mail.example\r\n");
    client("EHLO me\r\n");
    cr_expect_str_eq(behind, "EHLO me\r\n");
    server("250-mail.example\r\n250 STARTTLS\r\n");
    cr_expect_str_eq(behind, "STARTTLS\r\n");
    cr_expect_str_eq(front, "");
    server("220 go\r\n");
    cr_expect_eq(gate.state, GATE_BEGINS_BEHIND);
    gate_secured_behind(&gate, "TLSv1.3", 0);
    behind[0] = '\0';
    settle(false);
    cr_expect_str_eq(behind, "EHLO me\r\n");
    server("250-mail.example\r\n250-AUTH PLAIN SCRAM-SHA-256-PLUS\r\n250 SIZE 5\r\n");
    cr_expect_str_eq(front, "250-mail.example\r\n250-AUTH PLAIN\r\n250 SIZE 5\r\n");
    client("AUTH PLAIN dGVzdA==\r\n");
    server("235 ok\r\n");
    cr_expect_str_eq(front, "235 ok\r\n");
    ehlo_tap_finish(&gate.tap);
    cr_expect(strstr(record, "C: STARTTLS\n") != NULL && strstr(record, "! tls TLSv1.3\n") != NULL);
    cr_expect(strstr(record, "dGVz") == NULL);
  }
}

Test(gate, starttls_on_both_sides) {
  EACH_CUT {
    start((struct gate_config){.starttls_behind = true, .offers_starttls = true});
    server("220 mail.example\r\n");
    client("EHLO me\r\n");
    server("250-mail.example\r\n250 STARTTLS\r\n");
    server("220 go\r\n");
    gate_secured_behind(&gate, "", 0);
    settle(false);
    server("250-mail.example\r\n250 AUTH PLAIN\r\n");
    cr_expect_str_eq(front, "250-mail.example\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n");
    behind[0] = '\0';
    client("STARTTLS\r\n");
    cr_expect_str_eq(front, "220 2.0.0 Ready to start TLS\r\n");
    cr_expect_eq(gate.state, GATE_BEGINS_FRONT);
    gate_secured_front(&gate, "TLSv1.2", 0);
    // The server has said what it has to say; it is not asked again.
    client("EHLO me\r\n");
    cr_expect_str_eq(front, "250-mail.example\r\n250 AUTH PLAIN\r\n");
    cr_expect_str_eq(behind, "");
    client("EHLO me\r\n");  // but the second time it is
    cr_expect_str_eq(behind, "EHLO me\r\n");
    server("250 mail.example\r\n");
    cr_expect_str_eq(front, "250 mail.example\r\n");
    client("STARTTLS\r\n");
    cr_expect_str_eq(front, "503 5.5.1 TLS is on already\r\n");
  }
}

Test(gate, another_name_under_tls_passes) {
  cut = 100;
  start((struct gate_config){.secure_behind = true, .offers_starttls = true});
  server("220 x\r\n");
  client("EHLO me\r\n");
  server("250 x\r\n");
  cr_expect_str_eq(front, "250-x\r\n250 STARTTLS\r\n");
  client("STARTTLS\r\n");
  gate_secured_front(&gate, "", 0);
  behind[0] = '\0';
  client("EHLO somebody\r\n");
  cr_expect_str_eq(behind, "EHLO somebody\r\n");
}

Test(gate, a_command_before_ehlo) {
  cut = 100;
  start((struct gate_config){.starttls_behind = true});
  client("MAIL FROM:<a@b.example>\r\n");  // before the greeting too
  cr_expect_str_eq(behind, "");
  server("220 x\r\n");
  cr_expect_str_eq(behind, "EHLO relay.example\r\n");
  server("250-x\r\n250 STARTTLS\r\n");
  server("220 go\r\n");
  gate_secured_behind(&gate, "", 0);
  behind[0] = '\0';
  settle(false);
  cr_expect_str_eq(behind, "MAIL FROM:<a@b.example>\r\n");
}

Test(gate, quit_needs_no_tls) {
  cut = 100;
  start((struct gate_config){.starttls_behind = true});
  server("554 go away\r\n");
  client("QUIT\r\n");
  cr_expect_str_eq(behind, "QUIT\r\n");
}

static void expect_refused(int status, const char *why) {
  cr_expect_eq(gate.state, GATE_REFUSED, "%s", why);
  cr_expect_eq(gate.status, status, "%d: %s", gate.status, gate.why);
  cr_expect(strstr(gate.why, why) != NULL, "%s", gate.why);
  cr_expect_eq(strncmp(front, "421 4.7.0 ", 10), 0, "%s", front);
  behind[0] = '\0';
  client("AUTH PLAIN dGVzdA==\r\n");
  cr_expect_str_eq(behind, "");
}

Test(gate, no_tls_to_be_had) {
  EACH_CUT {
    start((struct gate_config){.starttls_behind = true});
    server("220 x\r\n");
    client("EHLO me\r\n");
    server("250-x\r\n250 AUTH PLAIN\r\n");
    expect_refused(78, "offers no STARTTLS");
    start((struct gate_config){.starttls_behind = true});
    server("220 x\r\n");
    client("EHLO me\r\n");
    server("250-x\r\n250 STARTTLS\r\n");
    front[0] = '\0';
    server("454 not now\r\n");
    expect_refused(78, "refused STARTTLS: 454 not now");
    start((struct gate_config){.starttls_behind = true});
    server("220 x\r\n");
    client("EHLO me\r\n");
    server("502 what\r\n");
    expect_refused(78, "refused EHLO");
  }
}

Test(gate, injection) {
  cut = 100;
  start((struct gate_config){.starttls_behind = true});
  server("220 x\r\n");
  client("EHLO me\r\n");
  server("250-x\r\n250 STARTTLS\r\n");
  server("220 go\r\n250 AUTH PLAIN\r\n");
  expect_refused(76, "cleartext behind its reply");
  cr_expect(strstr(record, "250 AUTH PLAIN") != NULL, "what came is in the record");
  start((struct gate_config){.offers_starttls = true, .secure_behind = true});
  server("220 x\r\n");
  client("STARTTLS\r\nNOOP\r\n");
  expect_refused(76, "behind STARTTLS from the program in front");
}

Test(gate, no_login_in_cleartext) {
  EACH_CUT {
    start((struct gate_config){.secure_front = true});
    server("220 x\r\n");
    behind[0] = '\0';
    client("AUTH LOGIN\r\n");
    cr_expect_eq(strncmp(front, "538 5.7.11 ", 11), 0);
    client("dGVzdA==\r\n");
    cr_expect_eq(strncmp(front, "500 ", 4), 0);
    cr_expect_str_eq(behind, "");
    client("NOOP\r\n");
    cr_expect_str_eq(behind, "NOOP\r\n");
    server("250 ok\r\n");
    client("XYZ\r\n");
    cr_expect_str_eq(behind, "XYZ\r\n");
    start((struct gate_config){.allow_cleartext_auth = true});
    server("220 x\r\n");
    behind[0] = '\0';
    client("AUTH PLAIN dGVzdA==\r\n");
    cr_expect_str_eq(behind, "AUTH PLAIN dGVzdA==\r\n");
  }
}

// A reply of the relay's own must not overtake one of the server's.
Test(gate, replies_stay_in_order) {
  EACH_CUT {
    start((struct gate_config){.secure_front = true});
    server("220 x\r\n");
    behind[0] = '\0';
    client("NOOP\r\nAUTH PLAIN dGVzdA==\r\nRSET\r\n");
    cr_expect_str_eq(front, "");
    cr_expect_str_eq(behind, "NOOP\r\n");
    server("250 fine\r\n");
    cr_expect_eq(strncmp(front, "250 fine\r\n538 ", 14), 0, "%s", front);
    cr_expect_str_eq(behind, "RSET\r\n");
  }
}

Test(gate, nothing_before_tls_in_front) {
  cut = 100;
  start((struct gate_config){
      .secure_behind = true, .offers_starttls = true, .requires_front_tls = true});
  server("220 x\r\n");
  client("EHLO me\r\n");
  server("250 x\r\n");
  behind[0] = '\0';
  client("MAIL FROM:<a@b.example>\r\n");
  cr_expect_eq(strncmp(front, "530 ", 4), 0);
  client("AUTH PLAIN dGVzdA==\r\n");
  cr_expect_eq(strncmp(front, "530 ", 4), 0);
  cr_expect_str_eq(behind, "");
  client("STARTTLS\r\n");
  gate_secured_front(&gate, "", 0);
  client("MAIL FROM:<a@b.example>\r\n");
  cr_expect_str_eq(behind, "MAIL FROM:<a@b.example>\r\n");
}

Test(gate, text_is_not_looked_into) {
  EACH_CUT {
    start((struct gate_config){.offers_starttls = true});
    server("220 x\r\n");
    client("DATA\r\n");
    server("354 go\r\n");
    behind[0] = '\0';
    client("STARTTLS\r\nAUTH PLAIN x\r\nEHLO y\r\n.\r\n");
    cr_expect_str_eq(behind, "STARTTLS\r\nAUTH PLAIN x\r\nEHLO y\r\n.\r\n");
    server("250 ok\r\n");
    behind[0] = '\0';
    client("BDAT 10 LAST\r\nSTARTTLS\r\n");
    cr_expect_str_eq(behind, "BDAT 10 LAST\r\nSTARTTLS\r\n");
  }
}

// A line without end is passed on, and a hello that is longer than can be edited as it is.
Test(gate, without_bounds) {
  static char line[GATE_LINE_MAX + 10];
  cut = 5000;
  memset(line, 'x', sizeof(line) - 1);
  start((struct gate_config){.secure_behind = true, .offers_starttls = true});
  server("220 x\r\n");
  behind[0] = '\0';
  client(line);
  cr_expect_geq(strlen(behind), GATE_LINE_MAX);
  client("\r\nEHLO me\r\n");
  behind[0] = '\0';
  server("500 what\r\n");
  for (int i = 0; i < 40; i++) {
    line[500] = '\0';
    memcpy(line, "250-", 4);
    memcpy(line + 498, "\r\n", 2);
    append(unread_behind, sizeof(unread_behind), line, 500);
  }
  front[0] = '\0';
  settle(false);
  cr_expect_geq(strlen(front), (size_t)40 * 498);
}
