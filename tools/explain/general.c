// Reply codes by stage, from RFC 5321 §4.2.1 to §4.3.2, RFC 4954 §6, RFC 3207 §4 and RFC 7504. It
// must not read the words of a reply, and must not say what holds for some servers only.
#include "tools/explain/explain.h"

#include <stdint.h>
#include <stdio.h>

#define STAGE(s) (1U << EHLO_STAGE_##s)
#define ANY_STAGE UINT32_MAX
#define ENVELOPE (STAGE(MAIL) | STAGE(RCPT) | STAGE(DATA) | STAGE(BODY))

// A code at some stages; the first row that fits counts.
struct code_row {
  uint16_t code;
  uint32_t stages;
  const char *says;  // goes on after "says that "
  enum explain_who who;
  const char *fix;
  const char *source;
};

static const struct code_row code_rows[] = {
    {421, ANY_STAGE, "the service is not available at present, and the connection ends",
     EXPLAIN_NOBODY, NULL, "RFC 5321 §4.2.3, §3.8"},
    {432, STAGE(AUTH),
     "the account has to be carried over to this mechanism by a login with another one",
     EXPLAIN_SENDER, "Log in once with PLAIN under TLS, or ask who runs the server.",
     "RFC 4954 §6"},
    {450, STAGE(RCPT), "the mailbox is not available at present", EXPLAIN_NOBODY, NULL,
     "RFC 5321 §4.2.3"},
    {450, ENVELOPE, "the server does not take this at present", EXPLAIN_NOBODY, NULL,
     "RFC 5321 §4.2.3"},
    {451, ANY_STAGE, "the server had an error of its own", EXPLAIN_SERVER, NULL, "RFC 5321 §4.2.3"},
    {452, STAGE(RCPT), "the server has no room, or takes no further recipient in this transaction",
     EXPLAIN_SENDER, "Send to the remaining recipients in a further transaction.",
     "RFC 5321 §4.2.3, §4.5.3.1.10"},
    {452, ANY_STAGE, "the server has no room for it at present", EXPLAIN_SERVER, NULL,
     "RFC 5321 §4.2.3"},
    {454, STAGE(AUTH), "the login failed for a reason that passes, on the server's side",
     EXPLAIN_SERVER, NULL, "RFC 4954 §6"},
    {454, STAGE(STARTTLS), "TLS is not available at present", EXPLAIN_SERVER, NULL, "RFC 3207 §4"},
    {455, STAGE(MAIL) | STAGE(RCPT),
     "the server cannot do at present what the parameters of the command ask for", EXPLAIN_SERVER,
     NULL, "RFC 5321 §4.2.3"},
    {500, STAGE(AUTH), "a line of the authentication was not understood or is too long",
     EXPLAIN_SENDER, "Check that the server offers AUTH in its EHLO reply.",
     "RFC 5321 §4.2.2, RFC 4954 §4"},
    {500, ANY_STAGE, "the command was not understood or is too long", EXPLAIN_SENDER,
     "Look at the command above the reply.", "RFC 5321 §4.2.2"},
    {501, STAGE(AUTH),
     "the authentication was cancelled, or what was sent for it could not be decoded",
     EXPLAIN_SENDER, NULL, "RFC 4954 §4"},
    {501, STAGE(STARTTLS), "STARTTLS may not be followed by anything", EXPLAIN_SENDER, NULL,
     "RFC 3207 §4"},
    {501, ANY_STAGE, "what follows the command is not valid", EXPLAIN_SENDER,
     "Look at the arguments of the command above the reply.", "RFC 5321 §4.2.2"},
    {502, ANY_STAGE, "the server does not implement this command", EXPLAIN_SENDER,
     "Do without it: the EHLO reply names what the server can do.", "RFC 5321 §4.2.2, §4.2.4"},
    {503, ANY_STAGE, "the command does not belong in this place of the session", EXPLAIN_SENDER,
     "Look at what came before: a step that the server wants first may be missing or was refused.",
     "RFC 5321 §4.2.2"},
    {504, STAGE(AUTH), "the server does not know this authentication mechanism", EXPLAIN_SENDER,
     "Use a mechanism that the EHLO reply names.", "RFC 4954 §4"},
    {504, ANY_STAGE, "the server does not implement this parameter", EXPLAIN_SENDER,
     "Send without the parameter.", "RFC 5321 §4.2.2"},
    {521, ANY_STAGE, "the host takes no mail at all", EXPLAIN_SENDER,
     "Check that this is the host that should be spoken to.", "RFC 7504 §3"},
    {530, ANY_STAGE, "a login, or TLS, has to come before this command", EXPLAIN_SENDER,
     "Start TLS and log in first.", "RFC 4954 §6, RFC 3207 §4"},
    {534, STAGE(AUTH), "this account may not log in with a mechanism as weak as this one",
     EXPLAIN_SENDER,
     "Use another of the mechanisms that the server offers, or another kind of credential.",
     "RFC 4954 §6"},
    {535, ANY_STAGE, "the login was refused: the credentials are not valid, or not enough",
     EXPLAIN_SENDER,
     "Check the user name and the password or token, and whether this account may log in by SMTP "
     "with it.",
     "RFC 4954 §6"},
    {538, STAGE(AUTH), "this mechanism may be used under TLS only", EXPLAIN_SENDER,
     "Start TLS before the login.", "RFC 4954 §6"},
    {550, STAGE(RCPT),
     "the mailbox is not available: there is none, or the server does not take this for it by a "
     "rule of its own",
     EXPLAIN_SENDER, "Check the recipient's address, and read the words of the reply.",
     "RFC 5321 §4.2.3"},
    {550, ANY_STAGE, "the server does not take this, by a rule of its own", EXPLAIN_SENDER,
     "Read the words of the reply: the rule is the server's own, and only they can name it.",
     "RFC 5321 §4.2.3"},
    {551, STAGE(RCPT), "the recipient is not here, and may be elsewhere", EXPLAIN_SENDER,
     "Use the address that the reply names, if it names one you trust.", "RFC 5321 §4.2.3, §3.4"},
    {552, ANY_STAGE, "more room would be taken than is allowed", EXPLAIN_SENDER,
     "Make the message smaller, or have room made in the mailbox.", "RFC 5321 §4.2.3"},
    {553, STAGE(MAIL), "the sender's address is not allowed", EXPLAIN_SENDER,
     "Check the sender's address, and that this account may use it.", "RFC 5321 §4.2.3"},
    {553, ANY_STAGE, "an address is not allowed, for how it is written or otherwise",
     EXPLAIN_SENDER, "Check the address.", "RFC 5321 §4.2.3"},
    {554, STAGE(GREETING), "there is no mail service for this client here", EXPLAIN_SERVER,
     "Check that this is the host that should be spoken to.", "RFC 5321 §4.2.3, §3.1"},
    {554, ANY_STAGE, "the transaction failed, and not why", EXPLAIN_SENDER,
     "Read the words of the reply: only they can say why.", "RFC 5321 §4.2.3"},
    {555, STAGE(MAIL) | STAGE(RCPT), "a parameter of the command is not known or not supported",
     EXPLAIN_SENDER, "Send without the parameter.", "RFC 5321 §4.2.3, §4.1.1.11"},
    {556, ANY_STAGE, "the domain of the address takes no mail", EXPLAIN_SENDER,
     "Check the domain of the address for a mistake.", "RFC 7504 §4"},
};

// What the second digit tells where the code itself is not known (RFC 5321 §4.2.1).
static const struct code_row groups[] = {
    {0, ANY_STAGE, "the command is not understood or does not fit", EXPLAIN_SENDER,
     "Look at the command above the reply.", "RFC 5321 §4.2.1"},
    {1, ANY_STAGE, "the request failed", EXPLAIN_NOBODY, NULL, "RFC 5321 §4.2.1"},
    {2, ANY_STAGE, "something is wrong with the connection or the service", EXPLAIN_NOBODY, NULL,
     "RFC 5321 §4.2.1"},
    {3, ANY_STAGE, "the request failed, for a reason of security or another", EXPLAIN_SENDER,
     "Read the words of the reply.", "RFC 5321 §4.2.1"},
    {4, ANY_STAGE, "the request failed", EXPLAIN_NOBODY, "Read the words of the reply.",
     "RFC 5321 §4.2.1"},
    {5, ANY_STAGE, "the mail system did not do what was asked for", EXPLAIN_NOBODY,
     "Read the words of the reply.", "RFC 5321 §4.2.1"},
};

static const struct code_row *find_code(unsigned code, enum ehlo_stage stage) {
  unsigned group = code / 10 % 10;
  for (size_t i = 0; i < sizeof(code_rows) / sizeof(code_rows[0]); i++) {
    if (code_rows[i].code == code && (code_rows[i].stages & 1U << stage) != 0) {
      return &code_rows[i];
    }
  }
  return &groups[group < sizeof(groups) / sizeof(groups[0]) ? group : 4];
}

// The row of an enhanced status code that may be believed and that says more than the code does.
static const struct explain_enhanced *find_enhanced(unsigned code, struct ehlo_enhanced e) {
  if (e.class_code != code / 100 || e.detail == 0) {
    return NULL;
  }
  return explain_enhanced_find(e.subject, e.detail);
}

static void add_fix(struct explanation *out, const char *fix) {
  if (fix != NULL) {
    out->fix[out->num_fix++] = fix;
  }
}

static void add_retry(struct explanation *out, enum ehlo_stage stage) {
  if (!out->retry) {
    add_fix(out, stage == EHLO_STAGE_AUTH
                     ? "Do not try the same login again unchanged: the refusal is final."
                     : "Do not try the same again unchanged: the refusal is final.");
  } else {
    add_fix(out, "Try again later, unchanged, and wait longer from one attempt to the next.");
  }
}

// With `said` NULL the stage is a guess, and is not told.
static void explain(struct explanation *out, enum ehlo_stage stage, const char *said, unsigned code,
                    struct ehlo_enhanced enhanced) {
  const struct code_row *row = find_code(code, stage);
  const struct explain_enhanced *more = find_enhanced(code, enhanced);
  *out = (struct explanation){.who = more != NULL ? more->who : row->who, .retry = code / 100 == 4};
  if (more != NULL) {
    snprintf(out->meaning, sizeof(out->meaning), "The code %u %u.%u.%u says that %s.", code,
             enhanced.class_code, enhanced.subject, enhanced.detail, more->says);
    snprintf(out->source, sizeof(out->source), "IANA enhanced status codes, X.%u.%u \"%s\" (%s)",
             enhanced.subject, enhanced.detail, more->name, more->reference);
  } else {
    snprintf(out->meaning, sizeof(out->meaning), "The code %u%s%s%s says that %s.", code,
             said != NULL ? ", at this stage (" : "", said != NULL ? said : "",
             said != NULL ? ")," : "", row->says);
    snprintf(out->source, sizeof(out->source), "%s", row->source);
  }
  add_fix(out, more != NULL ? more->fix : row->fix);
  add_retry(out, stage);
}

static bool is_refusal(unsigned code) {
  return code / 100 == 4 || code / 100 == 5;
}

bool explain_reply(struct explanation *out, enum ehlo_stage stage, unsigned code,
                   struct ehlo_enhanced enhanced) {
  if (!is_refusal(code) || (unsigned)stage >= EHLO_NUM_STAGES) {
    return false;
  }
  explain(out, stage, ehlo_stage_name(stage), code, enhanced);
  return true;
}

bool explain_reply_anywhere(struct explanation *out, unsigned code, struct ehlo_enhanced enhanced) {
  if (!is_refusal(code)) {
    return false;
  }
  bool of_auth = code == 432 || code == 534 || code == 535 || code == 538;
  bool of_rcpt = code == 450 || code == 550 || code == 551 || code == 553;
  enum ehlo_stage guess = of_auth ? EHLO_STAGE_AUTH : of_rcpt ? EHLO_STAGE_RCPT : EHLO_STAGE_BODY;
  explain(out, guess, NULL, code, enhanced);
  return true;
}

const char *explain_who_text(enum explain_who who) {
  switch (who) {
    case EXPLAIN_SENDER:
      return "the sender";
    case EXPLAIN_ADMIN:
      return "the administrator of the sender's account";
    case EXPLAIN_RECIPIENT:
      return "the recipient";
    case EXPLAIN_DOMAIN:
      return "who runs the sender's domain";
    case EXPLAIN_SERVER:
      return "who runs the server";
    case EXPLAIN_TIME:
      return "time";
    case EXPLAIN_NOBODY:
      break;
  }
  return NULL;
}
