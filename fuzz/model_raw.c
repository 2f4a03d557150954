// Lines of the caller's own: engine/SPECIFICATION.md, "Which command is legal", and what a raw line may hold.
#include "fuzz/model.h"
#include "fuzz/model_parts.h"

static enum ehlo_verb verb_of(struct ehlo_span line) {
  static const struct {
    const char *word;
    enum ehlo_verb verb;
  } rows[] = {
      {"EHLO", EHLO_VERB_EHLO},         {"HELO", EHLO_VERB_HELO}, {"LHLO", EHLO_VERB_LHLO},
      {"STARTTLS", EHLO_VERB_STARTTLS}, {"AUTH", EHLO_VERB_AUTH}, {"MAIL", EHLO_VERB_MAIL},
      {"RCPT", EHLO_VERB_RCPT},         {"DATA", EHLO_VERB_DATA}, {"BDAT", EHLO_VERB_BDAT},
      {"RSET", EHLO_VERB_RSET},         {"NOOP", EHLO_VERB_NOOP}, {"VRFY", EHLO_VERB_VRFY},
      {"EXPN", EHLO_VERB_EXPN},         {"HELP", EHLO_VERB_HELP}, {"ETRN", EHLO_VERB_ETRN},
      {"XCLIENT", EHLO_VERB_XCLIENT},   {"QUIT", EHLO_VERB_QUIT},
  };
  struct ehlo_span word = ehlo_model_take_word(&line, " ");
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    if (ehlo_model_is_word(word, rows[i].word)) {
      return rows[i].verb;
    }
  }
  return EHLO_VERB_OTHER;
}

static struct ehlo_span skip_blanks(struct ehlo_span text) {
  while (text.len > 0 && text.bytes[0] == ' ') {
    text = ehlo_model_from(text, 1);
  }
  return text;
}

// "Blanks and 1 to 18 digits, and then, if anything, blanks and LAST in any case", and blanks.
static bool read_bdat(struct ehlo_span line, uint64_t *out_len, bool *out_last) {
  struct ehlo_span rest = ehlo_model_from(line, 4);
  struct ehlo_span digits = skip_blanks(rest);
  size_t num = 0;
  while (num < digits.len && ehlo_model_is_digit(digits.bytes[num])) {
    num++;
  }
  bool blanks = digits.len < rest.len;
  struct ehlo_span tail = ehlo_model_from(digits, num);
  struct ehlo_span word = skip_blanks(tail);
  bool apart = word.len < tail.len;
  struct ehlo_span last = ehlo_model_take_word(&word, " ");
  *out_last = ehlo_model_is_word(last, "LAST") && apart;
  return blanks && num <= 18 &&
         ehlo_model_number(out_len, (struct ehlo_span){digits.bytes, num}, UINT64_MAX) &&
         (last.len == 0 || *out_last) && skip_blanks(word).len == 0;
}

// What may stand behind AUTH: a mechanism, and "=" if no secret comes.
static bool auth_is_plain(struct ehlo_span head, bool secret, struct ehlo_span tail) {
  struct ehlo_span rest = skip_blanks(ehlo_model_from(head, 4));
  ehlo_model_take_word(&rest, " ");
  rest = skip_blanks(rest);
  struct ehlo_span word = ehlo_model_take_word(&rest, " ");
  bool equals = word.len == 1 && word.bytes[0] == '=';
  if (secret) {
    return word.len == 0 && skip_blanks(tail).len == 0;
  }
  return (word.len == 0 || equals) && skip_blanks(rest).len == 0;
}

static enum ehlo_status judge_raw(const struct ehlo_model *m, enum ehlo_verb verb,
                                  struct ehlo_span head, bool secret, struct ehlo_span tail) {
  if (!ehlo_model_is_plain_line(head) || !ehlo_model_is_plain_line(tail)) {
    return EHLO_E_ARGUMENT;
  }
  if (verb == EHLO_VERB_AUTH && !auth_is_plain(head, secret, tail)) {
    return EHLO_E_ARGUMENT;
  }
  return (verb == EHLO_VERB_AUTH || secret) && ehlo_model_is_cleartext(m) ? EHLO_E_CLEARTEXT
                                                                          : EHLO_OK;
}

// The whole of it. Without a secret, `head` is the line.
enum ehlo_status ehlo_model_raw(struct ehlo_model *m, struct ehlo_span head,
                                struct ehlo_span secret, struct ehlo_span tail) {
  uint64_t chunk_len = 0;
  bool last = false;
  bool word_ends = secret.len == 0 || ehlo_model_find(head, " ") < head.len;
  enum ehlo_verb verb = word_ends ? verb_of(head) : EHLO_VERB_OTHER;
  if (verb == EHLO_VERB_BDAT && (secret.len > 0 || !read_bdat(head, &chunk_len, &last))) {
    verb = EHLO_VERB_OTHER;
  }
  enum ehlo_status status = ehlo_model_order_raw(m);
  if (status == EHLO_OK && !ehlo_model_is_plain_line(secret)) {
    status = EHLO_E_ARGUMENT;
  }
  if (status == EHLO_OK) {
    status = judge_raw(m, verb, head, secret.len > 0, tail);
  }
  if (status == EHLO_OK) {
    status = ehlo_model_fit(m, head.len + secret.len + tail.len,
                            secret.len > 0 ? EHLO_TOKEN_MAX : EHLO_COMMAND_MAX);
  }
  if (status != EHLO_OK) {
    return status;
  }
  ehlo_model_put(m, head, 0);
  ehlo_model_put(m, secret, EHLO_OUTPUT_SECRET);
  ehlo_model_put(m, tail, 0);
  ehlo_model_sent(m, verb);
  if (verb == EHLO_VERB_BDAT) {
    ehlo_model_begin_chunk(m, chunk_len, last);
  }
  m->num_challenges = verb == EHLO_VERB_AUTH ? 0 : m->num_challenges;
  return EHLO_OK;
}

enum ehlo_status ehlo_model_raw_secret(struct ehlo_model *m, struct ehlo_span head,
                                       struct ehlo_span secret, struct ehlo_span tail) {
  if (m->confirmed == EHLO_STATE_FAILED) {
    return m->error;
  }
  return secret.len == 0 ? EHLO_E_ARGUMENT : ehlo_model_raw(m, head, secret, tail);
}
