// Any lines of an EHLO reply: the same capabilities as a plain reference reads from them.
//
// An input is the lines after the first, each up to its LF.
#include "engine/capabilities.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fuzz/fuzz.h"

enum goal {
  GOAL_SIZE,
  GOAL_HOLD,
  GOAL_BY,
  GOAL_LIMITS,
  GOAL_XCLIENT,
  GOAL_AUTH,
  GOAL_CUT,
  GOAL_FLAGS
};

const char *const ehlo_fuzz_goals[EHLO_FUZZ_GOALS_MAX] = {
    [GOAL_SIZE] = "a limit of SIZE",     [GOAL_HOLD] = "a limit of FUTURERELEASE",
    [GOAL_BY] = "a limit of DELIVERBY",  [GOAL_LIMITS] = "all of LIMITS",
    [GOAL_XCLIENT] = "names of XCLIENT", [GOAL_AUTH] = "mechanisms",
    [GOAL_CUT] = "too many mechanisms",  [GOAL_FLAGS] = "every flag",
};

#define WORDS_MAX 4096

// The words of a line, cut at blanks; the text is changed.
static size_t split(char **words, char *text, const char *blanks) {
  size_t num = 0;
  for (char *word = strtok(text, blanks); word != NULL && num < WORDS_MAX;
       word = strtok(NULL, blanks)) {
    words[num++] = word;
  }
  return num;
}

// A number of digits alone, at most `max`; false if it is none.
static bool number(const char *text, const char *max, unsigned long long *out) {
  if (*text == '\0' || text[strspn(text, "0123456789")] != '\0') {
    return false;
  }
  text += strspn(text, "0");
  size_t len = strlen(text);
  if (len > strlen(max) || (len == strlen(max) && strcmp(text, max) > 0)) {
    return false;
  }
  *out = strtoull(len > 0 ? text : "0", NULL, 10);
  return true;
}

static bool is_name(const char *word) {
  static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return strlen(word) <= 20 && word[strspn(word, allowed)] == '\0';
}

// Adds the names to a list " A B ", each once; false if one found no place.
static bool add_names(char *list, size_t cap, char **words, size_t num) {
  bool all = true;
  for (size_t i = 0; i < num; i++) {
    char entry[24];
    if (!is_name(words[i]) || *words[i] == '\0') {
      continue;
    }
    snprintf(entry, sizeof(entry), " %s ", words[i]);
    for (char *c = entry; *c != '\0'; c++) {
      *c = *c >= 'a' && *c <= 'z' ? (char)(*c - 32) : *c;
    }
    if (strstr(list, entry) != NULL) {
      continue;
    }
    if (strlen(list) + strlen(words[i]) + 3 > cap) {
      all = false;
    } else {
      strcat(list, list[0] == '\0' ? entry : entry + 1);
    }
  }
  return all;
}

static void narrow(uint32_t *limit, unsigned long long value) {
  *limit = value > 0 && (*limit == 0 || value < *limit) ? (uint32_t)value : *limit;
}

static void read_limits(struct ehlo_capabilities *out, char **words, size_t num) {
  for (size_t i = 0; i < num; i++) {
    char *value = strchr(words[i], '=');
    unsigned long long n;
    if (value == NULL || !number(value + 1, "4294967295", &n)) {
      continue;
    }
    *value = '\0';
    narrow(&out->max_mails, strcasecmp(words[i], "MAILMAX") == 0 ? n : 0);
    narrow(&out->max_rcpts, strcasecmp(words[i], "RCPTMAX") == 0 ? n : 0);
    narrow(&out->max_rcpt_domains, strcasecmp(words[i], "RCPTDOMAINMAX") == 0 ? n : 0);
  }
}

// A keyword and its parameters.
static void read_keyword(struct ehlo_capabilities *out, char **words, size_t num) {
  const struct {
    const char *keyword;
    bool *flag;
  } flags[] = {
      {"STARTTLS", &out->starttls},
      {"PIPELINING", &out->pipelining},
      {"8BITMIME", &out->eight_bit_mime},
      {"SMTPUTF8", &out->smtputf8},
      {"CHUNKING", &out->chunking},
      {"BINARYMIME", &out->binary_mime},
      {"DSN", &out->dsn},
      {"ENHANCEDSTATUSCODES", &out->enhanced_status_codes},
      {"SIZE", &out->size},
      {"REQUIRETLS", &out->requiretls},
      {"ETRN", &out->etrn},
      {"BURL", &out->burl},
      {"FUTURERELEASE", &out->future_release},
      {"XCLIENT", &out->xclient},
      {"DELIVERBY", &out->deliver_by},
      {"LIMITS", &out->limits},
      {"MT-PRIORITY", &out->mt_priority},
  };
  for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
    *flags[i].flag |= strcasecmp(words[0], flags[i].keyword) == 0;
  }
  const char *first = num > 1 ? words[1] : "";
  unsigned long long n;
  if (strcasecmp(words[0], "SIZE") == 0 && number(first, "18446744073709551615", &n)) {
    out->max_size = n;
  } else if (strcasecmp(words[0], "FUTURERELEASE") == 0) {
    out->max_hold_s = number(first, "4294967295", &n) ? (uint32_t)n : out->max_hold_s;
  } else if (strcasecmp(words[0], "DELIVERBY") == 0) {
    if (num > 1) {
      words[1][strcspn(words[1], ",")] = '\0';
    }
    out->min_by_s = number(first, "4294967295", &n) ? (uint32_t)n : out->min_by_s;
  } else if (strcasecmp(words[0], "XCLIENT") == 0) {
    add_names(out->xclient_names, sizeof(out->xclient_names), words + 1, num - 1);
  } else if (strcasecmp(words[0], "LIMITS") == 0) {
    read_limits(out, words + 1, num - 1);
  }
}

// One line, without CRLF. NUL stands in none.
static void read_line(struct ehlo_capabilities *out, char *line) {
  static char *words[WORDS_MAX];
  line += strspn(line, " \t");
  size_t end = strcspn(line, " \t=");
  out->xverp_courier |= strcasecmp(line, "XVERP=COURIER") == 0;
  if (end == 4 && strncasecmp(line, "AUTH", 4) == 0) {
    char *params = line + 4 + (line[4] == '=');
    size_t num = split(words, params, " \t");
    out->auth = true;
    if (!add_names(out->mechanisms, sizeof(out->mechanisms), words, num)) {
      out->auth_cut = true;
    }
  } else if (line[end] != '=') {
    size_t num = split(words, line, " \t");
    if (num > 0) {
      read_keyword(out, words, num);
    }
  }
}

static void note_goals(const struct ehlo_capabilities *c) {
  const bool reached[] = {
      [GOAL_SIZE] = c->max_size > 0,
      [GOAL_HOLD] = c->max_hold_s > 0,
      [GOAL_BY] = c->min_by_s > 0,
      [GOAL_LIMITS] = c->max_mails > 0 && c->max_rcpts > 0 && c->max_rcpt_domains > 0,
      [GOAL_XCLIENT] = c->xclient_names[0] != '\0',
      [GOAL_AUTH] = c->mechanisms[0] != '\0',
      [GOAL_CUT] = c->auth_cut,
      [GOAL_FLAGS] = c->starttls && c->pipelining && c->eight_bit_mime && c->smtputf8 &&
                     c->chunking && c->binary_mime && c->dsn && c->enhanced_status_codes &&
                     c->requiretls && c->mt_priority && c->etrn,
  };
  for (size_t i = 0; i < sizeof(reached) / sizeof(reached[0]); i++) {
    if (reached[i]) {
      ehlo_fuzz_reach(i);
    }
  }
}

static void check_same(const struct ehlo_capabilities *a, const struct ehlo_capabilities *b) {
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL,
                     a->esmtp && a->starttls == b->starttls && a->pipelining == b->pipelining);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL,
                     a->eight_bit_mime == b->eight_bit_mime && a->smtputf8 == b->smtputf8);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL,
                     a->chunking == b->chunking && a->binary_mime == b->binary_mime);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL,
                     a->dsn == b->dsn && a->enhanced_status_codes == b->enhanced_status_codes);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, a->size == b->size && a->max_size == b->max_size);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, a->auth == b->auth && a->auth_cut == b->auth_cut);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL,
                     a->requiretls == b->requiretls && a->mt_priority == b->mt_priority);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL,
                     a->future_release == b->future_release && a->max_hold_s == b->max_hold_s);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, a->deliver_by == b->deliver_by && a->min_by_s == b->min_by_s);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL,
                     a->etrn == b->etrn && a->xclient == b->xclient && a->limits == b->limits);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, a->max_mails == b->max_mails && a->max_rcpts == b->max_rcpts);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, a->max_rcpt_domains == b->max_rcpt_domains);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, a->burl == b->burl && a->xverp_courier == b->xverp_courier);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, strcmp(a->mechanisms, b->mechanisms) == 0);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, strcmp(a->xclient_names, b->xclient_names) == 0);
}

// A name is offered that is a word of the list, whole: no beginning of one is. The channel can be bound where one
// ends in "-PLUS".
static void check_lookup(const struct ehlo_capabilities *got) {
  char words[sizeof(got->mechanisms)];
  char *word_of[WORDS_MAX];
  memcpy(words, got->mechanisms, sizeof(words));
  size_t num = split(word_of, words, " ");
  bool binds = false;
  for (size_t i = 0; i < num; i++) {
    size_t len = strlen(word_of[i]);
    binds |= len >= 5 && strcmp(word_of[i] + len - 5, "-PLUS") == 0;
    char between[sizeof(words) + 2];
    EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, ehlo_capabilities_has_mechanism(got, word_of[i]));
    word_of[i][strlen(word_of[i]) - 1] = '\0';
    snprintf(between, sizeof(between), " %s ", word_of[i]);
    bool listed = *word_of[i] != '\0' && strstr(got->mechanisms, between) != NULL;
    EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, ehlo_capabilities_has_mechanism(got, word_of[i]) == listed);
  }
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, ehlo_capabilities_binds_channel(got) == binds);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct ehlo_fuzz_bytes text = {0};
  struct ehlo_capabilities got;
  struct ehlo_capabilities wanted = {0};
  size_t num_lines = 1;
  ehlo_fuzz_add(&text, "250-STARTTLS\r\n", 14);
  for (size_t at = 0; at < size && num_lines < 1000; num_lines++) {
    const uint8_t *lf = memchr(data + at, '\n', size - at);
    size_t len = lf != NULL ? (size_t)(lf - data) - at : size - at;
    char *line = malloc(len + 1);
    size_t kept = 0;
    for (size_t i = 0; i < len; i++) {  // what no reply line holds is left out
      line[kept] = (char)data[at + i];
      kept += line[kept] != '\0' && line[kept] != '\r';
    }
    line[kept] = '\0';
    ehlo_fuzz_add(&text, at + len + 1 < size ? "250-" : "250 ", 4);
    ehlo_fuzz_add(&text, line, kept);
    ehlo_fuzz_add(&text, "\r\n", 2);
    read_line(&wanted, line);
    free(line);
    at += len + 1;
  }
  uint8_t *exact = ehlo_fuzz_copy(text.bytes, text.len);
  struct ehlo_reply reply = {.code = 250, .num_lines = num_lines, .text = {exact, text.len}};
  memset(&got, 0xee, sizeof(got));
  ehlo_capabilities_parse(&got, &reply);
  check_same(&got, &wanted);
  check_lookup(&got);
  note_goals(&got);
  free(exact);
  free(text.bytes);
  return 0;
}
