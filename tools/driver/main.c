// ehlo: finds the command and hands over. Under `bazel run` the program starts in a place of
// Bazel's own; file names are meant from where the user stands.
#include <locale.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#include "engine/ehlo.h"
#include "tools/driver/commands.h"
#include "tools/driver/complaints.h"
#include "tools/driver/interrupt.h"

static const struct {
  const char *name;
  const char *summary;
  int (*run)(int argc, char **argv);
} commands[] = {
    {"send", "submit a message to a server", command_send},
    {"sendmail", "take a message from a program, as sendmail does", command_sendmail},
    {"probe", "look at a server without sending mail", command_probe},
    {"shell", "speak SMTP to a server by hand, over verified TLS", command_shell},
    {"explain", "say what a reply means and what to do about it", command_explain},
    {"profiles", "list the providers that are known by name", command_profiles},
    {"doctor", "look at this machine's configuration", command_doctor},
    {"record", "relay another program's session to a server, and record it", command_record},
    {"show", "print a recorded session", command_show},
    {"replay", "run recorded sessions again, offline", command_replay},
    {"serve", "play the server of a recorded session to any client", command_serve},
    {"diff", "tell what differs between two recorded sessions", command_diff},
    {"shrink", "cut a recorded session down to the smallest with the same outcome", command_shrink},
    {"import", "make a recorded session of another program's log", command_import},
    {"scrub", "take the credentials out of somebody's log", command_scrub},
    {"demo", "see all of it work on this machine alone", command_demo},
};
#define NUM_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void help(FILE *out) {
  fputs("usage: ehlo COMMAND …\n\n", out);
  for (size_t i = 0; i < NUM_COMMANDS; i++) {
    fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].summary);
  }
  fputs("\n'ehlo COMMAND --help' tells its options. New here? Try 'ehlo demo'.\n", out);
}

// For the completion of shells: a line for each command, as a command has one for each option.
static void list(void) {
  for (size_t i = 0; i < NUM_COMMANDS; i++) {
    printf("%s\t\t%s\n", commands[i].name, commands[i].summary);
  }
}

// A core file would hold the password.
static void forbid_core_files(void) {
  struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
}

static int run(int argc, char **argv) {
  const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
  if (argc > 0 && strcmp(slash != NULL ? slash + 1 : argv[0], "sendmail") == 0) {
    return command_sendmail(argc, argv);
  }
  if (argc < 2) {
    help(stderr);
    return EX_USAGE;
  }
  if (strcmp(argv[1], "--version") == 0) {
    bool json = argc > 2 && strcmp(argv[2], "--json") == 0;
    puts(json ? "{\"version\": \"" EHLO_VERSION "\"}" : "ehlo " EHLO_VERSION);
    return 0;
  }
  if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
      strcmp(argv[1], "help") == 0) {
    help(stdout);
    return 0;
  }
  if (strcmp(argv[1], "--help=complete") == 0) {
    list();
    return 0;
  }
  for (size_t i = 0; i < NUM_COMMANDS; i++) {
    if (strcmp(argv[1], commands[i].name) == 0) {
      return commands[i].run(argc - 1, argv + 1);
    }
  }
  fprintf(stderr, "ehlo: there is no command \"%s\"; 'ehlo --help' lists them\n", argv[1]);
  return EX_USAGE;
}

int main(int argc, char **argv) {
  const char *user_directory = getenv("BUILD_WORKING_DIRECTORY");
  setlocale(LC_CTYPE, "");
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);  // a file at its limit is told like a full disk
  forbid_core_files();
  (void)complaints();  // it is made before there are threads
  if (user_directory != NULL && chdir(user_directory) != 0) {
    perror("ehlo: BUILD_WORKING_DIRECTORY");
  }
  int status = run(argc, argv);
  fflush(stdout);
  interrupt_end();
  if (fflush(stdout) != 0 || ferror(stdout)) {
    perror("ehlo: standard output");
    return status == 0 ? EX_CANTCREAT : status;
  }
  return status;
}
