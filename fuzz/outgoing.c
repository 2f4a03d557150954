// Any bytes as a message handed in for sending: what goes out is its fields in their order and as
// they are, but for Bcc and folds in long lines, then From, Date and Message-ID where it had none,
// then its body to the octet; and a list of addresses with domains put in is the list, once they
// are taken out again.
#include "tools/mail/outgoing.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "tools/mail/domain.h"

enum goal {
  GOAL_BCC,
  GOAL_MBOX,
  GOAL_ADDED,
  GOAL_KEPT,
  GOAL_NO_HEADER,
  GOAL_NO_END,
  GOAL_DOMAIN,
  GOAL_LONG
};

const char *const ehlo_fuzz_goals[EHLO_FUZZ_GOALS_MAX] = {
    [GOAL_BCC] = "a Bcc",
    [GOAL_MBOX] = "the line of an mbox",
    [GOAL_ADDED] = "a field that was missing",
    [GOAL_KEPT] = "a message that has all",
    [GOAL_NO_HEADER] = "a body alone",
    [GOAL_NO_END] = "a field at the end of the message, without a line end",
    [GOAL_LONG] = "a line that is folded",
    [GOAL_DOMAIN] = "an address without a domain",
};

static const struct mail_outgoing additions = {.from = "F", .date = "D", .message_id = "M"};

static bool is_dropped(const struct mail_field *field) {
  return mail_field_is(field, "bcc") || mail_field_is(field, "resent-bcc");
}

// The next field that may leave.
static bool next_kept(struct mail_fields *fields, struct mail_field *out) {
  while (mail_fields_next(fields, out)) {
    if (!is_dropped(out)) {
      return true;
    }
    ehlo_fuzz_reach(GOAL_BCC);
  }
  return false;
}

static void expect_added(struct mail_fields *out, struct ehlo_span message, const char *name,
                         const char *value) {
  struct mail_fields fields;
  struct mail_field field;
  mail_fields_begin(&fields, message);
  while (mail_fields_next(&fields, &field)) {
    if (mail_field_is(&field, name)) {
      ehlo_fuzz_reach(GOAL_KEPT);
      return;
    }
  }
  ehlo_fuzz_reach(GOAL_ADDED);
  EHLO_FUZZ_CHECK(mail_fields_next(out, &field) && mail_field_is(&field, name));
  EHLO_FUZZ_CHECK(field.value.len == 2 && field.value.bytes[1] == (uint8_t)value[0]);
}

static bool is_long(struct ehlo_span field) {
  size_t len = 0;
  for (size_t i = 0; i < field.len; i++) {
    len = field.bytes[i] == '\n' ? 0 : len + 1;
    if (len > 998) {
      return true;
    }
  }
  return false;
}

static size_t skip_ends(struct ehlo_span text, size_t at) {
  while (at < text.len && (text.bytes[at] == '\r' || text.bytes[at] == '\n')) {
    at++;
  }
  return at;
}

static bool is_same_unfolded(struct ehlo_span a, struct ehlo_span b) {
  size_t i = skip_ends(a, 0);
  size_t k = skip_ends(b, 0);
  while (i < a.len && k < b.len && a.bytes[i] == b.bytes[k]) {
    i = skip_ends(a, i + 1);
    k = skip_ends(b, k + 1);
  }
  return i == a.len && k == b.len;
}

// Both are read side by side.
static void judge_header(struct ehlo_span message, struct ehlo_span header) {
  struct mail_fields in;
  struct mail_fields out;
  struct mail_field was;
  struct mail_field is;
  mail_fields_begin(&in, message);
  mail_fields_begin(&out, header);
  EHLO_FUZZ_CHECK(out.pos == 0);
  if (in.pos > 0) {
    ehlo_fuzz_reach(GOAL_MBOX);
  }
  size_t num = 0;
  for (; next_kept(&in, &was); num++) {
    EHLO_FUZZ_CHECK(mail_fields_next(&out, &is));
    if (is_long(was.whole)) {
      ehlo_fuzz_reach(GOAL_LONG);
      EHLO_FUZZ_CHECK(is_same_unfolded(was.whole, is.whole));
      continue;
    }
    bool has_end = was.whole.bytes[was.whole.len - 1] == '\n';
    EHLO_FUZZ_CHECK(is.whole.len >= was.whole.len);
    EHLO_FUZZ_CHECK(memcmp(is.whole.bytes, was.whole.bytes, was.whole.len) == 0);
    EHLO_FUZZ_CHECK(has_end == (is.whole.len == was.whole.len));
    if (!has_end) {
      ehlo_fuzz_reach(GOAL_NO_END);
    }
  }
  if (in.pos == 0) {
    ehlo_fuzz_reach(GOAL_NO_HEADER);
  }
  expect_added(&out, message, "From", additions.from);
  expect_added(&out, message, "Date", additions.date);
  expect_added(&out, message, "Message-ID", additions.message_id);
  EHLO_FUZZ_CHECK(!mail_fields_next(&out, &is));
  size_t left = header.len - out.pos;
  EHLO_FUZZ_CHECK(header.bytes[header.len - 1] == '\n');
  EHLO_FUZZ_CHECK(left == 1 || (left == 2 && header.bytes[out.pos] == '\r'));
}

// The body is what is behind the header, and behind one empty line if there is one.
static void judge_body(struct ehlo_span message, size_t body) {
  struct mail_fields fields;
  struct mail_field field;
  mail_fields_begin(&fields, message);
  while (mail_fields_next(&fields, &field)) {
  }
  size_t empty = body - fields.pos;
  EHLO_FUZZ_CHECK(body >= fields.pos && body <= message.len);
  if (empty == 0) {
    EHLO_FUZZ_CHECK(body == message.len || message.bytes[body] != '\n');
  } else {
    EHLO_FUZZ_CHECK(empty <= 2 && message.bytes[body - 1] == '\n');
    EHLO_FUZZ_CHECK(empty == 1 || message.bytes[body - 2] == '\r');
  }
}

// An octet that is not in the list, so that it shows what was put in; 0: there is none.
static uint8_t other_octet(struct ehlo_span list) {
  for (int c = 255; c > 0; c--) {
    if (list.len == 0 || memchr(list.bytes, c, list.len) == NULL) {
      return (uint8_t)c;
    }
  }
  return 0;
}

static void judge_domains(struct ehlo_span list) {
  char domain[2] = {(char)other_octet(list), '\0'};
  char *text = NULL;
  size_t len = 0;
  size_t kept = 0;
  FILE *out = open_memstream(&text, &len);
  size_t num = mail_domain_complete(out, list, domain);
  fclose(out);
  EHLO_FUZZ_CHECK(len == list.len + num * (domain[0] != '\0' ? 2 : 1));
  for (size_t i = 0; domain[0] != '\0' && i < len; i++) {
    if (i + 1 < len && text[i] == '@' && text[i + 1] == domain[0]) {
      i++;
      num--;
      ehlo_fuzz_reach(GOAL_DOMAIN);
    } else {
      EHLO_FUZZ_CHECK(kept < list.len && (uint8_t)text[i] == list.bytes[kept++]);
    }
  }
  EHLO_FUZZ_CHECK(domain[0] == '\0' || (num == 0 && kept == list.len));
  free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct ehlo_span message = {ehlo_fuzz_copy(data, size), size};
  char *text = NULL;
  size_t len = 0;
  size_t body = 0;
  FILE *out = open_memstream(&text, &len);
  mail_outgoing_header(out, &body, message, &additions);
  fclose(out);
  judge_header(message, (struct ehlo_span){(const uint8_t *)text, len});
  judge_body(message, body);
  judge_domains(message);
  free(text);
  free((void *)(uintptr_t)message.bytes);
  return 0;
}
