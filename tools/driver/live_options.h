// The options that every live command shares, and the configuration file that may hold them.
#ifndef EHLO_TOOLS_DRIVER_LIVE_OPTIONS_H
#define EHLO_TOOLS_DRIVER_LIVE_OPTIONS_H

#include "engine/submit.h"
#include "replay/settings.h"
#include "tools/driver/network_options.h"
#include "tools/driver/options.h"
#include "tools/driver/server.h"
#include "tools/driver/settings_file.h"

struct profile;

// Where a setting came from: FILE:LINE of the configuration, or with `path` NULL the command line.
struct setting_origin {
  const char *name;
  const char *path;
  size_t line;
};
#define LIVE_ORIGINS_MAX 128

// First member of each live command's own options.
struct live_options {
  const char *server_word;  // what it is called in complaints; NULL: SERVER
  struct server_address server;
  bool server_given;
  bool tls_given;
  enum ehlo_tls_mode tls;
  const char *ca_file;
  const char *tls_name;
  bool insecure;
  const char *helo;
  const char *user;
  const char *password_file;
  const char *password_command;
  const char *token_command;
  int password_fd;  // one more than the descriptor; 0: none
  const struct ehlo_mechanism *mechanisms[EHLO_SETTINGS_MECHANISMS_MAX];
  size_t num_mechanisms;
  unsigned auth_attempts;  // 0: one
  enum ehlo_initial_response initial_response;
  bool allow_cleartext_auth;
  uint32_t timeout_ms;  // 0: the default of each stage
  const char *record;
  const char *record_on_failure;
  bool json;
  bool quiet;
  bool verbose;
  const char *config;  // --config
  // Where the account is not the first operand: its name, or the address that it is to send as;
  // with neither, it is the default one. The command sets these before live_options_resolve().
  bool account_is_chosen;
  const char *account;
  const char *account_from;
  struct network_options network;
  const struct profile *profile;  // of a provider, NULL: none
  bool dry_run;
  const char *password;    // of the configuration file, which nobody else can read; NULL: none
  char chosen[256];        // the account, where it was found out
  char config_path[4096];  // of the file that was read
  struct settings_file settings;  // what the values above may point into
  struct setting_origin origins[LIVE_ORIGINS_MAX];
  size_t num_origins;
};

extern const struct option_row live_option_rows[];

// Reads the configuration and the command line into `options`, in this order, so that the command
// line wins: settings before any [section], then those of the section that the first operand names,
// then `uses`. The first operand is SERVER unless it names a section; without operands the section
// is the one that account_choose() finds, where the command asks for that. Returns 0 or an exit
// status, after printing what is wrong.
int live_options_resolve(struct live_options *options, const struct command *command,
                         const struct option_uses *uses);
// The same where there need be no server.
int live_options_resolve_any(struct live_options *options, const struct command *command,
                             const struct option_uses *uses);

// Sets the server as SERVER does. Returns NULL, or a sentence on what is wrong with it.
const char *live_options_set_server(struct live_options *options, const char *value);

// Notes where the value of an option, or "server", came from, in place of what was noted before. Texts are
// the caller's, as long as the options.
void live_options_note_origin(struct live_options *options, const char *name, const char *path,
                              size_t line);
// NULL: it was not set.
const struct setting_origin *live_options_origin(const struct live_options *options,
                                                 const char *name);

void live_options_free(struct live_options *options);

// The host name that the certificate must carry.
const char *live_options_tls_name(const struct live_options *options);

#endif  // EHLO_TOOLS_DRIVER_LIVE_OPTIONS_H
