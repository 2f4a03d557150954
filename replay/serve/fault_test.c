// Faults: their text, with the column of a mistake, and what each does to what is said, counted.
#include "replay/serve/fault.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "replay/serve/served_testing.h"

static struct ehlo_faults faults;
static struct ehlo_served served;
static struct ehlo_script script;

// ---- The text ----------------------------------------------------------------------------------

Test(fault, is_read) {
  static const struct {
    const char *text;
    enum ehlo_fault_stage stage;
    enum ehlo_fault_kind kind;
    size_t occurrence;
    size_t connection;
    size_t most;
    const char *bytes;
    uint64_t time_us;
    size_t at;
  } rows[] = {
      {"rcpt:reply=451 4.7.1 try later*2", EHLO_FAULT_AT_RCPT, EHLO_FAULT_REPLY, 0, 0, 2,
       "451 4.7.1 try later\r\n", 0, 0},
      {"ehlo#2@3:reply=250-mx\\r\\n250 SIZE", EHLO_FAULT_AT_EHLO, EHLO_FAULT_REPLY, 2, 3, 0,
       "250-mx\r\n250 SIZE\r\n", 0, 0},
      {"mail:reply=250 a*\\x32", EHLO_FAULT_AT_MAIL, EHLO_FAULT_REPLY, 0, 0, 0, "250 a*2\r\n", 0,
       0},
      {"mail:reply=250 2*3*4", EHLO_FAULT_AT_MAIL, EHLO_FAULT_REPLY, 0, 0, 4, "250 2*3\r\n", 0, 0},
      {"greeting:raw=\\xff\\\\", EHLO_FAULT_AT_GREETING, EHLO_FAULT_RAW, 0, 0, 0, "\xff\\", 0, 0},
      {"starttls:inject=250 x\\r\\n*1", EHLO_FAULT_AT_STARTTLS, EHLO_FAULT_INJECT, 0, 0, 1,
       "250 x\r\n", 0, 0},
      {"data:delay=1.25", EHLO_FAULT_AT_DATA, EHLO_FAULT_DELAY, 0, 0, 0, "", 1250000, 0},
      {"body:hang@", EHLO_NUM_FAULT_STAGES, EHLO_FAULT_HANG, 0, 0, 0, "", 0, 10},
      {"quit:cut", EHLO_FAULT_AT_QUIT, EHLO_FAULT_CUT, 0, 0, 0, "", 0, 0},
      {"session@2:reset=100", EHLO_FAULT_AT_SESSION, EHLO_FAULT_RESET, 0, 2, 0, "", 0, 100},
      {"bdat:close=all*9", EHLO_FAULT_AT_BDAT, EHLO_FAULT_CLOSE, 0, 0, 9, "", 0, EHLO_FAULT_ALL},
      {"session:drip", EHLO_FAULT_AT_SESSION, EHLO_FAULT_DRIP, 0, 0, 0, "", 0, 0},
      {"mail:limit=30/60 432 4.3.2 slow", EHLO_FAULT_AT_MAIL, EHLO_FAULT_LIMIT, 0, 0, 0,
       "432 4.3.2 slow\r\n", 60000000, 0},
      {"tls:limit=3/1", EHLO_NUM_FAULT_STAGES, EHLO_FAULT_LIMIT, 0, 0, 0, "", 0, 5},
      // Mistakes: where.
      {"", EHLO_NUM_FAULT_STAGES, EHLO_FAULT_REPLY, 0, 0, 0, "", 0, 1},
      {"rctp:hang", EHLO_NUM_FAULT_STAGES, EHLO_FAULT_REPLY, 0, 0, 0, "", 0, 1},
      {"rcpt#0:hang", EHLO_NUM_FAULT_STAGES, EHLO_FAULT_REPLY, 0, 0, 0, "", 0, 6},
      {"rcpt@x:hang", EHLO_NUM_FAULT_STAGES, EHLO_FAULT_REPLY, 0, 0, 0, "", 0, 6},
      {"rcpt hang", EHLO_NUM_FAULT_STAGES, EHLO_FAULT_REPLY, 0, 0, 0, "", 0, 5},
      {"rcpt:hung", EHLO_NUM_FAULT_STAGES, EHLO_FAULT_REPLY, 0, 0, 0, "", 0, 6},
      {"rcpt:hang*0", EHLO_NUM_FAULT_STAGES, EHLO_FAULT_REPLY, 0, 0, 0, "", 0, 11},
      {"rcpt:reply", EHLO_NUM_FAULT_STAGES, EHLO_FAULT_REPLY, 0, 0, 0, "", 0, 11},
      {"rcpt:reply=hello", EHLO_NUM_FAULT_STAGES, EHLO_FAULT_REPLY, 0, 0, 0, "", 0, 12},
      {"rcpt:reply=250 \\q", EHLO_NUM_FAULT_STAGES, EHLO_FAULT_REPLY, 0, 0, 0, "", 0, 12},
      {"rcpt:raw=", EHLO_NUM_FAULT_STAGES, EHLO_FAULT_REPLY, 0, 0, 0, "", 0, 10},
      {"rcpt:delay=x", EHLO_NUM_FAULT_STAGES, EHLO_FAULT_REPLY, 0, 0, 0, "", 0, 12},
      {"rcpt:delay=1000001", EHLO_NUM_FAULT_STAGES, EHLO_FAULT_REPLY, 0, 0, 0, "", 0, 12},
      {"rcpt:limit=1001/1", EHLO_NUM_FAULT_STAGES, EHLO_FAULT_REPLY, 0, 0, 0, "", 0, 16},
      {"rcpt:limit=3/0", EHLO_NUM_FAULT_STAGES, EHLO_FAULT_REPLY, 0, 0, 0, "", 0, 15},
      {"rcpt:cut=5x", EHLO_NUM_FAULT_STAGES, EHLO_FAULT_REPLY, 0, 0, 0, "", 0, 11},
      {"session:hang", EHLO_NUM_FAULT_STAGES, EHLO_FAULT_REPLY, 0, 0, 0, "", 0, 9},
      {"tls:cut=3", EHLO_NUM_FAULT_STAGES, EHLO_FAULT_REPLY, 0, 0, 0, "", 0, 5},
      {"session#2:cut", EHLO_NUM_FAULT_STAGES, EHLO_FAULT_REPLY, 0, 0, 0, "", 0, 11},
  };
  static struct ehlo_fault f;
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    size_t column;
    const char *wrong = ehlo_fault_read(&f, &column, rows[i].text);
    if (rows[i].stage == EHLO_NUM_FAULT_STAGES) {
      cr_expect(wrong != NULL && column == rows[i].at, "%s: column %zu, %s", rows[i].text, column,
                wrong != NULL ? wrong : "good");
      continue;
    }
    cr_expect_null(wrong, "%s: %s", rows[i].text, wrong);
    cr_expect(f.stage == rows[i].stage && f.kind == rows[i].kind &&
                  f.occurrence == rows[i].occurrence && f.connection == rows[i].connection &&
                  f.most == rows[i].most && f.time_us == rows[i].time_us && f.at == rows[i].at,
              "%s", rows[i].text);
    cr_expect(f.text_len == strlen(rows[i].bytes) && memcmp(f.text, rows[i].bytes, f.text_len) == 0,
              "%s", rows[i].text);
  }
}

Test(fault, text_has_a_limit) {
  static struct ehlo_fault f;
  static char text[5000];
  size_t column;
  memcpy(text, "rcpt:raw=", 9);
  memset(text + 9, 'x', 4094);
  cr_expect_null(ehlo_fault_read(&f, &column, text));
  text[9 + 4094] = 'x';
  cr_expect_not_null(ehlo_fault_read(&f, &column, text));
}

// ---- What they do ------------------------------------------------------------------------------

static void set_faults(const char *const *texts) {
  memset(&faults, 0, sizeof(faults));
  for (; *texts != NULL; texts++) {
    size_t column;
    const char *wrong = ehlo_fault_read(&faults.list[faults.num++], &column, *texts);
    cr_assert_null(wrong, "%s: %s", *texts, wrong);
  }
}

static void read_script(void) {
  static const char text[] =
      "S: 220 mx\nC: EHLO a\nS: 250-mx\nS: 250 STARTTLS\nC: MAIL FROM:<>\nS: 250 m\n"
      "C: RCPT TO:<b>\nS: 250 r\nC: DATA\nS: 354 d\nC: .\nS: 250 k\nC: VRFY a\nS: 252 v1\nC: VRFY "
      "b\nS: 252 v2\nC: QUIT\nS: 221 q\n";
  struct ehlo_transcript_error error;
  cr_assert(ehlo_script_read_text(&script, &error, (const uint8_t *)text, sizeof(text) - 1));
}

static void run_session(struct ehlo_served_run *run, size_t connection, const char *client) {
  memset(run, 0, sizeof(*run));
  ehlo_served_init(&served, &script, &faults, EHLO_SERVE_RECORDED, 0, connection);
  ehlo_served_run_steps(run, &served);
  ehlo_served_run_input(run, &served, (const uint8_t *)client, strlen(client), SIZE_MAX);
  ehlo_served_finish(&served);
}

#define HELLO "220 mx\r\n250-mx\r\n250 STARTTLS\r\n"
#define MESSAGE "EHLO b\r\nMAIL FROM:<>\r\nRCPT TO:<1>\r\nDATA\r\n.\r\n"

Test(fault, strikes_where_it_says) {
  static const struct {
    const char *faults[4];
    const char *client;
    const char *said;
    enum ehlo_ending ending;
    size_t num_handshakes;
    uint64_t delay_us;
  } rows[] = {
      {{"rcpt:reply=451 later*2"},
       "EHLO b\r\nMAIL FROM:<>\r\nRCPT TO:<1>\r\nRCPT TO:<1>\r\n"
       "RCPT TO:<1>\r\nDATA\r\n",
       HELLO "250 m\r\n451 later\r\n451 later\r\n250 r\r\n354 d\r\n",
       0,
       0,
       0},
      {{"rcpt#2:reply=550 no"},
       "EHLO b\r\nMAIL FROM:<>\r\nRCPT TO:<1>\r\nRCPT TO:<1>\r\n"
       "RCPT TO:<1>\r\n",
       HELLO "250 m\r\n250 r\r\n550 no\r\n250 r\r\n",
       0,
       0,
       0},
      {{"rcpt:reply=450 a*1", "rcpt:reply=451 b*1"},
       "EHLO b\r\nMAIL FROM:<>\r\nRCPT TO:<1>\r\n"
       "RCPT TO:<1>\r\nRCPT TO:<1>\r\n",
       HELLO "250 m\r\n450 a\r\n451 b\r\n250 r\r\n",
       0,
       0,
       0},
      {{"mail:reply=452 full"},
       MESSAGE,
       HELLO "452 full\r\n503 5.5.1 MAIL comes first\r\n503 5.5.1 MAIL comes first\r\n"
             "502 5.5.1 Not a command here\r\n",
       0,
       0,
       0},
      {{"data:reply=451 no"},
       MESSAGE,
       HELLO "250 m\r\n250 r\r\n451 no\r\n502 5.5.1 Not a command here\r\n",
       0,
       0,
       0},
      {{"body:reply=421 4.3.2 bye"},
       MESSAGE,
       HELLO "250 m\r\n250 r\r\n354 d\r\n421 4.3.2 bye\r\n",
       EHLO_ENDS_CLOSED,
       0,
       0},
      {{"ehlo:reply=250 nothing"}, "EHLO b\r\n", "220 mx\r\n250 nothing\r\n", 0, 0, 0},
      {{"greeting:raw=\\x00\\xff"},
       "NOOP\r\n",
       "\x00\xff"
       "250 2.0.0 Ok\r\n",
       0,
       0,
       0},
      {{"mail:hang"}, MESSAGE, HELLO, EHLO_ENDS_SILENT, 0, 0},
      {{"mail:delay=2", "mail:delay=0.5"},
       "EHLO b\r\nMAIL FROM:<>\r\n",
       HELLO "250 m\r\n",
       0,
       0,
       2500000},
      {{"mail:cut=2"}, MESSAGE, HELLO "25", EHLO_ENDS_CUT, 0, 0},
      {{"mail:cut=6"}, MESSAGE, HELLO "250 m\r", EHLO_ENDS_CUT, 0, 0},
      {{"other:reply=450 no*1"}, "VRFY a\r\nVRFY a\r\n", "220 mx\r\n450 no\r\n252 v1\r\n", 0, 0, 0},
      {{"mail:reset"}, MESSAGE, HELLO, EHLO_ENDS_RESET, 0, 0},
      {{"mail:close=all"}, MESSAGE, HELLO "250 m\r\n", EHLO_ENDS_CLOSED, 0, 0},
      {{"mail:close=1000"}, MESSAGE, HELLO "250 m\r\n", EHLO_ENDS_CLOSED, 0, 0},
      {{"mail:cut=2", "mail:reply=451 later"}, MESSAGE, HELLO "45", EHLO_ENDS_CUT, 0, 0},
      {{"session:reset=10"}, MESSAGE, "220 mx\r\n25", EHLO_ENDS_RESET, 0, 0},
      {{"session:cut"}, MESSAGE, "", EHLO_ENDS_CUT, 0, 0},
      {{"session:cut=all"}, "QUIT\r\n", "220 mx\r\n221 q\r\n", EHLO_ENDS_CUT, 0, 0},
      {{"session@2:cut"}, "QUIT\r\n", "220 mx\r\n221 q\r\n", EHLO_ENDS_CLOSED, 0, 0},
      {{"quit:cut=all"}, "QUIT\r\n", "220 mx\r\n221 q\r\n", EHLO_ENDS_CUT, 0, 0},
      {{"quit:close"}, "QUIT\r\n", "220 mx\r\n", EHLO_ENDS_CLOSED, 0, 0},
      {{"starttls:inject=250 evil\\r\\n"},
       "EHLO b\r\nSTARTTLS\r\nNOOP\r\n",
       HELLO "220 2.0.0 Ready to start TLS\r\n250 evil\r\n250 2.0.0 Ok\r\n",
       0,
       1,
       0},
      {{"starttls:reply=454 no"}, "EHLO b\r\nSTARTTLS\r\n", HELLO "454 no\r\n", 0, 0, 0},
      {{"tls:raw=junk"},
       "EHLO b\r\nSTARTTLS\r\nNOOP\r\n",
       HELLO "220 2.0.0 Ready to start TLS\r\njunk",
       EHLO_ENDS_CUT,
       0,
       0},
      {{"tls:hang"},
       "EHLO b\r\nSTARTTLS\r\nNOOP\r\n",
       HELLO "220 2.0.0 Ready to start TLS\r\n",
       EHLO_ENDS_SILENT,
       0,
       0},
      {{"tls:delay=3"},
       "EHLO b\r\nSTARTTLS\r\n",
       HELLO "220 2.0.0 Ready to start TLS\r\n",
       0,
       1,
       3000000},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct ehlo_served_run run;
    size_t len = strcmp(rows[i].faults[0], "greeting:raw=\\x00\\xff") == 0
                     ? 2 + strlen(rows[i].said + 2)
                     : strlen(rows[i].said);
    read_script();
    set_faults(rows[i].faults);
    run_session(&run, 1, rows[i].client);
    cr_expect(run.said.len == len && (len == 0 || memcmp(run.said.bytes, rows[i].said, len) == 0),
              "%s: said %.*s", rows[i].faults[0], (int)run.said.len,
              run.said.len > 0 ? (const char *)run.said.bytes : "");
    cr_expect(run.ending == rows[i].ending && run.num_handshakes == rows[i].num_handshakes &&
                  run.delay_us == rows[i].delay_us,
              "%s", rows[i].faults[0]);
    ehlo_served_run_free(&run);
    ehlo_script_free(&script);
  }
}

Test(fault, drips_a_byte_a_step) {
  static const char *const texts[] = {"ehlo:drip", NULL};
  struct ehlo_served_run run;
  read_script();
  set_faults(texts);
  run_session(&run, 1, "EHLO b\r\n");
  cr_expect_eq(run.num_steps, 1 + strlen("250-mx\r\n250 STARTTLS\r\n"));
  ehlo_served_run_free(&run);
  ehlo_script_free(&script);
}

Test(fault, is_counted_over_all_connections) {
  static const char *const texts[] = {"mail:reply=451 later*3", NULL};
  static const char *const said[] = {HELLO "451 later\r\n451 later\r\n",
                                     HELLO "451 later\r\n250 m\r\n",
                                     HELLO "250 m\r\n503 5.5.1 A transaction is under way\r\n"};
  read_script();
  set_faults(texts);
  for (size_t i = 0; i < 3; i++) {
    struct ehlo_served_run run;
    run_session(&run, i + 1, "EHLO b\r\nMAIL FROM:<>\r\nMAIL FROM:<>\r\n");
    cr_expect(run.said.len == strlen(said[i]) && memcmp(run.said.bytes, said[i], run.said.len) == 0,
              "%zu: %.*s", i, (int)run.said.len, (const char *)run.said.bytes);
    ehlo_served_run_free(&run);
  }
  cr_expect_eq(faults.list[0].used, 3);
  ehlo_script_free(&script);
}

// Two in ten seconds of a clock that a command advances by three: the third comes too early, the
// fourth when the first is ten seconds old.
Test(fault, limits_a_rate_on_the_virtual_clock) {
  static const char *const texts[] = {"noop:limit=2/10 432 slow", NULL};
  static const char client[] = "NOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\n";
  static const char *const expected[] = {"250", "250", "432", "432", "250", "250", "432", "432"};
  for (int again = 0; again < 2; again++) {
    struct ehlo_served_run run;
    read_script();
    set_faults(texts);
    faults.command_us = 3000000;
    run_session(&run, 1, client);
    const char *at = (const char *)run.said.bytes + strlen("220 mx\r\n");
    for (size_t i = 0; i < 8; i++) {
      cr_expect_eq(strncmp(at, expected[i], 3), 0, "%zu: %.3s", i, at);
      at = strchr(at, '\n') + 1;
    }
    ehlo_served_run_free(&run);
    ehlo_script_free(&script);
  }
}

Test(fault, limits_connections_by_their_own_step) {
  static const char *const texts[] = {"greeting:limit=1/60", NULL};
  static const bool refused[] = {false, true, true, false, true};
  read_script();
  set_faults(texts);
  faults.connection_us = 20000000;
  for (size_t i = 0; i < 5; i++) {
    struct ehlo_served_run run;
    run_session(&run, i + 1, "");
    cr_expect_eq(run.said.bytes[0] == '4', refused[i], "%zu", i);
    ehlo_served_run_free(&run);
  }
  ehlo_script_free(&script);
}

Test(fault, what_the_client_does_about_it_is_told) {
  static const struct {
    const char *fault;
    const char *client;
    enum ehlo_reaction_type type;
  } rows[] = {
      {"mail:reply=451 no", "EHLO b\r\nMAIL FROM:<>\r\nMAIL FROM:<>\r\n", EHLO_REACTION_RETRIED},
      {"mail:reply=451 no", "EHLO b\r\nMAIL FROM:<>\r\nQUIT\r\n", EHLO_REACTION_QUIT},
      {"mail:reply=451 no", "EHLO b\r\nMAIL FROM:<>\r\n", EHLO_REACTION_CLOSED},
      {"mail:reply=451 no", "EHLO b\r\nMAIL FROM:<>\r\nNOOP\r\n", EHLO_REACTION_WENT_ON},
      {"mail:cut=2", "EHLO b\r\nMAIL FROM:<>\r\nMAIL FROM:<>\r\n", EHLO_REACTION_NONE},
      {"starttls:inject=x", "EHLO b\r\nSTARTTLS\r\n", EHLO_REACTION_WENT_ON},
      {"mail:hang", "EHLO b\r\nMAIL FROM:<>\r\n", EHLO_REACTION_CLOSED},
      {"data:drip", MESSAGE, EHLO_REACTION_WENT_ON},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    const char *const texts[] = {rows[i].fault, NULL};
    struct ehlo_served_run run;
    read_script();
    set_faults(texts);
    run_session(&run, 1, rows[i].client);
    cr_expect(served.report.num_reactions >= 1 && served.report.reactions[0].type == rows[i].type,
              "%s: %d", rows[i].fault, (int)served.report.reactions[0].type);
    ehlo_served_run_free(&run);
    ehlo_script_free(&script);
  }
}
