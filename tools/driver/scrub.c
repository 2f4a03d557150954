// ehlo scrub: somebody's log without the credentials in it.
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <openssl/rand.h>
#include <openssl/siphash.h>
#include <string.h>
#include <sysexits.h>

#include "engine/ehlo.h"
#include "replay/scrub/scrub.h"
#include "tools/driver/commands.h"
#include "tools/driver/complaints.h"
#include "tools/driver/file.h"
#include "tools/driver/input.h"
#include "tools/driver/options.h"
#include "tools/driver/output.h"
#include "tools/driver/text.h"

struct scrub_command {
  const char *out_path;
  bool check;
  bool in_place;
  bool names;
  bool json;
  uint64_t num_findings;
  uint64_t key[2];  // of the pseudonyms of this run
  bool found;
  const char *path;  // at hand
  struct output output;
};

static const char *set_output(void *o, const char *value) {
  ((struct scrub_command *)o)->out_path = value;
  return NULL;
}

static const char *set_check(void *o, const char *value) {
  (void)value;
  ((struct scrub_command *)o)->check = true;
  return NULL;
}

static const char *set_in_place(void *o, const char *value) {
  (void)value;
  ((struct scrub_command *)o)->in_place = true;
  return NULL;
}

static const char *set_names(void *o, const char *value) {
  struct scrub_command *c = o;
  (void)value;
  c->names = true;
  return RAND_bytes((uint8_t *)c->key, sizeof(c->key)) == 1 ? NULL : "there is no randomness";
}

static const char *set_json(void *o, const char *value) {
  (void)value;
  ((struct scrub_command *)o)->json = true;
  return NULL;
}

static const struct option_row rows[] = {
    {"output", 'o', "FILE", "write to FILE instead of standard output", set_output},
    {"check", 0, NULL, "only say where credentials are: FILE:LINE:COLUMN", set_check},
    {"in-place", 0, NULL, "replace each FILE by what is left of it", set_in_place},
    {"names", 0, NULL, "hide mailboxes and users too, consistently", set_names},
    {"json", 0, NULL, "one JSON object on standard output: each finding", set_json},
    {NULL, 0, NULL, NULL, NULL},
};
static const struct option_row *const tables[] = {rows, NULL};
static const struct command command = {
    .name = "scrub",
    .synopsis = "[OPTION…] FILE…",
    .summary =
        "Finds credentials in somebody's log and puts {secret} in their place; - is\n"
        "standard input. Nothing else is changed. With --check it is a commit hook.",
    .tables = tables,
    .notes =
        "Exit status: 0 there were none, 1 there were some, 65 a file holds too many to\n"
        "look for, 66 cannot be read, 73 cannot be written.\n",
};

// A transcript by its name, or by its header behind comments.
static bool is_transcript(FILE *file, const char *path) {
  static const char header[] = "! ehlo-transcript ";
  char line[256];
  size_t len = strlen(path);
  bool is = len > 5 && strcmp(path + len - 5, ".smtp") == 0;
  while (!is && fgets(line, sizeof(line), file) != NULL && line[0] == '#') {
  }
  is = is || strncmp(line, header, sizeof(header) - 1) == 0;
  rewind(file);
  return is;
}

static bool write_text(void *arg, const char *text, size_t len) {
  return fwrite(text, 1, len, ((struct scrub_command *)arg)->output.file) == len;
}

// One a line, as they are found: there may be any number of them.
static void print_finding_json(struct scrub_command *c, const struct ehlo_scrub_finding *finding) {
  fputs(c->num_findings++ > 0 ? ",\n    " : "\n    ", stdout);
  text_write_json(stdout,
                  json_pack("{s:o, s:I, s:I, s:s}", "file", text_to_json(ehlo_str(c->path)), "line",
                            (json_int_t)finding->line, "column", (json_int_t)finding->column,
                            "what", finding->what),
                  JSON_COMPACT);
}

static void print_finding(void *arg, const struct ehlo_scrub_finding *finding) {
  struct scrub_command *c = arg;
  if (c->json) {
    print_finding_json(c, finding);
  } else if (c->check) {
    text_print(stdout, ehlo_str(c->path));
    printf(":%" PRIu64 ":%" PRIu64 ": %s\n", finding->line, finding->column, finding->what);
  }
}

static int unreadable(const char *path) {
  return input_complain(path, strerror(errno));
}

// One reading; false if the file cannot be read to its end.
static bool read_all(struct ehlo_scrub *s, FILE *file,
                     void (*take)(struct ehlo_scrub *s, const uint8_t *bytes, size_t len)) {
  uint8_t buf[65536];
  long len;
  while ((len = file_read(file, buf, sizeof(buf))) > 0) {
    take(s, buf, (size_t)len);
  }
  return len == 0;
}

// A keyed hash: the same name is the same within one run, and nobody can try names against it.
static void pseudonym(void *arg, char out[EHLO_SCRUB_PSEUDONYM_MAX], const uint8_t *name,
                      size_t len) {
  const struct scrub_command *c = arg;
  snprintf(out, EHLO_SCRUB_PSEUDONYM_MAX, "{name-%08" PRIx32 "}",
           (uint32_t)SIPHASH_24(c->key, name, len));
}

static int rewrite(struct scrub_command *c, struct ehlo_scrub *s, FILE *file) {
  bool writes = !c->check;
  int status = writes ? output_open(&c->output, c->in_place ? c->path : c->out_path) : 0;
  if (status != 0) {
    return status;
  }
  rewind(file);
  ehlo_scrub_rewrite_begin(s, writes ? write_text : NULL, print_finding, c);
  bool read = read_all(s, file, ehlo_scrub_rewrite);
  int why = errno;
  bool found = ehlo_scrub_rewrite_end(s) > 0;
  c->found = c->found || found;
  if (!read) {
    if (writes) {
      output_drop(&c->output);
    }
    errno = why;
    return unreadable(c->path);
  }
  if (c->in_place && !found) {
    output_drop(&c->output);
    return 0;
  }
  return writes ? output_commit(&c->output) : 0;
}

static int scrub(struct scrub_command *c, FILE *file) {
  static struct ehlo_scrub s;
  int status = EX_DATAERR;
  ehlo_scrub_init(&s);
  if (is_transcript(file, c->path)) {
    ehlo_scrub_init_transcript(&s);
  }
  if (c->names) {
    ehlo_scrub_hide_names(&s, pseudonym, c);
  }
  if (!read_all(&s, file, ehlo_scrub_learn)) {
    status = unreadable(c->path);
  } else if (!ehlo_scrub_learn_end(&s)) {
    fputs("ehlo: ", complaints());
    text_print(complaints(), ehlo_str(c->path));
    fprintf(complaints(),
            ": more than %zu different credentials, which is more than are looked for; split it\n",
            SCRUB_KNOWN_MAX);
  } else {
    status = rewrite(c, &s, file);
  }
  ehlo_scrub_wipe(&s);
  return status;
}

static const char *conflict(const struct scrub_command *c, const struct option_uses *uses) {
  bool has_stdin = false;
  for (int i = 0; i < uses->num_operands; i++) {
    has_stdin = has_stdin || strcmp(uses->operands[i], "-") == 0;
  }
  if (uses->num_operands == 0) {
    return "FILE is missing";
  }
  if (c->check + c->in_place + (c->out_path != NULL) > 1) {
    return "--check, --in-place and --output exclude one another";
  }
  if (uses->num_operands > 1 && !c->check && !c->in_place) {
    return "several files want --check or --in-place";
  }
  if (c->json && !c->check && !c->in_place &&
      (c->out_path == NULL || strcmp(c->out_path, "-") == 0)) {
    return "--json wants --check, --in-place or --output: the text would be on standard output too";
  }
  return c->in_place && has_stdin ? "standard input has no place to be written to" : NULL;
}

static void end_json(const struct scrub_command *c, int status) {
  const char *error = status > 1 ? complaints_last() : "";
  printf("%s],\n  \"num\": %" PRIu64 ",\n  \"status\": %d,\n  \"error\": ",
         c->num_findings > 0 ? "\n  " : "", c->num_findings, status);
  if (error[0] != '\0') {
    text_write_json_string(stdout, ehlo_str(error));
  } else {
    fputs("null", stdout);
  }
  fputs("\n}\n", stdout);
}

static int run(void *options, const struct option_uses *uses) {
  struct scrub_command *c = options;
  int status = 0;
  if (!options_apply(uses, &command, c)) {
    return EX_USAGE;
  }
  const char *wrong = conflict(c, uses);
  if (wrong != NULL) {
    options_complain(&command, "%s", wrong);
    return EX_USAGE;
  }
  if (c->json) {
    text_note_json();
    fputs("{\n  \"findings\": [", stdout);
  }
  for (int i = 0; i < uses->num_operands; i++) {
    c->path = uses->operands[i];
    FILE *file = input_spool(c->path, NULL, NULL);
    int outcome = file != NULL ? scrub(c, file) : EX_NOINPUT;
    status = status == 0 ? outcome : status;
    if (file != NULL) {
      file_close(file);
    }
  }
  status = status != 0 ? status : c->found ? 1 : 0;
  if (c->json) {
    end_json(c, status);
  }
  return status;
}

int command_scrub(int argc, char **argv) {
  struct scrub_command c = {0};
  return options_run(&command, argc, argv, &c, run);
}
