// See reference_message.h.
#include "fuzz/reference_message.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum line_end { END_NONE, END_LF, END_CRLF, END_CR };

struct line {
  const uint8_t *text;
  size_t len;
  enum line_end end;
  bool in_header;  // before the blank line
  bool is_field;
  bool is_bad;
};

struct lines {
  struct line *line;
  size_t num;
};

// RFC 5322 §2.2: 1*ftext ":", ftext is %d33-57 / %d59-126.
static size_t name_len(const struct line *l) {
  for (size_t i = 0; i < l->len; i++) {
    if (l->text[i] == ':') {
      return i;
    }
    if (l->text[i] < 33 || l->text[i] > 126) {
      return 0;
    }
  }
  return 0;
}

static void cut_lines(struct lines *out, const uint8_t *message, size_t len) {
  out->line = calloc(len + 1, sizeof(*out->line));
  EHLO_FUZZ_CHECK(out->line != NULL);
  for (size_t at = 0; at < len; out->num++) {
    struct line *l = &out->line[out->num];
    size_t stop = at;
    while (stop < len && message[stop] != '\n' && message[stop] != '\r') {
      stop++;
    }
    l->text = message + at;
    l->len = stop - at;
    at = stop;
    if (at == len) {
      l->end = END_NONE;
    } else if (message[at] == '\n') {
      l->end = END_LF;
      at += 1;
    } else {
      l->end = at + 1 < len && message[at + 1] == '\n' ? END_CRLF : END_CR;
      at += l->end == END_CRLF ? 2 : 1;
    }
  }
}

static void read_header(struct lines *lines) {
  bool any = false;
  for (size_t i = 0; i < lines->num; i++) {
    struct line *l = &lines->line[i];
    l->in_header = true;
    if (l->len == 0) {
      return;
    }
    bool folded = any && (l->text[0] == ' ' || l->text[0] == '\t');
    l->is_field = !folded && name_len(l) > 0;
    l->is_bad = !folded && !l->is_field;
    any = any || l->is_field;
  }
}

// How often a kind of finding is on one line.
static size_t times(const struct line *l, enum ehlo_finding_kind kind) {
  size_t nuls = 0;
  size_t dots = 0;
  size_t high = 0;
  for (size_t i = 0; i < l->len; i++) {
    nuls += l->text[i] == 0;
    dots += l->text[i] == '.';
    high += l->text[i] > 127;
  }
  bool nul_dot = l->len > 1 && l->text[0] == 0 && dots == 1 && nuls == l->len - 1;
  const size_t count[EHLO_NUM_FINDINGS] = {
      [EHLO_FINDING_BARE_CR] = l->end == END_CR,
      [EHLO_FINDING_NUL_DOT] = nul_dot,
      [EHLO_FINDING_NUL] = nuls,
      [EHLO_FINDING_LONG_LINE] = l->len > 998,
      [EHLO_FINDING_BARE_LF] = l->end == END_LF,
      [EHLO_FINDING_NO_LAST_END] = l->end == END_NONE,
      [EHLO_FINDING_EIGHT_BIT_HEADER] = l->in_header ? high : 0,
      [EHLO_FINDING_EIGHT_BIT_BODY] = l->in_header ? 0 : high,
      [EHLO_FINDING_BAD_HEADER] = l->is_bad,
  };
  return count[kind];
}

static void add(struct ehlo_reference_message *out, struct ehlo_finding finding) {
  out->findings[out->num_findings++] = finding;
}

static uint64_t first_with(const struct lines *lines, enum line_end end) {
  for (size_t i = 0; i < lines->num; i++) {
    if (lines->line[i].end == end) {
      return i + 1;
    }
  }
  return 0;
}

static void find_kind(struct ehlo_reference_message *out, const struct lines *lines,
                      enum ehlo_finding_kind kind) {
  struct ehlo_finding finding = {.kind = kind};
  for (size_t i = 0; i < lines->num; i++) {
    size_t n = times(&lines->line[i], kind);
    finding.line = finding.count == 0 && n > 0 ? i + 1 : finding.line;
    finding.count += n;
  }
  if (finding.count > 0) {
    add(out, finding);
  }
}

static void find_mixed(struct ehlo_reference_message *out, const struct lines *lines) {
  uint64_t lf = first_with(lines, END_LF);
  uint64_t crlf = first_with(lines, END_CRLF);
  if (lf > 0 && crlf > 0) {
    add(out, (struct ehlo_finding){EHLO_FINDING_MIXED_ENDS, NULL, 1, lf > crlf ? lf : crlf,
                                   lf > crlf ? crlf : lf});
  }
}

// In the order in which the engine has them.
static const char *const fields[EHLO_NUM_SINGLE_FIELDS] = {
    "From", "Date",       "Sender",      "Reply-To",   "To",      "Cc",
    "Bcc",  "Message-ID", "In-Reply-To", "References", "Subject",
};

static struct ehlo_finding find_field(const struct lines *lines, const char *name) {
  struct ehlo_finding f = {EHLO_FINDING_TWICE, name, 0, 0, 0};
  for (size_t i = 0; i < lines->num; i++) {
    const struct line *l = &lines->line[i];
    if (l->is_field && name_len(l) == strlen(name) &&
        strncasecmp((const char *)l->text, name, strlen(name)) == 0) {
      f.count++;
      f.other_line = f.count == 1 ? i + 1 : f.other_line;
      f.line = f.count == 2 ? i + 1 : f.line;
    }
  }
  return f;
}

static void find_fields(struct ehlo_reference_message *out, const struct lines *lines,
                        uint64_t header_lines) {
  for (size_t i = 0; i < EHLO_NUM_SINGLE_FIELDS; i++) {
    struct ehlo_finding f = find_field(lines, fields[i]);
    if (f.count > 1) {
      add(out, f);
    }
  }
  for (size_t i = 0; i < 2 && header_lines > 0; i++) {
    if (find_field(lines, fields[i]).count == 0) {
      add(out, (struct ehlo_finding){EHLO_FINDING_MISSING, fields[i], 1, header_lines, 0});
    }
  }
}

void ehlo_reference_message(struct ehlo_reference_message *out, const uint8_t *message,
                            size_t len) {
  struct lines lines = {0};
  uint64_t header_lines = 0;
  bool blank = false;
  memset(out, 0, sizeof(*out));
  cut_lines(&lines, message, len);
  read_header(&lines);
  out->num_lines = lines.num;
  for (size_t i = 0; i < lines.num; i++) {
    const struct line *l = &lines.line[i];
    out->size += l->len + 2;
    out->num_fields += l->is_field;
    header_lines += l->in_header;
    blank = blank || (l->in_header && l->len == 0);
  }
  bool is_message = lines.num > 0 && out->num_fields > 0 && !lines.line[0].is_bad;
  for (int kind = 0; kind < EHLO_FINDING_TWICE; kind++) {
    if (kind == EHLO_FINDING_NO_HEADER && !is_message) {
      add(out, (struct ehlo_finding){EHLO_FINDING_NO_HEADER, NULL, 1, 1, 0});
    } else if (kind == EHLO_FINDING_MIXED_ENDS) {
      find_mixed(out, &lines);
    } else if (kind == EHLO_FINDING_NO_BLANK_LINE && is_message && !blank) {
      add(out, (struct ehlo_finding){EHLO_FINDING_NO_BLANK_LINE, NULL, 1, lines.num, 0});
    } else {
      find_kind(out, &lines, (enum ehlo_finding_kind)kind);
    }
  }
  find_fields(out, &lines, is_message ? header_lines : 0);
  free(lines.line);
}
