// See shell_complete.h.
#include "tools/driver/shell_complete.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static void add(struct shell_choices *out, struct ehlo_span word, const char *choice, size_t len) {
  bool fits = out->num < SHELL_CHOICES_MAX && len < SHELL_CHOICE_MAX && len >= word.len;
  if (fits && (word.len == 0 || strncasecmp(choice, (const char *)word.bytes, word.len) == 0)) {
    memcpy(out->words[out->num], choice, len);
    out->words[out->num++][len] = '\0';
  }
}

static void add_if(struct shell_choices *out, struct ehlo_span word, bool offered,
                   const char *choice) {
  if (offered) {
    add(out, word, choice, strlen(choice));
  }
}

// ---- The words of each place --------------------------------------------------------------------

static void add_verbs(struct shell_choices *out, struct ehlo_span word,
                      const struct ehlo_capabilities *caps) {
  static const char *const always[] = {"EHLO ", "HELO ", "MAIL FROM:<", "RCPT TO:<", "DATA", "RSET",
                                       "NOOP",  "VRFY ", "EXPN ",       "HELP",      "QUIT"};
  for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++) {
    add_if(out, word, true, always[i]);
  }
  add_if(out, word, caps->starttls, "STARTTLS");
  add_if(out, word, caps->auth, "AUTH ");
  add_if(out, word, caps->chunking, "BDAT ");
  add_if(out, word, caps->etrn, "ETRN ");
  add_if(out, word, caps->xclient, "XCLIENT ");
}

static void add_helpers(struct shell_choices *out, struct ehlo_span word) {
  static const char *const helpers[] = {":auth", ":bdat ", ":caps",  ":explain",  ":help", ":quit",
                                        ":raw ", ":save ", ":send ", ":starttls", ":tls"};
  for (size_t i = 0; i < sizeof(helpers) / sizeof(helpers[0]); i++) {
    add_if(out, word, true, helpers[i]);
  }
}

static void add_mechanisms(struct shell_choices *out, struct ehlo_span word,
                           const struct ehlo_capabilities *caps) {
  const char *at = caps->mechanisms;
  while (*(at += strspn(at, " ")) != '\0') {
    size_t len = strcspn(at, " ");
    add(out, word, at, len);
    at += len;
  }
}

static void add_mail_parameters(struct shell_choices *out, struct ehlo_span word,
                                const struct ehlo_capabilities *caps) {
  add_if(out, word, caps->size, "SIZE=");
  add_if(out, word, caps->eight_bit_mime, "BODY=8BITMIME");
  add_if(out, word, caps->eight_bit_mime, "BODY=7BIT");
  add_if(out, word, caps->binary_mime, "BODY=BINARYMIME");
  add_if(out, word, caps->smtputf8, "SMTPUTF8");
  add_if(out, word, caps->dsn, "RET=HDRS");
  add_if(out, word, caps->dsn, "RET=FULL");
  add_if(out, word, caps->dsn, "ENVID=");
  add_if(out, word, caps->auth, "AUTH=<>");
  add_if(out, word, caps->requiretls, "REQUIRETLS");
  add_if(out, word, caps->future_release, "HOLDFOR=");
  add_if(out, word, caps->future_release, "HOLDUNTIL=");
  add_if(out, word, caps->deliver_by, "BY=");
  add_if(out, word, caps->mt_priority, "MT-PRIORITY=");
}

static void add_rcpt_parameters(struct shell_choices *out, struct ehlo_span word,
                                const struct ehlo_capabilities *caps) {
  add_if(out, word, caps->dsn, "NOTIFY=NEVER");
  add_if(out, word, caps->dsn, "NOTIFY=SUCCESS");
  add_if(out, word, caps->dsn, "NOTIFY=FAILURE");
  add_if(out, word, caps->dsn, "NOTIFY=DELAY");
  add_if(out, word, caps->dsn, "ORCPT=rfc822;");
}

// ---- The place ----------------------------------------------------------------------------------

static bool begins(struct ehlo_span line, const char *text) {
  return line.len >= strlen(text) && strncasecmp((const char *)line.bytes, text, strlen(text)) == 0;
}

static bool is_first_argument(struct ehlo_span line, size_t word_at, const char *verb) {
  return begins(line, verb) && word_at == strlen(verb);
}

void shell_complete(struct shell_choices *out, struct ehlo_span line,
                    const struct ehlo_capabilities *caps) {
  memset(out, 0, sizeof(*out));
  const uint8_t *blank = line.len > 0 ? memrchr(line.bytes, ' ', line.len) : NULL;
  size_t at = blank != NULL ? (size_t)(blank - line.bytes) + 1 : 0;
  // "MAIL " has no word of its own to go on with: "MAIL FROM:<" is one.
  bool in_path = (begins(line, "MAIL ") || begins(line, "RCPT ")) && at == strlen("MAIL ");
  at = in_path ? 0 : at;
  struct ehlo_span word = {line.bytes + at, line.len - at};
  out->typed = word.len;
  if (at == 0 && begins(line, ":")) {
    add_helpers(out, word);
  } else if (at == 0) {
    add_verbs(out, word, caps);
  } else if (is_first_argument(line, at, "AUTH ") || is_first_argument(line, at, ":auth ")) {
    add_mechanisms(out, word, caps);
  } else if (begins(line, "MAIL FROM:")) {
    add_mail_parameters(out, word, caps);
  } else if (begins(line, "RCPT TO:")) {
    add_rcpt_parameters(out, word, caps);
  } else if (is_first_argument(line, at, ":help ")) {
    add_verbs(out, word, caps);
  } else if (begins(line, ":send ") && at > strlen(":send ")) {
    add_if(out, word, true, "--from ");
    add_if(out, word, true, "--to ");
    add_if(out, word, caps->chunking, "--bdat");
  } else {
    out->files = begins(line, ":send ") || begins(line, ":save ") || begins(line, ":bdat ");
  }
}

size_t shell_complete_common(const struct shell_choices *choices) {
  size_t len = choices->num > 0 ? strlen(choices->words[0]) : 0;
  for (size_t i = 1; i < choices->num; i++) {
    size_t same = 0;
    while (same < len && choices->words[i][same] == choices->words[0][same]) {
      same++;
    }
    len = same;
  }
  return len;
}
