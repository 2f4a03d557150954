// Options as tables: one row gives the parser, the configuration file and the help text their due.
// getopt_long does the parsing.
#ifndef EHLO_TOOLS_DRIVER_OPTIONS_H
#define EHLO_TOOLS_DRIVER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

struct option_row {
  const char *name;      // long name without dashes
  char letter;           // short form, 0 if there is none
  const char *argument;  // its name in the help text, NULL for a flag
  const char *help;      // NULL: it is not listed
  // Takes the value (NULL for a flag). Returns NULL, or a sentence on what is wrong with it.
  const char *(*set)(void *options, const char *value);
};

struct command {
  const char *name;
  const char *synopsis;  // what follows the name in the usage line
  const char *summary;
  const struct option_row *const *tables;  // NULL-terminated; each ends with a row without name
  const char *notes;                       // printed after the options, or NULL
  const char *const
      *essentials;  // names of the options that are used most, NULL-terminated; NULL: all
  // Prints the JSON object for what is wrong before there is any other, in `error`; NULL: one of
  // complaints_print_json().
  void (*early_json)(const char *error);
};

// One option as it was met.
struct option_use {
  const struct option_row *row;
  const char *value;
};

struct option_uses {
  struct option_use *uses;
  size_t num;
  char **operands;
  int num_operands;
};

// Takes the command line apart and hands it to `run`, whose exit status it returns. What is wrong
// with an option, and --help, it deals with by itself. With --json there is an object on standard
// output also where all that came of it was a complaint.
int options_run(const struct command *command, int argc, char **argv, void *options,
                int (*run)(void *options, const struct option_uses *uses));

// Hands each option met to its row. False after printing what is wrong.
bool options_apply(const struct option_uses *uses, const struct command *command, void *options);

// The row with this long name, or NULL.
const struct option_row *options_find(const struct command *command, const char *name);

// The value of the last use of a long option, or NULL.
const char *options_last(const struct option_uses *uses, const char *name);

// Prints "ehlo send: …" and where to find help, to standard error.
void options_complain(const struct command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif  // EHLO_TOOLS_DRIVER_OPTIONS_H
