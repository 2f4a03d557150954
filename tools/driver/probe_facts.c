// Facts of a server, and what changed of them.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "tools/driver/output.h"
#include "tools/driver/probe.h"
#include "tools/driver/text.h"

bool probe_days_left(long *out_days, const struct live_tls_info *info) {
  bool found = false;
  for (size_t i = 0; info != NULL && i < info->num_certificates; i++) {
    struct tm tm = {0};
    if (strptime(info->certificates[i].not_after, "%Y-%m-%dT%H:%M:%SZ", &tm) == NULL) {
      continue;
    }
    long days = (long)(difftime(timegm(&tm), time(NULL)) / 86400);
    *out_days = !found || days < *out_days ? days : *out_days;
    found = true;
  }
  return found;
}

static int by_text(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

// An array of strings in an order that is always the same: servers shuffle.
static json_t *sorted(json_t *array) {
  size_t num = json_array_size(array);
  const char **texts = calloc(num + 1, sizeof(*texts));
  json_t *out = json_array();
  for (size_t i = 0; texts != NULL && i < num; i++) {
    texts[i] = json_string_value(json_array_get(array, i));
  }
  if (texts != NULL) {
    qsort(texts, num, sizeof(*texts), by_text);
  }
  for (size_t i = 0; texts != NULL && i < num; i++) {
    json_array_append_new(out, json_string(texts[i]));
  }
  free(texts);
  json_decref(array);
  return out;
}

static json_t *words(const char *text) {
  json_t *out = json_array();
  while (*(text += strspn(text, " ")) != '\0') {
    size_t len = strcspn(text, " ");
    json_array_append_new(out, json_stringn(text, len));
    text += len;
  }
  return out;
}

// The capabilities but AUTH, whose words have a place of their own.
static json_t *capabilities(const struct kept_reply *hello) {
  json_t *all = report_capabilities_json(hello);
  json_t *out = json_array();
  size_t i;
  json_t *value;
  json_array_foreach(all, i, value) {
    if (strncasecmp(json_string_value(value), "AUTH", 4) != 0) {
      json_array_append(out, value);
    }
  }
  json_decref(all);
  return sorted(out);
}

static json_t *chain(const struct live_tls_info *info) {
  json_t *out = json_array();
  for (size_t i = 0; i < info->num_certificates; i++) {
    const struct live_certificate_info *c = &info->certificates[i];
    json_array_append_new(
        out, json_pack("{s:s, s:s, s:s, s:s}", "subject", c->subject, "issuer", c->issuer,
                       "not_after", c->not_after, "sha256", c->sha256));
  }
  return out;
}

static json_t *tls_facts(const struct live_tls_info *info,
                         const enum probe_version_state versions[PROBE_VERSIONS]) {
  if (info == NULL) {
    return json_null();
  }
  json_t *taken = json_array();
  for (int i = 0; i < PROBE_VERSIONS; i++) {
    if (versions[i] == PROBE_VERSION_TAKEN) {
      json_array_append_new(taken, json_string(probe_version_names[i]));
    }
  }
  bool trusted = info->judged && info->verdict.chain_ok && info->verdict.name_ok;
  return json_pack("{s:s, s:o, s:b, s:s, s:o}", "version", info->version, "versions", taken,
                   "trusted", trusted, "reason", info->verdict.reason, "chain", chain(info));
}

json_t *probe_facts(const struct session *s,
                    const enum probe_version_state versions[PROBE_VERSIONS]) {
  const struct report *r = &s->report;
  json_t *before = json_null();
  json_t *under = json_null();
  for (size_t i = 0; i < r->num_hello; i++) {
    json_t **place = r->hello_secure[i] ? &under : &before;
    *place = capabilities(&r->hello[i]);
  }
  const struct live_tls_info *tls = s->connected ? live_tls_information(&s->live) : NULL;
  return json_pack("{s:s, s:s, s:i, s:o, s:o, s:o, s:o}", "outcome",
                   ehlo_outcome_name(s->submission.submit.verdict.outcome), "stage",
                   ehlo_stage_name(s->submission.submit.verdict.stage), "greeting",
                   r->greeting.reply.code, "before_tls", before, "under_tls", under, "mechanisms",
                   sorted(words(ehlo_client_capabilities(&s->client)->mechanisms)), "tls",
                   tls_facts(tls, versions));
}

// ---- The baseline -----------------------------------------------------------------------------------

static void say(const char *path, const char *what, const json_t *value) {
  char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
  printf("%s: %s ", path, what);
  text_print(stdout, ehlo_str(text != NULL ? text : "?"));
  putchar('\n');
  free(text);
}

static bool has(const json_t *array, const json_t *value) {
  for (size_t i = 0; i < json_array_size(array); i++) {
    if (json_equal(json_array_get(array, i), value)) {
      return true;
    }
  }
  return false;
}

static size_t compare_arrays(const char *path, const json_t *old, const json_t *now) {
  size_t num = 0;
  for (size_t i = 0; i < json_array_size(old); i++) {
    if (!has(now, json_array_get(old, i))) {
      say(path, "gone:", json_array_get(old, i));
      num++;
    }
  }
  for (size_t i = 0; i < json_array_size(now); i++) {
    if (!has(old, json_array_get(now, i))) {
      say(path, "new:", json_array_get(now, i));
      num++;
    }
  }
  return num;
}

// Prints each difference; returns how many there are.
static size_t compare(const char *path, json_t *old, json_t *now) {
  char below[300];
  const char *key;
  json_t *value;
  size_t num = 0;
  if (json_equal(old, now)) {
    return 0;
  }
  if (json_is_array(old) && json_is_array(now)) {
    return compare_arrays(path, old, now);
  }
  if (!json_is_object(old) || !json_is_object(now)) {
    say(path, "was:", old);
    say(path, "is: ", now);
    return 1;
  }
  json_object_foreach(now, key, value) {
    json_t *before = json_object_get(old, key);
    snprintf(below, sizeof(below), "%s%s%s", path, path[0] != '\0' ? "." : "", key);
    num += compare(below, before != NULL ? before : json_null(), value);
  }
  return num;
}

static int write_facts(const char *path, json_t *facts) {
  char *text = json_dumps(facts, JSON_INDENT(2) | JSON_SORT_KEYS);
  struct output output;
  int status = text != NULL ? output_open(&output, path) : EX_OSERR;
  if (status == 0) {
    fprintf(output.file, "%s\n", text);
    status = output_commit(&output);
  }
  free(text);
  return status;
}

int probe_baseline(const char *path, json_t *facts, bool update, bool quiet) {
  json_error_t error;
  if (update || access(path, F_OK) != 0) {
    int status = write_facts(path, facts);
    if (status == 0 && !quiet) {
      printf("baseline written to %s\n", path);
    }
    return status;
  }
  json_t *old = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
  if (old == NULL || !json_is_object(old)) {
    fprintf(stderr, "ehlo: %s:%d:%d: this is no baseline: %s\n", path, old == NULL ? error.line : 1,
            old == NULL ? error.column : 1, old == NULL ? error.text : "no object");
    json_decref(old);
    return EX_DATAERR;
  }
  size_t num = compare("", old, facts);
  json_decref(old);
  if (num == 0 && !quiet) {
    printf("nothing changed since the baseline\n");
  }
  return num > 0 ? 1 : 0;
}
