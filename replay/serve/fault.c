// See fault.h. One pass over the text, which remembers where it is; one pass over the faults.
#include "replay/serve/fault.h"

#include <string.h>

#include "replay/escape.h"

static const char *const stage_names[EHLO_NUM_FAULT_STAGES] = {
    [EHLO_FAULT_AT_GREETING] = "greeting", [EHLO_FAULT_AT_EHLO] = "ehlo",
    [EHLO_FAULT_AT_STARTTLS] = "starttls", [EHLO_FAULT_AT_TLS] = "tls",
    [EHLO_FAULT_AT_AUTH] = "auth",         [EHLO_FAULT_AT_MAIL] = "mail",
    [EHLO_FAULT_AT_RCPT] = "rcpt",         [EHLO_FAULT_AT_DATA] = "data",
    [EHLO_FAULT_AT_BDAT] = "bdat",         [EHLO_FAULT_AT_BODY] = "body",
    [EHLO_FAULT_AT_RSET] = "rset",         [EHLO_FAULT_AT_NOOP] = "noop",
    [EHLO_FAULT_AT_QUIT] = "quit",         [EHLO_FAULT_AT_OTHER] = "other",
    [EHLO_FAULT_AT_SESSION] = "session",
};

static const char *const kind_names[] = {
    [EHLO_FAULT_REPLY] = "reply",   [EHLO_FAULT_RAW] = "raw",     [EHLO_FAULT_LIMIT] = "limit",
    [EHLO_FAULT_HANG] = "hang",     [EHLO_FAULT_DELAY] = "delay", [EHLO_FAULT_DRIP] = "drip",
    [EHLO_FAULT_INJECT] = "inject", [EHLO_FAULT_CLOSE] = "close", [EHLO_FAULT_CUT] = "cut",
    [EHLO_FAULT_RESET] = "reset",
};
#define NUM_KINDS (sizeof(kind_names) / sizeof(kind_names[0]))

const char *ehlo_fault_stage_name(enum ehlo_fault_stage stage) {
  return stage_names[stage];
}

const char *ehlo_fault_kind_name(enum ehlo_fault_kind kind) {
  return kind_names[kind];
}

enum ehlo_fault_stage ehlo_fault_stage_of(enum ehlo_meaning meaning) {
  static const enum ehlo_fault_stage stages[EHLO_NUM_MEANINGS] = {
      [EHLO_MEANS_GREETING] = EHLO_FAULT_AT_GREETING, [EHLO_MEANS_EHLO] = EHLO_FAULT_AT_EHLO,
      [EHLO_MEANS_HELO] = EHLO_FAULT_AT_EHLO,         [EHLO_MEANS_LHLO] = EHLO_FAULT_AT_EHLO,
      [EHLO_MEANS_STARTTLS] = EHLO_FAULT_AT_STARTTLS, [EHLO_MEANS_AUTH] = EHLO_FAULT_AT_AUTH,
      [EHLO_MEANS_RESPONSE] = EHLO_FAULT_AT_AUTH,     [EHLO_MEANS_MAIL] = EHLO_FAULT_AT_MAIL,
      [EHLO_MEANS_RCPT] = EHLO_FAULT_AT_RCPT,         [EHLO_MEANS_DATA] = EHLO_FAULT_AT_DATA,
      [EHLO_MEANS_CHUNK] = EHLO_FAULT_AT_BDAT,        [EHLO_MEANS_MESSAGE] = EHLO_FAULT_AT_BODY,
      [EHLO_MEANS_RSET] = EHLO_FAULT_AT_RSET,         [EHLO_MEANS_NOOP] = EHLO_FAULT_AT_NOOP,
      [EHLO_MEANS_QUIT] = EHLO_FAULT_AT_QUIT,         [EHLO_MEANS_VRFY] = EHLO_FAULT_AT_OTHER,
      [EHLO_MEANS_EXPN] = EHLO_FAULT_AT_OTHER,        [EHLO_MEANS_HELP] = EHLO_FAULT_AT_OTHER,
      [EHLO_MEANS_XCLIENT] = EHLO_FAULT_AT_OTHER,     [EHLO_MEANS_OTHER] = EHLO_FAULT_AT_OTHER,
  };
  return stages[meaning];
}

// ---- The text ----------------------------------------------------------------------------------

struct text {
  const char *start;
  const char *at;
  const char *end;  // without "*N"
};

static bool take(struct text *t, char c) {
  if (t->at < t->end && *t->at == c) {
    t->at++;
    return true;
  }
  return false;
}

static size_t take_word(struct text *t, const char *const *words, size_t num) {
  size_t len = 0;
  while (t->at + len < t->end && t->at[len] >= 'a' && t->at[len] <= 'z') {
    len++;
  }
  for (size_t i = 0; i < num; i++) {
    if (strlen(words[i]) == len && strncmp(t->at, words[i], len) == 0) {
      t->at += len;
      return i;
    }
  }
  return num;
}

// A number from 1, or from 0; false if there is none or it is too great.
static bool take_number(struct text *t, size_t *out, size_t least) {
  const char *start = t->at;
  *out = 0;
  while (t->at < t->end && *t->at >= '0' && *t->at <= '9' && t->at - start < 10) {
    *out = *out * 10 + (size_t)(*t->at++ - '0');
  }
  bool good = t->at > start && *out >= least && *out <= 1000000000;
  t->at = good ? t->at : start;
  return good;
}

// Seconds with up to six decimals, at most EHLO_FAULT_SECONDS_MAX.
static bool take_seconds(struct text *t, uint64_t *out_us) {
  const char *start = t->at;
  size_t whole;
  uint64_t part = 0;
  if (!take_number(t, &whole, 0) || whole > EHLO_FAULT_SECONDS_MAX) {
    t->at = start;
    return false;
  }
  if (take(t, '.')) {
    for (uint64_t unit = 100000; t->at < t->end && *t->at >= '0' && *t->at <= '9'; unit /= 10) {
      part += (uint64_t)(*t->at++ - '0') * unit;
    }
  }
  *out_us = (uint64_t)whole * 1000000 + part;
  return true;
}

// The rest, with the escapes of transcripts.
static const char *take_text(struct text *t, struct ehlo_fault *f, bool is_reply) {
  size_t len = (size_t)(t->end - t->at);
  size_t cap = sizeof(f->text) - 2;
  if (!ehlo_text_unescape(f->text, &f->text_len, cap, t->at, len)) {
    return "the escapes are \\\\ \\r \\n \\t and \\xHH, and there is room for 4094 octets";
  }
  if (is_reply) {
    if (ehlo_code_of(f->text, f->text_len) < 200) {
      return "a reply begins with its code, from 200";
    }
    memcpy(f->text + f->text_len, "\r\n", 2);
    f->text_len += 2;
  } else if (f->text_len == 0) {
    return "bytes are missing";
  }
  t->at = t->end;
  return NULL;
}

// "N/S", and a reply behind a blank.
static const char *take_limit(struct text *t, struct ehlo_fault *f) {
  static const char busy[] = "451 4.7.1 Too many for now, try again later\r\n";
  if (!take_number(t, &f->rate, 1) || f->rate > EHLO_FAULT_LIMIT_MAX) {
    return "a number from 1 to 1000 is wanted";
  }
  if (!take(t, '/') || !take_seconds(t, &f->time_us) || f->time_us == 0) {
    return "a limit is N/SECONDS";
  }
  if (take(t, ' ')) {
    return take_text(t, f, true);
  }
  memcpy(f->text, busy, sizeof(busy) - 1);
  f->text_len = sizeof(busy) - 1;
  return NULL;
}

static const char *take_end(struct text *t, struct ehlo_fault *f) {
  static const char *const all = "all";
  if (take_word(t, &all, 1) == 0) {
    f->at = EHLO_FAULT_ALL;
    return NULL;
  }
  return take_number(t, &f->at, 0) ? NULL : "a number of octets is wanted, or all";
}

static const char *take_value(struct text *t, struct ehlo_fault *f) {
  bool has_value = take(t, '=');
  switch (f->kind) {
    case EHLO_FAULT_REPLY:
      return has_value ? take_text(t, f, true) : "a reply is missing: reply=451 4.7.1 later";
    case EHLO_FAULT_RAW:
    case EHLO_FAULT_INJECT:
      return has_value ? take_text(t, f, false) : "bytes are missing: raw=\\x00\\xff";
    case EHLO_FAULT_LIMIT:
      return has_value ? take_limit(t, f) : "a limit is missing: limit=30/60 432 4.3.2 later";
    case EHLO_FAULT_DELAY:
      return has_value && take_seconds(t, &f->time_us) ? NULL : "seconds are missing: delay=1.5";
    case EHLO_FAULT_CLOSE:
    case EHLO_FAULT_CUT:
    case EHLO_FAULT_RESET:
      f->at = 0;
      return has_value ? take_end(t, f) : NULL;
    case EHLO_FAULT_HANG:
    case EHLO_FAULT_DRIP:
      return has_value ? "it takes no value" : NULL;
  }
  return NULL;
}

// "*N" at the end.
static const char *take_most(struct text *t, struct ehlo_fault *f) {
  const char *star = t->end;
  while (star > t->start && star[-1] >= '0' && star[-1] <= '9') {
    star--;
  }
  if (star == t->end || star == t->start || star[-1] != '*') {
    return NULL;
  }
  struct text number = {t->start, star, t->end};
  t->end = star - 1;
  if (!take_number(&number, &f->most, 1)) {
    t->at = star;
    return "a number from 1 is wanted";
  }
  return NULL;
}

// What can happen at the stages that are no answer.
static const char *check_stage(const struct ehlo_fault *f) {
  bool is_end =
      f->kind == EHLO_FAULT_CLOSE || f->kind == EHLO_FAULT_CUT || f->kind == EHLO_FAULT_RESET;
  if (f->stage == EHLO_FAULT_AT_SESSION && !is_end && f->kind != EHLO_FAULT_DRIP) {
    return "a whole session can only close, cut, reset or drip";
  }
  if (f->stage == EHLO_FAULT_AT_TLS && !(f->kind == EHLO_FAULT_RAW || f->kind == EHLO_FAULT_HANG ||
                                         f->kind == EHLO_FAULT_DELAY || (is_end && f->at == 0))) {
    return "a handshake can only have raw, hang, delay, close, cut or reset, without a place";
  }
  if (f->stage == EHLO_FAULT_AT_SESSION && f->occurrence != 0) {
    return "a connection has one session: say which connection, with @";
  }
  return NULL;
}

static const char *take_fault(struct text *t, struct ehlo_fault *f) {
  const char *wrong = take_most(t, f);
  if (wrong != NULL) {
    return wrong;
  }
  f->stage = (enum ehlo_fault_stage)take_word(t, stage_names, EHLO_NUM_FAULT_STAGES);
  if (f->stage == EHLO_NUM_FAULT_STAGES) {
    return "a stage is wanted: greeting, ehlo, starttls, tls, auth, mail, rcpt, data, bdat, body, "
           "rset, noop, quit, other or session";
  }
  if ((take(t, '#') && !take_number(t, &f->occurrence, 1)) ||
      (take(t, '@') && !take_number(t, &f->connection, 1))) {
    return "a number from 1 is wanted";
  }
  if (!take(t, ':')) {
    return "after the stage comes #OCCURRENCE, @CONNECTION or a colon";
  }
  const char *kind_at = t->at;
  size_t kind = take_word(t, kind_names, NUM_KINDS);
  if (kind == NUM_KINDS) {
    return "a kind is wanted: reply, raw, limit, hang, delay, drip, inject, close, cut or reset";
  }
  f->kind = (enum ehlo_fault_kind)kind;
  wrong = take_value(t, f);
  if (wrong == NULL && t->at < t->end) {
    wrong = "nothing more is expected here";
  }
  if (wrong == NULL && (wrong = check_stage(f)) != NULL) {
    t->at = kind_at;
  }
  return wrong;
}

const char *ehlo_fault_read(struct ehlo_fault *out, size_t *out_column, const char *text) {
  struct text t = {text, text, text + strlen(text)};
  memset(out, 0, sizeof(*out));
  const char *wrong = take_fault(&t, out);
  *out_column = (size_t)(t.at - text) + 1;
  return wrong;
}

// ---- What strikes -------------------------------------------------------------------------------

static bool applies(const struct ehlo_fault *f, enum ehlo_fault_stage stage, size_t occurrence,
                    size_t connection) {
  return f->stage == stage && (f->occurrence == 0 || f->occurrence == occurrence) &&
         (f->connection == 0 || f->connection == connection) && (f->most == 0 || f->used < f->most);
}

// Whether one more is too many. What is let through counts; what is refused does not.
static bool exceeds(struct ehlo_fault *f, uint64_t now_us) {
  uint64_t *oldest = &f->taken_us[f->num_taken % f->rate];
  if (f->num_taken >= f->rate && now_us - *oldest < f->time_us) {
    return true;
  }
  *oldest = now_us;
  f->num_taken++;
  return false;
}

static bool join(struct ehlo_strike *s, struct ehlo_fault *f, uint64_t now_us) {
  switch (f->kind) {
    case EHLO_FAULT_LIMIT:
      if (s->reply != NULL || !exceeds(f, now_us)) {
        return false;
      }
      s->reply = f;
      return true;
    case EHLO_FAULT_REPLY:
    case EHLO_FAULT_RAW:
    case EHLO_FAULT_HANG:
      if (s->reply != NULL) {
        return false;
      }
      s->reply = f;
      return true;
    case EHLO_FAULT_INJECT:
      if (s->inject != NULL) {
        return false;
      }
      s->inject = f;
      return true;
    case EHLO_FAULT_DELAY:
      s->delay_us += f->time_us;
      return true;
    case EHLO_FAULT_DRIP:
      s->drip = true;
      return true;
    case EHLO_FAULT_CLOSE:
    case EHLO_FAULT_CUT:
    case EHLO_FAULT_RESET:
      if (s->ending != EHLO_ENDS_NOT) {
        return false;
      }
      s->ending = f->kind == EHLO_FAULT_CLOSE ? EHLO_ENDS_CLOSED
                  : f->kind == EHLO_FAULT_CUT ? EHLO_ENDS_CUT
                                              : EHLO_ENDS_RESET;
      s->at = f->at;
      return true;
  }
  return false;
}

void ehlo_faults_advance(struct ehlo_faults *f, uint64_t time_us) {
  f->clock_us = time_us < UINT64_MAX - f->clock_us ? f->clock_us + time_us : UINT64_MAX;
}

struct ehlo_strike ehlo_faults_strike(struct ehlo_faults *f, enum ehlo_fault_stage stage,
                                      size_t occurrence, size_t connection) {
  struct ehlo_strike strike = {.reply = NULL};
  for (size_t i = 0; i < f->num; i++) {
    struct ehlo_fault *fault = &f->list[i];
    if (applies(fault, stage, occurrence, connection) && join(&strike, fault, f->clock_us)) {
      fault->used++;
      strike.faults |= UINT64_C(1) << i;
    }
  }
  ehlo_faults_advance(f, strike.delay_us);
  return strike;
}
