// What the server's replies and the end of the session change: what is remembered of them, and the
// exit status.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "tools/driver/shell.h"

void shell_refuse_cleartext(struct shell *sh, const char *why) {
  struct explain_failure f = {.outcome = EHLO_OUTCOME_TLS_FAILED};
  snprintf(sh->error, sizeof(sh->error),
           "%s, and TLS is required; --at ehlo gives the prompt before it, --tls none does without",
           why);
  sh->status = EX_CONFIG;
  sh->explained = shell_explanation(sh, &sh->explanation);
  if (!sh->explained) {
    shell_explain_failure(sh, EHLO_STAGE_STARTTLS, &f, "");
  }
  sh->opening = false;
  sh->at_end = true;
}

static int status_of(const struct shell *sh, enum ehlo_verb verb, uint16_t code) {
  if (verb == EHLO_VERB_QUIT && code != 421) {
    return sh->status;  // it says nothing of what was done before
  }
  if (code / 100 == 4) {
    return EX_TEMPFAIL;
  }
  if (code / 100 == 5) {
    return verb == EHLO_VERB_AUTH ? EX_NOPERM : EX_UNAVAILABLE;
  }
  return 0;
}

void shell_forget_hello(struct shell *sh) {
  free(sh->hello.text);
  memset(&sh->hello, 0, sizeof(sh->hello));
}

static void note_hello(struct shell *sh, const struct ehlo_event *event) {
  bool hello = event->verb == EHLO_VERB_EHLO || event->verb == EHLO_VERB_LHLO;
  if (event->reply.code / 100 != 2) {
    return;
  }
  if (hello) {
    report_keep(&sh->hello, &sh->session->redactor, &event->reply);
  } else if (event->verb == EHLO_VERB_HELO || event->verb == EHLO_VERB_XCLIENT) {
    shell_forget_hello(sh);
  }
}

static void on_reply(struct shell *sh, const struct ehlo_event *event) {
  uint16_t code = event->reply.code;
  bool keeps_status = sh->at_end && sh->error[0] != '\0';
  report_keep(&sh->reply, &sh->session->redactor, &event->reply);
  sh->reply_verb = event->verb;
  sh->status = keeps_status ? sh->status : status_of(sh, event->verb, code);
  if (event->verb == EHLO_VERB_GREETING) {
    report_keep(&sh->greeting, &sh->session->redactor, &event->reply);
  }
  note_hello(sh, event);
  shell_say_reply(sh, event->verb);
  shell_teach_came(sh, event->verb, code);
  if (sh->interactive && code >= 400 && code != 421 && !sh->hinted && !sh->live.quiet) {
    sh->hinted = true;
    shell_say(sh, ":explain says what that means and what helps");
  }
  sh->after_auth = sh->after_auth || (event->verb == EHLO_VERB_AUTH && code >= 400);
  if (sh->opening && code >= 400 && event->verb == EHLO_VERB_STARTTLS) {
    shell_refuse_cleartext(sh, "the server refuses STARTTLS");
  }
  sh->opening = sh->opening && code < 400;
  if (shell_auth_is_on(sh) && event->verb == EHLO_VERB_AUTH) {
    shell_auth_reply(sh, code);
  }
  shell_post_reply(sh, event->verb, code);
}

static void on_challenge(struct shell *sh, struct ehlo_client *c, const struct ehlo_event *event) {
  report_keep(&sh->reply, &sh->session->redactor, &event->reply);
  sh->reply_verb = EHLO_VERB_AUTH;
  sh->status = 0;
  shell_say_reply(sh, EHLO_VERB_AUTH);
  shell_teach_came(sh, EHLO_VERB_AUTH, event->reply.code);
  if (shell_auth_is_on(sh)) {
    shell_auth_challenge(sh, c, event);
  }
}

static int status_of_error(const struct session *s, const struct ehlo_error *e) {
  if (e->status == EHLO_E_CONNECT) {
    return session_connect_status(s);
  }
  if (ehlo_status_class(e->status) != EHLO_CLASS_TRANSPORT) {
    return EX_PROTOCOL;
  }
  if (e->status == EHLO_E_TLS) {
    return EX_CONFIG;
  }
  if (e->verb == EHLO_VERB_BODY && e->verb_sent) {
    return EX_UNKNOWN;
  }
  return e->status == EHLO_E_TIMEOUT ? EX_TEMPFAIL : EX_IOERR;
}

static enum ehlo_stage stage_of_error(const struct shell *sh, const struct ehlo_client *c,
                                      const struct ehlo_error *e) {
  bool in_handshake = live_tls_information(&sh->session->live) != NULL && !ehlo_client_is_secure(c);
  return e->status == EHLO_E_CONNECT               ? EHLO_STAGE_CONNECT
         : e->status == EHLO_E_TLS || in_handshake ? EHLO_STAGE_TLS
                                                   : shell_stage_of(e->verb);
}

static void explain_failure(struct shell *sh, const struct ehlo_client *c,
                            const struct ehlo_error *e, bool line_shown, const char *reason) {
  struct explain_failure f = {
      .outcome = sh->status == EX_UNKNOWN ? EHLO_OUTCOME_UNKNOWN : EHLO_OUTCOME_OPEN,
      .status = e->status,
      .unfinished = ehlo_status_class(e->status) == EHLO_CLASS_TRANSPORT && e->offset > sh->heard,
  };
  if (line_shown) {
    f.line = e->line;
  }
  shell_explain_failure(sh, stage_of_error(sh, c, e), &f, reason);
}

static void on_failure(struct shell *sh, const struct ehlo_client *c, const struct ehlo_error *e) {
  if (e->verb == EHLO_VERB_QUIT && ehlo_status_class(e->status) == EHLO_CLASS_TRANSPORT) {
    return;  // the result is known by then
  }
  const char *reason = live_reason(&sh->session->live);
  char line[200] = "";
  char awaited[64] = "";
  if (e->verb != EHLO_VERB_NONE) {
    snprintf(awaited, sizeof(awaited), ", with the reply to %s awaited", ehlo_verb_name(e->verb));
  }
  if (e->line.len > 0 &&
      !ehlo_redactor_grazes(&sh->session->redactor, e->line.bytes, e->line.len)) {
    snprintf(line, sizeof(line), ": %.*s", (int)(e->line.len < 160 ? e->line.len : 160),
             (const char *)e->line.bytes);
  }
  sh->status = status_of_error(sh->session, e);
  explain_failure(sh, c, e, line[0] != '\0', reason);
  if (e->status == EHLO_E_CONNECT) {
    snprintf(sh->error, sizeof(sh->error), "%s", reason);
    return;
  }
  snprintf(sh->error, sizeof(sh->error), "%s%s%s%s%s%s", ehlo_status_text(e->status), awaited,
           reason[0] != '\0' ? ": " : "", reason, line,
           sh->status == EX_UNKNOWN ? "; the server may have the message" : "");
}

void shell_act(struct shell *sh, struct ehlo_client *c, const struct ehlo_event *event) {
  if (event->type == EHLO_EVENT_REPLY || event->type == EHLO_EVENT_CHALLENGE) {
    sh->heard += event->reply.text.len;
  }
  switch (event->type) {
    case EHLO_EVENT_REPLY:
      on_reply(sh, event);
      break;
    case EHLO_EVENT_CHALLENGE:
      on_challenge(sh, c, event);
      break;
    case EHLO_EVENT_BODY_WANTED:
      if (sh->interactive && !shell_post_is_on(sh)) {
        shell_say(sh, "type the message; a line with a lone dot ends it");
      }
      break;
    case EHLO_EVENT_FAILED:
      on_failure(sh, c, &event->error);
      sh->over = true;
      break;
    case EHLO_EVENT_CLOSED:
      sh->over = true;
      break;
    case EHLO_EVENT_TLS_WANTED:
    case EHLO_EVENT_NONE:
      break;
  }
}
