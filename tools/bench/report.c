// Tables of what was measured. Ratios are of the best times.
#include "tools/bench/report.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static double speed(const struct bench_case *c, size_t i) {
  double best_s = c->measured[i].best_s;
  return best_s > 0 ? (double)c->contenders[i].octets / best_s : 0;
}

// The ratio that a target asks for; false where one of the two was not measured.
static bool ratio_of(double *out, const struct bench_case *c, const struct target *target) {
  double of = 0;
  double than = 0;
  for (size_t i = 0; i < c->num_contenders; i++) {
    if (c->contenders[i].run == NULL) {
      continue;
    }
    of = strcmp(c->contenders[i].name, target->of) == 0 ? speed(c, i) : of;
    than = strcmp(c->contenders[i].name, target->than) == 0 ? speed(c, i) : than;
  }
  *out = than > 0 ? of / than : 0;
  return of > 0 && than > 0;
}

// How often it was done in a second; 0 where the contender was not measured.
static double rate_of(const struct bench_case *c, const struct rate_row *rate) {
  for (size_t i = 0; i < c->num_contenders; i++) {
    if (strcmp(c->contenders[i].name, rate->of) == 0 && c->measured[i].best_s > 0) {
      return rate->per_run / c->measured[i].best_s;
    }
  }
  return 0;
}

static void print_contender(const struct bench_case *c, size_t i) {
  const struct contender *contender = &c->contenders[i];
  const struct measured *m = &c->measured[i];
  if (contender->run == NULL) {
    printf("  %-26s not here: %s\n", contender->name, contender->version);
    return;
  }
  printf("  %-26s %9.1f MB/s %9.2f ms (median %.2f)", contender->name, speed(c, i) / 1e6,
         m->best_s * 1e3, m->median_s * 1e3);
  if (m->num_allocations >= 0) {
    printf(", %ld allocations", m->num_allocations);
  }
  printf("%s%s%s%s\n", contender->version != NULL ? "  (" : "",
         contender->version != NULL ? contender->version : "",
         contender->version != NULL ? ")" : "", m->wrong ? "  WRONG" : "");
}

void report_text(const struct bench_case *c) {
  printf("%s: %s\n", c->name, c->summary);
  for (size_t i = 0; i < c->num_contenders; i++) {
    print_contender(c, i);
  }
  for (size_t i = 0; i < c->num_targets; i++) {
    const struct target *t = &c->targets[i];
    double got;
    if (ratio_of(&got, c, t)) {
      printf("  %-26s %9.2f times %s, %.2f wanted: %s\n", t->of, got, t->than, t->wanted,
             got >= t->wanted ? "yes" : "NO");
    }
  }
  for (size_t i = 0; i < c->num_rates; i++) {
    const struct rate_row *row = &c->rates[i];
    double got = rate_of(c, row);
    printf("  %-26s %9.0f %s a second, %.0f wanted: %s\n", row->of, got, row->unit, row->wanted,
           got >= row->wanted ? "yes" : "NO");
  }
  for (size_t i = 0; i < c->num_sizes; i++) {
    const struct size_row *row = &c->sizes[i];
    printf("  %-44s %6zu octets", row->name, row->octets);
    if (row->wanted > 0) {
      printf(", at most %zu wanted: %s", row->wanted, row->octets <= row->wanted ? "yes" : "NO");
    }
    printf("\n");
  }
  printf("\n");
  fflush(stdout);
}

static json_t *json_contender(const struct bench_case *c, size_t i) {
  const struct contender *contender = &c->contenders[i];
  const struct measured *m = &c->measured[i];
  if (contender->run == NULL) {
    return json_pack("{s:s, s:b, s:s}", "name", contender->name, "present", 0, "install",
                     contender->version);
  }
  return json_pack("{s:s, s:b, s:s?, s:I, s:f, s:f, s:f, s:o, s:b}", "name", contender->name,
                   "present", 1, "version", contender->version, "octets",
                   (json_int_t)contender->octets, "best_seconds", m->best_s, "median_seconds",
                   m->median_s, "octets_per_second", speed(c, i), "allocations",
                   m->num_allocations < 0 ? json_null() : json_integer(m->num_allocations),
                   "correct", !m->wrong);
}

static json_t *json_target(const struct bench_case *c, const struct target *t) {
  double got;
  bool known = ratio_of(&got, c, t);
  return json_pack("{s:s, s:s, s:f, s:o, s:o}", "of", t->of, "than", t->than, "wanted", t->wanted,
                   "got", known ? json_real(got) : json_null(), "met",
                   known ? json_boolean(got >= t->wanted) : json_null());
}

static json_t *json_rate(const struct bench_case *c, const struct rate_row *rate) {
  double got = rate_of(c, rate);
  return json_pack("{s:s, s:s, s:f, s:f, s:b}", "of", rate->of, "unit", rate->unit, "wanted",
                   rate->wanted, "got", got, "met", got >= rate->wanted);
}

static json_t *json_size(const struct size_row *row) {
  json_t *wanted = row->wanted > 0 ? json_integer((json_int_t)row->wanted) : json_null();
  return json_pack("{s:s, s:I, s:o}", "name", row->name, "octets", (json_int_t)row->octets,
                   "at_most", wanted);
}

static json_t *json_case(const struct bench_case *c) {
  json_t *contenders = json_array();
  json_t *targets = json_array();
  json_t *rates = json_array();
  json_t *sizes = json_array();
  for (size_t i = 0; i < c->num_contenders; i++) {
    json_array_append_new(contenders, json_contender(c, i));
  }
  for (size_t i = 0; i < c->num_targets; i++) {
    json_array_append_new(targets, json_target(c, &c->targets[i]));
  }
  for (size_t i = 0; i < c->num_rates; i++) {
    json_array_append_new(rates, json_rate(c, &c->rates[i]));
  }
  for (size_t i = 0; i < c->num_sizes; i++) {
    json_array_append_new(sizes, json_size(&c->sizes[i]));
  }
  return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "name", c->name, "summary", c->summary,
                   "contenders", contenders, "targets", targets, "rates", rates, "sizes", sizes);
}

bool report_json(const struct bench_case *cases, size_t num_cases,
                 const struct settings *settings) {
  json_t *list = json_array();
  for (size_t i = 0; i < num_cases; i++) {
    json_array_append_new(list, json_case(&cases[i]));
  }
  json_t *root = json_pack("{s:I, s:I, s:o}", "octets", (json_int_t)settings->octets, "rounds",
                           (json_int_t)settings->num_rounds, "cases", list);
  bool written = root != NULL && json_dumpf(root, stdout, JSON_INDENT(2)) == 0 &&
                 printf("\n") > 0 && fflush(stdout) == 0;
  json_decref(root);
  return written;
}
