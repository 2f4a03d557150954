// See submit_model.h. This file has what stands in the way of a message before it begins.
#include <string.h>

#include "fuzz/submit_model.h"

typedef struct ehlo_model_transaction transaction;

// ---- Before a message begins --------------------------------------------------------------------

static bool is_8bit(const struct ehlo_submit_model *m, size_t message) {
  return m->in->server.messages[message].is_8bit;
}

uint64_t ehlo_model_size_of(const struct ehlo_submit_model *m, size_t message) {
  const struct ehlo_server_message *what = &m->in->server.messages[message];
  return what->sized ? ehlo_mail_server_wanted(what, message).len : 0;
}

static bool asks_for(const char *params, const char *what) {
  return strcmp(params, what) == 0;
}

// Whether the session is to go beyond a stage.
bool ehlo_model_goes_beyond(const struct ehlo_submit_model *m, enum ehlo_stage stage) {
  return !m->in->config.stop || m->in->config.stop_after > stage;
}

bool ehlo_model_is_utf8(const struct ehlo_submit_model *m, size_t message) {
  for (size_t k = 0; k <= EHLO_SERVER_RECIPIENTS_MAX; k++) {
    if ((k < m->in->num_to || k == EHLO_SERVER_RECIPIENTS_MAX) &&
        strchr(m->in->addresses[message][k], '\xc3') != NULL) {
      return true;
    }
  }
  return false;
}

static void refuse_usage(struct ehlo_submit_model *m, size_t message, enum ehlo_stage stage,
                         int problem) {
  ehlo_model_decide(m, message, EHLO_OUTCOME_USAGE, (int)stage, problem);
}

// Whether the first of paths and parameters that cannot be sent has a wrong form (a path with "(", a
// NOTIFY that contradicts itself) or needs an extension.
static bool has_wrong_argument(struct ehlo_submit_model *m, size_t message) {
  const struct ehlo_server_message *what = &m->in->server.messages[message];
  bool dsn = ehlo_model_offers(m, EHLO_OFFER_DSN);
  bool requiretls = ehlo_model_offers(m, EHLO_OFFER_REQUIRETLS) && m->secure;
  if (strchr(m->in->addresses[message][EHLO_SERVER_RECIPIENTS_MAX], '(') != NULL) {
    refuse_usage(m, message, EHLO_STAGE_MAIL, EHLO_PROBLEM_ARGUMENT);
  } else if ((asks_for(what->params, "RET=HDRS") && !dsn) ||
             (asks_for(what->params, "REQUIRETLS") && !requiretls)) {
    refuse_usage(m, message, EHLO_STAGE_MAIL, EHLO_PROBLEM_UNSUPPORTED);
  } else if (m->in->num_to > 0 && asks_for(what->rcpt_params, "NOTIFY=DELAY,NEVER")) {
    refuse_usage(m, message, EHLO_STAGE_RCPT, EHLO_PROBLEM_ARGUMENT);
  } else if (m->in->num_to > 0 && asks_for(what->rcpt_params, "NOTIFY=NEVER") && !dsn) {
    refuse_usage(m, message, EHLO_STAGE_MAIL, EHLO_PROBLEM_UNSUPPORTED);
  }
  return ehlo_model_is_decided(m, message);
}

static bool misses_extension(const struct ehlo_submit_model *m, size_t message) {
  const struct ehlo_server_message *what = &m->in->server.messages[message];
  bool chunking = ehlo_model_offers(m, EHLO_OFFER_CHUNKING);
  return (ehlo_model_is_utf8(m, message) && !ehlo_model_offers(m, EHLO_OFFER_SMTPUTF8)) ||
         (what->is_binary && !(ehlo_model_offers(m, EHLO_OFFER_BINARYMIME) && chunking)) ||
         (m->in->config.transfer == EHLO_TRANSFER_BDAT && !chunking);
}

// RFC 3030, section 3: binary never goes after DATA.
static bool is_binary_without_chunk(const struct ehlo_submit_model *m, size_t message) {
  return m->in->server.messages[message].is_binary && ehlo_model_goes_beyond(m, EHLO_STAGE_RCPT) &&
         (ehlo_model_size_of(m, message) == 0 || !ehlo_model_goes_beyond(m, EHLO_STAGE_DATA));
}

// The table of the document, from its top. True: the message may begin.
bool ehlo_model_may_begin(struct ehlo_submit_model *m, size_t message) {
  bool force = m->in->config.force;
  uint64_t most = ehlo_server_offer_size(&m->offer);
  transaction *last = ehlo_model_last(m);
  if (m->in->num_to == 0 && ehlo_model_goes_beyond(m, EHLO_STAGE_MAIL)) {
    refuse_usage(m, message, EHLO_STAGE_RCPT, EHLO_PROBLEM_ARGUMENT);
  } else if (has_wrong_argument(m, message)) {
  } else if (misses_extension(m, message)) {
    refuse_usage(m, message, EHLO_STAGE_MAIL, EHLO_PROBLEM_UNSUPPORTED);
  } else if (is_binary_without_chunk(m, message)) {
    refuse_usage(m, message, EHLO_STAGE_MAIL, EHLO_PROBLEM_ARGUMENT);
  } else if (most > 0 && ehlo_model_size_of(m, message) > most && !force) {
    ehlo_model_decide(m, message, EHLO_OUTCOME_REFUSED, EHLO_STAGE_MAIL, EHLO_PROBLEM_TOO_BIG);
  } else if (is_8bit(m, message) && !ehlo_model_offers(m, EHLO_OFFER_8BITMIME) && !force) {
    refuse_usage(m, message, EHLO_STAGE_MAIL, EHLO_PROBLEM_8BIT);
  } else if (m->offer.max_mails > 0 && m->num_mail >= m->offer.max_mails &&
             (last == NULL || !m->messages[last->message].under_way)) {
    ehlo_model_decide(m, message, EHLO_OUTCOME_DEFERRED, EHLO_STAGE_MAIL, EHLO_PROBLEM_MAIL_MAX);
  } else if (last != NULL && m->num_due == 0 && m->rset_code > 0 &&
             ehlo_model_needs_rset(m, last)) {
    ehlo_model_decide_by_code(m, message, m->rset_code, EHLO_STAGE_MAIL, EHLO_PROBLEM_RSET);
  } else {
    return true;
  }
  return false;
}
