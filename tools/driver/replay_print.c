// Results as lines and as JSON. A file's name may hold anything, so it is escaped like what a server
// says; what a divergence quotes is escaped already.
#include "tools/driver/replay_print.h"

#include <inttypes.h>
#include <jansson.h>

#include "tools/driver/replay_options.h"
#include "tools/driver/text.h"

const char *replay_verdict_name(enum ehlo_replay_verdict verdict) {
  switch (verdict) {
    case EHLO_REPLAY_SAME:
      return "same";
    case EHLO_REPLAY_DIVERGED:
      return "diverged";
    case EHLO_REPLAY_BAD:
      return "bad";
    case EHLO_REPLAY_FAILED:
      return "unreadable";
  }
  return "unknown";
}

// ---- For people -----------------------------------------------------------------------------------

static void print_unreadable(FILE *err, const struct replay_line *line) {
  fputs("ehlo: cannot read ", err);
  text_print(err, ehlo_str(line->path));
  fprintf(err, ": %s\n", line->why);
}

static void print_same(FILE *out, const struct replay_line *line) {
  const struct ehlo_replay_result *r = line->result;
  fputs("same      ", out);
  text_print(out, ehlo_str(line->path));
  if (r->is_submission) {
    fprintf(out, ": %s at %s", ehlo_outcome_name(r->outcome), ehlo_stage_name(r->stage));
  } else {
    fprintf(out, ": ends %s", ehlo_state_name(r->state));
  }
  fprintf(out, ", %zu events (%s), hash %016" PRIx64 "\n", r->num_events,
          replay_chunks_name(line->chunks), r->hash);
}

static void print_diverged(FILE *out, const struct replay_line *line) {
  const struct ehlo_divergence *d = &line->result->divergence;
  fputs("diverged  ", out);
  text_print(out, ehlo_str(line->path));
  fprintf(out, ":%zu:%zu (%s)\n  expected  %s\n  got       %s\n", d->line, d->column,
          replay_chunks_name(line->chunks), d->expected, d->got);
}

void replay_print_text(FILE *out, FILE *err, const struct replay_line *line, bool quiet) {
  const struct ehlo_replay_result *r = line->result;
  switch (r->verdict) {
    case EHLO_REPLAY_SAME:
      if (!quiet) {
        print_same(out, line);
      }
      break;
    case EHLO_REPLAY_DIVERGED:
      print_diverged(out, line);
      break;
    case EHLO_REPLAY_BAD:
      fputs("ehlo: ", err);
      text_print(err, ehlo_str(line->path));
      fprintf(err, ":%zu:%zu: %s\n", r->error.line, r->error.column, r->error.message);
      break;
    case EHLO_REPLAY_FAILED:
      print_unreadable(err, line);
      break;
  }
}

// ---- JSON -----------------------------------------------------------------------------------------

static void add_end(json_t *json, const struct ehlo_replay_result *r) {
  char hash[20];
  snprintf(hash, sizeof(hash), "%016" PRIx64, r->hash);
  json_object_set_new(json, "events", json_integer((json_int_t)r->num_events));
  json_object_set_new(json, "hash", json_string(hash));
  if (r->is_submission) {
    json_object_set_new(json, "outcome", json_string(ehlo_outcome_name(r->outcome)));
    json_object_set_new(json, "stage", json_string(ehlo_stage_name(r->stage)));
  }
  json_object_set_new(json, "state", json_string(ehlo_state_name(r->state)));
  json_object_set_new(json, "status", json_string(ehlo_status_name(r->status)));
}

static json_t *divergence_json(const struct ehlo_divergence *d) {
  return json_pack("{s:I, s:I, s:o, s:o}", "line", (json_int_t)d->line, "column",
                   (json_int_t)d->column, "expected", text_to_json(ehlo_str(d->expected)), "got",
                   text_to_json(ehlo_str(d->got)));
}

static json_t *error_json(const struct ehlo_transcript_error *e) {
  return json_pack("{s:I, s:I, s:o}", "line", (json_int_t)e->line, "column", (json_int_t)e->column,
                   "message", text_to_json(ehlo_str(e->message)));
}

void replay_print_json(FILE *out, FILE *err, const struct replay_line *line) {
  const struct ehlo_replay_result *r = line->result;
  json_t *json =
      json_pack("{s:o, s:s, s:s}", "file", text_to_json(ehlo_str(line->path)), "verdict",
                replay_verdict_name(r->verdict), "chunks", replay_chunks_name(line->chunks));
  if (r->verdict == EHLO_REPLAY_FAILED) {
    json_object_set_new(json, "error", json_pack("{s:s}", "message", line->why));
    print_unreadable(err, line);
  } else {
    add_end(json, r);
  }
  if (r->verdict == EHLO_REPLAY_DIVERGED) {
    json_object_set_new(json, "divergence", divergence_json(&r->divergence));
  } else if (r->verdict == EHLO_REPLAY_BAD) {
    json_object_set_new(json, "error", error_json(&r->error));
  }
  text_write_json(out, json, 0);
}
