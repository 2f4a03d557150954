// See mail_server.h.
#include "fuzz/mail_server.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *ehlo_mail_server_message(size_t i) {
  static const char *const messages[EHLO_SERVER_MESSAGES_MAX] = {
      "Subject: a\n\n.dot\n..\n.\nend\n",
      "Subject: b\r\n\r\nno end",
      "Subject: c\n\n.",
      "Subject: d\r\n\nBDAT 5\r\n.\r\nQUIT\n",
      "\n",
  };
  return messages[i];
}

const char *ehlo_mail_server_wanted(size_t i) {
  static const char *const messages[EHLO_SERVER_MESSAGES_MAX] = {
      "Subject: a\r\n\r\n.dot\r\n..\r\n.\r\nend\r\n",
      "Subject: b\r\n\r\nno end\r\n",
      "Subject: c\r\n\r\n.\r\n",
      "Subject: d\r\n\r\nBDAT 5\r\n.\r\nQUIT\r\n",
      "\r\n",
  };
  return messages[i];
}

// An octet of the input; 0, which is the friendly choice, when there is none left.
static unsigned choose(struct ehlo_mail_server *s, unsigned num) {
  if (s->num_choices == 0) {
    return 0;
  }
  s->num_choices--;
  return *s->choices++ % num;
}

static void say(struct ehlo_mail_server *s, const char *text) {
  if (!s->closed && !s->silent) {
    ehlo_fuzz_add(&s->replies, text, strlen(text));
    ehlo_fuzz_add(&s->replies, "\r\n", 2);
  }
}

// What a server may say to anything: 421 and close, close, or nothing at all any more.
static bool gives_up(struct ehlo_mail_server *s, unsigned choice) {
  if (choice == 1) {
    say(s, "421 4.3.2 shutting down");
    s->closed = true;
  }
  s->closed = s->closed || choice == 2;
  s->silent = s->silent || choice == 3;
  return choice >= 1 && choice <= 3;
}

void ehlo_mail_server_init(struct ehlo_mail_server *s, const struct ehlo_server_settings *settings,
                           const uint8_t *choices, size_t num_choices) {
  memset(s, 0, sizeof(*s));
  s->settings = *settings;
  s->choices = choices;
  s->num_choices = num_choices;
  say(s, "220 mail.example");
}

void ehlo_mail_server_free(struct ehlo_mail_server *s) {
  free(s->replies.bytes);
  free(s->line.bytes);
  free(s->text.bytes);
}

// ---- Commands -----------------------------------------------------------------------------------

static void on_hello(struct ehlo_mail_server *s) {
  const struct ehlo_server_settings *o = &s->settings;
  char limits[80];
  snprintf(limits, sizeof(limits), "250-LIMITS RCPTMAX=%u MAILMAX=%u", o->max_rcpts, o->max_mails);
  say(s, "250-mail.example");
  if (o->pipelining) {
    say(s, "250-PIPELINING");
  }
  if (o->chunking) {
    say(s, "250-CHUNKING");
  }
  if (o->burl) {
    say(s, "250-BURL");
  }
  say(s, limits);
  say(s, "250 SIZE");
}

static void on_mail(struct ehlo_mail_server *s, const char *line) {
  unsigned choice = choose(s, 12);
  EHLO_FUZZ_CHECK(!s->mail_open);
  s->num_mails++;
  EHLO_FUZZ_CHECK(s->settings.max_mails == 0 || s->num_mails <= s->settings.max_mails);
  EHLO_FUZZ_CHECK(sscanf(line, "MAIL FROM:<s%zu@x>", &s->message) == 1);
  EHLO_FUZZ_CHECK(s->message < EHLO_SERVER_MESSAGES_MAX);
  s->num_recipients = 0;
  if (gives_up(s, choice)) {
    return;
  }
  static const char *const refusals[] = {
      [4] = "451 4.3.0 later",
      [5] = "550 5.7.1 no",
      [6] = "503 5.5.1 not now",
  };
  s->mail_open = choice < 4 || choice > 6;
  say(s, s->mail_open ? "250 2.1.0 ok" : refusals[choice]);
}

static void on_rcpt(struct ehlo_mail_server *s, const char *line) {
  size_t message;
  size_t recipient;
  unsigned choice = choose(s, 16);
  EHLO_FUZZ_CHECK(sscanf(line, "RCPT TO:<r%zu.%zu@x>", &message, &recipient) == 2);
  EHLO_FUZZ_CHECK(message == s->message && recipient < EHLO_SERVER_RECIPIENTS_MAX);
  EHLO_FUZZ_CHECK(s->settings.max_rcpts == 0 || s->num_recipients < s->settings.max_rcpts);
  if (gives_up(s, choice)) {
    return;
  }
  if (!s->mail_open) {
    say(s, choice == 4 ? "250 2.1.5 why not" : "503 5.5.1 MAIL first");
    return;
  }
  for (size_t i = 0; i < s->num_recipients; i++) {
    EHLO_FUZZ_CHECK(s->recipients[i] != recipient);
  }
  static const char *const refusals[] = {
      [4] = "550 5.1.1 no such user", [5] = "450 4.2.0 later",        [6] = "452 4.5.3 too many",
      [7] = "452 too many",           [8] = "452 4.5.3-ish too many", [9] = "552 5.2.2 full",
  };
  if (choice >= 4 && choice <= 9) {
    say(s, refusals[choice]);
    return;
  }
  s->recipients[s->num_recipients++] = recipient;
  say(s, choice == 10 ? "251 2.1.5 forwarded" : "250 2.1.5 ok");
}

static void on_data(struct ehlo_mail_server *s) {
  unsigned choice = choose(s, 12);
  bool wanted = s->mail_open && s->num_recipients > 0;
  if (gives_up(s, choice)) {
    return;
  }
  if (choice == 4 || (!wanted && choice != 5)) {
    say(s, wanted ? "451 4.3.0 later" : "503 5.5.1 no recipients");
    return;
  }
  s->in_data = true;
  s->text.len = 0;
  say(s, "354 go");
}

static void on_bdat(struct ehlo_mail_server *s, const char *line) {
  char last[8] = "";
  EHLO_FUZZ_CHECK(s->settings.chunking);
  EHLO_FUZZ_CHECK(sscanf(line, "BDAT %zu %4s", &s->chunk_left, last) == 2);
  EHLO_FUZZ_CHECK(strcmp(last, "LAST") == 0 && s->chunk_left > 0);
  s->in_chunk = true;
  s->text.len = 0;
}

// ---- The message --------------------------------------------------------------------------------

static void deliver(struct ehlo_mail_server *s, size_t i) {
  s->copies[s->message].num_delivered[s->recipients[i]]++;
}

static bool is_wanted_text(const struct ehlo_mail_server *s) {
  const char *wanted = ehlo_mail_server_wanted(s->message);
  return s->text.len == strlen(wanted) && memcmp(s->text.bytes, wanted, s->text.len) == 0;
}

// Over LMTP once for each recipient, else once for all. The client may be left without an answer.
static bool answer_message(struct ehlo_mail_server *s, size_t first, size_t num) {
  unsigned choice = choose(s, 14);
  bool keeps = choice < 4 || choice > 6;
  for (size_t i = 0; keeps && choice != 1 && i < num; i++) {
    deliver(s, first + i);
  }
  if (choice == 2 || choice == 3) {
    s->copies[s->message].num_in_doubt++;
  }
  if (gives_up(s, choice)) {
    return false;
  }
  say(s, choice == 4 ? "451 4.3.0 later" : keeps ? "250 2.0.0 queued" : "554 5.7.1 no");
  return true;
}

static void end_message(struct ehlo_mail_server *s) {
  bool nobody = !s->mail_open || s->num_recipients == 0;
  bool chunk = s->in_chunk;
  s->in_data = false;
  s->in_chunk = false;
  if (nobody) {
    EHLO_FUZZ_CHECK(chunk || s->text.len == 0);
    if (!(s->settings.lmtp && chunk)) {
      say(s, choose(s, 2) == 0 ? "554 5.5.1 no recipients" : "250 2.0.0 whatever");
    }
  } else {
    EHLO_FUZZ_CHECK(is_wanted_text(s));
    size_t each = s->settings.lmtp ? 1 : s->num_recipients;
    for (size_t i = 0; i < s->num_recipients && answer_message(s, i, each); i += each) {
    }
  }
  s->mail_open = false;
  s->num_recipients = 0;
}

// ---- Lines --------------------------------------------------------------------------------------

static void on_command(struct ehlo_mail_server *s, const char *line) {
  EHLO_FUZZ_CHECK(!s->quit);
  if (strncmp(line, "EHLO ", 5) == 0 || strncmp(line, "LHLO ", 5) == 0) {
    EHLO_FUZZ_CHECK((line[0] == 'L') == s->settings.lmtp);
    on_hello(s);
  } else if (strncmp(line, "MAIL ", 5) == 0) {
    on_mail(s, line);
  } else if (strncmp(line, "RCPT ", 5) == 0) {
    on_rcpt(s, line);
  } else if (strcmp(line, "DATA") == 0) {
    on_data(s);
  } else if (strncmp(line, "BDAT ", 5) == 0) {
    on_bdat(s, line);
  } else if (strcmp(line, "RSET") == 0) {
    s->mail_open = false;
    say(s, "250 2.0.0 ok");
  } else {
    EHLO_FUZZ_CHECK(strcmp(line, "QUIT") == 0);
    s->quit = true;
    say(s, "221 2.0.0 bye");
    s->closed = true;
  }
}

static void on_line(struct ehlo_mail_server *s) {
  struct ehlo_fuzz_bytes *line = &s->line;
  EHLO_FUZZ_CHECK(line->len >= 2 && line->bytes[line->len - 2] == '\r');
  if (!s->in_data) {
    line->bytes[line->len - 2] = '\0';
    on_command(s, (const char *)line->bytes);
  } else if (line->len == 3 && line->bytes[0] == '.') {
    end_message(s);
  } else {
    bool dot = line->bytes[0] == '.';
    EHLO_FUZZ_CHECK(!dot || line->bytes[1] == '.');
    ehlo_fuzz_add(&s->text, line->bytes + dot, line->len - dot);
  }
  line->len = 0;
}

static void take_octet(struct ehlo_mail_server *s, uint8_t octet) {
  if (s->in_chunk) {
    ehlo_fuzz_add(&s->text, &octet, 1);
    if (--s->chunk_left == 0) {
      end_message(s);
    }
    return;
  }
  ehlo_fuzz_add(&s->line, &octet, 1);
  EHLO_FUZZ_CHECK(s->line.len <= 2048);
  if (octet == '\n') {
    on_line(s);
  }
}

// A server that closed reads nothing more; one that is silent reads and says nothing.
void ehlo_mail_server_take(struct ehlo_mail_server *s, const uint8_t *bytes, size_t len) {
  for (size_t i = 0; i < len && !s->closed; i++) {
    take_octet(s, bytes[i]);
  }
}
