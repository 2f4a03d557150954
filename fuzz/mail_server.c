// See mail_server.h.
#include "fuzz/mail_server.h"

#include <string.h>

// Responses that each of them takes.
static const unsigned num_tokens[6] = {1, 2, 1, 1, 2, 1};

// ---- What is said -------------------------------------------------------------------------------

unsigned ehlo_mail_server_choose(struct ehlo_mail_server *s) {
  if (s->num_choices == 0) {
    return 0;
  }
  s->num_choices--;
  return *s->choices++;
}

// Ends something that is said.
static void end_reply(struct ehlo_mail_server *s, uint16_t code, const char *text,
                      const struct ehlo_server_offer *offer) {
  s->said[s->num_replies++] =
      (struct ehlo_server_reply){.end = s->replies.len, .code = code, .text = text, .offer = offer};
  s->silent = s->silent || s->num_replies > EHLO_SERVER_REPLIES_MAX - 4;
}

static bool is_mute(const struct ehlo_mail_server *s) {
  return s->closed || s->silent;
}

static void say(struct ehlo_mail_server *s, const char *text) {
  if (is_mute(s)) {
    return;
  }
  unsigned code = (unsigned)(text[0] - '0') * 100U + (unsigned)(text[1] - '0') * 10U +
                  (unsigned)(text[2] - '0');
  ehlo_server_add(&s->replies, text, strlen(text));
  ehlo_server_add(&s->replies, "\r\n", 2);
  end_reply(s, (uint16_t)code, text + 3, NULL);
}

// The same in several lines.
static void say_twice(struct ehlo_mail_server *s, const char *text) {
  if (is_mute(s)) {
    return;
  }
  ehlo_server_add(&s->replies, text, 3);
  ehlo_server_add(&s->replies, "-", 1);
  if (text[3] != '\0') {
    ehlo_server_add(&s->replies, text + 4, strlen(text + 4));
  }
  ehlo_server_add(&s->replies, "\r\n", 2);
  say(s, text);
  s->said[s->num_replies - 1].several = true;
}

static void say_garbage(struct ehlo_mail_server *s, const char *text, size_t len) {
  if (!is_mute(s)) {
    ehlo_server_add(&s->replies, text, len);
    end_reply(s, 0, "", NULL);
  }
}

static void close_by(struct ehlo_mail_server *s, bool reset) {
  s->reset = s->reset || (!s->closed && reset);
  s->closed = true;
}

// What a server may say to anything: 421 and close, close, or nothing at all any more.
static bool gives_up(struct ehlo_mail_server *s, unsigned choice) {
  if (choice % 16 < 1 || choice % 16 > 3) {
    return false;
  }
  if (choice % 16 == 1) {
    say(s, "421 4.3.2 shutting down");
  }
  s->silent = s->silent || choice % 16 == 3;
  if (choice % 16 != 3) {
    close_by(s, false);
  }
  return true;
}

// Only once: a client that is several replies ahead might say what here is taken for a message.
static void say_one_too_many(struct ehlo_mail_server *s, const char *text) {
  if (!s->ahead) {
    say(s, text);
  }
  s->strayed = true;
  s->ahead = true;
}

// What fits nothing. A reply that is told from the one that the server means is its last word, unless
// there was one too many.
static void misbehave(struct ehlo_mail_server *s, unsigned choice, const char *text) {
  static const char *const impossible[] = {"354 ?", "334 b2s=", "299 ?", "150 ?"};
  switch (choice % 16) {
    case 0:
    case 1:
      say_twice(s, text);
      return;
    case 2:
      say_one_too_many(s, "250 2.0.0 stray");
      say(s, text);
      return;
    case 3:
      say(s, text);
      say_one_too_many(s, "550 5.0.0 stray");
      return;
    case 4:
      say(s, text);
      close_by(s, false);
      return;
    case 5:
      say(s, "421 4.3.2 soon");  // and goes on
      s->strayed = true;
      return;
    case 6:
      say_garbage(s, "2x0 ?\r\n", 7);
      return;
    case 7:
      say_garbage(s, "250-a\r\n550 b\r\n", 14);
      return;
    case 8:
      say_garbage(s, "250 a\0b\r\n", 9);
      return;
    case 9:
      if (!is_mute(s)) {
        ehlo_server_add(&s->replies, "25", 2);
      }
      close_by(s, true);
      return;
    case 10:
      say(s, text);
      close_by(s, true);
      return;
    case 11:
      say(s, "251");
      s->strayed = true;
      return;
    default:  // no 354 that the client, a reply ahead, may take for the one to its DATA
      say(s, impossible[s->ahead ? 3 : choice % 4]);
      s->strayed = true;
  }
}

// What was said last, which a client takes for meant.
static bool said_last(const struct ehlo_mail_server *s, uint16_t code) {
  return s->num_replies > 0 && s->said[s->num_replies - 1].code == code;
}

// Says what was decided, or what the choice makes of it.
static void answer(struct ehlo_mail_server *s, unsigned choice, const char *text) {
  if (choice >= 224) {
    misbehave(s, choice, text);
  } else {
    say(s, text);
  }
}

void ehlo_mail_server_tls_done(struct ehlo_mail_server *s) {
  s->secure = true;
  s->anew = true;
}

void ehlo_mail_server_init(struct ehlo_mail_server *s, const struct ehlo_server_settings *settings,
                           const uint8_t *choices, size_t num_choices) {
  memset(s, 0, offsetof(struct ehlo_mail_server, said));
  s->settings = settings;
  s->choices = choices;
  s->num_choices = num_choices;
  s->replies.len = 0;
  s->heard.len = 0;
  s->line_start = 0;
  s->text.len = 0;
  static const char *const greetings[16] = {
      [0] = "220 mail.example ESMTP", [4] = "554 no service", [5] = "450 4.3.2 later",
      [6] = "250 mail.example",       [7] = "500 ?",
  };
  unsigned choice = ehlo_mail_server_choose(s);
  if (choice >= 224 || !gives_up(s, choice)) {
    const char *text = choice < 224 ? greetings[choice % 16] : NULL;
    answer(s, choice, text != NULL ? text : greetings[0]);
  }
}

// ---- EHLO ---------------------------------------------------------------------------------------

static void say_offer(struct ehlo_mail_server *s, const struct ehlo_server_offer *o) {
  if (!is_mute(s)) {
    ehlo_server_write_offer(&s->replies, o);
    end_reply(s, 250, " HELP", o);
  }
}

// EHLO, LHLO or HELO.
static void on_hello(struct ehlo_mail_server *s, bool extended) {
  static const char *const refusals[16] = {
      [4] = "502 5.5.1 what?", [5] = "550 no", [6] = "451 4.3.0 later", [7] = "250",
      [8] = "421 4.3.2 no",    [9] = "554 no",
  };
  unsigned choice = ehlo_mail_server_choose(s);
  s->mail_open = false;
  if (choice >= 224) {
    misbehave(s, choice, "250 mail.example");
  } else if (!gives_up(s, choice)) {
    if (refusals[choice % 16] != NULL) {
      say(s, refusals[choice % 16]);
    } else if (extended) {
      say_offer(s, &s->settings->offers[s->anew]);
    } else {
      say(s, "250 mail.example");
    }
  }
}

static void on_starttls(struct ehlo_mail_server *s) {
  static const char *const refusals[16] = {
      [4] = "454 4.7.0 not now",
      [5] = "502 5.5.1 no",
      [6] = "250 2.0.0 what?",
      [7] = "501 5.5.4 ?",
  };
  unsigned choice = ehlo_mail_server_choose(s);
  if (choice < 224 && gives_up(s, choice)) {
    return;
  }
  if (choice < 224 && refusals[choice % 16] != NULL) {
    say(s, refusals[choice % 16]);
    return;
  }
  answer(s, choice, "220 2.0.0 go");
  if (choice % 16 == 8 && choice < 224) {
    say_garbage(s, "250 2.0.0 more\r\n", 16);
  }
}

static void on_xclient(struct ehlo_mail_server *s) {
  static const char *const answers[16] = {
      [4] = "550 5.7.0 no", [5] = "451 4.3.0 later", [6] = "354 ?"};
  unsigned choice = ehlo_mail_server_choose(s);
  if (choice < 224 && gives_up(s, choice)) {
    return;
  }
  const char *text = choice < 224 ? answers[choice % 16] : NULL;
  s->anew = s->anew || text == NULL;
  answer(s, choice, text != NULL ? text : "220 mail.example");
}

// ---- AUTH ---------------------------------------------------------------------------------------

// Answers a token, or the lack of one.
static void answer_auth(struct ehlo_mail_server *s) {
  static const char *const answers[16] = {
      [4] = "535 5.7.8 no",
      [5] = "454 4.7.0 later",
      [6] = "334 b2s=",
      [7] = "334 {not base64}",
      [8] = "235 2.7.0 already",
      [9] = "504 5.5.4 unknown mechanism",
      [10] = "334 ",
      [11] = "250 2.0.0 fine",
      [12] = "334 Zm9v",
      [13] = "432 4.7.12 change it",
      [14] = "334",
  };
  unsigned choice = ehlo_mail_server_choose(s);
  size_t i = (size_t)(s->auth - ehlo_server_mechanisms);
  if (choice < 224 && gives_up(s, choice)) {
    return;
  }
  const char *text = choice < 224 ? answers[choice % 16] : NULL;
  if (text == NULL) {
    text = s->num_tokens < num_tokens[i] ? "334 b2s=" : "235 2.7.0 ok";
  }
  answer(s, choice, text);
  s->auth = said_last(s, 334) ? s->auth : NULL;
}

static bool begins(struct ehlo_span line, const char *with) {
  return line.len >= strlen(with) && memcmp(line.bytes, with, strlen(with)) == 0;
}

static void on_auth(struct ehlo_mail_server *s, struct ehlo_span line) {
  for (size_t i = 0; i < 6; i++) {
    size_t len = 5 + strlen(ehlo_server_mechanisms[i]);
    if (line.len >= len && memcmp(line.bytes + 5, ehlo_server_mechanisms[i], len - 5) == 0 &&
        (line.len == len || line.bytes[len] == ' ')) {
      s->auth = &ehlo_server_mechanisms[i];
      s->num_tokens = line.len > len;
    }
  }
  EHLO_FUZZ_CHECK(s->auth != NULL);
  answer_auth(s);
}

static void on_response(struct ehlo_mail_server *s, struct ehlo_span line) {
  if (line.len == 1 && line.bytes[0] == '*') {
    unsigned choice = ehlo_mail_server_choose(s);
    static const char *const answers[16] = {
        [4] = "235 2.7.0 ok", [5] = "454 4.7.0 later", [6] = "334 b2s="};
    if (choice < 224 && gives_up(s, choice)) {
      return;
    }
    const char *text = choice < 224 ? answers[choice % 16] : NULL;
    answer(s, choice, text != NULL ? text : "501 5.7.0 cancelled");
    s->auth = said_last(s, 334) ? s->auth : NULL;
    return;
  }
  s->num_tokens++;
  answer_auth(s);
}

// ---- The envelope -------------------------------------------------------------------------------

// The digit at `at`, which names a message or a recipient.
static size_t digit(struct ehlo_span line, size_t at, size_t limit) {
  EHLO_FUZZ_CHECK(line.len > at && line.bytes[at] >= '0' && line.bytes[at] < '0' + limit);
  return (size_t)(line.bytes[at] - '0');
}

static void on_mail(struct ehlo_mail_server *s, struct ehlo_span line) {
  static const char *const refusals[16] = {
      [4] = "451 4.3.0 later",   [5] = "550 5.7.1 no",      [6] = "503 5.5.1 not now",
      [7] = "452 4.3.1 no room", [8] = "552 5.3.4 too big",
  };
  unsigned choice = ehlo_mail_server_choose(s);
  EHLO_FUZZ_CHECK(s->strayed || !s->mail_open);
  s->num_mails++;
  EHLO_FUZZ_CHECK(begins(line, "MAIL FROM:<s"));
  s->message = digit(line, 12, EHLO_SERVER_MESSAGES_MAX);
  s->num_recipients = 0;
  s->mail_open = false;
  if (choice < 224 && gives_up(s, choice)) {
    return;
  }
  const char *text = choice < 224 ? refusals[choice % 16] : NULL;
  s->mail_open = text == NULL;
  answer(s, choice, text != NULL ? text : choice % 16 == 9 ? "250" : "250 2.1.0 ok");
}

static void on_rcpt(struct ehlo_mail_server *s, struct ehlo_span line) {
  static const char *const refusals[16] = {
      [4] = "550 5.1.1 no such user", [5] = "450 4.2.0 later",        [6] = "452 4.5.3 too many",
      [7] = "452 too many",           [8] = "452 4.5.3-ish too many", [9] = "552 5.2.2 full",
      [11] = "452 4.2.2 full",        [12] = "552 5.5.3 too many",    [13] = "554 no",
  };
  unsigned choice = ehlo_mail_server_choose(s);
  EHLO_FUZZ_CHECK(begins(line, "RCPT TO:<r"));
  size_t message = digit(line, 10, EHLO_SERVER_MESSAGES_MAX);
  size_t recipient = digit(line, 12, EHLO_SERVER_RECIPIENTS_MAX);
  EHLO_FUZZ_CHECK(message == s->message);
  if (choice < 224 && gives_up(s, choice)) {
    return;
  }
  if (!s->mail_open) {
    answer(s, choice, choice == 4 ? "250 2.1.5 why not" : "503 5.5.1 MAIL first");
    return;
  }
  for (size_t i = 0; i < s->num_recipients; i++) {
    EHLO_FUZZ_CHECK(s->recipients[i] != recipient);
  }
  const char *text = choice < 224 ? refusals[choice % 16] : NULL;
  if (text == NULL) {
    s->recipients[s->num_recipients++] = recipient;
    text = choice % 16 == 10   ? "251 2.1.5 forwarded"
           : choice % 16 == 14 ? "252 2.1.5 perhaps"
                               : "250 2.1.5 ok";
  }
  answer(s, choice, text);
}

static void on_data(struct ehlo_mail_server *s) {
  unsigned choice = ehlo_mail_server_choose(s);
  bool wanted = s->mail_open && s->num_recipients > 0;
  if (choice < 224 && gives_up(s, choice)) {
    return;
  }
  unsigned kind = choice < 224 ? choice % 16 : 0;
  const char *text = "354 go";
  if (kind == 4 || kind == 6 || (!wanted && kind != 5)) {
    text = !wanted ? "503 5.5.1 no recipients" : kind == 4 ? "451 4.3.0 later" : "554 5.6.0 no";
  }
  s->text.len = 0;
  size_t first = s->num_replies;
  answer(s, choice, text);
  while (!s->in_data && first < s->num_replies) {  // what it said counts, not what it meant
    s->in_data = s->said[first++].code == 354;
  }
}

static void on_bdat(struct ehlo_mail_server *s, struct ehlo_span line) {
  size_t i = 5;
  s->chunk_left = 0;
  for (; i < line.len && line.bytes[i] >= '0' && line.bytes[i] <= '9' && i < 12; i++) {
    s->chunk_left = s->chunk_left * 10 + (uint64_t)(line.bytes[i] - '0');
  }
  EHLO_FUZZ_CHECK(line.len - i == 5 && memcmp(line.bytes + i, " LAST", 5) == 0);
  EHLO_FUZZ_CHECK(s->chunk_left > 0);
  s->in_chunk = true;
  s->text.len = 0;
}

// ---- The message --------------------------------------------------------------------------------

static bool is_wanted_text(const struct ehlo_mail_server *s) {
  struct ehlo_span wanted = ehlo_mail_server_wanted(&s->settings->messages[s->message], s->message);
  return s->text.len == wanted.len && memcmp(s->text.bytes, wanted.bytes, wanted.len) == 0;
}

// Over LMTP once for each recipient, else once for all. The client may be left without an answer.
static bool answer_message(struct ehlo_mail_server *s, size_t first, size_t num) {
  unsigned choice = ehlo_mail_server_choose(s);
  unsigned kind = choice < 224 ? choice % 16 : 0;
  bool keeps = kind < 4 || kind > 6;
  for (size_t i = 0; keeps && kind != 1 && i < num; i++) {
    s->copies[s->message].num_delivered[s->recipients[first + i]]++;
  }
  if (choice < 224 && gives_up(s, choice)) {
    return false;
  }
  answer(s, choice,
         keeps       ? "250 2.0.0 queued"
         : kind == 4 ? "451 4.3.0 later"
         : kind == 5 ? "554 5.7.1 no"
                     : "452 4.3.1 no room");
  return !is_mute(s);
}

static void end_message(struct ehlo_mail_server *s, bool chunk) {
  s->in_data = false;
  s->in_chunk = false;
  if (s->closed) {
    return;
  }
  if (!s->mail_open || s->num_recipients == 0) {
    EHLO_FUZZ_CHECK(s->strayed || chunk || s->text.len == 0);
    s->strayed = s->strayed || s->rset_refused;
    if (!(s->settings->lmtp && chunk)) {
      unsigned choice = ehlo_mail_server_choose(s);
      answer(s, choice, choice % 2 == 0 ? "554 5.5.1 no recipients" : "250 2.0.0 whatever");
    }
  } else if (s->text.len == 0) {
    EHLO_FUZZ_CHECK(s->strayed);
    say(s, "554 5.6.0 empty");
  } else {
    EHLO_FUZZ_CHECK(is_wanted_text(s));
    size_t each = s->settings->lmtp ? 1 : s->num_recipients;
    for (size_t i = 0; i < s->num_recipients && answer_message(s, i, each); i += each) {
    }
  }
  s->mail_open = false;
  s->num_recipients = 0;
}

// ---- Lines --------------------------------------------------------------------------------------

static void on_rset(struct ehlo_mail_server *s) {
  static const char *const answers[16] = {[4] = "451 4.3.0 no", [5] = "502 5.5.1 no"};
  unsigned choice = ehlo_mail_server_choose(s);
  s->mail_open = false;  // also where it is refused: MAIL may be on its way
  if (choice < 224 && gives_up(s, choice)) {
    return;
  }
  const char *text = choice < 224 ? answers[choice % 16] : NULL;
  s->rset_refused = s->rset_refused || (s->settings->lmtp && text != NULL);
  answer(s, choice, text != NULL ? text : "250 2.0.0 ok");
}

static void on_quit(struct ehlo_mail_server *s) {
  static const char *const answers[16] = {[4] = "500 what?", [5] = "451 4.3.0 no", [6] = "354 ?"};
  unsigned choice = ehlo_mail_server_choose(s);
  s->quit = true;
  if (choice >= 224 || !gives_up(s, choice)) {
    const char *text = choice < 224 ? answers[choice % 16] : NULL;
    answer(s, choice, text != NULL ? text : "221 2.0.0 bye");
    close_by(s, false);
  }
}

static void on_command(struct ehlo_mail_server *s, struct ehlo_span line) {
  EHLO_FUZZ_CHECK(!s->quit);
  if (s->closed) {  // what else was sent is heard, but nobody acts on it
    if (begins(line, "BDAT ")) {
      on_bdat(s, line);
    }
  } else if (begins(line, "EHLO ") || begins(line, "LHLO ")) {
    EHLO_FUZZ_CHECK((line.bytes[0] == 'L') == s->settings->lmtp);
    on_hello(s, true);
  } else if (begins(line, "HELO ")) {
    on_hello(s, false);
  } else if (begins(line, "MAIL ")) {
    on_mail(s, line);
  } else if (begins(line, "RCPT ")) {
    on_rcpt(s, line);
  } else if (begins(line, "DATA")) {
    on_data(s);
  } else if (begins(line, "BDAT ")) {
    on_bdat(s, line);
  } else if (begins(line, "RSET")) {
    on_rset(s);
  } else if (begins(line, "AUTH ")) {
    EHLO_FUZZ_CHECK(s->strayed || s->auth == NULL);
    on_auth(s, line);
  } else if (begins(line, "STARTTLS")) {
    EHLO_FUZZ_CHECK(!s->secure);
    on_starttls(s);
  } else if (begins(line, "XCLIENT ")) {
    on_xclient(s);
  } else {
    bool quit = line.len == 4 && begins(line, "QUIT");
    EHLO_FUZZ_CHECK(quit || s->strayed);  // a response, to a server that is further on
    if (quit) {
      on_quit(s);
    } else {
      say(s, "500 5.5.1 what?");
    }
  }
}

// A line of the message, with its CRLF.
static bool is_end_of_message(struct ehlo_mail_server *s, struct ehlo_span line) {
  if (line.len == 3 && line.bytes[0] == '.') {
    return true;
  }
  bool dot = line.bytes[0] == '.';
  EHLO_FUZZ_CHECK(!dot || line.bytes[1] == '.');
  ehlo_server_add(&s->text, line.bytes + dot, line.len - dot);
  return false;
}

// Neither base64 nor "*" has a blank, and none of these is what the client has to respond with.
static bool is_response(struct ehlo_span line) {
  bool command = begins(line, "DATA") || begins(line, "RSET") || begins(line, "QUIT");
  return !command && (line.len == 0 || memchr(line.bytes, ' ', line.len) == NULL);
}

// A line, and who hears of it.
struct line {
  struct ehlo_span text;
  ehlo_server_listener *listener;
  void *context;
};

static void on_line(struct ehlo_mail_server *s, const struct line *l) {
  struct ehlo_span line = l->text;
  bool whole = line.len >= 2 && memchr(line.bytes, '\r', line.len) == line.bytes + line.len - 2;
  s->misheard = s->misheard || (!whole && s->strayed && s->in_data);
  if (s->misheard) {
    return;
  }
  EHLO_FUZZ_CHECK(whole);
  if (!s->in_data) {
    line.len -= 2;
    EHLO_FUZZ_CHECK(memchr(line.bytes, '\0', line.len) == NULL && line.len < 2048);
    l->listener(l->context, EHLO_HEARD_LINE, line);
    if (s->auth != NULL && !s->closed && is_response(line)) {
      on_response(s, line);
    } else {
      on_command(s, line);
    }
  } else if (is_end_of_message(s, line)) {
    l->listener(l->context, EHLO_HEARD_END, (struct ehlo_span){s->text.bytes, s->text.len});
    end_message(s, false);
  }
}

// Octets of a chunk, as many as are left of it.
static size_t take_chunk(struct ehlo_mail_server *s, const struct line *l) {
  size_t len = l->text.len < s->chunk_left ? l->text.len : (size_t)s->chunk_left;
  ehlo_server_add(&s->text, l->text.bytes, len);
  s->chunk_left -= len;
  if (s->chunk_left == 0) {
    l->listener(l->context, EHLO_HEARD_CHUNK, (struct ehlo_span){s->text.bytes, s->text.len});
    end_message(s, true);
  }
  return len;
}

void ehlo_mail_server_take(struct ehlo_mail_server *s, const uint8_t *bytes, size_t len,
                           ehlo_server_listener *listener, void *context) {
  size_t done = s->heard.len;
  ehlo_server_add(&s->heard, bytes, len);
  while (done < s->heard.len) {
    struct line l = {{s->heard.bytes + done, s->heard.len - done}, listener, context};
    if (s->in_chunk) {
      done += take_chunk(s, &l);
      s->line_start = done;
      continue;
    }
    const uint8_t *lf = memchr(l.text.bytes, '\n', l.text.len);
    if (lf == NULL) {
      return;
    }
    done = (size_t)(lf - s->heard.bytes) + 1;
    l.text = (struct ehlo_span){s->heard.bytes + s->line_start, done - s->line_start};
    s->line_start = done;
    on_line(s, &l);
  }
}
