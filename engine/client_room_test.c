// Tests of room: what happens when the buffer, the output or the ring of outstanding commands is
// full or as small as may be, how a session goes on after that, and that it is plain memory that
// can be copied at any point.
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/testing.h"

#define READY "S: 220 x\n= reply greeting 220\n> ehlo c\nC: EHLO c\nS: 250 x\n= reply EHLO 250\n"
#define EXTENDED                                                                       \
  "S: 220 x\n= reply greeting 220\n> ehlo c\nC: EHLO c\nS: 250-x\nS: 250-PIPELINING\n" \
  "S: 250-CHUNKING\nS: 250 AUTH LOGIN\n= reply EHLO 250\n"
#define MAIL "> mail <a@b>\nC: MAIL FROM:<a@b>\nS: 250 a\n= reply MAIL 250\n"
#define RCPT "> rcpt <c@d>\nC: RCPT TO:<c@d>\nS: 250 c\n= reply RCPT 250 #0\n"
#define DATA "> data\nC: DATA\nS: 354 go\n= reply DATA 354\n= body-wanted\n"

// With its buffer a session is bound, and an idle one may be small.
_Static_assert(sizeof(struct ehlo_client) <= 2048, "the context is small");
_Static_assert(sizeof(struct ehlo_client) + EHLO_BUFFER_MIN <= 4096, "an idle session is small");

Test(client_room, rule_1_sizes) {
  fprintf(stderr, "sizeof(struct ehlo_client): %zu\n", sizeof(struct ehlo_client));
  cr_assert_leq(sizeof(struct ehlo_client), 2048U);
  cr_assert_leq(sizeof(struct ehlo_client) + EHLO_BUFFER_DEFAULT, 65536U);
  cr_assert_leq(sizeof(struct ehlo_client) + EHLO_BUFFER_MIN, 4096U);
}

// ---- Outstanding commands -----------------------------------------------------------------------

static char text[EHLO_SCRIPT_TEXT_MAX];

static char *add(char *at, const char *more) {
  size_t len = strlen(more);
  memcpy(at, more, len + 1);
  return at + len;
}

static char *add_rcpts(char *at, int num) {
  for (int i = 0; i < num; i++) {
    at = add(at, "> rcpt <c@d>\nC: RCPT TO:<c@d>\n");
  }
  return at;
}

static char *add_replies(char *at, int first, int num) {
  for (int i = first; i < first + num; i++) {
    at += sprintf(at, "S: 250 %d\n= reply RCPT 250 #%d\n", i, i);
  }
  return at;
}

// 64 commands may be outstanding. A 65th is refused, until a reply has come; so for several turns
// of the ring, and each reply still goes to its command.
Test(client_room, sixty_four_outstanding) {
  char *at = add(text, EXTENDED "> mail <a@b>\nC: MAIL FROM:<a@b>\n");
  at = add_rcpts(at, 63);
  at = add(at,
           "? pending 64\n? may-not RCPT\n? may-not DATA\n? may-not RSET\n"
           "> rcpt <c@d> -> full\n> data -> full\n> rset -> full\n> raw X -> state\n"
           "> rcpt <a b> -> full\n? pending 64\n? state rcpt\n"
           "S: 250 m\n= reply MAIL 250\n? pending 63\n? may RCPT\n");
  at = add_rcpts(at, 1);
  at = add(at, "> rcpt <c@d> -> full\n");
  at = add_replies(at, 0, 40);
  at = add_rcpts(at, 40);
  at = add(at, "? pending 64\n> rcpt <c@d> -> full\n");
  at = add_replies(at, 40, 64);
  add(at,
      "? accepted 104\n? pending 0\n? state rcpt\n> data\nC: DATA\nS: 354 x\n"
      "= reply DATA 354\n= body-wanted\n");
  struct ehlo_script script = {.name = "64", .text = text};
  ehlo_script_run(&script);
}

// An output that is full takes no part of a command, and takes it whole when there is room again.
Test(client_room, output_is_full) {
  static const struct ehlo_script script = {.name = "output",
                                            .text = EXTENDED "! hold\n> mail <a@b>\n"};
  struct ehlo_script_mode mode = EHLO_SCRIPT_WHOLE;
  mode.effects_only = true;
  struct ehlo_session *s = malloc(sizeof(*s));
  cr_assert(s != NULL);
  ehlo_script_run_once(s, &script, mode);
  struct ehlo_output out;
  struct ehlo_span path = ehlo_str("c@d");
  size_t want = strlen("MAIL FROM:<a@b>\r\n");
  size_t room = 13824;
  memset(text, 'x', 1500);
  memcpy(text, "X=", 2);
  while (want + 1500 + 18 <= room) {
    struct ehlo_span params = {(const uint8_t *)text, 1500};
    cr_assert_eq(ehlo_send_rcpt(&s->client, path, params), EHLO_OK);
    want += strlen("RCPT TO:<c@d> \r\n") + 1500;
  }
  struct ehlo_span fits = {(const uint8_t *)text, room - want - strlen("RCPT TO:<c@d> \r\n")};
  struct ehlo_span over = {(const uint8_t *)text, fits.len + 1};
  size_t pending = ehlo_client_num_pending(&s->client);
  cr_assert_eq(ehlo_send_rcpt(&s->client, path, over), EHLO_E_FULL);
  cr_assert_eq(ehlo_client_num_pending(&s->client), pending);
  cr_assert_eq(ehlo_send_rcpt(&s->client, path, fits), EHLO_OK);
  cr_assert(ehlo_output_peek(&s->client, &out));
  cr_assert_eq(out.span.len, room);
  cr_assert_eq(ehlo_send_data(&s->client), EHLO_E_FULL);
  cr_assert_eq(ehlo_client_state(&s->client), EHLO_STATE_RCPT);
  ehlo_output_ack(&s->client, 5, 0);
  cr_assert_eq(ehlo_send_data(&s->client), EHLO_E_FULL);
  ehlo_output_ack(&s->client, 1, 0);
  cr_assert_eq(ehlo_send_data(&s->client), EHLO_OK);
  cr_assert(ehlo_output_peek(&s->client, &out));
  cr_assert_eq(out.span.len, room);
  cr_assert_eq(memcmp(out.span.bytes, "ROM:<a@b>\r\n", 11), 0);
  cr_assert_eq(memcmp(out.span.bytes + room - 6, "DATA\r\n", 6), 0);
  ehlo_session_free(s);
  free(s);
}

// Commands and chunks in turn are a segment each. When there are too many a command is refused and
// a chunk takes nothing, and both go on once the transport has taken something.
Test(client_room, segments_are_full) {
  static const char *const table[][2] = {
      {"chunks", EXTENDED MAIL RCPT
       "! hold\n> bdat 1\n> chunk a\n> bdat 1\n> chunk b\n> bdat 1\n> chunk c\n> bdat 1\n"
       "> chunk d\n"
       "> bdat 1\n> chunk e\n> bdat 1 -> full\n? pending 5\n? state chunked\n"
       "! take 8\nC: BDAT 1\n> bdat 1 LAST\n? state chunk\n> chunk f\n? state chunk\n"
       "! take 1\nC+ a\n> chunk f\n? state ready\n! release\n"
       "C: BDAT 1\nC+ b\nC+ BDAT 1\\r\\nc\nC+ BDAT 1\\r\\nd\nC+ BDAT 1\\r\\ne\n"
       "C+ BDAT 1 LAST\\r\\nf\n"
       "S: 250 a\nS: 250 b\nS: 250 c\nS: 250 d\nS: 250 e\nS: 250 f\n"
       "= reply BDAT 250\n= reply BDAT 250\n= reply BDAT 250\n= reply BDAT 250\n= reply BDAT 250\n"
       "= reply BDAT 250\n? state ready\n"},
  };
  static const struct ehlo_config config;
  ehlo_script_run_table(table, 1, &config);
}

// ---- The message --------------------------------------------------------------------------------

// Much more than the output holds, with every line dotted, through a transport that takes `step`
// octets at a time: all of it arrives, in order, and the dot fits in the end.
static void send_message(size_t buf_len, size_t step) {
  static const struct ehlo_script to_body = {.name = "message",
                                             .text = READY MAIL RCPT DATA "! hold\n"};
  struct ehlo_script script = to_body;
  script.buf_len = buf_len;
  struct ehlo_session *s = malloc(sizeof(*s));
  cr_assert(s != NULL);
  ehlo_script_run_once(s, &script, EHLO_SCRIPT_WHOLE);
  s->sent_pos = s->sent_len;
  const char line[] = ".x\r\n";
  const size_t num_lines = 9000;
  for (size_t i = 0; i < num_lines; i++) {
    memcpy(text + i * 4, line, 4);
  }
  for (size_t done = 0; done < num_lines * 4;) {
    size_t used = 0;
    cr_assert_eq(
        ehlo_send_body(&s->client, &used, (const uint8_t *)text + done, num_lines * 4 - done),
        EHLO_OK);
    done += used;
    struct ehlo_output out;
    cr_assert(ehlo_output_peek(&s->client, &out));
    cr_assert_eq(out.flags & ~(unsigned)EHLO_OUTPUT_CONTINUED,
                 (unsigned)(EHLO_OUTPUT_BODY | EHLO_OUTPUT_MORE));
    ehlo_session_drain(s, step);
  }
  while (ehlo_send_body_end(&s->client) == EHLO_E_FULL) {
    cr_assert_eq(ehlo_client_state(&s->client), EHLO_STATE_BODY);
    ehlo_session_drain(s, 1);
  }
  struct ehlo_output out;
  cr_assert(ehlo_output_peek(&s->client, &out));
  cr_assert_eq(out.flags & EHLO_OUTPUT_MORE, 0U);
  ehlo_session_drain(s, SIZE_MAX);
  const char *at = s->sent + s->sent_pos;
  for (size_t i = 0; i < num_lines; i++) {
    cr_assert_eq(memcmp(at + i * 5, "..x\r\n", 5), 0, "line %zu", i);
  }
  cr_assert_eq(s->sent_len - s->sent_pos, num_lines * 5 + 3);
  cr_assert_eq(memcmp(at + num_lines * 5, ".\r\n", 3), 0);
  ehlo_session_free(s);
  free(s);
}

Test(client_room, a_message_larger_than_the_output) {
  send_message(EHLO_BUFFER_DEFAULT, 7);
  send_message(EHLO_BUFFER_DEFAULT, SIZE_MAX);
  send_message(EHLO_BUFFER_MIN, 7);
  send_message(EHLO_BUFFER_MIN, 1000);
}

// ---- The smallest buffer ------------------------------------------------------------------------

// 512 octets of output, 1,536 for a reply, of which a challenge takes 876.
static const char *const smallest[][2] = {
    {"a message", READY MAIL RCPT DATA
     "> body a\\n.b\\n\nC: a\nC: ..b\n> end\nC: .\nS: 250 x\n"
     "= reply body 250\n> quit\nC: QUIT\nS: 221 x\n= reply QUIT 221\n= closed\n"},
    {"a command", READY "> noop \\{x*505}\nC: NOOP \\{x*505}\nS: 250 x\n= reply NOOP 250\n"
                        "> noop \\{x*506} -> too-long\n? state ready\n"},
    {"a command behind another",
     EXTENDED "! hold\n> rset\n> mail <a@b> X=\\{x*487} -> full\n"
              "> mail <a@b> X=\\{x*492} -> full\n"
              "> mail <a@b> X=\\{x*493} -> too-long\n! release\nC: RSET\n"
              "> mail <a@b> X=\\{x*492}\nC: MAIL FROM:<a@b> X=\\{x*492}\n"},
    {"a reply", "S: 220-\\{a*760}\nS: 220 \\{a*764}\n= reply greeting 220\n"},
    {"a response", EXTENDED "> auth LOGIN\nC: AUTH LOGIN\nS: 334 \n= challenge []\n"
                            "> respond-open \\{a*382} -> too-long\n> respond-open aaa\nC: YWFh\n"
                            "S: 535 x\n= reply AUTH 535\n"},
};

// What does not fit is told, with the octet that was one too many.
static const struct {
  const char *text;
  const char *events;
} too_much[] = {
    {"S: 220-\\{a*760}\nS: 220 \\{a*765}\n", "failed reply-too-long @1536 [220 aaa"},
    {"S: 220 \\{a*1600}\n", "failed line-too-long @1536 [220 aaa"},
    {READY "> noop \nC: NOOP\nS: 2x0 \\{a*1600}\n", "failed reply-syntax @15 [2x0 aaa"},
    {EXTENDED "> auth LOGIN\nC: AUTH LOGIN\nS: 334 \\{A*868}\n> respond-open x\nS: 334 \\{A*871}\n",
     "challenge [\\x00"},
};

Test(client_room, the_smallest_buffer) {
  struct ehlo_script script = {.config = {.allow_cleartext_auth = true},
                               .buf_len = EHLO_BUFFER_MIN};
  for (size_t i = 0; i < sizeof(smallest) / sizeof(smallest[0]); i++) {
    script.name = smallest[i][0];
    script.text = smallest[i][1];
    ehlo_script_run(&script);
  }
  struct ehlo_session *s = malloc(sizeof(*s));
  cr_assert(s != NULL);
  for (size_t i = 0; i < 2 * sizeof(too_much) / sizeof(too_much[0]); i++) {
    struct ehlo_script_mode mode = EHLO_SCRIPT_WHOLE;
    mode.effects_only = true;
    mode.every_byte = i % 2 != 0;
    script.name = "too much";
    script.text = too_much[i / 2].text;
    ehlo_script_run_once(s, &script, mode);
    const char *want = too_much[i / 2].events;
    cr_assert(strncmp(s->events, want, strlen(want)) == 0, "%s", s->events);
    ehlo_session_free(s);
  }
  cr_assert_eq(s->client.status, EHLO_E_LINE_TOO_LONG);  // the second challenge, one octet over 876
  free(s);
}

// ---- Copies -------------------------------------------------------------------------------------

// A snapshot goes its own way, and what it does leaves the first one as it was.
Test(client_room, a_copy_is_a_session_of_its_own) {
  static const struct ehlo_script script = {.name = "copy",
                                            .text = EXTENDED
                                            "! hold\n> mail <a@b>\n> rcpt <c@d>\n! take 20\n"
                                            "C: MAIL FROM:<a@b>\nC+ RCP\nS: 250-half\nS: 250 \\\n"};
  struct ehlo_session *s = malloc(sizeof(*s));
  cr_assert(s != NULL);
  ehlo_script_run_once(s, &script, EHLO_SCRIPT_WHOLE);
  uint8_t *buf = malloc(s->buf_len);
  cr_assert(buf != NULL);
  memcpy(buf, s->buf, s->buf_len);
  struct ehlo_client copy = s->client;
  ehlo_client_rebase(&copy, buf);
  struct ehlo_client *both[] = {&s->client, &copy};
  const char *const replies[] = {"a\r\n", "b\r\n"};
  for (size_t i = 0; i < 2; i++) {
    size_t used = 0;
    struct ehlo_event event;
    struct ehlo_output out;
    cr_assert_eq(ehlo_input(both[i], &used, (const uint8_t *)replies[i], 3, 0), EHLO_OK);
    cr_assert_eq(ehlo_next(both[i], &event), EHLO_EVENT_REPLY);
    cr_assert_eq(event.verb, EHLO_VERB_MAIL);
    cr_assert_eq(event.reply.text.len, 10 + 7U);
    cr_assert_eq(event.reply.text.bytes[14], replies[i][0]);
    cr_assert(ehlo_output_peek(both[i], &out));
    cr_assert(out.span.len == 12 && memcmp(out.span.bytes, "T TO:<c@d>\r\n", 12) == 0);
    cr_assert_eq(out.flags, (unsigned)EHLO_OUTPUT_CONTINUED);
    if (i == 0) {
      ehlo_client_wipe(&s->client);
    }
  }
  free(buf);
  ehlo_session_free(s);
  free(s);
}
