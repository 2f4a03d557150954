// Cut anywhere, a stream gives the replies, the error and its place that a plain reading of the
// specification gives, and no byte of it is lost or changed.
#include "engine/reply.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "fuzz/reference_reply.h"

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
static void judge_lines(const struct ehlo_reply *reply) {
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
    num_lines++;
  }
  EHLO_FUZZ_CHECK(pos == reply->text.len && num_lines == reply->num_lines);
}

static void judge_reply(struct ehlo_reply_parser *p, const struct ehlo_reference_reply *wanted,
                        const uint8_t *at) {
  struct ehlo_reply reply;
  ehlo_reply_get(p, &reply);
  EHLO_FUZZ_CHECK(reply.code == wanted->code && reply.num_lines == wanted->num_lines);
  EHLO_FUZZ_CHECK(reply.text.len == wanted->len);
  EHLO_FUZZ_CHECK(memcmp(reply.text.bytes, at, reply.text.len) == 0);
  const struct ehlo_enhanced *e = &reply.enhanced;
  EHLO_FUZZ_CHECK(e->class == 0 || (reply.text.bytes[4] == '0' + e->class &&
                                    reply.text.bytes[5] == '.' && e->detail <= 999));
  judge_lines(&reply);
  ehlo_fuzz_reach(reply.num_lines == 1 && reply.text.len > p->limits.max_line ? GOAL_CHALLENGE
                                                                              : GOAL_REPLY);
}

// The line that an error speaks of: the reference says where it begins.
static void judge_last_line(const struct ehlo_reply_parser *p, const uint8_t *at,
                            const struct ehlo_reference_reply *wanted) {
  struct ehlo_span line = ehlo_reply_last_line(p);
  EHLO_FUZZ_CHECK(line.len == wanted->last_line_len);
  EHLO_FUZZ_CHECK(line.len == 0 || memcmp(line.bytes, at + wanted->last_line, line.len) == 0);
}

// Feeds one reply from `at` on; false when the stream ends here.
static bool run_reply(struct ehlo_reply_parser *p, const uint8_t *stream, size_t *at, size_t len,
                      struct ehlo_fuzz_cuts *cuts) {
  struct ehlo_reference_reply wanted;
  ehlo_reference_read_reply(&wanted, stream + *at, len - *at, &p->limits, p->challenge_expected);
  size_t start = *at;
  enum ehlo_status status = EHLO_OK;
  while (*at < len && status == EHLO_OK && !p->complete) {
    size_t used = 0;
    size_t piece = ehlo_fuzz_next_cut(cuts, len - *at);
    status = ehlo_reply_feed(p, &used, stream + *at, piece);
    EHLO_FUZZ_CHECK(used == piece || p->complete || status != EHLO_OK);
    *at += used;
  }
  EHLO_FUZZ_CHECK(p->complete == wanted.complete);
  if (p->complete) {
    judge_reply(p, &wanted, stream + start);
    ehlo_reply_reset(p);
    return true;
  }
  EHLO_FUZZ_CHECK(status == wanted.status);
  status = status != EHLO_OK ? status : ehlo_reply_judge_partial(p);
  EHLO_FUZZ_CHECK(status == wanted.status_at_end);
  EHLO_FUZZ_CHECK(status == EHLO_OK || p->error_offset == start + wanted.error_at);
  judge_last_line(p, stream + start, &wanted);
  ehlo_fuzz_reach(status);
  return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < NUM_SETTINGS) {
    return 0;
  }
  struct ehlo_reply_limits limits = read_limits(data);
  size_t len = size - NUM_SETTINGS;
  uint8_t *stream = ehlo_fuzz_copy(data + NUM_SETTINGS, len);
  for (int cut = 0; cut < EHLO_FUZZ_NUM_CUTS; cut++) {
    struct ehlo_fuzz_cuts cuts = {(enum ehlo_fuzz_cut)cut, data[4]};
    struct ehlo_reply_parser parser;
    uint8_t *buf = malloc(limits.max_reply);
    size_t at = 0;
    ehlo_reply_parser_init(&parser, buf, &limits);
    parser.challenge_expected = (data[3] & 0x80) != 0;
    while (at < len && run_reply(&parser, stream, &at, len, &cuts)) {
    }
    free(buf);
  }
  free(stream);
  return 0;
}
