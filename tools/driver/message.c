// Reading and judging the message.
#include "tools/driver/message.h"
#include "tools/driver/complaints.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static void look(struct message *m) {
  ehlo_preflight_init(&m->preflight);
  ehlo_preflight_feed(&m->preflight, m->contents.bytes, m->contents.len);
  ehlo_preflight_end(&m->preflight);
}

static bool begin(struct message *out, const char *name) {
  memset(out, 0, sizeof(*out));
  out->name = strdup(name);
  return out->name != NULL;
}

int message_read(struct message *out, const char *path) {
  if (!begin(out, path)) {
    fprintf(complaints(), "ehlo: out of memory\n");
    return EX_OSERR;
  }
  int status = contents_read(&out->contents, path, "the message");
  if (status == 0) {
    look(out);
  }
  return status;
}

bool message_take(struct message *out, const char *name, uint8_t *bytes, size_t len) {
  bool good = begin(out, name);
  out->contents = (struct contents){bytes, len, false};
  if (good) {
    look(out);
  }
  return good;
}

bool message_share(struct message *out, const char *name, const struct message *from) {
  bool good = begin(out, name);
  out->contents = from->contents;
  out->preflight = from->preflight;
  out->is_shared = true;
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

const char *message_name(const struct message *m) {
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
    describe(text, sizeof(text), message_name(m), &finding, refused ? cures[verdict] : NULL);
    if (!refused) {
      warnings_add(warnings, "%s", text);
      continue;
    }
    fprintf(complaints(), "ehlo: %s\n", text);
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
      snprintf(error + len, error_cap - len, ": %s:%" PRIu64, message_name(m), finding.line);
      return;
    }
  }
}

enum ehlo_source_state message_peek(const struct message *m, struct ehlo_span *out) {
  *out = (struct ehlo_span){m->contents.bytes + m->pos, m->contents.len - m->pos};
  return out->len > 0 ? EHLO_SOURCE_MORE : EHLO_SOURCE_END;
}

void message_free(struct message *m) {
  if (!m->is_shared) {
    contents_free(&m->contents);
  }
  free(m->name);
  memset(m, 0, sizeof(*m));
}
