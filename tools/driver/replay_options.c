// The options of `ehlo replay`, and which of them go together.
#include "tools/driver/replay_options.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/driver/queue.h"

#define FLAG_SETTER(field)                                     \
  static const char *set_##field(void *o, const char *value) { \
    (void)value;                                               \
    ((struct replay_options *)o)->field = true;                \
    return NULL;                                               \
  }
FLAG_SETTER(json)
FLAG_SETTER(quiet)
FLAG_SETTER(verbose)
FLAG_SETTER(tolerant)
FLAG_SETTER(update)
FLAG_SETTER(step)

static const char *const chunks_names[REPLAY_NUM_CHUNKS] = {"recorded", "line", "byte"};

static const char *set_chunks(void *o, const char *value) {
  struct replay_options *r = o;
  r->all_chunks = strcmp(value, "all") == 0;
  for (unsigned i = 0; i < REPLAY_NUM_CHUNKS; i++) {
    if (strcmp(value, chunks_names[i]) == 0) {
      r->chunks = (enum ehlo_chunks)i;
      return NULL;
    }
  }
  return r->all_chunks ? NULL : "it is one of recorded, line, byte and all";
}

// A decimal number from 1 on.
static bool parse_number(size_t *out, const char *value) {
  char *end;
  errno = 0;
  unsigned long long number = strtoull(value, &end, 10);
  if (value[0] < '0' || value[0] > '9' || *end != '\0' || errno != 0 || number == 0) {
    return false;
  }
  *out = (size_t)number;
  return true;
}

static const char *set_jobs(void *o, const char *value) {
  size_t *out = &((struct replay_options *)o)->num_jobs;
  return parse_number(out, value) && *out <= QUEUE_THREADS_MAX ? NULL
                                                               : "it is a number from 1 to 256";
}

static const char *set_until(void *o, const char *value) {
  return parse_number(&((struct replay_options *)o)->until, value)
             ? NULL
             : "it is the number of an event, from 1";
}

static const struct option_row rows[] = {
    {"chunks", 0, "recorded|line|byte|all", "cuts (default: recorded)", set_chunks},
    {"tolerant", 0, NULL, "what the client sends may differ", set_tolerant},
    {"update", 0, NULL, "write the events that came into the file", set_update},
    {"jobs", 'j', "N", "files at a time (default: one for each CPU)", set_jobs},
    {"until", 0, "N", "stop after event N and tell how things stand", set_until},
    {"step", 0, NULL, "stop at each event and wait for a command", set_step},
    {"json", 0, NULL, "one JSON object on standard output", set_json},
    {"quiet", 'q', NULL, "only what went wrong", set_quiet},
    {"verbose", 'v', NULL, "with the conversation, events numbered", set_verbose},
    {NULL, 0, NULL, NULL, NULL},
};
static const struct option_row *const tables[] = {rows, NULL};
const struct command replay_command = {
    .name = "replay",
    .synopsis = "[OPTION…] FILE…",
    .summary =
        "Runs transcripts through the engine, offline. Directories are walked for\n"
        "*.smtp; - is standard input.",
    .tables = tables,
    .notes =
        "Commands of --step, each on a line: Enter or n next event, N or g N go on (or\n"
        "back) to event N, l list the transcript here, p print the client's state,\n"
        "c continue to the end, q quit, h help.\n"
        "\n"
        "Exit status: 0 all replayed as recorded, 1 some diverged, 65 some are no\n"
        "transcripts, 66 some cannot be read, 73 some cannot be written.\n",
};

const char *replay_chunks_name(enum ehlo_chunks chunks) {
  return chunks_names[chunks];
}

enum ehlo_chunks replay_first_chunks(const struct replay_options *o) {
  return o->all_chunks ? EHLO_CHUNKS_RECORDED : o->chunks;
}

enum ehlo_chunks replay_last_chunks(const struct replay_options *o) {
  return o->all_chunks ? EHLO_CHUNKS_BYTE : o->chunks;
}

// CPUs that this process may run on.
static size_t count_cpus(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) {
    return (size_t)CPU_COUNT(&set);
  }
  long num = sysconf(_SC_NPROCESSORS_ONLN);  // more of them than a cpu_set_t has
  return num > 0 ? (size_t)num : 1;
}

// What cannot be had together, as a sentence; NULL if all is well.
static const char *judge(const struct replay_options *o, const struct option_uses *uses) {
  bool one_session = o->step || o->until > 0;
  size_t num_stdin = 0;
  for (int i = 0; i < uses->num_operands; i++) {
    num_stdin += strcmp(uses->operands[i], "-") == 0;
  }
  if (uses->num_operands == 0) {
    return "FILE is missing";
  }
  if (num_stdin > 1) {
    return "standard input can be named once";
  }
  if (one_session && uses->num_operands > 1) {
    return "--step and --until want one FILE, and there are several";
  }
  if (one_session && (o->all_chunks || o->update || o->json)) {
    return "--step and --until go with none of --chunks all, --update and --json";
  }
  if (o->step && num_stdin > 0) {
    return "--step takes its commands from standard input, so the transcript has to be a file";
  }
  if (o->update && (o->all_chunks || o->chunks != EHLO_CHUNKS_RECORDED || o->tolerant)) {
    return "--update goes with the recorded cuts, and with what the client sent";
  }
  if (o->verbose && (o->quiet || o->json)) {
    return "--verbose goes with neither --quiet nor --json";
  }
  return NULL;
}

bool replay_options_take(struct replay_options *o, const struct option_uses *uses) {
  if (!options_apply(uses, &replay_command, o)) {
    return false;
  }
  const char *wrong = judge(o, uses);
  if (wrong != NULL) {
    options_complain(&replay_command, "%s", wrong);
    return false;
  }
  if (o->num_jobs == 0) {
    o->num_jobs = count_cpus();
  }
  if (o->verbose || o->num_jobs > QUEUE_THREADS_MAX) {
    o->num_jobs = o->verbose ? 1 : QUEUE_THREADS_MAX;  // a conversation is shown as it goes
  }
  return true;
}
