// Which answer a command gets: the recorded one of the same meaning, in the recorded order, and
// where the recorded client did nothing of the kind, what a server like this would say. It
// changes nothing but the place where its own words are put together.
#include <string.h>

#include "replay/serve/hello.h"
#include "replay/serve/served_parts.h"

#define ANY_TRANSACTION SIZE_MAX

static const char say_hello_first[] = "503 5.5.1 EHLO comes first\r\n";
static const char starttls_first[] = "530 5.7.0 Must issue a STARTTLS command first\r\n";
static const char login_first[] = "530 5.7.0 Authentication required\r\n";

struct ehlo_choice ehlo_choice_words(const char *reply) {
  const uint8_t *bytes = (const uint8_t *)reply;
  size_t len = strlen(reply);
  return (struct ehlo_choice){.bytes = bytes, .len = len, .code = ehlo_code_of(bytes, len)};
}

struct ehlo_choice ehlo_choice_answer(const struct ehlo_served *s, const struct ehlo_answer *a) {
  struct ehlo_choice choice = {.answer = a, .code = a->code, .ending = a->ending};
  choice.bytes = ehlo_answer_text(s->script, &choice.len, a);
  choice.pieces = a->num_pieces > 0 ? s->script->pieces + a->first_piece : NULL;
  return choice;
}

// ---- Looking up --------------------------------------------------------------------------------

struct search {
  enum ehlo_meaning meaning;
  unsigned mask;  // of EHLO_COURSE_… bits that have to be as in `bits`
  unsigned bits;
  size_t transaction;
  uint32_t verb;  // 0: any
};

static bool fits(const struct ehlo_answer *a, const struct search *wanted) {
  return (a->bits & wanted->mask) == wanted->bits &&
         (wanted->transaction == ANY_TRANSACTION || a->transaction == wanted->transaction) &&
         (wanted->verb == 0 || a->verb == wanted->verb);
}

// The nth that fits, from 0, or else the last; NULL: none does.
static const struct ehlo_answer *find(const struct ehlo_served *s, struct search wanted, size_t n) {
  const struct ehlo_answer *found = NULL;
  for (size_t i = s->script->first[wanted.meaning]; i != EHLO_NO_ANSWER;) {
    const struct ehlo_answer *a = &s->script->answers[i];
    if (fits(a, &wanted)) {
      found = a;
      if (n-- == 0) {
        break;
      }
    }
    i = a->next;
  }
  return found;
}

static const struct ehlo_answer *find_last(const struct ehlo_served *s, struct search wanted) {
  return find(s, wanted, SIZE_MAX);
}

// The recorded transaction that stands for this one: the last of them for all that are more.
static size_t transaction_of(const struct ehlo_served *s, size_t transaction) {
  return transaction < s->script->num_transactions ? transaction : s->script->num_transactions;
}

// In this transaction as in its recorded one, where the course was the same.
static const struct ehlo_answer *find_here(const struct ehlo_served *s, enum ehlo_meaning meaning,
                                           unsigned mask, size_t n) {
  struct search wanted = {.meaning = meaning,
                          .mask = mask,
                          .bits = s->course.bits & mask,
                          .transaction = transaction_of(s, s->course.transaction)};
  return find(s, wanted, n);
}

static const struct ehlo_answer *find_here_or_last(const struct ehlo_served *s,
                                                   enum ehlo_meaning meaning, unsigned mask,
                                                   size_t n) {
  const struct ehlo_answer *a = find_here(s, meaning, mask, n);
  struct search anywhere = {.meaning = meaning,
                            .mask = mask,
                            .bits = s->course.bits & mask,
                            .transaction = ANY_TRANSACTION};
  return a != NULL ? a : find_last(s, anywhere);
}

static bool has(const struct ehlo_served *s, unsigned bits) {
  return (s->course.bits & bits) == bits;
}

// ---- EHLO, STARTTLS ----------------------------------------------------------------------------

static struct ehlo_choice edited(struct ehlo_served *s, struct ehlo_choice choice, size_t len) {
  if (len == 0) {
    return choice;  // too long for an edit: as it was
  }
  choice.bytes = s->scratch;
  choice.len = len;
  choice.pieces = NULL;
  return choice;
}

// TLS may come otherwise than recorded: what is offered has to fit.
static struct ehlo_choice fit_offers(struct ehlo_served *s, struct ehlo_choice choice) {
  bool now = has(s, EHLO_COURSE_TLS);
  bool then = (choice.answer->bits & EHLO_COURSE_TLS) != 0;
  bool offers = ehlo_hello_offers(choice.bytes, choice.len, "STARTTLS");
  if (choice.code != 250) {
    return choice;
  }
  if (offers && (now != then || s->tls == EHLO_SERVE_CLEARTEXT)) {
    return edited(s, choice,
                  ehlo_hello_edit(s->scratch, sizeof(s->scratch), choice.bytes, choice.len,
                                  "STARTTLS", NULL));
  }
  if (!offers && !now && s->tls == EHLO_SERVE_STARTTLS &&
      ehlo_serve_tls_of(s->script, EHLO_SERVE_RECORDED) != EHLO_SERVE_STARTTLS) {
    return edited(s, choice,
                  ehlo_hello_edit(s->scratch, sizeof(s->scratch), choice.bytes, choice.len, "AUTH",
                                  "STARTTLS"));
  }
  return choice;
}

// The recorded reply to a greeting of this kind, before or after TLS.
static const struct ehlo_answer *find_hello(const struct ehlo_served *s,
                                            enum ehlo_meaning meaning) {
  bool tls = has(s, EHLO_COURSE_TLS);
  bool wanted_tls =
      s->tls == EHLO_SERVE_STARTTLS ? tls : s->script->starttls || s->script->implicit_tls;
  struct search wanted = {.meaning = meaning,
                          .mask = EHLO_COURSE_TLS,
                          .bits = wanted_tls ? EHLO_COURSE_TLS : 0,
                          .transaction = ANY_TRANSACTION};
  const struct ehlo_answer *a = find(s, wanted, s->num_hello[tls]);
  wanted.mask = 0;
  wanted.bits = 0;
  return a != NULL ? a : find(s, wanted, s->num_hello[tls]);
}

static struct ehlo_choice choose_hello(struct ehlo_served *s, enum ehlo_meaning meaning) {
  const struct ehlo_answer *a = find_hello(s, meaning);
  if (a != NULL) {
    return fit_offers(s, ehlo_choice_answer(s, a));
  }
  if ((meaning == EHLO_MEANS_LHLO) != s->script->lmtp) {
    return ehlo_choice_words(s->script->lmtp ? "500 5.5.1 This is LMTP: LHLO is wanted\r\n"
                                             : "500 5.5.1 This is not LMTP\r\n");
  }
  a = find_hello(s, meaning == EHLO_MEANS_HELO ? EHLO_MEANS_EHLO : EHLO_MEANS_HELO);
  if (a == NULL) {
    return ehlo_choice_words("250 localhost\r\n");
  }
  struct ehlo_choice choice = ehlo_choice_answer(s, a);
  return edited(s, choice,
                ehlo_hello_first_line(s->scratch, sizeof(s->scratch), choice.bytes, choice.len));
}

static struct ehlo_choice choose_starttls(struct ehlo_served *s) {
  struct search wanted = {.meaning = EHLO_MEANS_STARTTLS,
                          .mask = EHLO_COURSE_TLS,
                          .bits = s->course.bits & EHLO_COURSE_TLS,
                          .transaction = ANY_TRANSACTION};
  const struct ehlo_answer *a = find(s, wanted, s->nth[EHLO_MEANS_STARTTLS]);
  bool can = s->tls == EHLO_SERVE_STARTTLS && !has(s, EHLO_COURSE_TLS);
  if (a != NULL && (can || has(s, EHLO_COURSE_TLS) || a->code != 220)) {
    return ehlo_choice_answer(s, a);
  }
  return ehlo_choice_words(can                       ? "220 2.0.0 Ready to start TLS\r\n"
                           : has(s, EHLO_COURSE_TLS) ? "503 5.5.1 TLS has begun already\r\n"
                                                     : "454 4.7.0 TLS is not available here\r\n");
}

// ---- The order of commands ---------------------------------------------------------------------

// What a server says to somebody who did not do what the recorded client had done by then; NULL: it
// is in order. `a` is the recorded answer that would fit, if there is one.
static const char *out_of_order(const struct ehlo_served *s, const struct ehlo_answer *a) {
  const struct ehlo_script *script = s->script;
  bool starttls = s->tls == EHLO_SERVE_STARTTLS && !has(s, EHLO_COURSE_TLS);
  bool then_tls = a != NULL ? (a->bits & EHLO_COURSE_TLS) != 0 : script->starttls;
  bool then_auth =
      a != NULL ? (a->bits & EHLO_COURSE_AUTHENTICATED) != 0 : script->num_attempts > 0;
  bool then_hello = a == NULL || (a->bits & EHLO_COURSE_GREETED) != 0;
  if (!has(s, EHLO_COURSE_GREETED) && then_hello) {
    return say_hello_first;
  }
  if (starttls &&
      (then_tls || ehlo_serve_tls_of(script, EHLO_SERVE_RECORDED) != EHLO_SERVE_STARTTLS)) {
    return starttls_first;
  }
  return then_auth && !has(s, EHLO_COURSE_AUTHENTICATED) ? login_first : NULL;
}

static struct ehlo_choice or_words(const struct ehlo_served *s, const struct ehlo_answer *a,
                                   const char *words) {
  return a != NULL ? ehlo_choice_answer(s, a) : ehlo_choice_words(words);
}

static struct ehlo_choice choose_mail(struct ehlo_served *s) {
  struct search wanted = {.meaning = EHLO_MEANS_MAIL,
                          .transaction = transaction_of(s, s->course.transaction + 1)};
  const struct ehlo_answer *a = find(s, wanted, 0);
  const char *wrong = out_of_order(s, a);
  if (wrong != NULL) {
    return ehlo_choice_words(wrong);
  }
  if (has(s, EHLO_COURSE_IN_MAIL) && (a == NULL || (a->bits & EHLO_COURSE_IN_MAIL) == 0)) {
    return ehlo_choice_words("503 5.5.1 A transaction is under way\r\n");
  }
  return or_words(s, a, "250 2.1.0 Ok\r\n");
}

static struct ehlo_choice choose_rcpt(struct ehlo_served *s) {
  size_t n = s->nth_in_transaction[EHLO_MEANS_RCPT];
  if (has(s, EHLO_COURSE_IN_MAIL)) {
    return or_words(s, find_here_or_last(s, EHLO_MEANS_RCPT, EHLO_COURSE_IN_MAIL, n),
                    "250 2.1.5 Ok\r\n");
  }
  return or_words(s, find_here(s, EHLO_MEANS_RCPT, EHLO_COURSE_IN_MAIL, n),
                  "503 5.5.1 MAIL comes first\r\n");
}

// DATA and BDAT, which need a recipient.
static struct ehlo_choice choose_content(struct ehlo_served *s, enum ehlo_meaning meaning,
                                         const char *words) {
  size_t n = s->nth_in_transaction[meaning];
  unsigned mask = EHLO_COURSE_IN_MAIL | EHLO_COURSE_RECIPIENT;
  if (has(s, EHLO_COURSE_RECIPIENT)) {
    return or_words(s, find_here_or_last(s, meaning, mask, n), words);
  }
  return or_words(s, find_here(s, meaning, mask, n),
                  has(s, EHLO_COURSE_IN_MAIL) ? "554 5.5.1 No valid recipients\r\n"
                                              : "503 5.5.1 MAIL comes first\r\n");
}

// A chunk may come where the recorded client sent none, and the other way round: then the recorded
// judgement of the whole message is what counts.
static struct ehlo_choice choose_message(struct ehlo_served *s) {
  unsigned mask = EHLO_COURSE_IN_MAIL | EHLO_COURSE_RECIPIENT;
  const struct ehlo_answer *a = find_here(s, EHLO_MEANS_MESSAGE, mask, s->final_index);
  if (a == NULL && has(s, EHLO_COURSE_RECIPIENT)) {
    a = find_here(s, s->message_is_chunks ? EHLO_MEANS_DATA : EHLO_MEANS_CHUNK, mask, SIZE_MAX);
    a = a != NULL && a->code >= 400 ? a : NULL;
    a = a != NULL ? a : find_here_or_last(s, EHLO_MEANS_MESSAGE, mask, SIZE_MAX);
  }
  if (a != NULL || has(s, EHLO_COURSE_RECIPIENT)) {
    return or_words(s, a, "250 2.0.0 Ok: queued\r\n");
  }
  return ehlo_choice_words(has(s, EHLO_COURSE_IN_MAIL) ? "554 5.5.1 No valid recipients\r\n"
                                                       : "503 5.5.1 MAIL comes first\r\n");
}

static bool knows_chunks(const struct ehlo_served *s) {
  return s->offers_chunking || s->script->first[EHLO_MEANS_CHUNK] != EHLO_NO_ANSWER;
}

// ---- All of them -------------------------------------------------------------------------------

static struct ehlo_choice choose_auth(struct ehlo_served *s, const struct ehlo_command_line *c) {
  const struct ehlo_script *script = s->script;
  const struct ehlo_answer *a = script->num_attempts > 0 && script->attempts[0].num_answers > 0
                                    ? &script->answers[script->attempts[0].first_answer]
                                    : NULL;
  const char *wrong = out_of_order(s, a);
  if (wrong != NULL && wrong != login_first) {
    return ehlo_choice_words(wrong);
  }
  if (has(s, EHLO_COURSE_AUTHENTICATED)) {
    return ehlo_choice_words("503 5.5.1 Authenticated already\r\n");
  }
  return ehlo_served_choose_auth(s, c);
}

// Where nothing of the kind was recorded.
static const char *plain_words(enum ehlo_meaning meaning) {
  switch (meaning) {
    case EHLO_MEANS_GREETING:
      return "220 localhost ESMTP\r\n";
    case EHLO_MEANS_RSET:
      return "250 2.0.0 Ok\r\n";
    case EHLO_MEANS_NOOP:
      return "250 2.0.0 Ok\r\n";
    case EHLO_MEANS_QUIT:
      return "221 2.0.0 Bye\r\n";
    case EHLO_MEANS_VRFY:
      return "252 2.5.2 Send the message to find out\r\n";
    case EHLO_MEANS_HELP:
      return "214 2.0.0 See RFC 5321\r\n";
    case EHLO_MEANS_EHLO:
    case EHLO_MEANS_HELO:
    case EHLO_MEANS_LHLO:
    case EHLO_MEANS_STARTTLS:
    case EHLO_MEANS_AUTH:
    case EHLO_MEANS_RESPONSE:
    case EHLO_MEANS_MAIL:
    case EHLO_MEANS_RCPT:
    case EHLO_MEANS_DATA:
    case EHLO_MEANS_CHUNK:
    case EHLO_MEANS_MESSAGE:
    case EHLO_MEANS_EXPN:
    case EHLO_MEANS_XCLIENT:
    case EHLO_MEANS_OTHER:
    case EHLO_NUM_MEANINGS:
      break;
  }
  return "502 5.5.1 Not a command here\r\n";
}

static struct ehlo_choice choose_simple(const struct ehlo_served *s, enum ehlo_meaning meaning) {
  struct search wanted = {.meaning = meaning,
                          .transaction = ANY_TRANSACTION,
                          .verb = meaning == EHLO_MEANS_OTHER ? s->verb : 0};
  return or_words(s, find(s, wanted, s->nth[meaning]), plain_words(meaning));
}

struct ehlo_choice ehlo_served_choose(struct ehlo_served *s, const struct ehlo_command_line *c) {
  switch (c->meaning) {
    case EHLO_MEANS_EHLO:
    case EHLO_MEANS_HELO:
    case EHLO_MEANS_LHLO:
      return choose_hello(s, c->meaning);
    case EHLO_MEANS_STARTTLS:
      return choose_starttls(s);
    case EHLO_MEANS_AUTH:
      return choose_auth(s, c);
    case EHLO_MEANS_RESPONSE:
      return ehlo_served_choose_response(s, c);
    case EHLO_MEANS_MAIL:
      return choose_mail(s);
    case EHLO_MEANS_RCPT:
      return choose_rcpt(s);
    case EHLO_MEANS_DATA:
      return choose_content(s, EHLO_MEANS_DATA, "354 End with a line of a dot alone\r\n");
    case EHLO_MEANS_CHUNK:
      return knows_chunks(s) ? choose_content(s, EHLO_MEANS_CHUNK, "250 2.0.0 Ok\r\n")
                             : ehlo_choice_words("502 5.5.1 Not a command here\r\n");
    case EHLO_MEANS_MESSAGE:
      return choose_message(s);
    case EHLO_MEANS_GREETING:
    case EHLO_MEANS_RSET:
    case EHLO_MEANS_NOOP:
    case EHLO_MEANS_QUIT:
    case EHLO_MEANS_VRFY:
    case EHLO_MEANS_EXPN:
    case EHLO_MEANS_HELP:
    case EHLO_MEANS_XCLIENT:
    case EHLO_MEANS_OTHER:
    case EHLO_NUM_MEANINGS:
      break;
  }
  return choose_simple(s, c->meaning);
}
