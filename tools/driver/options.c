// The command line, by table.
#include "tools/driver/options.h"

#include <assert.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "engine/ehlo.h"
#include "tools/driver/complaints.h"
#include "tools/driver/help.h"
#include "tools/driver/text.h"

#define ROWS_MAX 128
#define FIRST_ID 1000  // beyond any letter

struct lookup {
  struct option longs[ROWS_MAX + 2];
  const struct option_row *rows[ROWS_MAX];
  size_t num;
  char letters[ROWS_MAX * 2 + 2];
};

void options_complain(const struct command *command, const char *format, ...) {
  char sentence[1024];
  va_list args;
  va_start(args, format);
  vsnprintf(sentence, sizeof(sentence), format, args);
  va_end(args);
  fprintf(complaints(), "ehlo %s: ", command->name);
  text_print(complaints(), ehlo_str(sentence));  // a word of the command line may hold anything
  fprintf(complaints(), "\nTry 'ehlo %s --help'.\n", command->name);
}

static void build(struct lookup *l, const struct command *command) {
  size_t letters = 0;
  memset(l, 0, sizeof(*l));
  l->letters[letters++] = ':';
  for (size_t t = 0; command->tables[t] != NULL; t++) {
    for (const struct option_row *row = command->tables[t]; row->name != NULL; row++) {
      assert(l->num < ROWS_MAX);
      l->longs[l->num] =
          (struct option){row->name, row->argument != NULL ? required_argument : no_argument, NULL,
                          FIRST_ID + (int)l->num};
      l->rows[l->num++] = row;
      if (row->letter != 0) {
        l->letters[letters++] = row->letter;
        if (row->argument != NULL) {
          l->letters[letters++] = ':';
        }
      }
    }
  }
  l->longs[l->num] = (struct option){"help", optional_argument, NULL, 'h'};
  l->letters[letters] = 'h';
}

static const struct option_row *row_of(const struct lookup *l, int id) {
  if (id >= FIRST_ID) {
    return l->rows[id - FIRST_ID];
  }
  for (size_t i = 0; i < l->num; i++) {
    if (l->rows[i]->letter == id) {
      return l->rows[i];
    }
  }
  return NULL;
}

enum option_result {
  OPTIONS_OK,
  OPTIONS_HELP,   // was asked for and printed
  OPTIONS_WRONG,  // a sentence was printed
};

static enum option_result parse(struct option_uses *out, const struct command *command, int argc,
                                char **argv) {
  struct lookup l;
  int id;
  memset(out, 0, sizeof(*out));
  build(&l, command);
  out->uses = calloc((size_t)argc + 1, sizeof(*out->uses));
  if (out->uses == NULL) {
    options_complain(command, "out of memory");
    return OPTIONS_WRONG;
  }
  optind = 1;
  while ((id = getopt_long(argc, argv, l.letters, l.longs, NULL)) != -1) {
    if (id == 'h') {
      const char *kind = optarg != NULL ? optarg : optind < argc ? argv[optind] : NULL;
      help_print(command, kind);
      return OPTIONS_HELP;
    }
    if (id == '?' || id == ':') {
      // The word itself may hold what should not be shown, such as a password typed by mistake.
      const char *why = id == ':' ? "wants a value" : "is not known here, or not with a value";
      int width = (int)strcspn(argv[optind - 1], "=");
      options_complain(command, "the option %.*s %s", width, argv[optind - 1], why);
      return OPTIONS_WRONG;
    }
    out->uses[out->num++] = (struct option_use){row_of(&l, id), optarg};
  }
  out->operands = argv + optind;
  out->num_operands = argc - optind;
  return OPTIONS_OK;
}

// Whether JSON is asked for, as far as the command line was understood and behind that place.
static bool wants_json(const struct option_uses *uses, const struct command *command, char **rest) {
  if (options_find(command, "json") == NULL) {
    return false;
  }
  for (size_t i = 0; i < uses->num; i++) {
    if (strcmp(uses->uses[i].row->name, "json") == 0) {
      return true;
    }
  }
  for (; *rest != NULL && strcmp(*rest, "--") != 0; rest++) {
    if (strcmp(*rest, "--json") == 0) {
      return true;
    }
  }
  return false;
}

int options_run(const struct command *command, int argc, char **argv, void *options,
                int (*run)(void *options, const struct option_uses *uses)) {
  struct option_uses uses;
  enum option_result parsed = parse(&uses, command, argc, argv);
  char **rest = parsed == OPTIONS_OK ? argv + argc : argv + optind;
  int status = parsed == OPTIONS_HELP ? 0 : EX_USAGE;
  if (parsed == OPTIONS_OK) {
    status = run(options, &uses);
  }
  if (status != 0 && !text_has_json() && wants_json(&uses, command, rest)) {
    if (command->early_json != NULL) {
      command->early_json(complaints_last());
    } else {
      complaints_print_json(status);
    }
  }
  free(uses.uses);
  return status;
}

bool options_apply(const struct option_uses *uses, const struct command *command, void *options) {
  for (size_t i = 0; i < uses->num; i++) {
    const struct option_use *use = &uses->uses[i];
    const char *wrong = use->row->set(options, use->value);
    if (wrong != NULL) {
      options_complain(command, "--%s: %s", use->row->name, wrong);
      return false;
    }
  }
  return true;
}

const struct option_row *options_find(const struct command *command, const char *name) {
  for (size_t t = 0; command->tables[t] != NULL; t++) {
    for (const struct option_row *row = command->tables[t]; row->name != NULL; row++) {
      if (strcmp(row->name, name) == 0) {
        return row;
      }
    }
  }
  return NULL;
}

const char *options_last(const struct option_uses *uses, const char *name) {
  const char *value = NULL;
  for (size_t i = 0; i < uses->num; i++) {
    if (strcmp(uses->uses[i].row->name, name) == 0) {
      value = uses->uses[i].value;
    }
  }
  return value;
}
