// Parameters of MAIL and RCPT, and attributes of XCLIENT: engine/SPECIFICATION.md, "Parameters".
#include "fuzz/model_parts.h"

#define NEVER_LONG 1500

// ---- Forms --------------------------------------------------------------------------------------

// Takes up to `max` digits off the front, and says how many there were.
static size_t digits(struct ehlo_span *text, size_t max) {
  size_t num = 0;
  while (num < text->len && num < max && ehlo_model_is_digit(text->bytes[num])) {
    num++;
  }
  *text = ehlo_model_from(*text, num);
  return num;
}

static bool take(struct ehlo_span *text, const char *set) {
  bool is = text->len > 0 && ehlo_model_is_one_of(ehlo_model_upper(text->bytes[0]), set);
  *text = ehlo_model_from(*text, is);
  return is;
}

static bool is_one_word(struct ehlo_span text, const char *const *words) {
  for (; *words != NULL; words++) {
    if (ehlo_model_is_word(text, *words)) {
      return true;
    }
  }
  return false;
}

static unsigned hex(uint8_t c) {
  return ehlo_model_is_digit(c) ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10U : 255;
}

// RFC 3461, section 4, not empty, of octets that can be printed.
static bool xtext(struct ehlo_span text) {
  for (size_t i = 0; i < text.len; i++) {
    uint8_t c = text.bytes[i];
    if (c == '+') {
      unsigned high = i + 2 < text.len ? hex(text.bytes[i + 1]) : 255;
      unsigned low = high < 16 ? hex(text.bytes[i + 2]) : 255;
      if (low > 15 || high * 16 + low < 0x20 || high * 16 + low > 0x7e) {
        return false;
      }
      i += 2;
    } else if (c < '!' || c > '~' || c == '=') {
      return false;
    }
  }
  return text.len > 0;
}

static bool size(struct ehlo_span text) {
  return digits(&text, 20) > 0 && text.len == 0;
}

static bool body(struct ehlo_span text) {
  static const char *const words[] = {"7BIT", "8BITMIME", "BINARYMIME", NULL};
  return is_one_word(text, words);
}

static bool ret(struct ehlo_span text) {
  static const char *const words[] = {"FULL", "HDRS", NULL};
  return is_one_word(text, words);
}

static bool hold_for(struct ehlo_span text) {
  uint64_t seconds = 0;
  return text.len <= 9 && ehlo_model_number(&seconds, text, UINT32_MAX) && seconds > 0;
}

// RFC 3339, section 5.6: the letters in any case, and each 9 for one digit.
static bool hold_until(struct ehlo_span text) {
  for (const char *form = "9999-99-99T99:99:99"; *form != '\0'; form++) {
    const char one[] = {*form, '\0'};
    if (!take(&text, *form == '9' ? "0123456789" : one)) {
      return false;
    }
  }
  if (take(&text, ".") && digits(&text, NEVER_LONG) == 0) {
    return false;
  }
  if (take(&text, "Z")) {
    return text.len == 0;
  }
  return take(&text, "+-") && digits(&text, 2) == 2 && take(&text, ":") && digits(&text, 2) == 2 &&
         text.len == 0;
}

// The number of BY without its sign, and whether it has a "-"; false if the form is another.
static bool read_by(struct ehlo_span text, bool *out_returns, bool *out_negative, uint64_t *out) {
  *out_negative = text.len > 0 && text.bytes[0] == '-';
  take(&text, "+-");
  struct ehlo_span number = ehlo_model_take_word(&text, ";");
  *out_returns = take(&text, "R");
  if (!*out_returns && !take(&text, "N")) {
    return false;
  }
  take(&text, "T");
  return text.len == 0 && number.len <= 9 && ehlo_model_number(out, number, UINT32_MAX);
}

static bool by(struct ehlo_span text) {
  bool returns = false;
  bool negative = false;
  uint64_t seconds = 0;
  return read_by(text, &returns, &negative, &seconds) && (!returns || (!negative && seconds > 0));
}

static bool priority(struct ehlo_span text) {
  bool negative = take(&text, "-");
  return text.len == 1 && ehlo_model_is_digit(text.bytes[0]) && !(negative && text.bytes[0] == '0');
}

static bool notify(struct ehlo_span text) {
  static const char *const words[] = {"SUCCESS", "FAILURE", "DELAY", NULL};
  if (ehlo_model_is_word(text, "NEVER")) {
    return true;
  }
  bool more = true;
  while (more) {
    size_t len = ehlo_model_find(text, ",");
    more = len < text.len;
    if (!is_one_word(ehlo_model_take_word(&text, ","), words)) {
      return false;
    }
  }
  return true;
}

// RFC 5322, section 3.2.3: an atom, here without "+" and "="; then xtext.
static bool orcpt(struct ehlo_span text) {
  struct ehlo_span atom = ehlo_model_take_word(&text, ";");
  for (size_t i = 0; i < atom.len; i++) {
    if (!ehlo_model_is_alnum(atom.bytes[i]) &&
        !ehlo_model_is_one_of(atom.bytes[i], "!#$%&'*-/?^_`{|}~")) {
      return false;
    }
  }
  return atom.len > 0 && xtext(text);
}

// ---- The table ----------------------------------------------------------------------------------

#define ROW_HOLDFOR 0
#define ROW_HOLDUNTIL 1

static const struct row {
  const char *keyword;
  bool at_mail;
  bool (*form)(struct ehlo_span value);  // NULL: there is none, and no "="
  unsigned needs;
  size_t max;
} rows[] = {
    [ROW_HOLDFOR] = {"HOLDFOR", true, hold_for, EHLO_MODEL_FUTURERELEASE, NEVER_LONG},
    [ROW_HOLDUNTIL] = {"HOLDUNTIL", true, hold_until, EHLO_MODEL_FUTURERELEASE, NEVER_LONG},
    {"SIZE", true, size, EHLO_MODEL_SIZE, NEVER_LONG},
    {"BODY", true, body, EHLO_MODEL_8BITMIME, NEVER_LONG},
    {"SMTPUTF8", true, NULL, EHLO_MODEL_SMTPUTF8, NEVER_LONG},
    {"AUTH", true, xtext, EHLO_MODEL_AUTH, NEVER_LONG},
    {"RET", true, ret, EHLO_MODEL_DSN, NEVER_LONG},
    {"ENVID", true, xtext, EHLO_MODEL_DSN, 100},
    {"REQUIRETLS", true, NULL, EHLO_MODEL_REQUIRETLS, NEVER_LONG},
    {"BY", true, by, EHLO_MODEL_DELIVERBY, NEVER_LONG},
    {"MT-PRIORITY", true, priority, EHLO_MODEL_MT_PRIORITY, NEVER_LONG},
    {"NOTIFY", false, notify, EHLO_MODEL_DSN, NEVER_LONG},
    {"ORCPT", false, orcpt, EHLO_MODEL_DSN, 500},
};
#define NUM_ROWS (sizeof(rows) / sizeof(rows[0]))

static bool beyond_offer(const struct row *row, struct ehlo_span value,
                         const struct ehlo_model_offers *offers) {
  uint64_t number = 0;
  bool returns = false;
  bool negative = false;
  if (row->form == hold_for) {
    ehlo_model_number(&number, value, UINT32_MAX);
    return offers->max_hold_s > 0 && number > offers->max_hold_s;
  }
  return row->form == by && read_by(value, &returns, &negative, &number) && returns &&
         number < offers->min_by_s;
}

static bool is_offered(const struct row *row, struct ehlo_span value,
                       const struct ehlo_model_offers *offers) {
  unsigned needs = row->needs;
  if (row->form == body && ehlo_model_is_word(value, "BINARYMIME")) {
    needs = EHLO_MODEL_BINARYMIME | EHLO_MODEL_CHUNKING;
  }
  return (offers->bits & needs) == needs && !beyond_offer(row, value, offers);
}

static enum ehlo_status judge(struct ehlo_model_params *out, struct ehlo_span word, bool at_mail,
                              const struct ehlo_model_offers *offers, unsigned *seen) {
  size_t len = ehlo_model_find(word, "=");
  struct ehlo_span value = ehlo_model_from(word, len < word.len ? len + 1 : len);
  const struct row *row = rows;
  while (row < rows + NUM_ROWS &&
         !ehlo_model_is_word((struct ehlo_span){word.bytes, len}, row->keyword)) {
    row++;
  }
  if (row == rows + NUM_ROWS) {
    return EHLO_OK;
  }
  unsigned bit = 1U << (row - rows);
  bool twice = (*seen & bit) != 0;
  *seen |= bit;
  out->utf8 |= row->needs == EHLO_MODEL_SMTPUTF8;
  out->binary_mime |= row->form == body && ehlo_model_is_word(value, "BINARYMIME");
  if (twice || row->at_mail != at_mail || (len < word.len) != (row->form != NULL) ||
      (row->form != NULL && !row->form(value))) {
    return EHLO_E_ARGUMENT;
  }
  if (value.len > row->max) {
    return EHLO_E_TOO_LONG;
  }
  return is_offered(row, value, offers) ? EHLO_OK : EHLO_E_UNSUPPORTED;
}

static bool is_graphic(struct ehlo_span word) {
  for (size_t i = 0; i < word.len; i++) {
    if (word.bytes[i] <= ' ' || word.bytes[i] > '~') {
      return false;
    }
  }
  return word.len > 0 && word.bytes[0] != '=';
}

// `argument` wins over `too-long`, and that over `unsupported`.
static enum ehlo_status worse(enum ehlo_status a, enum ehlo_status b) {
  static const enum ehlo_status by_weight[] = {EHLO_E_ARGUMENT, EHLO_E_TOO_LONG,
                                               EHLO_E_UNSUPPORTED};
  for (size_t i = 0; i < 3; i++) {
    if (a == by_weight[i] || b == by_weight[i]) {
      return by_weight[i];
    }
  }
  return EHLO_OK;
}

enum ehlo_status ehlo_model_params(struct ehlo_model_params *out, struct ehlo_span text,
                                   bool at_mail, const struct ehlo_model_offers *offers) {
  const unsigned both = 1U << ROW_HOLDFOR | 1U << ROW_HOLDUNTIL;
  enum ehlo_status status = EHLO_OK;
  unsigned seen = 0;
  if (text.len > EHLO_PARAMS_MAX) {
    return EHLO_E_TOO_LONG;
  }
  bool more = text.len > 0;
  while (more) {
    more = ehlo_model_find(text, " ") < text.len;
    struct ehlo_span word = ehlo_model_take_word(&text, " ");
    status = worse(status,
                   is_graphic(word) ? judge(out, word, at_mail, offers, &seen) : EHLO_E_ARGUMENT);
  }
  return (seen & both) == both ? EHLO_E_ARGUMENT : status;
}

// ---- XCLIENT ------------------------------------------------------------------------------------

static enum ehlo_status judge_attribute(struct ehlo_span word,
                                        const struct ehlo_model_offers *offers) {
  bool has_value = ehlo_model_find(word, "=") < word.len;
  struct ehlo_span name = ehlo_model_take_word(&word, "=");
  for (size_t i = 0; i < name.len; i++) {
    if (!ehlo_model_is_alnum(name.bytes[i]) && name.bytes[i] != '-' && name.bytes[i] != '_') {
      return EHLO_E_ARGUMENT;
    }
  }
  if (name.len == 0 || !has_value || !xtext(word)) {
    return EHLO_E_ARGUMENT;
  }
  return ehlo_model_has_name(&offers->attributes, name) ? EHLO_OK : EHLO_E_UNSUPPORTED;
}

enum ehlo_status ehlo_model_attributes(struct ehlo_span text,
                                       const struct ehlo_model_offers *offers) {
  enum ehlo_status status = text.len > 1000 ? EHLO_E_TOO_LONG : EHLO_OK;
  bool more = true;
  while (more) {
    more = ehlo_model_find(text, " ") < text.len;
    status = worse(status, judge_attribute(ehlo_model_take_word(&text, " "), offers));
  }
  return status;
}
