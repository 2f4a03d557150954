// A stream of its own over standard error, which looks at what goes by.
#include "tools/driver/complaints.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "engine/ehlo.h"
#include "tools/driver/text.h"

#define LINE_MAX_KEPT 1024

struct memory {
  char line[LINE_MAX_KEPT];  // under way, its beginning
  size_t len;
  char last[LINE_MAX_KEPT];
};

// What stands behind "ehlo: " or "ehlo COMMAND: "; NULL where neither does.
static const char *sentence_of(const char *line) {
  static const char name[] = "ehlo";
  if (strncmp(line, name, sizeof(name) - 1) != 0) {
    return NULL;
  }
  const char *at = line + sizeof(name) - 1;
  if (*at == ' ') {
    at += 1 + strspn(at + 1, "abcdefghijklmnopqrstuvwxyz");
  }
  return strncmp(at, ": ", 2) == 0 ? at + 2 : NULL;
}

static void take_line(struct memory *m) {
  m->line[m->len] = '\0';
  const char *sentence = sentence_of(m->line);
  if (sentence != NULL && strncasecmp(sentence, "warning", strlen("warning")) != 0) {
    memmove(m->last, sentence, strlen(sentence) + 1);
  }
  m->len = 0;
}

static ssize_t take(void *cookie, const char *bytes, size_t len) {
  struct memory *m = cookie;
  for (size_t i = 0; i < len; i++) {
    if (bytes[i] == '\n') {
      take_line(m);
    } else if (m->len < sizeof(m->line) - 1) {
      m->line[m->len++] = bytes[i];
    }
  }
  return (ssize_t)fwrite(bytes, 1, len, stderr);
}

static struct memory memory;

FILE *complaints(void) {
  static FILE *stream;
  if (stream == NULL) {
    stream = fopencookie(&memory, "w", (cookie_io_functions_t){.write = take});
    if (stream != NULL) {
      setvbuf(stream, NULL, _IONBF, 0);
    }
  }
  return stream != NULL ? stream : stderr;
}

const char *complaints_last(void) {
  return memory.last;
}

void complaints_print_json(int status) {
  const char *error = memory.last[0] != '\0' ? memory.last : "standard error says why";
  text_print_json(json_pack("{s:s, s:o, s:i}", "outcome", "usage", "error",
                            text_to_json(ehlo_str(error)), "status", status),
                  JSON_COMPACT);
}
