// Shared options: their rows, and where their values come from.
#include "tools/driver/live_options.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "tools/driver/config.h"
#include "tools/driver/plan.h"
#include "tools/driver/profile.h"

static const char *set_tls(void *o, const char *value) {
  struct live_options *options = o;
  options->tls_given = true;
  if (strcmp(value, "starttls") == 0) {
    options->tls = EHLO_TLS_STARTTLS;
  } else if (strcmp(value, "implicit") == 0) {
    options->tls = EHLO_TLS_IMPLICIT;
  } else if (strcmp(value, "none") == 0) {
    options->tls = EHLO_TLS_NONE;
  } else {
    return "it is one of starttls, implicit and none";
  }
  return NULL;
}

static const char *set_initial(void *o, const char *value) {
  struct live_options *options = o;
  if (strcmp(value, "auto") == 0) {
    options->initial_response = EHLO_INITIAL_AUTO;
  } else if (strcmp(value, "always") == 0) {
    options->initial_response = EHLO_INITIAL_ALWAYS;
  } else if (strcmp(value, "never") == 0) {
    options->initial_response = EHLO_INITIAL_NEVER;
  } else {
    return "it is one of auto, always and never";
  }
  return NULL;
}

static const struct ehlo_mechanism *find_mechanism(const char *name, size_t len) {
  for (size_t i = 0; i < ehlo_num_mechanisms; i++) {
    if (strlen(ehlo_all_mechanisms[i]->name) == len &&
        strncasecmp(ehlo_all_mechanisms[i]->name, name, len) == 0) {
      return ehlo_all_mechanisms[i];
    }
  }
  return NULL;
}

// All names, for a complaint.
static const char *mechanism_names(void) {
  static char text[600] = "it is a list, separated by commas, of ";
  size_t len = strlen("it is a list, separated by commas, of ");
  for (size_t i = 0; i < ehlo_num_mechanisms; i++) {
    len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", i > 0 ? ", " : "",
                            ehlo_all_mechanisms[i]->name);
  }
  return text;
}

static const char *set_auth(void *o, const char *value) {
  struct live_options *options = o;
  options->num_mechanisms = 0;
  while (*value != '\0') {
    size_t len = strcspn(value, ",");
    const struct ehlo_mechanism *mechanism = find_mechanism(value, len);
    if (mechanism == NULL || options->num_mechanisms == EHLO_SETTINGS_MECHANISMS_MAX) {
      return mechanism_names();
    }
    options->mechanisms[options->num_mechanisms++] = mechanism;
    value += len + (value[len] == ',');
  }
  return options->num_mechanisms > 0 ? NULL : "no mechanism is named";
}

static const char *set_attempts(void *o, const char *value) {
  char *end;
  unsigned long attempts = strtoul(value, &end, 10);
  if (value[0] < '1' || value[0] > '9' || *end != '\0' || attempts > 20) {
    return "it is a number from 1 to 20";
  }
  ((struct live_options *)o)->auth_attempts = (unsigned)attempts;
  return NULL;
}

static const char *set_timeout(void *o, const char *value) {
  char *end;
  double seconds = strtod(value, &end);
  if (end == value || *end != '\0' || !isfinite(seconds) || seconds < 0.001 || seconds > 86400) {
    return "it is a number of seconds, from 0.001 to 86400";
  }
  ((struct live_options *)o)->timeout_ms = (uint32_t)(seconds * 1000 + 0.5);
  return NULL;
}

const char *live_options_set_server(struct live_options *options, const char *value) {
  options->server_given = true;
  return server_parse(&options->server, value);
}

// A row that stores its text, and one that sets a flag.
#define TEXT_SETTER(field)                                     \
  static const char *set_##field(void *o, const char *value) { \
    ((struct live_options *)o)->field = value;                 \
    return NULL;                                               \
  }
#define FLAG_SETTER(field)                                     \
  static const char *set_##field(void *o, const char *value) { \
    (void)value;                                               \
    ((struct live_options *)o)->field = true;                  \
    return NULL;                                               \
  }
TEXT_SETTER(ca_file)
TEXT_SETTER(tls_name)
TEXT_SETTER(helo)
TEXT_SETTER(user)
TEXT_SETTER(password_file)
TEXT_SETTER(password_command)
TEXT_SETTER(record)
TEXT_SETTER(record_on_failure)
TEXT_SETTER(config)
FLAG_SETTER(insecure)
FLAG_SETTER(allow_cleartext_auth)
FLAG_SETTER(json)
FLAG_SETTER(quiet)
FLAG_SETTER(verbose)

const struct option_row live_option_rows[] = {
    {"tls", 0, "starttls|implicit|none", "(default: starttls)", set_tls},
    {"ca-file", 0, "FILE", "trust these roots instead of the system's", set_ca_file},
    {"tls-name", 0, "NAME", "the name on the certificate (default: the host)", set_tls_name},
    {"insecure", 0, NULL, "go on when the certificate is not trusted", set_insecure},
    {"helo", 0, "NAME", "the EHLO name (default: this host's)", set_helo},
    {"user", 0, "NAME", "log in as NAME", set_user},
    {"password-file", 0, "FILE", "the password is the first line of FILE", set_password_file},
    {"password-command", 0, "CMD", "… or the first line that CMD prints", set_password_command},
    {"auth", 0, "MECH[,MECH]", "allow only these mechanisms", set_auth},
    {"auth-attempts", 0, "N", "mechanisms to try in turn (default: 1)", set_attempts},
    {"initial-response", 0, "auto|always|never", "with AUTH (default: auto)", set_initial},
    {"allow-cleartext-auth", 0, NULL, "permit a password without TLS", set_allow_cleartext_auth},
    {"timeout", 0, "SECONDS", "bound on each wait (default: RFC 5321 §4.5.3.2)", set_timeout},
    {"record", 0, "FILE", "write the transcript", set_record},
    {"record-on-failure", 0, "FILE", "… and keep it only if the exit status is not 0",
     set_record_on_failure},
    {"config", 0, "FILE", "settings (default: ~/.config/ehlo/config)", set_config},
    {"json", 0, NULL, "one JSON object on standard output, nothing else", set_json},
    {"quiet", 'q', NULL, "only the outcome", set_quiet},
    {"verbose", 'v', NULL, "with the raw bytes and times", set_verbose},
    {NULL, 0, NULL, NULL, NULL},
};

// ---- Where they came from ---------------------------------------------------------------------------

void live_options_note_origin(struct live_options *o, const char *name, const char *path,
                              size_t line) {
  size_t i = 0;
  while (i < o->num_origins && strcmp(o->origins[i].name, name) != 0) {
    i++;
  }
  if (i < LIVE_ORIGINS_MAX) {
    o->origins[i] = (struct setting_origin){name, path, line};
    o->num_origins = i == o->num_origins ? i + 1 : o->num_origins;
  }
}

const struct setting_origin *live_options_origin(const struct live_options *o, const char *name) {
  for (size_t i = 0; i < o->num_origins; i++) {
    if (strcmp(o->origins[i].name, name) == 0) {
      return &o->origins[i];
    }
  }
  return NULL;
}

// ---- Together ---------------------------------------------------------------------------------------

static int check(const struct live_options *options, const struct command *command,
                 const struct option_uses *uses) {
  const char *conflict = plan_conflict(options, uses);
  if (conflict != NULL) {
    options_complain(command, "%s", conflict);
    return EX_USAGE;
  }
  return 0;
}

static const char *server_word(const struct live_options *options) {
  return options->server_word != NULL ? options->server_word : "SERVER";
}

int live_options_resolve_any(struct live_options *options, const struct command *command,
                             const struct option_uses *uses) {
  bool is_section;
  int status = config_load(options, command, uses, &is_section);
  if (status != 0) {
    return status;
  }
  if (options->account != NULL && !is_section) {
    options_complain(command, "the configuration has no account \"%s\"", options->account);
    return EX_CONFIG;
  }
  if (uses->num_operands > 1) {
    options_complain(command, "one SERVER is expected, and \"%s\" is too many", uses->operands[1]);
    return EX_USAGE;
  }
  if (uses->num_operands == 1 &&
      !(is_section && (options->server_given || options->profile != NULL))) {
    const struct profile *profile = profile_find(uses->operands[0]);
    options->profile = profile != NULL ? profile : options->profile;
    const char *wrong =
        live_options_set_server(options, profile != NULL ? profile->server : uses->operands[0]);
    live_options_note_origin(options, "server", NULL, 0);
    if (wrong != NULL) {
      options_complain(command, "%s \"%s\": %s", server_word(options), uses->operands[0], wrong);
      return EX_USAGE;
    }
  }
  if (!options_apply(uses, command, options)) {
    return EX_USAGE;
  }
  for (size_t i = 0; i < uses->num; i++) {
    live_options_note_origin(options, uses->uses[i].row->name, NULL, 0);
  }
  if (options->profile != NULL && !options->server_given) {
    live_options_set_server(options, options->profile->server);
  }
  if (options->profile != NULL && options->profile->cleartext && !options->tls_given) {
    options->tls = EHLO_TLS_NONE;
    options->tls_given = true;
  }
  if (!options->tls_given && options->server.implicit_tls) {
    options->tls = EHLO_TLS_IMPLICIT;
  }
  if (options->tls == EHLO_TLS_IMPLICIT && !options->server.has_port) {
    snprintf(options->server.port, sizeof(options->server.port), "465");
  }
  status = check(options, command, uses);
  return status == 0 && !options->dry_run ? network_options_settle(&options->network) : status;
}

int live_options_resolve(struct live_options *options, const struct command *command,
                         const struct option_uses *uses) {
  int status = live_options_resolve_any(options, command, uses);
  if (status == 0 && !options->server_given) {
    options_complain(command, "%s is missing", server_word(options));
    return EX_USAGE;
  }
  return status;
}

void live_options_free(struct live_options *options) {
  options->password = NULL;
  settings_file_free(&options->settings);
}

const char *live_options_tls_name(const struct live_options *options) {
  return options->tls_name != NULL ? options->tls_name : options->server.host;
}
