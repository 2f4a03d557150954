// What the parts of the model say to each other. See model.h.
#ifndef EHLO_FUZZ_MODEL_PARTS_H
#define EHLO_FUZZ_MODEL_PARTS_H

#include "fuzz/model.h"

// ---- model.c: how a session goes on and ends ----------------------------------------------------

// A piece of a line or message for the server: SECRET, BODY or neither.
void ehlo_model_put(struct ehlo_model *m, struct ehlo_span bytes, unsigned kind);

// Whether the output has room for `len` octets more.
bool ehlo_model_has_room(const struct ehlo_model *m, size_t len);

// A line was put: `verb` is outstanding.
void ehlo_model_push(struct ehlo_model *m, enum ehlo_verb verb);

// The oldest command is answered.
void ehlo_model_pop(struct ehlo_model *m);

// Whether the transport took all of the oldest command.
bool ehlo_model_oldest_is_sent(const struct ehlo_model *m);
enum ehlo_verb ehlo_model_oldest(const struct ehlo_model *m);

// RFC 2033, section 4.3: a last chunk without a recipient is over once it was sent.
void ehlo_model_settle(struct ehlo_model *m);

struct ehlo_model_event *ehlo_model_add_event(struct ehlo_model *m, enum ehlo_event_type type);
void ehlo_model_fail(struct ehlo_model *m, enum ehlo_status status, size_t offset,
                     struct ehlo_model_range line);
void ehlo_model_close(struct ehlo_model *m);

// ---- model_line.c: lines and replies -----------------------------------------------------------

// The stream ends here.
void ehlo_model_end_stream(struct ehlo_model *m, enum ehlo_status why);

// ---- model_reply.c: what a whole reply does -------------------------------------------------------

void ehlo_model_reply(struct ehlo_model *m, struct ehlo_model_range last_line);

// ---- model_order.c: which command when ------------------------------------------------------------

// 1 to 3 of what a call checks.
enum ehlo_status ehlo_model_order(const struct ehlo_model *m, enum ehlo_verb verb);
// 1 to 3 for a raw line.
enum ehlo_status ehlo_model_order_raw(const struct ehlo_model *m);
// 4: what is special to the verb.
enum ehlo_status ehlo_model_special(const struct ehlo_model *m, enum ehlo_verb verb);
// Where sending leads.
enum ehlo_state ehlo_model_intent(const struct ehlo_model *m, enum ehlo_verb verb);

// ---- model_argument.c, model_parameter.c --------------------------------------------------------

enum ehlo_status ehlo_model_name(struct ehlo_span name);
enum ehlo_status ehlo_model_free_text(struct ehlo_span text, bool allow_empty);
enum ehlo_status ehlo_model_path(struct ehlo_span path, bool allow_empty, bool utf8);
enum ehlo_status ehlo_model_mechanism(struct ehlo_span name);
bool ehlo_model_is_plain_line(struct ehlo_span line);

struct ehlo_model_params {
  bool utf8;
  bool binary_mime;
};
enum ehlo_status ehlo_model_params(struct ehlo_model_params *out, struct ehlo_span text,
                                   bool at_mail, const struct ehlo_model_offers *offers);
enum ehlo_status ehlo_model_attributes(struct ehlo_span text,
                                       const struct ehlo_model_offers *offers);

// ---- model_offers.c -----------------------------------------------------------------------------

void ehlo_model_forget_offers(struct ehlo_model *m);
void ehlo_model_learn_offers(struct ehlo_model *m, struct ehlo_span reply);
bool ehlo_model_has_name(const struct ehlo_model_names *names, struct ehlo_span name);

// ---- model_verb.c -------------------------------------------------------------------------------

// 7 and 8: the line as a whole, of which `len` octets are not CRLF.
enum ehlo_status ehlo_model_fit(const struct ehlo_model *m, size_t len, size_t max);
void ehlo_model_sent(struct ehlo_model *m, enum ehlo_verb verb);
void ehlo_model_begin_chunk(struct ehlo_model *m, uint64_t len, bool last);
// Whether a credential would leave in the open.
bool ehlo_model_is_cleartext(const struct ehlo_model *m);

// ---- model_raw.c --------------------------------------------------------------------------------

// A line as it is. Without a secret, `head` is all of it.
enum ehlo_status ehlo_model_raw(struct ehlo_model *m, struct ehlo_span head,
                                struct ehlo_span secret, struct ehlo_span tail);

// ---- Octets and words ---------------------------------------------------------------------------

static inline bool ehlo_model_is_one_of(uint8_t c, const char *set) {
  for (; *set != '\0'; set++) {
    if ((uint8_t)*set == c) {
      return true;
    }
  }
  return false;
}

static inline bool ehlo_model_is_digit(uint8_t c) {
  return c >= '0' && c <= '9';
}

static inline uint8_t ehlo_model_upper(uint8_t c) {
  return c >= 'a' && c <= 'z' ? (uint8_t)(c - 'a' + 'A') : c;
}

static inline bool ehlo_model_is_alnum(uint8_t c) {
  return ehlo_model_is_digit(c) || (ehlo_model_upper(c) >= 'A' && ehlo_model_upper(c) <= 'Z');
}

// Whether `text` is this word, in any case. `word` is in upper case.
static inline bool ehlo_model_is_word(struct ehlo_span text, const char *word) {
  size_t i = 0;
  while (i < text.len && word[i] != '\0' && ehlo_model_upper(text.bytes[i]) == (uint8_t)word[i]) {
    i++;
  }
  return i == text.len && word[i] == '\0';
}

static inline struct ehlo_span ehlo_model_from(struct ehlo_span text, size_t at) {
  return (struct ehlo_span){text.bytes + at, text.len - at};
}

// Where the first of `set` stands, or the length.
static inline size_t ehlo_model_find(struct ehlo_span text, const char *set) {
  size_t i = 0;
  while (i < text.len && !ehlo_model_is_one_of(text.bytes[i], set)) {
    i++;
  }
  return i;
}

// Takes the word off the front that ends at one of `ends`, and what ends it.
static inline struct ehlo_span ehlo_model_take_word(struct ehlo_span *text, const char *ends) {
  size_t len = ehlo_model_find(*text, ends);
  struct ehlo_span word = {text->bytes, len};
  *text = ehlo_model_from(*text, len < text->len ? len + 1 : len);
  return word;
}

// A decimal number; false if it is none, or is above `max`.
static inline bool ehlo_model_number(uint64_t *out, struct ehlo_span text, uint64_t max) {
  uint64_t number = 0;
  for (size_t i = 0; i < text.len; i++) {
    unsigned digit = text.bytes[i] - '0';
    if (!ehlo_model_is_digit(text.bytes[i]) || number > (max - digit) / 10) {
      return false;
    }
    number = number * 10 + digit;
  }
  *out = number;
  return text.len > 0;
}

#endif  // EHLO_FUZZ_MODEL_PARTS_H
