// Reading and judging the message.
#include "tools/driver/message.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

static int complain(const char *path, const char *what) {
  fprintf(stderr, "ehlo: cannot read the message %s: %s\n", path, what);
  return EX_NOINPUT;
}

// Reads to the end of `fd`, for what cannot be mapped.
static int read_all(struct message *out, int fd, const char *path) {
  size_t cap = 65536;
  uint8_t *bytes = malloc(cap);
  while (bytes != NULL) {
    ssize_t n = read(fd, bytes + out->len, cap - out->len);
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n <= 0 || out->len + (size_t)n > MESSAGE_MAX) {
      out->bytes = bytes;
      const char *wrong = n < 0 ? strerror(errno) : "it is larger than 1 GiB";
      return n == 0 ? 0 : complain(path, wrong);
    }
    out->len += (size_t)n;
    if (out->len == cap) {
      uint8_t *larger = realloc(bytes, cap *= 2);
      if (larger == NULL) {
        free(bytes);
      }
      bytes = larger;
    }
  }
  return complain(path, "out of memory");
}

static int map_file(struct message *out, int fd, const char *path, size_t len) {
  if (len > MESSAGE_MAX) {
    return complain(path, "it is larger than 1 GiB");
  }
  void *bytes = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
  if (bytes == MAP_FAILED) {
    return complain(path, strerror(errno));
  }
  out->bytes = bytes;
  out->len = len;
  out->mapped = true;
  return 0;
}

static void look(struct message *m) {
  ehlo_preflight_init(&m->preflight);
  ehlo_preflight_feed(&m->preflight, m->bytes, m->len);
  ehlo_preflight_end(&m->preflight);
}

static bool begin(struct message *out, const char *name) {
  memset(out, 0, sizeof(*out));
  out->name = strdup(name);
  return out->name != NULL;
}

int message_read(struct message *out, const char *path) {
  struct stat info;
  if (!begin(out, path)) {
    return complain(path, "out of memory");
  }
  bool is_stdin = strcmp(path, "-") == 0;
  int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &info) != 0) {
    return complain(path, strerror(errno));
  }
  int status = !is_stdin && S_ISREG(info.st_mode) && info.st_size > 0
                   ? map_file(out, fd, path, (size_t)info.st_size)
                   : read_all(out, fd, path);
  if (!is_stdin) {
    close(fd);
  }
  if (status == 0) {
    look(out);
  }
  return status;
}

bool message_take(struct message *out, const char *name, uint8_t *bytes, size_t len) {
  bool good = begin(out, name);
  out->bytes = bytes;
  out->len = len;
  if (good) {
    look(out);
  }
  return good;
}

// ---- What may be sent -------------------------------------------------------------------------------

// What a finding does.
enum verdict {
  NOTHING,
  WARN,
  REFUSE,
  REFUSE_WITHOUT_FORCE,
  REFUSE_WITHOUT_FIX,
  REFUSE_IF_EXACT,
};

static const enum verdict verdicts[EHLO_NUM_FINDINGS] = {
    [EHLO_FINDING_NO_HEADER] = REFUSE_WITHOUT_FORCE,
    [EHLO_FINDING_BARE_CR] = REFUSE_WITHOUT_FIX,
    [EHLO_FINDING_NUL_DOT] = REFUSE,
    [EHLO_FINDING_NUL] = REFUSE_WITHOUT_FORCE,
    [EHLO_FINDING_LONG_LINE] = REFUSE_WITHOUT_FORCE,
    [EHLO_FINDING_BARE_LF] = REFUSE_IF_EXACT,
    [EHLO_FINDING_NO_LAST_END] = REFUSE_IF_EXACT,
    [EHLO_FINDING_MIXED_ENDS] = WARN,
    [EHLO_FINDING_EIGHT_BIT_HEADER] = WARN,
    [EHLO_FINDING_EIGHT_BIT_BODY] = NOTHING,  // what the server offers decides
    [EHLO_FINDING_BAD_HEADER] = WARN,
    [EHLO_FINDING_NO_BLANK_LINE] = WARN,
    [EHLO_FINDING_TWICE] = WARN,
    [EHLO_FINDING_MISSING] = WARN,
};

static bool is_refused(enum verdict verdict, const struct message_rules *rules) {
  return verdict == REFUSE || (verdict == REFUSE_WITHOUT_FORCE && !rules->force) ||
         (verdict == REFUSE_WITHOUT_FIX && !rules->fix_eol) ||
         (verdict == REFUSE_IF_EXACT && rules->exact);
}

// What the user may do about a refusal.
static const char *const cures[] = {
    [NOTHING] = "",
    [WARN] = "",
    [REFUSE] = "",
    [REFUSE_WITHOUT_FORCE] = "; --force sends it all the same",
    [REFUSE_WITHOUT_FIX] = "; --fix-eol makes it a line end",
    [REFUSE_IF_EXACT] = "; without --exact it would be made one",
};

// FILE:LINE: what it is and how often. `cure`: what is to be done about it, NULL for a warning.
static void describe(char *out, size_t cap, const char *name, const struct ehlo_finding *f,
                     const char *cure) {
  char more[64] = "";
  if (f->kind == EHLO_FINDING_TWICE) {
    snprintf(more, sizeof(more), "; the first is on line %" PRIu64, f->other_line);
  } else if (f->kind == EHLO_FINDING_MIXED_ENDS) {
    snprintf(more, sizeof(more), ", the other first on line %" PRIu64, f->other_line);
  } else if (f->count > 1) {
    snprintf(more, sizeof(more), " (%" PRIu64 " in all)", f->count);
  }
  snprintf(out, cap, "%s:%" PRIu64 ": %s%s%s%s%s%s", name, f->line, cure == NULL ? "warning: " : "",
           f->field != NULL ? f->field : "", f->field != NULL ? " " : "",
           ehlo_finding_text(f->kind), more, cure != NULL ? cure : "");
}

static const char *name_of(const struct message *m) {
  return strcmp(m->name, "-") == 0 ? "standard input" : m->name;
}

int message_check(char *error, size_t error_cap, struct warnings *warnings, const struct message *m,
                  const struct message_rules *rules) {
  struct ehlo_finding finding;
  char text[MESSAGE_SENTENCE_MAX];
  int status = 0;
  for (size_t pos = 0; ehlo_preflight_next(&m->preflight, &pos, &finding);) {
    enum verdict verdict = verdicts[finding.kind];
    bool refused = is_refused(verdict, rules);
    bool said =
        finding.kind == EHLO_FINDING_BAD_HEADER && !ehlo_preflight_is_message(&m->preflight);
    if (said || (!refused && (verdict == NOTHING || verdict == REFUSE_IF_EXACT))) {
      continue;
    }
    describe(text, sizeof(text), name_of(m), &finding, refused ? cures[verdict] : NULL);
    if (!refused) {
      warnings_add(warnings, "%s", text);
      continue;
    }
    fprintf(stderr, "ehlo: %s\n", text);
    if (status == 0) {
      snprintf(error, error_cap, "%s", text);
    }
    status = EX_DATAERR;
  }
  return status;
}

void message_add_place(char *error, size_t error_cap, const struct message *m) {
  struct ehlo_finding finding;
  for (size_t pos = 0; ehlo_preflight_next(&m->preflight, &pos, &finding);) {
    size_t len = strlen(error);
    if (finding.kind == EHLO_FINDING_EIGHT_BIT_HEADER ||
        finding.kind == EHLO_FINDING_EIGHT_BIT_BODY) {
      snprintf(error + len, error_cap - len, ": %s:%" PRIu64, name_of(m), finding.line);
      return;
    }
  }
}

enum ehlo_source_state message_peek(const struct message *m, struct ehlo_span *out) {
  *out = (struct ehlo_span){m->bytes + m->pos, m->len - m->pos};
  return out->len > 0 ? EHLO_SOURCE_MORE : EHLO_SOURCE_END;
}

void message_free(struct message *m) {
  if (m->mapped) {
    munmap((void *)(uintptr_t)m->bytes, m->len);
  } else {
    free((void *)(uintptr_t)m->bytes);
  }
  free(m->name);
  memset(m, 0, sizeof(*m));
}
