// Facts of a server, and what changed of them.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "tools/driver/baseline.h"
#include "tools/driver/complaints.h"
#include "tools/driver/contents.h"
#include "tools/driver/output.h"
#include "tools/driver/probe.h"

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
  struct contents file;
  int status = contents_read(&file, path, "the baseline");
  if (status != 0) {
    return status;
  }
  json_t *old = baseline_read(&error, (const char *)file.bytes, file.len);
  contents_free(&file);
  if (old == NULL) {
    baseline_complain(complaints(), path, &error);
    return EX_DATAERR;
  }
  size_t num = baseline_compare(stdout, old, facts);
  json_decref(old);
  if (num == 0 && !quiet) {
    printf("nothing changed since the baseline\n");
  }
  return num > 0 ? 1 : 0;
}
