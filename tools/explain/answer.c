// Looks in the catalogue. What decides is the sentence, with code, stage and provider; the longest
// match wins. The enhanced status code alone decides nothing: servers use one of them for many
// things. A failure is known by its kind where its words are not known.
#include "tools/explain/explain.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "tools/explain/catalogue.h"
#include "tools/explain/sentence.h"

#define SHORT_MATCH 12  // characters: a match that is shorter has to be all of the sentence
#define LONG_MATCH 24   // one that is as long is the same whatever its code is, within the class
#define OWN_WORDS \
  70  // what a provider means weighs as much as some characters more of the software's

// ---- Who speaks -------------------------------------------------------------------------------------

static bool ends_with(const char *host, size_t len, const char *end) {
  size_t n = strlen(end);
  return (len >= n && strncasecmp(host + len - n, end, n) == 0) ||
         (len == n - 1 && strncasecmp(host, end + 1, len) == 0);
}

static size_t find_host(const char *host, size_t len) {
  for (size_t i = 0; i < explain_num_providers; i++) {
    for (size_t k = 0; explain_providers[i].hosts[k] != NULL; k++) {
      if (ends_with(host, len, explain_providers[i].hosts[k])) {
        return i;
      }
    }
  }
  return EXPLAIN_ANY_PROVIDER;
}

static size_t find_mark(const struct explain_sentence *s) {
  for (size_t i = 0; i < explain_num_providers; i++) {
    for (size_t k = 0; explain_providers[i].marks[k] != NULL; k++) {
      if (explain_sentence_has(s, explain_providers[i].marks[k])) {
        return i;
      }
    }
  }
  return EXPLAIN_ANY_PROVIDER;
}

static size_t find_name(const char *name) {
  for (size_t i = 0; i < explain_num_providers; i++) {
    if (strcasecmp(explain_providers[i].name, name) == 0) {
      return i;
    }
  }
  return EXPLAIN_ANY_PROVIDER;
}

// The greeting begins with the server's name.
static size_t find_greeting(struct ehlo_span greeting) {
  struct explain_question q = {.code = 220, .words = greeting};
  struct explain_sentence s;
  explain_sentence_make(&s, &q);
  size_t found = find_host(s.text, strcspn(s.text, " "));
  return found != EXPLAIN_ANY_PROVIDER ? found : find_mark(&s);
}

static size_t find_provider(const struct explain_question *q, const struct explain_sentence *s) {
  size_t found = EXPLAIN_ANY_PROVIDER;
  if (q->provider != NULL) {
    return find_name(q->provider);
  }
  if (q->host != NULL) {
    found = find_host(q->host, strlen(q->host));
  }
  if (found == EXPLAIN_ANY_PROVIDER && q->greeting.len > 0) {
    found = find_greeting(q->greeting);
  }
  return found != EXPLAIN_ANY_PROVIDER ? found : find_mark(s);
}

// ---- What fits --------------------------------------------------------------------------------------

static bool provider_fits(const struct explain_entry *e, size_t provider) {
  if (e->provider == EXPLAIN_ANY_PROVIDER || e->provider == provider) {
    return true;
  }
  if (provider == EXPLAIN_ANY_PROVIDER) {
    return !e->shared;
  }
  if ((explain_providers[provider].runs >> e->provider & 1) != 0) {
    return true;
  }
  // Behind software that told its name, or a provider, there may be other software's words, since
  // servers pass on what those behind them say; never another service's.
  return explain_providers[e->provider].is_software && !e->shared;
}

enum code_fit { CODE_DIFFERS, CODE_OF_CLASS, CODE_FITS };

// Servers may be told to use another code for a refusal.
static enum code_fit fit_code(const struct explain_entry *e, const struct explain_question *q) {
  enum code_fit fit = CODE_DIFFERS;
  if (e->num_codes == 0) {
    // A server that says so speaks of what happened behind it.
    return q->code == 0 ? CODE_FITS : CODE_DIFFERS;
  }
  if (q->code == 0) {
    return explain_failure_is_any(&q->failure) ? CODE_DIFFERS : CODE_FITS;
  }
  for (size_t i = 0; i < e->num_codes && fit != CODE_FITS; i++) {
    fit = e->codes[i] == q->code               ? CODE_FITS
          : e->codes[i] / 100 == q->code / 100 ? CODE_OF_CLASS
                                               : fit;
  }
  return fit;
}

static bool enhanced_fits(const struct explain_entry *e, const struct explain_question *q) {
  if (e->enhanced_rule < EXPLAIN_ENHANCED_SAME) {
    return true;
  }
  if (q->enhanced.class_code == 0) {
    return e->enhanced_rule == EXPLAIN_ENHANCED_SAME;
  }
  return q->enhanced.subject == e->subject && q->enhanced.detail == e->detail;
}

static bool stage_fits(const struct explain_entry *e, const struct explain_question *q) {
  return !q->stage_known || (e->stages >> q->stage & 1) != 0;
}

// The length of the longest match that is in the sentence; 0: none is.
static size_t match_len(const struct explain_entry *e, size_t provider,
                        const struct explain_sentence *s) {
  size_t longest = 0;
  for (size_t i = 0; e->matches[i] != NULL; i++) {
    size_t len = strlen(e->matches[i]);
    bool whole = len < SHORT_MATCH && provider == EXPLAIN_ANY_PROVIDER && e->num_codes > 0;
    if (len > longest &&
        (whole ? explain_sentence_is(s, e->matches[i]) : explain_sentence_has(s, e->matches[i]))) {
      longest = len;
    }
  }
  return longest;
}

static size_t score_words(const struct explain_entry *e, const struct explain_question *q,
                          size_t provider, const struct explain_sentence *s) {
  enum code_fit fit = fit_code(e, q);
  size_t len = fit != CODE_DIFFERS && enhanced_fits(e, q) ? match_len(e, provider, s) : 0;
  bool unlike = e->enhanced_rule == EXPLAIN_ENHANCED_NONE && q->enhanced.class_code != 0 &&
                e->provider != provider;
  if (len == 0 || ((fit == CODE_OF_CLASS || unlike) && len < LONG_MATCH)) {
    return 0;
  }
  return len * 4 + (e->provider == provider ? OWN_WORDS : 0) + (fit == CODE_FITS ? 2 : 0) +
         (e->enhanced_rule >= EXPLAIN_ENHANCED_SAME && q->enhanced.class_code != 0);
}

// Less than any words: a problem says more than a status, and an entry for one stage more than one
// for all, unless the stage is not known.
static size_t score_causes(const struct explain_entry *e, const struct explain_question *q) {
  size_t best = 0;
  bool of_one = (e->stages & (e->stages - 1)) == 0;
  bool of_all = e->stages == UINT32_MAX;
  size_t narrow = of_all == q->stage_known ? 0 : of_one ? 2 : 1;
  for (size_t i = 0; i < e->num_causes; i++) {
    size_t points = 3 * (1 + (size_t)e->causes[i].kind) + narrow;
    if (points > best && explain_failure_has(&q->failure, e->causes[i])) {
      best = points;
    }
  }
  return best;
}

// How well an entry fits; 0: not at all. The words count first, then whose they are.
static size_t score(const struct explain_entry *e, const struct explain_question *q,
                    size_t provider, const struct explain_sentence *s) {
  if (!provider_fits(e, provider) || !stage_fits(e, q)) {
    return 0;
  }
  size_t by_words = score_words(e, q, provider, s);
  return by_words > 0 ? by_words : score_causes(e, q);
}

// The entry that fits best; NULL where none does, or where providers say the same and mean
// different things.
static const struct explain_entry *find_entry(const struct explain_question *q, size_t provider,
                                              const struct explain_sentence *s) {
  const struct explain_entry *best = NULL;
  size_t best_score = 0;
  bool tie = false;
  for (size_t i = 0; i < explain_num_entries; i++) {
    const struct explain_entry *e = &explain_entries[i];
    size_t points = score(e, q, provider, s);
    if (points > best_score) {
      best = e;
      best_score = points;
      tie = false;
    } else if (points > 0 && points == best_score && e->provider != best->provider) {
      tie = true;
    }
  }
  return tie ? NULL : best;
}

// ---- The answer -------------------------------------------------------------------------------------

static void take_entry(struct explanation *out, const struct explain_entry *e) {
  *out = (struct explanation){
      .num_fix = e->num_fix, .who = e->who, .retry = e->retry, .id = e->id, .as_of = e->as_of};
  snprintf(out->meaning, sizeof(out->meaning), "%s", e->meaning);
  snprintf(out->source, sizeof(out->source), "%s", e->source);
  memcpy(out->fix, e->fix, sizeof(out->fix));
}

static bool general(struct explanation *out, const struct explain_question *q) {
  return q->stage_known ? explain_reply(out, q->stage, q->code, q->enhanced)
                        : explain_reply_anywhere(out, q->code, q->enhanced);
}

// Where there is no code, the words may be one of our own sentences on a failure.
static void read_failure(struct explain_question *q, uint8_t line[EXPLAIN_FAILURE_LINE_MAX],
                         const struct explain_sentence *s) {
  bool stage_known;
  enum ehlo_stage stage;
  if (q->code == 0 && !explain_failure_is_any(&q->failure) &&
      explain_failure_read(&q->failure, line, &stage_known, &stage, s->text) && stage_known &&
      !q->stage_known) {
    q->stage_known = true;
    q->stage = stage;
  }
}

// What may tell more of a failure than its kind: why it was; for STARTTLS that is not offered, a
// greeting that was rewritten. How a connection ended says nothing of a message that is in doubt.
static const struct explain_sentence *words_of(const struct explain_question *q,
                                               struct explain_sentence *greeting,
                                               const struct explain_sentence *s) {
  struct explain_question of_greeting = {0};
  if (q->failure.problem == EHLO_PROBLEM_NO_STARTTLS && q->greeting.len > 0) {
    of_greeting.words = q->greeting;
  } else if (q->failure.outcome != EHLO_OUTCOME_UNKNOWN) {
    return s;
  }
  explain_sentence_make(greeting, &of_greeting);
  return greeting;
}

static const struct explain_entry *find(const struct explain_question *asked, size_t provider,
                                        const struct explain_sentence *s) {
  struct explain_sentence other;
  uint8_t line[EXPLAIN_FAILURE_LINE_MAX];
  struct explain_question q = *asked;
  read_failure(&q, line, s);
  explain_failure_complete(&q.failure, q.stage_known, q.stage);
  return find_entry(&q, provider, words_of(&q, &other, s));
}

bool explain_answer(struct explanation *out, const struct explain_question *q) {
  struct explain_sentence s;
  explain_sentence_make(&s, q);
  explain_sentence_decode(&s);
  size_t provider = find_provider(q, &s);
  const struct explain_entry *e = find(q, provider, &s);
  if (e != NULL) {
    take_entry(out, e);
    provider = e->provider != EXPLAIN_ANY_PROVIDER && provider == EXPLAIN_ANY_PROVIDER ? e->provider
                                                                                       : provider;
  } else if (!general(out, q)) {
    return false;
  }
  out->provider = provider != EXPLAIN_ANY_PROVIDER ? explain_providers[provider].title : NULL;
  explain_trace(out->trace, &s);
  return true;
}

struct explain_question explain_ask(const char *host, struct ehlo_span greeting,
                                    enum ehlo_stage stage, const struct ehlo_reply *reply) {
  return (struct explain_question){
      .host = host != NULL && host[0] != '\0' ? host : NULL,
      .greeting = greeting,
      .stage_known = true,
      .stage = stage,
      .code = reply->code,
      .enhanced = reply->enhanced,
      .words = reply->text,
  };
}
