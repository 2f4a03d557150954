// Any transcript may be served to any client, with any faults: what is said and done depends on
// the client's bytes and never on their cuts, each whole command has exactly one answer and
// whatever has none gets none, every call makes progress, and no transcript's client differs from
// itself.
//
// An input is a transcript, faults (one a line) and the client's bytes, with a NUL between them.
// The first line of the faults may begin with "tls " and a digit, for how TLS comes. A transcript
// alone is served to its own client.
#include "replay/serve/served.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "replay/serve/served_testing.h"

#define CONNECTIONS 2
#define STEPS_MAX 4000000

enum {
  GOAL_SERVED,
  GOAL_NO_TRANSCRIPT,
  GOAL_OWN_CLIENT,
  GOAL_FAULT,
  GOAL_HANDSHAKE,
  GOAL_CHUNK,
  GOAL_LMTP,
  GOAL_AUTHENTICATED,
  GOAL_NO_PROOF,
  GOAL_TOO_LONG,
  GOAL_ENDED_BY_FAULT,
  GOAL_RETRIED,
};

const char *const ehlo_fuzz_goals[EHLO_FUZZ_GOALS_MAX] = {
    [GOAL_SERVED] = "a session",
    [GOAL_NO_TRANSCRIPT] = "no transcript",
    [GOAL_OWN_CLIENT] = "a transcript's own client",
    [GOAL_FAULT] = "a fault that strikes",
    [GOAL_HANDSHAKE] = "a handshake",
    [GOAL_CHUNK] = "a message in chunks",
    [GOAL_LMTP] = "a message with several replies",
    [GOAL_AUTHENTICATED] = "a credential that is taken",
    [GOAL_NO_PROOF] = "a proof that is hidden",
    [GOAL_TOO_LONG] = "a line that is too long",
    [GOAL_ENDED_BY_FAULT] = "a connection that is cut",
    [GOAL_RETRIED] = "a client that tries again",
};

struct input {
  struct ehlo_script script;
  enum ehlo_serve_tls tls;
  const uint8_t *client;
  size_t client_len;
};

static struct ehlo_faults faults;
static struct ehlo_faults fresh_faults;
static struct ehlo_served served;

// ---- Expecting an answer -----------------------------------------------------------------------
// Reads the client's lines for itself: a whole command, message or chunk has been given where this
// says so, by the replies that came.

struct witness {
  enum { LINES, TEXT, OCTETS } mode;
  uint64_t left;
  bool last;
  size_t line_len;
  uint8_t line[EHLO_SERVED_LINE_MAX];
  uint8_t tail[5];  // of a message
};

// Whether a unit that wants an answer ends with this byte.
static bool ends_unit(struct witness *w, uint8_t c) {
  if (w->mode == OCTETS) {
    return --w->left == 0;
  }
  if (w->mode == TEXT) {
    memmove(w->tail, w->tail + 1, 4);
    w->tail[4] = c;
    return memcmp(w->tail, "\r\n.\r\n", 5) == 0;
  }
  if (w->line_len < sizeof(w->line)) {
    w->line[w->line_len] = c;
  }
  w->line_len++;
  return c == '\n';
}

// What the next unit is, after the line that has come: true if it begins a chunk, whose answer
// comes at its end.
static bool begins_chunk(struct witness *w, bool is_command) {
  struct ehlo_command_line c;
  size_t kept = w->line_len < sizeof(w->line) ? w->line_len : sizeof(w->line);
  bool whole = kept == w->line_len;
  kept -= kept > 0;
  kept -= kept > 0 && w->line[kept - 1] == '\r';
  w->line_len = 0;
  ehlo_command_read(&c, w->line, kept);
  if (!whole || !is_command || !c.is_bdat || c.octets == 0) {
    w->last = is_command && c.is_bdat && c.meaning == EHLO_MEANS_MESSAGE;
    return false;
  }
  w->mode = OCTETS;
  w->left = c.octets;
  w->last = c.meaning == EHLO_MEANS_MESSAGE;
  return true;
}

// ---- One session -------------------------------------------------------------------------------

static void take_steps(struct ehlo_served_run *run) {
  size_t before = run->num_steps;
  ehlo_served_run_steps(run, &served);
  EHLO_FUZZ_CHECK(run->num_steps < STEPS_MAX);
  EHLO_FUZZ_CHECK(run->num_steps >= before);
  EHLO_FUZZ_CHECK(ehlo_served_next(&served).type == EHLO_STEP_NONE);
}

static bool is_over(void) {
  return served.place == EHLO_AT_END || served.place == EHLO_AT_SILENCE;
}

// Byte by byte, with the witness beside it.
static void run_witnessed(struct ehlo_served_run *run, const struct input *in) {
  struct witness w = {.mode = LINES};
  for (size_t i = 0; i < in->client_len && !is_over(); i++) {
    bool is_command = served.place == EHLO_AT_COMMAND;
    bool lmtp_nobody = served.course.lmtp && served.course.num_accepted == 0;
    size_t before = run->num_steps;
    bool ends = ends_unit(&w, in->client[i]);
    bool waits = ends && w.mode == LINES && begins_chunk(&w, is_command);
    EHLO_FUZZ_CHECK(ehlo_served_input(&served, in->client + i, 1) == 1);
    take_steps(run);
    bool answered = run->num_steps > before;
    bool unanswered = lmtp_nobody && w.last && served.place == EHLO_AT_COMMAND;
    EHLO_FUZZ_CHECK(answered == (ends && !waits) || (ends && !waits && unanswered));
    if (ends && !waits) {
      w.mode = LINES;
      w.last = false;
    }
    if (served.place == EHLO_AT_MESSAGE && w.mode != TEXT) {
      w.mode = TEXT;
      memcpy(w.tail, "***\r\n", 5);
    }
  }
}

static void run_cut(struct ehlo_served_run *run, const struct input *in, enum ehlo_fuzz_cut cut) {
  struct ehlo_fuzz_cuts cuts = {.cut = cut, .state = (uint32_t)in->client_len};
  for (size_t at = 0; at < in->client_len;) {
    size_t n = ehlo_fuzz_next_cut(&cuts, in->client_len - at);
    uint8_t *piece = ehlo_fuzz_copy(in->client + at, n);
    for (size_t used = 0; used < n;) {
      size_t more = ehlo_served_input(&served, piece + used, n - used);
      EHLO_FUZZ_CHECK(more > 0 && more <= n - used);
      used += more;
      take_steps(run);
    }
    free(piece);
    at += n;
  }
}

static void note_goals(const struct ehlo_served_run *run) {
  const struct ehlo_served_report *r = &served.report;
  ehlo_fuzz_reach(GOAL_SERVED);
  const struct {
    bool reached;
    size_t goal;
  } goals[] = {
      {r->num_reactions > 0, GOAL_FAULT},
      {run->num_handshakes > 0, GOAL_HANDSHAKE},
      {r->num_messages > 0 && r->came[EHLO_MEANS_CHUNK], GOAL_CHUNK},
      {served.final_index > 0, GOAL_LMTP},
      {r->authenticated, GOAL_AUTHENTICATED},
      {r->no_proof, GOAL_NO_PROOF},
      {r->num_too_long > 0, GOAL_TOO_LONG},
      {r->num_reactions > 0 && run->ended && run->ending == EHLO_ENDS_CUT, GOAL_ENDED_BY_FAULT},
      {r->num_reactions > 0 && r->reactions[0].type == EHLO_REACTION_RETRIED, GOAL_RETRIED},
  };
  for (size_t i = 0; i < sizeof(goals) / sizeof(goals[0]); i++) {
    if (goals[i].reached) {
      ehlo_fuzz_reach(goals[i].goal);
    }
  }
}

// What lies between the fields of a command or a reaction may be anything, by the compiler.
static void add_report(struct ehlo_fuzz_bytes *log, const struct ehlo_served_report *report) {
  static struct ehlo_served_report r;
  memcpy(&r, report, sizeof(r));
  for (size_t i = 0; i < r.num_reactions && i < EHLO_SERVED_TOLD_REACTIONS; i++) {
    ehlo_fuzz_add_number(log, r.reactions[i].fault);
    ehlo_fuzz_add_number(log, r.reactions[i].type);
  }
  for (size_t i = 0; i < r.num_runs && i < EHLO_SERVED_TOLD_COMMANDS; i++) {
    ehlo_fuzz_add_number(log, r.commands[i].meaning);
    ehlo_fuzz_add_number(log, r.commands[i].count);
  }
  memset(r.reactions, 0, sizeof(r.reactions));
  memset(r.commands, 0, sizeof(r.commands));
  ehlo_fuzz_add(log, &r, sizeof(r));
}

// All connections of a server, one after the other. The cut NUM_CUTS is the witnessed run.
static void serve(struct ehlo_fuzz_bytes *log, const struct input *in, enum ehlo_fuzz_cut cut) {
  memcpy(&faults, &fresh_faults, sizeof(faults));
  for (size_t i = 1; i <= CONNECTIONS; i++) {
    struct ehlo_served_run run = {.num_steps = 0};
    ehlo_served_init(&served, &in->script, &faults, in->tls, 1000, i);
    take_steps(&run);
    if (cut == EHLO_FUZZ_NUM_CUTS) {
      run_witnessed(&run, in);
    } else {
      run_cut(&run, in, cut);
    }
    uint64_t octets = served.report.octets;
    ehlo_served_finish(&served);
    served.report.octets = 0;  // what comes behind the end counts in some runs
    ehlo_fuzz_add(log, run.log.bytes, run.log.len);
    add_report(log, &served.report);
    EHLO_FUZZ_CHECK(octets <= in->client_len);
    note_goals(&run);
    ehlo_served_run_free(&run);
  }
  ehlo_fuzz_add_number(log, faults.clock_us);
}

// ---- Inputs ------------------------------------------------------------------------------------

static void take_fault(const uint8_t *line, size_t len, struct input *in) {
  char text[512];
  size_t column;
  if (len >= sizeof(text) || memchr(line, '\0', len) != NULL) {
    return;
  }
  memcpy(text, line, len);
  text[len] = '\0';
  if (len == 5 && memcmp(text, "tls ", 4) == 0) {
    in->tls = (enum ehlo_serve_tls)(text[4] & 3);
    return;
  }
  struct ehlo_fault *f = &fresh_faults.list[fresh_faults.num];
  const char *wrong = ehlo_fault_read(f, &column, text);
  EHLO_FUZZ_CHECK(column >= 1 && column <= len + 1);
  fresh_faults.num += wrong == NULL;
}

static void take_faults(const uint8_t *text, size_t len, struct input *in) {
  while (len > 0 && fresh_faults.num < 8) {
    const uint8_t *lf = memchr(text, '\n', len);
    size_t line = lf != NULL ? (size_t)(lf - text) : len;
    take_fault(text, line, in);
    line += lf != NULL;
    text += line;
    len -= line;
  }
}

static void serve_all(const struct input *in) {
  struct ehlo_fuzz_bytes whole = {.len = 0};
  for (int cut = EHLO_FUZZ_BYTES; cut <= EHLO_FUZZ_NUM_CUTS; cut++) {
    struct ehlo_fuzz_bytes other = {.len = 0};
    if (cut == EHLO_FUZZ_BYTES) {
      serve(&whole, in, EHLO_FUZZ_WHOLE);
    }
    serve(&other, in, (enum ehlo_fuzz_cut)cut);
    EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_RECUT, ehlo_fuzz_same(&whole, &other));
    free(other.bytes);
  }
  free(whole.bytes);
}

static void serve_own_client(struct input *in, const uint8_t *text, size_t len) {
  struct ehlo_sides sides;
  if (ehlo_sides_read(&sides, text, len)) {
    in->client = sides.client.bytes;
    in->client_len = sides.client.len;
    serve_all(in);
    ehlo_fuzz_reach(GOAL_OWN_CLIENT);
  }
  ehlo_sides_free(&sides);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct input in = {.tls = EHLO_SERVE_RECORDED};
  struct ehlo_transcript_error error = {0, 0, NULL};
  const uint8_t *end = size > 0 ? memchr(data, '\0', size) : NULL;
  size_t len = end != NULL ? (size_t)(end - data) : size;
  memset(&fresh_faults, 0, sizeof(fresh_faults));
  fresh_faults.command_us = 1000000;
  uint8_t *text = ehlo_fuzz_copy(data, len);
  if (!ehlo_script_read_text(&in.script, &error, text, len)) {
    EHLO_FUZZ_CHECK(error.message != NULL && error.line > 0 && error.column > 0);
    ehlo_fuzz_reach(GOAL_NO_TRANSCRIPT);
    free(text);
    return 0;
  }
  if (end == NULL) {
    serve_own_client(&in, text, len);
  } else {
    const uint8_t *rest = end + 1;
    size_t left = size - len - 1;
    const uint8_t *client = left > 0 ? memchr(rest, '\0', left) : NULL;
    take_faults(rest, client != NULL ? (size_t)(client - rest) : left, &in);
    in.client = client != NULL ? client + 1 : rest;
    in.client_len = client != NULL ? left - (size_t)(client + 1 - rest) : 0;
    serve_all(&in);
  }
  ehlo_script_free(&in.script);
  free(text);
  return 0;
}
