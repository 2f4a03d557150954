// One call for one transcript: what is no transcript is told with its place, what cannot be read is
// told as that, and the result says how the session ended.
#include "replay/replay.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define NUM(rows) (sizeof(rows) / sizeof((rows)[0]))

// Gives a text in pieces, and fails behind it if told to.
struct text {
  const char *text;
  size_t pos;
  size_t piece;
  bool fails;
};

static long read_text(void *arg, uint8_t *buf, size_t cap) {
  struct text *t = arg;
  size_t left = strlen(t->text) - t->pos;
  size_t n = left < cap ? left : cap;
  n = n < t->piece ? n : t->piece;
  memcpy(buf, t->text + t->pos, n);
  t->pos += n;
  return n == 0 && t->fails ? -1 : (long)n;
}

static void run(struct ehlo_replay_result *out, struct text source) {
  struct ehlo_replay_options options = {.chunks = EHLO_CHUNKS_RECORDED};
  ehlo_replay_run(out, read_text, &source, &options);
}

static const struct {
  const char *text;
  size_t line;
  size_t column;
} bad_rows[] = {
    {"hello\n", 1, 1},
    {"S: 220 hello\nX: 1\n", 2, 1},
    {"S: 220 hello\n\nC: QUIT\n", 2, 1},
    {"S: 220 a\\qb\n", 1, 9},
    {"S: 220 hello \n", 1, 13},
    {"# fine\nS:220\n", 2, 3},
    {"S: 220 hello\nC: EHLO a.example\nS: 250 b\n! unheard of\n", 4, 3},
    {"+1x S: 220\n", 1, 3},
    {"! ehlo-transcript 2\n", 1, 19},
    {"S: 220 a\n! ehlo-transcript 1\n", 2, 3},
    {"! submit colour red\nS: 220 a\n", 1, 1},
    {"! ehlo-transcript 1\n! submit tls none\n! submit to nobody\nS: 220 a\n", 3, 1},
    {"! submit tls none\n! sumbit from <>\n", 2, 3},
    {"S: 220 a\tb\n", 1, 9},
    {"! submit tls implicit\n! tls\n! submit channel-binding twine\nS: 220 a\n", 3, 1},
    {"! submit tls implicit\n! tls\n! submit to <a@example.com>\nS: 220 a\n", 3, 1},
    {"! tls\nS: 220 hello\nC: EHLO a.example\nS: 250 \xff\n", 4, 8},
};

Test(replay, tells_where_a_transcript_is_none) {
  for (size_t i = 0; i < NUM(bad_rows); i++) {
    for (size_t piece = 1; piece < 100; piece += 49) {
      struct ehlo_replay_result r;
      run(&r, (struct text){.text = bad_rows[i].text, .piece = piece});
      cr_expect_eq(r.verdict, EHLO_REPLAY_BAD, "%s: verdict %d", bad_rows[i].text, (int)r.verdict);
      cr_expect(r.error.line == bad_rows[i].line && r.error.column == bad_rows[i].column,
                "%s: at %zu:%zu", bad_rows[i].text, r.error.line, r.error.column);
      cr_expect(r.error.message != NULL && r.error.message[0] != '\0', "%s", bad_rows[i].text);
    }
  }
}

// A bad line counts also where the session was over before it.
Test(replay, reads_to_the_end) {
  struct ehlo_replay_result r;
  run(&r, (struct text){.text = "S: 220 a\nC: QUIT\nS: 221 b\n! eof S\nnonsense\n", .piece = 99});
  cr_expect_eq(r.verdict, EHLO_REPLAY_BAD);
  cr_expect(r.error.line == 5 && r.error.column == 1, "%zu:%zu", r.error.line, r.error.column);
}

Test(replay, tells_what_cannot_be_read) {
  static const char *const texts[] = {"", "S: 220 a\n", "S: 220 a\nC: EHLO a.example\n"};
  for (size_t i = 0; i < NUM(texts); i++) {
    struct ehlo_replay_result r;
    run(&r, (struct text){.text = texts[i], .piece = 5, .fails = true});
    cr_expect_eq(r.verdict, EHLO_REPLAY_FAILED, "%s", texts[i]);
  }
}

#define SETTINGS                                                                         \
  "! submit tls none\n! submit helo a.example\n! submit from <a@b>\n! submit to <c@d>\n" \
  "! submit to <e@f>\n"
#define ENVELOPE(second)                                                                     \
  "S: 220 a\nC: EHLO a.example\nS: 250 a\nC: MAIL FROM:<a@b>\nS: 250 ok\nC: RCPT TO:<c@d>\n" \
  "S: 250 ok\nC: RCPT TO:<e@f>\nS: " second "\n"

static const struct {
  const char *text;
  bool is_submission;
  enum ehlo_outcome outcome;
  enum ehlo_stage stage;
  enum ehlo_state state;
  enum ehlo_status status;
  size_t num_events;
} result_rows[] = {
    {"", false, EHLO_OUTCOME_OPEN, EHLO_STAGE_CONNECT, EHLO_STATE_CONNECT, EHLO_OK, 0},
    {"S: 220 a\n", false, EHLO_OUTCOME_OPEN, EHLO_STAGE_CONNECT, EHLO_STATE_GREETED, EHLO_OK, 1},
    {"S: nonsense\n", false, EHLO_OUTCOME_OPEN, EHLO_STAGE_CONNECT, EHLO_STATE_FAILED,
     EHLO_E_REPLY_SYNTAX, 1},
    {SETTINGS "! connect failed refused\n", true, EHLO_OUTCOME_CONNECT_FAILED, EHLO_STAGE_CONNECT,
     EHLO_STATE_FAILED, EHLO_E_CONNECT, 2},
    {SETTINGS "S: 554 no\nC: QUIT\nS: 221 bye\n", true, EHLO_OUTCOME_REFUSED, EHLO_STAGE_GREETING,
     EHLO_STATE_CLOSED, EHLO_OK, 4},
    {SETTINGS ENVELOPE("550 no") "C: DATA\nS: 354 go\nC: .\nS: 250 ok\nC: QUIT\n! eof S\n", true,
     EHLO_OUTCOME_PARTIAL, EHLO_STAGE_QUIT, EHLO_STATE_CLOSED, EHLO_OK, 10},
    {SETTINGS ENVELOPE("250 ok") "C: DATA\n! timeout\n", true, EHLO_OUTCOME_TIMEOUT,
     EHLO_STAGE_DATA, EHLO_STATE_FAILED, EHLO_E_TIMEOUT, 7},
};

Test(replay, says_how_it_ended) {
  for (size_t i = 0; i < NUM(result_rows); i++) {
    struct ehlo_replay_result r;
    run(&r, (struct text){.text = result_rows[i].text, .piece = 1000});
    cr_expect_eq(r.verdict, EHLO_REPLAY_SAME, "%zu: %zu:%zu expected %s got %s", i,
                 r.divergence.line, r.divergence.column, r.divergence.expected, r.divergence.got);
    cr_expect_eq(r.is_submission, result_rows[i].is_submission, "%zu", i);
    cr_expect(r.outcome == result_rows[i].outcome && r.stage == result_rows[i].stage,
              "%zu: %s at %s", i, ehlo_outcome_name(r.outcome), ehlo_stage_name(r.stage));
    cr_expect_eq(r.state, result_rows[i].state, "%zu: %s", i, ehlo_state_name(r.state));
    cr_expect_eq(r.status, result_rows[i].status, "%zu: %s", i, ehlo_status_name(r.status));
    cr_expect_eq(r.num_events, result_rows[i].num_events, "%zu: %zu events", i, r.num_events);
  }
}

// ---- The hash -----------------------------------------------------------------------------------

// What a session consists of changes the hash, whether or not the session still goes well; how the file
// puts it down does not.
#define HASHED                                                                            \
  "! submit tls none\n! submit helo a.example\n! submit from <a@b>\n! submit to <c@d>\n"  \
  "! connect a.example:25 192.0.2.1\n"                                                    \
  "+0.1 S: 220 a\n+0.1 C: EHLO a.example\n+0.1 S: 250-a\n S: 250 SIZE\n"                  \
  "+0.1 C: MAIL FROM:<a@b>\n+0.1 S: 250 ok\n+0.1 C: RCPT TO:<c@d>\n+0.1 S: 250 ok\n"      \
  "+0.1 C: DATA\n+0.1 S: 354 go\n+0.1 C: text\n+0.1 C: .\n+0.1 S: 250 ok\n+0.1 C: QUIT\n" \
  "+0.1 S: 221 bye\n+0.1 ! eof S\n"

static const struct {
  const char *from;  // in HASHED, the first of it
  const char *to;
  bool same;
} hash_rows[] = {
    {"! submit tls", "# a comment\n! ehlo-transcript 1\n! note anything\n! submit tls", true},
    {"+0.1 S: 220 a\n", "+0.100000  S: 22\\\n           S: 0\\x20a\n", true},
    {"+0.1 S: 220 a\n", "+0.1 S: 22\\\n+0.0 S: 0 a\n= reply 220 to greeting\n", true},
    {"+0.1 S: 220 a\n", "+0.05 ! note it takes long\n+0.05 S: 220 a\n", true},
    {"+0.1 C: EHLO a.example\n", "+0.1 C: EHLO \\\n C: a.exampl\\x65\n", true},
    {"+0.1 C: text\n+0.1 C: .\n", "+0.1 C: text\n+0.1 C: \\x2e\n", true},
    {"! submit to <c@d>", "! submit  to <c@d>", false},
    {"! submit to", "! submit timeout quit 1000\n! submit to", false},
    {"192.0.2.1", "192.0.2.2", false},
    {"S: 220 a", "S: 220 b", false},
    {"S: 220 a", "S: 220-a\n S: 220 a", false},
    {"S: 250-a\n", "", false},
    {"+0.1 S: 220", "+0.2 S: 220", false},
    {"+0.1 S: 250-a\n S: 250 SIZE\n", "+0.1 S: 250-a\n+0.000001 S: 250 SIZE\n", false},
    {"+0.1 C: text\n", "+0.1 C: Text\n", false},
    {"+0.1 C: text\n+0.1 C: .\n", "+0.1 C: text\n C: .\n", false},
    {"+0.1 ! eof S\n", "+0.2 ! eof S\n", false},
    {"+0.1 ! eof S\n", "+0.1 ! reset S\n", false},
    {"+0.1 ! eof S\n", "", false},
    {"+0.1 S: 221 bye\n", "", false},
};

static void run_changed(struct ehlo_replay_result *out, const char *from, const char *to) {
  char text[sizeof(HASHED) + 200];
  const char *at = strstr(HASHED, from);
  cr_assert_not_null(at, "%s", from);
  snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - HASHED), HASHED, to, at + strlen(from));
  run(out, (struct text){.text = text, .piece = 1000});
}

Test(replay, hashes_the_session_and_not_the_file) {
  struct ehlo_replay_result expected;
  run_changed(&expected, "", "");
  cr_assert(expected.verdict == EHLO_REPLAY_SAME && expected.outcome == EHLO_OUTCOME_ACCEPTED);
  for (size_t i = 0; i < NUM(hash_rows); i++) {
    struct ehlo_replay_result r;
    run_changed(&r, hash_rows[i].from, hash_rows[i].to);
    cr_expect_eq(r.hash == expected.hash, hash_rows[i].same, "%s -> %s", hash_rows[i].from,
                 hash_rows[i].to);
    cr_expect(!hash_rows[i].same || r.verdict == EHLO_REPLAY_SAME, "%s", hash_rows[i].to);
  }
}

// The engine's own part: the same bytes at the same times, and other events.
Test(replay, hashes_the_events) {
  static const char *const texts[] = {"+0.1 S: 220 a\n", "+0.1 S: 220 a\n! eof S\n"};
  struct ehlo_replay_result alone;
  struct ehlo_replay_result ended;
  run(&alone, (struct text){.text = texts[0], .piece = 1000});
  run(&ended, (struct text){.text = texts[1], .piece = 1000});
  cr_expect_neq(alone.hash, ended.hash);
}

// ---- The event hook -----------------------------------------------------------------------------

struct seen {
  size_t wanted;  // the replay ends at this one
  size_t num;
  size_t lines[8];
  enum ehlo_verb verbs[8];
};

static bool see(void *arg, const struct ehlo_client *c, const struct ehlo_event *event,
                size_t line) {
  struct seen *s = arg;
  (void)c;
  s->lines[s->num] = line;
  s->verbs[s->num] = event->verb;
  return ++s->num != s->wanted;
}

static void run_seen(struct ehlo_replay_result *out, struct seen *seen, const char *text) {
  struct text source = {.text = text, .piece = 1000};
  struct ehlo_replay_options options = {.event = see, .event_arg = seen};
  ehlo_replay_run(out, read_text, &source, &options);
}

static const char hooked[] =
    "# told as it happens\n! ehlo-transcript 1\nS: 220 a\n= reply 220 to greeting\n"
    "C: EHLO a.example\nS: 250-b\n+1 S: 250 SIZE\nC: QUIT\nS: 221 c\n";

Test(replay, tells_events_and_where_they_are) {
  static const size_t lines[] = {3, 7, 9, 9};
  static const enum ehlo_verb verbs[] = {EHLO_VERB_GREETING, EHLO_VERB_EHLO, EHLO_VERB_QUIT,
                                         EHLO_VERB_NONE};
  struct ehlo_replay_result r;
  struct seen seen = {0};
  run_seen(&r, &seen, hooked);
  cr_assert_eq(seen.num, 4, "%zu", seen.num);
  cr_expect_eq(r.num_events, 4);
  cr_expect_not(r.ended_by_event);
  for (size_t i = 0; i < 4; i++) {
    cr_expect_eq(seen.lines[i], lines[i], "event %zu at line %zu", i, seen.lines[i]);
    cr_expect_eq(seen.verbs[i], verbs[i], "%zu", i);
  }
}

// Nothing behind the event is judged: not that the client has more to say, nor what is no transcript.
Test(replay, ends_where_it_is_told_to) {
  static const char broken[] = "S: 220 a\nC: EHLO a.example\nS: 250 b\nC: QUIT\nnonsense\n";
  for (size_t wanted = 1; wanted <= 2; wanted++) {
    struct ehlo_replay_result r;
    struct seen seen = {.wanted = wanted};
    run_seen(&r, &seen, broken);
    cr_expect_eq(r.verdict, EHLO_REPLAY_SAME, "%zu", wanted);
    cr_expect(r.ended_by_event && seen.num == wanted && r.num_events == wanted, "%zu", wanted);
    cr_expect_eq(r.state, wanted == 1 ? EHLO_STATE_GREETED : EHLO_STATE_READY, "%zu", wanted);
  }
}

// ---- The verdict hook ---------------------------------------------------------------------------

struct verdicts {
  size_t num;
  char texts[4][EHLO_EVENT_TEXT_MAX];
};

static void see_verdict(void *arg, const char *text) {
  struct verdicts *v = arg;
  if (v->num < NUM(v->texts)) {
    snprintf(v->texts[v->num], sizeof(v->texts[0]), "%s", text);
  }
  v->num++;
}

static size_t run_for_verdicts(struct verdicts *v, const char *transcript) {
  struct ehlo_replay_options options = {.verdict = see_verdict, .event_arg = v};
  struct ehlo_replay_result r;
  struct text source = {.text = transcript, .piece = 1000};
  memset(v, 0, sizeof(*v));
  ehlo_replay_run(&r, read_text, &source, &options);
  return r.num_events;
}

Test(replay, tells_the_verdict) {
  struct verdicts v;
  cr_expect_eq(run_for_verdicts(&v, SETTINGS "S: 554 no\nC: QUIT\nS: 221 bye\n"), 4);
  cr_expect_eq(v.num, 1);
  cr_expect_str_eq(v.texts[0], "outcome refused at greeting");
  run_for_verdicts(&v, SETTINGS
                   "! submit message\n! submit from <g@h>\n! submit to <i@j>\n"
                   "S: 554 no\nC: QUIT\nS: 221 bye\n");
  cr_expect_eq(v.num, 3);
  cr_expect_str_eq(v.texts[0], "outcome refused at greeting");
  cr_expect_str_eq(v.texts[2], "message 2 refused at greeting");
  run_for_verdicts(&v, "S: 554 no\n");
  cr_expect_eq(v.num, 0, "nobody decided");
}
