// Lines of logs. A refusal is a code with words behind it at the beginning of a line, behind the
// marks that programs put there, or behind a colon, a bracket or a quote.
#include "tools/explain/log.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

// What a program puts in front of what one side said. The longest come first where one begins
// another.
static const struct {
  const char *text;
  bool of_client;
} marks[] = {
    {"CLIENT -> SERVER:", true},
    {"SERVER -> CLIENT:", false},
    {"<** ", false},
    {"<~* ", false},
    {"-> ", true},
    {"~> ", true},
    {"<- ", false},
    {"<~ ", false},
    {" -> ", true},
    {" ~> ", true},
    {"=== ", false},
    {"*** ", false},
    {">>> ", true},
    {"<<< ", false},
    {"--> ", true},
    {"<-- ", false},
    {"> ", true},
    {"< ", false},
    {"C: ", true},
    {"S: ", false},
    {"send: '", true},
    {"reply: b'", false},
    {"* ", false},
};

void explain_log_init(struct explain_log *l,
                      void (*found)(void *arg, const struct explain_question *q), void *arg) {
  memset(l, 0, sizeof(*l));
  l->found = found;
  l->arg = arg;
}

static struct ehlo_span from(struct ehlo_span s, size_t at) {
  return (struct ehlo_span){s.bytes + at, s.len - at};
}

static bool begins(struct ehlo_span s, const char *with) {
  size_t n = strlen(with);
  return s.len >= n && strncasecmp((const char *)s.bytes, with, n) == 0;
}

// The first place of `what`; s.len if there is none.
static size_t place_of(struct ehlo_span s, const char *what) {
  for (size_t i = 0; i < s.len; i++) {
    if (begins(from(s, i), what)) {
      return i;
    }
  }
  return s.len;
}

// ---- The reply at hand ------------------------------------------------------------------------------

static void append(struct explain_log *l, struct ehlo_span text) {
  if (l->len > 0 && l->len < sizeof(l->words)) {
    l->words[l->len++] = '\n';
  }
  size_t n = text.len < sizeof(l->words) - l->len ? text.len : sizeof(l->words) - l->len;
  memcpy(l->words + l->len, text.bytes, n);
  l->len += n;
}

static bool has_entry(const struct explain_question *q) {
  struct explanation e;
  return explain_answer(&e, q) && e.id != NULL;
}

static void finish(struct explain_log *l) {
  if (!l->open) {
    return;
  }
  l->open = false;
  struct explain_question q = {
      .host = l->own_host[0] != '\0' ? l->own_host
              : l->host[0] != '\0'   ? l->host
                                     : NULL,
      .greeting = {l->greeting, l->greeting_len},
      .stage_known = l->own_stage_known || l->stage_known,
      .stage = l->own_stage_known ? l->own_stage : l->stage,
      .code = l->code,
      .enhanced = l->enhanced,
      .words = {l->words, l->folded ? l->sure_len : l->len},
  };
  if (l->folded && !has_entry(&q)) {
    struct explain_question whole = q;
    whole.words.len = l->len;
    q = has_entry(&whole) ? whole : q;
  }
  l->found(l->arg, &q);
}

// "(in reply to RCPT TO command)" and "after RCPT TO:<…>" tell the stage of this reply alone.
static bool stage_of_verb(enum ehlo_stage *out, struct ehlo_span verb) {
  static const struct {
    const char *verb;
    enum ehlo_stage stage;
  } verbs[] = {
      {"EHLO", EHLO_STAGE_EHLO},         {"HELO", EHLO_STAGE_EHLO}, {"LHLO", EHLO_STAGE_EHLO},
      {"STARTTLS", EHLO_STAGE_STARTTLS}, {"AUTH", EHLO_STAGE_AUTH}, {"MAIL", EHLO_STAGE_MAIL},
      {"RCPT", EHLO_STAGE_RCPT},         {"DATA", EHLO_STAGE_DATA}, {"BDAT", EHLO_STAGE_BODY},
      {"end of DATA", EHLO_STAGE_BODY},  {"QUIT", EHLO_STAGE_QUIT},
  };
  for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
    if (begins(verb, verbs[i].verb)) {
      *out = verbs[i].stage;
      return true;
    }
  }
  return false;
}

// A host name at the beginning of `text`, into `out`; it has a dot.
static bool take_host(char *out, size_t cap, struct ehlo_span text) {
  size_t n = 0;
  bool dot = false;
  while (n < text.len && n < cap - 1 &&
         (strchr("-.", text.bytes[n]) != NULL || (text.bytes[n] >= '0' && text.bytes[n] <= '9') ||
          ((text.bytes[n] | 0x20) >= 'a' && (text.bytes[n] | 0x20) <= 'z')) &&
         text.bytes[n] != '\0') {
    dot = dot || text.bytes[n] == '.';
    n++;
  }
  if (!dot) {
    return false;
  }
  n -= text.bytes[n - 1] == '.';
  memcpy(out, text.bytes, n);
  out[n] = '\0';
  return true;
}

// What stands in front of a reply in one line, such as "host mx.example[192.0.2.1] said: ".
static void look_before(struct explain_log *l, struct ehlo_span before) {
  size_t at = place_of(before, "host ");
  l->own_host[0] = '\0';
  l->own_stage_known = false;
  if (at < before.len) {
    take_host(l->own_host, sizeof(l->own_host), from(before, at + 5));
  }
  at = place_of(before, "after ");
  if (at < before.len) {
    l->own_stage_known = stage_of_verb(&l->own_stage, from(before, at + 6));
  }
}

// The end of a reply in a line: the closing quote, or what a mail log puts behind it.
static struct ehlo_span cut(struct explain_log *l, struct ehlo_span text) {
  size_t at = place_of(text, " (in reply to ");
  if (at < text.len) {
    l->own_stage_known = stage_of_verb(&l->own_stage, from(text, at + 14));
    text.len = at;
  }
  if (l->quote != 0) {
    const uint8_t *end = memchr(text.bytes, l->quote, text.len);
    text.len = end != NULL ? (size_t)(end - text.bytes) : text.len;
  }
  return text;
}

// ---- Finding one ------------------------------------------------------------------------------------

struct begin {
  size_t at;    // of the code
  size_t text;  // of the words, where they do not follow the code directly
  unsigned code;
  struct ehlo_enhanced enhanced;
  char quote;
};

// "(535, b'5.7.8 …", as Python shows a reply.
static bool tuple(struct begin *out, struct ehlo_span line, size_t at) {
  struct ehlo_span rest = from(line, at);
  size_t quote = 4;
  if (rest.len < 8 || rest.bytes[3] != ',' || (at > 0 && line.bytes[at - 1] != '(')) {
    return false;
  }
  quote += rest.bytes[quote] == ' ';
  quote += rest.bytes[quote] == 'b';
  char c = (char)rest.bytes[quote];
  uint8_t digits[4] = {rest.bytes[0], rest.bytes[1], rest.bytes[2], ' '};
  struct ehlo_enhanced none;
  if ((c != '\'' && c != '"') ||
      explain_codes(&out->code, &none, (struct ehlo_span){digits, 4}) == 0) {
    return false;
  }
  // The words behind the quote look like a line whose code was taken off.
  uint8_t line_of[32] = {rest.bytes[0], rest.bytes[1], rest.bytes[2], ' '};
  size_t n = rest.len - quote - 1 < 24 ? rest.len - quote - 1 : 24;
  memcpy(line_of + 4, rest.bytes + quote + 1, n);
  explain_codes(&out->code, &out->enhanced, (struct ehlo_span){line_of, 4 + n});
  out->at = at;
  out->text = at + quote + 1;
  out->quote = c;
  return true;
}

// Whether what stands before a code lets it be one.
static bool may_follow(const struct explain_log *l, struct ehlo_span line, size_t at,
                       bool enhanced) {
  if (at == 0) {
    return true;
  }
  uint8_t before = line.bytes[at - 1];
  if (strchr("('\"[;", before) != NULL && before != '\0') {
    return true;
  }
  if (before != ' ') {
    return false;
  }
  bool of_port = at >= 5 && begins(from(line, at - 5), "port ");
  return enhanced || (l->is_reply && !of_port) ||
         (at > 1 && strchr(":;", line.bytes[at - 2]) != NULL);
}

// "250 2.0.0 Ok: queued as 554": all of it is a reply, and no refusal.
static bool is_consent(const struct explain_log *l, struct ehlo_span line) {
  unsigned code;
  struct ehlo_enhanced e;
  return l->is_reply && explain_codes(&code, &e, line) > 0 && code < 300;
}

static bool find_begin(struct begin *out, const struct explain_log *l, struct ehlo_span line) {
  if (is_consent(l, line)) {
    return false;
  }
  for (size_t at = 0; at + 3 <= line.len; at++) {
    bool digit = line.bytes[at] == '4' || line.bytes[at] == '5' || line.bytes[at] == '3';
    if (!digit || (at > 0 && line.bytes[at - 1] >= '0' && line.bytes[at - 1] <= '9')) {
      continue;
    }
    if (tuple(out, line, at)) {
      return out->code >= 400;
    }
    struct ehlo_span rest = from(line, at);
    size_t n = explain_codes(&out->code, &out->enhanced, rest);
    bool is_token = n > 0 && out->code == 334 && begins(rest, "334 ey");  // base64 of JSON
    if (n == 0 || (out->code < 400 && !is_token) ||
        !may_follow(l, line, at, out->enhanced.class_code != 0)) {
      continue;
    }
    if (!l->is_reply && at > 0 && rest.len == 3) {
      continue;  // "failed: 553", of a reply that stands elsewhere
    }
    out->at = out->text = at;
    out->quote = at > 0 && strchr("'\"", line.bytes[at - 1]) != NULL ? (char)line.bytes[at - 1] : 0;
    out->code = is_token ? 0 : out->code;
    return true;
  }
  return false;
}

static void open_reply(struct explain_log *l, const struct begin *b, struct ehlo_span line) {
  l->open = true;
  l->code = b->code;
  l->enhanced = b->enhanced;
  l->quote = b->quote;
  l->folded = false;
  l->len = 0;
  look_before(l, (struct ehlo_span){line.bytes, b->at});
  struct ehlo_span rest = from(line, b->at);
  l->goes_on = b->quote != 0 || (rest.len > 3 && rest.bytes[3] == '-');
  append(l, cut(l, from(line, b->text)));
}

// A line of a reply that somebody wrapped, as far as one can see.
static bool is_fold(const struct explain_log *l, struct ehlo_span line, bool marked) {
  struct begin b;
  unsigned code;
  struct ehlo_enhanced e;
  if (!l->open || line.len == 0 || !(marked || l->is_reply) || l->quote != 0) {
    return false;
  }
  if (explain_codes(&code, &e, line) > 0) {
    return l->folded && code == l->code;
  }
  memset(&b, 0, sizeof(b));
  return !find_begin(&b, l, line) || b.code == l->code;
}

static void fold(struct explain_log *l, struct ehlo_span line) {
  l->sure_len = l->folded ? l->sure_len : l->len;
  l->folded = true;
  append(l, cut(l, line));
}

// Whether a line goes on with the reply at hand.
static bool continues(struct explain_log *l, struct ehlo_span line) {
  unsigned code = 0;
  struct ehlo_enhanced e = {0};
  if (!l->open || !l->goes_on || l->folded) {
    return false;
  }
  size_t n = explain_codes(&code, &e, line);
  if (n > 0 && code == l->code) {
    l->goes_on = l->quote != 0 || (line.len > 3 && line.bytes[3] == '-');
  } else if (l->quote == 0) {
    return false;
  }
  append(l, cut(l, line));
  return true;
}

// ---- What stands around -----------------------------------------------------------------------------

// Takes the marks and blanks off the front. True if the client said it.
static bool strip(struct ehlo_span *line) {
  bool of_client = false;
  for (bool again = true; again;) {
    again = false;
    while (line->len > 0 && (line->bytes[0] == ' ' || line->bytes[0] == '\t')) {
      *line = from(*line, 1);
    }
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]) && !again; i++) {
      if (begins(*line, marks[i].text)) {
        of_client = of_client || marks[i].of_client;
        *line = from(*line, strlen(marks[i].text));
        again = true;
      }
    }
  }
  return of_client;
}

static void learn_host(struct explain_log *l, struct ehlo_span line) {
  static const char *const words[] = {"Connected to ", "connect ",       "Trying ",
                                      "connect: to (", "Connecting to ", "connect: ('"};
  for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
    size_t at = place_of(line, words[i]);
    if (at < line.len && at < 40) {
      take_host(l->host, sizeof(l->host), from(line, at + strlen(words[i])));
    }
  }
  if (begins(line, "220") && line.len > 4) {
    size_t n = line.len - 4 < sizeof(l->greeting) ? line.len - 4 : sizeof(l->greeting);
    if (l->greeting_len == 0) {
      memcpy(l->greeting, line.bytes + 4, n);
      l->greeting_len = n;
    }
  }
}

static void learn(struct explain_log *l, struct ehlo_span line, bool of_client) {
  enum ehlo_stage stage;
  learn_host(l, line);
  if (of_client && (stage_of_verb(&stage, line) || (line.len == 1 && line.bytes[0] == '.'))) {
    l->stage = line.len == 1 ? EHLO_STAGE_BODY : stage;
    l->stage_known = true;
  }
}

static void take_line(struct explain_log *l, struct ehlo_span line) {
  struct begin b;
  size_t whole = line.len;
  bool of_client = strip(&line);
  bool marked = line.len < whole;
  while (line.len > 0 && (line.bytes[line.len - 1] == '\r' || line.bytes[line.len - 1] == ' ')) {
    line.len--;
  }
  if (continues(l, line)) {
    return;
  }
  if (!of_client && is_fold(l, line, marked)) {
    fold(l, line);
    return;
  }
  finish(l);
  learn(l, line, of_client);
  memset(&b, 0, sizeof(b));
  bool is_http = begins(line, "HTTP/");  // whose codes are not SMTP's
  if (!of_client && !is_http && find_begin(&b, l, line)) {
    open_reply(l, &b, line);
  }
}

// The next line end, real or written as "\r\n" or "\n"; its length in `*out_len`, 0 at the end.
static size_t line_end(size_t *out_len, struct ehlo_span s) {
  for (size_t i = 0; i < s.len; i++) {
    size_t skip = begins(from(s, i), "\\r\\n") ? 4 : begins(from(s, i), "\\n") ? 2 : 0;
    if (skip > 0 || s.bytes[i] == '\n') {
      *out_len = skip > 0 ? skip : 1;
      return i;
    }
  }
  *out_len = 0;
  return s.len;
}

void explain_log_line(struct explain_log *l, struct ehlo_span line) {
  size_t end;
  line.len = line.len < EXPLAIN_LOG_WORDS_MAX ? line.len : EXPLAIN_LOG_WORDS_MAX;
  do {
    size_t n = line_end(&end, line);
    take_line(l, (struct ehlo_span){line.bytes, n});
    line = from(line, n + end);
  } while (end > 0);
}

void explain_log_end(struct explain_log *l) {
  finish(l);
}
