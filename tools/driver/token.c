// Tokens. The facts are those of Exchange Online, whose tokens say what they are for.
#include "tools/driver/token.h"

#include <errno.h>
#include <jansson.h>
#include <openssl/base64.h>
#include <openssl/mem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>
#include <unistd.h>

#define CLAIMS_MAX 8192  // octets of the middle part of a token

// ---- Fetching ---------------------------------------------------------------------------------------

static int take(struct secret *out, const char *text, size_t len) {
  if (len > sizeof(out->bytes)) {
    fprintf(stderr, "ehlo: the token has more than %d characters\n", SECRET_MAX);
    return EX_DATAERR;
  }
  memcpy(out->bytes, text, len);
  out->len = len;
  return 0;
}

static int take_json(struct secret *out, const char *text, size_t len) {
  json_t *json = json_loadb(text, len, 0, NULL);
  json_t *token = json_object_get(json, "access_token");
  int status = EX_DATAERR;
  if (json_is_string(token)) {
    status = take(out, json_string_value(token), json_string_length(token));
    OPENSSL_cleanse((char *)json_string_value(token), json_string_length(token));
  } else {
    fputs("ehlo: the token command printed JSON without an \"access_token\"\n", stderr);
  }
  json_decref(json);
  return status;
}

int token_get(struct secret *out, const char *command) {
  char text[2 * SECRET_MAX + 1];
  size_t len = 0;
  ssize_t n;
  FILE *pipe = popen(command, "re");
  if (pipe == NULL) {
    fprintf(stderr, "ehlo: cannot run the token command: %s\n", strerror(errno));
    return EX_NOINPUT;
  }
  while (len < sizeof(text) - 1 &&
         ((n = read(fileno(pipe), text + len, sizeof(text) - 1 - len)) > 0 ||
          (n < 0 && errno == EINTR))) {
    len += n > 0 ? (size_t)n : 0;
  }
  bool too_long = len == sizeof(text) - 1;
  text[len] = '\0';
  int status = pclose(pipe) != 0 && !too_long ? EX_NOINPUT : 0;
  size_t blank = strspn(text, " \t\r\n") < len ? strspn(text, " \t\r\n") : 0;
  const char *line = memchr(text, '\n', len);
  size_t line_len = line != NULL ? (size_t)(line - text) : len;
  line_len -= line_len > 0 && text[line_len - 1] == '\r';
  if (status != 0) {
    fputs("ehlo: the token command failed\n", stderr);
  } else if (too_long) {
    fprintf(stderr, "ehlo: the token command printed more than %zu octets\n", sizeof(text) - 1);
    status = EX_DATAERR;
  } else if (text[blank] == '{') {
    status = take_json(out, text, len);
  } else {
    status = take(out, text, line_len);
  }
  OPENSSL_cleanse(text, sizeof(text));
  return status;
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

static bool is_exchange(const char *audience) {
  static const char *const good[] = {"https://outlook.office365.com", "https://outlook.office.com",
                                     "00000002-0000-0ff1-ce00-000000000000"};
  for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
    size_t len = strlen(good[i]);
    if (strncasecmp(audience, good[i], len) == 0 &&
        (audience[len] == '\0' || strcmp(audience + len, "/") == 0)) {
      return true;
    }
  }
  return false;
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

static void look_at_time(struct warnings *w, const json_t *claims, time_t now) {
  const json_t *expiry = json_object_get(claims, "exp");
  const json_t *begin = json_object_get(claims, "nbf");
  if (json_is_integer(expiry) && json_integer_value(expiry) <= (json_int_t)now) {
    warnings_add(w, "warning: the token expired %lld minutes ago; fetch a new one",
                 (long long)(((json_int_t)now - json_integer_value(expiry)) / 60));
  }
  if (json_is_integer(begin) && json_integer_value(begin) > (json_int_t)now + 300) {
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
    if (!is_exchange(text_of(claims, "aud"))) {
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
