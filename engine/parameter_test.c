// Tests of ESMTP parameters: place, form, length and extension of each known one.
#include "engine/parameter.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ehlo.h"

// Everything is offered; FUTURERELEASE up to an hour, DELIVERBY from two minutes.
static const struct ehlo_capabilities all = {
    .esmtp = true,
    .size = true,
    .eight_bit_mime = true,
    .binary_mime = true,
    .chunking = true,
    .smtputf8 = true,
    .auth = true,
    .dsn = true,
    .requiretls = true,
    .future_release = true,
    .max_hold_s = 3600,
    .deliver_by = true,
    .min_by_s = 120,
    .mt_priority = true,
};

static const struct ehlo_capabilities none;

// A block of exactly the size, so that a sanitizer sees a read beyond.
static struct ehlo_span hold(const char *text, size_t len) {
  uint8_t *copy = malloc(len > 0 ? len : 1);
  memcpy(copy, text, len);
  return (struct ehlo_span){copy, len};
}

static enum ehlo_status check(const char *text, bool at_mail,
                              const struct ehlo_capabilities *caps) {
  struct ehlo_params params;
  struct ehlo_span span = hold(text, strlen(text));
  enum ehlo_status status = ehlo_params_check(&params, span, at_mail, caps);
  free((void *)span.bytes);
  return status;
}

#define M true
#define R false

// What is well formed, where it belongs, and the extension it needs.
Test(parameter, well_formed) {
  static const struct {
    const char *in;
    bool at_mail;
    const char *extension;
  } rows[] = {
      {"SIZE=0", M, "SIZE"},
      {"size=18446744073709551616", M, "SIZE"},
      {"BODY=7BIT", M, "8BITMIME"},
      {"Body=8bitMime", M, "8BITMIME"},
      {"BODY=BINARYMIME", M, "BINARYMIME"},
      {"SMTPUTF8", M, "SMTPUTF8"},
      {"smtputf8", M, "SMTPUTF8"},
      {"AUTH=<>", M, "AUTH"},
      {"AUTH=e+3Dmc2@example.com", M, "AUTH"},
      {"RET=FULL", M, "DSN"},
      {"RET=hdrs", M, "DSN"},
      {"ENVID=QQ314159", M, "DSN"},
      {"ENVID=a+20b+2Bc", M, "DSN"},
      {"NOTIFY=NEVER", R, "DSN"},
      {"NOTIFY=success", R, "DSN"},
      {"NOTIFY=SUCCESS,FAILURE,DELAY", R, "DSN"},
      {"NOTIFY=DELAY,DELAY", R, "DSN"},
      {"ORCPT=rfc822;Dana@Ivory.EDU", R, "DSN"},
      {"ORCPT=x400;a+3Db", R, "DSN"},
      {"ORCPT=utf-8;\\x{E9}@example.com", R, "DSN"},
      {"REQUIRETLS", M, "REQUIRETLS"},
      {"HOLDFOR=1", M, "FUTURERELEASE"},
      {"HOLDFOR=3600", M, "FUTURERELEASE"},
      {"HOLDUNTIL=2038-01-19T03:14:07Z", M, "FUTURERELEASE"},
      {"HOLDUNTIL=2038-01-19t03:14:07.25+05:30", M, "FUTURERELEASE"},
      {"BY=120;R", M, "DELIVERBY"},
      {"BY=999999999;rt", M, "DELIVERBY"},
      {"BY=-1;N", M, "DELIVERBY"},
      {"BY=+5;NT", M, "DELIVERBY"},
      {"BY=0;n", M, "DELIVERBY"},
      {"MT-PRIORITY=0", M, "MT-PRIORITY"},
      {"MT-PRIORITY=9", M, "MT-PRIORITY"},
      {"mt-priority=-9", M, "MT-PRIORITY"},
      {"A=1 SIZE=2 B", M, "SIZE"},
      {"XVERP", M, NULL},
      {"A=1 B=2", R, NULL},
      {"SIZEX=1 XSIZE=1 BODYX SMTPUTF8X AUTHX RETX", R, NULL},
      {"", M, NULL},
      {"", R, NULL},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    const char *in = rows[i].in;
    const char *want = rows[i].extension;
    const char *got =
        ehlo_params_missing((struct ehlo_span){(const uint8_t *)in, strlen(in)}, &none);
    cr_assert((got == NULL) == (want == NULL) && (got == NULL || strcmp(got, want) == 0),
              "[%s] needs %s", in, got != NULL ? got : "nothing");
    cr_assert_eq(check(in, rows[i].at_mail, &all), EHLO_OK, "[%s]", in);
    cr_assert_eq(check(in, rows[i].at_mail, &none), want != NULL ? EHLO_E_UNSUPPORTED : EHLO_OK,
                 "[%s]", in);
    if (want != NULL) {
      cr_assert_eq(check(in, !rows[i].at_mail, &all), EHLO_E_ARGUMENT, "[%s] elsewhere", in);
    }
  }
}

// Each is wrong at MAIL and at RCPT, whatever was offered.
Test(parameter, malformed) {
  static const char *const rows[] = {
      "SIZE",
      "SIZE=",
      "SIZE=-1",
      "SIZE=1k",
      "SIZE=111111111111111111111",
      "SIZE=1=2",
      "BODY",
      "BODY=",
      "BODY=9BIT",
      "BODY=8BITMIMEX",
      "BODY=8BITMIM",
      "SMTPUTF8=",
      "SMTPUTF8=1",
      "REQUIRETLS=",
      "REQUIRETLS=1",
      "AUTH",
      "AUTH=",
      "AUTH=a+b",
      "AUTH=a=b",
      "AUTH=a+3d",
      "AUTH=a+0A",
      "AUTH=+",
      "RET",
      "RET=",
      "RET=ALL",
      "RET=FULL,HDRS",
      "ENVID",
      "ENVID=",
      "ENVID=a+",
      "ENVID=a+4",
      "ENVID=a+0D+0A",
      "ENVID=+7F",
      "ENVID=+C3+A9",
      "ENVID=+2G",
      "ENVID=+G2",
      "ENVID=+1F",
      "ENVID=+80",
      "NOTIFY",
      "NOTIFY=",
      "NOTIFY=NEVER,DELAY",
      "NOTIFY=DELAY,NEVER",
      "NOTIFY=,DELAY",
      "NOTIFY=DELAY,",
      "NOTIFY=ALL",
      "NOTIFY=DELAY,,DELAY",
      "ORCPT",
      "ORCPT=",
      "ORCPT=a",
      "ORCPT=;a",
      "ORCPT=rfc822;",
      "ORCPT=rf@c;a",
      "ORCPT=a.b;c",
      "ORCPT=rfc822;a+0A",
      "HOLDFOR",
      "HOLDFOR=",
      "HOLDFOR=0",
      "HOLDFOR=-1",
      "HOLDFOR=1234567890",
      "HOLDFOR=1h",
      "HOLDUNTIL",
      "HOLDUNTIL=",
      "HOLDUNTIL=2038-01-19",
      "HOLDUNTIL=2038-01-19T03:14:07",
      "HOLDUNTIL=2038-01-19T03:14:07.Z",
      "HOLDUNTIL=2038-01-19T03:14:07.5",
      "HOLDUNTIL=2038-01-19T03:14:07+0530",
      "HOLDUNTIL=2038-01-19T03:14:07+05:3",
      "HOLDUNTIL=2038-01-19T03:14:07+a5:30",
      "HOLDUNTIL=2038-01-19T03:14:07*05:30",
      "HOLDUNTIL=2038-01-19T03:14:07+05:3x",
      "HOLDUNTIL=2038/01/19T03:14:07Z",
      "HOLDUNTIL=2038-01-19T03:14:07ZZ",
      "BY",
      "BY=",
      "BY=120",
      "BY=120;",
      "BY=;R",
      "BY=120;X",
      "BY=120;T",
      "BY=120;RTT",
      "BY=0;R",
      "BY=-5;R",
      "BY=--5;N",
      "BY=1234567890;N",
      "BY=1x;N",
      "BY=-;N",
      "MT-PRIORITY",
      "MT-PRIORITY=",
      "MT-PRIORITY=10",
      "MT-PRIORITY=+1",
      "MT-PRIORITY=-0",
      "MT-PRIORITY=-",
      "MT-PRIORITY=--1",
      "MT-PRIORITY=a",
      "MT-PRIORITY=-a",
      "SIZE=1 SIZE=1",
      "HOLDFOR=1 HOLDUNTIL=2038-01-19T03:14:07Z",
      "RET=FULL ret=full",
      "HOLDUNTIL=2038-01-19T03:14:07Z HOLDFOR=1",
      "NOTIFY=NEVER NOTIFY=NEVER",
      " A",
      "A ",
      "A  B",
      "=1",
      "A =1",
      "A\r\nDATA",
      "A\n",
      "A\tB",
      "A=\xc3\xa9",
      "SIZE=1 A\n",
      " ",
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    for (int at_mail = 0; at_mail < 2; at_mail++) {
      cr_assert_eq(check(rows[i], at_mail, &all), EHLO_E_ARGUMENT, "[%s]", rows[i]);
      cr_assert_eq(check(rows[i], at_mail, &none), EHLO_E_ARGUMENT, "[%s]", rows[i]);
    }
  }
  struct ehlo_params params;
  struct ehlo_span nul = {(const uint8_t *)"A\0B", 3};
  cr_assert_eq(ehlo_params_check(&params, nul, true, &all), EHLO_E_ARGUMENT);
}

// Each octet by itself in the middle of an unknown parameter.
Test(parameter, every_octet) {
  for (unsigned c = 0; c < 256; c++) {
    uint8_t in[3] = {'a', (uint8_t)c, 'b'};
    struct ehlo_params params;
    enum ehlo_status status = ehlo_params_check(&params, (struct ehlo_span){in, 3}, true, &none);
    cr_assert_eq(status == EHLO_OK, c >= ' ' && c < 0x7f, "%u", c);
  }
}

// What the server's bounds and the two halves of BINARYMIME come to.
Test(parameter, offers) {
  struct ehlo_capabilities no_chunking = all, no_binary = all, no_bounds = all;
  no_chunking.chunking = false;
  no_binary.binary_mime = false;
  no_bounds.max_hold_s = 0;
  no_bounds.min_by_s = 0;
  const struct {
    const char *in;
    const struct ehlo_capabilities *caps;
    const char *missing;
  } rows[] = {
      {"BODY=BINARYMIME", &no_chunking, "CHUNKING"},
      {"BODY=BINARYMIME", &no_binary, "BINARYMIME"},
      {"BODY=8BITMIME", &no_binary, NULL},
      {"HOLDFOR=3601", &all, "FUTURERELEASE"},
      {"HOLDFOR=3601", &no_bounds, NULL},
      {"BY=119;R", &all, "DELIVERBY"},
      {"BY=119;N", &all, NULL},
      {"BY=1;RT", &no_bounds, NULL},
      {"RET=FULL BODY=BINARYMIME", &none, "DSN"},  // the first one
      {"XA RET=FULL", &none, "DSN"},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    const char *in = rows[i].in;
    const char *want = rows[i].missing;
    const char *got =
        ehlo_params_missing((struct ehlo_span){(const uint8_t *)in, strlen(in)}, rows[i].caps);
    cr_assert((got == NULL) == (want == NULL) && (got == NULL || strcmp(got, want) == 0),
              "[%s] misses %s", in, got != NULL ? got : "nothing");
    cr_assert_eq(check(in, true, rows[i].caps), want != NULL ? EHLO_E_UNSUPPORTED : EHLO_OK, "%s",
                 in);
  }
  // Of nonsense it says something, and reads nothing beyond.
  cr_assert_null(ehlo_params_missing((struct ehlo_span){(const uint8_t *)"  =  ", 5}, &none));
  cr_assert_null(ehlo_params_missing((struct ehlo_span){NULL, 0}, &none));
}

Test(parameter, meaning) {
  struct ehlo_params params;
  const char *both = "SMTPUTF8 BODY=binarymime";
  const char *neither = "XSMTPUTF8 BODY=8BITMIME";
  ehlo_params_check(&params, (struct ehlo_span){(const uint8_t *)both, strlen(both)}, true, &all);
  cr_assert(params.utf8 && params.binary_mime);
  ehlo_params_check(&params, (struct ehlo_span){(const uint8_t *)neither, strlen(neither)}, true,
                    &all);
  cr_assert(!params.utf8 && !params.binary_mime);
}

// Text with one value of `len` octets.
static enum ehlo_status check_length(const char *head, size_t len, const char *tail, bool at_mail) {
  char text[1700];
  size_t head_len = strlen(head);
  memcpy(text, head, head_len);
  memset(text + head_len, 'a', len);
  strcpy(text + head_len + len, tail);
  return check(text, at_mail, &all);
}

Test(parameter, lengths) {
  cr_assert_eq(check_length("ENVID=", 100, "", true), EHLO_OK);
  cr_assert_eq(check_length("ENVID=", 101, "", true), EHLO_E_TOO_LONG);
  cr_assert_eq(check_length("ENVID=", 101, " SIZE=x", true), EHLO_E_ARGUMENT);
  cr_assert_eq(check_length("ORCPT=x;", 498, "", false), EHLO_OK);
  cr_assert_eq(check_length("ORCPT=x;", 499, "", false), EHLO_E_TOO_LONG);
  cr_assert_eq(check_length("X", 1499, "", true), EHLO_OK);
  cr_assert_eq(check_length("X", 1500, "", true), EHLO_E_TOO_LONG);
  cr_assert_eq(check_length("X", 1500, "\n", true), EHLO_E_TOO_LONG);  // not looked into
}

// Of a date the zone, of a time bound what the form does not say.
Test(parameter, zones_and_bounds) {
  static const struct {
    const char *text;
    enum ehlo_status status;
  } rows[] = {
      {"HOLDUNTIL=2038-01-19T03:14:07-02:30", EHLO_OK},
      {"HOLDUNTIL=2038-01-19T03:14:07-02.30", EHLO_E_ARGUMENT},
      {"HOLDUNTIL=2038-01-19T03:14:07*02:30", EHLO_E_ARGUMENT},
      {"BY=59;R", EHLO_E_UNSUPPORTED},
      {"BY=60;R", EHLO_OK},
  };
  struct ehlo_capabilities caps = {.future_release = true, .deliver_by = true, .min_by_s = 60};
  struct ehlo_params meaning;
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    cr_expect_eq(ehlo_params_check(&meaning, ehlo_str(rows[i].text), true, &caps), rows[i].status,
                 "%s", rows[i].text);
  }
  // Only what is well formed can be beyond a bound.
  cr_expect_null(ehlo_params_missing(ehlo_str("BY=;R"), &caps));
}
