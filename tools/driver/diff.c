// ehlo diff: two sessions side by side, and the first difference that matters.
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "engine/ehlo.h"
#include "replay/compare/compare.h"
#include "tools/driver/colour.h"
#include "tools/driver/commands.h"
#include "tools/driver/complaints.h"
#include "tools/driver/file.h"
#include "tools/driver/input.h"
#include "tools/driver/options.h"
#include "tools/driver/text.h"

#define BOLD "\033[1m"
#define DIM "\033[2m"
#define PLAIN "\033[0m"

struct diff_command {
  bool json;
  bool quiet;
  struct ehlo_compare_options options;
  const char *paths[2];
};

static const char *set_json(void *o, const char *value) {
  (void)value;
  ((struct diff_command *)o)->json = true;
  return NULL;
}

static const char *set_quiet(void *o, const char *value) {
  (void)value;
  ((struct diff_command *)o)->quiet = true;
  return NULL;
}

static const char *set_cuts(void *o, const char *value) {
  (void)value;
  ((struct diff_command *)o)->options.cuts = true;
  return NULL;
}

static const struct option_row rows[] = {
    {"cuts", 0, NULL, "also in how many pieces each reply came", set_cuts},
    {"json", 0, NULL, "one JSON object on standard output", set_json},
    {"quiet", 'q', NULL, "only the first difference that matters", set_quiet},
    {NULL, 0, NULL, NULL, NULL},
};
static const struct option_row *const tables[] = {rows, colour_option_rows, NULL};
static const struct command command = {
    .name = "diff",
    .synopsis = "[OPTION…] A B",
    .summary =
        "Compares two transcripts: tells the first difference that matters, then the\n"
        "rest. One of them may be -, for standard input.",
    .tables = tables,
    .notes =
        "A wait differs if one is at least a second longer than the other, and twice\n"
        "as long. Words of replies, the place connected to, and what is new in each\n"
        "message (Date, Message-ID, boundaries) do not matter and come last.\n\n"
        "Exit status: 0 nothing that matters differs, 1 something does, 65 one is no\n"
        "transcript, 66 one cannot be read.\n",
};

// ---- For people ---------------------------------------------------------------------------------

static void print_side(const char *side, size_t line, const char *text) {
  if (line == 0 && *text == '\0') {
    return;
  }
  printf("    %s", side);
  if (line > 0) {
    printf(":%zu", line);
  }
  fputs("  ", stdout);
  text_print(stdout, ehlo_str(text));
  putchar('\n');
}

static void print_difference(const struct ehlo_difference *d, const char *colour) {
  printf("%s%-8s  ", colour, d->stage);
  text_print(stdout, ehlo_str(d->sentence));
  puts(*colour != '\0' ? PLAIN : "");
  print_side("A", d->a_line, d->a);
  print_side("B", d->b_line, d->b);
}

static const char *heading_of(const struct ehlo_difference *d) {
  if (!d->matters) {
    return "does not matter:";
  }
  return d->kind == EHLO_DIFFERENCE_TIMING ? "timing:" : "also:";
}

static void print_people(const struct diff_command *c, const struct ehlo_comparison *r) {
  bool colour = text_colour(stdout);
  const char *heading = "";
  if (r->num_matter == 0) {
    puts(r->num == 0 ? "the sessions are the same" : "nothing that matters differs");
  } else {
    print_difference(&r->differences[0], colour ? BOLD : "");
  }
  for (size_t i = r->num_matter == 0 ? 0 : 1; i < r->num && !c->quiet; i++) {
    const struct ehlo_difference *d = &r->differences[i];
    if (strcmp(heading, heading_of(d)) != 0) {
      heading = heading_of(d);
      printf("\n%s\n", heading);
    }
    print_difference(d, colour && !d->matters ? DIM : "");
  }
  if (r->num_untold > 0 && !c->quiet) {
    printf("\nand %zu more\n", r->num_untold);
  }
}

// ---- For programs -------------------------------------------------------------------------------

static json_t *line_json(size_t line) {
  return line > 0 ? json_integer((json_int_t)line) : json_null();
}

static json_t *difference_json(const struct ehlo_difference *d) {
  return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:b}", "stage", d->stage, "kind",
                   ehlo_difference_name(d->kind), "sentence", d->sentence, "a", d->a, "b", d->b,
                   "a_line", line_json(d->a_line), "b_line", line_json(d->b_line), "matters",
                   d->matters);
}

static void print_json(const struct diff_command *c, const struct ehlo_comparison *r) {
  json_t *differences = json_array();
  for (size_t i = 0; i < r->num; i++) {
    json_array_append_new(differences, difference_json(&r->differences[i]));
  }
  json_t *json =
      json_pack("{s:o, s:o, s:b, s:o, s:o, s:I}", "a", text_to_json(ehlo_str(c->paths[0])), "b",
                text_to_json(ehlo_str(c->paths[1])), "same", r->num_matter == 0, "first",
                r->num_matter > 0 ? difference_json(&r->differences[0]) : json_null(),
                "differences", differences, "untold", (json_int_t)r->num_untold);
  text_print_json(json, JSON_INDENT(2));
}

// ---- The command --------------------------------------------------------------------------------

static int compare(const struct diff_command *c, FILE *a, FILE *b) {
  struct ehlo_comparison result;
  struct ehlo_transcript_error error = {0, 0, NULL};
  const char *path = c->paths[1];
  errno = 0;
  switch (ehlo_compare(&result, &error, file_read, a, file_read, b, &c->options)) {
    case EHLO_COMPARE_OK:
      break;
    case EHLO_COMPARE_BAD_A:
      path = c->paths[0];
      // fall through
    case EHLO_COMPARE_BAD_B:
      fprintf(complaints(), "ehlo: %s:%zu:%zu: %s\n", path, error.line, error.column,
              error.message);
      return EX_DATAERR;
    case EHLO_COMPARE_FAILED_A:
      path = c->paths[0];
      // fall through
    case EHLO_COMPARE_FAILED_B:
      return input_complain(path, strerror(errno));
    case EHLO_COMPARE_NO_MEMORY:
      fputs("ehlo: out of memory\n", complaints());
      return EX_OSERR;
  }
  if (c->json) {
    print_json(c, &result);
  } else {
    print_people(c, &result);
  }
  int status = result.num_matter > 0 ? 1 : 0;
  ehlo_comparison_free(&result);
  return status;
}

static int run(void *options, const struct option_uses *uses) {
  struct diff_command *c = options;
  if (!options_apply(uses, &command, c)) {
    return EX_USAGE;
  }
  if (uses->num_operands != 2) {
    options_complain(&command, "two files are expected, A and B");
    return EX_USAGE;
  }
  c->paths[0] = uses->operands[0];
  c->paths[1] = uses->operands[1];
  if (strcmp(c->paths[0], "-") == 0 && strcmp(c->paths[1], "-") == 0) {
    options_complain(&command, "standard input can be only one of them");
    return EX_USAGE;
  }
  FILE *a = input_open(c->paths[0]);
  FILE *b = a != NULL ? input_open(c->paths[1]) : NULL;
  int status = b != NULL ? compare(c, a, b) : EX_NOINPUT;
  if (a != NULL) {
    file_close(a);
  }
  if (b != NULL) {
    file_close(b);
  }
  return status;
}

int command_diff(int argc, char **argv) {
  struct diff_command c = {0};
  return options_run(&command, argc, argv, &c, run);
}
