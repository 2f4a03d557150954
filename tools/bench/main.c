// The program: options, cases in order, a report. Exit status 0 unless something is broken; a ratio
// that falls short is shown and is no failure, since a busy machine is none.
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "tools/bench/bench.h"
#include "tools/bench/measure.h"
#include "tools/bench/report.h"

static const struct {
  const char *name;
  void (*describe)(struct bench_case *c, const struct settings *settings);
} all_cases[] = {
    {"reply", case_reply},
    {"reply-1", case_reply_1},
    {"body-lf", case_body_lf},
    {"body-crlf", case_body_crlf},
    {"base64-encode", case_base64_encode},
    {"base64-decode", case_base64_decode},
    {"replay", case_replay},
    {"transcript-read", case_transcript_read},
    {"transcript-write", case_transcript_write},
    {"size", case_size},
};
#define NUM_CASES (sizeof(all_cases) / sizeof(all_cases[0]))

static int usage(FILE *out, int status) {
  fprintf(out,
          "usage: bench [--json] [--rounds N] [--megabytes N] [CASE...]\n"
          "Runs the engine's hot paths beside other libraries' and prints ratios of speed.\n\n"
          "  --json          one JSON object\n"
          "  --rounds N      rounds, all contenders in each (1 to 99, default 9)\n"
          "  --megabytes N   input of the larger cases (1 to 1000, default 50)\n"
          "  -h, --help      show this\n\ncases:");
  for (size_t i = 0; i < NUM_CASES; i++) {
    fprintf(out, " %s", all_cases[i].name);
  }
  fprintf(out, "\n");
  return status;
}

// A number between 1 and `max`, or 0.
static size_t read_number(const char *text, unsigned long max) {
  char *end;
  unsigned long number = strtoul(text, &end, 10);
  return *text >= '0' && *text <= '9' && *end == '\0' && number <= max ? number : 0;
}

// Reads the options. False where they are wrong or --help was given; `*out_status` is then known.
static bool read_options(struct settings *s, int *out_status, int argc, char **argv) {
  static const struct option options[] = {{"json", no_argument, NULL, 'j'},
                                          {"rounds", required_argument, NULL, 'r'},
                                          {"megabytes", required_argument, NULL, 'm'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
  size_t megabytes = 50;
  int id;
  *s = (struct settings){.num_rounds = 9};
  *out_status = EX_USAGE;
  while ((id = getopt_long(argc, argv, "h", options, NULL)) != -1) {
    if (id == 'h') {
      *out_status = usage(stdout, 0);
      return false;
    }
    s->json = s->json || id == 'j';
    s->num_rounds = id == 'r' ? read_number(optarg, ROUNDS_MAX) : s->num_rounds;
    megabytes = id == 'm' ? read_number(optarg, 1000) : megabytes;
    if (id == '?' || s->num_rounds == 0 || megabytes == 0) {
      usage(stderr, EX_USAGE);
      return false;
    }
  }
  s->octets = megabytes * 1000000;
  return true;
}

static bool is_wanted(const char *name, char **names, int num_names) {
  for (int i = 0; i < num_names; i++) {
    if (strcmp(names[i], name) == 0) {
      return true;
    }
  }
  return num_names == 0;
}

// Every name has to be a case's.
static bool know_names(char **names, int num_names) {
  for (int i = 0; i < num_names; i++) {
    bool known = false;
    for (size_t k = 0; k < NUM_CASES; k++) {
      known |= strcmp(names[i], all_cases[k].name) == 0;
    }
    if (!known) {
      fprintf(stderr, "bench: there is no case of that name: %s\n", names[i]);
      return false;
    }
  }
  return true;
}

int main(int argc, char **argv) {
  static struct bench_case cases[NUM_CASES];
  struct settings settings;
  size_t num = 0;
  bool good = true;
  int status;
  if (!read_options(&settings, &status, argc, argv)) {
    return status;
  }
  if (!know_names(argv + optind, argc - optind)) {
    return usage(stderr, EX_USAGE);
  }
  for (size_t i = 0; i < NUM_CASES; i++) {
    if (is_wanted(all_cases[i].name, argv + optind, argc - optind)) {
      struct bench_case *c = &cases[num++];
      c->name = all_cases[i].name;
      all_cases[i].describe(c, &settings);
      good &= measure(c, &settings);
      if (!settings.json) {
        report_text(c);
      }
    }
  }
  if (settings.json) {
    good &= report_json(cases, num, &settings);
  }
  return good ? 0 : EX_SOFTWARE;
}
