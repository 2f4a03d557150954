// A test of somebody's own SMTP client: recorded sessions are its server. The client is the first part
// of this file; it knows nothing of transcripts. The test is the second: a few lines that join the
// two, and what they are to find. It needs no test framework: the program returns 0 if all is well.
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "replay/harness.h"

// ---- A tiny client: bytes of a server in, bytes for it out ------------------------------------------

#define TO_MAX 4

struct mail {
  const char *from;
  const char *to[TO_MAX];
  const char *text;  // lines that end in CRLF
};

enum step { GREETING, EHLO, MAIL, RCPT, DATA, TEXT, QUIT };

struct tiny_client {
  const char *name;
  const struct mail *mail;
  bool forgets_dots;  // a mistake, for the test to find
  void (*send)(void *arg, const void *bytes, size_t len);
  void *arg;
  enum step step;
  size_t next_to;
  size_t num_accepted;
  char reply[512];  // the line under way
  size_t reply_len;
};

static void say(struct tiny_client *c, const char *before, const char *what, const char *after) {
  c->send(c->arg, before, strlen(before));
  c->send(c->arg, what, strlen(what));
  c->send(c->arg, after, strlen(after));
}

// RFC 5321 §4.5.2: a dot at the start of a line is doubled.
static void say_text(struct tiny_client *c) {
  bool line_begins = true;
  for (const char *p = c->mail->text; *p != '\0'; p++) {
    if (line_begins && *p == '.' && !c->forgets_dots) {
      c->send(c->arg, ".", 1);
    }
    c->send(c->arg, p, 1);
    line_begins = *p == '\n';
  }
  say(c, ".", "", "\r\n");
}

static void say_rcpt_or_data(struct tiny_client *c) {
  const char *to = c->next_to < TO_MAX ? c->mail->to[c->next_to++] : NULL;
  if (to != NULL) {
    c->step = RCPT;
    say(c, "RCPT TO:<", to, ">\r\n");
  } else {
    c->step = c->num_accepted > 0 ? DATA : QUIT;
    say(c, c->num_accepted > 0 ? "DATA" : "QUIT", "", "\r\n");
  }
}

// A whole reply came; its code begins with `digit`.
static void on_reply(struct tiny_client *c, char digit) {
  if ((digit > '3' && c->step != RCPT) || c->step == TEXT) {
    c->step = QUIT;
    say(c, "QUIT", "", "\r\n");
    return;
  }
  switch (c->step) {
    case GREETING:
      c->step = EHLO;
      say(c, "EHLO ", c->name, "\r\n");
      break;
    case EHLO:
      c->step = MAIL;
      say(c, "MAIL FROM:<", c->mail->from, ">\r\n");
      break;
    case RCPT:
      c->num_accepted += digit == '2';
      say_rcpt_or_data(c);
      break;
    case MAIL:
      say_rcpt_or_data(c);
      break;
    case DATA:
      c->step = TEXT;
      say_text(c);
      break;
    case TEXT:
    case QUIT:
      break;
  }
}

static void tiny_client_take(struct tiny_client *c, const uint8_t *bytes, size_t len) {
  for (size_t i = 0; i < len; i++) {
    if (c->reply_len < sizeof(c->reply)) {
      c->reply[c->reply_len++] = (char)bytes[i];
    }
    if (bytes[i] == '\n') {
      bool last = c->reply_len < 4 || c->reply[3] != '-';
      c->reply_len = 0;
      if (last && c->step != QUIT) {
        on_reply(c, c->reply[0]);
      }
    }
  }
}

// ---- The test -------------------------------------------------------------------------------------

static struct ehlo_harness harness;
static int num_failed;

static long read_file(void *file, uint8_t *buf, size_t cap) {
  size_t n = fread(buf, 1, cap, file);
  return n == 0 && ferror((FILE *)file) ? -1 : (long)n;
}

static void send_to_harness(void *arg, const void *bytes, size_t len) {
  ehlo_harness_send(arg, bytes, len);
}

static void on_input(void *arg, struct ehlo_harness *h, const struct ehlo_harness_input *in) {
  struct tiny_client *c = arg;
  c->send = send_to_harness;
  c->arg = h;
  tiny_client_take(c, in->bytes, in->len);
}

// Runs a client against a transcript, and says where they part.
static struct ehlo_harness_result run(struct tiny_client client, const char *path,
                                      struct ehlo_harness_options options) {
  struct ehlo_harness_result result = {.verdict = EHLO_REPLAY_FAILED};
  const struct ehlo_divergence *d = &result.divergence;
  FILE *file = fopen(path, "rb");
  if (file != NULL) {
    ehlo_harness_run(&harness, &result, read_file, file, &options, on_input, &client);
    fclose(file);
  }
  if (result.verdict == EHLO_REPLAY_DIVERGED) {
    printf("# %s:%zu:%zu: expected %s, got %s\n", path, d->line, d->column, d->expected, d->got);
  } else if (result.verdict == EHLO_REPLAY_BAD) {
    printf("# %s:%zu:%zu: %s\n", path, result.error.line, result.error.column,
           result.error.message);
  }
  return result;
}

static void check(bool good, const char *what) {
  printf("%s: %s\n", good ? "ok" : "FAILED", what);
  num_failed += !good;
}

// As recorded, a line at a time, a byte at a time: it is the same session.
static bool is_same(struct tiny_client client, const char *path, bool tolerant) {
  bool same = true;
  for (int cut = EHLO_CHUNKS_RECORDED; cut <= EHLO_CHUNKS_BYTE; cut++) {
    struct ehlo_harness_options options = {.chunks = (enum ehlo_chunks)cut, .tolerant = tolerant};
    same = run(client, path, options).verdict == EHLO_REPLAY_SAME && same;
  }
  return same;
}

int main(void) {
  static const char typical[] = "corpus/transcripts/rfc/rfc5321-d1-typical-transaction.smtp";
  static const char refused[] = "corpus/transcripts/faults/data-554.smtp";
  static const char pieces[] = "corpus/transcripts/faults/cut-inside-the-code.smtp";
  static const char dots[] = "corpus/transcripts/faults/message-dots.smtp";
  struct mail blah = {
      .from = "Smith@bar.com",
      .to = {"Jones@foo.com", "Green@foo.com", "Brown@foo.com"},
      .text = "Blah blah blah...\r\n...etc. etc. etc.\r\n",
  };
  struct mail dotted = {
      .from = "alice@example.com",
      .to = {"bob@example.com"},
      .text = ". is the first line\r\n..\r\n.\r\n.a\r\na.b\r\n.\r\n",
  };
  struct tiny_client smith = {.name = "bar.com", .mail = &blah};
  struct tiny_client alice = {.name = "client.example.com", .mail = &dotted};

  // RFC 5321 prints the message without doubled dots, so only its commands can be compared.
  check(is_same(smith, typical, true), "the typical session of RFC 5321, command by command");
  check(is_same(alice, dots, false), "dots are doubled, octet by octet");
  check(is_same(alice, pieces, true), "a reply that comes in pieces is one reply");
  check(is_same(alice, refused, true), "after a refused DATA there is no message");

  // A client with a mistake is told where it makes it.
  alice.forgets_dots = true;
  struct ehlo_harness_result r = run(alice, dots, (struct ehlo_harness_options){.tolerant = false});
  check(r.verdict == EHLO_REPLAY_DIVERGED && strstr(r.divergence.expected, "\".") != NULL &&
            strstr(r.divergence.got, "\" is the first") != NULL,
        "a forgotten dot is found");
  printf("%d failed\n", num_failed);
  return num_failed == 0 ? 0 : 1;
}
