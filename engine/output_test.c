// Tests of the output queue by itself: room, segments and what is left in memory. That a secret is
// moved cannot happen through the verbs, since nothing may be queued behind AUTH; it must be safe
// all the same.
#include <criterion/criterion.h>
#include <string.h>

#include "engine/client.h"

static uint8_t buf[EHLO_BUFFER_MIN];
static struct ehlo_client client;

static void begin(void) {
  static const struct ehlo_config config;
  memset(buf, 0xee, sizeof(buf));
  ehlo_client_init(&client, &config, buf, sizeof(buf), 0);
}

static void queue(const char *text, unsigned flags) {
  cr_assert_leq(strlen(text), ehlo_output_room(&client));
  memcpy(ehlo_output_tail(&client), text, strlen(text));
  ehlo_output_commit(&client, strlen(text), flags);
}

static void expect(const char *text, unsigned flags) {
  struct ehlo_output out;
  cr_assert(ehlo_output_peek(&client, &out));
  cr_assert_eq(out.span.len, strlen(text), "%zu octets", out.span.len);
  cr_assert_eq(memcmp(out.span.bytes, text, strlen(text)), 0);
  cr_assert_eq(out.flags, flags, "flags %u", out.flags);
}

// Whether `needle` stands anywhere in the buffer.
static bool remembers(const char *needle) {
  for (size_t i = 0; i + strlen(needle) <= sizeof(buf); i++) {
    if (memcmp(buf + i, needle, strlen(needle)) == 0) {
      return true;
    }
  }
  return false;
}

// While a message or a chunk goes on, more follows whatever is there.
Test(output, a_message_goes_on) {
  static const uint8_t states[] = {EHLO_STATE_BODY, EHLO_STATE_CHUNK, EHLO_STATE_READY};
  for (size_t i = 0; i < 3; i++) {
    begin();
    queue("x", EHLO_OUTPUT_BODY);
    client.intent = states[i];
    expect("x", EHLO_OUTPUT_BODY | (i < 2 ? EHLO_OUTPUT_MORE : 0));
  }
}

Test(output, spans_are_uniform) {
  begin();
  queue("ab", 0);
  queue("cd", 0);
  queue("body", EHLO_OUTPUT_BODY);
  queue("secret", EHLO_OUTPUT_SECRET);
  queue("ef", 0);
  expect("abcd", EHLO_OUTPUT_MORE);
  ehlo_output_ack(&client, 3, 0);
  expect("d", EHLO_OUTPUT_MORE | EHLO_OUTPUT_CONTINUED);
  ehlo_output_ack(&client, 0, 0);
  expect("d", EHLO_OUTPUT_MORE | EHLO_OUTPUT_CONTINUED);
  ehlo_output_ack(&client, 1, 0);
  expect("body", EHLO_OUTPUT_BODY | EHLO_OUTPUT_MORE);
  ehlo_output_ack(&client, 4, 0);
  expect("secret", EHLO_OUTPUT_SECRET | EHLO_OUTPUT_MORE);
  ehlo_output_ack(&client, 6, 0);
  expect("ef", 0);
  ehlo_output_ack(&client, 2, 0);
  struct ehlo_output out;
  cr_assert(!ehlo_output_peek(&client, &out));
  ehlo_output_ack(&client, 5, 0);  // of nothing is nothing
}

// A secret that is moved leaves no octet where it was, be it moved by less or by more than its
// length.
Test(output, a_secret_that_moves) {
  static const char front[] = "0123456789";
  for (size_t acked = 1; acked <= sizeof(front) - 1; acked++) {
    begin();
    queue(front, 0);
    queue("hushhush", EHLO_OUTPUT_SECRET);
    ehlo_output_ack(&client, acked, 0);
    cr_assert_gt(ehlo_output_room(&client), 0U);
    queue("\r\n", 0);
    if (acked < sizeof(front) - 1) {
      expect(front + acked, EHLO_OUTPUT_MORE | EHLO_OUTPUT_CONTINUED);
      ehlo_output_ack(&client, sizeof(front) - 1 - acked, 0);
    }
    expect("hushhush", EHLO_OUTPUT_SECRET | EHLO_OUTPUT_MORE);
    ehlo_output_ack(&client, 8, 0);
    cr_assert(!remembers("hu") && !remembers("sh"), "after %zu octets", acked);
    expect("\r\n", 0);
  }
}

Test(output, room) {
  begin();
  cr_assert_eq(ehlo_output_room(&client), EHLO_BUFFER_MIN / 4);
  queue("abc", 0);
  cr_assert_eq(ehlo_output_room(&client), EHLO_BUFFER_MIN / 4 - 3);
  ehlo_output_ack(&client, 2, 0);
  cr_assert_eq(ehlo_output_room(&client), EHLO_BUFFER_MIN / 4 - 1);
  cr_assert_eq(ehlo_output_tail(&client), buf + 1);
  ehlo_output_commit(&client, 0, EHLO_OUTPUT_BODY);  // no segment
  expect("c", EHLO_OUTPUT_CONTINUED);
  // Ten segments leave no room for three more.
  for (size_t i = 1; i < 10; i++) {
    cr_assert_gt(ehlo_output_room(&client), 0U);
    queue("x", i % 2 != 0 ? EHLO_OUTPUT_BODY : 0);
  }
  cr_assert_eq(ehlo_output_room(&client), 0U);
  ehlo_output_ack(&client, 1, 0);
  cr_assert_eq(ehlo_output_room(&client), EHLO_BUFFER_MIN / 4 - 9);
}

Test(output, dropped) {
  begin();
  queue("front", 0);
  queue("hushhush", EHLO_OUTPUT_SECRET);
  ehlo_output_ack(&client, 3, 0);
  ehlo_output_drop(&client);
  struct ehlo_output out;
  cr_assert(!ehlo_output_peek(&client, &out));
  cr_assert(!remembers("hu") && !remembers("sh"));
  cr_assert_eq(ehlo_output_room(&client), EHLO_BUFFER_MIN / 4);
  queue("x", 0);
  expect("x", 0);
}
