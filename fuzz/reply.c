// A stream gives the replies, the error and its place that a plain reading of the specification gives, and
// no byte of it is lost or changed; cut anywhere, it gives the same again.
//
// An input is five octets (the limits, whether a challenge is expected, how to cut) and the stream.
#include "engine/reply.h"

#include <string.h>

#include "fuzz/fuzz.h"
#include "fuzz/reference_reply.h"
#include "fuzz/trail.h"

#define GOAL_REPLY 0
#define GOAL_CHALLENGE 32

const char *const ehlo_fuzz_goals[EHLO_FUZZ_GOALS_MAX] = {
    [GOAL_REPLY] = "a whole reply",
    [EHLO_E_REPLY_SYNTAX] = "reply-syntax",
    [EHLO_E_REPLY_CODE] = "reply-code",
    [EHLO_E_LINE_TOO_LONG] = "line-too-long",
    [EHLO_E_REPLY_TOO_LONG] = "reply-too-long",
    [EHLO_E_TOO_MANY_LINES] = "too-many-lines",
    [GOAL_CHALLENGE] = "a challenge longer than other lines may be",
};

// The first octets of an input choose the limits, so that short inputs reach them.
#define NUM_SETTINGS 5

static struct ehlo_reply_limits read_limits(const uint8_t *settings) {
  size_t max_line = 8U + settings[0];
  size_t max_reply = max_line + settings[1] * 4U;
  size_t max_challenge_line = max_line + settings[2];
  return (struct ehlo_reply_limits){
      .max_line = max_line,
      .max_challenge_line = max_challenge_line < max_reply ? max_challenge_line : max_reply,
      .max_reply = max_reply,
      .max_lines = 1U + settings[3] % 32,
  };
}

// The lines of a reply, put together again, are its text.
EHLO_FUZZ_WATCHER static void judge_lines(const struct ehlo_reply *reply) {
  struct ehlo_reply_line line;
  size_t pos = 0;
  size_t num_lines = 0;
  for (size_t at = 0; ehlo_reply_line(reply, &pos, &line); at = pos) {
    const uint8_t *end = line.whole.bytes + line.whole.len;
    EHLO_FUZZ_CHECK(line.whole.bytes == reply->text.bytes + at);
    EHLO_FUZZ_CHECK(at + line.whole.len + 2 == pos && memcmp(end, "\r\n", 2) == 0);
    EHLO_FUZZ_CHECK(line.text.bytes >= line.whole.bytes && line.text.bytes + line.text.len == end);
    EHLO_FUZZ_CHECK(line.message.bytes >= line.text.bytes &&
                    line.message.bytes + line.message.len == end);
    // What was taken for an enhanced code went with the blanks behind it.
    EHLO_FUZZ_CHECK(line.message.len == 0 || line.message.bytes == line.text.bytes ||
                    line.message.bytes[0] != ' ');
    num_lines++;
  }
  EHLO_FUZZ_CHECK(pos == reply->text.len && num_lines == reply->num_lines);
}

// One way of handing over the stream.
struct run {
  struct ehlo_reply_parser parser;
  const uint8_t *stream;
  size_t len;
  size_t at;
  struct ehlo_fuzz_cuts cuts;
  struct ehlo_fuzz_trail trail;
};

EHLO_FUZZ_WATCHER static void follow_reply(struct ehlo_fuzz_trail *t,
                                           const struct ehlo_reply *reply) {
  const struct ehlo_enhanced *e = &reply->enhanced;
  const uint64_t numbers[] = {
      reply->code, reply->num_lines, reply->text.len,
      (uint64_t)e->class_code << 32 | (uint64_t)e->subject << 16 | e->detail};
  ehlo_fuzz_trail_add_numbers(t, EHLO_FUZZ_TRAIL_EVENT, numbers,
                              sizeof(numbers) / sizeof(numbers[0]));
  ehlo_fuzz_trail_mark(t);
}

// RFC 3463 §2: three numbers of at most three digits with dots between, the first one 2, 4 or 5, behind the
// code of the first line; a blank or the end of the line follows.
static struct ehlo_enhanced read_enhanced(struct ehlo_span text) {
  static const struct ehlo_enhanced none = {0};
  uint16_t numbers[3] = {0};
  size_t at = 4;
  for (size_t i = 0; i < 3; i++, at++) {
    size_t from = at;
    for (; at < text.len && text.bytes[at] >= '0' && text.bytes[at] <= '9' && at - from < 4; at++) {
      numbers[i] = (uint16_t)(numbers[i] * 10 + (text.bytes[at] - '0'));
    }
    bool ended = at < text.len && memchr(i < 2 ? "..." : " \t\r", text.bytes[at], 3) != NULL;
    if (at == from || at - from > (i == 0 ? 1 : 3) || !ended) {
      return none;
    }
  }
  bool known = numbers[0] == 2 || numbers[0] == 4 || numbers[0] == 5;
  return known ? (struct ehlo_enhanced){numbers[0], numbers[1], numbers[2]} : none;
}

// A whole reply, whose octets begin at `start` of the stream.
EHLO_FUZZ_WATCHER static void judge_reply(struct run *r, size_t start) {
  struct ehlo_reply reply;
  ehlo_reply_get(&r->parser, &reply);
  EHLO_FUZZ_CHECK(reply.text.len == r->at - start);
  EHLO_FUZZ_CHECK(memcmp(reply.text.bytes, r->stream + start, reply.text.len) == 0);
  struct ehlo_enhanced wanted = read_enhanced(reply.text);
  const struct ehlo_enhanced *got = &reply.enhanced;
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, got->class_code == wanted.class_code &&
                                          got->subject == wanted.subject &&
                                          got->detail == wanted.detail);
  if (r->cuts.cut == EHLO_FUZZ_WHOLE) {
    judge_lines(&reply);
  }
  follow_reply(&r->trail, &reply);
  ehlo_fuzz_reach(reply.num_lines == 1 && reply.text.len > r->parser.limits.max_line
                      ? GOAL_CHALLENGE
                      : GOAL_REPLY);
}

// The stream ended, or was stopped by `status`, in the midst of a reply.
EHLO_FUZZ_WATCHER static void judge_end(struct run *r, size_t start, enum ehlo_status status) {
  enum ehlo_status at_end = status != EHLO_OK ? status : ehlo_reply_judge_partial(&r->parser);
  struct ehlo_span line = ehlo_reply_last_line(&r->parser);
  EHLO_FUZZ_CHECK(line.len <= r->at - start);
  const uint64_t numbers[] = {status, at_end, at_end != EHLO_OK ? r->parser.error_offset : 0,
                              line.len};
  ehlo_fuzz_trail_add_numbers(&r->trail, EHLO_FUZZ_TRAIL_ERROR, numbers,
                              sizeof(numbers) / sizeof(numbers[0]));
  ehlo_fuzz_trail_add(&r->trail, EHLO_FUZZ_TRAIL_ERROR, line.bytes, line.len);
  ehlo_fuzz_trail_mark(&r->trail);
  ehlo_fuzz_reach(at_end);
}

// Holds the reply that begins at `start`, or what there is of it, against the reference.
EHLO_FUZZ_WATCHER static void compare(const struct run *r, size_t start, enum ehlo_status status) {
  const struct ehlo_reply_parser *p = &r->parser;
  const uint8_t *at = r->stream + start;
  struct ehlo_reference_reply wanted;
  ehlo_reference_read_reply(&wanted, at, r->len - start, &p->limits, p->challenge_expected);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, p->complete == wanted.complete);
  if (p->complete) {
    EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, p->code == wanted.code && p->num_lines == wanted.num_lines);
    EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, r->at - start == wanted.len);
    return;
  }
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, status == wanted.status);
  struct ehlo_reply_parser end = *p;
  status = status != EHLO_OK ? status : ehlo_reply_judge_partial(&end);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, status == wanted.status_at_end);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL,
                     status == EHLO_OK || end.error_offset == start + wanted.error_at);
  struct ehlo_span line = ehlo_reply_last_line(p);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, line.len == wanted.last_line_len);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL,
                     line.len == 0 || memcmp(line.bytes, at + wanted.last_line, line.len) == 0);
}

// Feeds one reply; false when the stream ends here.
EHLO_FUZZ_WATCHER static bool run_reply(struct run *r) {
  struct ehlo_reply_parser *p = &r->parser;
  size_t start = r->at;
  enum ehlo_status status = EHLO_OK;
  while (r->at < r->len && status == EHLO_OK && !p->complete) {
    size_t used = 0;
    size_t piece = ehlo_fuzz_next_cut(&r->cuts, r->len - r->at);
    status = ehlo_reply_feed(p, &used, r->stream + r->at, piece);
    EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_LIVENESS, used == piece || p->complete || status != EHLO_OK);
    r->at += used;
  }
  if (EHLO_FUZZ_HAS(EHLO_FUZZ_MODEL) && r->cuts.cut == EHLO_FUZZ_WHOLE) {
    compare(r, start, status);
  }
  if (!p->complete) {
    judge_end(r, start, status);
    return false;
  }
  judge_reply(r, start);
  ehlo_reply_reset(p);
  return true;
}

EHLO_FUZZ_WATCHER static void run(struct run *r, const struct run *first,
                                  struct ehlo_fuzz_cuts cuts, const uint8_t *data, size_t size) {
  static struct ehlo_fuzz_block block;
  struct ehlo_reply_limits limits = read_limits(data);
  r->stream = data + NUM_SETTINGS;
  r->len = size - NUM_SETTINGS;
  r->at = 0;
  r->cuts = cuts;
  ehlo_fuzz_trail_begin(&r->trail, first != NULL ? &first->trail : NULL);
  ehlo_reply_parser_init(&r->parser, ehlo_fuzz_lend(&block, limits.max_reply), &limits);
  r->parser.challenge_expected = (data[3] & 0x80) != 0;
  while (r->at < r->len && run_reply(r)) {
  }
  ehlo_fuzz_trail_end(&r->trail);
  ehlo_fuzz_return(&block);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct run whole;
  static struct run other;
  if (size < NUM_SETTINGS) {  // a fuzzer that begins with nothing has to come to the engine
    static const uint8_t none[NUM_SETTINGS];
    data = none;
    size = NUM_SETTINGS;
  }
  run(&whole, NULL, (struct ehlo_fuzz_cuts){EHLO_FUZZ_WHOLE, 0}, data, size);
  for (int cut = EHLO_FUZZ_BYTES; cut < EHLO_FUZZ_NUM_CUTS; cut++) {
    if (EHLO_FUZZ_HAS(EHLO_FUZZ_RECUT) && ehlo_fuzz_wants_cut((enum ehlo_fuzz_cut)cut, data[4])) {
      run(&other, &whole, (struct ehlo_fuzz_cuts){(enum ehlo_fuzz_cut)cut, data[4]}, data, size);
    }
  }
  return 0;
}
