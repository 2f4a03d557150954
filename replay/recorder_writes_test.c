// When the recorder hands over what it gathered: few calls, of whole lines, and while an exchange waits
// all that was seen before it is in the record.
#include <criterion/criterion.h>
#include <string.h>

#include "replay/recorder.h"

// ---- A transport that takes all and says what it is told ----------------------------------------

static struct ehlo_transport plain;
static const char *to_say;
static const char *wanted;  // the end of the record while an exchange waits

static char record[1 << 18];
static size_t record_len;
static size_t num_writes;

static void expect_end(const char *end) {
  size_t len = strlen(end);
  cr_expect(len <= record_len && memcmp(record + record_len - len, end, len) == 0,
            "%s\n does not end in \n%s", record, end);
}

static enum ehlo_status plain_exchange(struct ehlo_transport *t, size_t *out_taken, size_t *in_len,
                                       const struct ehlo_output *out, uint8_t *in, size_t in_cap,
                                       uint64_t deadline_ms) {
  (void)t;
  (void)deadline_ms;
  expect_end(wanted);
  *out_taken = out->span.len;
  *in_len = strlen(to_say);
  cr_assert_leq(*in_len, in_cap);
  memcpy(in, to_say, *in_len);
  return EHLO_OK;
}

static enum ehlo_status plain_start_tls(struct ehlo_transport *t, uint64_t deadline_ms) {
  (void)t;
  (void)deadline_ms;
  return EHLO_OK;
}

static void plain_describe_tls(struct ehlo_transport *t, char *out, size_t cap) {
  (void)t;
  cr_assert_gt(cap, 1u);
  memcpy(out, "x", 2);
}

static uint64_t plain_now_us(struct ehlo_transport *t) {
  (void)t;
  return 0;
}

static const struct ehlo_transport_ops plain_ops = {
    .exchange = plain_exchange,
    .start_tls = plain_start_tls,
    .describe_tls = plain_describe_tls,
    .now_us = plain_now_us,
};

// ---- What is recorded ---------------------------------------------------------------------------

static struct ehlo_recorder recorder;
static struct ehlo_redactor redactor;

static bool record_write(void *arg, const char *text, size_t len) {
  (void)arg;
  cr_assert_lt(len, sizeof(record) - record_len);
  memcpy(record + record_len, text, len);
  record_len += len;
  record[record_len] = '\0';
  cr_assert(len > 0 && text[len - 1] == '\n');
  num_writes++;
  return true;
}

static void start(void) {
  plain.ops = &plain_ops;
  wanted = "";
  record_len = 0;
  num_writes = 0;
  ehlo_redactor_init(&redactor);
  ehlo_recorder_init(&recorder, &plain, &redactor, record_write, NULL);
}

static void exchange(const char *client, unsigned flags, const char *server) {
  static uint8_t in[1 << 16];
  struct ehlo_output out = {{(const uint8_t *)client, strlen(client)}, flags};
  struct ehlo_transport *t = &recorder.base;
  size_t taken;
  size_t in_len;
  to_say = server;
  t->ops->exchange(t, &taken, &in_len, &out, in, sizeof(in), EHLO_NEVER);
  wanted = "";
}

static void fact(const char *text) {
  ehlo_recorder_fact(&recorder, text, strlen(text));
}

// All that an exchange brought is written before it returns, with one call. Facts do not wait for the
// next one; events do.
Test(recorder_writes, once_for_an_exchange) {
  start();
  fact("connect a");
  cr_expect_eq(num_writes, 0u);
  wanted = "! ehlo-transcript 1\n+0.000000  ! connect a\n";
  exchange("", 0, "250-a\r\n250-b\r\n250-c\r\n250 d\r\n25");
  cr_expect_eq(num_writes, 2u);  // what was there before it may wait, and what it brought
  expect_end("S: 250 d\n           S: 25\\\n");
  ehlo_recorder_event(&recorder, "one");
  ehlo_recorder_event(&recorder, "two");
  cr_expect_eq(num_writes, 2u);
  exchange("QUIT\r\n", 0, "");
  cr_expect_eq(num_writes, 3u);
  expect_end("= one\n= two\n+0.000000  C: QUIT\n");
  exchange("half\r\nof", EHLO_OUTPUT_MORE, "");
  cr_expect_eq(num_writes, 4u);
  expect_end("C: half\n");
  recorder.base.ops->start_tls(&recorder.base, EHLO_NEVER);
  ehlo_recorder_event(&recorder, "three");
  num_writes = 0;
  ehlo_recorder_finish(&recorder);
  cr_expect_eq(num_writes, 1u);
  expect_end("= three\n");
}

// A reply and the command after it cost one call each, with the events between them.
Test(recorder_writes, once_for_each_turn) {
  start();
  for (size_t i = 0; i < 10; i++) {
    exchange("", 0, "250 a\r\n");
    ehlo_recorder_event(&recorder, "reply 250 to NOOP");
    exchange("NOOP\r\n", 0, "");
  }
  cr_expect_eq(num_writes, 20u);
}

// Whatever came between, an event too: a server's line that was held, a client's that was not complete,
// a fact.
Test(recorder_writes, what_was_seen_before_the_next_exchange) {
  start();
  ehlo_redactor_add(&redactor, (const uint8_t *)"hunter2secret", 13);
  exchange("", 0, "25");
  ehlo_recorder_event(&recorder, "e");
  wanted = "S: 25\\\n= e\n";
  exchange("", 0, "0 a\r\n");

  exchange("half\r\nof", EHLO_OUTPUT_MORE, "");
  ehlo_recorder_event(&recorder, "f");
  wanted = "C: of\\\n= f\n";
  exchange("", 0, "250 b\r\n");

  fact("note n");
  ehlo_recorder_event(&recorder, "g");
  wanted = "! note n\n= g\n";
  exchange("", 0, "250 c\r\n");

  ehlo_recorder_event(&recorder, "h");
  wanted = "S: 250 c\n";
  exchange("", 0, "250 d\r\n");
  expect_end("= h\n+0.000000  S: 250 d\n");
}

// A message takes few calls.
Test(recorder_writes, a_message_in_few_calls) {
  static char message[13825];
  for (size_t i = 0; i + 72 < sizeof(message); i += 72) {
    memset(message + i, 'x', 70);
    memcpy(message + i + 70, "\r\n", 2);
  }
  start();
  for (int i = 0; i < 10; i++) {
    exchange(message, EHLO_OUTPUT_MORE, "");
  }
  cr_expect_leq(num_writes, 11u);
}
