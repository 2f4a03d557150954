// Looks at resolved options. It must not open, fetch or connect anything.
#include "tools/driver/plan.h"

#include <string.h>
#include <strings.h>

#include "tools/driver/profile.h"
#include "tools/driver/text.h"

// ---- Options ----------------------------------------------------------------------------------------

static const char *set_profile(void *o, const char *value) {
  const struct profile *p = profile_find(value);
  if (p == NULL) {
    return "there is no such provider; 'ehlo profiles' lists them";
  }
  ((struct live_options *)o)->profile = p;
  return NULL;
}

static const char *set_dry_run(void *o, const char *value) {
  (void)value;
  ((struct live_options *)o)->dry_run = true;
  return NULL;
}

const struct option_row plan_option_rows[] = {
    {"profile", 0, "NAME", "the server of a provider, see 'ehlo profiles'", set_profile},
    {"dry-run", 0, NULL, "show what would be done, and do nothing", set_dry_run},
    {NULL, 0, NULL, NULL, NULL},
};

// ---- Combinations -----------------------------------------------------------------------------------

static bool used(const struct option_uses *uses, const char *name) {
  for (size_t i = 0; i < uses->num; i++) {
    if (strcmp(uses->uses[i].row->name, name) == 0) {
      return true;
    }
  }
  return false;
}

static bool is_external_alone(const struct live_options *o) {
  return o->num_mechanisms == 1 && o->mechanisms[0] == &ehlo_mechanism_external;
}

static bool port_is(const struct live_options *o, const char *port) {
  return o->server.path[0] == '\0' && strcmp(o->server.port, port) == 0;
}

static bool smtps_with_other(const struct live_options *o, const struct option_uses *uses) {
  return o->server.implicit_tls && o->tls != EHLO_TLS_IMPLICIT && used(uses, "tls");
}

static bool starttls_at_465(const struct live_options *o, const struct option_uses *uses) {
  return port_is(o, "465") && o->tls == EHLO_TLS_STARTTLS && !used(uses, "tls") && !o->tls_given;
}

static int passwords_used(const struct option_uses *uses) {
  return used(uses, "password-file") + used(uses, "password-command") +
         used(uses, "token-command") + used(uses, "password-fd");
}

static bool two_passwords(const struct live_options *o, const struct option_uses *uses) {
  (void)o;
  return passwords_used(uses) > 1;
}

static bool password_of_nobody(const struct live_options *o, const struct option_uses *uses) {
  return o->user == NULL && passwords_used(uses) > 0;
}

static bool quiet_and_verbose(const struct live_options *o, const struct option_uses *uses) {
  (void)uses;
  return o->quiet && o->verbose;
}

static bool two_records(const struct live_options *o, const struct option_uses *uses) {
  (void)uses;
  return o->record != NULL && o->record_on_failure != NULL;
}

static bool socket_without_name(const struct live_options *o, const struct option_uses *uses) {
  (void)uses;
  return o->server.path[0] != '\0' && o->tls != EHLO_TLS_NONE && o->tls_name == NULL;
}

static const struct {
  bool (*is)(const struct live_options *o, const struct option_uses *uses);
  const char *sentence;
} conflicts[] = {
    {quiet_and_verbose, "--quiet and --verbose exclude each other"},
    {two_records, "--record and --record-on-failure exclude each other"},
    {socket_without_name, "TLS over a Unix socket needs --tls-name, or --tls none"},
    {smtps_with_other,
     "smtps:// is TLS from the first byte: leave --tls away, or write smtp:// for STARTTLS"},
    {starttls_at_465,
     "port 465 is TLS from the first byte: write smtps://HOST, or say --tls implicit"},
    {two_passwords,
     "--password-file, --password-command, --token-command and --password-fd exclude one another"},
    {password_of_nobody, "a password without --user: nobody logs in"},
};

const char *plan_conflict(const struct live_options *o, const struct option_uses *uses) {
  for (size_t i = 0; i < sizeof(conflicts) / sizeof(conflicts[0]); i++) {
    if (conflicts[i].is(o, uses)) {
      return conflicts[i].sentence;
    }
  }
  return NULL;
}

// ---- The provider -----------------------------------------------------------------------------------

static const struct profile *profile_of(const struct live_options *o) {
  return o->profile != NULL ? o->profile : profile_of_host(o->server.host);
}

static bool is_in_list(const char *list, const char *name) {
  size_t len = strlen(name);
  while (*list != '\0') {
    size_t n = strcspn(list, ",");
    if (n == len && strncasecmp(list, name, n) == 0) {
      return true;
    }
    list += n + (list[n] == ',');
  }
  return false;
}

static bool offers_one(const struct profile *p, const struct live_options *o) {
  for (size_t i = 0; i < o->num_mechanisms; i++) {
    if (is_in_list(p->mechanisms, o->mechanisms[i]->name)) {
      return true;
    }
  }
  return o->num_mechanisms == 0;
}

void plan_warn(struct warnings *w, const struct live_options *o, const char *from) {
  const struct profile *p = profile_of(o);
  if (p == NULL || o->user == NULL) {
    return;
  }
  if (p->mechanisms != NULL && !offers_one(p, o)) {
    warnings_add(w, "warning: %s offers none of these mechanisms: it has %s", p->title,
                 p->mechanisms);
  }
  if (p->mechanisms != NULL && strcmp(p->mechanisms, "XOAUTH2") == 0 && o->num_mechanisms == 0) {
    warnings_add(w, "warning: %s takes no password: use --auth XOAUTH2 with a token", p->title);
  }
  if (p->user != NULL && strcmp(p->user, o->user) != 0) {
    warnings_add(w, "warning: the user name at %s is \"%s\", whoever you are", p->title, p->user);
  }
  if (p->user_is_address && strchr(o->user, '@') == NULL) {
    warnings_add(w, "warning: the user name at %s is a whole address, with an @", p->title);
  }
  if (p->from_is_user && from != NULL && from[0] != '\0' && strchr(o->user, '@') != NULL &&
      strcasecmp(from, o->user) != 0) {
    warnings_add(w,
                 "warning: the sender is not the user; %s wants a right to send as another address",
                 p->title);
  }
}

// ---- Showing it -------------------------------------------------------------------------------------

static const char *tls_words(const struct live_options *o) {
  switch (o->tls) {
    case EHLO_TLS_STARTTLS:
      return "STARTTLS";
    case EHLO_TLS_IMPLICIT:
      return "from the first byte";
    case EHLO_TLS_NONE:
      break;
  }
  return "none";
}

static const char *password_words(const struct live_options *o) {
  if (is_external_alone(o)) {
    return "none: the client certificate speaks";
  }
  return o->password_file != NULL      ? "the file of --password-file"
         : o->password_command != NULL ? "the command of --password-command"
         : o->token_command != NULL    ? "the command of --token-command"
         : o->password_fd != 0         ? "the descriptor of --password-fd"
         : o->password != NULL         ? "the configuration file"
                                       : "EHLO_PASSWORD, or a prompt on a terminal";
}

// Where a value came from: the first of the options that was set, else the profile or nobody.
static void origin_words(char *out, size_t cap, const struct live_options *o,
                         const char *const *names, bool of_profile) {
  const struct setting_origin *origin = NULL;
  for (; origin == NULL && *names != NULL; names++) {
    origin = live_options_origin(o, *names);
  }
  if (origin != NULL && origin->path != NULL) {
    snprintf(out, cap, "%s:%zu", origin->path, origin->line);
  } else if (origin != NULL) {
    snprintf(out, cap, "command line");
  } else {
    snprintf(out, cap, "%s", of_profile && o->profile != NULL ? "profile" : "default");
  }
}

static void row(FILE *out, const char *label, const char *text, const char *origin) {
  fprintf(out, "  %-10s ", label);
  text_print(out, ehlo_str(text));
  if (origin != NULL) {
    fputs("  (", out);
    text_print(out, ehlo_str(origin));
    putc(')', out);
  }
  putc('\n', out);
}

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})
static void row_of(FILE *out, const struct live_options *o, const char *label, const char *text,
                   const char *const *names, bool of_profile) {
  char origin[512];
  origin_words(origin, sizeof(origin), o, names, of_profile);
  row(out, label, text, origin);
}

static void server_words(char out[400], const struct live_options *o) {
  const struct server_address *a = &o->server;
  if (a->path[0] != '\0') {
    snprintf(out, 400, "unix:%s", a->path);
  } else {
    snprintf(out, 400, strchr(a->host, ':') != NULL ? "[%s]:%s" : "%s:%s", a->host, a->port);
  }
}

// Without TLS there is no channel to bind to.
static bool may_use(const struct live_options *o, const struct ehlo_mechanism *m) {
  size_t len = strlen(m->name);
  bool plus = len > 5 && strcmp(m->name + len - 5, "-PLUS") == 0;
  return !plus || o->tls != EHLO_TLS_NONE;
}

// The mechanisms that may be used, in order.
static void mechanism_words(char out[600], const struct live_options *o) {
  size_t num = o->num_mechanisms > 0 ? o->num_mechanisms : ehlo_num_password_mechanisms;
  size_t len = 0;
  out[0] = '\0';
  for (size_t i = 0; i < num && len < 500; i++) {
    const struct ehlo_mechanism *m =
        o->num_mechanisms > 0 ? o->mechanisms[i] : ehlo_all_mechanisms[i];
    if (may_use(o, m)) {
      len += (size_t)snprintf(out + len, 600 - len, "%s%s", len > 0 ? ", " : "", m->name);
    }
  }
}

// What will end it before anything is sent, or NULL.
static const char *obstacle(const struct live_options *o) {
  return o->user != NULL && o->tls == EHLO_TLS_NONE && !o->allow_cleartext_auth
             ? "it will end at auth with exit status 78: the login would go in cleartext; use TLS, "
               "or "
               "--allow-cleartext-auth"
             : NULL;
}

static void print_login(FILE *out, const struct live_options *o) {
  char text[600];
  mechanism_words(text, o);
  row_of(out, o, "auth", text, NAMES("auth"), false);
  row_of(out, o, "password", password_words(o),
         NAMES("password-file", "password-command", "token-command", "password-fd", "password"),
         false);
}

// Settings that have no row of their own.
static void print_others(FILE *out, const struct live_options *o) {
  static const char *const shown[] = {"server",
                                      "profile",
                                      "tls",
                                      "tls-name",
                                      "ca-file",
                                      "insecure",
                                      "helo",
                                      "user",
                                      "auth",
                                      "password-file",
                                      "password-fd",
                                      "password",
                                      "token-command",
                                      "password-command",
                                      "timeout",
                                      "record",
                                      "record-on-failure",
                                      "dry-run",
                                      "json",
                                      "config",
                                      "default",
                                      "from",
                                      "to",
                                      NULL};
  for (size_t i = 0; i < o->num_origins; i++) {
    const char *const *name = shown;
    while (*name != NULL && strcmp(*name, o->origins[i].name) != 0) {
      name++;
    }
    if (*name == NULL) {
      row_of(out, o, "also", o->origins[i].name, NAMES(o->origins[i].name), false);
    }
  }
}

void plan_print(FILE *out, const struct live_options *o) {
  char text[600];
  fputs("dry run: nothing is sent, and nothing was connected or fetched\n", out);
  server_words(text, o);
  row_of(out, o, "server", text, NAMES("server"), true);
  if (o->profile != NULL) {
    row_of(out, o, "profile", o->profile->title, NAMES("profile", "server"), false);
  }
  row_of(out, o, "tls", tls_words(o), NAMES("tls"), o->profile != NULL && o->profile->cleartext);
  if (o->tls != EHLO_TLS_NONE) {
    row_of(out, o, "name", live_options_tls_name(o), NAMES("tls-name"), false);
    row_of(out, o, "trust",
           o->insecure          ? "ANY certificate (--insecure)"
           : o->ca_file != NULL ? o->ca_file
                                : "the system's store",
           NAMES("insecure", "ca-file"), false);
  }
  row_of(out, o, "helo", o->helo != NULL ? o->helo : "this host's name", NAMES("helo"), false);
  row_of(out, o, "user", o->user != NULL ? o->user : "nobody logs in", NAMES("user"), false);
  if (o->user != NULL) {
    print_login(out, o);
  }
  if (o->timeout_ms > 0) {
    snprintf(text, sizeof(text), "%.3g s for each wait", o->timeout_ms / 1000.0);
  }
  row_of(out, o, "timeout", o->timeout_ms > 0 ? text : "as RFC 5321 says", NAMES("timeout"), false);
  if (o->record != NULL || o->record_on_failure != NULL) {
    row_of(out, o, "record", o->record != NULL ? o->record : o->record_on_failure,
           NAMES("record", "record-on-failure"), false);
  }
  print_others(out, o);
  if (obstacle(o) != NULL) {
    row(out, "BUT", obstacle(o), NULL);
  }
}

static json_t *origins_json(const struct live_options *o) {
  json_t *json = json_object();
  char words[512];
  for (size_t i = 0; i < o->num_origins; i++) {
    origin_words(words, sizeof(words), o, NAMES(o->origins[i].name), false);
    json_object_set_new(json, o->origins[i].name, text_to_json(ehlo_str(words)));
  }
  return json;
}

json_t *plan_json(const struct live_options *o) {
  char server[400];
  char mechanisms[600];
  server_words(server, o);
  mechanism_words(mechanisms, o);
  return json_pack(
      "{s:b, s:o, s:s?, s:s, s:o, s:b, s:o, s:s?, s:s?, s:o, s:s?, s:o}", "dry_run", 1, "server",
      text_to_json(ehlo_str(server)), "profile", o->profile != NULL ? o->profile->name : NULL,
      "tls", tls_words(o), "tls_name",
      o->tls != EHLO_TLS_NONE ? text_to_json(ehlo_str(live_options_tls_name(o))) : json_null(),
      "insecure", o->insecure, "user",
      o->user != NULL ? text_to_json(ehlo_str(o->user)) : json_null(), "auth",
      o->user != NULL ? mechanisms : NULL, "password_from",
      o->user != NULL ? password_words(o) : NULL, "record",
      o->record != NULL ? text_to_json(ehlo_str(o->record)) : json_null(), "obstacle", obstacle(o),
      "origins", origins_json(o));
}

void plan_show(const struct live_options *o) {
  if (o->json) {
    text_print_json(plan_json(o), JSON_INDENT(2));
  } else {
    plan_print(stdout, o);
  }
}
