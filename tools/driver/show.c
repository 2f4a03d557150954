// ehlo show: a transcript for people, as JSON Lines, or as a page.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "replay/transcript.h"
#include "tools/driver/colour.h"
#include "tools/driver/commands.h"
#include "tools/driver/complaints.h"
#include "tools/driver/explanation.h"
#include "tools/driver/file.h"
#include "tools/driver/input.h"
#include "tools/driver/options.h"
#include "tools/driver/show_json.h"
#include "tools/driver/trace.h"
#include "tools/show/cover.h"
#include "tools/show/page.h"
#include "tools/show/question.h"
#include "tools/show/summary.h"

struct show_command {
  bool json;
  bool verbose;
  const char *html;  // where the page goes, NULL: there is none
};

static const char *set_json(void *o, const char *value) {
  (void)value;
  ((struct show_command *)o)->json = true;
  return NULL;
}

static const char *set_html(void *o, const char *value) {
  ((struct show_command *)o)->html = value;
  return NULL;
}

static const char *set_verbose(void *o, const char *value) {
  (void)value;
  ((struct show_command *)o)->verbose = true;
  return NULL;
}

static const struct option_row rows[] = {
    {"json", 0, NULL, "JSON Lines, see below", set_json},
    {"html", 0, "FILE", "write a page with a diagram; - is standard output", set_html},
    {"verbose", 'v', NULL, "with the raw bytes, times, cuts and events", set_verbose},
    {NULL, 0, NULL, NULL, NULL},
};
static const struct option_row *const tables[] = {rows, colour_option_rows, NULL};
static const struct command command = {
    .name = "show",
    .synopsis = "[OPTION…] FILE",
    .summary = "Prints a transcript; - is standard input.",
    .tables = tables,
    .notes =
        "Marks: -> <- in cleartext, ~> <~ under TLS, <** <~* a refusal, === a fact.\n"
        "Waits of a second and more stand in parentheses. A long message is cut\n"
        "short; -v shows all of it.\n\n" SHOW_JSON_HELP,
};

// The transcript in whatever way it is shown.
struct view {
  struct show_dialogue dialogue;
  struct trace trace;
  struct show_summary summary;
};

// One line on how it ended, and what the reply or the failure means that decided it.
static void print_end(const struct show_summary *summary) {
  bool inferred;
  struct explanation e;
  struct show_verdict v = show_summary_verdict(summary, &inferred);
  if (v.outcome != EHLO_OUTCOME_OPEN) {
    printf("=== %s at %s%s\n", ehlo_outcome_name(v.outcome), ehlo_stage_name(v.stage),
           inferred ? ", by the look of the dialogue" : "");
  }
  if (show_explain(&e, summary, v)) {
    explanation_print(stdout, &e, 4);
  }
}

static void take_text(void *view, const struct ehlo_item *item) {
  struct view *v = view;
  struct show_piece piece;
  show_dialogue_item(&v->dialogue, item);
  while (show_dialogue_next(&v->dialogue, &piece)) {
    show_summary_piece(&v->summary, &piece);
  }
  trace_item(&v->trace, item);
}

static int complain(const struct ehlo_reader *reader, enum ehlo_read_result why, const char *path) {
  fflush(stdout);
  if (why == EHLO_READ_BAD) {
    fprintf(complaints(), "ehlo: %s:%zu:%zu: %s\n", path, reader->error.line, reader->error.column,
            reader->error.message);
    return EX_DATAERR;
  }
  return input_complain(path, strerror(errno));
}

// Reads all of it, giving each item to `take`.
static int read_all(FILE *file, const char *path, void (*take)(void *arg, const struct ehlo_item *),
                    void *arg) {
  static struct ehlo_reader reader;
  static struct show_cover cover;
  struct ehlo_item item;
  struct ehlo_item covered;
  enum ehlo_read_result read;
  ehlo_reader_init(&reader, file_read, file);
  show_cover_init(&cover);
  while ((read = ehlo_reader_next(&reader, &item)) == EHLO_READ_ITEM) {
    take(arg, show_cover_item(&cover, &covered, &item));
  }
  return read == EHLO_READ_END ? 0 : complain(&reader, read, path);
}

static void take_json(void *json, const struct ehlo_item *item) {
  show_json_item(json, item);
}

static int show_json(FILE *file, const char *path) {
  static struct show_json json;
  show_json_init(&json);
  int status = read_all(file, path, take_json, &json);
  show_json_end(&json, status == 0);
  return status;
}

static int show_text(FILE *file, const char *path, bool verbose) {
  static struct view v;
  show_dialogue_init(&v.dialogue);
  show_summary_init(&v.summary);
  trace_init(&v.trace, stdout, verbose);
  int status = read_all(file, path, take_text, &v);
  trace_finish(&v.trace);
  if (status == 0) {
    print_end(&v.summary);
  }
  return status;
}

// ---- The page -----------------------------------------------------------------------------------

static void take_page(void *page, const struct ehlo_item *item) {
  show_page_item(page, item);
}

static int cannot_write(const char *path) {
  fprintf(complaints(), "ehlo: cannot write %s: %s\n", path, strerror(errno));
  return EX_CANTCREAT;
}

// The page replaces what is there, but not the transcript that it is made of.
static bool is_same_file(FILE *file, const char *path) {
  struct stat a;
  struct stat b;
  return fstat(fileno(file), &a) == 0 && stat(path, &b) == 0 && a.st_dev == b.st_dev &&
         a.st_ino == b.st_ino;
}

// A page may hold a message: it is readable by its owner alone.
static int write_page(struct show_page *page, const char *to, const char *name) {
  int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
  if (out == NULL) {
    return cannot_write(to);
  }
  bool whole = show_page_write(page, out, name);
  bool bad = ferror(out) != 0;
  if (fclose(out) != 0 || bad) {
    return cannot_write(to);
  }
  return whole ? 0 : EX_OSERR;
}

static int show_html(FILE *file, const char *path, const char *to) {
  static struct show_page page;
  const char *slash = strrchr(path, '/');
  const char *name = strcmp(path, "-") == 0 ? "on standard input"
                     : slash != NULL        ? slash + 1
                                            : path;
  bool to_stdout = strcmp(to, "-") == 0;
  if (!to_stdout && is_same_file(file, to)) {
    options_complain(&command, "--html: %s is the transcript itself", to);
    return EX_USAGE;
  }
  show_page_init(&page);
  int status = read_all(file, path, take_page, &page);
  if (status == 0) {
    status = !to_stdout                             ? write_page(&page, to, name)
             : show_page_write(&page, stdout, name) ? 0
                                                    : EX_OSERR;
  }
  show_page_free(&page);
  if (status == EX_OSERR) {
    fprintf(complaints(), "ehlo: out of memory\n");
  }
  return status;
}

// ---- The command --------------------------------------------------------------------------------

static int show(const struct show_command *c, FILE *file, const char *path) {
  if (c->html != NULL) {
    return show_html(file, path, c->html);
  }
  return c->json ? show_json(file, path) : show_text(file, path, c->verbose);
}

static int run(void *options, const struct option_uses *uses) {
  struct show_command *c = options;
  if (!options_apply(uses, &command, c)) {
    return EX_USAGE;
  }
  if (uses->num_operands != 1) {
    options_complain(&command, "one FILE is expected");
    return EX_USAGE;
  }
  if (c->json && c->html != NULL) {
    options_complain(&command, "--json and --html exclude each other");
    return EX_USAGE;
  }
  FILE *file = input_open(uses->operands[0]);
  if (file == NULL) {
    return EX_NOINPUT;
  }
  int status = show(c, file, uses->operands[0]);
  file_close(file);
  return status;
}

int command_show(int argc, char **argv) {
  struct show_command c = {0};
  return options_run(&command, argc, argv, &c, run);
}
