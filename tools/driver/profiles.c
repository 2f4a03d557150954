// ehlo profiles: the providers that are known by name.
#include <stdio.h>
#include <sysexits.h>

#include "tools/driver/commands.h"
#include "tools/driver/profile.h"
#include "tools/driver/text.h"

static const char *set_json(void *o, const char *value) {
  (void)value;
  *(bool *)o = true;
  return NULL;
}

static const struct option_row rows[] = {
    {"json", 0, NULL, "one JSON object on standard output, nothing else", set_json},
    {NULL, 0, NULL, NULL, NULL},
};
static const struct option_row *const tables[] = {rows, NULL};
static const struct command command = {
    .name = "profiles",
    .synopsis = "[NAME…]",
    .summary = "Lists the providers that may stand in the place of SERVER.",
    .tables = tables,
    .notes =
        "An account of the configuration with the same name comes first. In an account,\n"
        "profile = NAME gives it the provider's server.\n",
};

static int run(void *options, const struct option_uses *uses) {
  bool *json = options;
  json_t *all = json_array();
  int status = 0;
  if (!options_apply(uses, &command, json)) {
    json_decref(all);
    return EX_USAGE;
  }
  for (int i = 0; i < uses->num_operands; i++) {
    if (profile_find(uses->operands[i]) == NULL) {
      options_complain(&command, "there is no provider \"%s\"", uses->operands[i]);
      status = EX_USAGE;
    }
  }
  bool begun = false;
  for (size_t i = 0; status == 0 && i < num_profiles; i++) {
    bool wanted = uses->num_operands == 0;
    for (int k = 0; k < uses->num_operands; k++) {
      wanted = wanted || profile_find(uses->operands[k]) == &profiles[i];
    }
    if (wanted && *json) {
      json_array_append_new(all, profile_json(&profiles[i]));
    } else if (wanted) {
      fputs(begun ? "\n" : "", stdout);
      profile_print(stdout, &profiles[i]);
      begun = true;
    }
  }
  if (*json && status == 0) {
    text_print_json(json_pack("{s:O}", "profiles", all), JSON_INDENT(2));
  }
  json_decref(all);
  return status;
}

int command_profiles(int argc, char **argv) {
  bool json = false;
  return options_run(&command, argc, argv, &json, run);
}
