// Any bytes as choices of claims, as claims, as a token, and as what a token command prints: what
// is said of the claims is what they were chosen to bring about, in sentences that hold nothing of
// the token; and what is taken is the first line, or the string that was written into the JSON.
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "tools/driver/token_read.h"

enum goal {
  GOAL_FITS,
  GOAL_EXPIRED,
  GOAL_EARLY,
  GOAL_AUDIENCE,
  GOAL_SCOPE,
  GOAL_USER,
  GOAL_LINE,
  GOAL_JSON,
  GOAL_NO_TOKEN,
  GOAL_TOO_LONG,
};

const char *const ehlo_fuzz_goals[EHLO_FUZZ_GOALS_MAX] = {
    [GOAL_FITS] = "a token that fits",
    [GOAL_EXPIRED] = "one that expired",
    [GOAL_EARLY] = "one that is not valid yet",
    [GOAL_AUDIENCE] = "one for another service",
    [GOAL_SCOPE] = "one that does not allow SMTP",
    [GOAL_USER] = "one for another user",
    [GOAL_LINE] = "one in a line",
    [GOAL_JSON] = "one in JSON",
    [GOAL_NO_TOKEN] = "none",
    [GOAL_TOO_LONG] = "one beyond the limit",
};

#define NOW 1700000000
#define USER "alice@example.com"
#define CAP 64

enum said { EXPIRED = 1, EARLY = 2, AUDIENCE = 4, SCOPE = 8, OTHER_USER = 16 };

// ---- What is said -----------------------------------------------------------------------------------

// All that may be said; # stands for a number.
static const struct {
  enum said said;
  enum goal goal;
  const char *words;
} sentences[] = {
    {EXPIRED, GOAL_EXPIRED, "warning: the token expired # minutes ago; fetch a new one"},
    {EARLY, GOAL_EARLY, "warning: the token is not valid yet; check this machine's clock"},
    {AUDIENCE, GOAL_AUDIENCE,
     "warning: the token is for another service than Exchange Online: its audience has to be "
     "https://outlook.office.com or https://outlook.office#.com, not Graph"},
    {SCOPE, GOAL_SCOPE,
     "warning: the token does not allow SMTP: ask for the scope "
     "https://outlook.office.com/SMTP.Send, or for an application the role SMTP.SendAsApp"},
    {OTHER_USER, GOAL_USER, "warning: the token is for another user than --user names"},
};

// The text with each number as #.
static void hide_numbers(char *out, size_t cap, const char *text) {
  size_t len = 0;
  while (*text != '\0' && len < cap - 1) {
    size_t digits = strspn(text, "0123456789");
    EHLO_FUZZ_CHECK(digits <= 10);
    out[len++] = digits > 0 ? '#' : *text;
    text += digits > 0 ? digits : 1;
  }
  out[len] = '\0';
}

static unsigned which(const char *text) {
  char hidden[300];
  hide_numbers(hidden, sizeof(hidden), text);
  for (size_t i = 0; i < sizeof(sentences) / sizeof(sentences[0]); i++) {
    if (strcmp(hidden, sentences[i].words) == 0) {
      ehlo_fuzz_reach(sentences[i].goal);
      return sentences[i].said;
    }
  }
  return 0;
}

// A sentence that is none of these would hold something of the token.
static unsigned look(const uint8_t *token, size_t len) {
  struct warnings w = {.silent = true};
  uint8_t *copy = ehlo_fuzz_copy(token, len);
  unsigned all = 0;
  token_look(&w, (struct ehlo_span){copy, len}, USER, NOW);
  free(copy);
  for (size_t i = 0; i < json_array_size(w.list); i++) {
    unsigned said = which(json_string_value(json_array_get(w.list, i)));
    EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_SECRECY, said != 0);
    EHLO_FUZZ_CHECK((all & said) == 0);
    all |= said;
  }
  warnings_free(&w);
  return all;
}

// ---- Claims -----------------------------------------------------------------------------------------

// Values of each claim, in JSON, and what they bring about; those of `bad` in a token of Entra.
struct value {
  const char *json;  // NULL: the claim is missing
  unsigned bad;
};

static const struct value issuers[] = {{"\"https://sts.windows.net/t/\"", 1},
                                       {"\"https://login.microsoftonline.com/t/v2.0\"", 1},
                                       {NULL, 0},
                                       {"\"https://login.microsoftonline.com\"", 0},
                                       {"[\"https://sts.windows.net/t/\"]", 0}};
static const struct value audiences[] = {{"\"https://outlook.office365.com\"", 0},
                                         {"\"https://outlook.office.com/\"", 0},
                                         {"\"HTTPS://OUTLOOK.OFFICE.COM\"", 0},
                                         {"\"00000002-0000-0ff1-ce00-000000000000\"", 0},
                                         {"[1, \"x\", \"https://outlook.office.com\"]", 0},
                                         {"\"https://graph.microsoft.com\"", AUDIENCE},
                                         {"\"https://outlook.office.com.example\"", AUDIENCE},
                                         {"\"https://outlook.office.com//\"", AUDIENCE},
                                         {"\"https://outlook.office.co\"", AUDIENCE},
                                         {"[]", AUDIENCE},
                                         {"{\"a\": \"https://outlook.office.com\"}", AUDIENCE},
                                         {"7", AUDIENCE},
                                         {NULL, AUDIENCE}};
// What allows SMTP is 0.
static const struct value scopes[] = {{"\"SMTP.Send\"", 0},
                                      {"\"Mail.Read SMTP.Send\"", 0},
                                      {"\"smtp.send  openid\"", 0},
                                      {"\"SMTP.SendX\"", SCOPE},
                                      {"\"XSMTP.Send\"", SCOPE},
                                      {"\"SMTP.Sen\"", SCOPE},
                                      {"[\"SMTP.Send\"]", SCOPE},
                                      {"\"SMTP.Send\\tMail\"", SCOPE},
                                      {"\"\"", SCOPE},
                                      {NULL, SCOPE}};
static const struct value roles[] = {{NULL, SCOPE},
                                     {"[\"SMTP.SendAsApp\"]", 0},
                                     {"[{}, \"x\", \"smtp.sendasapp\"]", 0},
                                     {"\"SMTP.SendAsApp\"", SCOPE},
                                     {"[\"SMTP.SendAsAppX\", \"SMTP.Send\"]", SCOPE},
                                     {"[[\"SMTP.SendAsApp\"]]", SCOPE}};
static const struct value expiries[] = {{"1700000001", 0},
                                        {"1700000000.5", 0},
                                        {"9223372036854775807", 0},
                                        {"1e300", 0},
                                        {"\"1600000000\"", 0},
                                        {"null", 0},
                                        {NULL, 0},
                                        {"1700000000", EXPIRED},
                                        {"1600000000.25", EXPIRED},
                                        {"-9223372036854775808", EXPIRED},
                                        {"-1e300", EXPIRED},
                                        {"0", EXPIRED}};
static const struct value begins[] = {
    {NULL, 0},           {"1700000300", 0},     {"-9223372036854775808", 0},
    {"[1800000000]", 0}, {"1700000301", EARLY}, {"1700000300.5", EARLY},
    {"1e300", EARLY}};
static const struct value users[] = {{NULL, 0},
                                     {"\"\"", 0},
                                     {"17", 0},
                                     {"\"" USER "\"", 1},
                                     {"\"Alice@EXAMPLE.com\"", 1},
                                     {"\"bob@example.com\"", OTHER_USER},
                                     {"\"alice@example.co\"", OTHER_USER},
                                     {"\"alice@example.com \"", OTHER_USER}};

// The decisions of an input, one octet each; 0 when there are no more.
struct choices {
  const uint8_t *at;
  const uint8_t *end;
};

static uint8_t choose(struct choices *c) {
  return c->at < c->end ? *c->at++ : 0;
}

static void add_text(struct ehlo_fuzz_bytes *out, const char *text) {
  ehlo_fuzz_add(out, text, strlen(text));
}

// A value as it is or, by the input, with blanks around it and letters within strings as \uXXXX.
static void add_value(struct ehlo_fuzz_bytes *out, struct choices *c, const char *json) {
  uint8_t how = choose(c);
  bool within = false;
  add_text(out, how & 1 ? " \t\r\n" : "");
  for (size_t i = 0; json[i] != '\0'; i++) {
    within ^= json[i] == '"';
    char escaped[8];
    bool escapes = within && isalpha((unsigned char)json[i]) && (i == 0 || json[i - 1] != '\\') &&
                   how > 1 && i % how == 0;
    snprintf(escaped, sizeof(escaped), escapes ? "\\u%04x" : "%c", json[i]);
    add_text(out, escaped);
  }
  add_text(out, how & 1 ? " " : "");
}

static unsigned add_claim(struct ehlo_fuzz_bytes *out, struct choices *c, const char *name,
                          const struct value *values, size_t num) {
  const struct value *v = &values[choose(c) % num];
  if (v->json != NULL) {
    add_text(out, out->len > 1 ? ",\"" : "\"");
    add_text(out, name);
    add_text(out, "\":");
    add_value(out, c, v->json);
  }
  return v->bad;
}
#define ADD_CLAIM(name, values) \
  add_claim(&json, c, name, values, sizeof(values) / sizeof((values)[0]))

static void add_base64url(struct ehlo_fuzz_bytes *out, const uint8_t *bytes, size_t len) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  uint32_t bits = 0;
  unsigned num = 0;
  for (size_t i = 0; i < len; i++) {
    bits = bits << 8 | bytes[i];
    for (num += 8; num >= 6; num -= 6) {
      ehlo_fuzz_add(out, &digits[bits >> (num - 6) & 63], 1);
    }
  }
  if (num > 0) {
    ehlo_fuzz_add(out, &digits[bits << (6 - num) & 63], 1);
  }
}

static unsigned look_at_claims(const uint8_t *claims, size_t len) {
  static struct ehlo_fuzz_bytes token;
  ehlo_fuzz_clear(&token);
  add_text(&token, "eyJhbGciOiJub25lIn0.");
  add_base64url(&token, claims, len);
  add_text(&token, ".c2lnbmF0dXJl");
  return look(token.bytes, token.len);
}

static void check_claims(struct choices *c) {
  static struct ehlo_fuzz_bytes json;
  ehlo_fuzz_clear(&json);
  add_text(&json, "{");
  unsigned expected = 0;
  bool is_entra = ADD_CLAIM("iss", issuers) != 0;
  unsigned audience = ADD_CLAIM("aud", audiences);
  unsigned scope = ADD_CLAIM("scp", scopes) & ADD_CLAIM("roles", roles);
  expected |= ADD_CLAIM("exp", expiries) | ADD_CLAIM("nbf", begins);
  unsigned upn = ADD_CLAIM("upn", users);
  unsigned preferred = ADD_CLAIM("preferred_username", users);
  unsigned unique = ADD_CLAIM("unique_name", users);
  add_text(&json, "}");
  if (is_entra) {
    unsigned user = upn != 0 ? upn : preferred != 0 ? preferred : unique;
    expected |= (audience != 0 ? audience : scope) | (user & OTHER_USER);
  }
  unsigned said = look_at_claims(json.bytes, json.len);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, said == expected);
  if (is_entra && said == 0) {
    ehlo_fuzz_reach(GOAL_FITS);
  }
}

// ---- Taking -----------------------------------------------------------------------------------------

static const char *take(uint8_t out[CAP], size_t *out_len, const uint8_t *text, size_t len) {
  char *copy = (char *)ehlo_fuzz_copy(text, len);
  memset(out, 0xa5, CAP);
  *out_len = CAP + 1;
  const char *wrong = token_take(out, out_len, CAP, copy, len);
  free(copy);
  EHLO_FUZZ_CHECK(wrong == NULL ? *out_len > 0 && *out_len <= CAP : *out_len == 0);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_SECRECY, ehlo_fuzz_is_all(0xa5, out + *out_len, CAP - *out_len));
  return wrong;
}

static void expect_take(const uint8_t *text, size_t len, const uint8_t *token, size_t token_len,
                        enum goal goal) {
  uint8_t out[CAP];
  size_t out_len;
  const char *wrong = take(out, &out_len, text, len);
  bool is_one = token_len > 0 && token_len <= CAP;
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, (wrong == NULL) == is_one);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL,
                     !is_one || (out_len == token_len && memcmp(out, token, token_len) == 0));
  ehlo_fuzz_reach(is_one ? goal : token_len == 0 ? GOAL_NO_TOKEN : GOAL_TOO_LONG);
}

static void check_output(const uint8_t *text, size_t len) {
  size_t blank = 0;
  size_t end = 0;
  while (blank < len && (text[blank] == ' ' || (text[blank] >= '\t' && text[blank] <= '\r' &&
                                                text[blank] != '\v' && text[blank] != '\f'))) {
    blank++;
  }
  if (blank < len && text[blank] == '{') {
    uint8_t out[CAP];
    size_t out_len;
    take(out, &out_len, text, len);
    return;
  }
  while (end < len && text[end] != '\n') {
    end++;
  }
  end -= end > 0 && text[end - 1] == '\r';
  expect_take(text, len, text, end, GOAL_LINE);
}

// The bytes as the string of an object, each as itself or escaped.
static void check_object(const uint8_t *token, size_t len) {
  static struct ehlo_fuzz_bytes json;
  static struct ehlo_fuzz_bytes wanted;
  ehlo_fuzz_clear(&json);
  ehlo_fuzz_clear(&wanted);
  add_text(
      &json,
      "\n{\"token_type\":\"Bearer\",\"more\":[{\"access_token\":\"no\"}],\"access_token\" : \"");
  for (size_t i = 0; i < len; i++) {
    uint8_t c = token[i] & 0x7f;
    char text[8];
    bool plain = token[i] < 0x80 && c >= 0x20 && c != '"' && c != '\\';
    c = c == 0 ? 'x' : c;
    snprintf(text, sizeof(text), plain ? "%c" : "\\u%04X", c);
    add_text(&json, text);
    ehlo_fuzz_add(&wanted, &c, 1);
  }
  add_text(&json, "\",\"expires_in\":3599}");
  expect_take(json.bytes, json.len, wanted.bytes, wanted.len, GOAL_JSON);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  check_claims(&(struct choices){data, data + size});
  look_at_claims(data, size);
  look(data, size);
  check_output(data, size);
  check_object(data, size);
  return 0;
}
