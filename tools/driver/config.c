// See config.h.
#include "tools/driver/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "tools/driver/account.h"
#include "tools/driver/colour.h"
#include "tools/driver/commands.h"
#include "tools/driver/complaints.h"
#include "tools/driver/compose_options.h"
#include "tools/driver/plan.h"
#include "tools/driver/settings.h"
#include "tools/driver/text.h"

struct config {
  const char *path;
  struct live_options *options;
  const struct command *command;
};

// Tells what is wrong with a word.
static int wrong_at(const struct config *c, size_t line, size_t column, const char *what) {
  fputs("ehlo: ", complaints());
  text_print(complaints(), ehlo_str(c->path));
  fprintf(complaints(), ":%zu:%zu: %s\n", line, column, what);
  return EX_CONFIG;
}

static int wrong_name(const struct config *c, const struct settings_item *item, const char *what) {
  return wrong_at(c, item->line, item->name.column, what);
}

static int wrong_value(const struct config *c, const struct settings_item *item, const char *what) {
  return wrong_at(c, item->line, item->has_value ? item->value.column : item->name.column, what);
}

// Ends the word in the text itself, which nobody reads again behind it.
static char *terminated(const struct config *c, struct settings_word word) {
  char *text = c->options->settings.text + (word.text - c->options->settings.text);
  text[word.len] = '\0';
  return text;
}

// Whether only another command has a use for it.
static bool is_of_others(const char *name) {
  static const struct option_row *const tables[] = {send_option_rows,    transfer_option_rows,
                                                    compose_option_rows, sendmail_setting_rows,
                                                    shell_option_rows,   record_option_rows,
                                                    probe_option_rows,   plan_option_rows,
                                                    colour_option_rows,  NULL};
  static const struct command others = {.tables = tables};
  return options_find(&others, name) != NULL;
}

// A password may stand in a file that its owner alone can read.
static int take_password(const struct config *c, const struct settings_item *item,
                         const char *value) {
  if (!c->options->settings.is_private) {
    return wrong_name(c, item,
                      "a password stands in a file that others can read, or that is not yours; "
                      "chmod 600 it, or use password-file or password-command");
  }
  c->options->password = value;
  return 0;
}

static int apply(const struct config *c, const struct settings_item *item) {
  const char *name = terminated(c, item->name);
  const char *value = item->has_value ? terminated(c, item->value) : NULL;
  bool is_server = strcmp(name, "server") == 0;
  bool is_password = strcmp(name, "password") == 0;
  const struct option_row *row = options_find(c->command, name);
  if (is_server || is_password || strcmp(name, "default") == 0) {
    if (value == NULL || value[0] == '\0') {
      return wrong_value(c, item, "a value is missing");
    }
    const char *wrong = is_server ? live_options_set_server(c->options, value) : NULL;
    if (wrong != NULL) {
      return wrong_value(c, item, wrong);
    }
    live_options_note_origin(c->options, is_server ? "server" : name, c->path, item->line);
    return is_password ? take_password(c, item, value) : 0;
  }
  if (row == NULL && is_of_others(name)) {
    return 0;
  }
  if (row == NULL || strcmp(name, "config") == 0) {
    return wrong_name(c, item, "there is no such setting");
  }
  if ((row->argument != NULL) != (value != NULL)) {
    return wrong_value(c, item,
                       value != NULL ? "this setting takes no value" : "a value is missing");
  }
  const char *wrong = row->set(c->options, value);
  live_options_note_origin(c->options, row->name, c->path, item->line);
  return wrong == NULL ? 0 : wrong_value(c, item, wrong);
}

static bool is_named(struct settings_word word, const char *name) {
  return name != NULL && strlen(name) == word.len && memcmp(word.text, name, word.len) == 0;
}

static int apply_all(const struct config *c, const char *account, bool *out_is_account) {
  struct settings_reader reader;
  struct settings_item item;
  enum settings_result result;
  bool mine = true;
  int status = 0;
  settings_begin(&reader, c->options->settings.text, c->options->settings.len);
  while (status == 0 && (result = settings_next(&reader, &item)) != SETTINGS_END) {
    if (result == SETTINGS_BAD) {
      status = wrong_at(c, reader.error_line, reader.error_column, reader.error);
    } else if (item.is_section) {
      mine = is_named(item.name, account);
      *out_is_account = *out_is_account || mine;
    } else if (mine) {
      status = apply(c, &item);
    }
  }
  return status;
}

// False where the name is too long, or there is no place for one.
static bool default_path(char *out, size_t cap) {
  const char *base = getenv("XDG_CONFIG_HOME");
  const char *home = getenv("HOME");
  int len = -1;
  if (base != NULL && base[0] == '/') {
    len = snprintf(out, cap, "%s/ehlo/config", base);
  } else if (home != NULL) {
    len = snprintf(out, cap, "%s/.config/ehlo/config", home);
  }
  return len > 0 && (size_t)len < cap;
}

static int unreadable(const char *path, const char *why, bool is_system_error) {
  fputs("ehlo: cannot read ", complaints());
  text_print(complaints(), ehlo_str(path));
  fprintf(complaints(), ": %s\n", why);
  return is_system_error ? EX_NOINPUT : EX_CONFIG;
}

// The file that is meant: what was told, or the usual one in `usual`. NULL: there is no place for it.
static const char *path_of(const struct live_options *options, const struct option_uses *uses,
                           char *usual, size_t cap) {
  const char *given = options_last(uses, "config");
  given = given != NULL ? given : options->config;
  return given != NULL ? given : default_path(usual, cap) ? usual : NULL;
}

void config_each_account(const struct live_options *options, const struct option_uses *uses,
                         void (*take)(void *arg, char *name), void *arg) {
  char usual[4096];
  char name[256];
  struct settings_file file;
  struct settings_reader reader;
  struct settings_item item;
  enum settings_result result;
  const char *path = path_of(options, uses, usual, sizeof(usual));
  if (path == NULL || settings_file_read(&file, path) != NULL) {
    return;
  }
  settings_begin(&reader, file.text, file.len);
  while ((result = settings_next(&reader, &item)) != SETTINGS_END) {
    if (result == SETTINGS_ITEM && item.is_section && item.name.len < sizeof(name)) {
      memcpy(name, item.name.text, item.name.len);
      name[item.name.len] = '\0';
      take(arg, name);
    }
  }
  settings_file_free(&file);
}

// The account, where neither the command line nor the command names one.
static const char *choose_account(struct live_options *o) {
  bool found =
      o->account_is_chosen && account_choose(o->chosen, sizeof(o->chosen), o->settings.text,
                                             o->settings.len, o->account_from);
  return found ? o->chosen : NULL;
}

int config_load(struct live_options *options, const struct command *command,
                const struct option_uses *uses, bool *out_is_account) {
  char *usual = options->config_path;
  struct config c = {path_of(options, uses, usual, sizeof(options->config_path)), options, command};
  *out_is_account = false;
  if (c.path == NULL) {
    return 0;
  }
  const char *why = settings_file_read(&options->settings, c.path);
  if (why != NULL) {
    bool none = c.path == usual && errno == ENOENT;
    return none ? 0 : unreadable(c.path, why, errno != 0);
  }
  if (uses->num_operands > 0) {
    return apply_all(&c, uses->operands[0], out_is_account);
  }
  options->account = options->account != NULL ? options->account : choose_account(options);
  return apply_all(&c, options->account, out_is_account);
}
