// swaks: a mark of three characters, a blank, and the line. ` -> ` and `<-  ` in cleartext, ` ~> ` and
// `<~  ` under TLS, with stars for what failed; `===` and `***` are remarks. It shows no times (but
// those of --show-time-lapse, which are remarks) and no chunks.
#include "replay/import/parsers.h"

// A mark, and what its line is.
static const struct mark {
  const char *text;
  enum { CLIENT, SERVER, REMARK, DUMP } what;
} marks[] = {
    {" -> ", CLIENT},
    {" ~> ", CLIENT},
    {"**> ", CLIENT},
    {"*~> ", CLIENT},
    {"<-  ", SERVER},
    {"<~  ", SERVER},
    {"<** ", SERVER},
    {"<~* ", SERVER},
    {"=== ", REMARK},
    {"*** ", REMARK},
    // --show-raw-text: the same octets once more, in hexadecimal.
    {"  > ", DUMP},
    {"<   ", DUMP},
};
#define NUM_MARKS (sizeof(marks) / sizeof(marks[0]))

static const struct mark *take_mark(struct text *t) {
  for (size_t m = 0; m < NUM_MARKS; m++) {
    if (text_take(t, marks[m].text)) {
      return &marks[m];
    }
  }
  return NULL;
}

static bool recognises(struct text line) {
  struct text t = line;
  return text_begins(t, "=== Trying ") || text_begins(t, "=== Connected to ") ||
         ((text_begins(t, "<-  ") || text_begins(t, "<~  ") || text_begins(t, "<** ")) &&
          text_is_reply(text_after(t, 4))) ||
         text_begins(t, " -> EHLO ") || text_begins(t, " ~> EHLO ");
}

// "127.0.0.1." behind "Connected to"; the port stands above it, in a remark.
static void connected(struct ehlo_importer *i, struct text place) {
  char fact[300] = "connect ";
  size_t len = 8;
  while (place.len > 0 && place.bytes[place.len - 1] == '.') {
    place.len--;
  }
  for (size_t n = 0; n < place.len && place.bytes[n] > ' ' && place.bytes[n] < 0x7f &&
                     place.bytes[n] != '\\' && len < sizeof(fact) - 1;
       n++) {
    fact[len++] = (char)place.bytes[n];
  }
  fact[len] = '\0';
  if (len > 8) {
    ehlo_import_fact(&i->session, fact, EHLO_NO_TIME);
  }
}

static void remark(struct ehlo_importer *i, struct text line, struct text t) {
  if (text_take(&t, "TLS started with cipher ") || text_take(&t, "TLS started w/ cipher ")) {
    ehlo_import_tls(&i->session, t.bytes, t.len, EHLO_NO_TIME);
  } else if (text_begins(t, "TLS startup failed")) {
    comment(i, line);
    ehlo_import_fact(&i->session, "tls failed as swaks says", EHLO_NO_TIME);
  } else if (!i->session.begun && text_begins(t, "Error connecting to ")) {
    comment(i, line);
    ehlo_import_fact(&i->session, "connect failed as swaks says above", EHLO_NO_TIME);
  } else if (!i->session.begun && text_take(&t, "Connected to ")) {
    connected(i, t);
  } else {
    comment(i, line);
  }
}

// "13 lines sent", which -n shows in the message's place.
static bool is_summary(const struct ehlo_importer *i, struct text t) {
  uint64_t num;
  return i->session.in_message && !i->session.message_begun && text_take_number(&t, &num, 10) &&
         text_is(t, " lines sent");
}

static void take(struct ehlo_importer *i, const struct piece *piece) {
  struct text t = piece->text;
  const struct mark *mark = take_mark(&t);
  if (mark == NULL) {
    comment(i, piece->text);
    return;
  }
  switch (mark->what) {
    case CLIENT:
      if (is_summary(i, t)) {
        comment(i, t);
      } else {
        client_line(i, t, EHLO_NO_TIME);
      }
      break;
    case SERVER:
      server_line(i, t, EHLO_NO_TIME);
      break;
    case REMARK:
      remark(i, piece->text, t);
      break;
    case DUMP:
      break;
  }
}

const struct parser parser_swaks = {"swaks", false, recognises, take, NULL};
