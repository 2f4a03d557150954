// ehlo shrink: the smallest transcript with the same outcome.
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "replay/shrink/shrink.h"
#include "tools/driver/commands.h"
#include "tools/driver/complaints.h"
#include "tools/driver/file.h"
#include "tools/driver/input.h"
#include "tools/driver/options.h"
#include "tools/driver/text.h"

#define SECONDS_DEFAULT 60
#define SECONDS_MAX 86400
#define REPLAYS_MAX 1000000000
// Progress is told no more often than this.
#define TELL_NS 100000000

struct shrink_command {
  bool json;
  bool quiet;
  const char *out;  // NULL: standard output
  unsigned long seconds;
  struct ehlo_shrink_options options;
  // While it runs.
  bool tells;  // standard error is a terminal
  struct timespec start;
  uint64_t told_ns;
};

static const char *set_json(void *o, const char *value) {
  (void)value;
  ((struct shrink_command *)o)->json = true;
  return NULL;
}

static const char *set_quiet(void *o, const char *value) {
  (void)value;
  ((struct shrink_command *)o)->quiet = true;
  return NULL;
}

static const char *set_out(void *o, const char *value) {
  ((struct shrink_command *)o)->out = strcmp(value, "-") == 0 ? NULL : value;
  return NULL;
}

// A whole number from 1 to `most`, 0 if it is none.
static unsigned long read_number(const char *text, unsigned long most) {
  unsigned long number = 0;
  for (size_t i = 0; text[i] != '\0'; i++) {
    if (text[i] < '0' || text[i] > '9' || number > most) {
      return 0;
    }
    number = number * 10 + (unsigned long)(text[i] - '0');
  }
  return number <= most ? number : 0;
}

static const char *set_seconds(void *o, const char *value) {
  struct shrink_command *c = o;
  c->seconds = read_number(value, SECONDS_MAX);
  return c->seconds > 0 ? NULL : "it is a whole number of seconds, from 1 to 86400";
}

static const char *set_replays(void *o, const char *value) {
  struct shrink_command *c = o;
  c->options.max_replays = read_number(value, REPLAYS_MAX);
  return c->options.max_replays > 0 ? NULL : "it is a whole number, from 1 to 1000000000";
}

static const char *const keep_names[] = {"outcome", "reply", "text"};

static const char *set_keep(void *o, const char *value) {
  for (unsigned i = 0; i < sizeof(keep_names) / sizeof(keep_names[0]); i++) {
    if (strcmp(value, keep_names[i]) == 0) {
      ((struct shrink_command *)o)->options.keep = (enum ehlo_shrink_keep)i;
      return NULL;
    }
  }
  return "it is one of outcome, reply and text";
}

static const struct option_row rows[] = {
    {"output", 'o', "OUT", "where to write it (default: standard output)", set_out},
    {"keep", 0, "outcome|reply|text", "what stays (default: reply)", set_keep},
    {"until-seconds", 0, "N", "stop after N seconds (default: 60)", set_seconds},
    {"max-replays", 0, "N", "stop after N replays (default: 100000)", set_replays},
    {"json", 0, NULL, "one JSON object on standard output", set_json},
    {"quiet", 'q', NULL, "no progress and no summary", set_quiet},
    {NULL, 0, NULL, NULL, NULL},
};
static const struct option_row *const tables[] = {rows, NULL};
static const struct command command = {
    .name = "shrink",
    .synopsis = "[OPTION…] FILE",
    .summary =
        "Cuts a transcript down to the smallest one with the same outcome; - is\n"
        "standard input.",
    .tables = tables,
    .notes =
        "--keep outcome: the outcome, the stage, the error and how the session ended;\n"
        "--keep reply:   and code and enhanced code of the reply that decided: the last\n"
        "                refusal, or without one the last reply, QUIT's aside;\n"
        "--keep text:    and its words, or the line that broke the protocol.\n"
        "A transcript that diverges goes on diverging in the same way.\n\n"
        "Exit status: 0 done, also where a bound ended it; 65 it is no transcript, or\n"
        "has more than 16 MiB or 1000000 lines; 66 it cannot be read; 73 the result\n"
        "cannot be written.\n",
};

// ---- Reading and writing ------------------------------------------------------------------------

// All of `file`, up to one octet more than can be taken. NULL with errno set if it cannot be read.
static char *read_all(FILE *file, size_t *out_len) {
  size_t cap = 65536;
  char *text = malloc(cap);
  *out_len = 0;
  while (text != NULL && *out_len <= EHLO_SHRINK_TEXT_MAX) {
    long n = file_read(file, (uint8_t *)text + *out_len, cap - *out_len);
    if (n == 0) {
      return text;
    }
    *out_len += n > 0 ? (size_t)n : 0;
    char *more = n < 0 ? NULL : *out_len < cap ? text : realloc(text, cap * 2);
    if (more == NULL) {
      break;
    }
    cap = more != text || *out_len == cap ? cap * 2 : cap;
    text = more;
  }
  if (text != NULL && *out_len > EHLO_SHRINK_TEXT_MAX) {
    return text;
  }
  free(text);
  return NULL;
}

// Beside the file and then in its place, so that what was there is not lost half way.
static bool write_beside(const char *path, const char *text, size_t len) {
  char temporary[4096];
  if (snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) >= (int)sizeof(temporary)) {
    errno = ENAMETOOLONG;
    return false;
  }
  int fd = mkstemp(temporary);
  FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
  bool good = file != NULL && file_write(file, text, len);
  good = file != NULL && fclose(file) == 0 && good && rename(temporary, path) == 0;
  if (!good && fd >= 0) {
    int why = errno;
    unlink(temporary);
    errno = why;
  }
  return good;
}

static bool write_out(const struct shrink_command *c, const char *text, size_t len) {
  struct stat info;
  if (c->out == NULL) {
    return c->json || (file_write(stdout, text, len) && fflush(stdout) == 0);
  }
  if (stat(c->out, &info) != 0 || S_ISREG(info.st_mode)) {
    return write_beside(c->out, text, len);
  }
  FILE *file = fopen(c->out, "we");  // a pipe, a terminal
  bool good = file != NULL && file_write(file, text, len);
  return file != NULL && fclose(file) == 0 && good;
}

// ---- Progress -----------------------------------------------------------------------------------

static uint64_t elapsed_ns(const struct shrink_command *c) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)(now.tv_sec - c->start.tv_sec) * 1000000000U + (uint64_t)now.tv_nsec -
         (uint64_t)c->start.tv_nsec;
}

static bool on_progress(void *arg, const struct ehlo_shrink_progress *p) {
  static const char *const levels[] = {"items", "lines", "bytes"};
  struct shrink_command *c = arg;
  uint64_t now = elapsed_ns(c);
  if (c->tells && (c->told_ns == 0 || now - c->told_ns >= TELL_NS)) {
    fprintf(stderr, "\r\033[K%s: %zu lines of %zu, %zu bytes, %llu replays", levels[p->level],
            p->now.lines, p->before.lines, p->now.bytes, (unsigned long long)p->num_replays);
    fflush(stderr);
    c->told_ns = now;
  }
  return now < (uint64_t)c->seconds * 1000000000U;
}

// ---- The result ---------------------------------------------------------------------------------

static json_t *size_json(const struct ehlo_shrink_size *size) {
  return json_pack("{s:I, s:I, s:I}", "items", (json_int_t)size->items, "lines",
                   (json_int_t)size->lines, "bytes", (json_int_t)size->bytes);
}

static json_t *replay_json(const struct ehlo_replay_result *r) {
  json_t *json =
      json_pack("{s:s, s:s, s:s}", "verdict", r->verdict == EHLO_REPLAY_SAME ? "same" : "diverged",
                "state", ehlo_state_name(r->state), "status", ehlo_status_name(r->status));
  if (r->is_submission) {
    json_object_set_new(json, "outcome", json_string(ehlo_outcome_name(r->outcome)));
    json_object_set_new(json, "stage", json_string(ehlo_stage_name(r->stage)));
  }
  return json;
}

static void print_json(const struct shrink_command *c, const char *path,
                       const struct ehlo_shrink_result *r) {
  json_t *json = json_pack("{s:o, s:o, s:s, s:o, s:o, s:I, s:f, s:b}", "file",
                           text_to_json(ehlo_str(path)), "kept", replay_json(&r->replay), "keep",
                           keep_names[c->options.keep], "before", size_json(&r->before), "after",
                           size_json(&r->after), "replays", (json_int_t)r->num_replays, "seconds",
                           (double)elapsed_ns(c) / 1e9, "minimal", r->minimal);
  if (c->out == NULL) {
    struct ehlo_span text = {(const uint8_t *)r->text, r->len};
    json_object_set_new(json, "transcript", text_to_json(text));
  } else {
    json_object_set_new(json, "output", text_to_json(ehlo_str(c->out)));
  }
  text_print_json(json, JSON_INDENT(2));
}

static void print_summary(const struct shrink_command *c, const struct ehlo_shrink_result *r) {
  const struct ehlo_replay_result *kept = &r->replay;
  if (kept->verdict == EHLO_REPLAY_DIVERGED) {
    fprintf(complaints(), "it diverges: expected %s, got %s\n", kept->divergence.expected,
            kept->divergence.got);
  } else if (kept->is_submission) {
    fprintf(complaints(), "kept: %s at %s\n", ehlo_outcome_name(kept->outcome),
            ehlo_stage_name(kept->stage));
  } else {
    fprintf(complaints(), "kept: ends %s\n", ehlo_state_name(kept->state));
  }
  fprintf(complaints(),
          "items %zu -> %zu, lines %zu -> %zu, bytes %zu -> %zu; %llu replays, %.1f s\n",
          r->before.items, r->after.items, r->before.lines, r->after.lines, r->before.bytes,
          r->after.bytes, (unsigned long long)r->num_replays, (double)elapsed_ns(c) / 1e9);
  if (!r->minimal) {
    fputs("a bound ended it; more may go with --until-seconds or --max-replays\n", complaints());
  }
}

static int shrink(struct shrink_command *c, const char *path, const char *text, size_t len) {
  struct ehlo_shrink_result result;
  clock_gettime(CLOCK_MONOTONIC, &c->start);
  enum ehlo_shrink_status status = ehlo_shrink(&result, text, len, &c->options);
  if (c->told_ns > 0) {
    fputs("\r\033[K", stderr);
  }
  switch (status) {
    case EHLO_SHRINK_BAD:
      fprintf(complaints(), "ehlo: %s:%zu:%zu: %s\n", path, result.replay.error.line,
              result.replay.error.column, result.replay.error.message);
      return EX_DATAERR;
    case EHLO_SHRINK_TOO_LONG:
      fprintf(complaints(), "ehlo: %s: more than 16 MiB or 1000000 lines cannot be shrunk\n", path);
      return EX_DATAERR;
    case EHLO_SHRINK_NO_MEMORY:
      fprintf(complaints(), "ehlo: out of memory\n");
      return EX_OSERR;
    case EHLO_SHRINK_OK:
      break;
  }
  int exit_status = 0;
  if (!write_out(c, result.text, result.len)) {
    fprintf(complaints(), "ehlo: cannot write %s: %s\n",
            c->out != NULL ? c->out : "standard output", strerror(errno));
    exit_status = EX_CANTCREAT;
  } else if (c->json) {
    print_json(c, path, &result);
  }
  if (!c->quiet && exit_status == 0) {
    print_summary(c, &result);
  }
  free(result.text);
  return exit_status;
}

static int run(void *options, const struct option_uses *uses) {
  struct shrink_command *c = options;
  if (!options_apply(uses, &command, c)) {
    return EX_USAGE;
  }
  if (uses->num_operands != 1) {
    options_complain(&command, "one FILE is expected");
    return EX_USAGE;
  }
  const char *path = uses->operands[0];
  FILE *file = input_open(path);
  if (file == NULL) {
    return EX_NOINPUT;
  }
  size_t len;
  char *text = read_all(file, &len);
  int why = errno;
  file_close(file);
  if (text == NULL) {
    return input_complain(path, strerror(why));
  }
  c->tells = !c->quiet && isatty(STDERR_FILENO);
  int status = shrink(c, path, text, len);
  free(text);
  return status;
}

int command_shrink(int argc, char **argv) {
  struct shrink_command c = {.seconds = SECONDS_DEFAULT,
                             .options = {.keep = EHLO_SHRINK_KEEP_REPLY}};
  c.options.progress = on_progress;
  c.options.arg = &c;
  return options_run(&command, argc, argv, &c, run);
}
