// Fields, what goes out, templates, and domains: octets in, octets out.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tools/mail/domain.h"
#include "tools/mail/outgoing.h"
#include "tools/mail/template.h"

static struct mail_fields begin(const char *text) {
  struct mail_fields f;
  mail_fields_begin(&f, ehlo_str(text));
  return f;
}

static void expect_span(struct ehlo_span span, const char *text) {
  cr_assert(span.len == strlen(text) && memcmp(span.bytes, text, span.len) == 0, "\"%.*s\"",
            (int)span.len, (const char *)span.bytes);
}

// ---- Fields -----------------------------------------------------------------------------------------

Test(fields, folded_and_with_both_line_ends) {
  struct mail_fields f = begin("A: one\r\n two\r\nB :\tthree\n\tfour\n\nbody: no\n");
  struct mail_field field;
  cr_assert(mail_fields_next(&f, &field));
  cr_assert(mail_field_is(&field, "a"));
  expect_span(field.value, " one\r\n two");
  expect_span(field.whole, "A: one\r\n two\r\n");
  cr_assert_eq(field.line, 1);
  cr_assert(mail_fields_next(&f, &field));
  expect_span(field.name, "B");
  expect_span(field.value, "\tthree\n\tfour");
  cr_assert_eq(field.line, 3);
  cr_assert_not(mail_fields_next(&f, &field));
  cr_assert_eq(f.line, 5);
}

Test(fields, end_where_no_field_is) {
  static const char *const texts[] = {"",          "\n",         "no field\nA: b\n", ": value\n",
                                      " A: b\n\n", "A B: c\n\n", "\xc3\xa4: b\n",    "A"};
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
    struct mail_fields f = begin(texts[i]);
    struct mail_field field;
    cr_assert_not(mail_fields_next(&f, &field), "%s", texts[i]);
    cr_assert_eq(f.pos, 0);
  }
}

Test(fields, last_line_without_end) {
  struct mail_fields f = begin("From bob Mon Jan  1 00:00:00 2024\nA: b");
  struct mail_field field;
  cr_assert(mail_fields_next(&f, &field));
  expect_span(field.value, " b");
  cr_assert_eq(field.line, 2);
  cr_assert_not(mail_fields_next(&f, &field));
}

Test(fields, from_with_a_blank_is_a_field) {
  struct mail_fields f = begin("From : a@b\n\n");
  struct mail_field field;
  cr_assert(mail_fields_next(&f, &field));
  expect_span(field.name, "From");
  expect_span(field.value, " a@b");
}

// ---- What goes out ----------------------------------------------------------------------------------

static const struct mail_outgoing additions = {.from = "a@b", .date = "D", .message_id = "<i>"};

static void expect_outgoing(const char *message, const char *header, const char *body) {
  char *text;
  size_t len;
  size_t at;
  FILE *out = open_memstream(&text, &len);
  mail_outgoing_header(out, &at, ehlo_str(message), &additions);
  fclose(out);
  cr_assert_str_eq(text, header);
  cr_assert_str_eq(message + at, body);
  free(text);
}

Test(outgoing, complete_message_stays) {
  expect_outgoing("From: x\nDate: y\nMessage-Id: z\n\nb\n", "From: x\nDate: y\nMessage-Id: z\n\n",
                  "b\n");
}

Test(outgoing, what_is_missing_comes) {
  expect_outgoing("To: x\r\n\r\nb", "To: x\r\nFrom: a@b\r\nDate: D\r\nMessage-ID: <i>\r\n\r\n",
                  "b");
  expect_outgoing("", "From: a@b\nDate: D\nMessage-ID: <i>\n\n", "");
  expect_outgoing("just text\n", "From: a@b\nDate: D\nMessage-ID: <i>\n\n", "just text\n");
  expect_outgoing("\nA: b\n", "From: a@b\nDate: D\nMessage-ID: <i>\n\n", "A: b\n");
}

Test(outgoing, bcc_goes_with_all_its_lines) {
  expect_outgoing("BCC: e,\n f\nFrom: x\nDate: y\nResent-Bcc : g\nMessage-ID: z\nbcc:h",
                  "From: x\nDate: y\nMessage-ID: z\n\n", "");
}

Test(outgoing, header_without_empty_line) {
  expect_outgoing("From: x\nDate: y\nMessage-ID: z", "From: x\nDate: y\nMessage-ID: z\n\n", "");
  expect_outgoing("From: x\nDate: y\nMessage-ID: z\ntext\n", "From: x\nDate: y\nMessage-ID: z\n\n",
                  "text\n");
}

Test(outgoing, long_lines_are_folded) {
  char message[4000] = "To: a@b";
  char text[1200];
  char *header;
  size_t len;
  size_t at;
  while (strlen(message) < 2000) {
    strcat(message, ", somebody@example.test");
  }
  strcat(message, " \t\nX: ");
  memset(text, 'x', 1100);
  text[1100] = '\0';
  strcat(message, text);  // nowhere to fold
  FILE *out = open_memstream(&header, &len);
  mail_outgoing_header(out, &at, ehlo_str(message), &additions);
  fclose(out);
  cr_assert_eq(strncmp(header,
                       "To: a@b, somebody@example.test, somebody@example.test, "
                       "somebody@example.test,\n somebody",
                       85),
               0, "%s", header);
  cr_assert_not_null(strstr(header, "somebody@example.test \t\nX: xxx"), "%s", header);
  free(header);
}

Test(outgoing, line_of_an_mbox_goes) {
  expect_outgoing("From x Mon\nFrom: x\nDate: y\nMessage-ID: z\n\nFrom y\n",
                  "From: x\nDate: y\nMessage-ID: z\n\n", "From y\n");
}

// ---- Templates --------------------------------------------------------------------------------------

static const struct mail_template_value values[] = {
    {"name", "=?N?=", "N"}, {"n", "1", "1"}, {"none", NULL, NULL}, {NULL, NULL, NULL}};

static void expect_template(const char *text, bool has_header, const char *wanted) {
  struct mail_template_error error;
  char *got;
  size_t len;
  FILE *out = open_memstream(&got, &len);
  cr_assert(mail_template_write(out, &error, ehlo_str(text), has_header, values), "%s", text);
  fclose(out);
  cr_assert_str_eq(got, wanted);
  free(got);
}

Test(template, values) {
  expect_template("a {{n}}{{ name\t}}b", false, "a 1Nb");
  expect_template("A: {{name}}\n\n{{name}}\n", true, "A: =?N?=\n\nN\n");
  expect_template("A: {{name}}\r\n\r\n{{name}}", true, "A: =?N?=\r\n\r\nN");
  expect_template("{ } }} {x} {{open}}n}}", false, "{ } }} {x} {{n}}");
  expect_template("", false, "");
}

static void expect_wrong(const char *text, size_t line, size_t column, const char *name) {
  struct mail_template_error error = {.line = 0};
  char *got;
  size_t len;
  FILE *out = open_memstream(&got, &len);
  cr_assert_not(mail_template_write(out, &error, ehlo_str(text), false, values), "%s", text);
  fclose(out);
  cr_assert_eq(error.line, line);
  cr_assert_eq(error.column, column);
  cr_assert_str_eq(error.name, name);
  cr_assert_not_null(error.what);
  free(got);
}

Test(template, mistakes_have_a_place) {
  char wide[MAIL_TEMPLATE_NAME_MAX + 8];
  expect_wrong("ab\ncd {{what}}\n", 2, 4, "what");
  expect_wrong("{{none}}", 1, 1, "none");
  expect_wrong("{{n}", 1, 1, "");
  expect_wrong("{{n", 1, 1, "");
  expect_wrong("{{", 1, 1, "");
  expect_wrong("{{}}", 1, 1, "");
  expect_wrong("{{N}}", 1, 1, "");
  expect_wrong("{{n\n}}", 1, 1, "");
  memset(wide, 'n', sizeof(wide));
  memcpy(wide, "{{", 2);
  memcpy(wide + sizeof(wide) - 3, "}}", 3);
  expect_wrong(wide, 1, 1, "");
}

// ---- Domains ----------------------------------------------------------------------------------------

static void expect_domain(const char *list, const char *wanted, size_t num) {
  char *got;
  size_t len;
  FILE *out = open_memstream(&got, &len);
  cr_assert_eq(mail_domain_complete(out, ehlo_str(list), "d.test"), num, "%s", list);
  fclose(out);
  cr_assert_str_eq(got, wanted);
  free(got);
}

Test(domain, is_put_in_where_it_is_missing) {
  expect_domain(" root", " root@d.test", 1);
  expect_domain("root (Cron \"<Daemon)", "root@d.test (Cron \"<Daemon)", 1);
  expect_domain("Bob <bob>, a@b,carol", "Bob <bob@d.test>, a@b,carol@d.test", 2);
  expect_domain("\"a b\"", "\"a b\"@d.test", 1);
  expect_domain("\"x, y\" <\"q\\\"<\".r>", "\"x, y\" <\"q\\\"<\".r@d.test>", 1);
  expect_domain("g: a, b@c;, d", "g: a@d.test, b@c;, d@d.test", 2);
}

Test(domain, all_else_stays) {
  static const char *const lists[] = {"",       "a@b",         "A <a@b>",  "A B",
                                      "u: ;",   "a@[1.2.3.4]", "<@r:a@b>", "(c) a@b",
                                      "a@b (c", "\"open",      "<>",       "((x)\\)) a@b"};
  for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
    bool is_word = strcmp(lists[i], "\"open") == 0;
    expect_domain(lists[i], is_word ? "\"open@d.test" : lists[i], is_word);
  }
}
