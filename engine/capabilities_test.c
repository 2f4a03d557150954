// Tests of the EHLO reply reader: whole keywords, every spelling that servers use, and what must
// not count.
#include "engine/capabilities.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Parses a reply whose lines after the first are given, separated by LF.
static struct ehlo_capabilities parse(const char *lines) {
  size_t cap = strlen(lines) * 6 + 64;
  char *text = malloc(cap);
  cr_assert(text != NULL);
  size_t len = (size_t)snprintf(text, cap, "250-mail.example STARTTLS AUTH PLAIN\r\n");
  size_t num_lines = 1;
  for (const char *at = lines; *at != '\0'; num_lines++) {
    size_t n = strcspn(at, "\n");
    bool last = at[n] == '\0';
    len += (size_t)snprintf(text + len, cap - len, "250%c%.*s\r\n", last ? ' ' : '-', (int)n, at);
    at += n + !last;
  }
  uint8_t *exact = malloc(len);
  cr_assert(exact != NULL);
  memcpy(exact, text, len);
  struct ehlo_reply reply = {.code = 250, .num_lines = num_lines, .text = {exact, len}};
  struct ehlo_capabilities caps;
  memset(&caps, 0xee, sizeof(caps));
  ehlo_capabilities_parse(&caps, &reply);
  free(exact);
  free(text);
  return caps;
}

// The flags that are set, in words.
static const char *flags(const struct ehlo_capabilities *c) {
  static char out[200];
  snprintf(out, sizeof(out), "%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s",
           c->starttls ? "starttls " : "", c->pipelining ? "pipelining " : "",
           c->eight_bit_mime ? "8bitmime " : "", c->smtputf8 ? "smtputf8 " : "",
           c->chunking ? "chunking " : "", c->binary_mime ? "binarymime " : "",
           c->dsn ? "dsn " : "", c->enhanced_status_codes ? "enhanced " : "",
           c->size ? "size " : "", c->auth ? "auth " : "", c->requiretls ? "requiretls " : "",
           c->future_release ? "futurerelease " : "", c->deliver_by ? "deliverby " : "",
           c->mt_priority ? "mt-priority " : "", c->etrn ? "etrn " : "",
           c->xclient ? "xclient " : "", c->limits ? "limits " : "", c->burl ? "burl " : "",
           c->xverp_courier ? "courier " : "");
  return out;
}

Test(capabilities, keywords) {
  static const struct {
    const char *lines;
    const char *flags;
  } rows[] = {
      {"", ""},
      {"STARTTLS", "starttls "},
      {"starttls", "starttls "},
      {"StartTls", "starttls "},
      {" STARTTLS", "starttls "},
      {"  \tSTARTTLS  ", "starttls "},
      {"STARTTLS REQUIRED", "starttls "},
      {"STARTTLS\nSTARTTLS", "starttls "},
      {"REQUIRETLS\nFutureRelease 5 x\ndeliverby", "requiretls futurerelease deliverby "},
      {"MT-PRIORITY MIXER\nETRN\nXCLIENT\nLIMITS", "mt-priority etrn xclient limits "},
      {"REQUIRETLSX\nMT-PRIORITYX\nETRNX\nXCLIENTX\nLIMITSX\nMT\nETRN=1", ""},
      {"STARTTLSX", ""},
      {"XSTARTTLS", ""},
      {"STARTTL", ""},
      {"START TLS", ""},
      {"HELP STARTTLS", ""},
      {"STARTTLS=1", ""},
      {"X-STARTTLS-X", ""},
      {"PIPELINING", "pipelining "},
      {"PIPELININGX\nXPIPELINING\nPIPE", ""},
      {"8BITMIME", "8bitmime "},
      {"8bitmime", "8bitmime "},
      {"8BITMIMEX\nX8BITMIME\nBITMIME", ""},
      {"SMTPUTF8", "smtputf8 "},
      {"SMTPUTF", ""},
      {"CHUNKING", "chunking "},
      {"BINARYMIME", "binarymime "},
      {"DSN", "dsn "},
      {"DSNX", ""},
      {"ENHANCEDSTATUSCODES", "enhanced "},
      {"SIZE", "size "},
      {"SIZEX 5\nXSIZE 5\nSIZE=5", ""},
      {"AUTH PLAIN", "auth "},
      {"AUTHX PLAIN\nXAUTH PLAIN", ""},
      {"AUTH", "auth "},
      {"DSN\nSIZE 1\nPIPELINING\nSTARTTLS\nCHUNKING", "starttls pipelining chunking dsn size "},
      {"BURL imap\nXVERP=Courier", "burl courier "},
      {"burl\nxverp=courier", "burl courier "},
      {"BURLX\nBURL=imap\nXVERP\nXVERP Courier\nXVERP=CourierX\nVERP=Courier", ""},
      {"XVERP\nXSECURITY=NONE\nLIMITS RCPTMAX=5\nETRN", "etrn limits "},
      {"\n \n\t", ""},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct ehlo_capabilities caps = parse(rows[i].lines);
    cr_assert_str_eq(flags(&caps), rows[i].flags, "[%s] %s", rows[i].lines, flags(&caps));
    cr_assert(caps.esmtp);
    cr_assert(!caps.auth_cut);
  }
}

Test(capabilities, size) {
  static const struct {
    const char *lines;
    uint64_t max_size;
  } rows[] = {
      {"SIZE", 0},
      {"SIZE 0", 0},
      {"SIZE 1", 1},
      {"size 35882577", 35882577},
      {"SIZE  12  ", 12},
      {"SIZE 00012", 12},
      {"SIZE 18446744073709551615", UINT64_MAX},
      {"SIZE 18446744073709551616", 0},
      {"SIZE 18446744073709551625", 0},
      {"SIZE 184467440737095516150", 0},
      {"SIZE 99999999999999999999999999999999", 0},
      {"SIZE 18446744073709551609", UINT64_MAX - 6},
      {"SIZE 4294967296", 4294967296},
      {"SIZE ten", 0},
      {"SIZE 10x", 0},
      {"SIZE -1", 0},
      {"SIZE +10", 0},
      {"SIZE 10 20", 10},
      {"SIZE 10\nSIZE 20", 20},  // the last one told
      {"SIZE 10\nSIZE", 10},
      {"SIZE 10\nSIZE x", 10},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct ehlo_capabilities caps = parse(rows[i].lines);
    cr_assert(caps.size);
    cr_assert_eq(caps.max_size, rows[i].max_size, "[%s] %llu", rows[i].lines,
                 (unsigned long long)caps.max_size);
  }
}

Test(capabilities, mechanisms) {
  static const struct {
    const char *lines;
    const char *mechanisms;
  } rows[] = {
      {"", ""},
      {"AUTH", ""},
      {"AUTH PLAIN", " PLAIN "},
      {"AUTH PLAIN LOGIN", " PLAIN LOGIN "},
      {"auth plain Login", " PLAIN LOGIN "},
      {"AUTH  PLAIN \t LOGIN ", " PLAIN LOGIN "},
      {" AUTH PLAIN", " PLAIN "},
      {"AUTH=PLAIN LOGIN", " PLAIN LOGIN "},
      {"AUTH= PLAIN", " PLAIN "},
      {"auth=login", " LOGIN "},
      {"AUTH PLAIN\nAUTH=PLAIN LOGIN", " PLAIN LOGIN "},
      {"AUTH LOGIN\nAUTH CRAM-MD5\nAUTH LOGIN", " LOGIN CRAM-MD5 "},
      {"AUTH PLAIN PLAIN plain", " PLAIN "},
      {"AUTH SCRAM-SHA-1-PLUS SCRAM-SHA-1", " SCRAM-SHA-1-PLUS SCRAM-SHA-1 "},
      {"AUTH SCRAM-SHA-1 SCRAM-SHA-1-PLUS", " SCRAM-SHA-1 SCRAM-SHA-1-PLUS "},
      {"AUTH =PLAIN LO!GIN X_1-2", " X_1-2 "},
      {"AUTH ABCDEFGHIJKLMNOPQRST", " ABCDEFGHIJKLMNOPQRST "},  // 20 octets
      {"AUTH ABCDEFGHIJKLMNOPQRSTU PLAIN", " PLAIN "},          // 21
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct ehlo_capabilities caps = parse(rows[i].lines);
    cr_assert_str_eq(caps.mechanisms, rows[i].mechanisms, "[%s] [%s]", rows[i].lines,
                     caps.mechanisms);
  }
}

Test(capabilities, mechanism_compared_whole) {
  static const struct {
    const char *offered;
    const char *asked;
    bool has;
  } rows[] = {
      {"AUTH PLAIN", "PLAIN", true},
      {"AUTH plain", "PLAIN", true},
      {"AUTH PLAIN", "plain", true},
      {"AUTH LOGIN PLAIN", "PLAIN", true},
      {"AUTH PLAINX", "PLAIN", false},
      {"AUTH XPLAIN", "PLAIN", false},
      {"AUTH PLAI", "PLAIN", false},
      {"AUTH PLAIN", "PLAI", false},
      {"AUTH PLAIN", "PLAINX", false},
      {"AUTH SCRAM-SHA-1-PLUS", "SCRAM-SHA-1", false},
      {"AUTH SCRAM-SHA-1", "SCRAM-SHA-1-PLUS", false},
      {"AUTH SCRAM-SHA-1-PLUS SCRAM-SHA-1", "SCRAM-SHA-1", true},
      {"AUTH LOGIN PLAIN", "LOGIN PLAIN", false},
      {"AUTH LOGIN", "", false},
      {"AUTH LOGIN", " ", false},
      {"AUTH", "PLAIN", false},
      {"", "PLAIN", false},  // the first line is a name, whatever stands there
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct ehlo_capabilities caps = parse(rows[i].offered);
    cr_assert_eq(ehlo_capabilities_has_mechanism(&caps, rows[i].asked), rows[i].has, "[%s] %s",
                 rows[i].offered, rows[i].asked);
  }
}

// More mechanisms than there is room for: as many as fit, whole, and a flag that says so.
Test(capabilities, mechanism_list_overflow) {
  char lines[1024] = "AUTH";
  size_t len = 4;
  for (int i = 0; i < 40; i++) {
    len += (size_t)snprintf(lines + len, sizeof(lines) - len, " MECHANISM-%06d", i);
    struct ehlo_capabilities caps = parse(lines);
    size_t used = strlen(caps.mechanisms);
    cr_assert(used < sizeof(caps.mechanisms));
    cr_assert_eq(caps.mechanisms[used - 1], ' ');
    char last[32];
    snprintf(last, sizeof(last), "MECHANISM-%06d", i);
    bool fits = ((size_t)i + 1) * 17 + 2 <= sizeof(caps.mechanisms);
    cr_assert_eq(caps.auth_cut, !fits, "%d", i);
    cr_assert_eq(ehlo_capabilities_has_mechanism(&caps, last), fits, "%d", i);
    cr_assert(ehlo_capabilities_has_mechanism(&caps, "MECHANISM-000000"));
  }
  struct ehlo_capabilities all_dashes = parse(
      "AUTH - -- --- ---- ----- ------ ------- -------- --------- ---------- -----------\n"
      "AUTH _ __ ___ ____ _____ ______ _______ ________ _________ __________ ___________");
  cr_assert(all_dashes.auth);
}

// Extensions with numbers of their own: what is told, and what is not.
Test(capabilities, numbers) {
  static const struct {
    const char *lines;
    uint32_t hold, by, mails, rcpts, domains;
  } rows[] = {
      {"FUTURERELEASE 31536000 2038-01-19T03:14:07Z", .hold = 31536000},
      {"futurerelease 10", .hold = 10},
      {"FUTURERELEASE", .hold = 0},
      {"FUTURERELEASE x", .hold = 0},
      {"FUTURERELEASE 4294967295", .hold = UINT32_MAX},
      {"FUTURERELEASE 4294967296", .hold = 0},
      {"FUTURERELEASE -5", .hold = 0},
      {"FUTURERELEASEX 5", .hold = 0},
      {"FUTURERELEASE 5\nFUTURERELEASE", .hold = 5},
      {"FUTURERELEASE 5\nFUTURERELEASE 3", .hold = 3},
      {"DELIVERBY 120", .by = 120},
      {"DELIVERBY 120,X-OTHER", .by = 120},
      {"DELIVERBY ,X", .hold = 0},
      {"DELIVERBY", .hold = 0},
      {"DELIVERBY 1.5", .hold = 0},
      {"LIMITS MAILMAX=1 RCPTMAX=2 RCPTDOMAINMAX=3", .mails = 1, .rcpts = 2, .domains = 3},
      {"limits rcptmax=20", .rcpts = 20},
      {"LIMITS  MAILMAX=5\t", .mails = 5},
      {"LIMITS FOO=1 RCPTMAX=2 BAR", .rcpts = 2},
      {"LIMITS RCPTMAX", .hold = 0},
      {"LIMITS RCPTMAX=", .hold = 0},
      {"LIMITS RCPTMAX=0", .hold = 0},
      {"LIMITS RCPTMAX=x", .hold = 0},
      {"LIMITS RCPTMAX=1x", .hold = 0},
      {"LIMITS RCPTMAX=1=2", .hold = 0},
      {"LIMITS RCPTMAX=4294967295", .rcpts = UINT32_MAX},
      {"LIMITS RCPTMAX=4294967296", .hold = 0},
      {"LIMITS RCPTMAX=18446744073709551617", .hold = 0},
      {"LIMITS RCPTMAX=4294967296 MAILMAX=7", .mails = 7},
      {"LIMITS RCPTMAX=9 RCPTMAX=4 RCPTMAX=6", .rcpts = 4},  // the smaller one binds
      {"LIMITS RCPTMAX=9\nLIMITS RCPTMAX=12", .rcpts = 9},
      {"LIMITS", .hold = 0},
      {"LIMITSX RCPTMAX=1", .hold = 0},
      {"LIMITS=RCPTMAX=1", .hold = 0},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct ehlo_capabilities caps = parse(rows[i].lines);
    cr_assert_eq(caps.max_hold_s, rows[i].hold, "[%s]", rows[i].lines);
    cr_assert_eq(caps.min_by_s, rows[i].by, "[%s]", rows[i].lines);
    cr_assert_eq(caps.max_mails, rows[i].mails, "[%s]", rows[i].lines);
    cr_assert_eq(caps.max_rcpts, rows[i].rcpts, "[%s]", rows[i].lines);
    cr_assert_eq(caps.max_rcpt_domains, rows[i].domains, "[%s]", rows[i].lines);
  }
}

static bool has(const struct ehlo_capabilities *caps, const char *name) {
  return ehlo_capabilities_has_xclient(caps,
                                       (struct ehlo_span){(const uint8_t *)name, strlen(name)});
}

Test(capabilities, xclient) {
  struct ehlo_capabilities caps = parse("XCLIENT NAME addr PORT a+b\nXCLIENT HELO NAME");
  cr_assert(caps.xclient && has(&caps, "NAME") && has(&caps, "ADDR") && has(&caps, "helo"));
  cr_assert(!has(&caps, "NAM") && !has(&caps, "NAMES") && !has(&caps, "") && !has(&caps, "A+B"));
  cr_assert_str_eq(caps.xclient_names, " NAME ADDR PORT HELO ");
  caps = parse("XCLIENT");
  cr_assert(caps.xclient && !has(&caps, "NAME"));
  caps = parse(
      "XCLIENT AAAAAAAAAAAAAAAAAAAA BAAAAAAAAAAAAAAAAAAA CAAAAAAAAAAAAAAAAAAA "
      "DAAAAAAAAAAAAAAAAAAA EAAAAAAAAAAAAAAAAAAA F");
  cr_assert(has(&caps, "DAAAAAAAAAAAAAAAAAAA") && !has(&caps, "EAAAAAAAAAAAAAAAAAAA"));
  cr_assert(has(&caps, "F"));
  cr_assert_lt(strlen(caps.xclient_names), sizeof(caps.xclient_names));
}
