// Addresses, stamps, and messages that are made; GMime reads back what it wrote. Each group is one
// test, and so one process, since GMime takes its time to begin under valgrind.
#include <criterion/criterion.h>
#include <gmime/gmime.h>
#include <stdlib.h>
#include <string.h>

#include "tools/mail/addresses.h"
#include "tools/mail/compose.h"
#include "tools/mail/recode.h"
#include "tools/mail/stamp.h"

// ---- Addresses --------------------------------------------------------------------------------------

static bool join(void *arg, const struct mail_mailbox *m) {
  char *text = arg;
  snprintf(text + strlen(text), 256 - strlen(text), "[%s|%s]", m->name, m->address);
  return true;
}

static void expect_addresses(const char *list, const char *wanted) {
  char got[256] = "";
  cr_assert_eq(mail_addresses_each(ehlo_str(list), join, got), wanted != NULL, "%s", list);
  if (wanted != NULL) {
    cr_assert_str_eq(got, wanted);
  }
}

static void addresses_lists(void) {
  expect_addresses("", "");
  expect_addresses(" \r\n ", "");
  expect_addresses("undisclosed-recipients:;", "");
  expect_addresses("a@b, \"C, D\" <c@d>", "[|a@b][C, D|c@d]");
  expect_addresses("g: a@b, (x) c@d;,\r\n e@f", "[|a@b][|c@d][|e@f]");
  expect_addresses("=?utf-8?Q?Bj=C3=B6rn?= <b@x>", "[Bj\xc3\xb6rn|b@x]");
  expect_addresses("b\xc3\xb6rn@x", "[|b\xc3\xb6rn@x]");
  expect_addresses("root (Cron)", "[|root]");
  expect_addresses("\"a b\"@x", "[|\"a b\"@x]");
}

static void addresses_what_is_no_list(void) {
  static const char *const lists[] = {"a@b c@d", "a@b;c@d", "A b@c", "@x",
                                      "a@",      "<>",      "a b c", "a@b x, c@d"};
  for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
    expect_addresses(lists[i], NULL);
  }
  static char deep[200000];
  memset(deep, ':', sizeof(deep) - 1);
  expect_addresses(deep, NULL);
  deep[1000] = '\0';
  expect_addresses(deep, "");
  struct ehlo_span nul = {(const uint8_t *)"a@b\0,c@d", 8};
  char got[256] = "";
  cr_assert_not(mail_addresses_each(nul, join, got));
}

static void addresses_one_mailbox(void) {
  char *name;
  char *address;
  cr_assert(mail_mailbox_parse(&name, &address, "Alice <a@b>"));
  cr_assert_str_eq(name, "Alice");
  cr_assert_str_eq(address, "a@b");
  free(name);
  free(address);
  cr_assert_not(mail_mailbox_parse(&name, &address, "a@b, c@d"));
  cr_assert_not(mail_mailbox_parse(&name, &address, ""));
  cr_assert_not(mail_mailbox_parse(&name, &address, "A\r\n <a@b>"));
  cr_assert_not(mail_mailbox_parse(&name, &address,
                                   "A <a@b"
                                   ">, <c@d>"));
}

Test(addresses, all) {
  addresses_lists();
  addresses_what_is_no_list();
  addresses_one_mailbox();
}

// ---- Stamps -----------------------------------------------------------------------------------------

static void stamp_date(void) {
  char date[MAIL_DATE_SIZE];
  setenv("TZ", "IST-5:30", 1);
  tzset();
  cr_assert(mail_date(date, 1750000000));
  cr_assert_str_eq(date, "Sun, 15 Jun 2025 20:36:40 +0530");
  cr_assert_not(mail_date(date, INT64_MAX));
}

static void stamp_message_id(void) {
  char first[MAIL_MESSAGE_ID_SIZE];
  char second[MAIL_MESSAGE_ID_SIZE];
  cr_assert(mail_message_id(first, "x.test") && mail_message_id(second, "x.test"));
  cr_assert_eq(strlen(first), 1 + 32 + strlen("@x.test>"));
  cr_assert_str_eq(first + 33, "@x.test>");
  cr_assert_str_neq(first, second);
  cr_assert(mail_message_id(first, "x>\r\nBcc: y"));
  cr_assert_str_eq(first + 33, "@localhost>");
}

Test(stamp, all) {
  stamp_date();
  stamp_message_id();
}

// ---- Recoding ---------------------------------------------------------------------------------------

static void expect_recoded(const char *message, size_t len, const char *wanted) {
  uint8_t *bytes;
  size_t out_len;
  bool good = mail_recode(&bytes, &out_len, (struct ehlo_span){(const uint8_t *)message, len});
  cr_assert_eq(good, wanted != NULL, "%s", message);
  if (good) {
    cr_assert(out_len == strlen(wanted) && memcmp(bytes, wanted, out_len) == 0, "%.*s",
              (int)out_len, (const char *)bytes);
  }
  free(bytes);
}

#define EXPECT_RECODED(message, wanted) expect_recoded(message, sizeof(message) - 1, wanted)

static void recode_what_can_be(void) {
  EXPECT_RECODED("A: b\n\nx\0=\n",
                 "A: b\nMIME-Version: 1.0\nContent-Type: text/plain; charset=us-ascii\n"
                 "Content-Transfer-Encoding: quoted-printable\n\nx=00=3D\n");
  EXPECT_RECODED(
      "Content-Type: text/html\r\nContent-Transfer-Encoding: 8BIT \r\n"
      "MIME-version: 1.0\r\n\r\n\xc3\xa4\r\ra\r\n",
      "Content-Type: text/html\r\nMIME-version: 1.0\r\n"
      "Content-Transfer-Encoding: quoted-printable\n\n=C3=A4=0D=0Da\n");
  EXPECT_RECODED("A: b\n\n\xc3\xa4",
                 "A: b\nMIME-Version: 1.0\nContent-Type: text/plain; "
                 "charset=utf-8\nContent-Transfer-Encoding: "
                 "quoted-printable\n\n=C3=A4\n");
  EXPECT_RECODED("A: b\n\n\0\xc3\xa4\n",
                 "A: b\nMIME-Version: 1.0\nContent-Type: text/plain; "
                 "charset=utf-8\nContent-Transfer-Encoding: "
                 "quoted-printable\n\n=00=C3=A4\n");
  EXPECT_RECODED("A: b\n\n\xff\n",
                 "A: b\nMIME-Version: 1.0\nContent-Type: text/plain; "
                 "charset=unknown-8bit\nContent-Transfer-Encoding: "
                 "quoted-printable\n\n=FF\n");
}

static void recode_what_cannot(void) {
  EXPECT_RECODED("Content-Type:\n multipart/mixed\n\nx", NULL);
  EXPECT_RECODED("content-type: Message/rfc822\n\nx", NULL);
  EXPECT_RECODED("Content-Transfer-Encoding: base64\n\nx", NULL);
  EXPECT_RECODED("Content-Transfer-Encoding: 7bitter\n\nx", NULL);
  EXPECT_RECODED("A: b\nno field\n\nx", NULL);
  EXPECT_RECODED("A: b", NULL);
  EXPECT_RECODED("", NULL);
}

Test(recode, all) {
  recode_what_can_be();
  recode_what_cannot();
}

// ---- Messages ---------------------------------------------------------------------------------------

static const char *const to[] = {"Bob <bob@ehlo.test>", "bj\xc3\xb6rn <bj@ehlo.test>"};

static struct mail_draft draft(void) {
  return (struct mail_draft){.from = "alice@ehlo.test",
                             .to = to,
                             .num_to = 2,
                             .date = "Sun, 15 Jun 2025 20:36:40 +0530",
                             .message_id = "<1@ehlo.test>",
                             .subject =
                                 "Gr\xc3\xbc\xc3\x9f"
                                 "e"};
}

// Composes it, and looks at what holds for all: ASCII, CRLF, no line over 78 octets.
static char *composed(const struct mail_draft *d) {
  char error[MAIL_COMPOSE_SENTENCE_MAX];
  uint8_t *bytes;
  size_t len;
  size_t line = 0;
  cr_assert(mail_compose(error, &bytes, &len, d), "%s", error);
  char *text = strndup((const char *)bytes, len);
  cr_assert_eq(strlen(text), len);
  free(bytes);
  for (size_t i = 0; i < len; i++) {
    cr_assert((unsigned char)text[i] < 0x80);
    cr_assert_eq(text[i] == '\n', i > 0 && text[i - 1] == '\r');
    line = text[i] == '\n' ? 0 : line + 1;
    cr_assert_leq(line, 79, "%s", text);
  }
  cr_assert_eq(text[len - 1], '\n');
  return text;
}

static void refused(const struct mail_draft *d, const char *word) {
  char error[MAIL_COMPOSE_SENTENCE_MAX];
  uint8_t *bytes;
  size_t len;
  cr_assert_not(mail_compose(error, &bytes, &len, d));
  cr_assert_not_null(strstr(error, word), "%s", error);
}

static void compose_plain_text(void) {
  struct mail_draft d = draft();
  d.has_text = true;
  d.text = ehlo_str("Hello\n.\nFrom me");
  char *text = composed(&d);
  cr_assert_str_eq(text,
                   "From: alice@ehlo.test\r\nTo: Bob <bob@ehlo.test>, =?UTF-8?b?YmrDtnJu?= "
                   "<bj@ehlo.test>\r\nDate: Sun, 15 Jun 2025 20:36:40 +0530\r\n"
                   "Message-ID: <1@ehlo.test>\r\nSubject: =?UTF-8?B?R3LDvMOfZQ==?=\r\n"
                   "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n"
                   "Content-Transfer-Encoding: 7bit\r\n\r\nHello\r\n.\r\nFrom me\r\n");
  free(text);
}

static void expect_encoding(const char *body, const char *encoding, const char *encoded) {
  struct mail_draft d = draft();
  char wanted[80];
  d.has_text = true;
  d.text = ehlo_str(body);
  snprintf(wanted, sizeof(wanted), "Content-Transfer-Encoding: %s\r\n", encoding);
  char *text = composed(&d);
  cr_assert_not_null(strstr(text, wanted), "%s", text);
  cr_assert_not_null(strstr(text, encoded), "%s", text);
  free(text);
}

static void compose_encoding_is_the_least_that_will_do(void) {
  char wide[200];
  memset(wide, 'x', sizeof(wide) - 1);
  wide[sizeof(wide) - 1] = '\0';
  expect_encoding("plain\n", "7bit", "\r\n\r\nplain\r\n");
  expect_encoding(wide, "quoted-printable", "xxx=\r\nxxx");
  expect_encoding("a lone \r here", "quoted-printable", "=0D here\r\n");
  expect_encoding("some more words with an \xc3\xa4 in them\n", "quoted-printable", "an =C3=A4 in");
  expect_encoding("\xc3\xa4\xc3\xb6\xc3\xbc\n", "base64", "w6TDtsO8DQo=\r\n");
}

static void compose_parts_are_nested_as_the_standards_have_it(void) {
  const struct mail_attachment files[] = {
      {"x\xc3\xa4.bin", "application/octet-stream", false, {(const uint8_t *)"a\0\r\n.\n\xff", 7}},
      {"logo.png", "image/png", true, ehlo_str("PNG")},
      {"m.eml", "message/rfc822", false, ehlo_str("Subject: x\n\nhello\n")},
  };
  struct mail_draft d = draft();
  d.has_text = d.has_html = true;
  d.text = ehlo_str("text\n");
  d.html = ehlo_str("<p>html</p>\n");
  d.attachments = files;
  d.num_attachments = 3;
  char *text = composed(&d);
  g_mime_init();
  GMimeStream *stream = g_mime_stream_mem_new_with_buffer(text, strlen(text));
  GMimeParser *parser = g_mime_parser_new_with_stream(stream);
  GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);
  GMimeMultipart *mixed = GMIME_MULTIPART(g_mime_message_get_mime_part(message));
  cr_assert_eq(g_mime_multipart_get_count(mixed), 3);
  GMimeMultipart *alternative = GMIME_MULTIPART(g_mime_multipart_get_part(mixed, 0));
  cr_assert_eq(g_mime_multipart_get_count(alternative), 2);
  GMimeMultipart *related = GMIME_MULTIPART(g_mime_multipart_get_part(alternative, 1));
  cr_assert_eq(g_mime_multipart_get_count(related), 2);
  GMimePart *file = GMIME_PART(g_mime_multipart_get_part(mixed, 1));
  cr_assert_str_eq(g_mime_part_get_filename(file), files[0].name);
  cr_assert(GMIME_IS_MESSAGE_PART(g_mime_multipart_get_part(mixed, 2)));
  g_object_unref(message);
  g_object_unref(parser);
  g_object_unref(stream);
  free(text);
}

static void compose_fields_stand_in_the_place_of_ours(void) {
  static const char *const headers[] = {"from: Else <else@ehlo.test>", "X-A:b", "Subject: other"};
  struct mail_draft d = draft();
  d.headers = headers;
  d.num_headers = 3;
  char *text = composed(&d);
  cr_assert_null(strstr(text, "alice"));
  cr_assert_null(strstr(text, "UTF-8?B?R3"));
  cr_assert_not_null(strstr(text, "from: Else <else@ehlo.test>\r\n"));
  cr_assert_not_null(strstr(text, "X-A: b\r\nSubject: other\r\n"));
  free(text);
}

static void compose_no_value_makes_a_line(void) {
  static const char *const bad_to[] = {"Bob\r\nBcc: e <bob@ehlo.test>"};
  struct mail_attachment file = {"a\r\nb", "text/plain", false, ehlo_str("x")};
  struct mail_draft d = draft();
  d.subject = "x\nBcc: e@f";
  refused(&d, "line end");
  d = draft();
  d.to = bad_to;
  d.num_to = 1;
  refused(&d, "no address");
  d = draft();
  d.attachments = &file;
  d.num_attachments = 1;
  refused(&d, "file name");
  file.name = "a";
  file.type = "text";
  refused(&d, "type");
  d = draft();
  d.has_text = true;
  d.text = ehlo_str("\xff");
  refused(&d, "UTF-8");
}

static void compose_fields_that_may_not_be_given(void) {
  static const char *const fields[] = {"no colon",        ": x",      "A B: x",   "X: a\r\nBcc: b",
                                       "X: \n",           "Bcc: a@b", "bcc: a@b", "Content-Type: x",
                                       "MIME-Version: 1", "X: \xff"};
  for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
    cr_assert_not_null(mail_compose_check_field(fields[i]), "%s", fields[i]);
  }
  cr_assert_null(mail_compose_check_field("X-A:"));
  cr_assert_null(mail_compose_check_field("Subject: a\tb: \xc3\xa4"));
}

Test(compose, all) {
  compose_plain_text();
  compose_encoding_is_the_least_that_will_do();
  compose_parts_are_nested_as_the_standards_have_it();
  compose_fields_stand_in_the_place_of_ours();
  compose_no_value_makes_a_line();
  compose_fields_that_may_not_be_given();
}
