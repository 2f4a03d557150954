// What is wrong with a message for this server, found before any of it is sent: addresses and
// parameters that may not leave, extensions that were not offered, what the server said is too big.
#include <string.h>

#include "engine/argument.h"
#include "engine/submit_parts.h"

static bool is_ascii(struct ehlo_span s) {
  for (size_t i = 0; i < s.len; i++) {
    if (s.bytes[i] >= 0x80) {
      return false;
    }
  }
  return true;
}

bool ehlo_submit_needs_smtputf8(const struct ehlo_message *m) {
  bool ascii = is_ascii(m->from);
  for (size_t i = 0; ascii && i < m->num_to; i++) {
    ascii = is_ascii(m->to[i].address);
  }
  return !ascii;
}

bool ehlo_submit_uses_bdat(const struct ehlo_submit *s, const struct ehlo_capabilities *caps,
                           const struct ehlo_message *m) {
  bool wanted = s->config.transfer != EHLO_TRANSFER_DATA || m->is_binary;
  return wanted && caps->chunking && m->size > 0 && ehlo_submit_goes_beyond(s, EHLO_STAGE_DATA);
}

static struct ehlo_verdict problem(enum ehlo_outcome outcome, enum ehlo_stage stage,
                                   enum ehlo_submit_problem what) {
  return (struct ehlo_verdict){.outcome = outcome, .stage = stage, .problem = what};
}

static struct ehlo_verdict missing(const char *extension) {
  struct ehlo_verdict v = problem(EHLO_OUTCOME_USAGE, EHLO_STAGE_MAIL, EHLO_PROBLEM_UNSUPPORTED);
  v.missing = extension;
  return v;
}

static struct ehlo_verdict unsendable(enum ehlo_stage stage, enum ehlo_status status) {
  struct ehlo_verdict v = problem(EHLO_OUTCOME_USAGE, stage, EHLO_PROBLEM_ARGUMENT);
  v.status = status;
  return v;
}

static struct ehlo_verdict nothing_wrong(void) {
  return (struct ehlo_verdict){.outcome = EHLO_OUTCOME_OPEN};
}

static struct ehlo_verdict check_params(struct ehlo_span params, bool at_mail,
                                        const struct ehlo_capabilities *caps) {
  struct ehlo_params unused;
  enum ehlo_status status = ehlo_params_check(&unused, params, at_mail, caps);
  if (status == EHLO_E_UNSUPPORTED) {
    return missing(ehlo_params_missing(params, caps));
  }
  enum ehlo_stage stage = at_mail ? EHLO_STAGE_MAIL : EHLO_STAGE_RCPT;
  return status != EHLO_OK ? unsendable(stage, status) : nothing_wrong();
}

static struct ehlo_verdict check_sender(const struct ehlo_message *m,
                                        const struct ehlo_capabilities *caps) {
  enum ehlo_status status = ehlo_argument_path(m->from, true, true);
  return status != EHLO_OK ? unsendable(EHLO_STAGE_MAIL, status)
                           : check_params(m->params, true, caps);
}

static struct ehlo_verdict check_recipients(const struct ehlo_message *m,
                                            const struct ehlo_capabilities *caps) {
  for (size_t i = 0; i < m->num_to; i++) {
    enum ehlo_status status = ehlo_argument_path(m->to[i].address, false, true);
    struct ehlo_verdict v = status != EHLO_OK ? unsendable(EHLO_STAGE_RCPT, status)
                                              : check_params(m->to[i].params, false, caps);
    if (v.outcome != EHLO_OUTCOME_OPEN) {
      return v;
    }
  }
  return nothing_wrong();
}

// RFC 1870 §5, RFC 6152 §3, RFC 6531 §3.2 and the like: what the server said it will not take is not
// begun.
static struct ehlo_verdict check_message(const struct ehlo_submit *s,
                                         const struct ehlo_capabilities *caps,
                                         const struct ehlo_message *m) {
  bool force = s->config.force;
  if (ehlo_submit_needs_smtputf8(m) && !caps->smtputf8) {
    return missing("SMTPUTF8");
  }
  if (m->is_binary && !(caps->binary_mime && caps->chunking)) {
    return missing(caps->chunking ? "BINARYMIME" : "CHUNKING");
  }
  if (s->config.transfer == EHLO_TRANSFER_BDAT && !caps->chunking) {
    return missing("CHUNKING");
  }
  // RFC 3030 §3: never after DATA, and a chunk has to tell its size.
  if (m->is_binary && ehlo_submit_goes_beyond(s, EHLO_STAGE_RCPT) &&
      !ehlo_submit_uses_bdat(s, caps, m)) {
    return unsendable(EHLO_STAGE_MAIL, EHLO_E_ARGUMENT);
  }
  if (!force && caps->max_size > 0 && m->size > caps->max_size) {
    return problem(EHLO_OUTCOME_REFUSED, EHLO_STAGE_MAIL, EHLO_PROBLEM_TOO_BIG);
  }
  if (!force && m->is_8bit && !m->is_binary && !caps->eight_bit_mime) {
    return problem(EHLO_OUTCOME_USAGE, EHLO_STAGE_MAIL, EHLO_PROBLEM_8BIT);
  }
  return nothing_wrong();
}

struct ehlo_verdict ehlo_submit_check(const struct ehlo_submit *s, const struct ehlo_client *c,
                                      const struct ehlo_message *m) {
  const struct ehlo_capabilities *caps = ehlo_client_capabilities(c);
  if (m->num_to == 0 && ehlo_submit_goes_beyond(s, EHLO_STAGE_MAIL)) {
    return unsendable(EHLO_STAGE_RCPT, EHLO_E_ARGUMENT);  // a message for nobody
  }
  struct ehlo_verdict v = check_sender(m, caps);
  if (v.outcome == EHLO_OUTCOME_OPEN) {
    v = check_recipients(m, caps);
  }
  return v.outcome == EHLO_OUTCOME_OPEN ? check_message(s, caps, m) : v;
}
