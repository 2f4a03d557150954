// Reading tokens. The facts are those of Exchange Online, whose tokens say what they are for.
#include "tools/driver/token_read.h"

#include <jansson.h>
#include <openssl/base64.h>
#include <openssl/mem.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define CLAIMS_MAX 8192         // octets of the middle part of a token
#define MINUTES_MAX 1000000000  // that are told

// ---- Taking -----------------------------------------------------------------------------------------

static const char *take(uint8_t *out, size_t *out_len, size_t cap, const char *token, size_t len) {
  if (len == 0) {
    return "the token command printed no token";
  }
  if (len > cap) {
    return "the token that the command printed is too long";
  }
  memcpy(out, token, len);
  *out_len = len;
  return NULL;
}

static const char *take_json(uint8_t *out, size_t *out_len, size_t cap, const char *text,
                             size_t len) {
  json_t *json = json_loadb(text, len, 0, NULL);
  json_t *token = json_object_get(json, "access_token");
  const char *wrong = "the token command printed JSON without an \"access_token\"";
  if (json_is_string(token)) {
    wrong = take(out, out_len, cap, json_string_value(token), json_string_length(token));
    OPENSSL_cleanse((char *)json_string_value(token), json_string_length(token));
  }
  json_decref(json);
  return wrong;
}

const char *token_take(uint8_t *out, size_t *out_len, size_t cap, const char *text, size_t len) {
  size_t blank = 0;
  *out_len = 0;
  while (blank < len && text[blank] != '\0' && strchr(" \t\r\n", text[blank]) != NULL) {
    blank++;
  }
  if (blank < len && text[blank] == '{') {
    return take_json(out, out_len, cap, text, len);
  }
  const char *line = len > 0 ? memchr(text, '\n', len) : NULL;
  size_t line_len = line != NULL ? (size_t)(line - text) : len;
  line_len -= line_len > 0 && text[line_len - 1] == '\r';
  return take(out, out_len, cap, text, line_len);
}

// ---- Looking ----------------------------------------------------------------------------------------

// The claims of a JWT: the middle of three parts, base64url without padding. NULL if it is none.
static json_t *claims_of(struct ehlo_span token) {
  uint8_t base64[CLAIMS_MAX + 4];
  uint8_t text[CLAIMS_MAX];
  size_t len;
  const uint8_t *first = token.len > 0 ? memchr(token.bytes, '.', token.len) : NULL;
  const uint8_t *begin = first != NULL ? first + 1 : NULL;
  const uint8_t *end =
      first != NULL ? memchr(begin, '.', token.len - (size_t)(begin - token.bytes)) : NULL;
  json_t *claims = NULL;
  if (end == NULL || end == begin || (size_t)(end - begin) > CLAIMS_MAX) {
    return NULL;
  }
  size_t num = (size_t)(end - begin);
  for (size_t i = 0; i < num; i++) {
    base64[i] = begin[i] == '-' ? '+' : begin[i] == '_' ? '/' : begin[i];
  }
  while (num % 4 != 0) {
    base64[num++] = '=';
  }
  if (EVP_DecodeBase64(text, &len, sizeof(text), base64, num)) {
    claims = json_loadb((const char *)text, len, 0, NULL);
  }
  OPENSSL_cleanse(base64, sizeof(base64));
  OPENSSL_cleanse(text, sizeof(text));
  if (!json_is_object(claims)) {
    json_decref(claims);
    return NULL;
  }
  return claims;
}

static const char *text_of(const json_t *claims, const char *name) {
  const char *text = json_string_value(json_object_get(claims, name));
  return text != NULL ? text : "";
}

static bool is_exchange(const json_t *claim) {
  const char *audience = json_string_value(claim);
  static const char *const good[] = {"https://outlook.office365.com", "https://outlook.office.com",
                                     "00000002-0000-0ff1-ce00-000000000000"};
  for (size_t i = 0; audience != NULL && i < sizeof(good) / sizeof(good[0]); i++) {
    size_t len = strlen(good[i]);
    if (strncasecmp(audience, good[i], len) == 0 &&
        (audience[len] == '\0' || strcmp(audience + len, "/") == 0)) {
      return true;
    }
  }
  return false;
}

// One audience or a list of them, RFC 7519 §4.1.3.
static bool is_for_exchange(const json_t *claim) {
  bool found = is_exchange(claim);
  for (size_t i = 0; i < json_array_size(claim); i++) {
    found = found || is_exchange(json_array_get(claim, i));
  }
  return found;
}

static bool has_word(const char *words, const char *word) {
  size_t len = strlen(word);
  while (*words != '\0') {
    size_t n = strcspn(words, " ");
    if (n == len && strncasecmp(words, word, n) == 0) {
      return true;
    }
    words += n + (words[n] == ' ');
  }
  return false;
}

static bool has_role(const json_t *claims, const char *role) {
  const json_t *roles = json_object_get(claims, "roles");
  for (size_t i = 0; i < json_array_size(roles); i++) {
    const char *have = json_string_value(json_array_get(roles, i));
    if (have != NULL && strcasecmp(have, role) == 0) {
      return true;
    }
  }
  return false;
}

// Times are numbers, with or without a fraction, RFC 7519 §2.
static void look_at_time(struct warnings *w, const json_t *claims, time_t now) {
  const json_t *expiry = json_object_get(claims, "exp");
  const json_t *begin = json_object_get(claims, "nbf");
  double past = (double)now - json_number_value(expiry);
  if (json_is_number(expiry) && past >= 0) {
    double minutes = past / 60 < MINUTES_MAX ? past / 60 : MINUTES_MAX;
    warnings_add(w, "warning: the token expired %ld minutes ago; fetch a new one", (long)minutes);
  }
  if (json_is_number(begin) && json_number_value(begin) > (double)now + 300) {
    warnings_add(w, "warning: the token is not valid yet; check this machine's clock");
  }
}

static void look_at_user(struct warnings *w, const json_t *claims, const char *user) {
  static const char *const names[] = {"upn", "preferred_username", "unique_name"};
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    const char *have = text_of(claims, names[i]);
    if (have[0] != '\0' && user != NULL && strcasecmp(have, user) != 0) {
      warnings_add(w, "warning: the token is for another user than --user names");
      return;
    }
    if (have[0] != '\0') {
      return;
    }
  }
}

// Only tokens of Microsoft Entra are judged by their audience: others have rules of their own.
static bool is_of_entra(const json_t *claims) {
  const char *issuer = text_of(claims, "iss");
  return strncmp(issuer, "https://sts.windows.net/", 24) == 0 ||
         strncmp(issuer, "https://login.microsoftonline.com/", 34) == 0;
}

void token_look(struct warnings *w, struct ehlo_span token, const char *user, time_t now) {
  json_t *claims = claims_of(token);
  if (claims == NULL) {
    return;
  }
  look_at_time(w, claims, now);
  if (is_of_entra(claims)) {
    if (!is_for_exchange(json_object_get(claims, "aud"))) {
      warnings_add(
          w,
          "warning: the token is for another service than Exchange Online: its audience has to be "
          "https://outlook.office.com or https://outlook.office365.com, not Graph");
    } else if (!has_word(text_of(claims, "scp"), "SMTP.Send") &&
               !has_role(claims, "SMTP.SendAsApp")) {
      warnings_add(
          w,
          "warning: the token does not allow SMTP: ask for the scope "
          "https://outlook.office.com/SMTP.Send, or for an application the role SMTP.SendAsApp");
    }
    look_at_user(w, claims, user);
  }
  json_decref(claims);
}
