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

void ehlo_preflight_init(struct ehlo_preflight *p) {
  memset(p, 0, sizeof(*p));
}

static void note(struct ehlo_preflight *p, struct ehlo_finding *finding) {
  if (finding->count++ == 0) {
    finding->first_line = p->num_lines + 1;
  }
}

// RFC 5322 §2.2: a field is a name of printable ASCII without colon, a colon, and a body; §2.2.3: a
// line that begins with a blank goes on the field before it.
static void header_octet(struct ehlo_preflight *p, uint8_t c) {
  switch (p->header) {
    case AT_START:
      if ((c == ' ' || c == '\t') && p->num_fields > 0) {
        p->header = IN_VALUE;
      } else {
        p->header = c > ' ' && c < 0x7f && c != ':' ? IN_NAME : IN_BAD;
      }
      break;
    case IN_NAME:
      if (c == ':') {
        p->header = IN_VALUE;
        p->num_fields++;
      } else if (c <= ' ' || c >= 0x7f) {
        p->header = IN_BAD;
      }
      break;
    default:
      break;
  }
}

static void end_line(struct ehlo_preflight *p) {
  if (p->line_len > EHLO_TEXT_LINE_MAX) {
    note(p, &p->long_line);
  }
  if (!p->in_body && (p->header == IN_NAME || p->header == IN_BAD)) {
    note(p, &p->bad_header);
  }
  p->in_body = p->in_body || p->line_len == 0;
  p->header = AT_START;
  p->line_len = 0;
  p->wire_size += 2;
  p->num_lines++;
}

static void octet(struct ehlo_preflight *p, uint8_t c) {
  p->line_len++;
  p->wire_size++;
  if (c == 0) {
    note(p, &p->nul);
  }
  if (c >= 0x80) {
    note(p, &p->eight_bit);
  }
  if (!p->in_body) {
    header_octet(p, c);
  }
}

// A CR without LF would be a line end where it is repaired, so the line counts as ended.
static void bare_cr(struct ehlo_preflight *p) {
  note(p, &p->bare_cr);
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
      p->cr = false;
      end_line(p);
    } else if (c == '\r') {
      p->cr = true;
    } else {
      octet(p, c);
    }
  }
}

void ehlo_preflight_end(struct ehlo_preflight *p) {
  if (p->cr) {
    bare_cr(p);
  } else if (p->line_len > 0) {
    end_line(p);
  }
}

bool ehlo_preflight_is_message(const struct ehlo_preflight *p) {
  return p->num_fields > 0 && (p->bad_header.count == 0 || p->bad_header.first_line > 1);
}
