// One pass over the message, octet by octet, independent of how it is cut.
#include "engine/preflight.h"

#include <string.h>

// Where a header line stands.
enum header_place {
  AT_START = 0,  // of a line
  IN_NAME,       // of a field
  IN_VALUE,      // behind its colon, or in a continuation line
  IN_BAD,        // neither
};

static const struct kind_row {
  const char *name;
  const char *text;
} kinds[EHLO_NUM_FINDINGS] = {
    [EHLO_FINDING_NO_HEADER] = {"no-header",
                                "this is not a message: it does not begin with a header "
                                "field such as \"Subject: …\""},
    [EHLO_FINDING_BARE_CR] = {"bare-cr",
                              "a carriage return without a line feed, which servers take "
                              "in different ways"},
    [EHLO_FINDING_NUL_DOT] = {"nul-dot",
                              "a line of nothing but NUL bytes and one dot, which some "
                              "servers take for the end of the message"},
    [EHLO_FINDING_NUL] = {"nul", "a NUL byte"},
    [EHLO_FINDING_LONG_LINE] = {"long-line", "a line of more than 998 octets"},
    [EHLO_FINDING_BARE_LF] = {"bare-lf", "a line end that is not CRLF"},
    [EHLO_FINDING_NO_LAST_END] = {"no-last-line-end", "the last line does not end in CRLF"},
    [EHLO_FINDING_MIXED_ENDS] = {"mixed-line-ends", "LF and CRLF both end lines"},
    [EHLO_FINDING_EIGHT_BIT_HEADER] = {"8bit-header",
                                       "8-bit characters in the header, which only "
                                       "SMTPUTF8 allows (RFC 6532); elsewhere they "
                                       "are encoded words (RFC 2047)"},
    [EHLO_FINDING_EIGHT_BIT_BODY] = {"8bit-body", "8-bit characters, which need 8BITMIME"},
    [EHLO_FINDING_BAD_HEADER] = {"bad-header",
                                 "neither a header field nor the continuation of one"},
    [EHLO_FINDING_NO_BLANK_LINE] = {"no-blank-line",
                                    "no blank line ends the header, so there is no "
                                    "body"},
    [EHLO_FINDING_TWICE] = {"duplicate-field", "stands twice, and may stand once (RFC 5322 §3.6)"},
    [EHLO_FINDING_MISSING] = {"missing-field", "is missing from the header (RFC 5322 §3.6)"},
};

const char *ehlo_finding_name(enum ehlo_finding_kind kind) {
  return (unsigned)kind < EHLO_NUM_FINDINGS ? kinds[kind].name : "unknown";
}

const char *ehlo_finding_text(enum ehlo_finding_kind kind) {
  return (unsigned)kind < EHLO_NUM_FINDINGS ? kinds[kind].text : "unknown";
}

// RFC 5322 §3.6: the fields with a maximum of 1, the first two with a minimum of 1 too.
static const char *const single_fields[EHLO_NUM_SINGLE_FIELDS] = {
    "From", "Date",       "Sender",      "Reply-To",   "To",      "Cc",
    "Bcc",  "Message-ID", "In-Reply-To", "References", "Subject",
};
#define NUM_REQUIRED_FIELDS 2

void ehlo_preflight_init(struct ehlo_preflight *p) {
  memset(p, 0, sizeof(*p));
}

static void add(struct ehlo_found *found, uint64_t line) {
  if (found->count++ == 0) {
    found->line = line;
  }
}

static void note(struct ehlo_preflight *p, enum ehlo_finding_kind kind) {
  add(&p->found[kind], p->num_lines + 1);
}

// ---- The header -----------------------------------------------------------------------------------

static uint8_t lower(uint8_t c) {
  return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

static void name_octet(struct ehlo_preflight *p, uint8_t c) {
  if (p->name_len < EHLO_FIELD_NAME_LEN) {
    p->name[p->name_len++] = lower(c);
  }
}

static bool name_is(const struct ehlo_preflight *p, const char *name) {
  for (size_t i = 0; i < p->name_len; i++) {
    if (p->name[i] != lower((uint8_t)name[i])) {
      return false;  // at the latest at the end of the shorter one
    }
  }
  return name[p->name_len] == '\0';
}

static void end_name(struct ehlo_preflight *p) {
  p->header = IN_VALUE;
  p->num_fields++;
  for (size_t i = 0; i < EHLO_NUM_SINGLE_FIELDS; i++) {
    if (name_is(p, single_fields[i])) {
      add(&p->fields[i], p->num_lines + 1);
      if (p->fields[i].count == 2) {
        p->second_line[i] = p->num_lines + 1;
      }
    }
  }
}

// RFC 5322 §2.2: a field is a name of printable ASCII without colon, a colon, and a body; §2.2.3: a
// line that begins with a blank goes on the field before it.
static void header_octet(struct ehlo_preflight *p, uint8_t c) {
  bool in_name = c > ' ' && c < 0x7f && c != ':';
  switch (p->header) {
    case AT_START:
      p->name_len = 0;
      if ((c == ' ' || c == '\t') && p->num_fields > 0) {
        p->header = IN_VALUE;
      } else {
        p->header = in_name ? IN_NAME : IN_BAD;
        name_octet(p, c);
      }
      break;
    case IN_NAME:
      if (c == ':') {
        end_name(p);
      } else if (in_name) {
        name_octet(p, c);
      } else {
        p->header = IN_BAD;
      }
      break;
    default:
      break;
  }
}

// ---- Octets and lines -----------------------------------------------------------------------------

static void end_line(struct ehlo_preflight *p) {
  if (p->line_len > EHLO_TEXT_LINE_MAX) {
    note(p, EHLO_FINDING_LONG_LINE);
  }
  if (p->begins_with_nul && p->line_dots == 1 && p->line_nuls + 1 == p->line_len) {
    note(p, EHLO_FINDING_NUL_DOT);
  }
  if (!p->in_body) {
    if (p->header == IN_NAME || p->header == IN_BAD) {
      note(p, EHLO_FINDING_BAD_HEADER);
    }
    p->in_body = p->line_len == 0;
    p->header_lines++;
  }
  p->header = AT_START;
  p->line_len = 0;
  p->line_nuls = 0;
  p->line_dots = 0;
  p->begins_with_nul = false;
  p->wire_size += 2;
  p->num_lines++;
}

static void octet(struct ehlo_preflight *p, uint8_t c) {
  p->line_len++;
  p->wire_size++;
  p->line_dots += c == '.';
  if (c == 0) {
    note(p, EHLO_FINDING_NUL);
    p->line_nuls++;
    p->begins_with_nul = p->begins_with_nul || p->line_len == 1;
  }
  if (c >= 0x80) {
    note(p, p->in_body ? EHLO_FINDING_EIGHT_BIT_BODY : EHLO_FINDING_EIGHT_BIT_HEADER);
  }
  if (!p->in_body) {
    header_octet(p, c);
  }
}

// A CR without LF would be a line end where it is repaired, so the line counts as ended.
static void bare_cr(struct ehlo_preflight *p) {
  note(p, EHLO_FINDING_BARE_CR);
  p->cr = false;
  end_line(p);
}

static void line_feed(struct ehlo_preflight *p) {
  if (p->cr) {
    add(&p->crlf, p->num_lines + 1);
  } else {
    note(p, EHLO_FINDING_BARE_LF);
  }
  p->cr = false;
  end_line(p);
}

void ehlo_preflight_feed(struct ehlo_preflight *p, const uint8_t *in, size_t len) {
  for (size_t i = 0; i < len; i++) {
    uint8_t c = in[i];
    if (p->cr && c != '\n') {
      bare_cr(p);
    }
    if (c == '\n') {
      line_feed(p);
    } else if (c == '\r') {
      p->cr = true;
    } else {
      octet(p, c);
    }
  }
}

// What only the end can tell.
void ehlo_preflight_end(struct ehlo_preflight *p) {
  if (p->cr) {
    bare_cr(p);
  } else if (p->line_len > 0) {
    note(p, EHLO_FINDING_NO_LAST_END);
    end_line(p);
  }
  const struct ehlo_found *lf = &p->found[EHLO_FINDING_BARE_LF];
  if (lf->count > 0 && p->crlf.count > 0) {
    uint64_t later = lf->line > p->crlf.line ? lf->line : p->crlf.line;
    p->found[EHLO_FINDING_MIXED_ENDS] = (struct ehlo_found){1, later};
  }
  if (!ehlo_preflight_is_message(p)) {
    p->found[EHLO_FINDING_NO_HEADER] = (struct ehlo_found){1, 1};
  } else if (!p->in_body) {
    p->found[EHLO_FINDING_NO_BLANK_LINE] = (struct ehlo_found){1, p->num_lines};
  }
}

// ---- What was found -------------------------------------------------------------------------------

static bool is_missing(const struct ehlo_preflight *p, size_t field) {
  return field < NUM_REQUIRED_FIELDS && p->fields[field].count == 0 && ehlo_preflight_is_message(p);
}

// One kind after the other; the last two have a place for each field.
static bool finding_at(const struct ehlo_preflight *p, size_t pos, struct ehlo_finding *out) {
  if (pos < EHLO_FINDING_TWICE) {
    const struct ehlo_found *f = &p->found[pos];
    *out = (struct ehlo_finding){(enum ehlo_finding_kind)pos, NULL, f->count, f->line, 0};
    if (pos == EHLO_FINDING_MIXED_ENDS) {
      const struct ehlo_found *lf = &p->found[EHLO_FINDING_BARE_LF];
      out->other_line = lf->line < p->crlf.line ? lf->line : p->crlf.line;
    }
    return f->count > 0;
  }
  bool missing = pos >= EHLO_FINDING_TWICE + EHLO_NUM_SINGLE_FIELDS;
  size_t field = (pos - EHLO_FINDING_TWICE) % EHLO_NUM_SINGLE_FIELDS;
  const char *name = single_fields[field];
  const struct ehlo_found *f = &p->fields[field];
  if (missing) {
    *out = (struct ehlo_finding){EHLO_FINDING_MISSING, name, 1, p->header_lines, 0};
    return is_missing(p, field);
  }
  *out = (struct ehlo_finding){EHLO_FINDING_TWICE, name, f->count, p->second_line[field], f->line};
  return f->count > 1;
}

bool ehlo_preflight_next(const struct ehlo_preflight *p, size_t *pos, struct ehlo_finding *out) {
  while (*pos < EHLO_FINDING_TWICE + 2 * EHLO_NUM_SINGLE_FIELDS) {
    if (finding_at(p, (*pos)++, out)) {
      return true;
    }
  }
  return false;
}

uint64_t ehlo_preflight_count(const struct ehlo_preflight *p, enum ehlo_finding_kind kind) {
  if (kind < EHLO_FINDING_TWICE) {
    return p->found[kind].count;
  }
  struct ehlo_finding finding;
  uint64_t count = 0;
  for (size_t pos = 0; ehlo_preflight_next(p, &pos, &finding);) {
    count += finding.kind == kind;
  }
  return count;
}

bool ehlo_preflight_is_message(const struct ehlo_preflight *p) {
  const struct ehlo_found *bad = &p->found[EHLO_FINDING_BAD_HEADER];
  return p->num_fields > 0 && (bad->count == 0 || bad->line > 1);
}

bool ehlo_preflight_is_8bit(const struct ehlo_preflight *p) {
  return p->found[EHLO_FINDING_EIGHT_BIT_HEADER].count > 0 ||
         p->found[EHLO_FINDING_EIGHT_BIT_BODY].count > 0;
}
