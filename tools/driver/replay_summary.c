// The counts and what is said of them. Times are not among them: the summary of the same files is
// the same each time.
#include "tools/driver/replay_summary.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "tools/driver/replay_print.h"

#define LABEL_WIDTH 24
#define COUNT_WIDTH 12

void replay_summary_add(struct replay_summary *s, const struct replay_job *job) {
  s->num_files += job->is_file;
  s->unwritable = s->unwritable || job->unwritable;
  for (size_t i = 0; i < job->num_endings; i++) {
    const struct replay_ending *e = &job->endings[i];
    s->verdicts[e->chunks][e->verdict]++;
    if (e->verdict == EHLO_REPLAY_SAME || e->verdict == EHLO_REPLAY_DIVERGED) {
      *(e->is_submission ? &s->outcomes[e->chunks][e->outcome] : &s->states[e->chunks][e->state]) +=
          1;
    }
  }
}

size_t replay_summary_count(const struct replay_summary *s, enum ehlo_replay_verdict verdict) {
  size_t num = 0;
  for (size_t i = 0; i < REPLAY_NUM_CHUNKS; i++) {
    num += s->verdicts[i][verdict];
  }
  return num;
}

// ---- For people -----------------------------------------------------------------------------------

static void print_label(const char *kind, const char *name) {
  char label[LABEL_WIDTH * 2];
  snprintf(label, sizeof(label), "%s%s", kind, name);
  printf("%-*s", LABEL_WIDTH, label);
}

// A row of one number for each of the cuts that were asked for; `counts` are the numbers of the
// first cuts there are, `stride` apart.
static void print_row(const struct replay_options *o, const char *kind, const char *name,
                      const size_t *counts, size_t stride, bool even_without) {
  bool any = even_without;
  for (unsigned i = replay_first_chunks(o); i <= replay_last_chunks(o); i++) {
    any = any || counts[i * stride] > 0;
  }
  if (!any) {
    return;
  }
  print_label(kind, name);
  for (unsigned i = replay_first_chunks(o); i <= replay_last_chunks(o); i++) {
    printf("%*zu", COUNT_WIDTH, counts[i * stride]);
  }
  putchar('\n');
}

static void print_table(const struct replay_summary *s, const struct replay_options *o) {
  putchar('\n');
  print_label("", "");
  for (unsigned i = replay_first_chunks(o); i <= replay_last_chunks(o); i++) {
    printf("%*s", COUNT_WIDTH, replay_chunks_name((enum ehlo_chunks)i));
  }
  putchar('\n');
  for (unsigned i = 0; i < REPLAY_VERDICTS; i++) {
    print_row(o, "", replay_verdict_name((enum ehlo_replay_verdict)i), &s->verdicts[0][i],
              REPLAY_VERDICTS, true);
  }
  for (unsigned i = 0; i < REPLAY_OUTCOMES; i++) {
    print_row(o, "outcome ", ehlo_outcome_name((enum ehlo_outcome)i), &s->outcomes[0][i],
              REPLAY_OUTCOMES, false);
  }
  for (unsigned i = 0; i < REPLAY_STATES; i++) {
    print_row(o, "ends ", ehlo_state_name((enum ehlo_state)i), &s->states[0][i], REPLAY_STATES,
              false);
  }
  putchar('\n');
}

void replay_summary_print(const struct replay_summary *s, const struct replay_options *o) {
  size_t num_same = replay_summary_count(s, EHLO_REPLAY_SAME);
  size_t num_diverged = replay_summary_count(s, EHLO_REPLAY_DIVERGED);
  size_t num_bad = replay_summary_count(s, EHLO_REPLAY_BAD);
  size_t num_unreadable = replay_summary_count(s, EHLO_REPLAY_FAILED);
  if (s->num_files > 1 && !o->quiet) {
    print_table(s, o);
  }
  if (num_same + num_diverged + num_bad + num_unreadable > 1) {
    printf("%zu same, %zu diverged, %zu bad", num_same, num_diverged, num_bad);
    if (num_unreadable > 0) {
      printf(", %zu unreadable", num_unreadable);
    }
    putchar('\n');
  }
}

// ---- JSON -----------------------------------------------------------------------------------------

static void set_count(json_t *json, const char *name, size_t count) {
  json_object_set_new(json, name, json_integer((json_int_t)count));
}

static json_t *chunks_json(const struct replay_summary *s, enum ehlo_chunks chunks) {
  json_t *verdicts = json_object();
  json_t *outcomes = json_object();
  json_t *states = json_object();
  for (unsigned i = 0; i < REPLAY_VERDICTS; i++) {
    set_count(verdicts, replay_verdict_name((enum ehlo_replay_verdict)i), s->verdicts[chunks][i]);
  }
  for (unsigned i = 0; i < REPLAY_OUTCOMES; i++) {
    if (s->outcomes[chunks][i] > 0) {
      set_count(outcomes, ehlo_outcome_name((enum ehlo_outcome)i), s->outcomes[chunks][i]);
    }
  }
  for (unsigned i = 0; i < REPLAY_STATES; i++) {
    if (s->states[chunks][i] > 0) {
      set_count(states, ehlo_state_name((enum ehlo_state)i), s->states[chunks][i]);
    }
  }
  return json_pack("{s:o, s:o, s:o}", "verdicts", verdicts, "outcomes", outcomes, "states", states);
}

void replay_summary_print_json(const struct replay_summary *s, const struct replay_options *o) {
  json_t *json = json_object();
  json_t *chunks = json_object();
  set_count(json, "files", s->num_files);
  set_count(json, "same", replay_summary_count(s, EHLO_REPLAY_SAME));
  set_count(json, "diverged", replay_summary_count(s, EHLO_REPLAY_DIVERGED));
  set_count(json, "bad", replay_summary_count(s, EHLO_REPLAY_BAD));
  set_count(json, "unreadable", replay_summary_count(s, EHLO_REPLAY_FAILED));
  for (unsigned i = replay_first_chunks(o); i <= replay_last_chunks(o); i++) {
    json_object_set_new(chunks, replay_chunks_name((enum ehlo_chunks)i),
                        chunks_json(s, (enum ehlo_chunks)i));
  }
  json_object_set_new(json, "summary", chunks);
  char *dump = json_dumps(json, JSON_INDENT(2));
  if (dump != NULL) {
    printf(",%s\n", dump + strlen("{"));
  }
  free(dump);
  json_decref(json);
}

// ---- The end --------------------------------------------------------------------------------------

int replay_summary_status(const struct replay_summary *s) {
  if (replay_summary_count(s, EHLO_REPLAY_FAILED) > 0) {
    return EX_NOINPUT;
  }
  if (s->unwritable) {
    return EX_CANTCREAT;
  }
  if (replay_summary_count(s, EHLO_REPLAY_BAD) > 0) {
    return EX_DATAERR;
  }
  return replay_summary_count(s, EHLO_REPLAY_DIVERGED) > 0 ? 1 : 0;
}
