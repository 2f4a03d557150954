// The known parameters in one table, each with its ABNF above the function that reads it.
#include "engine/parameter.h"

#include <string.h>

#include "engine/xtext.h"

#define ENVID_MAX 100  // RFC 3461 §4.4
#define ORCPT_MAX 500  // RFC 3461 §4.2

static uint8_t upper(uint8_t c) {
  return c >= 'a' && c <= 'z' ? (uint8_t)(c - 'a' + 'A') : c;
}

static bool is_digit(uint8_t c) {
  return c >= '0' && c <= '9';
}

static bool is_graphic(uint8_t c) {
  return c > ' ' && c < 0x7f;
}

static bool word_is(struct ehlo_span word, const char *name) {
  if (word.len != strlen(name)) {
    return false;
  }
  for (size_t i = 0; i < word.len; i++) {
    if (upper(word.bytes[i]) != (uint8_t)name[i]) {
      return false;
    }
  }
  return true;
}

static bool is_among(struct ehlo_span word, const char *const *names) {
  while (*names != NULL && !word_is(word, *names)) {
    names++;
  }
  return *names != NULL;
}

// Takes what is before the first `end` off `text`, and that octet with it; all if there is none.
static struct ehlo_span take_until(struct ehlo_span *text, uint8_t end) {
  const uint8_t *at = text->len > 0 ? memchr(text->bytes, end, text->len) : NULL;
  size_t len = at != NULL ? (size_t)(at - text->bytes) : text->len;
  size_t skip = at != NULL ? len + 1 : len;
  struct ehlo_span taken = {text->bytes, len};
  *text = (struct ehlo_span){text->bytes + skip, text->len - skip};
  return taken;
}

// `min` to `max` digits and nothing else.
static bool is_number(struct ehlo_span text, size_t min, size_t max) {
  for (size_t i = 0; i < text.len; i++) {
    if (!is_digit(text.bytes[i])) {
      return false;
    }
  }
  return text.len >= min && text.len <= max;
}

// The number, when it has at most nine digits.
static uint32_t number_of(struct ehlo_span digits) {
  uint32_t number = 0;
  for (size_t i = 0; i < digits.len && i < 9; i++) {
    number = number * 10 + (uint32_t)(digits.bytes[i] - '0');
  }
  return number;
}

// ---- Forms --------------------------------------------------------------------------------------

// RFC 1870 §5: size-value ::= 1*20DIGIT
static bool size_form(struct ehlo_span value) {
  return is_number(value, 1, 20);
}

// RFC 6152 §2, RFC 3030 §3: body-value ::= "7BIT" / "8BITMIME" / "BINARYMIME"
static const char *const body_values[] = {"7BIT", "8BITMIME", "BINARYMIME", NULL};

static bool body_form(struct ehlo_span value) {
  return is_among(value, body_values);
}

static bool xtext_form(struct ehlo_span value) {
  return value.len > 0 && ehlo_xtext_is_printable(value);
}

// RFC 3461 §4.3: ret-value = "FULL" / "HDRS"
static const char *const ret_values[] = {"FULL", "HDRS", NULL};

static bool ret_form(struct ehlo_span value) {
  return is_among(value, ret_values);
}

// RFC 3461 §4.1: notify-esmtp-value = "NEVER" / 1#notify-list-element
//   notify-list-element = "SUCCESS" / "FAILURE" / "DELAY"
static const char *const notify_values[] = {"SUCCESS", "FAILURE", "DELAY", NULL};

static bool notify_form(struct ehlo_span value) {
  if (word_is(value, "NEVER")) {
    return true;
  }
  bool comma = true;
  while (comma) {
    comma = value.len > 0 && memchr(value.bytes, ',', value.len) != NULL;
    struct ehlo_span word = take_until(&value, ',');
    if (!is_among(word, notify_values)) {
      return false;
    }
  }
  return true;
}

// RFC 3461 §4.2: original-recipient-address = addr-type ";" xtext ; addr-type = atom
// RFC 6533 §3: with type utf-8 also "\x{" hexadecimal digits "}", whose octets are xchars as well.
static bool orcpt_form(struct ehlo_span value) {
  struct ehlo_span type = take_until(&value, ';');
  for (size_t i = 0; i < type.len; i++) {
    if (memchr("()<>@,;:\\\".[]+=", type.bytes[i], 16) != NULL) {
      return false;
    }
  }
  return type.len > 0 && xtext_form(value);
}

// RFC 4865 §4: future-release-integer = 1*9DIGIT, from 1
static bool holdfor_form(struct ehlo_span value) {
  return is_number(value, 1, 9) && number_of(value) > 0;
}

// RFC 3339 §5.6: date-time = full-date "T" partial-time time-offset, every field two digits (the year
// four). "9" stands for a digit here.
static bool date_form(struct ehlo_span value) {
  static const char form[] = "9999-99-99T99:99:99";
  size_t i = sizeof(form) - 1;
  if (value.len <= i) {
    return false;
  }
  for (size_t k = 0; k < i; k++) {
    uint8_t c = upper(value.bytes[k]);
    if (form[k] == '9' ? !is_digit(c) : c != (uint8_t)form[k]) {
      return false;
    }
  }
  if (value.bytes[i] == '.') {
    size_t start = ++i;
    while (i < value.len && is_digit(value.bytes[i])) {
      i++;
    }
    if (i == start || i == value.len) {
      return false;
    }
  }
  struct ehlo_span zone = {value.bytes + i, value.len - i};
  if (zone.len == 6 && (zone.bytes[0] == '+' || zone.bytes[0] == '-') && zone.bytes[3] == ':') {
    return is_number((struct ehlo_span){zone.bytes + 1, 2}, 2, 2) &&
           is_number((struct ehlo_span){zone.bytes + 4, 2}, 2, 2);
  }
  return word_is(zone, "Z");
}

// RFC 2852 §4: by-value = by-time ";" by-mode [by-trace] ; by-time = ["-" / "+"] 1*9DIGIT
//   by-mode = "N" / "R" ; by-trace = "T"
// Takes it apart; `*out_return` tells of mode R, which wants a time above zero.
static bool read_by(struct ehlo_span value, uint32_t *out_s, bool *out_return) {
  struct ehlo_span time = take_until(&value, ';');
  bool negative = time.len > 0 && time.bytes[0] == '-';
  if (negative || (time.len > 0 && time.bytes[0] == '+')) {
    time = (struct ehlo_span){time.bytes + 1, time.len - 1};
  }
  *out_return = word_is(value, "R") || word_is(value, "RT");
  *out_s = negative ? 0 : number_of(time);
  return is_number(time, 1, 9) && (*out_return || word_is(value, "N") || word_is(value, "NT"));
}

static bool by_form(struct ehlo_span value) {
  uint32_t seconds;
  bool returns;
  return read_by(value, &seconds, &returns) && !(returns && seconds == 0);
}

// RFC 6710 §9: priority-value = (["-"] NZDIGIT) / "0"
static bool priority_form(struct ehlo_span value) {
  if (value.len == 2 && value.bytes[0] == '-') {
    value = (struct ehlo_span){value.bytes + 1, 1};
    return is_digit(value.bytes[0]) && value.bytes[0] != '0';
  }
  return is_number(value, 1, 1);
}

// ---- What each needs ----------------------------------------------------------------------------

static const char *needs_size(struct ehlo_span value, const struct ehlo_capabilities *caps) {
  (void)value;
  return caps->size ? NULL : "SIZE";
}

// RFC 3030 §3: BINARYMIME is for servers that also have CHUNKING.
static const char *needs_body(struct ehlo_span value, const struct ehlo_capabilities *caps) {
  if (!word_is(value, "BINARYMIME")) {
    return caps->eight_bit_mime ? NULL : "8BITMIME";
  }
  if (!caps->binary_mime) {
    return "BINARYMIME";
  }
  return caps->chunking ? NULL : "CHUNKING";
}

static const char *needs_smtputf8(struct ehlo_span value, const struct ehlo_capabilities *caps) {
  (void)value;
  return caps->smtputf8 ? NULL : "SMTPUTF8";
}

static const char *needs_auth(struct ehlo_span value, const struct ehlo_capabilities *caps) {
  (void)value;
  return caps->auth ? NULL : "AUTH";
}

static const char *needs_dsn(struct ehlo_span value, const struct ehlo_capabilities *caps) {
  (void)value;
  return caps->dsn ? NULL : "DSN";
}

static const char *needs_requiretls(struct ehlo_span value, const struct ehlo_capabilities *caps) {
  (void)value;
  return caps->requiretls ? NULL : "REQUIRETLS";
}

// RFC 4865 §4: not longer than the interval that the server tells.
static const char *needs_holdfor(struct ehlo_span value, const struct ehlo_capabilities *caps) {
  bool beyond = caps->max_hold_s > 0 && number_of(value) > caps->max_hold_s;
  return caps->future_release && !beyond ? NULL : "FUTURERELEASE";
}

static const char *needs_holduntil(struct ehlo_span value, const struct ehlo_capabilities *caps) {
  (void)value;
  return caps->future_release ? NULL : "FUTURERELEASE";
}

// RFC 2852 §4.1: with mode R not shorter than the time that the server tells.
static const char *needs_by(struct ehlo_span value, const struct ehlo_capabilities *caps) {
  uint32_t seconds;
  bool returns;
  bool beyond = read_by(value, &seconds, &returns) && returns && seconds < caps->min_by_s;
  return caps->deliver_by && !beyond ? NULL : "DELIVERBY";
}

static const char *needs_priority(struct ehlo_span value, const struct ehlo_capabilities *caps) {
  (void)value;
  return caps->mt_priority ? NULL : "MT-PRIORITY";
}

// ---- The table ----------------------------------------------------------------------------------

struct rule {
  const char *keyword;
  bool at_mail;
  bool (*form)(struct ehlo_span value);  // NULL: it has no value
  const char *(*needs)(struct ehlo_span value, const struct ehlo_capabilities *caps);
  size_t max_len;             // of the value, 0 for none
  const char *const *values;  // the words that it may be, where that is all
};

enum { RULE_BODY = 1, RULE_SMTPUTF8 = 2, RULE_HOLDFOR = 7, RULE_HOLDUNTIL = 8, NUM_RULES = 13 };

static const struct rule rules[NUM_RULES] = {
    {"SIZE", true, size_form, needs_size, 0, NULL},
    {"BODY", true, body_form, needs_body, 0, body_values},
    {"SMTPUTF8", true, NULL, needs_smtputf8, 0, NULL},
    {"AUTH", true, xtext_form, needs_auth, 0, NULL},
    {"RET", true, ret_form, needs_dsn, 0, ret_values},
    {"ENVID", true, xtext_form, needs_dsn, ENVID_MAX, NULL},
    {"REQUIRETLS", true, NULL, needs_requiretls, 0, NULL},
    {"HOLDFOR", true, holdfor_form, needs_holdfor, 0, NULL},
    {"HOLDUNTIL", true, date_form, needs_holduntil, 0, NULL},
    {"BY", true, by_form, needs_by, 0, NULL},
    {"MT-PRIORITY", true, priority_form, needs_priority, 0, NULL},
    {"NOTIFY", false, notify_form, needs_dsn, 0, notify_values},
    {"ORCPT", false, orcpt_form, needs_dsn, ORCPT_MAX, NULL},
};

const char *ehlo_params_word(size_t i) {
  for (size_t k = 0; k < NUM_RULES; k++) {
    const char *const *values = rules[k].values;
    if (i-- == 0) {
      return rules[k].keyword;
    }
    for (; values != NULL && *values != NULL; values++) {
      if (i-- == 0) {
        return *values;
      }
    }
  }
  return NULL;
}

// One parameter, taken apart.
struct param {
  const struct rule *rule;  // NULL: an unknown one
  bool has_value;
  struct ehlo_span value;
};

static struct param read_param(struct ehlo_span word) {
  struct param p = {NULL, memchr(word.bytes, '=', word.len) != NULL, word};
  struct ehlo_span keyword = take_until(&p.value, '=');
  for (size_t i = 0; i < NUM_RULES; i++) {
    if (word_is(keyword, rules[i].keyword)) {
      p.rule = &rules[i];
    }
  }
  return p;
}

const char *ehlo_params_missing(struct ehlo_span params, const struct ehlo_capabilities *caps) {
  while (params.len > 0) {
    struct ehlo_span word = take_until(&params, ' ');
    struct param p = word.len > 0 ? read_param(word) : (struct param){0};
    const char *missing = p.rule != NULL ? p.rule->needs(p.value, caps) : NULL;
    if (missing != NULL) {
      return missing;
    }
  }
  return NULL;
}

// Place, form and length of a known parameter. `*seen` has a bit for each that came before.
static enum ehlo_status judge_known(const struct param *p, bool at_mail, uint32_t *seen) {
  uint32_t bit = (uint32_t)1 << (p->rule - rules);
  const uint32_t holds = (uint32_t)1 << RULE_HOLDFOR | (uint32_t)1 << RULE_HOLDUNTIL;
  bool twice = (*seen & bit) != 0 || ((bit & holds) != 0 && (*seen & holds) != 0);
  *seen |= bit;
  bool form = p->rule->form != NULL ? p->has_value && p->rule->form(p->value) : !p->has_value;
  if (p->rule->at_mail != at_mail || twice || !form) {
    return EHLO_E_ARGUMENT;
  }
  bool too_long = p->rule->max_len > 0 && p->value.len > p->rule->max_len;
  return too_long ? EHLO_E_TOO_LONG : EHLO_OK;
}

//   esmtp-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")
//   esmtp-value   = 1*(%d33-60 / %d62-126)
// Of unknown ones the caller may want forms of his own; they keep to graphic characters.
static bool word_form(struct ehlo_span word) {
  for (size_t i = 0; i < word.len; i++) {
    if (!is_graphic(word.bytes[i])) {
      return false;
    }
  }
  return word.len > 0 && word.bytes[0] != '=';
}

// RFC 5321 §4.1.2: Mail-parameters = esmtp-param *(SP esmtp-param)
//   esmtp-param = esmtp-keyword ["=" esmtp-value]
enum ehlo_status ehlo_params_check(struct ehlo_params *out, struct ehlo_span params, bool at_mail,
                                   const struct ehlo_capabilities *caps) {
  struct ehlo_span rest = params;
  enum ehlo_status status = EHLO_OK;
  uint32_t seen = 0;
  memset(out, 0, sizeof(*out));
  if (params.len > EHLO_PARAMS_MAX) {
    return EHLO_E_TOO_LONG;
  }
  if (params.len > 0 && params.bytes[params.len - 1] == ' ') {
    return EHLO_E_ARGUMENT;
  }
  while (rest.len > 0) {
    struct ehlo_span word = take_until(&rest, ' ');
    if (!word_form(word)) {
      return EHLO_E_ARGUMENT;
    }
    struct param p = read_param(word);
    enum ehlo_status known = p.rule != NULL ? judge_known(&p, at_mail, &seen) : EHLO_OK;
    if (known == EHLO_E_ARGUMENT) {
      return known;
    }
    status = known != EHLO_OK ? known : status;
    out->binary_mime |= p.rule == &rules[RULE_BODY] && word_is(p.value, "BINARYMIME");
  }
  out->utf8 = (seen >> RULE_SMTPUTF8 & 1) != 0;
  if (status == EHLO_OK && ehlo_params_missing(params, caps) != NULL) {
    status = EHLO_E_UNSUPPORTED;
  }
  return status;
}
