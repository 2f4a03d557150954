// ehlo explain: what a reply means and what to do about it. The reply comes from the command line,
// from a pasted log, or from a transcript.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "replay/scrub/scrub.h"
#include "replay/transcript.h"
#include "tools/driver/commands.h"
#include "tools/driver/complaints.h"
#include "tools/driver/explanation.h"
#include "tools/driver/file.h"
#include "tools/driver/input.h"
#include "tools/driver/options.h"
#include "tools/driver/text.h"
#include "tools/explain/catalogue.h"
#include "tools/explain/log.h"
#include "tools/show/cover.h"
#include "tools/show/question.h"

#define ANSWERS_MAX 50  // of one log; more are counted

struct explain_command {
  bool json;
  bool list;
  const char *host;
  const char *provider;
  bool stage_known;
  enum ehlo_stage stage;
  // What came out.
  json_t *answers;
  size_t num_answers;
  size_t num_more;
  const char *seen_id[ANSWERS_MAX];
  char seen[ANSWERS_MAX][EXPLAIN_SENTENCE_MAX + 1];
};

// ---- Options ----------------------------------------------------------------------------------------

static const char *set_host(void *o, const char *value) {
  ((struct explain_command *)o)->host = value;
  return NULL;
}

static const char *set_provider(void *o, const char *value) {
  static char wrong[1024];
  size_t len = (size_t)snprintf(wrong, sizeof(wrong), "it is one of");
  for (size_t i = 0; i < explain_num_providers; i++) {
    if (strcmp(explain_providers[i].name, value) == 0) {
      ((struct explain_command *)o)->provider = value;
      return NULL;
    }
    len += (size_t)snprintf(wrong + len, sizeof(wrong) - len, " %s", explain_providers[i].name);
  }
  return wrong;
}

static const char *set_stage(void *o, const char *value) {
  struct explain_command *c = o;
  for (unsigned i = 0; i < EHLO_NUM_STAGES; i++) {
    if (strcmp(ehlo_stage_name((enum ehlo_stage)i), value) == 0) {
      c->stage_known = true;
      c->stage = (enum ehlo_stage)i;
      return NULL;
    }
  }
  return "it is one of connect, greeting, ehlo, starttls, tls, auth, mail, rcpt, data, body and "
         "quit";
}

static const char *set_list(void *o, const char *value) {
  (void)value;
  ((struct explain_command *)o)->list = true;
  return NULL;
}

static const char *set_json(void *o, const char *value) {
  (void)value;
  ((struct explain_command *)o)->json = true;
  return NULL;
}

static const struct option_row rows[] = {
    {"host", 0, "NAME", "the host that said it", set_host},
    {"provider", 0, "NAME", "whose server it is, such as gmail or postfix", set_provider},
    {"stage", 0, "STAGE", "where it came: connect … auth mail rcpt data body", set_stage},
    {"list", 0, NULL, "print the catalogue; with --json all of each entry", set_list},
    {"json", 0, NULL, "one JSON object on standard output, nothing else", set_json},
    {NULL, 0, NULL, NULL, NULL},
};
static const struct option_row *const tables[] = {rows, NULL};
static const struct command command = {
    .name = "explain",
    .synopsis = "[OPTION…] [REPLY… | FILE.smtp…]",
    .summary = "Says what a reply or a failure means, who can act, and what helps.",
    .tables = tables,
    .notes =
        "REPLY may also be what ehlo said where there was no reply: 'at tls: …'.\n"
        "Without REPLY it reads standard input: a log of ehlo, swaks, curl, openssl or a\n"
        "mail server, a traceback, or a transcript. Each refusal is explained once.\n"
        "Words count more than codes, so give all of them, in quotes:\n\n"
        "  ehlo explain '535 5.7.139 Authentication unsuccessful, basic …'\n\n"
        "JSON: {\"answers\": [{\"reply\", or \"error\" and \"outcome\", \"stage\",\n"
        "\"explanation\"}], \"more\", \"error\"}; with --list {\"replies\": […]}.\n\n"
        "Exit status: 0 something was explained, 65 there is no refusal in it.\n",
};

// ---- Answers ----------------------------------------------------------------------------------------

static bool is_new(struct explain_command *c, const struct explain_question *q, const char *id) {
  struct explain_sentence s;
  explain_sentence_make(&s, q);
  for (size_t i = 0; i < c->num_answers; i++) {
    if (strcmp(c->seen[i], s.text) == 0 && c->seen_id[i] == id) {
      return false;
    }
  }
  if (c->num_answers == ANSWERS_MAX) {
    c->num_more++;
    return false;
  }
  c->seen_id[c->num_answers] = id;
  snprintf(c->seen[c->num_answers++], sizeof(c->seen[0]), "%s", s.text);
  return true;
}

static void print_words(const struct explain_question *q) {
  for (size_t at = 0; at < q->words.len;) {
    const uint8_t *lf = memchr(q->words.bytes + at, '\n', q->words.len - at);
    size_t n = lf != NULL ? (size_t)(lf - q->words.bytes) - at : q->words.len - at;
    size_t shown = n > 0 && q->words.bytes[at + n - 1] == '\r' ? n - 1 : n;
    text_print(stdout, (struct ehlo_span){q->words.bytes + at, shown});
    putchar('\n');
    at += n + 1;
  }
}

// A reply, or in its place the words on a failure.
static json_t *answer_json(const struct explain_question *q, const struct explanation *e) {
  bool failed = explain_failure_is_any(&q->failure);
  bool ended = q->failure.outcome != EHLO_OUTCOME_OPEN;
  json_t *words = q->words.len > 0 ? text_to_json(q->words) : json_null();
  return json_pack("{s:o, s:o, s:s?, s:s?, s:o}", "reply", failed ? json_null() : words, "error",
                   failed ? words : json_null(), "outcome",
                   ended ? ehlo_outcome_name(q->failure.outcome) : NULL, "stage",
                   q->stage_known ? ehlo_stage_name(q->stage) : NULL, "explanation",
                   explanation_json(e));
}

static void answer(struct explain_command *c, const struct explain_question *asked) {
  struct explain_question q = *asked;
  struct explanation e;
  q.host = c->host != NULL ? c->host : q.host;
  q.provider = c->provider;
  if (c->stage_known) {
    q.stage_known = true;
    q.stage = c->stage;
  }
  if (!explain_answer(&e, &q) || !is_new(c, &q, e.id)) {
    return;
  }
  if (c->json) {
    json_array_append_new(c->answers, answer_json(&q, &e));
    return;
  }
  if (c->num_answers > 1) {
    putchar('\n');
  }
  if (q.failure.outcome != EHLO_OUTCOME_OPEN) {
    printf("%s at %s\n", ehlo_outcome_name(q.failure.outcome), ehlo_stage_name(q.stage));
  }
  print_words(&q);
  explanation_print(stdout, &e, 2);
}

static void found(void *arg, const struct explain_question *q) {
  answer(arg, q);
}

// Words that hold no refusal may still be known: an error of TLS, or the first bytes of another
// protocol.
static void answer_line(struct explain_command *c, struct ehlo_span line) {
  struct explain_question q = {.words = line};
  answer(c, &q);
}

// ---- A log ------------------------------------------------------------------------------------------

// Lines out of pieces; a line that is longer than the log looks at is cut.
struct lines {
  struct explain_log *log;
  struct explain_command *command;
  bool odd;  // no replies: lines as they are
  size_t len;
  uint8_t line[EXPLAIN_LOG_WORDS_MAX];
};

// "at greeting: the server closed the connection": a sentence of ours, whatever it quotes.
static bool is_own_sentence(struct ehlo_span line) {
  static char text[EXPLAIN_LOG_WORDS_MAX + 1];
  uint8_t quoted[EXPLAIN_FAILURE_LINE_MAX];
  struct explain_failure failure;
  enum ehlo_stage stage;
  bool stage_known;
  snprintf(text, sizeof(text), "%.*s", (int)line.len, (const char *)line.bytes);
  return explain_failure_read(&failure, quoted, &stage_known, &stage, text) && stage_known;
}

static void take_line(struct lines *l) {
  struct ehlo_span line = {l->line, l->len};
  if (l->odd || is_own_sentence(line)) {
    answer_line(l->command, line);
  } else {
    explain_log_line(l->log, line);
  }
  l->len = 0;
}

static bool take_text(void *arg, const char *text, size_t len) {
  struct lines *l = arg;
  for (size_t i = 0; i < len; i++) {
    if (text[i] == '\n') {
      take_line(l);
    } else if (l->len < sizeof(l->line)) {
      l->line[l->len++] = (uint8_t)text[i];
    }
  }
  return true;
}

static bool feed(FILE *file, struct ehlo_scrub *s,
                 void (*take)(struct ehlo_scrub *s, const uint8_t *bytes, size_t len)) {
  uint8_t buf[65536];
  long len;
  rewind(file);
  while ((len = file_read(file, buf, sizeof(buf))) > 0) {
    take(s, buf, (size_t)len);
  }
  return len == 0;
}

// Reads it without the credentials in it: what is printed of a stranger's log has none.
static bool read_log(struct explain_command *c, FILE *file, struct ehlo_scrub *scrub, bool odd) {
  static struct explain_log log;
  static struct lines lines;
  explain_log_init(&log, found, c);
  lines = (struct lines){.log = &log, .command = c, .odd = odd};
  ehlo_scrub_rewrite_begin(scrub, take_text, NULL, &lines);
  bool read = feed(file, scrub, ehlo_scrub_rewrite);
  ehlo_scrub_rewrite_end(scrub);
  take_line(&lines);
  explain_log_end(&log);
  return read;
}

static int explain_log_file(struct explain_command *c, FILE *file, const char *path) {
  static struct ehlo_scrub scrub;
  ehlo_scrub_init(&scrub);
  bool read = feed(file, &scrub, ehlo_scrub_learn);
  if (read && !ehlo_scrub_learn_end(&scrub)) {
    ehlo_scrub_wipe(&scrub);
    return input_complain(path, "it holds more credentials than can be hidden; cut it down");
  }
  read = read && read_log(c, file, &scrub, false);
  if (read && c->num_answers == 0) {
    read = read_log(c, file, &scrub, true);
  }
  int why = errno;
  ehlo_scrub_wipe(&scrub);
  return read ? 0 : input_complain(path, strerror(why));
}

// ---- A transcript -----------------------------------------------------------------------------------

struct view {
  struct show_dialogue dialogue;
  struct show_summary summary;
};

static void take_item(struct view *v, const struct ehlo_item *item) {
  struct show_piece piece;
  show_dialogue_item(&v->dialogue, item);
  while (show_dialogue_next(&v->dialogue, &piece)) {
    show_summary_piece(&v->summary, &piece);
  }
}

static int explain_transcript(struct explain_command *c, FILE *file, const char *path) {
  static struct ehlo_reader reader;
  static struct show_cover cover;
  static struct view v;
  struct ehlo_item item;
  struct ehlo_item covered;
  enum ehlo_read_result read;
  ehlo_reader_init(&reader, file_read, file);
  show_cover_init(&cover);
  show_dialogue_init(&v.dialogue);
  show_summary_init(&v.summary);
  while ((read = ehlo_reader_next(&reader, &item)) == EHLO_READ_ITEM) {
    take_item(&v, show_cover_item(&cover, &covered, &item));
  }
  if (read == EHLO_READ_BAD) {
    fprintf(complaints(), "ehlo: %s:%zu:%zu: %s\n", path, reader.error.line, reader.error.column,
            reader.error.message);
    return EX_DATAERR;
  }
  if (read != EHLO_READ_END) {
    return input_complain(path, strerror(errno));
  }
  struct show_asked asked;
  struct explain_question q;
  size_t num =
      v.summary.num_refusals < SHOW_REFUSALS_MAX ? v.summary.num_refusals : SHOW_REFUSALS_MAX;
  for (size_t i = 0; i < num; i++) {
    q = show_question(&asked, &v.summary, &v.summary.refusals[i]);
    answer(c, &q);
  }
  if (show_failure_question(&q, &asked, &v.summary)) {
    answer(c, &q);
  }
  return 0;
}

// ---- The command ------------------------------------------------------------------------------------

static bool is_transcript(FILE *file, const char *path) {
  static const char head[] = "! ehlo-transcript";
  char begin[sizeof(head)] = "";
  size_t len = strlen(path);
  size_t n = fread(begin, 1, sizeof(head) - 1, file);
  rewind(file);
  return (n == sizeof(head) - 1 && memcmp(begin, head, n) == 0) ||
         (len > 5 && strcmp(path + len - 5, ".smtp") == 0);
}

static int explain_file(struct explain_command *c, const char *path) {
  FILE *file = input_spool(path, NULL, NULL);
  if (file == NULL) {
    return EX_NOINPUT;
  }
  int status = is_transcript(file, path) ? explain_transcript(c, file, path)
                                         : explain_log_file(c, file, path);
  file_close(file);
  return status;
}

static int explain_words(struct explain_command *c, char **words, int num) {
  static struct explain_log log;
  size_t cap = 1;
  for (int i = 0; i < num; i++) {
    cap += strlen(words[i]) + 1;
  }
  char *text = calloc(1, cap);
  if (text == NULL) {
    fputs("ehlo: out of memory\n", complaints());
    return EX_OSERR;
  }
  for (int i = 0; i < num; i++) {
    strcat(strcat(text, i > 0 ? " " : ""), words[i]);
  }
  explain_log_init(&log, found, c);
  log.is_reply = true;
  bool is_own = is_own_sentence(ehlo_str(text));
  for (char *line = text; line != NULL && !is_own;) {
    char *next = strchr(line, '\n');
    explain_log_line(&log, (struct ehlo_span){(uint8_t *)line,
                                              next != NULL ? (size_t)(next - line) : strlen(line)});
    line = next != NULL ? next + 1 : NULL;
  }
  explain_log_end(&log);
  if (c->num_answers == 0) {
    answer_line(c, ehlo_str(text));
  }
  free(text);
  return 0;
}

// ---- The catalogue ----------------------------------------------------------------------------------

static json_t *stages_json(const struct explain_entry *e) {
  json_t *json = json_array();
  for (unsigned i = 0; i < EHLO_NUM_STAGES && e->stages != UINT32_MAX; i++) {
    if ((e->stages >> i & 1) != 0) {
      json_array_append_new(json, json_string(ehlo_stage_name((enum ehlo_stage)i)));
    }
  }
  if (e->stages == UINT32_MAX) {
    json_array_append_new(json, json_string("any"));
  }
  return json;
}

static json_t *entry_json(const struct explain_entry *e) {
  json_t *codes = json_array();
  json_t *fix = json_array();
  for (size_t i = 0; i < e->num_codes; i++) {
    json_array_append_new(codes, json_integer(e->codes[i]));
  }
  for (size_t i = 0; i < e->num_fix; i++) {
    json_array_append_new(fix, json_string(e->fix[i]));
  }
  bool any = e->provider == EXPLAIN_ANY_PROVIDER;
  return json_pack("{s:s, s:s?, s:o, s:o, s:o, s:s, s:s?, s:o, s:b, s:s, s:s}", "id", e->id,
                   "provider", any ? NULL : explain_providers[e->provider].title, "stage",
                   stages_json(e), "codes", codes, "reply",
                   text_to_json((struct ehlo_span){(const uint8_t *)e->text, e->text_len}),
                   "meaning", e->meaning, "who", explain_who_text(e->who), "fix", fix, "retry",
                   e->retry, "source", e->source, "as_of", e->as_of);
}

static void list(const struct explain_command *c) {
  json_t *all = json_array();
  for (size_t i = 0; i < explain_num_entries; i++) {
    const struct explain_entry *e = &explain_entries[i];
    struct ehlo_span text = {(const uint8_t *)e->text, e->text_len};
    if (c->json) {
      json_array_append_new(all, entry_json(e));
      continue;
    }
    const uint8_t *lf = memchr(text.bytes, '\n', text.len);
    text.len = lf != NULL ? (size_t)(lf - text.bytes) : text.len;
    printf("%s\n  ", e->id);
    text_print(stdout, text);
    putchar('\n');
  }
  if (c->json) {
    text_print_json(json_pack("{s:o}", "replies", all), JSON_INDENT(2));
  } else {
    json_decref(all);
  }
}

static int finish(struct explain_command *c, int status) {
  if (status == 0 && c->num_more > 0) {
    fprintf(complaints(), "ehlo: %zu more refusals are not explained; give the part that matters\n",
            c->num_more);
  }
  if (status == 0 && c->num_answers == 0) {
    fputs("ehlo: there is no refusal in it: a reply has a code from 400 to 599 in front\n",
          complaints());
    status = EX_DATAERR;
  }
  if (c->json) {
    json_t *error = status != 0 ? text_to_json(ehlo_str(complaints_last())) : json_null();
    text_print_json(json_pack("{s:O, s:I, s:o}", "answers", c->answers, "more",
                              (json_int_t)c->num_more, "error", error),
                    JSON_INDENT(2));
  }
  return status;
}

// Words of a reply do not look like this.
static bool is_file(const char *operand) {
  size_t len = strlen(operand);
  return strcmp(operand, "-") == 0 || (len > 5 && strcmp(operand + len - 5, ".smtp") == 0);
}

static int run(void *options, const struct option_uses *uses) {
  struct explain_command *c = options;
  if (!options_apply(uses, &command, c)) {
    return EX_USAGE;
  }
  if (c->list) {
    list(c);
    return 0;
  }
  c->answers = json_array();
  int status = 0;
  if (uses->num_operands == 0) {
    status = explain_file(c, "-");
  } else if (is_file(uses->operands[0])) {
    for (int i = 0; i < uses->num_operands && status == 0; i++) {
      status = explain_file(c, uses->operands[i]);
    }
  } else {
    status = explain_words(c, uses->operands, uses->num_operands);
  }
  status = finish(c, status);
  json_decref(c->answers);
  return status;
}

int command_explain(int argc, char **argv) {
  struct explain_command *c = calloc(1, sizeof(*c));
  if (c == NULL) {
    fputs("ehlo: out of memory\n", complaints());
    return EX_OSERR;
  }
  int status = options_run(&command, argc, argv, c, run);
  free(c);
  return status;
}
