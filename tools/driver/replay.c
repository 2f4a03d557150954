// ehlo replay: transcripts through the engine, offline.
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "replay/replay.h"
#include "tools/driver/commands.h"
#include "tools/driver/file.h"
#include "tools/driver/options.h"
#include "tools/driver/text.h"

struct replay_command {
  bool json;
  bool quiet;
  bool tolerant;
  bool update;
  bool all_chunks;
  enum ehlo_chunks chunks;
  FILE *input;  // a copy of standard input, where it is replayed more than once
  json_t *results;
  size_t num_same;
  size_t num_diverged;
  size_t num_bad;
  bool unreadable;
  bool unwritable;
};

#define FLAG_SETTER(field)                                     \
  static const char *set_##field(void *o, const char *value) { \
    (void)value;                                               \
    ((struct replay_command *)o)->field = true;                \
    return NULL;                                               \
  }
FLAG_SETTER(json)
FLAG_SETTER(quiet)
FLAG_SETTER(tolerant)
FLAG_SETTER(update)

static const char *const chunk_names[] = {"recorded", "line", "byte"};

static const char *set_chunks(void *o, const char *value) {
  struct replay_command *r = o;
  r->all_chunks = strcmp(value, "all") == 0;
  for (unsigned i = 0; i < 3; i++) {
    if (strcmp(value, chunk_names[i]) == 0) {
      r->chunks = (enum ehlo_chunks)i;
      return NULL;
    }
  }
  return r->all_chunks ? NULL : "it is one of recorded, line, byte and all";
}

static const struct option_row rows[] = {
    {"chunks", 0, "HOW", "cuts: recorded (default), line, byte or all", set_chunks},
    {"tolerant", 0, NULL, "what the client sends may differ", set_tolerant},
    {"update", 0, NULL, "write the events that came into the file", set_update},
    {"json", 0, NULL, "one JSON object on standard output", set_json},
    {"quiet", 'q', NULL, "only what went wrong", set_quiet},
    {NULL, 0, NULL, NULL, NULL},
};
static const struct option_row *const tables[] = {rows, NULL};
static const struct command command = {
    .name = "replay",
    .synopsis = "[OPTION…] FILE…",
    .summary =
        "Runs transcripts through the engine, offline. Directories are walked; - is\n"
        "standard input.",
    .tables = tables,
    .notes =
        "Exit status: 0 all replayed as recorded, 1 some diverged, 65 some are no\n"
        "transcripts, 66 some cannot be read, 73 some cannot be written.\n",
};

static const char *verdict_name(enum ehlo_replay_verdict verdict) {
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

static json_t *result_json(const char *path, const struct ehlo_replay_result *r,
                           const char *chunks) {
  char hash[20];
  snprintf(hash, sizeof(hash), "%016" PRIx64, r->hash);
  json_t *json = json_pack("{s:o, s:s, s:s, s:I, s:s}", "file", text_to_json(ehlo_str(path)),
                           "verdict", verdict_name(r->verdict), "chunks", chunks, "events",
                           (json_int_t)r->num_events, "hash", hash);
  if (r->is_submission) {
    json_object_set_new(json, "outcome", json_string(ehlo_outcome_name(r->outcome)));
    json_object_set_new(json, "stage", json_string(ehlo_stage_name(r->stage)));
  }
  json_object_set_new(json, "state", json_string(ehlo_state_name(r->state)));
  json_object_set_new(json, "status", json_string(ehlo_status_name(r->status)));
  if (r->verdict == EHLO_REPLAY_DIVERGED) {
    const struct ehlo_divergence *d = &r->divergence;
    json_object_set_new(
        json, "divergence",
        json_pack("{s:I, s:I, s:o, s:o}", "line", (json_int_t)d->line, "column",
                  (json_int_t)d->column, "expected", text_to_json(ehlo_str(d->expected)), "got",
                  text_to_json(ehlo_str(d->got))));
  } else if (r->verdict == EHLO_REPLAY_BAD) {
    json_object_set_new(json, "error",
                        json_pack("{s:I, s:I, s:o}", "line", (json_int_t)r->error.line, "column",
                                  (json_int_t)r->error.column, "message",
                                  text_to_json(ehlo_str(r->error.message))));
  }
  return json;
}

static void print_result(const struct replay_command *c, const char *path,
                         const struct ehlo_replay_result *r, const char *chunks) {
  switch (r->verdict) {
    case EHLO_REPLAY_SAME:
      if (!c->quiet && r->is_submission) {
        printf("same      %s: %s at %s, %zu events (%s), hash %016" PRIx64 "\n", path,
               ehlo_outcome_name(r->outcome), ehlo_stage_name(r->stage), r->num_events, chunks,
               r->hash);
      } else if (!c->quiet) {
        printf("same      %s: ends %s, %zu events (%s), hash %016" PRIx64 "\n", path,
               ehlo_state_name(r->state), r->num_events, chunks, r->hash);
      }
      break;
    case EHLO_REPLAY_DIVERGED:
      printf("diverged  %s:%zu:%zu (%s)\n  expected  %s\n  got       %s\n", path,
             r->divergence.line, r->divergence.column, chunks, r->divergence.expected,
             r->divergence.got);
      break;
    case EHLO_REPLAY_BAD:
      fprintf(stderr, "ehlo: %s:%zu:%zu: %s\n", path, r->error.line, r->error.column,
              r->error.message);
      break;
    case EHLO_REPLAY_FAILED:
      fprintf(stderr, "ehlo: cannot read %s\n", path);
      break;
  }
}

static void take_result(struct replay_command *c, const char *path,
                        const struct ehlo_replay_result *r, const char *chunks) {
  c->num_same += r->verdict == EHLO_REPLAY_SAME;
  c->num_diverged += r->verdict == EHLO_REPLAY_DIVERGED;
  c->num_bad += r->verdict == EHLO_REPLAY_BAD;
  c->unreadable = c->unreadable || r->verdict == EHLO_REPLAY_FAILED;
  if (c->json) {
    json_array_append_new(c->results, result_json(path, r, chunks));
  } else {
    print_result(c, path, r, chunks);
  }
}

// Runs one file once. False if it could not be opened.
static bool run_once(struct replay_command *c, struct ehlo_replay_result *out, const char *path,
                     enum ehlo_chunks chunks, struct ehlo_writer *copy) {
  FILE *file = c->input != NULL ? c->input : file_open(path);
  if (file == NULL) {
    fprintf(stderr, "ehlo: cannot read %s: %s\n", path, strerror(errno));
    c->unreadable = true;
    return false;
  }
  struct ehlo_replay_options options = {.chunks = chunks, .tolerant = c->tolerant, .copy = copy};
  ehlo_replay_run(out, file_read, file, &options);
  if (file == c->input) {
    rewind(file);
  } else {
    file_close(file);
  }
  return true;
}

// Reads all of standard input into a file of its own; NULL with errno set if it cannot.
static FILE *copy_input(void) {
  uint8_t buf[4096];
  FILE *copy = tmpfile();
  long len = 1;
  while (copy != NULL && (len = file_read(stdin, buf, sizeof(buf))) > 0 &&
         file_write(copy, (const char *)buf, (size_t)len)) {
  }
  if (copy == NULL || len != 0 || fflush(copy) != 0) {
    if (copy != NULL) {
      fclose(copy);
    }
    return NULL;
  }
  rewind(copy);
  return copy;
}

// Writes the transcript with new events beside the old one, and puts it in its place.
static void update(struct replay_command *c, const char *path) {
  static struct ehlo_writer writer;
  struct ehlo_replay_result result;
  char temporary[4096];
  if (strcmp(path, "-") == 0 ||
      snprintf(temporary, sizeof(temporary), "%s.new", path) >= (int)sizeof(temporary)) {
    fprintf(stderr, "ehlo: cannot update %s\n", path);
    c->unwritable = true;
    return;
  }
  FILE *out = fopen(temporary, "we");
  if (out == NULL) {
    fprintf(stderr, "ehlo: cannot write %s: %s\n", temporary, strerror(errno));
    c->unwritable = true;
    return;
  }
  ehlo_writer_init(&writer, file_write, out);
  bool read = run_once(c, &result, path, EHLO_CHUNKS_RECORDED, &writer);
  bool written = fclose(out) == 0 && !writer.failed;
  if (read && written && result.verdict == EHLO_REPLAY_SAME) {
    written = rename(temporary, path) == 0;
  } else {
    unlink(temporary);
  }
  if (!written) {
    fprintf(stderr, "ehlo: cannot write %s: %s\n", path, strerror(errno));
    c->unwritable = true;
  } else if (read) {
    take_result(c, path, &result, "recorded");
  }
}

static void visit(void *arg, const char *path) {
  struct replay_command *c = arg;
  struct ehlo_replay_result result;
  if (c->update) {
    update(c, path);
    return;
  }
  unsigned first = c->all_chunks ? 0 : (unsigned)c->chunks;
  unsigned last = c->all_chunks ? 2 : first;
  if (c->all_chunks && strcmp(path, "-") == 0 && (c->input = copy_input()) == NULL) {
    fprintf(stderr, "ehlo: cannot keep standard input: %s\n", strerror(errno));
    c->unreadable = true;
    return;
  }
  for (unsigned i = first; i <= last; i++) {
    if (run_once(c, &result, path, (enum ehlo_chunks)i, NULL)) {
      take_result(c, path, &result, chunk_names[i]);
    }
  }
  if (c->input != NULL) {
    fclose(c->input);
    c->input = NULL;
  }
}

static void print_summary(struct replay_command *c) {
  if (c->json) {
    json_t *json = json_pack("{s:I, s:I, s:I, s:o}", "same", (json_int_t)c->num_same, "diverged",
                             (json_int_t)c->num_diverged, "bad", (json_int_t)c->num_bad, "results",
                             c->results);
    text_print_json(json, JSON_INDENT(2));
  } else if (c->num_same + c->num_diverged + c->num_bad > 1) {
    printf("%zu same, %zu diverged, %zu bad\n", c->num_same, c->num_diverged, c->num_bad);
  }
}

static int run(void *options, const struct option_uses *uses) {
  struct replay_command *c = options;
  if (!options_apply(uses, &command, c)) {
    return EX_USAGE;
  }
  if (uses->num_operands == 0) {
    options_complain(&command, "FILE is missing");
    return EX_USAGE;
  }
  c->results = json_array();
  for (int i = 0; i < uses->num_operands; i++) {
    c->unreadable = !file_walk(uses->operands[i], visit, c) || c->unreadable;
  }
  print_summary(c);
  if (!c->json) {
    json_decref(c->results);
  }
  if (c->unreadable || c->unwritable) {
    return c->unreadable ? EX_NOINPUT : EX_CANTCREAT;
  }
  if (c->num_same + c->num_diverged + c->num_bad == 0) {
    fprintf(stderr, "ehlo: there is no transcript (*.smtp) to replay\n");
    return EX_NOINPUT;
  }
  return c->num_bad > 0 ? EX_DATAERR : c->num_diverged > 0 ? 1 : 0;
}

int command_replay(int argc, char **argv) {
  struct replay_command c = {0};
  return options_run(&command, argc, argv, &c, run);
}
