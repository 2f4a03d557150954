// ehlo shell: SMTP by hand, over verified TLS.
#include "tools/driver/shell.h"

#include <openssl/mem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "tools/driver/commands.h"
#include "tools/driver/plan.h"

static const char *set_at(void *o, const char *value) {
  static const struct {
    const char *name;
    enum shell_at at;
  } steps[] = {{"connect", SHELL_AT_GREETING},
               {"greeting", SHELL_AT_GREETING},
               {"ehlo", SHELL_AT_EHLO},
               {"starttls", SHELL_AT_STARTTLS}};
  for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
    if (strcmp(value, steps[i].name) == 0) {
      ((struct shell_options *)o)->at = steps[i].at;
      return NULL;
    }
  }
  return "it is one of greeting, ehlo and starttls";
}

static const char *set_teach(void *o, const char *value) {
  (void)value;
  ((struct shell_options *)o)->teach = true;
  return NULL;
}

static const struct option_row rows[] = {
    {"at", 0, "STEP", "prompt after greeting, ehlo or starttls (default: all)", set_at},
    {"teach", 0, NULL, "say what each step is, with the RFC's section", set_teach},
    {NULL, 0, NULL, NULL, NULL},
};

static const struct option_row *const tables[] = {rows, plan_option_rows, live_option_rows, NULL};
static const struct command command = {
    .name = "shell",
    .synopsis = "SERVER",
    .summary =
        "SMTP by hand, over verified TLS: each line goes to the server as typed.\n"
        "Lines that begin with a colon are for the shell; :help lists them.",
    .tables = tables,
    .notes =
        "In a pipe each line is sent after the reply to the one before, and the exit\n"
        "status is that of the last reply before QUIT. With --json each line sent and\n"
        "each reply is one JSON object. Nobody is logged in before :auth or AUTH; what\n"
        "is typed behind AUTH is a secret, and in no record, history or output.",
};

static int run_with(struct shell *sh) {
  int status = 0;
  sh->live = sh->options->live;
  sh->live.user = NULL;  // nobody is logged in by itself, so no password is wanted yet
  sh->screen = sh->live.json ? stderr : stdout;
  sh->session = session_new(&status, &sh->live);
  if (sh->session == NULL) {
    return status;
  }
  if (sh->live.tls == EHLO_TLS_NONE) {
    status = session_load_roots(sh->session);  // for a STARTTLS that is typed
  }
  if (status == 0) {
    status = shell_run(sh);
  }
  shell_post_free(&sh->post);
  session_free(sh->session);
  return status;
}

static int run(void *options, const struct option_uses *uses) {
  struct shell_options *o = options;
  int status = live_options_resolve(&o->live, &command, uses);
  if (status == 0 && o->live.dry_run) {
    plan_show(&o->live);
    return 0;
  }
  if (status != 0) {
    return status;
  }
  if (o->at == SHELL_AT_STARTTLS && o->live.tls != EHLO_TLS_STARTTLS) {
    options_complain(&command, "--at starttls is for --tls starttls");
    return EX_USAGE;
  }
  struct shell *sh = calloc(1, sizeof(*sh));
  if (sh == NULL) {
    options_complain(&command, "out of memory");
    return EX_OSERR;
  }
  sh->options = o;
  status = run_with(sh);
  free(sh->reply.text);
  free(sh->hello.text);
  free(sh->greeting.text);
  free(sh->transcript);
  OPENSSL_cleanse(sh, sizeof(*sh));
  free(sh);
  return status;
}

int command_shell(int argc, char **argv) {
  struct shell_options options = {0};
  int status = options_run(&command, argc, argv, &options, run);
  live_options_free(&options.live);
  return status;
}
