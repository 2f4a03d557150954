// ehlo shell: SMTP by hand, over verified TLS.
#include "tools/driver/shell.h"

#include <openssl/mem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "tools/driver/colour.h"
#include "tools/driver/commands.h"
#include "tools/driver/credential_options.h"
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

const struct option_row shell_option_rows[] = {
    {"at", 0, "greeting|ehlo|starttls", "when the prompt comes (default: with all done)", set_at},
    {"teach", 0, NULL, "say what each step is, with the RFC's section", set_teach},
    {NULL, 0, NULL, NULL, NULL},
};

static const struct option_row *const tables[] = {shell_option_rows,
                                                  plan_option_rows,
                                                  network_option_rows,
                                                  credential_option_rows,
                                                  live_option_rows,
                                                  colour_option_rows,
                                                  NULL};
static const char *const essentials[] = {
    "at",   "teach",  "tls",  "ca-file", "user",    "password-command",
    "auth", "record", "json", "quiet",   "verbose", NULL};
static const struct command command = {
    .name = "shell",
    .essentials = essentials,
    .synopsis = "SERVER",
    .summary =
        "SMTP by hand, over verified TLS: each line goes to the server as typed.\n"
        "Lines that begin with a colon are for the shell; :help lists them.",
    .tables = tables,
    .notes =
        "A line goes to the server as it was typed, with CRLF behind it. After DATA lines are\n"
        "the message: a leading dot is doubled, and a lone dot ends it. After a typed BDAT n\n"
        "lines with their CRLF fill the chunk. A command out of order is told with the reason,\n"
        "and sent if it is typed again, or with y. What holds control characters, is no UTF-8\n"
        "or has over 2048 octets is not sent.\n"
        "\n"
        "Lines that begin with a colon are for the shell:\n"
        "  :auth [MECHANISM]     log in; the password is asked for, or comes as for send\n"
        "  :starttls             STARTTLS and the handshake, with the certificate verified\n"
        "  :send FILE [--from A --to B [--to C]] [--bdat]\n"
        "                        send a message, checked and dot-stuffed, as a transaction\n"
        "                        of its own or into the one that is open\n"
        "  :bdat FILE [LAST]     send a file's octets as they are\n"
        "  :explain [REPLY]      what the last reply means, or these words\n"
        "  :caps  :tls           what the server offers; the TLS session, its certificates\n"
        "  :save FILE            write the transcript so far\n"
        "  :help [VERB]  :quit   the helpers, or what a command is; QUIT\n"
        "  :raw LINE             send it without a question; ::x sends :x\n"
        "\n"
        "What is typed behind AUTH, and in answer to a 334, is a secret: it is not shown, and\n"
        "is in no record, history or output. It is not sent without TLS, unless with\n"
        "--allow-cleartext-auth. What follows a refused AUTH and is no command is taken for a\n"
        "response that was prepared for it, and is a secret too.\n"
        "\n"
        "Tab completes commands, and what this server offers. Ctrl-C clears the line, Ctrl-D\n"
        "is QUIT; while a reply is awaited, Ctrl-C closes the connection. The history, 500\n"
        "lines, is $XDG_STATE_HOME/ehlo/history, by default ~/.local/state/ehlo/history.\n"
        "\n"
        "In a pipe each line is sent after the reply to the one before, and the exit status is\n"
        "that of the last reply before QUIT. The end of the input is QUIT; within a message it\n"
        "closes the connection, so that no half of it is delivered. With --json each line sent\n"
        "and each reply is one JSON object in a line, and the last one is the end; with -q the\n"
        "replies alone are printed.\n",
};

// With --json there is an end to read whatever happens.
static void say_no_session(struct shell *sh, int status) {
  if (sh->live.json) {
    sh->status = status;
    snprintf(sh->error, sizeof(sh->error), "the session cannot begin; standard error says why");
    shell_say_end(sh);
  }
}

static int run_with(struct shell *sh) {
  int status = 0;
  sh->live = sh->options->live;
  sh->live.user = NULL;  // nobody is logged in by itself, so no password is wanted yet
  sh->screen = sh->live.json ? stderr : stdout;
  sh->session = session_new(&status, &sh->live);
  if (sh->session == NULL) {
    say_no_session(sh, status);
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
  o->live.account_is_chosen = options_last(uses, "profile") == NULL;
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
