// From the server's stream to replies: engine/SPECIFICATION.md, "A line of a reply". A line is looked at when
// all of it is there, or as much as may be.
#include <string.h>

#include "fuzz/model.h"
#include "fuzz/model_parts.h"

static struct ehlo_span of_server(const struct ehlo_model *m, size_t at, size_t end) {
  return (struct ehlo_span){at < end ? m->server.bytes + at : NULL, end - at};
}

static uint16_t code_of(struct ehlo_span line) {
  return (uint16_t)((line.bytes[0] - '0') * 100 + (line.bytes[1] - '0') * 10 + line.bytes[2] - '0');
}

// 1 to 3: the first octet that cannot stand where it does, or the length.
static size_t bad_octet(struct ehlo_span line) {
  static const char *const head[] = {"2345", "0123456789", "0123456789", " -\r"};
  for (size_t i = 0; i < 4 && i < line.len; i++) {
    if (!ehlo_model_is_one_of(line.bytes[i], head[i])) {
      return i;
    }
  }
  const uint8_t *first = line.len > 0 ? memchr(line.bytes, '\r', line.len) : NULL;
  size_t cr = first != NULL ? (size_t)(first - line.bytes) : line.len;
  const uint8_t *nul = cr > 0 ? memchr(line.bytes, '\0', cr) : NULL;
  if (nul != NULL) {
    return (size_t)(nul - line.bytes);
  }
  if (cr + 1 < line.len && line.bytes[cr + 1] != '\n') {
    return cr;
  }
  bool bare_lf = cr == line.len && line.len > 0 && line.bytes[line.len - 1] == '\n';
  return bare_lf ? line.len - 1 : line.len;
}

// Without its end, as an error names it.
static struct ehlo_model_range named(const struct ehlo_model *m, size_t end) {
  size_t at = m->line_at;
  end -= end > at && m->server.bytes[end - 1] == '\n';
  end -= end > at && m->server.bytes[end - 1] == '\r';
  return (struct ehlo_model_range){at, end - at};
}

// 1 to 4, of the line up to `end`. True: it may go on.
static bool judge(struct ehlo_model *m, size_t end) {
  struct ehlo_span line = of_server(m, m->line_at, end);
  size_t bad = bad_octet(line);
  if (bad < line.len) {
    ehlo_model_fail(m, EHLO_E_REPLY_SYNTAX, m->line_at + bad, named(m, end));
    return false;
  }
  if (m->num_lines > 0 && line.len >= 3 && code_of(line) != m->code) {
    ehlo_model_fail(m, EHLO_E_REPLY_CODE, m->line_at, named(m, end));
    return false;
  }
  return true;
}

// Where the limits of a line and of the reply end this line.
static void limits(const struct ehlo_model *m, size_t *out_line_end, size_t *out_reply_end) {
  struct ehlo_span line = of_server(m, m->line_at, m->server.len);
  bool challenge =
      ehlo_model_oldest(m) == EHLO_VERB_AUTH && line.len >= 3 && memcmp(line.bytes, "334", 3) == 0;
  size_t max = challenge ? EHLO_TOKEN_MAX + 6 : EHLO_REPLY_LINE_MAX;
  size_t room = challenge ? m->reply_max / 7 * 4 : m->reply_max;  // it is decoded in the same place
  *out_line_end = m->line_at + (max < room ? max : room);
  *out_reply_end = m->reply_at + m->reply_max;
}

// Takes the line at hand, of which so much is there. False: nothing more can be made of the stream now.
static bool take_line(struct ehlo_model *m) {
  size_t line_end;
  size_t reply_end;
  limits(m, &line_end, &reply_end);
  size_t max = line_end < reply_end ? line_end : reply_end;
  bool over = m->server.len > max;
  size_t end = over ? max : m->server.len;
  const uint8_t *lf =
      end > m->line_at ? memchr(m->server.bytes + m->line_at, '\n', end - m->line_at) : NULL;
  if (lf == NULL && !over) {
    return false;
  }
  end = lf != NULL ? (size_t)(lf - m->server.bytes) + 1 : end;
  if (!judge(m, end)) {
    return false;
  }
  if (lf == NULL) {
    enum ehlo_status status = line_end <= reply_end ? EHLO_E_LINE_TOO_LONG : EHLO_E_REPLY_TOO_LONG;
    ehlo_model_fail(m, status, max, named(m, end));
    return false;
  }
  struct ehlo_model_range line = named(m, end);
  bool last = m->server.bytes[m->line_at + 3] != '-';
  m->code = code_of(of_server(m, m->line_at, end));
  m->num_lines++;
  m->line_at = end;
  if (last) {
    ehlo_model_reply(m, line);
    m->reply_at = m->line_at;
    m->num_lines = 0;
  }
  return true;
}

enum ehlo_status ehlo_model_input(struct ehlo_model *m, struct ehlo_span bytes) {
  if (ehlo_model_is_over(m) || bytes.len == 0) {
    return m->error;
  }
  ehlo_fuzz_add(&m->server, bytes.bytes, bytes.len);
  while (!ehlo_model_is_over(m) && m->line_at < m->server.len) {
    if (m->confirmed == EHLO_STATE_TLS) {
      ehlo_model_fail(m, EHLO_E_STARTTLS_INJECTION, m->line_at, (struct ehlo_model_range){0, 0});
    } else if (m->num_lines == EHLO_REPLY_LINES_MAX) {
      ehlo_model_fail(m, EHLO_E_TOO_MANY_LINES, m->line_at, (struct ehlo_model_range){0, 0});
    } else if (!take_line(m)) {
      break;
    }
  }
  return m->error;
}

void ehlo_model_end_stream(struct ehlo_model *m, enum ehlo_status why) {
  size_t end = m->server.len;
  if (judge(m, end)) {
    ehlo_model_fail(m, why, end, named(m, end));
  }
}
