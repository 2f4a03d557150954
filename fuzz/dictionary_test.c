// The dictionary has each word of the tables it is made of, and every line of it is one that libFuzzer's
// ParseDictionaryFile takes: empty, a comment, or a quoted word of at most 64 octets. It is judged by a
// reader of its own.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "engine/ehlo.h"
#include "replay/settings.h"
#include "replay/transcript.h"

#define DICTIONARY "fuzz/dictionary.txt"
#define WORDS_MAX 1000

struct word {
  size_t len;
  char bytes[256];
};

static struct word words[WORDS_MAX];
static size_t num_words;

static bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

// What stands between the quotation marks; false for what libFuzzer would refuse.
static bool read_word(struct word *out, const char *line) {
  size_t len = strlen(line);
  out->len = 0;
  if (len < 3 || line[0] != '"' || line[len - 1] != '"') {
    return false;
  }
  for (size_t i = 1; i < len - 1; i++) {
    unsigned byte = (unsigned char)line[i];
    if (byte < ' ' || byte > '~' || byte == '"') {
      return false;
    }
    if (byte == '\\') {
      i++;
      bool octet = line[i] == 'x' && is_hex(line[i + 1]) && is_hex(line[i + 2]);
      if (!octet && line[i] != '\\' && (line[i] != '"' || i == len - 1)) {
        return false;
      }
      byte = (unsigned char)line[i];
      if (octet) {
        sscanf(line + i + 1, "%2x", &byte);
        i += 2;
      }
    }
    out->bytes[out->len++] = (char)byte;
  }
  return true;
}

static void read_all(void) {
  char line[300];
  FILE *in = fopen(DICTIONARY, "r");
  cr_assert_not_null(in);
  while (fgets(line, sizeof(line), in) != NULL) {
    line[strcspn(line, "\n")] = '\0';
    if (line[0] == '\0' || line[0] == '#') {
      continue;
    }
    cr_assert_lt(num_words, WORDS_MAX);
    cr_assert(read_word(&words[num_words], line), "%s", line);
    cr_assert(words[num_words].len > 0 && words[num_words].len <= 64, "%s", line);
    num_words++;
  }
  fclose(in);
}

static bool has(const char *text) {
  for (size_t i = 0; i < num_words; i++) {
    if (words[i].len == strlen(text) && memcmp(words[i].bytes, text, words[i].len) == 0) {
      return true;
    }
  }
  return false;
}

TestSuite(dictionary, .init = read_all);

Test(dictionary, has_verbs_and_codes) {
  for (int v = EHLO_VERB_EHLO; v < EHLO_VERB_OTHER; v++) {
    const char *name = ehlo_verb_name((enum ehlo_verb)v);
    cr_expect(v == EHLO_VERB_BODY || has(name), "%s", name);
  }
  static const char *const codes[] = {"220 ", "250-", "334 ", "354 ", "421 ", "450 ", "550-"};
  for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
    cr_expect(has(codes[i]), "%s", codes[i]);
  }
  cr_expect_not(has("299 "));
}

Test(dictionary, has_keywords) {
  char text[64];
  size_t num = 0;
  for (; ehlo_capabilities_word(num) != NULL; num++) {
    cr_expect(has(ehlo_capabilities_word(num)), "%s", ehlo_capabilities_word(num));
  }
  cr_expect(num > 20 && has("PIPELINING") && has("AUTH") && has("RCPTDOMAINMAX"));
  for (num = 0; ehlo_params_word(num) != NULL; num++) {
    snprintf(text, sizeof(text), "%s=", ehlo_params_word(num));
    cr_expect(has(text), "%s", text);
  }
  cr_expect(num > 15 && has("ORCPT=") && has("BINARYMIME="));
}

Test(dictionary, has_mechanisms) {
  for (size_t i = 0; i < ehlo_num_mechanisms; i++) {
    cr_expect(has(ehlo_all_mechanisms[i]->name), "%s", ehlo_all_mechanisms[i]->name);
  }
  cr_expect(has("SCRAM-SHA-256-PLUS"));
}

Test(dictionary, has_what_transcripts_say) {
  for (size_t i = 0; ehlo_fact_word(i) != NULL; i++) {
    char text[64];
    snprintf(text, sizeof(text), "%s ", ehlo_fact_word(i));
    cr_expect(has(text), "%s", text);
  }
  cr_expect(has("! submit transfer bdat\n") && has("! submit from <a@b>\n"));
  cr_expect(has("outcome accepted at ") && has("failed reply-syntax at "));
}

Test(dictionary, the_reader_above_refuses_what_libfuzzer_refuses) {
  struct word word;
  cr_expect(read_word(&word, "\"a\\x0a\\\\\\\"\"") && word.len == 4);
  static const char *const bad[] = {"a", "\"", "\"\"", "\"a", "\"\\n\"", "\"\\x1\"", "\"a\"b\""};
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    cr_expect_not(read_word(&word, bad[i]), "%s", bad[i]);
  }
}
