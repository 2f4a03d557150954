// The player: where a divergence is found and how it is told, cuts, virtual time, tolerance,
// secrets and the copy with events made anew.
#include "replay/player.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "replay/replay.h"

#define NUM(rows) (sizeof(rows) / sizeof((rows)[0]))

// A transcript as text.
struct text {
  const char *text;
  size_t pos;
};

static long read_text(void *arg, uint8_t *buf, size_t cap) {
  struct text *t = arg;
  size_t left = strlen(t->text) - t->pos;
  size_t n = left < cap ? left : cap;
  memcpy(buf, t->text + t->pos, n);
  t->pos += n;
  return (long)n;
}

static void run(struct ehlo_replay_result *out, const char *text, enum ehlo_chunks chunks,
                bool tolerant) {
  struct text source = {text, 0};
  struct ehlo_replay_options options = {.chunks = chunks, .tolerant = tolerant};
  ehlo_replay_run(out, read_text, &source, &options);
}

// Four lines of settings, so that the dialogue begins in line 6.
#define SETTINGS                    \
  "! ehlo-transcript 1\n"           \
  "! submit tls none\n"             \
  "! submit helo client.example\n"  \
  "! submit from <a@example.com>\n" \
  "! submit to <b@example.com>\n"
#define LOGIN             \
  "! submit user alice\n" \
  "! submit auth LOGIN\n" \
  "! submit allow-cleartext-auth\n"
#define GREETING "S: 220 mail.example\n"
#define HELLO "C: EHLO client.example\nS: 250 mail.example\n"
#define AUTH_HELLO "C: EHLO client.example\nS: 250-mail.example\nS: 250 AUTH LOGIN\n"
#define MAIL "C: MAIL FROM:<a@example.com>\nS: 250 ok\n"
#define RCPT "C: RCPT TO:<b@example.com>\nS: 250 ok\n"
#define DATA "C: DATA\nS: 354 go\n"
#define TEXT "C: a\nC: .\nS: 250 ok\n"
#define QUIT "C: QUIT\nS: 221 bye\n"

// ---- Divergence ---------------------------------------------------------------------------------

struct divergence_row {
  const char *name;
  const char *text;
  size_t line;
  size_t column;
  const char *expected;
  const char *got;
};

static const struct divergence_row divergence_rows[] = {
    {"a wrong byte", SETTINGS GREETING "C: EHLO client.exbmple\n", 7, 18, "\"bmple\\r\\n\"",
     "\"ample\\r\\n\""},
    {"a wrong byte behind a cut", SETTINGS GREETING "C: EHLO cli\\\nC: ent.exbmple\n", 8, 10,
     "\"bmple\\r\\n\"", "\"ample\\r\\n\""},
    {"a wrong escaped byte", SETTINGS GREETING "C: EHLO \\x00lient.example\n", 7, 9,
     "\"\\x00lient.example\\r\\n\"", "\"client.example\\r\\n\""},
    {"another command", SETTINGS GREETING "C: HELO client.example\n", 7, 4,
     "\"HELO client.example\\r\\n\"", "\"EHLO client.example\\r\\n\""},
    {"a line that was longer", SETTINGS GREETING "C: EHLO client.example.com\n", 7, 23,
     "\".com\\r\\n\"", "\"\\r\\n\""},
    {"a line that was shorter", SETTINGS GREETING "C: EHLO client\n", 7, 15, "\"\\r\\n\"",
     "\".example\\r\\n\""},
    {"a command that the client does not send", SETTINGS GREETING HELLO "C: NOOP\nS: 250 ok\n" MAIL,
     9, 4, "\"NOOP\\r\\n\"", "\"MAIL FROM:<a@example.com>\\r\\n\""},
    {"a command before its time", SETTINGS "C: EHLO client.example\n" GREETING, 6, 4,
     "\"EHLO client.example\\r\\n\"", "nothing: the client waits for a reply"},
    {"a command that the record lacks", SETTINGS GREETING HELLO "S: 250 ok\n" RCPT QUIT, 10, 4,
     "\"RCPT TO:<b@example.com>\\r\\n\"", "the end of the session"},
    {"a record that ends too early", SETTINGS GREETING HELLO MAIL, 10, 1,
     "the end of the transcript", "\"RCPT TO:<b@example.com>\\r\\n\""},
    {"a record that goes on", SETTINGS GREETING HELLO MAIL RCPT DATA TEXT QUIT "C: NOOP\n", 20, 4,
     "\"NOOP\\r\\n\"", "the end of the session"},
    {"another message", SETTINGS GREETING HELLO MAIL RCPT DATA "C: a\\x00\\nb\nC: .\nS: 250 ok\n",
     15, 9, "\"\\n\"", "\"\\r\\n\""},
    {"a secret where text was",
     SETTINGS LOGIN GREETING AUTH_HELLO "C: AUTH LOGIN\nS: 334\n"
                                        "C: YWxpY2U=\nS: 334\nC: c2VjcmV0\n",
     17, 4, "\"c2VjcmV0\\r\\n\"", "a secret"},
    {"text where a secret was",
     SETTINGS LOGIN GREETING AUTH_HELLO "C: AUTH LOGIN\nS: 334\n"
                                        "C: \\{secret}\n",
     15, 4, "a secret", "\"YWxpY2U=\\r\\n\""},
    {"text where a secret was, within a line",
     SETTINGS LOGIN GREETING AUTH_HELLO "C: AUTH \\{secret}\nS: 334\n", 13, 9, "a secret",
     "\"LOGIN\\r\\n\""},
    {"no secret where one was", SETTINGS GREETING HELLO "C: MAIL \\{secret}\n", 9, 9, "a secret",
     "\"FROM:<a@example.com>\\r\\n\""},
    {"another event", SETTINGS GREETING "= reply 221 to greeting\n" HELLO, 7, 3,
     "reply 221 to greeting", "reply 220 to greeting"},
    {"an event that did not come", SETTINGS GREETING "= reply 220 to greeting\n= closed\n" HELLO, 8,
     3, "closed", "no event"},
    {"an event that the list lacks",
     SETTINGS GREETING "= reply 220 to greeting\n" HELLO "! eof S\n", 10, 1, "no further event",
     "reply 250 to EHLO"},
    {"another outcome", SETTINGS "! eof S\n= failed closed at 0\n= outcome accepted at quit\n", 8,
     3, "outcome accepted at quit", "outcome lost at greeting"},
    {"a timeout before its time", SETTINGS "+299.999000 ! timeout\n", 6, 15,
     "a wait that timed out", "a wait that goes on"},
    {"TLS that nobody asked for", SETTINGS GREETING HELLO "! tls TLSv1.3\n" MAIL, 9, 3,
     "tls TLSv1.3", "no such step"},
};

Test(player, tells_where_a_session_differs) {
  for (size_t i = 0; i < NUM(divergence_rows); i++) {
    const struct divergence_row *row = &divergence_rows[i];
    struct ehlo_replay_result r;
    run(&r, row->text, EHLO_CHUNKS_RECORDED, false);
    const struct ehlo_divergence *d = &r.divergence;
    cr_expect_eq(r.verdict, EHLO_REPLAY_DIVERGED, "%s: verdict %d", row->name, (int)r.verdict);
    cr_expect(d->line == row->line && d->column == row->column, "%s: at %zu:%zu, not %zu:%zu",
              row->name, d->line, d->column, row->line, row->column);
    cr_expect_str_eq(d->expected, row->expected, "%s: expected %s", row->name, d->expected);
    cr_expect_str_eq(d->got, row->got, "%s: got %s", row->name, d->got);
  }
}

// Sends one span straight into the player: what the client does wrong with its flags.
static enum ehlo_status offer(struct ehlo_player *p, const char *bytes, unsigned flags,
                              size_t *out_taken) {
  struct ehlo_output out = {{(const uint8_t *)bytes, strlen(bytes)}, flags};
  uint8_t in[64];
  size_t in_len;
  return p->base.ops->exchange(&p->base, out_taken, &in_len, &out, in, sizeof(in), EHLO_NEVER);
}

Test(player, holds_secrets_apart_from_text) {
  static const struct {
    const char *bytes;
    unsigned flags;
    size_t column;  // of the divergence, 0: there is none
  } rows[] = {
      {"AGEAYg==", EHLO_OUTPUT_SECRET, 0},
      {"any other of any length", EHLO_OUTPUT_SECRET, 0},
      {"AGEAYg==", 0, 15},    // a client that forgot to mark it
      {"\\{secret}", 0, 15},  // nor is it the text of the mark
      {"(hidden)", 0, 15},
  };
  for (size_t i = 0; i < NUM(rows); i++) {
    struct text source = {"C: AUTH PLAIN \\{secret}\n", 0};
    struct ehlo_reader reader;
    struct ehlo_player p;
    size_t taken;
    ehlo_reader_init(&reader, read_text, &source);
    ehlo_player_init(&p, &reader, EHLO_CHUNKS_RECORDED, false, NULL);
    cr_assert(offer(&p, "AUTH PLAIN ", 0, &taken) == EHLO_OK && taken == 11);
    enum ehlo_status status = offer(&p, rows[i].bytes, rows[i].flags, &taken);
    cr_expect_eq(p.divergence.column, rows[i].column, "%zu: column %zu", i, p.divergence.column);
    cr_expect_eq(status == EHLO_OK, rows[i].column == 0, "%zu", i);
    cr_expect_eq(taken, rows[i].column == 0 ? strlen(rows[i].bytes) : 0, "%zu: %zu", i, taken);
    if (status == EHLO_OK) {
      cr_expect(offer(&p, "\r\n", 0, &taken) == EHLO_OK && taken == 2);
    }
  }
}

Test(player, a_transcript_may_end_anywhere) {
  static const char *const texts[] = {
      "",
      "S: 220 hello\n",
      "S: 220 hello\nC: EHLO a.example\n",
      "S: 220 hello",
      "S: 22\\\n",
      "S: 220 hello\nC: EHLO a.example\nS: 250-a\n",
      "# nothing\n",
      "! eof S\n",
  };
  for (size_t i = 0; i < NUM(texts); i++) {
    struct ehlo_replay_result r;
    run(&r, texts[i], EHLO_CHUNKS_RECORDED, false);
    cr_expect_eq(r.verdict, EHLO_REPLAY_SAME, "%s: %zu:%zu expected %s got %s", texts[i],
                 r.divergence.line, r.divergence.column, r.divergence.expected, r.divergence.got);
  }
}

// ---- Events -------------------------------------------------------------------------------------

Test(player, event_lines_of_a_hand_written_file_stand_for_themselves) {
  struct ehlo_replay_result r;
  run(&r, GREETING HELLO "= reply 250 to EHLO\n" MAIL RCPT QUIT "= closed\n", EHLO_CHUNKS_RECORDED,
      false);
  cr_expect_eq(r.verdict, EHLO_REPLAY_SAME, "%s", r.divergence.got);
  run(&r, GREETING HELLO "= reply 251 to EHLO\n", EHLO_CHUNKS_RECORDED, false);
  cr_expect_eq(r.verdict, EHLO_REPLAY_DIVERGED);
  cr_expect(r.divergence.line == 4 && r.divergence.column == 3);
}

// ---- Tolerance ----------------------------------------------------------------------------------

Test(player, tolerates_other_client_bytes) {
  static const char other[] = SETTINGS GREETING "C: EHLO somebody.else\nS: 250 mail.example\n" MAIL
                                                "C: RCPT TO:<nobody@example.org>\nS: 250 ok\n" DATA
                                                "C: b\nC: c\nC: .\nS: 250 ok\n" QUIT;
  struct ehlo_replay_result r;
  run(&r, other, EHLO_CHUNKS_RECORDED, false);
  cr_expect_eq(r.verdict, EHLO_REPLAY_DIVERGED);
  for (unsigned chunks = EHLO_CHUNKS_RECORDED; chunks <= EHLO_CHUNKS_BYTE; chunks++) {
    run(&r, other, (enum ehlo_chunks)chunks, true);
    cr_expect(r.verdict == EHLO_REPLAY_SAME && r.outcome == EHLO_OUTCOME_ACCEPTED,
              "%u: %zu:%zu expected %s got %s", chunks, r.divergence.line, r.divergence.column,
              r.divergence.expected, r.divergence.got);
  }
  // Events are still held against what the client gave.
  run(&r, SETTINGS GREETING "= reply 221 to greeting\n", EHLO_CHUNKS_RECORDED, true);
  cr_expect_eq(r.verdict, EHLO_REPLAY_DIVERGED);
}

Test(player, tolerance_drives_verbs_too) {
  struct ehlo_replay_result r;
  run(&r,
      GREETING HELLO MAIL RCPT DATA "C: ..a\nC: .\nS: 250 ok\n= reply 250 to body\n" QUIT
                                    "= closed\n",
      EHLO_CHUNKS_RECORDED, true);
  cr_expect_eq(r.verdict, EHLO_REPLAY_SAME, "%zu:%zu expected %s got %s", r.divergence.line,
               r.divergence.column, r.divergence.expected, r.divergence.got);
  cr_expect_eq(r.state, EHLO_STATE_CLOSED);
}

// ---- Cuts and times -----------------------------------------------------------------------------

// Reads the server's side to its end: "piece@milliseconds|…".
static void read_pieces(char *out, size_t cap, const char *text, enum ehlo_chunks chunks) {
  struct text source = {text, 0};
  struct ehlo_reader reader;
  struct ehlo_player p;
  struct ehlo_output none = {{NULL, 0}, 0};
  uint8_t in[64];
  size_t taken;
  size_t len;
  size_t at = 0;
  out[0] = '\0';
  ehlo_reader_init(&reader, read_text, &source);
  ehlo_player_init(&p, &reader, chunks, false, NULL);
  while (p.base.ops->exchange(&p.base, &taken, &len, &none, in, sizeof(in), EHLO_NEVER) ==
             EHLO_OK &&
         at < cap) {
    int n = snprintf(out + at, cap - at, "%.*s@%u|", (int)len, (const char *)in,
                     (unsigned)(p.base.ops->now_us(&p.base) / 1000));
    at += n > 0 ? (size_t)n : cap;
  }
}

Test(player, cuts_as_it_is_told) {
  static const char text[] =
      "+0.010 S: 250-a\n       S: 250 b\\\n+0.020 S: c\\\n       S: d\n# a comment\n+1 S: e\n"
      "S: f\n";
  static const struct {
    enum ehlo_chunks chunks;
    const char *pieces;
  } rows[] = {
      {EHLO_CHUNKS_RECORDED, "250-a\r\n250 b@10|cd\r\n@30|e\r\nf\r\n@1030|"},
      {EHLO_CHUNKS_LINE, "250-a\r\n@10|250 b@10|c@30|d\r\n@30|e\r\n@1030|f\r\n@1030|"},
      {EHLO_CHUNKS_BYTE,
       "2@10|5@10|0@10|-@10|a@10|\r@10|\n@10|2@10|5@10|0@10| @10|b@10|c@30|d@30|\r@30|\n@30|"
       "e@1030|\r@1030|\n@1030|f@1030|\r@1030|\n@1030|"},
  };
  for (size_t i = 0; i < NUM(rows); i++) {
    char pieces[512];
    read_pieces(pieces, sizeof(pieces), text, rows[i].chunks);
    cr_expect_str_eq(pieces, rows[i].pieces, "%zu: %s", i, pieces);
  }
}

Test(player, gives_a_chunk_that_is_larger_than_the_room_in_pieces) {
  char pieces[256];
  read_pieces(pieces, sizeof(pieces),
              "S: 0123456789012345678901234567890123456789\nS: 01234567890123456789012345678\n",
              EHLO_CHUNKS_RECORDED);
  cr_expect_str_eq(pieces,
                   "0123456789012345678901234567890123456789\r\n0123456789012345678901@0|"
                   "2345678\r\n@0|");
}

Test(player, hides_what_a_server_echoed) {
  static const struct {
    enum ehlo_chunks chunks;
    const char *pieces;
  } rows[] = {
      {EHLO_CHUNKS_RECORDED, "535 a aGlkZGVu!aGlkZGVu\r\n@0|"},
      {EHLO_CHUNKS_LINE, "535 a aGlkZGVu!aGlkZGVu\r\n@0|"},
  };
  for (size_t i = 0; i < NUM(rows); i++) {
    char pieces[256];
    read_pieces(pieces, sizeof(pieces), "S: 535 a \\{secret}!\\{secret}\n", rows[i].chunks);
    cr_expect_str_eq(pieces, rows[i].pieces, "%zu: %s", i, pieces);
  }
  char pieces[256];
  read_pieces(pieces, sizeof(pieces), "S: \\{secret}\n", EHLO_CHUNKS_BYTE);
  cr_expect_str_eq(pieces, "a@0|G@0|l@0|k@0|Z@0|G@0|V@0|u@0|\r@0|\n@0|");
}

// What one exchange without output gives for a transcript, a deadline and the time after it.
struct time_row {
  const char *text;
  uint64_t deadline_ms;
  enum ehlo_status status;
  size_t in_len;
  uint64_t now_us;
};

static const struct time_row time_rows[] = {
    {"+1.5 S: a\n", 2000, EHLO_OK, 3, 1500000},
    {"+1.5 S: a\n", 1500, EHLO_OK, 3, 1500000},
    {"+1.5 S: a\n", 1499, EHLO_E_TIMEOUT, 0, 1499000},
    {"+1.5 S: a\n", EHLO_NEVER, EHLO_OK, 3, 1500000},
    {"S: a\n", 0, EHLO_OK, 3, 0},
    {"! timeout\n", 7000, EHLO_E_TIMEOUT, 0, 7000000},
    {"+7 ! timeout\n", 7000, EHLO_E_TIMEOUT, 0, 7000000},
    {"+9 ! timeout\n", 7000, EHLO_E_TIMEOUT, 0, 9000000},
    {"+6.999 ! timeout\n", 7000, EHLO_E_STATE, 0, 6999000},
    {"! timeout\n", EHLO_NEVER, EHLO_E_STATE, 0, 0},
    {"+3 ! eof S\n", 7000, EHLO_E_CLOSED, 0, 3000000},
    {"+3 ! reset S\n", 7000, EHLO_E_RESET, 0, 3000000},
    {"+3 ! tls failed close_notify\n", 7000, EHLO_E_TLS, 0, 3000000},
    {"! connect failed refused\n", 7000, EHLO_E_CONNECT, 0, 0},
    {"# nothing\n! note nothing\n", 7000, EHLO_E_STATE, 0, 0},
};

Test(player, plays_the_recorded_time) {
  for (size_t i = 0; i < NUM(time_rows); i++) {
    const struct time_row *row = &time_rows[i];
    struct text source = {row->text, 0};
    struct ehlo_reader reader;
    struct ehlo_player p;
    struct ehlo_output none = {{NULL, 0}, 0};
    uint8_t in[64];
    size_t taken;
    size_t len;
    ehlo_reader_init(&reader, read_text, &source);
    ehlo_player_init(&p, &reader, EHLO_CHUNKS_RECORDED, false, NULL);
    enum ehlo_status status =
        p.base.ops->exchange(&p.base, &taken, &len, &none, in, sizeof(in), row->deadline_ms);
    cr_expect_eq(status, row->status, "%s: %s", row->text, ehlo_status_name(status));
    cr_expect_eq(len, row->in_len, "%s: %zu bytes", row->text, len);
    cr_expect_eq(p.base.ops->now_us(&p.base), row->now_us, "%s: %llu", row->text,
                 (unsigned long long)p.base.ops->now_us(&p.base));
  }
}

// A wait that was cut short by a deadline goes on from there.
Test(player, keeps_the_time_that_is_left) {
  struct text source = {"+10 S: a\n+1 S: b\n", 0};
  struct ehlo_reader reader;
  struct ehlo_player p;
  struct ehlo_output none = {{NULL, 0}, 0};
  uint8_t in[64];
  size_t taken;
  size_t len;
  ehlo_reader_init(&reader, read_text, &source);
  ehlo_player_init(&p, &reader, EHLO_CHUNKS_RECORDED, false, NULL);
  const struct ehlo_transport_ops *ops = p.base.ops;
  cr_expect_eq(ops->exchange(&p.base, &taken, &len, &none, in, sizeof(in), 4000), EHLO_E_TIMEOUT);
  cr_expect_eq(ops->exchange(&p.base, &taken, &len, &none, in, sizeof(in), 9000), EHLO_E_TIMEOUT);
  cr_expect_eq(ops->exchange(&p.base, &taken, &len, &none, in, sizeof(in), 12000), EHLO_OK);
  cr_expect_eq(ops->now_us(&p.base), 10000000);
  cr_expect_eq(ops->exchange(&p.base, &taken, &len, &none, in, sizeof(in), 12000), EHLO_OK);
  cr_expect_eq(ops->now_us(&p.base), 11000000);
}

Test(player, a_handshake_is_where_the_record_has_it) {
  static const struct {
    const char *text;
    enum ehlo_status status;
    bool diverged;
  } rows[] = {
      {"! tls TLSv1.3\n", EHLO_OK, false},
      {"! tls\n", EHLO_OK, false},
      {"! tls failed self-signed certificate\n", EHLO_E_TLS, false},
      {"! eof S\n", EHLO_E_CLOSED, false},
      {"! reset S\n", EHLO_E_RESET, false},
      {"! timeout\n", EHLO_E_TIMEOUT, false},
      {"S: 250 injected\n", EHLO_E_STARTTLS_INJECTION, false},
      {"C: EHLO a\n", EHLO_E_STATE, true},
      {"", EHLO_E_STATE, false},
  };
  for (size_t i = 0; i < NUM(rows); i++) {
    struct text source = {rows[i].text, 0};
    struct ehlo_reader reader;
    struct ehlo_player p;
    ehlo_reader_init(&reader, read_text, &source);
    ehlo_player_init(&p, &reader, EHLO_CHUNKS_RECORDED, false, NULL);
    enum ehlo_status status = p.base.ops->start_tls(&p.base, 1000);
    cr_expect_eq(status, rows[i].status, "%s: %s", rows[i].text, ehlo_status_name(status));
    cr_expect_eq(p.divergence.found, rows[i].diverged, "%s", rows[i].text);
  }
}

// ---- The copy with events made anew -------------------------------------------------------------

struct copy {
  size_t len;
  char text[4096];
};

static bool append(void *arg, const char *text, size_t len) {
  struct copy *c = arg;
  if (c->len + len >= sizeof(c->text)) {
    return false;
  }
  memcpy(c->text + c->len, text, len);
  c->len += len;
  c->text[c->len] = '\0';
  return true;
}

static void update(struct copy *out, const char *text) {
  static struct ehlo_writer writer;
  struct text source = {text, 0};
  struct ehlo_replay_options options = {.copy = &writer};
  struct ehlo_replay_result r;
  *out = (struct copy){0};
  ehlo_writer_init(&writer, append, out);
  ehlo_replay_run(&r, read_text, &source, &options);
  cr_expect_eq(r.verdict, EHLO_REPLAY_SAME, "%zu:%zu %s, not %s", r.divergence.line,
               r.divergence.column, r.divergence.got, r.divergence.expected);
}

static void remove_events(struct copy *out, const char *text) {
  *out = (struct copy){0};
  while (*text != '\0') {
    size_t len = strcspn(text, "\n");
    len += text[len] == '\n';
    if (text[0] != '=') {
      append(out, text, len);
    }
    text += len;
  }
}

static const char *const update_texts[] = {
    SETTINGS "# one\n" GREETING HELLO "# two\n" MAIL "! note three\n" RCPT DATA TEXT QUIT
             "# four\n! eof S\n# five\n",
    SETTINGS LOGIN "+0.5       S: 220 hello\n" AUTH_HELLO
                   "C: AUTH LOGIN\nS: 334 \\x61\nC: YWxpY2U=\n"
                   "S: 334\nC: \\{secret}\nS: 535 no \\{secret}\n" QUIT,
    GREETING HELLO "C: NOOP\nS: 250 ok\n" QUIT,
    SETTINGS "+300 ! timeout\n",
    SETTINGS
    "S: 220 a\\\nS: b\nC: EHLO client.example\nS: 250-a\n      S: 250 PIPELINING\n"
    "C: MAIL FROM:<a@example.com>\nC: RCPT TO:<b@example.com>\nC: DATA\nS: 250 a\nS: 250 b\n"
    "S: 354 c\nC: .\nC: QUIT\nS: 250 d\nS: 221 e\n",
};

Test(player, the_copy_has_all_lines_and_new_events) {
  for (size_t i = 0; i < NUM(update_texts); i++) {
    struct copy first;
    struct copy second;
    struct copy bare;
    struct ehlo_replay_result r;
    update(&first, update_texts[i]);
    remove_events(&bare, first.text);
    cr_expect_str_eq(bare.text, update_texts[i], "%zu: a line was changed or lost", i);
    cr_expect_neq(first.len, bare.len, "%zu: no event was written", i);
    update(&second, first.text);
    cr_expect_str_eq(second.text, first.text, "%zu: the second time is not as the first", i);
    run(&r, first.text, EHLO_CHUNKS_BYTE, false);
    cr_expect_eq(r.verdict, EHLO_REPLAY_SAME, "%zu: %zu:%zu %s", i, r.divergence.line,
                 r.divergence.column, r.divergence.got);
  }
}

Test(player, the_copy_drops_events_that_are_wrong) {
  struct copy out;
  update(&out, GREETING "= reply 555 to greeting\n= nonsense\n" HELLO);
  cr_expect_str_eq(out.text, GREETING "= reply 220 to greeting\n" HELLO "= reply 250 to EHLO\n",
                   "%s", out.text);
}

Test(player, the_copy_keeps_a_last_line_without_line_feed) {
  struct copy out;
  update(&out, GREETING "! eof S");
  cr_expect_str_eq(out.text, GREETING "= reply 220 to greeting\n! eof S\n= failed closed at 18\n",
                   "%s", out.text);
}
