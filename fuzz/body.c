// What the encoder writes, an independent decoder reads back as the lines of the message, and where
// nothing may be altered as its bytes; it has no bare CR, no bare LF and one end of data, to a
// server that drops NUL too, and any cut of input and output gives the same bytes.
#include "engine/body.h"

#include <string.h>

#include "fuzz/fuzz.h"
#include "fuzz/reference.h"

enum goal {
  GOAL_PLAIN,
  GOAL_DOT,
  GOAL_REPAIRED,
  GOAL_REFUSED,
  GOAL_REFUSED_AT_END,
  GOAL_EXACT,
  GOAL_BARE_LF,
  GOAL_NUL_DOT
};

const char *const ehlo_fuzz_goals[EHLO_FUZZ_GOALS_MAX] = {
    [GOAL_PLAIN] = "a message without dots",
    [GOAL_DOT] = "a dot that is doubled",
    [GOAL_REPAIRED] = "a bare CR that is repaired",
    [GOAL_REFUSED] = "a bare CR that is refused",
    [GOAL_REFUSED_AT_END] = "a bare CR that is refused at the end",
    [GOAL_EXACT] = "a message that leaves byte for byte",
    [GOAL_BARE_LF] = "a bare LF that is refused",
    [GOAL_NUL_DOT] = "NUL and a lone dot",
};

// Where an encoding ended.
struct result {
  struct ehlo_fuzz_bytes sent;
  size_t used;
  enum ehlo_status status;
};

#define ROOM_MIN 4

struct settings {
  enum ehlo_bare_cr bare_cr;
  enum ehlo_bare_lf bare_lf;
};

static void encode(struct result *r, const uint8_t *message, size_t len, struct settings settings,
                   struct ehlo_fuzz_cuts cuts) {
  struct ehlo_body body;
  size_t most = 2 * len + ROOM_MIN;
  static struct ehlo_fuzz_block kept;
  uint8_t *block =
      ehlo_fuzz_lend(&kept, most);  // the room is its end, so that no octet is behind it
  ehlo_body_init(&body, settings.bare_cr);
  ehlo_body_set_bare_lf(&body, settings.bare_lf);
  while (r->used < len && r->status == EHLO_OK) {
    size_t piece = ehlo_fuzz_next_cut(&cuts, len - r->used);
    size_t room = cuts.cut == EHLO_FUZZ_WHOLE ? most : ROOM_MIN + piece % 16;
    uint8_t *out = block + most - room;
    size_t used = 0;
    size_t written = 0;
    r->status = ehlo_body_encode(&body, &used, &written, out, room, message + r->used, piece);
    EHLO_FUZZ_CHECK(used <= piece && written <= room);
    EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_LIVENESS, r->status != EHLO_OK || used > 0 || written > 0);
    r->used += used;
    ehlo_fuzz_add(&r->sent, out, written);
  }
  ehlo_fuzz_return(&kept);
  uint8_t end[EHLO_BODY_END_MAX];
  size_t end_len = 0;
  if (r->status == EHLO_OK) {
    EHLO_FUZZ_CHECK(ehlo_body_end(&body, &end_len, end, 0) != EHLO_OK && end_len == 0);
    r->status = ehlo_body_end(&body, &end_len, end, sizeof(end));
    ehlo_fuzz_add(&r->sent, end, end_len);
  }
}

// Takes the dots off again and looks for what may not be there.
static void decode(struct ehlo_fuzz_bytes *out, const struct ehlo_fuzz_bytes *sent) {
  size_t at = 0;
  while (at < sent->len) {
    const uint8_t *line = sent->bytes + at;
    const uint8_t *cr = memchr(line, '\r', sent->len - at);
    EHLO_FUZZ_CHECK(cr != NULL && cr + 1 < sent->bytes + sent->len && cr[1] == '\n');
    size_t len = (size_t)(cr - line);
    EHLO_FUZZ_CHECK(memchr(line, '\n', len) == NULL);
    at += len + 2;
    if (len == 1 && line[0] == '.') {
      EHLO_FUZZ_CHECK(at == sent->len);
      return;
    }
    size_t dot = len > 0 && line[0] == '.' ? 1 : 0;
    EHLO_FUZZ_CHECK(dot == 0 || line[1] == '.');
    ehlo_fuzz_reach(dot == 0 ? GOAL_PLAIN : GOAL_DOT);
    ehlo_fuzz_add(out, line + dot, len + 2 - dot);
  }
  EHLO_FUZZ_CHECK(!"the end of data is there");
}

static void reach_refusal(const struct result *r, size_t len) {
  if (r->status == EHLO_E_BARE_CR) {
    ehlo_fuzz_reach(r->used < len ? GOAL_REFUSED : GOAL_REFUSED_AT_END);
  } else {
    ehlo_fuzz_reach(r->status == EHLO_E_BARE_LF ? GOAL_BARE_LF : GOAL_NUL_DOT);
  }
}

static void judge(const struct result *r, const uint8_t *message, size_t len,
                  struct settings settings) {
  static struct ehlo_fuzz_bytes wanted;
  static struct ehlo_fuzz_bytes got;
  ehlo_fuzz_clear(&wanted);
  ehlo_fuzz_clear(&got);
  bool refuse_cr = settings.bare_cr == EHLO_BARE_CR_REFUSE;
  bool refuse_lf = settings.bare_lf == EHLO_BARE_LF_REFUSE;
  size_t used = 0;
  enum ehlo_status status = ehlo_reference_refusal(&used, message, len, refuse_cr, refuse_lf);
  size_t first_bare_cr = ehlo_reference_lines(&wanted, message, len);
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, r->status == status && r->used == used);
  if (status != EHLO_OK) {
    reach_refusal(r, len);
  } else {
    decode(&got, &r->sent);
    EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_MODEL, ehlo_fuzz_same(&got, &wanted));
    if (first_bare_cr < len) {
      ehlo_fuzz_reach(GOAL_REPAIRED);
    }
  }
  if (status == EHLO_OK && refuse_cr && refuse_lf && len > 0) {
    EHLO_FUZZ_CHECK(got.len == len && memcmp(got.bytes, message, len) == 0);
    ehlo_fuzz_reach(GOAL_EXACT);
  }
}

// Encodes the message at one cut; all but the bytes of `r` begins anew.
static void run(struct result *r, const uint8_t *message, size_t len, struct settings settings,
                enum ehlo_fuzz_cut cut) {
  r->used = 0;
  r->status = EHLO_OK;
  ehlo_fuzz_clear(&r->sent);
  encode(r, message, len, settings, (struct ehlo_fuzz_cuts){cut, (uint32_t)len});
  judge(r, message, len, settings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct result whole;
  static struct result other;
  for (uint8_t i = 0; i < 4; i++) {
    struct settings settings = {i % 2 == 0 ? EHLO_BARE_CR_REFUSE : EHLO_BARE_CR_REPAIR,
                                i < 2 ? EHLO_BARE_LF_NORMALISE : EHLO_BARE_LF_REFUSE};
    run(&whole, data, size, settings, EHLO_FUZZ_WHOLE);
    for (int cut = EHLO_FUZZ_BYTES; cut < EHLO_FUZZ_NUM_CUTS; cut++) {
      if (ehlo_fuzz_wants_cut((enum ehlo_fuzz_cut)cut, (uint8_t)(size + i))) {
        run(&other, data, size, settings, (enum ehlo_fuzz_cut)cut);
        EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_RECUT, ehlo_fuzz_same(&other.sent, &whole.sent));
      }
    }
  }
  return 0;
}
