// See shell_order.h.
#include "tools/driver/shell_order.h"

static const char *outside_transactions(enum ehlo_verb verb) {
  static const char *const reasons[EHLO_NUM_VERBS] = {
      [EHLO_VERB_MAIL] =
          "a transaction is open already; finish it, or end it with RSET (RFC 5321 §4.1.1.2)",
      [EHLO_VERB_AUTH] = "AUTH does not belong into a transaction; end it with RSET (RFC 4954 §4)",
      [EHLO_VERB_STARTTLS] =
          "STARTTLS does not belong into a transaction; end it with RSET (RFC 3207 §4)",
  };
  const char *reason = reasons[verb];
  return reason != NULL ? reason : "it does not belong into a transaction; end it with RSET";
}

static const char *needs_transaction(enum ehlo_verb verb) {
  if (verb == EHLO_VERB_RCPT) {
    return "no transaction is open: MAIL comes first (RFC 5321 §3.3)";
  }
  return verb == EHLO_VERB_DATA || verb == EHLO_VERB_BDAT
             ? "no transaction is open: MAIL and RCPT come first (RFC 5321 §3.3)"
             : "the server does not expect it here";
}

static const char *reason_when_ready(const struct ehlo_client *c, enum ehlo_verb verb) {
  if (verb == EHLO_VERB_STARTTLS && ehlo_client_is_secure(c)) {
    return "TLS is on already (RFC 3207 §4.2)";
  }
  if (verb == EHLO_VERB_AUTH) {
    return "you are logged in already, and one AUTH is all that a session has (RFC 4954 §4)";
  }
  return needs_transaction(verb);
}

static const char *reason_in(const struct ehlo_client *c, enum ehlo_verb verb) {
  enum ehlo_state state = ehlo_client_state(c);
  bool content = verb == EHLO_VERB_DATA || verb == EHLO_VERB_BDAT;
  if (state == EHLO_STATE_GREETED) {
    return ehlo_client_is_secure(c)
               ? "EHLO comes first, under TLS once more (RFC 3207 §4.2, RFC 5321 §4.1.4)"
               : "EHLO comes first (RFC 5321 §4.1.4)";
  }
  if (state == EHLO_STATE_REFUSED) {
    return "the greeting refused the session, and only QUIT is left (RFC 5321 §3.1)";
  }
  if (state == EHLO_STATE_READY) {
    return reason_when_ready(c, verb);
  }
  if (state == EHLO_STATE_MAIL && content) {
    return "no recipient is accepted yet: RCPT comes first (RFC 5321 §3.3)";
  }
  if (state == EHLO_STATE_CHUNKED) {
    return "chunks were begun: BDAT goes on with them, and RSET takes them back (RFC 3030 §2)";
  }
  return outside_transactions(verb);
}

const char *shell_order_reason(const struct ehlo_client *c, enum ehlo_verb verb) {
  bool known = verb != EHLO_VERB_OTHER && verb != EHLO_VERB_NONE;
  if (ehlo_client_may_send(c, verb) || (!known && ehlo_client_state(c) != EHLO_STATE_REFUSED)) {
    return NULL;
  }
  return reason_in(c, verb);
}
