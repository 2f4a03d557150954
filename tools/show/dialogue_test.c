// What each piece of a conversation is taken for, as a log that is compared whole.
#include "tools/show/dialogue.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "engine/ehlo.h"
#include "tools/show/testing.h"

struct log {
  struct show_dialogue dialogue;
  size_t len;
  char text[8192];
};

__attribute__((format(printf, 2, 3))) static void say(struct log *l, const char *format, ...) {
  va_list args;
  va_start(args, format);
  l->len += (size_t)vsnprintf(l->text + l->len, sizeof(l->text) - l->len, format, args);
  va_end(args);
  cr_assert_lt(l->len, sizeof(l->text));
}

static void say_text(struct log *l, const struct show_piece *piece) {
  struct show_segments it = {.piece = piece};
  struct show_segment segment;
  while (show_segments_next(&it, &segment)) {
    if (segment.secret) {
      say(l, "***");
    }
    for (size_t i = 0; i < segment.text.len; i++) {
      uint8_t c = segment.text.bytes[i];
      say(l, c >= ' ' && c < 0x7f ? "%c" : "<%02x>", c);
    }
  }
}

// "role verb stage [code[.enhanced][-]] text", with "+" before what goes on and "+" behind what does.
static void log_piece(struct log *l, const struct show_piece *p) {
  static const char *const roles[] = {"command", "response", "message", "end",
                                      "reply",   "fact",     "event",   "comment"};
  if (p->role > SHOW_REPLY) {
    return;
  }
  say(l, "%s %s %s ", roles[p->role], ehlo_verb_name(p->verb), ehlo_stage_name(p->stage));
  if (p->role == SHOW_REPLY) {
    say(l, "[%u", p->code);
    if (p->enhanced.class_code != 0) {
      say(l, " %u.%u.%u", p->enhanced.class_code, p->enhanced.subject, p->enhanced.detail);
    }
    say(l, "%s] ", p->code != 0 && !p->last ? "-" : "");
  }
  say(l, "%s", p->begins ? "" : "+");
  say_text(l, p);
  say(l, "%s\n", p->over ? "" : "+");
}

static void take(void *arg, const struct ehlo_item *item) {
  struct log *l = arg;
  struct show_piece piece;
  show_dialogue_item(&l->dialogue, item);
  while (show_dialogue_next(&l->dialogue, &piece)) {
    log_piece(l, &piece);
  }
}

static void expect(const char *transcript, const char *log) {
  static struct log l;
  memset(&l, 0, sizeof(l));
  show_dialogue_init(&l.dialogue);
  testing_read(transcript, take, &l);
  cr_expect_str_eq(l.text, log, "got\n%s", l.text);
}

Test(dialogue, knows_what_each_reply_answers_in_a_pipeline) {
  expect(
      "S: 220 hi\nC: EHLO x\nS: 250-a\nS: 250 PIPELINING\nC: MAIL FROM:<a>\nC: RCPT TO:<b>\nC: "
      "DATA\n"
      "S: 250 2.1.0 ok\nS: 550 5.1.1 no\nS: 354 go\nC: Subject: x\nC: ..\nC: .\nC: QUIT\nS: 250 "
      "ok\n"
      "S: 221 bye\n",
      "reply greeting greeting [220] 220 hi\n"
      "command EHLO ehlo EHLO x\n"
      "reply EHLO ehlo [250-] 250-a\n"
      "reply EHLO ehlo [250] 250 PIPELINING\n"
      "command MAIL mail MAIL FROM:<a>\n"
      "command RCPT rcpt RCPT TO:<b>\n"
      "command DATA data DATA\n"
      "reply MAIL mail [250 2.1.0] 250 2.1.0 ok\n"
      "reply RCPT rcpt [550 5.1.1] 550 5.1.1 no\n"
      "reply DATA data [354] 354 go\n"
      "message body body Subject: x\n"
      "message body body ..\n"
      "end body body .\n"
      "command QUIT quit QUIT\n"
      "reply body body [250] 250 ok\n"
      "reply QUIT quit [221] 221 bye\n");
}

Test(dialogue, joins_what_was_cut) {
  expect("S: 2\\\nS: 20-\\\nS: a\\r\\\nS: \\n\\\nS: 220 5\\r\\\nS: x\nC: QU\\\nC: IT\n",
         "reply greeting greeting [0] 2+\n"
         "reply greeting greeting [220-] +20-+\n"
         "reply greeting greeting [220-] +a+\n"
         "reply greeting greeting [220-] +\n"
         "reply greeting greeting [220] 220 5+\n"
         "reply greeting greeting [220] +<0d>x\n"
         "command nothing greeting QU+\n"
         "command QUIT quit +IT\n");
}

Test(dialogue, takes_apart_lines_that_share_an_item) {
  expect("S: 220-a\\r\\n220 b\\r\\n220 c\n",
         "reply greeting greeting [220-] 220-a\n"
         "reply greeting greeting [220] 220 b\n"
         "reply nothing greeting [220] 220 c\n");
}

Test(dialogue, follows_an_authentication) {
  expect(
      "S: 220 a\nC: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: \\{secret}\nS: 334 UGFzcw==\nC: *\n"
      "S: 501 5.7.0 no\nC: AUTH PLAIN x\\{secret}y\nS: 535 5.7.8 \\{secret}\nC: \\{secret}\nS: 503 "
      "what\n",
      "reply greeting greeting [220] 220 a\n"
      "command AUTH auth AUTH LOGIN\n"
      "reply AUTH auth [334] 334 VXNlcm5hbWU6\n"
      "response AUTH auth ***\n"
      "reply AUTH auth [334] 334 UGFzcw==\n"
      "response AUTH auth *\n"
      "reply AUTH auth [501 5.7.0] 501 5.7.0 no\n"
      "command AUTH auth AUTH PLAIN x***y\n"
      "reply AUTH auth [535 5.7.8] 535 5.7.8 ***\n"
      "response AUTH auth ***\n"
      "reply AUTH auth [503] 503 what\n");
}

Test(dialogue, finds_commands_behind_a_chunk_that_ends_within_a_line) {
  expect(
      "S: 220 a\nC: BDAT 3\nC: abcBDAT 4 LAST\nC: .\nC: xQUIT\nS: 250 one\nS: 250 two\nS: 221 "
      "bye\n",
      "reply greeting greeting [220] 220 a\n"
      "command BDAT body BDAT 3\n"
      "message BDAT body abc\n"
      "command BDAT body BDAT 4 LAST\n"
      "message BDAT body .\n"
      "message BDAT body x\n"
      "command QUIT quit QUIT\n"
      "reply BDAT body [250] 250 one\n"
      "reply BDAT body [250] 250 two\n"
      "reply QUIT quit [221] 221 bye\n");
}

Test(dialogue, takes_no_line_with_a_secret_for_the_dot) {
  expect(
      "S: 220 a\nC: DATA\nS: 354 b\nC: .\\{secret}\nC: \\{secret}.\nC: .\nS: 250 c\n",
      "reply greeting greeting [220] 220 a\ncommand DATA data DATA\nreply DATA data [354] 354 b\n"
      "message body body .***\nmessage body body ***.\nend body body .\nreply body body [250] 250 "
      "c\n");
}

Test(dialogue, reads_no_code_where_there_is_none) {
  expect("S: +OK\nS: 25\nS: 2x0 a\nS: 250\\tx\nS: 220\nS: 99999\n",
         "reply greeting greeting [0] +OK\n"
         "reply greeting greeting [0] 25\n"
         "reply greeting greeting [0] 2x0 a\n"
         "reply greeting greeting [0] 250<09>x\n"
         "reply greeting greeting [220] 220\n"
         "reply nothing greeting [0] 99999\n");
}

// ---- Time ---------------------------------------------------------------------------------------

static void log_wait(void *arg, const struct ehlo_item *item) {
  struct log *l = arg;
  struct show_piece piece;
  show_dialogue_item(&l->dialogue, item);
  while (show_dialogue_next(&l->dialogue, &piece)) {
    if (piece.has_wait) {
      say(l, "%s %u at %u: %s\n", piece.waited_for == EHLO_SIDE_SERVER ? "server" : "client",
          (unsigned)(piece.wait_us / 1000000), (unsigned)(piece.time_us / 1000000),
          ehlo_stage_name(piece.stage));
    }
    cr_expect_eq(piece.timed, piece.time_us > 0);
  }
}

Test(dialogue, tells_who_was_waited_for_and_where) {
  static struct log l;
  show_dialogue_init(&l.dialogue);
  testing_read(
      "! submit helo x\n+1 ! connect a:25 b\n+2 S: 220 a\n+1 C: EHLO x\n+2 S: 250 a\n+1 C: "
      "STARTTLS\n"
      "+2 S: 220 a\n+3 ! tls x\n+1 ! submit channel-binding tls-exporter\n+1 C: DATA\n+2 S: 354 a\n"
      "+1 C: x\n+1 C: .\nC: QUIT\n+60 ! timeout\n+1 ! eof C\n",
      log_wait, &l);
  cr_expect_str_eq(l.text,
                   "server 1 at 1: connect\nserver 2 at 3: greeting\nclient 1 at 4: ehlo\n"
                   "server 2 at 6: ehlo\nclient 1 at 7: starttls\nserver 2 at 9: starttls\n"
                   "server 3 at 12: tls\nclient 1 at 13: tls\nclient 1 at 14: data\n"
                   "server 2 at 16: data\nclient 1 at 17: body\nclient 1 at 18: body\n"
                   "server 60 at 78: body\nclient 1 at 79: body\n",
                   "got\n%s", l.text);
}
