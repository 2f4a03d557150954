// See course.h. A table of verbs, and one switch with what each reply changes.
#include "replay/course.h"

#include <string.h>

static const char *const names[EHLO_NUM_MEANINGS] = {
    [EHLO_MEANS_GREETING] = "greeting", [EHLO_MEANS_EHLO] = "EHLO",
    [EHLO_MEANS_HELO] = "HELO",         [EHLO_MEANS_LHLO] = "LHLO",
    [EHLO_MEANS_STARTTLS] = "STARTTLS", [EHLO_MEANS_AUTH] = "AUTH",
    [EHLO_MEANS_RESPONSE] = "response", [EHLO_MEANS_MAIL] = "MAIL",
    [EHLO_MEANS_RCPT] = "RCPT",         [EHLO_MEANS_DATA] = "DATA",
    [EHLO_MEANS_CHUNK] = "BDAT",        [EHLO_MEANS_MESSAGE] = "message",
    [EHLO_MEANS_RSET] = "RSET",         [EHLO_MEANS_NOOP] = "NOOP",
    [EHLO_MEANS_QUIT] = "QUIT",         [EHLO_MEANS_VRFY] = "VRFY",
    [EHLO_MEANS_EXPN] = "EXPN",         [EHLO_MEANS_HELP] = "HELP",
    [EHLO_MEANS_XCLIENT] = "XCLIENT",   [EHLO_MEANS_OTHER] = "other",
};

const char *ehlo_meaning_name(enum ehlo_meaning meaning) {
  return names[meaning];
}

// ---- Command lines ------------------------------------------------------------------------------

static uint8_t upper(uint8_t c) {
  return c >= 'a' && c <= 'z' ? (uint8_t)(c - 'a' + 'A') : c;
}

static bool is_word(const uint8_t *text, size_t len, const char *word) {
  if (len != strlen(word)) {
    return false;
  }
  for (size_t i = 0; i < len; i++) {
    if (upper(text[i]) != (uint8_t)word[i]) {
      return false;
    }
  }
  return true;
}

static void skip_blanks(struct ehlo_command_line *c) {
  while (c->argument_len > 0 && (c->argument[0] == ' ' || c->argument[0] == '\t')) {
    c->argument++;
    c->argument_len--;
  }
}

static size_t word_len(const struct ehlo_command_line *c) {
  size_t len = 0;
  while (len < c->argument_len && c->argument[len] != ' ' && c->argument[len] != '\t') {
    len++;
  }
  return len;
}

// Leaves the path alone, whatever parameters follow it. It ends at the first '>' outside quotes.
static void read_path(struct ehlo_command_line *c) {
  const uint8_t *start = c->argument_len > 0 ? memchr(c->argument, '<', c->argument_len) : NULL;
  if (start == NULL) {
    c->argument_len = 0;
    return;
  }
  size_t left = c->argument_len - (size_t)(start + 1 - c->argument);
  bool quoted = false;
  size_t len = 0;
  for (; len < left && (quoted || start[1 + len] != '>'); len++) {
    if (start[1 + len] == '"') {
      quoted = !quoted;
    } else if (start[1 + len] == '\\' && quoted && len + 1 < left) {
      len++;
    }
  }
  c->argument = start + 1;
  c->argument_len = len;
}

// chunk-size [ SP "LAST" ]   RFC 3030 §2
static void read_chunk(struct ehlo_command_line *c) {
  size_t len = word_len(c);
  c->meaning = EHLO_MEANS_OTHER;
  c->octets = 0;
  for (size_t i = 0; i < len; i++) {
    if (i == 18 || c->argument[i] < '0' || c->argument[i] > '9') {
      return;
    }
    c->octets = c->octets * 10 + (uint64_t)(c->argument[i] - '0');
  }
  if (len == 0) {
    return;
  }
  c->argument += len;
  c->argument_len -= len;
  skip_blanks(c);
  bool last = is_word(c->argument, word_len(c), "LAST");
  if (c->argument_len == 0 || last) {
    c->is_bdat = true;
    c->meaning = last ? EHLO_MEANS_MESSAGE : EHLO_MEANS_CHUNK;
  }
}

// FNV-1a.
static uint32_t hash_of(const uint8_t *word, size_t len) {
  uint32_t hash = UINT32_C(2166136261);
  for (size_t i = 0; i < len; i++) {
    hash = (hash ^ upper(word[i])) * UINT32_C(16777619);
  }
  return hash;
}

void ehlo_command_read(struct ehlo_command_line *out, const uint8_t *line, size_t len) {
  static const enum ehlo_meaning verbs[] = {
      EHLO_MEANS_EHLO,  EHLO_MEANS_HELO, EHLO_MEANS_LHLO, EHLO_MEANS_STARTTLS,
      EHLO_MEANS_AUTH,  EHLO_MEANS_MAIL, EHLO_MEANS_RCPT, EHLO_MEANS_DATA,
      EHLO_MEANS_CHUNK, EHLO_MEANS_RSET, EHLO_MEANS_NOOP, EHLO_MEANS_QUIT,
      EHLO_MEANS_VRFY,  EHLO_MEANS_EXPN, EHLO_MEANS_HELP, EHLO_MEANS_XCLIENT,
  };
  *out = (struct ehlo_command_line){EHLO_MEANS_OTHER, false, 0, 0, line, len};
  size_t verb_len = word_len(out);
  out->verb = hash_of(line, verb_len);
  for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
    if (is_word(line, verb_len, names[verbs[i]])) {
      out->meaning = verbs[i];
    }
  }
  out->argument += verb_len;
  out->argument_len -= verb_len;
  skip_blanks(out);
  if (out->meaning == EHLO_MEANS_CHUNK) {
    read_chunk(out);
  } else if (out->meaning == EHLO_MEANS_MAIL || out->meaning == EHLO_MEANS_RCPT) {
    read_path(out);
  }
}

// ---- Replies ------------------------------------------------------------------------------------

unsigned ehlo_code_of(const uint8_t *text, size_t len) {
  unsigned code = 0;
  for (size_t i = 0; i < 3; i++) {
    if (i >= len || text[i] < '0' || text[i] > '9') {
      return 0;
    }
    code = code * 10 + (unsigned)(text[i] - '0');
  }
  return code;
}

static void end_transaction(struct ehlo_course *course) {
  course->bits &= ~(EHLO_COURSE_IN_MAIL | EHLO_COURSE_RECIPIENT);
  course->num_accepted = 0;
}

void ehlo_course_take(struct ehlo_course *course, enum ehlo_meaning meaning, unsigned code) {
  bool success = code / 100 == 2;
  switch (meaning) {
    case EHLO_MEANS_EHLO:
    case EHLO_MEANS_HELO:
    case EHLO_MEANS_LHLO:
      if (success) {
        end_transaction(course);
        course->bits |= EHLO_COURSE_GREETED;
        course->lmtp = meaning == EHLO_MEANS_LHLO;
      }
      break;
    case EHLO_MEANS_STARTTLS:
      if (code == 220) {
        end_transaction(course);
        course->bits = EHLO_COURSE_TLS;  // RFC 3207 §4.2: what was before is forgotten
      }
      break;
    case EHLO_MEANS_AUTH:
    case EHLO_MEANS_RESPONSE:
      course->bits |= success ? EHLO_COURSE_AUTHENTICATED : 0;
      break;
    case EHLO_MEANS_MAIL:
      course->transaction++;
      if (success) {
        end_transaction(course);
        course->bits |= EHLO_COURSE_IN_MAIL;
      }
      break;
    case EHLO_MEANS_RCPT:
      if (success && (course->bits & EHLO_COURSE_IN_MAIL) != 0) {
        course->num_accepted++;
        course->bits |= EHLO_COURSE_RECIPIENT;
      }
      break;
    case EHLO_MEANS_MESSAGE:
      end_transaction(course);
      break;
    case EHLO_MEANS_RSET:
      if (success) {
        end_transaction(course);
      }
      break;
    case EHLO_MEANS_XCLIENT:
      if (success) {
        end_transaction(course);
        course->bits &= ~EHLO_COURSE_GREETED;
      }
      break;
    case EHLO_MEANS_GREETING:
    case EHLO_MEANS_DATA:
    case EHLO_MEANS_CHUNK:
    case EHLO_MEANS_NOOP:
    case EHLO_MEANS_QUIT:
    case EHLO_MEANS_VRFY:
    case EHLO_MEANS_EXPN:
    case EHLO_MEANS_HELP:
    case EHLO_MEANS_OTHER:
    case EHLO_NUM_MEANINGS:
      break;
  }
}
