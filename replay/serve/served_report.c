// What a served client did, as it is seen command by command. A word of the client's own gets in
// here only where it cannot be a credential: an address, a mechanism that is known.
#include <string.h>

#include "replay/serve/hello.h"
#include "replay/serve/served_parts.h"

// ---- Mechanisms --------------------------------------------------------------------------------

static const char *const mechanisms[] = {
    "PLAIN",         "LOGIN",         "CRAM-MD5",
    "DIGEST-MD5",    "SCRAM-SHA-1",   "SCRAM-SHA-1-PLUS",
    "SCRAM-SHA-224", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS",
    "SCRAM-SHA-384", "SCRAM-SHA-512", "SCRAM-SHA-512-PLUS",
    "XOAUTH2",       "OAUTHBEARER",   "EXTERNAL",
    "ANONYMOUS",     "NTLM",          "GSSAPI",
    "GS2-KRB5",      "KERBEROS_V4",   "CRAM-SHA1",
    "CRAM-SHA256",
};

void ehlo_served_mechanism(const struct ehlo_served *s, char out[EHLO_MECHANISM_MAX],
                           const struct ehlo_command_line *c) {
  char name[EHLO_MECHANISM_MAX] = "";
  for (size_t i = 0; i < c->argument_len && c->argument[i] != ' ' && i + 1 < sizeof(name); i++) {
    uint8_t octet = c->argument[i];
    name[i] = (char)(octet >= 'a' && octet <= 'z' ? octet - 'a' + 'A' : octet);
  }
  memset(out, 0, EHLO_MECHANISM_MAX);
  memcpy(out, "other", 5);
  for (size_t i = 0; i < sizeof(mechanisms) / sizeof(mechanisms[0]); i++) {
    if (strcmp(mechanisms[i], name) == 0) {
      memcpy(out, name, sizeof(name));
    }
  }
  for (size_t i = 0; i < s->script->num_attempts; i++) {
    if (strcmp(s->script->attempts[i].mechanism, name) == 0) {
      memcpy(out, name, sizeof(name));
    }
  }
}

// ---- Against the recorded client ---------------------------------------------------------------

// The step that comes now; GREETING: the client leaves. Neighbours of a kind are one step, as in
// the script, and the first difference is all that is kept.
void ehlo_served_tell_step(struct ehlo_served *s, enum ehlo_meaning meaning,
                           const char *mechanism) {
  static const struct ehlo_script_step nothing;
  bool again = s->num_steps > 0 && s->last_step.meaning == meaning;
  if ((again && (meaning == EHLO_MEANS_RCPT || meaning == EHLO_MEANS_CHUNK)) || s->report.differs) {
    return;
  }
  struct ehlo_script_step step = {.meaning = meaning};
  memcpy(step.mechanism, mechanism, strlen(mechanism));
  size_t at = s->num_steps++;
  const struct ehlo_script_step *recorded =
      at < s->script->num_steps ? &s->script->steps[at] : &nothing;
  s->last_step = step;
  if (recorded->meaning != meaning || strcmp(recorded->mechanism, step.mechanism) != 0) {
    s->report.differs = true;
    s->report.differs_at = at + 1;
    s->report.recorded = *recorded;
    s->report.done = step;
  }
}

// ---- Commands and replies ----------------------------------------------------------------------

static void add_command(struct ehlo_served_report *r, enum ehlo_meaning meaning) {
  r->num_commands++;
  r->came[meaning] = true;
  bool again = r->num_runs > 0 && r->num_runs <= EHLO_SERVED_TOLD_COMMANDS &&
               r->commands[r->num_runs - 1].meaning == meaning;
  if (again) {
    r->commands[r->num_runs - 1].count++;
    return;
  }
  if (r->num_runs < EHLO_SERVED_TOLD_COMMANDS) {
    r->commands[r->num_runs] = (struct ehlo_told_command){meaning, 1};
  }
  r->num_runs += r->num_runs <= EHLO_SERVED_TOLD_COMMANDS;  // one beyond says that there are more
}

void ehlo_served_tell_command(struct ehlo_served *s, const struct ehlo_command_line *c) {
  char mechanism[EHLO_MECHANISM_MAX] = "";
  enum ehlo_meaning meaning = c->is_bdat ? EHLO_MEANS_CHUNK : c->meaning;
  if (meaning == EHLO_MEANS_AUTH) {
    ehlo_served_mechanism(s, mechanism, c);
    memcpy(s->report.mechanism, mechanism, sizeof(mechanism));
    s->report.num_attempts++;
  }
  s->report.quit = s->report.quit || meaning == EHLO_MEANS_QUIT;
  add_command(&s->report, meaning);
  ehlo_served_tell_step(s, meaning, mechanism);
  ehlo_served_settle(s, meaning == EHLO_MEANS_QUIT ? EHLO_REACTION_QUIT
                        : meaning == s->struck     ? EHLO_REACTION_RETRIED
                                                   : EHLO_REACTION_WENT_ON);
}

static void add_recipient(struct ehlo_served_report *r, const struct ehlo_command_line *c,
                          bool accepted) {
  if (r->num_recipients < EHLO_SERVED_TOLD_RECIPIENTS) {
    struct ehlo_told_recipient *to = &r->recipients[r->num_recipients];
    size_t len =
        c->argument_len < sizeof(to->address) - 1 ? c->argument_len : sizeof(to->address) - 1;
    for (size_t i = 0; i < len; i++) {
      to->address[i] = c->argument[i] == '\0' ? '?' : (char)c->argument[i];
    }
    to->address[len] = '\0';
    to->accepted = accepted;
  }
  r->num_recipients++;
  r->num_accepted += accepted;
}

void ehlo_served_tell_reply(struct ehlo_served *s, const struct ehlo_command_line *c,
                            unsigned code) {
  struct ehlo_served_report *r = &s->report;
  bool success = code / 100 == 2;
  if (c->meaning == EHLO_MEANS_RCPT) {
    add_recipient(r, c, success);
  } else if (c->meaning == EHLO_MEANS_MESSAGE && success && !s->message_told) {
    s->message_told = true;
    r->num_accepted_messages++;
  } else if ((c->meaning == EHLO_MEANS_AUTH || c->meaning == EHLO_MEANS_RESPONSE) && success) {
    r->authenticated = true;
  } else if (c->meaning == EHLO_MEANS_EHLO || c->meaning == EHLO_MEANS_HELO ||
             c->meaning == EHLO_MEANS_LHLO) {
    r->greeted = r->greeted || success;
  }
}

// ---- Faults ------------------------------------------------------------------------------------

void ehlo_served_tell_strike(struct ehlo_served *s, const struct ehlo_strike *strike,
                             enum ehlo_meaning meaning) {
  s->open_faults |= strike->faults;
  if (strike->faults != 0) {
    s->struck = meaning;
  }
}

// What the client did about the faults that are open.
void ehlo_served_settle(struct ehlo_served *s, enum ehlo_reaction_type type) {
  struct ehlo_served_report *r = &s->report;
  for (size_t i = 0; s->open_faults != 0; i++, s->open_faults >>= 1) {
    if ((s->open_faults & 1) == 0) {
      continue;
    }
    if (r->num_reactions < EHLO_SERVED_TOLD_REACTIONS) {
      r->reactions[r->num_reactions] = (struct ehlo_reaction){i, type};
    }
    r->num_reactions++;
  }
}
