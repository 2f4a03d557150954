// Option tables as text.
#include "tools/driver/help.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "engine/submit.h"
#include "replay/settings.h"
#include "tools/driver/manual.h"

#define HELP_COLUMN 30
#define SCREEN 24                     // lines, with that of the prompt
#define RELEASED "November 27, 2026"  // as mdoc(7) wants a date

// A letter is that of the first row which has it.
static bool owns_letter(const struct command *command, const struct option_row *mine) {
  for (size_t t = 0; command->tables[t] != NULL; t++) {
    for (const struct option_row *row = command->tables[t]; row->name != NULL; row++) {
      if (row->letter == mine->letter) {
        return row == mine && row->letter != 0;
      }
    }
  }
  return false;
}

static bool is_essential(const struct command *command, const struct option_row *row) {
  for (size_t i = 0; command->essentials != NULL && command->essentials[i] != NULL; i++) {
    if (strcmp(command->essentials[i], row->name) == 0) {
      return true;
    }
  }
  return command->essentials == NULL;
}

// ---- Help -------------------------------------------------------------------------------------------

static void print_row(const struct command *command, const struct option_row *row) {
  char left[80];
  char letter[8] = "    ";
  if (owns_letter(command, row)) {
    snprintf(letter, sizeof(letter), "-%c, ", row->letter);
  }
  int len = snprintf(left, sizeof(left), "  %s--%s%s%s", letter, row->name,
                     row->argument != NULL ? " " : "", row->argument != NULL ? row->argument : "");
  printf("%-*s%s%s\n", HELP_COLUMN, left, len >= HELP_COLUMN ? " " : "", row->help);
}

static size_t lines_of(const char *text) {
  size_t lines = 0;
  for (; text != NULL && *text != '\0'; text++) {
    lines += *text == '\n';
  }
  return lines;
}

static void print_help(const struct command *command, bool all) {
  size_t left_out = 0;
  size_t lines = lines_of(command->summary) + lines_of(command->notes) + 6;
  printf("usage: ehlo %s %s\n%s\n\n", command->name, command->synopsis, command->summary);
  for (size_t t = 0; command->tables[t] != NULL; t++) {
    for (const struct option_row *row = command->tables[t]; row->name != NULL; row++) {
      if (row->help != NULL && (all || is_essential(command, row))) {
        print_row(command, row);
        lines++;
      } else {
        left_out += row->help != NULL;
      }
    }
  }
  printf("  %-*s%s\n", HELP_COLUMN - 2, "-h, --help", "show this");
  if (left_out > 0) {
    printf("\n'ehlo %s --help all' lists %zu more; man ehlo-%s tells everything.\n", command->name,
           left_out, command->name);
  } else if (command->notes != NULL && !all && lines > SCREEN) {
    printf("\n'ehlo %s --help all' says more.\n", command->name);
  } else if (command->notes != NULL) {
    printf("\n%s", command->notes);
  }
}

// ---- The manual page --------------------------------------------------------------------------------

// The first sentence of the summary, as the line of a page's name wants it.
static void put_description(const char *summary) {
  size_t len = strcspn(summary, ".:;");
  for (size_t i = 0; i < len; i++) {
    putchar(i == 0 ? tolower((unsigned char)summary[i]) : summary[i] == '\n' ? ' ' : summary[i]);
  }
  putchar('\n');
}

static void put_heading(const char *name) {
  fputs(".Dd " RELEASED "\n.Dt EHLO-", stdout);
  for (const char *c = name; *c != '\0'; c++) {
    putchar(toupper((unsigned char)*c));
  }
  printf(" 1\n.Os\n.Sh NAME\n.Nm ehlo-%s\n.Nd ", name);
}

static void put_option(const struct command *command, const struct option_row *row) {
  fputs(".It ", stdout);
  if (owns_letter(command, row)) {
    printf("Fl %c , ", row->letter);
  }
  fputs("Fl ", stdout);
  manual_put("-");
  manual_put(row->name);
  if (row->argument != NULL) {
    fputs(" Ar ", stdout);
    // A macro's argument with blanks would be several.
    putchar('"');
    manual_put(row->argument);
    putchar('"');
  }
  putchar('\n');
  manual_put(row->help);
  putchar('\n');
}

static const char *const statuses[][2] = {
    {"0",
     "accepted for every recipient, or the stage asked for was reached,\n"
     "or all is as it should be"},
    {"1", "accepted for some recipients only, or a transcript diverged,\nor two things differ"},
    {"64", "wrong usage"},
    {"65", "malformed message, transcript or input"},
    {"66", "input cannot be read"},
    {"68", "host name unknown"},
    {"69", "refused for good (5yz)"},
    {"70", "a fault of ehlo itself"},
    {"73", "output cannot be written, or the record is incomplete"},
    {"74", "connection refused, reset or lost"},
    {"75", "refused for now (4yz), or timed out"},
    {"76", "the server broke the protocol"},
    {"77", "authentication refused"},
    {"78", "the security asked for cannot be had, or the configuration is wrong"},
    {"79", "unknown: the connection ended after the final dot and before its reply"},
};

static void print_man(const struct command *command) {
  put_heading(command->name);
  put_description(command->summary);
  fputs(".Sh SYNOPSIS\n.Nm ehlo Cm ", stdout);
  manual_put(command->name);
  putchar('\n');
  if (command->synopsis[0] != '\0') {
    fputs(".Ar \"", stdout);
    manual_put(command->synopsis);
    fputs("\"\n", stdout);
  }
  fputs(".Sh DESCRIPTION\n", stdout);
  manual_put(command->summary);
  fputs("\n.Sh OPTIONS\n.Bl -tag -width Ds\n", stdout);
  for (size_t t = 0; command->tables[t] != NULL; t++) {
    for (const struct option_row *row = command->tables[t]; row->name != NULL; row++) {
      if (row->help != NULL) {
        put_option(command, row);
      }
    }
  }
  fputs(".It Fl h , Fl \\-help Op Cm all\nShow the options.\n.El\n", stdout);
  if (command->notes != NULL) {
    fputs(".Sh NOTES\n", stdout);
    manual_put_literal(command->notes);
  }
  manual_print_surroundings(command);
  fputs(".Sh EXIT STATUS\n.Bl -tag -width Ds\n", stdout);
  for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
    printf(".It %s\n%s\n", statuses[i][0], statuses[i][1]);
  }
  fputs(".El\n", stdout);
  manual_print_examples(command);
  fputs(".Sh SEE ALSO\n.Xr ehlo 1", stdout);
  puts(options_find(command, "config") != NULL ? " ,\n.Xr ehlo.conf 5" : "");
}

// ---- Completion -------------------------------------------------------------------------------------

// Words to choose from have bars between them, in the table or, where they are many, made here.
static void put_argument(const char *argument) {
  if (strcmp(argument, "STAGE") == 0) {
    for (unsigned i = 0; i < EHLO_NUM_STAGES; i++) {
      printf("%s%s", i > 0 ? "|" : "", ehlo_stage_name((enum ehlo_stage)i));
    }
  } else if (strncmp(argument, "MECH", 4) == 0) {
    for (size_t i = 0; i < ehlo_num_mechanisms; i++) {
      printf("%s%s", i > 0 ? "|" : "", ehlo_all_mechanisms[i]->name);
    }
  } else {
    fputs(argument, stdout);
  }
}

static void print_complete(const struct command *command) {
  for (size_t t = 0; command->tables[t] != NULL; t++) {
    for (const struct option_row *row = command->tables[t]; row->name != NULL; row++) {
      if (row->help != NULL) {
        printf("--%s\t", row->name);
        put_argument(row->argument != NULL ? row->argument : "");
        printf("\t%s\n", row->help);
      }
    }
  }
  puts("--help\t\tshow the options");
}

void help_print(const struct command *command, const char *kind) {
  if (kind != NULL && strcmp(kind, "man") == 0) {
    print_man(command);
  } else if (kind != NULL && strcmp(kind, "complete") == 0) {
    print_complete(command);
  } else {
    print_help(command, kind != NULL && strcmp(kind, "all") == 0);
  }
}
