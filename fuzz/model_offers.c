// What the server offers: engine/SPECIFICATION.md, "What is offered".
#include <string.h>

#include "fuzz/model.h"
#include "fuzz/model_parts.h"

static const struct {
  const char *keyword;
  unsigned bit;
} keywords[] = {
    {"STARTTLS", EHLO_MODEL_STARTTLS},
    {"PIPELINING", EHLO_MODEL_PIPELINING},
    {"8BITMIME", EHLO_MODEL_8BITMIME},
    {"SMTPUTF8", EHLO_MODEL_SMTPUTF8},
    {"CHUNKING", EHLO_MODEL_CHUNKING},
    {"BINARYMIME", EHLO_MODEL_BINARYMIME},
    {"DSN", EHLO_MODEL_DSN},
    {"SIZE", EHLO_MODEL_SIZE},
    {"AUTH", EHLO_MODEL_AUTH},
    {"REQUIRETLS", EHLO_MODEL_REQUIRETLS},
    {"FUTURERELEASE", EHLO_MODEL_FUTURERELEASE},
    {"DELIVERBY", EHLO_MODEL_DELIVERBY},
    {"MT-PRIORITY", EHLO_MODEL_MT_PRIORITY},
    {"ETRN", EHLO_MODEL_ETRN},
    {"XCLIENT", EHLO_MODEL_XCLIENT},
};

void ehlo_model_forget_offers(struct ehlo_model *m) {
  struct ehlo_model_offers *o = &m->offers;
  o->bits = 0;
  o->max_size = 0;
  o->max_hold_s = 0;
  o->min_by_s = 0;
  o->mechanisms.num = 0;
  o->mechanisms.octets = 1;
  o->attributes.num = 0;
  o->attributes.octets = 1;
}

bool ehlo_model_has_name(const struct ehlo_model_names *names, struct ehlo_span name) {
  for (size_t i = 0; i < names->num; i++) {
    if (ehlo_model_is_word(name, names->name[i])) {
      return true;
    }
  }
  return false;
}

static struct ehlo_span next_word(struct ehlo_span *text) {
  while (text->len > 0 && ehlo_model_is_one_of(text->bytes[0], " \t")) {
    *text = ehlo_model_from(*text, 1);
  }
  return ehlo_model_take_word(text, " \t");
}

// A name in a list that holds so many octets. Others are passed over.
static void add_name(struct ehlo_model_names *names, struct ehlo_span name, size_t max) {
  for (size_t i = 0; i < name.len; i++) {
    uint8_t c = name.bytes[i];
    if (!ehlo_model_is_alnum(c) && c != '-' && c != '_') {
      return;
    }
  }
  if (name.len == 0 || name.len > EHLO_MODEL_NAME_MAX || ehlo_model_has_name(names, name) ||
      names->octets + name.len + 1 > max) {
    return;
  }
  for (size_t i = 0; i < name.len; i++) {
    names->name[names->num][i] = (char)ehlo_model_upper(name.bytes[i]);
  }
  names->name[names->num][name.len] = '\0';
  names->num++;
  names->octets += name.len + 1;
}

static void add_names(struct ehlo_model_names *names, struct ehlo_span text, size_t max) {
  for (struct ehlo_span name = next_word(&text); name.len > 0; name = next_word(&text)) {
    add_name(names, name, max);
  }
}

// The numbers and names behind a keyword.
static void read_values(struct ehlo_model_offers *o, unsigned bit, struct ehlo_span text) {
  uint64_t number = 0;
  struct ehlo_span first = text;
  struct ehlo_span word = next_word(&first);
  if (bit == EHLO_MODEL_AUTH) {
    add_names(&o->mechanisms, text, EHLO_AUTH_LIST_MAX - 2);
  } else if (bit == EHLO_MODEL_XCLIENT) {
    add_names(&o->attributes, text, EHLO_XCLIENT_LIST_MAX - 2);
  } else if (bit == EHLO_MODEL_SIZE && ehlo_model_number(&number, word, UINT64_MAX)) {
    o->max_size = number;
  } else if (bit == EHLO_MODEL_FUTURERELEASE && ehlo_model_number(&number, word, UINT32_MAX)) {
    o->max_hold_s = (uint32_t)number;
  } else if (bit == EHLO_MODEL_DELIVERBY &&
             ehlo_model_number(&number, ehlo_model_take_word(&word, ","), UINT32_MAX)) {
    o->min_by_s = (uint32_t)number;
  }
}

// The text of a line. The old form "AUTH=LOGIN" is one of AUTH alone.
static void read_line(struct ehlo_model_offers *o, struct ehlo_span text, bool secure) {
  while (text.len > 0 && ehlo_model_is_one_of(text.bytes[0], " \t")) {
    text = ehlo_model_from(text, 1);
  }
  size_t len = ehlo_model_find(text, " \t=");
  bool equals = len < text.len && text.bytes[len] == '=';
  struct ehlo_span keyword = {text.bytes, len};
  for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
    unsigned bit = keywords[i].bit;
    if (ehlo_model_is_word(keyword, keywords[i].keyword) && (!equals || bit == EHLO_MODEL_AUTH) &&
        (secure || bit != EHLO_MODEL_REQUIRETLS)) {
      o->bits |= bit;
      read_values(o, bit, ehlo_model_from(text, len < text.len ? len + 1 : len));
    }
  }
}

void ehlo_model_learn_offers(struct ehlo_model *m, struct ehlo_span reply) {
  m->offers.bits = EHLO_MODEL_ESMTP;
  bool first = true;
  while (reply.len > 0) {
    size_t len = ehlo_model_find(reply, "\r");
    struct ehlo_span line = {reply.bytes, len};
    reply = ehlo_model_from(reply, len + 2);
    if (!first && line.len > 4) {
      read_line(&m->offers, ehlo_model_from(line, 4), m->secure);
    }
    first = false;
  }
}
