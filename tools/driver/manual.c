// See manual.h.
#include "tools/driver/manual.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

// ---- Text ---------------------------------------------------------------------------------------

static void put(const char *text, bool is_prose) {
  bool begins_line = true;
  for (; *text != '\0'; text++) {
    if (begins_line && (*text == '.' || *text == '\'')) {
      fputs("\\&", stdout);
    }
    if (*text == '\\') {
      fputs("\\e", stdout);
    } else if (*text == '-') {
      fputs("\\-", stdout);
    } else {
      putchar(*text);
    }
    begins_line = *text == '\n';
    if (is_prose && strchr(".?!:", *text) != NULL && text[1] == ' ' &&
        isupper((unsigned char)text[2])) {
      putchar('\n');
      begins_line = true;
      text++;
    }
  }
}

void manual_put(const char *text) {
  put(text, true);
}

void manual_put_literal(const char *text) {
  fputs(".Bd -literal\n", stdout);
  put(text, false);
  fputs(text[strlen(text) - 1] == '\n' ? ".Ed\n" : "\n.Ed\n", stdout);
}

// ---- What is around -----------------------------------------------------------------------------

// A variable or a file, and the commands that it means something to.
struct thing {
  const char *name;
  const char *text;
  const char *option;    // those that have this option, or NULL
  const char *commands;  // or these, with a blank around each
};

#define WITH_COLOUR " send sendmail probe shell record show replay diff "

static const struct thing variables[] = {
    {"EHLO_PASSWORD", "The password or token, where no option says where it comes from.", NULL,
     " send sendmail shell doctor "},
    {"LOGNAME", "The sender, where neither options, account nor message name one.", NULL,
     " sendmail "},
    {"NAME", "The name in a From that is added, where no option and no account has one.", NULL,
     " sendmail "},
    {"NO_COLOR", "If it is not empty there is no colour unless --color says so.", NULL,
     WITH_COLOUR},
    {"SSL_CERT_FILE", "Whom to trust, in place of the system's store: certificates in PEM.",
     "ca-file", NULL},
    {"SSL_CERT_DIR", "The same as directories, with a colon between them.", "ca-file", NULL},
    {"TERM", "If it is dumb, or not there, there is no colour, no progress and no editing.", NULL,
     WITH_COLOUR},
    {"XDG_CONFIG_HOME", "The directory of the configuration, in place of ~/.config.", "config",
     NULL},
    {"XDG_STATE_HOME", "The directory of the history, in place of ~/.local/state.", NULL,
     " shell "},
};

static const struct thing files[] = {
    {"~/.config/ehlo/config", "Accounts and options, see ehlo.conf(5).", "config", NULL},
    {"~/.local/state/ehlo/history", "What was typed, without secrets.", NULL, " shell "},
    {"/etc/ssl/certs/ca-certificates.crt", "Whom to trust, and other places where systems keep it.",
     "ca-file", NULL},
};

static bool concerns(const struct thing *thing, const struct command *command) {
  if (thing->option != NULL) {
    return options_find(command, thing->option) != NULL;
  }
  const char *at = strstr(thing->commands, command->name);
  size_t len = strlen(command->name);
  while (at != NULL && (at[-1] != ' ' || at[len] != ' ')) {
    at = strstr(at + 1, command->name);
  }
  return at != NULL;
}

static void print_things(const struct command *command, const char *section, const char *macro,
                         const struct thing *things, size_t num) {
  bool any = false;
  for (size_t i = 0; i < num; i++) {
    if (concerns(&things[i], command)) {
      printf("%s.It %s %s\n", any ? "" : section, macro, things[i].name);
      manual_put(things[i].text);
      putchar('\n');
      any = true;
    }
  }
  fputs(any ? ".El\n" : "", stdout);
}

void manual_print_surroundings(const struct command *command) {
  print_things(command, ".Sh ENVIRONMENT\n.Bl -tag -width Ds\n", "Ev", variables,
               sizeof(variables) / sizeof(variables[0]));
  print_things(command, ".Sh FILES\n.Bl -tag -width Ds\n", "Pa", files,
               sizeof(files) / sizeof(files[0]));
}

// ---- Examples -----------------------------------------------------------------------------------

static const struct {
  const char *command;
  const char *says;
  const char *lines;
} examples[] = {
    {"send", "Submit a message, with the password that a password manager prints:",
     "ehlo send smtp.example.com --user alice@example.com \\\n"
     "    --password-command 'pass show mail/work' \\\n"
     "    --from alice@example.com --to bob@example.com --data message.eml"},
    {"send", "See whether the login works, and send nothing:",
     "ehlo send smtp.gmail.com --user you@gmail.com --password-file app-password \\\n"
     "    --from you@gmail.com --to you@gmail.com --data message.eml --quit-after auth"},
    {"send", "Have the message made, send it as an account does, and record the session:",
     "ehlo send work --to bob@example.com --subject Report --body @letter.txt \\\n"
     "    --attach report.pdf --record sent.smtp"},
    {"sendmail", "Take the recipients from the header:", "ehlo sendmail -t <message.eml"},
    {"sendmail", "Send as another account than that of the sender, and see the session:",
     "ehlo sendmail -a work -v bob@example.com <message.eml"},
    {"probe", "Look at a server, with all ports that mail is submitted to:",
     "ehlo probe --all mail.example.com"},
    {"probe", "Be told, by exit status 1, when something changed since the last time:",
     "ehlo probe smtp.example.com --baseline facts.json"},
    {"shell", "Log in, then type:", "ehlo shell smtp.example.com --user alice@example.com"},
    {"shell", "Say something to a server from a script:",
     "printf 'NOOP\\n' | ehlo shell smtp.example.com -q"},
    {"explain", "A reply:",
     "ehlo explain '535 5.7.139 Authentication unsuccessful, basic authentication is disabled.'"},
    {"explain", "Every refusal of a session:", "ehlo explain failing.smtp"},
    {"profiles", "What is known of a provider:", "ehlo profiles gmail"},
    {"doctor",
     "Look at what all servers have in common, or at an account:", "ehlo doctor\nehlo doctor work"},
    {"record", "Let a program submit to port 2525, and see what it says:",
     "ehlo record --listen 127.0.0.1:2525 --to smtp.example.com \\\n"
     "    --record session.smtp --ca-out relay.pem"},
    {"show", "Print a session as it was on screen:", "ehlo show session.smtp"},
    {"show",
     "Draw it, as a page that needs no other file:", "ehlo show --html page.html session.smtp"},
    {"replay", "Run a session again:", "ehlo replay session.smtp"},
    {"replay",
     "Run all of a directory, whole, by line and by byte:", "ehlo replay --chunks all corpus"},
    {"replay", "See how things stand after event 12:", "ehlo replay --until 12 session.smtp"},
    {"serve", "Let a program meet the same server again:",
     "ehlo serve session.smtp --listen 127.0.0.1:2525"},
    {"serve", "The same server, that refuses the first two recipients for now:",
     "ehlo serve session.smtp --listen 127.0.0.1:2525 \\\n"
     "    --fault 'rcpt:reply=451 4.7.1 try later*2'"},
    {"diff", "Why does it fail today?", "ehlo diff yesterday.smtp today.smtp"},
    {"shrink", "Make a session small that is to be shown to somebody:",
     "ehlo shrink failing.smtp -o small.smtp"},
    {"import", "Make a transcript of a log of swaks, and run it:",
     "ehlo import swaks.log -o swaks.smtp\nehlo replay swaks.smtp"},
    {"scrub", "Take the credentials out of a log before it is sent to somebody:",
     "ehlo scrub debug.log -o clean.log"},
    {"scrub", "In a commit hook, refuse files that hold any:", "ehlo scrub --check session.smtp"},
    {"demo", "See a submission, its record and its replay:", "ehlo demo"},
};

void manual_print_examples(const struct command *command) {
  const char *between = ".Sh EXAMPLES\n";
  for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
    if (strcmp(examples[i].command, command->name) == 0) {
      fputs(between, stdout);
      between = ".Pp\n";
      manual_put(examples[i].says);
      putchar('\n');
      manual_put_literal(examples[i].lines);
    }
  }
}
