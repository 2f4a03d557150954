// The shell's own words, for people, for a pipe and as JSON Lines. Server text goes through text.h
// alone.
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tools/driver/complaints.h"
#include "tools/driver/explanation.h"
#include "tools/driver/shell.h"
#include "tools/driver/shell_teach.h"
#include "tools/driver/text.h"

static void put_json(json_t *json) {
  text_print_json(json, JSON_COMPACT);
  fflush(stdout);
}

static void put_note(struct shell *sh, const char *text) {
  if (sh->live.json) {
    put_json(json_pack("{s:o}", "note", text_to_json(ehlo_str(text))));
    return;
  }
  FILE *out = sh->interactive ? sh->screen : stderr;
  fflush(stdout);
  fputs(sh->interactive ? "    " : "ehlo: ", out);
  text_print(out, ehlo_str(text));
  putc('\n', out);
  fflush(out);
}

void shell_say(struct shell *sh, const char *format, ...) {
  char text[1024];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof(text), format, args);
  va_end(args);
  put_note(sh, text);
}

void shell_answer(struct shell *sh, struct ehlo_span text) {
  if (sh->live.json) {
    put_json(json_pack("{s:o}", "answer", text_to_json(text)));
    return;
  }
  fputs("    ", stdout);
  text_print(stdout, text);
  putchar('\n');
  fflush(stdout);
}

void shell_answer_words(struct shell *sh, const char *format, ...) {
  char text[1024];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof(text), format, args);
  va_end(args);
  shell_answer(sh, ehlo_str(text));
}

// ---- The dialogue -------------------------------------------------------------------------------

void shell_say_sent(struct shell *sh, const struct shell_line *line) {
  struct ehlo_span shown = {line->text.bytes, line->text.len - line->secret.len};
  if (sh->live.json) {
    put_json(json_pack("{s:o, s:b}", "sent", text_to_json(shown), "secret", line->secret.len > 0));
  }
}

void shell_say_secret(struct shell *sh, const char *what) {
  if (sh->live.json) {
    put_json(json_pack("{s:s, s:b}", "sent", what, "secret", true));
  }
}

static void print_lines(const struct kept_reply *kept) {
  struct ehlo_reply_line line;
  size_t pos = 0;
  while (ehlo_reply_line(&kept->reply, &pos, &line)) {
    text_print(stdout, line.whole);
    putchar('\n');
  }
  fflush(stdout);
}

void shell_say_reply(struct shell *sh, enum ehlo_verb verb) {
  if (sh->live.json) {
    struct explanation e;
    bool explained = shell_explanation(sh, &e);
    put_json(json_pack("{s:o, s:s?, s:o}", "reply", report_reply_json(&sh->reply), "to",
                       verb != EHLO_VERB_NONE ? ehlo_verb_name(verb) : NULL, "explanation",
                       explained ? explanation_json(&e) : json_null()));
  } else if (sh->live.quiet) {
    print_lines(&sh->reply);
  }
}

void shell_say_secured(struct shell *sh) {
  if (sh->live.json) {
    put_json(json_pack("{s:o}", "tls",
                       report_tls_json(live_tls_information(&sh->session->live), false)));
  }
}

void shell_say_end(struct shell *sh) {
  if (sh->live.json) {
    put_json(json_pack("{s:{s:i, s:s?, s:o}}", "end", "exit_status", sh->status, "error",
                       sh->error[0] != '\0' ? sh->error : NULL, "explanation",
                       sh->explained ? explanation_json(&sh->explanation) : json_null()));
  } else if (sh->error[0] != '\0') {
    fflush(stdout);
    fputs("ehlo: ", complaints());
    text_print(complaints(), ehlo_str(sh->error));
    putc('\n', complaints());
    if (sh->explained && !sh->live.quiet) {
      explanation_print(complaints(), &sh->explanation, 2);
    }
  }
}

// ---- Lessons ------------------------------------------------------------------------------------

static void put_lesson(struct shell *sh, const struct shell_lesson *lesson) {
  if (lesson != NULL && sh->options->teach) {
    shell_answer_words(sh, "# %s (%s)", lesson->meaning, lesson->source);
  }
}

void shell_teach_sent(struct shell *sh, enum ehlo_verb verb) {
  put_lesson(sh, shell_teach_command(verb));
}

void shell_teach_came(struct shell *sh, enum ehlo_verb verb, uint16_t code) {
  put_lesson(sh, shell_teach_reply(verb, code));
}
