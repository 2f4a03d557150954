// Any bytes as what speaks first, as a baseline, and as choices of facts: who speaks is what a
// second list says, and what was told of a few bytes stands for more of them; a baseline is read or
// its mistake told in a printable line; the same compared is the same, there and back the changes
// are each other's reverse, and of chosen facts those are told that differ.
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "tools/driver/baseline.h"
#include "tools/driver/first_bytes.h"

enum goal {
  GOAL_KNOWN,
  GOAL_UNKNOWN,
  GOAL_NO_BASELINE,
  GOAL_SAME,
  GOAL_CHANGED,
  GOAL_GONE,
  GOAL_NEW,
};

const char *const ehlo_fuzz_goals[EHLO_FUZZ_GOALS_MAX] = {
    [GOAL_KNOWN] = "another protocol",
    [GOAL_UNKNOWN] = "what nobody knows",
    [GOAL_NO_BASELINE] = "a baseline that is none",
    [GOAL_SAME] = "nothing changed",
    [GOAL_CHANGED] = "a value that changed",
    [GOAL_GONE] = "one that is gone",
    [GOAL_NEW] = "one that is new",
};

// ---- Who speaks -------------------------------------------------------------------------------------

static bool begins(const uint8_t *bytes, size_t len, const char *with, size_t with_len) {
  return len >= with_len && memcmp(bytes, with, with_len) == 0;
}
#define BEGINS(literal) begins(bytes, len, literal, sizeof(literal) - 1)

// A word of the sentence; NULL where none is to be said.
static const char *expected_word(const uint8_t *bytes, size_t len) {
  if (BEGINS("HTTP/") || BEGINS("<!") || BEGINS("<html")) {
    return "web server";
  }
  if (BEGINS("SSH-")) {
    return "SSH";
  }
  if (len >= 2 && (bytes[0] == 21 || bytes[0] == 22) && bytes[1] == 3) {
    return "--tls implicit";
  }
  if (BEGINS("* OK") || BEGINS("* BYE") || BEGINS("* PREAUTH")) {
    return "IMAP";
  }
  if (BEGINS("+OK") || BEGINS("-ERR")) {
    return "POP3";
  }
  if (BEGINS("RFB ")) {
    return "VNC";
  }
  if (BEGINS("\3\0\0")) {
    return "RDP";
  }
  if (len >= 5 && begins(bytes + 1, len - 1, "\0\0\0\12", 4)) {
    return "MySQL";
  }
  if (BEGINS("220 ****")) {
    return "firewall";
  }
  if (BEGINS("220-FileZilla") || BEGINS("220 (vsFTPd") || BEGINS("220 ProFTPD") ||
      BEGINS("220 FTP")) {
    return "FTP";
  }
  return NULL;
}

static void check_sentence(const char *text) {
  size_t len = strlen(text);
  EHLO_FUZZ_CHECK(len > 0 && text[len - 1] != '.');
  for (size_t i = 0; i < len; i++) {
    EHLO_FUZZ_CHECK(text[i] >= 0x20 && text[i] < 0x7f);
  }
}

static void check_first_bytes(const uint8_t *data, size_t size) {
  const char *before = NULL;
  for (size_t len = 0; len <= size && len <= 16; len++) {
    uint8_t *bytes = ehlo_fuzz_copy(data, len);
    const char *word = expected_word(bytes, len);
    const char *sentence = first_bytes_look((struct ehlo_span){bytes, len});
    EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, (sentence != NULL) == (word != NULL));
    EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, word == NULL || strstr(sentence, word) != NULL);
    EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_RECUT, before == NULL || sentence == before);
    if (sentence != NULL) {
      check_sentence(sentence);
    }
    before = sentence;
    free(bytes);
  }
  ehlo_fuzz_reach(before != NULL ? GOAL_KNOWN : GOAL_UNKNOWN);
}

// ---- Baselines --------------------------------------------------------------------------------------

// What was printed: the caller's, to be freed.
struct printed {
  char *text;
  size_t len;
};

static FILE *print_to(struct printed *p) {
  FILE *out = open_memstream(&p->text, &p->len);
  EHLO_FUZZ_CHECK(out != NULL);
  return out;
}

static void check_lines(const struct printed *p) {
  EHLO_FUZZ_CHECK(p->len == 0 || p->text[p->len - 1] == '\n');
  for (size_t i = 0; i < p->len; i++) {
    EHLO_FUZZ_CHECK(p->text[i] == '\n' || (p->text[i] >= 0x20 && p->text[i] < 0x7f));
  }
}

static size_t compare(struct printed *p, const json_t *old, const json_t *now) {
  FILE *out = print_to(p);
  size_t num = baseline_compare(out, old, now);
  fclose(out);
  check_lines(p);
  EHLO_FUZZ_CHECK((num == 0) == (p->len == 0));
  return num;
}

static json_t *read_baseline(const uint8_t *text, size_t len) {
  json_error_t error;
  uint8_t *copy = ehlo_fuzz_copy(text, len);
  json_t *json = baseline_read(&error, (const char *)copy, len);
  free(copy);
  if (json == NULL) {
    struct printed p;
    FILE *out = print_to(&p);
    baseline_complain(out, "file\x1b", &error);
    fclose(out);
    check_lines(&p);
    EHLO_FUZZ_CHECK(strchr(p.text, '\n') == p.text + p.len - 1);
    EHLO_FUZZ_CHECK(strncmp(p.text, "ehlo: file\\x1b:", 15) == 0);
    free(p.text);
    ehlo_fuzz_reach(GOAL_NO_BASELINE);
  }
  return json;
}

static void check_both(const json_t *old, const json_t *now) {
  struct printed there;
  struct printed back;
  struct printed none;
  size_t num = compare(&there, old, now);
  EHLO_FUZZ_CHECK(compare(&back, now, old) == num);
  EHLO_FUZZ_CHECK(there.len == back.len);
  EHLO_FUZZ_CHECK(compare(&none, now, now) == 0);
  ehlo_fuzz_reach(num == 0 ? GOAL_SAME : GOAL_CHANGED);
  free(there.text);
  free(back.text);
  free(none.text);
}

// Two texts with a NUL between, or one and what a server is like.
static void check_baselines(const uint8_t *data, size_t size) {
  static const char usual[] =
      "{\"greeting\":220,\"under_tls\":[\"SIZE 9\",\"PIPELINING\"],"
      "\"tls\":{\"version\":\"TLSv1.3\",\"chain\":[{\"subject\":\"CN=a\"}]},\"before_tls\":null}";
  const uint8_t *nul = size > 0 ? memchr(data, 0, size) : NULL;
  size_t len = nul != NULL ? (size_t)(nul - data) : size;
  json_t *old = read_baseline(data, len);
  json_t *now = nul != NULL ? read_baseline(nul + 1, size - len - 1)
                            : read_baseline((const uint8_t *)usual, sizeof(usual) - 1);
  if (old != NULL && now != NULL) {
    check_both(old, now);
  }
  json_decref(old);
  json_decref(now);
}

// ---- Chosen facts -----------------------------------------------------------------------------------

#define WORDS 4

// A list that has each word so many times as two bits of `counts` say, in an order by `order`.
static json_t *list_of(const char *const words[WORDS], uint8_t counts, uint8_t order) {
  json_t *list = json_array();
  for (size_t i = 0; i < WORDS; i++) {
    size_t word = (i + order) % WORDS;
    for (int n = counts >> 2 * word & 3; n > 0; n--) {
      json_array_append_new(list, json_string(words[word]));
    }
  }
  return json_pack("{s:{s:o}}", "a", "b", list);
}

static size_t occurrences(const char *text, const char *part) {
  size_t num = 0;
  for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part)) {
    num++;
  }
  return num;
}

static void check_choices(uint8_t before, uint8_t after, uint8_t order) {
  static const char *const words[WORDS] = {"SIZE", "X\x1b[m", "8BITMIME", "\n"};
  static const char *const shown[WORDS] = {"\"SIZE\"", "\"X\\u001B[m\"", "\"8BITMIME\"", "\"\\n\""};
  json_t *old = list_of(words, before, order);
  json_t *now = list_of(words, after, order >> 4);
  struct printed p;
  size_t expected = 0;
  size_t num = compare(&p, old, now);
  for (size_t i = 0; i < WORDS; i++) {
    int had = before >> 2 * i & 3;
    int has = after >> 2 * i & 3;
    char line[60];
    snprintf(line, sizeof(line), "a.b: %s %s\n", had > has ? "gone:" : "new:", shown[i]);
    size_t differs = (size_t)(had > has ? had - has : has - had);
    EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, occurrences(p.text, line) == differs);
    expected += differs;
    if (differs > 0) {
      ehlo_fuzz_reach(had > has ? GOAL_GONE : GOAL_NEW);
    }
  }
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, num == expected);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, occurrences(p.text, "\n") == expected);
  free(p.text);
  json_decref(old);
  json_decref(now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  check_first_bytes(data, size);
  check_baselines(data, size);
  if (size >= 3) {
    check_choices(data[0], data[1], data[2]);
  }
  return 0;
}
