// The lines of a log, to the parser of its format. It cuts them the same however the log was read,
// and knows nothing of what is in them.
#include "replay/import/import.h"

#include <string.h>

#include "replay/import/parsers.h"

static const struct parser *const parsers[EHLO_IMPORT_NUM_FORMATS] = {
    [EHLO_IMPORT_S_CLIENT] = &parser_s_client,   [EHLO_IMPORT_SWAKS] = &parser_swaks,
    [EHLO_IMPORT_CURL] = &parser_curl,           [EHLO_IMPORT_CURL_TRACE] = &parser_curl_trace,
    [EHLO_IMPORT_MSMTP] = &parser_msmtp,         [EHLO_IMPORT_SMTPLIB] = &parser_smtplib,
    [EHLO_IMPORT_PHPMAILER] = &parser_phpmailer, [EHLO_IMPORT_NODEMAILER] = &parser_nodemailer,
};

const char *ehlo_import_format_name(enum ehlo_import_format format) {
  return format == EHLO_IMPORT_UNKNOWN ? NULL : parsers[format]->name;
}

enum ehlo_import_format ehlo_import_format_named(const char *name) {
  for (unsigned f = 1; f < EHLO_IMPORT_NUM_FORMATS; f++) {
    if (strcmp(parsers[f]->name, name) == 0) {
      return (enum ehlo_import_format)f;
    }
  }
  return EHLO_IMPORT_UNKNOWN;
}

static struct text without_cr(struct text t) {
  while (t.len > 0 && t.bytes[t.len - 1] == '\r') {
    t.len--;
  }
  return t;
}

// A mark that Windows puts before text in UTF-8.
static const char byte_order_mark[] = "\xef\xbb\xbf";

enum ehlo_import_format ehlo_import_recognise(const uint8_t *head, size_t len) {
  struct text rest = {head, len};
  text_take(&rest, byte_order_mark);
  while (rest.len > 0) {
    size_t end = text_find(rest, "\n");
    struct text line = without_cr((struct text){rest.bytes, end});
    for (unsigned f = 1; f < EHLO_IMPORT_NUM_FORMATS; f++) {
      if (parsers[f]->recognises(line)) {
        return (enum ehlo_import_format)f;
      }
    }
    rest = text_after(rest, end + 1);
  }
  return EHLO_IMPORT_UNKNOWN;
}

void ehlo_importer_init(struct ehlo_importer *i, enum ehlo_import_format format,
                        const struct ehlo_scrub *learned, ehlo_write_fn write, void *arg) {
  memset(i, 0, sizeof(*i));
  i->format = format;
  i->line_number = 1;
  ehlo_import_session_init(&i->session, learned, write, arg);
}

static void fail_at(struct ehlo_importer *i, size_t column, const char *message) {
  if (!i->failed) {
    i->failed = true;
    i->error = (struct ehlo_import_error){i->line_number, column + 1, message};
  }
}

void importer_fail(struct ehlo_importer *i, const struct piece *piece, const uint8_t *at,
                   const char *message) {
  fail_at(i, i->column + (size_t)(at - piece->text.bytes), message);
}

// Gives what is held to the parser, as the end of a line or as a piece of one.
static void give(struct ehlo_importer *i, bool ends) {
  const struct parser *parser = parsers[i->format];
  struct piece piece = {{i->buf, i->len}, !i->mid_line, ends};
  if (i->line_number == 1 && piece.begins) {
    text_take(&piece.text, byte_order_mark);
  }
  const uint8_t *nul = memchr(i->buf, '\0', i->len);
  if (nul != NULL) {
    importer_fail(i, &piece, nul, "a NUL: this is no log in text");
  } else if ((!piece.begins || !ends) && !parser->takes_pieces) {
    fail_at(i, EHLO_IMPORT_LINE_MAX, "the line is too long for a log of this format");
  } else {
    if (ends) {
      piece.text = without_cr(piece.text);
    }
    parser->take(i, &piece);
  }
  i->column = ends ? 0 : i->column + i->len;
  i->mid_line = !ends;
  i->line_number += ends;
  i->len = 0;
}

bool ehlo_importer_feed(struct ehlo_importer *i, const uint8_t *bytes, size_t len) {
  for (size_t at = 0; at < len && !i->failed;) {
    const uint8_t *end = memchr(bytes + at, '\n', len - at);
    size_t n = end != NULL ? (size_t)(end - bytes) - at : len - at;
    size_t room = sizeof(i->buf) - i->len;
    bool fits = n <= room;
    n = fits ? n : room;
    memcpy(i->buf + i->len, bytes + at, n);
    i->len += n;
    at += n;
    if (fits && end != NULL) {
      at++;
      give(i, true);
    } else if (!fits) {
      give(i, false);
    }
  }
  return !i->failed;
}

bool ehlo_importer_finish(struct ehlo_importer *i) {
  if (!i->failed && (i->len > 0 || i->mid_line)) {
    give(i, true);
  }
  if (!i->failed && parsers[i->format]->finish != NULL) {
    parsers[i->format]->finish(i);
  }
  if (!i->session.begun) {
    fail_at(i, 0, "the log ends, and nothing in it is SMTP in this format");
  }
  ehlo_import_session_finish(&i->session);
  return !i->failed;
}

bool ehlo_importer_write_failed(const struct ehlo_importer *i) {
  return ehlo_import_session_failed(&i->session);
}
