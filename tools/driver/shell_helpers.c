// The shell's helpers, by table: what begins with a colon.
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "tools/driver/output.h"
#include "tools/driver/shell.h"
#include "tools/driver/shell_order.h"
#include "tools/driver/shell_teach.h"
#include "tools/driver/text.h"

// ---- What the server said -----------------------------------------------------------------------

static void tell_capabilities(struct shell *sh, struct ehlo_client *c, const char *words) {
  struct ehlo_reply_line line;
  size_t pos = 0;
  (void)words;
  (void)c;
  if (sh->hello.text == NULL) {
    shell_say(sh, "the server has told nothing%s; say EHLO",
              ehlo_client_is_secure(c) ? " since TLS began" : " yet");
    return;
  }
  ehlo_reply_line(&sh->hello.reply, &pos, &line);
  while (ehlo_reply_line(&sh->hello.reply, &pos, &line)) {
    shell_answer(sh, line.text);
  }
}

static void tell_tls(struct shell *sh, struct ehlo_client *c, const char *words) {
  const struct live_tls_info *info = live_tls_information(&sh->session->live);
  (void)words;
  if (!ehlo_client_is_secure(c) || info == NULL) {
    shell_say(sh, "no TLS: what is said here can be read and changed on the way");
    return;
  }
  shell_answer_words(sh, "%s %s %s", info->version, info->cipher, info->group);
  for (size_t i = 0; i < info->num_certificates; i++) {
    const struct live_certificate_info *cert = &info->certificates[i];
    shell_answer_words(sh, "certificate %zu: %s", i + 1, cert->subject);
    shell_answer_words(sh, "  issuer %s", cert->issuer);
    shell_answer_words(sh, "  valid from %s to %s", cert->not_before, cert->not_after);
    shell_answer_words(sh, "  names %s", cert->names);
    shell_answer_words(sh, "  sha256 %s", cert->sha256);
  }
  bool trusted = info->verdict.chain_ok && info->verdict.name_ok;
  shell_answer_words(sh, "%s%s", trusted ? "trusted" : "NOT trusted: ", info->verdict.reason);
}

// ---- What is sent -------------------------------------------------------------------------------

static void send_command(struct shell *sh, struct ehlo_client *c, const char *text) {
  struct shell_line line;
  shell_line_read(&line, ehlo_str(text), false);
  const char *reason = shell_order_reason(c, line.verb);
  if (reason != NULL) {
    shell_say(sh, "%s is out of order: %s", text, reason);
    sh->status = EX_USAGE;
    return;
  }
  shell_send_line(sh, c, &line);
}

static void start_tls(struct shell *sh, struct ehlo_client *c, const char *words) {
  (void)words;
  send_command(sh, c, "STARTTLS");
}

static void quit(struct shell *sh, struct ehlo_client *c, const char *words) {
  (void)words;
  send_command(sh, c, "QUIT");
}

static void log_in(struct shell *sh, struct ehlo_client *c, const char *words) {
  char name[32];
  size_t len = strcspn(words, " ");
  if (len >= sizeof(name) || words[len + strspn(words + len, " ")] != '\0') {
    shell_say(sh, "usage: :auth [MECHANISM]; the password is asked for, and never typed here");
    sh->status = EX_USAGE;
    return;
  }
  snprintf(name, sizeof(name), "%.*s", (int)len, words);
  shell_auth_begin(sh, c, len > 0 ? name : NULL);
}

// ---- The transcript -----------------------------------------------------------------------------

static void save(struct shell *sh, struct ehlo_client *c, const char *words) {
  struct output out;
  (void)c;
  if (*words == '\0' || strcmp(words, "-") == 0) {
    shell_say(sh, "usage: :save FILE");
    sh->status = EX_USAGE;
    return;
  }
  if (sh->transcript_cut) {
    shell_say(sh,
              "the session is longer than the 16 MiB that are kept; use --record from the start");
    sh->status = EX_CANTCREAT;
    return;
  }
  fflush(stdout);
  int status = output_open(&out, words);
  if (status == 0) {
    fwrite(sh->transcript, 1, sh->transcript_len, out.file);
    status = output_commit(&out);
  }
  if (status == 0) {
    shell_say(sh, "saved in %s", words);
  } else {
    sh->status = status;
  }
}

// ---- Help ---------------------------------------------------------------------------------------

struct helper {
  const char *name;
  const char *form;
  const char *meaning;
  void (*run)(struct shell *sh, struct ehlo_client *c, const char *words);
};

static void help_helper(struct shell *sh, const char *form, const char *meaning) {
  shell_answer_words(sh, "%-34s %s", form, meaning);
}

static void help_all(struct shell *sh);

static void help(struct shell *sh, struct ehlo_client *c, const char *words) {
  (void)c;
  if (*words == '\0') {
    help_all(sh);
    return;
  }
  const struct shell_lesson *lesson = shell_teach_command(ehlo_verb_of_line(ehlo_str(words)));
  if (lesson == NULL) {
    shell_say(sh, "that is no command of SMTP; :help alone lists the helpers");
    return;
  }
  shell_answer_words(sh, "%s", lesson->form);
  shell_answer_words(sh, "%s (%s)", lesson->meaning, lesson->source);
}

static const struct helper helpers[] = {
    {"auth", ":auth [MECHANISM]", "log in; the password is asked for", log_in},
    {"bdat", ":bdat FILE [LAST]", "send a file's octets with BDAT", shell_post_bdat},
    {"caps", ":caps", "what the server offers", tell_capabilities},
    {"explain", ":explain [REPLY]", "what the last reply means, or this one", shell_explain},
    {"help", ":help [VERB]", "this, or what a command is", help},
    {"quit", ":quit", "QUIT", quit},
    {"save", ":save FILE", "write the transcript so far", save},
    {"send", ":send FILE [--from A --to B] [--bdat]", "send a message, checked and dot-stuffed",
     shell_post_send},
    {"starttls", ":starttls", "STARTTLS and the handshake", start_tls},
    {"tls", ":tls", "the TLS session and its certificates", tell_tls},
};
#define NUM_HELPERS (sizeof(helpers) / sizeof(helpers[0]))

static void help_all(struct shell *sh) {
  for (size_t i = 0; i < NUM_HELPERS; i++) {
    help_helper(sh, helpers[i].form, helpers[i].meaning);
  }
  help_helper(sh, ":raw LINE, or ::LINE for \":LINE\"", "send it as it is");
  shell_answer_words(sh, "Any other line goes to the server as typed.");
}

void shell_help_yourself(struct shell *sh, struct ehlo_client *c, struct ehlo_span text) {
  char words[SHELL_LINE_MAX + 1];
  memcpy(words, text.bytes, text.len);
  words[text.len] = '\0';
  size_t len = strcspn(words, " ");
  const char *rest = words + len + strspn(words + len, " ");
  for (size_t i = 0; i < NUM_HELPERS; i++) {
    if (strlen(helpers[i].name) == len && strncasecmp(helpers[i].name, words, len) == 0) {
      helpers[i].run(sh, c, rest);
      return;
    }
  }
  shell_say(sh,
            "there is no such helper; :help lists them, and a second colon sends the line with "
            "one");
  sh->status = EX_USAGE;
}
