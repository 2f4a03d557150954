// See reference_command.h. The expressions are compiled once, and only read after that.
#include "fuzz/reference_command.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fuzz/fuzz.h"

#define TEXT_MAX ((size_t)1501)
#define XTEXT "([!-*,-<>-~]|[+]([2-6][0-9A-F]|7[0-9A-E]))+"
#define TIME \
  "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})"
// One to nine digits, not all of them 0.
#define POSITIVE                                                                              \
  "(0{0,8}[1-9]|0{0,7}[1-9][0-9]|0{0,6}[1-9][0-9]{2}|0{0,5}[1-9][0-9]{3}|0{0,4}[1-9][0-9]{4}" \
  "|0{0,3}[1-9][0-9]{5}|0{0,2}[1-9][0-9]{6}|0{0,1}[1-9][0-9]{7}|[1-9][0-9]{8})"
#define LIST "(SUCCESS|FAILURE|DELAY)"
#define NAME "[A-Za-z0-9_\x80-\xff-]+"
#define DOMAIN "(\\[[!-;=?-Z^-~]+\\]|" NAME "([.]" NAME ")*[.]?)"
#define LOCAL "(\"([^\"\\]|\\\\.)*\"|[^][ ()<>:;@\\,\"]+)"

struct row {
  const char *keyword;
  bool at_mail;
  const char *value;  // NULL: there is none, and no "="
  int flags;
  regex_t compiled;
};

static struct row rows[] = {
    {.keyword = "SIZE", .at_mail = true, .value = "[0-9]{1,20}"},
    {.keyword = "BODY", .at_mail = true, .value = "7BIT|8BITMIME|BINARYMIME", .flags = REG_ICASE},
    {.keyword = "SMTPUTF8", .at_mail = true},
    {.keyword = "AUTH", .at_mail = true, .value = XTEXT},
    {.keyword = "RET", .at_mail = true, .value = "FULL|HDRS", .flags = REG_ICASE},
    {.keyword = "ENVID", .at_mail = true, .value = XTEXT},
    {.keyword = "REQUIRETLS", .at_mail = true},
    {.keyword = "HOLDFOR", .at_mail = true, .value = POSITIVE},
    {.keyword = "HOLDUNTIL", .at_mail = true, .value = TIME, .flags = REG_ICASE},
    {.keyword = "BY",
     .at_mail = true,
     .value = "([+-]?[0-9]{1,9};NT?)|([+]?" POSITIVE ";RT?)",
     .flags = REG_ICASE},
    {.keyword = "MT-PRIORITY", .at_mail = true, .value = "0|-?[1-9]"},
    {.keyword = "NOTIFY", .value = "NEVER|" LIST "(," LIST ")*", .flags = REG_ICASE},
    {.keyword = "ORCPT", .value = "[!#-'*/-9?A-Z^-~-]+;" XTEXT},
};
#define NUM_ROWS (sizeof(rows) / sizeof(rows[0]))

static regex_t path_pattern;
static regex_t parts_pattern;

static void compile(regex_t *out, const char *pattern, int flags) {
  char whole[1024];
  EHLO_FUZZ_CHECK(strlen(pattern) + 5 < sizeof(whole));
  strcpy(whole, "^(");
  strcat(whole, pattern);
  strcat(whole, ")$");
  EHLO_FUZZ_CHECK(regcomp(out, whole, REG_EXTENDED | flags) == 0);
}

static void compile_all(void) {
  static bool done;
  if (done) {
    return;
  }
  done = true;
  for (size_t i = 0; i < NUM_ROWS; i++) {
    if (rows[i].value != NULL) {
      compile(&rows[i].compiled, rows[i].value, rows[i].flags | REG_NOSUB);
    }
  }
  compile(&path_pattern, "((@" DOMAIN ",)*@" DOMAIN ":)?" LOCAL "(@" DOMAIN ")?", REG_NOSUB);
  compile(&parts_pattern, "((@" DOMAIN ",)*@" DOMAIN ":)?" LOCAL "(@" DOMAIN ")?", 0);
}

// ---- Parameters ---------------------------------------------------------------------------------

static struct row *row_of(const char *keyword) {
  for (size_t i = 0; i < NUM_ROWS; i++) {
    if (strcasecmp(keyword, rows[i].keyword) == 0) {
      return &rows[i];
    }
  }
  return NULL;
}

static bool offered(const char *keyword, const char *value, const struct ehlo_capabilities *caps) {
  if (strcmp(keyword, "SIZE") == 0) {
    return caps->size;
  }
  if (strcmp(keyword, "BODY") == 0) {
    return strcasecmp(value, "BINARYMIME") == 0 ? caps->binary_mime && caps->chunking
                                                : caps->eight_bit_mime;
  }
  if (strcmp(keyword, "SMTPUTF8") == 0) {
    return caps->smtputf8;
  }
  if (strcmp(keyword, "AUTH") == 0) {
    return caps->auth;
  }
  if (strcmp(keyword, "REQUIRETLS") == 0) {
    return caps->requiretls;
  }
  if (strcmp(keyword, "MT-PRIORITY") == 0) {
    return caps->mt_priority;
  }
  if (strcmp(keyword, "BY") == 0) {
    bool returns = strpbrk(value, "Rr") != NULL;
    return caps->deliver_by && !(returns && strtoul(value, NULL, 10) < caps->min_by_s);
  }
  if (strncmp(keyword, "HOLD", 4) == 0) {
    bool beyond =
        keyword[4] == 'F' && caps->max_hold_s > 0 && strtoul(value, NULL, 10) > caps->max_hold_s;
    return caps->future_release && !beyond;
  }
  return caps->dsn;
}

// A word, which is changed here: '=' becomes its end.
static enum ehlo_status judge_word(char *word, bool at_mail, const struct ehlo_capabilities *caps,
                                   unsigned *seen) {
  for (const char *c = word; *c != '\0'; c++) {
    if (*c <= ' ' || *c == 0x7f) {  // what is over 127 is negative
      return EHLO_E_ARGUMENT;
    }
  }
  char *value = strchr(word, '=');
  if (*word == '\0' || value == word) {
    return EHLO_E_ARGUMENT;
  }
  if (value != NULL) {
    *value++ = '\0';
  }
  struct row *row = row_of(word);
  if (row == NULL) {
    return EHLO_OK;
  }
  unsigned bit = 1U << (row - rows);
  bool twice = (*seen & bit) != 0;
  *seen |= bit;
  if (twice || row->at_mail != at_mail || (value == NULL) != (row->value == NULL) ||
      (value != NULL && regexec(&row->compiled, value, 0, NULL, 0) != 0)) {
    return EHLO_E_ARGUMENT;
  }
  size_t max = strcmp(row->keyword, "ENVID") == 0   ? 100
               : strcmp(row->keyword, "ORCPT") == 0 ? 500
                                                    : TEXT_MAX;
  if (value != NULL && strlen(value) > max) {
    return EHLO_E_TOO_LONG;
  }
  return offered(row->keyword, value, caps) ? EHLO_OK : EHLO_E_UNSUPPORTED;
}

static int weight(enum ehlo_status status) {
  return status == EHLO_E_ARGUMENT ? 3 : status == EHLO_E_TOO_LONG ? 2 : status != EHLO_OK;
}

enum ehlo_status ehlo_reference_params(struct ehlo_span params, bool at_mail,
                                       const struct ehlo_capabilities *caps) {
  char text[TEXT_MAX + 1];
  enum ehlo_status worst = EHLO_OK;
  unsigned seen = 0;
  compile_all();
  if (params.len >= TEXT_MAX) {
    return EHLO_E_TOO_LONG;
  }
  if (params.len == 0) {
    return EHLO_OK;
  }
  if (memchr(params.bytes, '\0', params.len) != NULL) {
    return EHLO_E_ARGUMENT;
  }
  memcpy(text, params.bytes, params.len);
  text[params.len] = '\0';
  for (char *word = text; word != NULL;) {
    char *next = strchr(word, ' ');
    if (next != NULL) {
      *next++ = '\0';
    }
    enum ehlo_status status = judge_word(word, at_mail, caps, &seen);
    worst = weight(status) > weight(worst) ? status : worst;
    word = next;
  }
  bool both = (seen >> (row_of("HOLDFOR") - rows) & seen >> (row_of("HOLDUNTIL") - rows) & 1) != 0;
  return both ? EHLO_E_ARGUMENT : worst;
}

// ---- Paths --------------------------------------------------------------------------------------

// The characters of UTF-8 by their numbers: none below 32, none from 127 to 159, no surrogate.
static bool characters_ok(struct ehlo_span s, bool utf8) {
  for (size_t i = 0; i < s.len;) {
    uint8_t c = s.bytes[i++];
    size_t more = c < 0x80 ? 0 : c < 0xc0 ? 9 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : c < 0xf8 ? 3 : 9;
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    if (more > 3 || (more > 0 && !utf8) || s.len - i < more) {
      return false;
    }
    uint32_t number = more == 0 ? c : c & (0x3fU >> more);
    for (size_t k = 0; k < more; k++, i++) {
      if (s.bytes[i] >> 6 != 2) {
        return false;
      }
      number = number << 6 | (s.bytes[i] & 0x3fU);
    }
    if (number < least[more] || number < 32 || (number >= 127 && number < 160) ||
        (number >= 0xd800 && number < 0xe000) || number > 0x10ffff) {
      return false;
    }
  }
  return true;
}

enum ehlo_status ehlo_reference_path(struct ehlo_span path, bool allow_empty, bool utf8) {
  char text[4097];
  regmatch_t parts[12];
  compile_all();
  if (path.len == 0) {
    return allow_empty ? EHLO_OK : EHLO_E_ARGUMENT;
  }
  EHLO_FUZZ_CHECK(path.len < sizeof(text));
  if (!characters_ok(path, utf8)) {
    return EHLO_E_ARGUMENT;
  }
  memcpy(text, path.bytes, path.len);
  text[path.len] = '\0';
  if (regexec(&path_pattern, text, 0, NULL, 0) != 0) {
    return EHLO_E_ARGUMENT;
  }
  // Group 8 is the local part, and 10 the domain with its "@".
  EHLO_FUZZ_CHECK(regexec(&parts_pattern, text, 12, parts, 0) == 0);
  bool too_long = parts[8].rm_eo - parts[8].rm_so > 64 || parts[10].rm_eo - parts[10].rm_so > 256;
  return too_long || path.len > 254 ? EHLO_E_TOO_LONG : EHLO_OK;
}
