// ":explain": what the last reply means, or words that were pasted, by the catalogue of
// tools/explain.
#include <stdlib.h>
#include <string.h>

#include "tools/driver/explanation.h"
#include "tools/driver/shell.h"
#include "tools/driver/shell_teach.h"
#include "tools/driver/text.h"

enum ehlo_stage shell_stage_of(enum ehlo_verb verb) {
  static const enum ehlo_stage stages[EHLO_NUM_VERBS] = {
      [EHLO_VERB_GREETING] = EHLO_STAGE_GREETING, [EHLO_VERB_EHLO] = EHLO_STAGE_EHLO,
      [EHLO_VERB_HELO] = EHLO_STAGE_EHLO,         [EHLO_VERB_LHLO] = EHLO_STAGE_EHLO,
      [EHLO_VERB_STARTTLS] = EHLO_STAGE_STARTTLS, [EHLO_VERB_AUTH] = EHLO_STAGE_AUTH,
      [EHLO_VERB_RCPT] = EHLO_STAGE_RCPT,         [EHLO_VERB_DATA] = EHLO_STAGE_DATA,
      [EHLO_VERB_BODY] = EHLO_STAGE_BODY,         [EHLO_VERB_BDAT] = EHLO_STAGE_BODY,
      [EHLO_VERB_QUIT] = EHLO_STAGE_QUIT,
  };
  return stages[verb] != EHLO_STAGE_CONNECT ? stages[verb] : EHLO_STAGE_MAIL;
}

bool shell_explanation(const struct shell *sh, struct explanation *out) {
  if (sh->reply.text == NULL || sh->reply.reply.code < 400) {
    return false;
  }
  struct explain_question q = explain_ask(sh->live.server.host, sh->greeting.reply.text,
                                          shell_stage_of(sh->reply_verb), &sh->reply.reply);
  return explain_answer(out, &q);
}

void shell_explain_failure(struct shell *sh, enum ehlo_stage stage,
                           const struct explain_failure *failure, const char *reason) {
  struct explain_question q = {
      .host = sh->live.server.host,
      .greeting = sh->greeting.reply.text,
      .stage_known = true,
      .stage = stage,
      .words = reason[0] != '\0' ? ehlo_str(reason) : failure->line,
      .failure = *failure,
  };
  sh->explained = explain_answer(&sh->explanation, &q);
}

static void answer(struct shell *sh, const struct explanation *e) {
  if (sh->live.json) {
    text_print_json(json_pack("{s:o}", "explanation", explanation_json(e)), JSON_COMPACT);
  } else {
    explanation_print(stdout, e, 4);
  }
  fflush(stdout);
}

// Pasted, with or without a code in front.
static void explain_words(struct shell *sh, const char *words) {
  struct explanation e;
  char *end;
  unsigned long code = strtoul(words, &end, 10);
  bool has_code = end == words + 3 && code >= 200 && code <= 599;
  struct explain_question q = {
      .host = sh->live.server.host,
      .greeting = sh->greeting.reply.text,
      .code = has_code ? (unsigned)code : 0,
      .words = ehlo_str(words),
  };
  if (has_code) {
    end += *end == ' ' || *end == '-';
    ehlo_enhanced_parse(&q.enhanced, ehlo_str(end));
  }
  if (explain_answer(&e, &q)) {
    answer(sh, &e);
  } else {
    shell_say(sh, "there is nothing known of these words; paste the reply with its code in front");
  }
}

void shell_explain(struct shell *sh, struct ehlo_client *c, const char *words) {
  struct explanation e;
  (void)c;
  if (*words != '\0') {
    explain_words(sh, words);
  } else if (sh->reply.text == NULL) {
    shell_say(sh, "there is no reply yet");
  } else if (shell_explanation(sh, &e)) {
    answer(sh, &e);
  } else {
    const struct shell_lesson *lesson = shell_teach_reply(sh->reply_verb, sh->reply.reply.code);
    shell_answer_words(sh, "%u: %s (%s)", sh->reply.reply.code, lesson->meaning, lesson->source);
  }
}
