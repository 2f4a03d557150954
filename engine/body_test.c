// Tests of the message encoder: exact bytes for readable cases, at every cut of the input and every
// room for the output, and what must never come out whatever goes in.
#include "engine/body.h"

#include <criterion/criterion.h>
#include <string.h>

#include "engine/body_testing.h"

#define TEXT(s) s, sizeof(s) - 1

static struct encoded encode(enum ehlo_bare_cr bare_cr, enum ehlo_bare_lf bare_lf, const char *in,
                             size_t len, size_t first, size_t step, size_t out_cap) {
  return encode_as(FOR_DATA, bare_cr, bare_lf, in, len, first, step, out_cap);
}

// The encoding of the whole input, after every cut and every room proved to give the same.
static struct encoded encode_every_way_as(enum kind kind, enum ehlo_bare_cr bare_cr,
                                          enum ehlo_bare_lf bare_lf, const char *in, size_t len) {
  struct encoded whole = encode_as(kind, bare_cr, bare_lf, in, len, len, len, OUT_MAX);
  for (size_t first = 1; first < len; first++) {
    struct encoded cut = encode_as(kind, bare_cr, bare_lf, in, len, first, len, OUT_MAX);
    expect_same(&whole, &cut, in);
    cut = encode_as(kind, bare_cr, bare_lf, in, len, first, len, 4);
    expect_same(&whole, &cut, in);
  }
  for (size_t out_cap = 4; out_cap < 16; out_cap++) {
    struct encoded cut = encode_as(kind, bare_cr, bare_lf, in, len, len, len, out_cap);
    expect_same(&whole, &cut, in);
    cut = encode_as(kind, bare_cr, bare_lf, in, len, 1, 1, out_cap);
    expect_same(&whole, &cut, in);
  }
  return whole;
}

static struct encoded encode_every_way(enum ehlo_bare_cr bare_cr, enum ehlo_bare_lf bare_lf,
                                       const char *in, size_t len) {
  return encode_every_way_as(FOR_DATA, bare_cr, bare_lf, in, len);
}

static const struct row {
  const char *in;
  size_t len;
  const char *out;
  size_t out_len;
  uint64_t num_lines;
} rows[] = {
    {TEXT(""), TEXT(".\r\n"), 0},
    {TEXT("a"), TEXT("a\r\n.\r\n"), 1},
    {TEXT("a\n"), TEXT("a\r\n.\r\n"), 1},
    {TEXT("a\r\n"), TEXT("a\r\n.\r\n"), 1},
    {TEXT("a\nb"), TEXT("a\r\nb\r\n.\r\n"), 2},
    {TEXT("a\nb\r\nc\n"), TEXT("a\r\nb\r\nc\r\n.\r\n"), 3},
    {TEXT("\n"), TEXT("\r\n.\r\n"), 1},
    {TEXT("\r\n\r\n"), TEXT("\r\n\r\n.\r\n"), 2},
    {TEXT("\n\n\n"), TEXT("\r\n\r\n\r\n.\r\n"), 3},
    {TEXT("\r\n\n"), TEXT("\r\n\r\n.\r\n"), 2},
    // Dots.
    {TEXT("."), TEXT("..\r\n.\r\n"), 1},
    {TEXT(".\n"), TEXT("..\r\n.\r\n"), 1},
    {TEXT(".\r\n"), TEXT("..\r\n.\r\n"), 1},
    {TEXT(".."), TEXT("...\r\n.\r\n"), 1},
    {TEXT(".a"), TEXT("..a\r\n.\r\n"), 1},
    {TEXT("a."), TEXT("a.\r\n.\r\n"), 1},
    {TEXT("a\n."), TEXT("a\r\n..\r\n.\r\n"), 2},
    {TEXT("a\n.\nb"), TEXT("a\r\n..\r\nb\r\n.\r\n"), 3},
    {TEXT("a\r\n.\r\nb"), TEXT("a\r\n..\r\nb\r\n.\r\n"), 3},
    {TEXT("a\r\n.\nb"), TEXT("a\r\n..\r\nb\r\n.\r\n"), 3},
    {TEXT("a\n.\r\nb"), TEXT("a\r\n..\r\nb\r\n.\r\n"), 3},
    {TEXT("\n."), TEXT("\r\n..\r\n.\r\n"), 2},
    {TEXT(".\n.\n."), TEXT("..\r\n..\r\n..\r\n.\r\n"), 3},
    {TEXT("a.b\n.c.d\n"), TEXT("a.b\r\n..c.d\r\n.\r\n"), 2},
    {TEXT("...\n....\n"), TEXT("....\r\n.....\r\n.\r\n"), 2},
    // What a server's end of data looks like, in the message.
    {TEXT("a\n.\nMAIL FROM:<x>\n"), TEXT("a\r\n..\r\nMAIL FROM:<x>\r\n.\r\n"), 3},
    {TEXT("a\n.\r\nQUIT"), TEXT("a\r\n..\r\nQUIT\r\n.\r\n"), 3},
    // Any other octet goes through.
    {TEXT("\0\n.\0\xff\t "), TEXT("\0\r\n..\0\xff\t \r\n.\r\n"), 2},
};

Test(body, exact_bytes) {
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    for (int bare_cr = EHLO_BARE_CR_REFUSE; bare_cr <= EHLO_BARE_CR_REPAIR; bare_cr++) {
      struct encoded e = encode_every_way((enum ehlo_bare_cr)bare_cr, EHLO_BARE_LF_NORMALISE,
                                          rows[i].in, rows[i].len);
      cr_assert_eq(e.status, EHLO_OK);
      cr_assert(e.len == rows[i].out_len && memcmp(e.bytes, rows[i].out, e.len) == 0, "[%s] [%.*s]",
                rows[i].in, (int)e.len, e.bytes);
      cr_assert_eq(e.num_lines, rows[i].num_lines, "[%s]", rows[i].in);
      cr_assert_eq(e.used, rows[i].len);
    }
  }
}

// The text of a BDAT chunk: line ends as ever, no dot is doubled and none ends it.
Test(body, exact_bytes_of_a_chunk) {
  static const struct row chunk_rows[] = {
      {TEXT(""), TEXT(""), 0},
      {TEXT("a"), TEXT("a\r\n"), 1},
      {TEXT("a\n"), TEXT("a\r\n"), 1},
      {TEXT("a\nb\r\nc\n"), TEXT("a\r\nb\r\nc\r\n"), 3},
      {TEXT("\n\n"), TEXT("\r\n\r\n"), 2},
      {TEXT("."), TEXT(".\r\n"), 1},
      {TEXT(".\r\n"), TEXT(".\r\n"), 1},
      {TEXT("a\n.\nb"), TEXT("a\r\n.\r\nb\r\n"), 3},
      {TEXT("a\r\n.\r\n"), TEXT("a\r\n.\r\n"), 2},
      {TEXT("..a\n...\n"), TEXT("..a\r\n...\r\n"), 2},
      {TEXT("\0\n.\0\xff\t "), TEXT("\0\r\n.\0\xff\t \r\n"), 2},
  };
  for (size_t i = 0; i < sizeof(chunk_rows) / sizeof(chunk_rows[0]); i++) {
    const struct row *row = &chunk_rows[i];
    struct encoded e = encode_every_way_as(FOR_BDAT, EHLO_BARE_CR_REFUSE, EHLO_BARE_LF_NORMALISE,
                                           row->in, row->len);
    cr_assert_eq(e.status, EHLO_OK);
    cr_assert(e.len == row->out_len && memcmp(e.bytes, row->out, e.len) == 0, "[%s] [%.*s]",
              row->in, (int)e.len, e.bytes);
    cr_assert_eq(e.num_lines, row->num_lines, "[%s]", row->in);
  }
  struct encoded e =
      encode_every_way_as(FOR_BDAT, EHLO_BARE_CR_REFUSE, EHLO_BARE_LF_NORMALISE, "a\n.\rb", 5);
  cr_assert(e.status == EHLO_E_BARE_CR && e.used == 4 && e.len == 4);
  e = encode_every_way_as(FOR_BDAT, EHLO_BARE_CR_REPAIR, EHLO_BARE_LF_NORMALISE, "a\n.\rb", 5);
  cr_assert(e.status == EHLO_OK && e.len == 9 && memcmp(e.bytes, "a\r\n.\r\nb\r\n", 9) == 0);
}

// A CR without LF: refused just behind it, with all before it written, or taken for a line end.
Test(body, bare_cr) {
  static const struct {
    const char *in;
    size_t good;  // octets taken before the refusal, the CR included
    const char *before;
    const char *repaired;
  } cases[] = {
      {"\r", 1, "", "\r\n.\r\n"},
      {"a\rb", 2, "a", "a\r\nb\r\n.\r\n"},
      {"a\r", 2, "a", "a\r\n.\r\n"},
      {"a\r\r\n", 2, "a", "a\r\n\r\n.\r\n"},
      {"a\r\r", 2, "a", "a\r\n\r\n.\r\n"},
      {"a\nb\r.c", 4, "a\r\nb", "a\r\nb\r\n..c\r\n.\r\n"},
      {"\r.", 1, "", "\r\n..\r\n.\r\n"},
      {".\r.\r", 2, "..", "..\r\n..\r\n.\r\n"},
      {"a\r\n\rb", 4, "a\r\n", "a\r\n\r\nb\r\n.\r\n"},
      {"a\n\r", 3, "a\r\n", "a\r\n\r\n.\r\n"},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    size_t len = strlen(cases[i].in);
    struct encoded e =
        encode_every_way(EHLO_BARE_CR_REFUSE, EHLO_BARE_LF_NORMALISE, cases[i].in, len);
    cr_assert_eq(e.status, EHLO_E_BARE_CR, "[%s]", cases[i].in);
    cr_assert_eq(e.used, cases[i].good, "[%s] %zu", cases[i].in, e.used);
    cr_assert(e.len == strlen(cases[i].before) && memcmp(e.bytes, cases[i].before, e.len) == 0);
    e = encode_every_way(EHLO_BARE_CR_REPAIR, EHLO_BARE_LF_NORMALISE, cases[i].in, len);
    cr_assert_eq(e.status, EHLO_OK);
    cr_assert(e.len == strlen(cases[i].repaired) && memcmp(e.bytes, cases[i].repaired, e.len) == 0,
              "[%s] [%.*s]", cases[i].in, (int)e.len, e.bytes);
  }
}

// The other refusals stay too, also when the line goes on otherwise.
Test(body, refusals_stay) {
  static const struct {
    const char *in;
    size_t len;
    enum ehlo_bare_lf bare_lf;
    enum ehlo_status status;
  } cases[] = {
      {TEXT("a\n"), EHLO_BARE_LF_REFUSE, EHLO_E_BARE_LF},
      {TEXT("\n"), EHLO_BARE_LF_REFUSE, EHLO_E_BARE_LF},
      {TEXT("\0.\n"), EHLO_BARE_LF_NORMALISE, EHLO_E_NUL_DOT},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    struct ehlo_body b;
    uint8_t out[64];
    size_t used = 0;
    size_t n = 0;
    ehlo_body_init(&b, EHLO_BARE_CR_REFUSE);
    ehlo_body_set_bare_lf(&b, cases[i].bare_lf);
    cr_assert_eq(ehlo_body_encode(&b, &used, &n, out, sizeof(out), (const uint8_t *)cases[i].in,
                                  cases[i].len),
                 cases[i].status);
    cr_assert_eq(ehlo_body_encode(&b, &used, &n, out, sizeof(out), (const uint8_t *)"x\r\n", 3),
                 cases[i].status);
    cr_assert(used == 0 && n == 0);
    cr_assert_eq(ehlo_body_end(&b, &n, out, sizeof(out)), cases[i].status);
    cr_assert_eq(n, 0);
  }
}

// After a refusal the encoder stays there: nothing gets it past the CR, nor an LF that comes too late.
Test(body, bare_cr_stays) {
  struct ehlo_body b;
  uint8_t out[64];
  size_t used = 0;
  size_t n = 0;
  ehlo_body_init(&b, EHLO_BARE_CR_REFUSE);
  const uint8_t in[] = "a\rb";
  cr_assert_eq(ehlo_body_encode(&b, &used, &n, out, sizeof(out), in, 3), EHLO_E_BARE_CR);
  const char *const more[] = {"b", "\n", "\r", "."};
  for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
    cr_assert_eq(ehlo_body_encode(&b, &used, &n, out, sizeof(out), (const uint8_t *)more[i], 1),
                 EHLO_E_BARE_CR);
    cr_assert(used == 0 && n == 0);
  }
  cr_assert_eq(ehlo_body_end(&b, &n, out, sizeof(out)), EHLO_E_BARE_CR);
  cr_assert_eq(n, 0);
}

Test(body, little_room) {
  struct ehlo_body b;
  uint8_t out[8];
  size_t used = 9;
  size_t n = 9;
  ehlo_body_init(&b, EHLO_BARE_CR_REFUSE);
  for (size_t cap = 0; cap < 4; cap++) {
    cr_assert_eq(ehlo_body_encode(&b, &used, &n, out, cap, (const uint8_t *)"ab", 2), EHLO_OK);
    cr_assert(used == 0 && n == 0);
  }
  cr_assert_eq(ehlo_body_encode(&b, &used, &n, out, 4, (const uint8_t *)"ab", 2), EHLO_OK);
  cr_assert(used == 2 && n == 2);
  for (size_t cap = 0; cap < EHLO_BODY_END_MAX; cap++) {
    cr_assert_eq(ehlo_body_end(&b, &n, out, cap), EHLO_E_FULL);
    cr_assert_eq(n, 0);
  }
  cr_assert_eq(ehlo_body_end(&b, &n, out, EHLO_BODY_END_MAX), EHLO_OK);
  cr_assert(n == 5 && memcmp(out, "\r\n.\r\n", 5) == 0);
}

// What a server makes of it (RFC 5321 §4.5.2), written the other way round: the lines up to the
// lone dot, each without the dot before it. Returns the length, or SIZE_MAX where the text is none.
static size_t decode(uint8_t *out, const uint8_t *in, size_t len, const char *line_end) {
  size_t n = 0;
  for (size_t at = 0; at < len;) {
    const uint8_t *lf = memchr(in + at, '\n', len - at);
    if (lf == NULL || lf == in + at || lf[-1] != '\r') {
      return SIZE_MAX;
    }
    size_t line_len = (size_t)(lf - (in + at)) - 1;
    if (memchr(in + at, '\r', line_len) != NULL) {
      return SIZE_MAX;
    }
    if (line_len == 1 && in[at] == '.') {
      return at + 3 == len ? n : SIZE_MAX;  // the end must be the end
    }
    bool dot = in[at] == '.';
    memcpy(out + n, in + at + dot, line_len - dot);
    n += line_len - dot;
    memcpy(out + n, line_end, strlen(line_end));
    n += strlen(line_end);
    at += line_len + 2;
  }
  return SIZE_MAX;
}

static size_t plain_decode(uint8_t *out, const uint8_t *in, size_t len) {
  return decode(out, in, len, "\n");
}

// A line that begins with NUL and is a dot without its NULs.
static bool has_nul_dot_line(const uint8_t *in, size_t len) {
  size_t others = 0;
  size_t dots = 0;
  for (size_t i = 0, start = 0; i < len; i++) {
    dots += in[i] == '.';
    others += in[i] != '.' && in[i] != 0;
    if (in[i] == '\n') {
      if (in[start] == 0 && dots == 1 && others == 1) {
        return true;
      }
      start = i + 1;
      dots = 0;
      others = 0;
    }
  }
  return false;
}

Test(body, random_messages_come_back) {
  static const char alphabet[] = "\n\n\r\r..aab\0";
  uint32_t seed = 99;
  for (int round = 0; round < 4000; round++) {
    char in[48];
    size_t len = (size_t)round % sizeof(in);
    for (size_t i = 0; i < len; i++) {
      seed = seed * 1664525U + 1013904223U;
      in[i] = alphabet[(seed >> 20) % (sizeof(alphabet) - 1)];
    }
    struct encoded e =
        encode(EHLO_BARE_CR_REPAIR, EHLO_BARE_LF_NORMALISE, in, len, len, len, OUT_MAX);
    size_t first = (seed >> 8) % (len + 1);
    struct encoded cut = encode(EHLO_BARE_CR_REPAIR, EHLO_BARE_LF_NORMALISE, in, len,
                                first > 0 ? first : 1, 1 + (seed >> 4) % 5, 4 + (seed >> 12) % 9);
    expect_same(&e, &cut, "random");
    uint8_t got[OUT_MAX];
    uint8_t want[OUT_MAX];
    size_t want_len = 0;
    for (size_t i = 0; i < len; i++) {  // every kind of line end is an LF
      bool crlf = in[i] == '\r' && i + 1 < len && in[i + 1] == '\n';
      if (!crlf) {
        want[want_len++] = (uint8_t)(in[i] == '\r' ? '\n' : in[i]);
      }
    }
    if (want_len > 0 && want[want_len - 1] != '\n') {
      want[want_len++] = '\n';
    }
    if (has_nul_dot_line(want, want_len)) {
      cr_assert_eq(e.status, EHLO_E_NUL_DOT, "round %d", round);
      continue;
    }
    size_t got_len = plain_decode(got, e.bytes, e.len);
    cr_assert_eq(got_len, want_len, "round %d", round);
    cr_assert_eq(memcmp(got, want, want_len), 0, "round %d", round);
  }
}

// Byte-exact: nothing but CRLF ends a line, or it is refused, and what leaves is the message.
Test(body, exact) {
  static const struct {
    const char *in;
    size_t len;
    enum ehlo_status status;
    size_t used;  // octets taken
    const char *out;
    size_t out_len;
  } cases[] = {
      {TEXT(""), EHLO_OK, 0, TEXT(".\r\n")},
      {TEXT("a\r\n"), EHLO_OK, 3, TEXT("a\r\n.\r\n")},
      {TEXT("a\r\n\r\n..\r\n"), EHLO_OK, 9, TEXT("a\r\n\r\n...\r\n.\r\n")},
      {TEXT("\r\n"), EHLO_OK, 2, TEXT("\r\n.\r\n")},
      {TEXT("\n"), EHLO_E_BARE_LF, 0, TEXT("")},
      {TEXT("a\n"), EHLO_E_BARE_LF, 1, TEXT("a")},
      {TEXT("a\r\n\n"), EHLO_E_BARE_LF, 3, TEXT("a\r\n")},
      {TEXT("a\r\nb\nc\r\n"), EHLO_E_BARE_LF, 4, TEXT("a\r\nb")},
      {TEXT(".\n"), EHLO_E_BARE_LF, 1, TEXT("..")},
      {TEXT("a"), EHLO_E_BARE_LF, 1, TEXT("a")},
      {TEXT("a\r\nb"), EHLO_E_BARE_LF, 4, TEXT("a\r\nb")},
      {TEXT("a\r"), EHLO_E_BARE_CR, 2, TEXT("a")},
      {TEXT("a\r\rb"), EHLO_E_BARE_CR, 2, TEXT("a")},
      {TEXT("\0.\n"), EHLO_E_BARE_LF, 2, TEXT("\0.")},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    struct encoded e =
        encode_every_way(EHLO_BARE_CR_REFUSE, EHLO_BARE_LF_REFUSE, cases[i].in, cases[i].len);
    cr_assert_eq(e.status, cases[i].status, "[%s] %d", cases[i].in, e.status);
    cr_assert_eq(e.used, cases[i].used, "[%s] %zu", cases[i].in, e.used);
    cr_assert(e.len == cases[i].out_len && memcmp(e.bytes, cases[i].out, e.len) == 0, "[%s] [%.*s]",
              cases[i].in, (int)e.len, e.bytes);
  }
}

// Whatever goes in: what is not refused leaves byte for byte, but for the dots.
Test(body, exact_is_exact) {
  static const char alphabet[] = "\n\r.a";
  size_t num_sent = 0;
  for (unsigned code = 0; code < 1U << 16; code++) {
    char in[8];
    uint8_t got[OUT_MAX];
    size_t len = 1 + code % sizeof(in);
    for (size_t i = 0; i < sizeof(in); i++) {
      in[i] = alphabet[code >> (2 * i) & 3];
    }
    struct encoded e = encode(EHLO_BARE_CR_REFUSE, EHLO_BARE_LF_REFUSE, in, len, 2, 3, 7);
    if (e.status != EHLO_OK) {
      continue;
    }
    num_sent++;
    size_t got_len = decode(got, e.bytes, e.len, "\r\n");
    cr_assert(got_len == len && memcmp(got, in, len) == 0, "input %u", code);
  }
  cr_assert_gt(num_sent, 500);
}

// A bare LF and a repaired bare CR are apart: each is refused or not by its own setting.
Test(body, exact_with_repaired_cr) {
  struct encoded e = encode_every_way(EHLO_BARE_CR_REPAIR, EHLO_BARE_LF_REFUSE, TEXT("a\rb\r"));
  cr_assert(e.status == EHLO_OK && e.len == 9 && memcmp(e.bytes, "a\r\nb\r\n.\r\n", 9) == 0);
  e = encode_every_way(EHLO_BARE_CR_REPAIR, EHLO_BARE_LF_REFUSE, TEXT("a\rb\n"));
  cr_assert_eq(e.status, EHLO_E_BARE_LF);
}

// The lone dot that is one only to a server that drops NUL. For BDAT a dot means nothing.
Test(body, nul_dot) {
  static const struct {
    const char *in;
    size_t len;
    bool refused;
  } cases[] = {
      {TEXT("\0.\n"), true},         {TEXT("a\n\0.\r\nb\n"), true}, {TEXT("\0.\0\n"), true},
      {TEXT("\0\0\0.\0\0\n"), true}, {TEXT("\0."), true},           {TEXT("a\r\n\0.\r\n"), true},
      {TEXT("\0\n"), false},         {TEXT("\0..\n"), false},       {TEXT("\0.a\n"), false},
      {TEXT("\0a.\n"), false},       {TEXT(".\0\n"), false},        {TEXT("a\0.\n"), false},
      {TEXT("\0\n.\n"), false},      {TEXT("\0.\0.\n"), false},     {TEXT("\0.a\n.\n"), false},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    for (int bare_cr = EHLO_BARE_CR_REFUSE; bare_cr <= EHLO_BARE_CR_REPAIR; bare_cr++) {
      struct encoded e = encode_every_way((enum ehlo_bare_cr)bare_cr, EHLO_BARE_LF_NORMALISE,
                                          cases[i].in, cases[i].len);
      cr_assert_eq(e.status, cases[i].refused ? EHLO_E_NUL_DOT : EHLO_OK, "case %zu", i);
    }
    struct ehlo_body b;
    uint8_t out[64];
    size_t used = 0;
    size_t n = 0;
    ehlo_body_init_chunk(&b, EHLO_BARE_CR_REFUSE);
    cr_assert_eq(ehlo_body_encode(&b, &used, &n, out, sizeof(out), (const uint8_t *)cases[i].in,
                                  cases[i].len),
                 EHLO_OK, "case %zu", i);
    cr_assert_eq(ehlo_body_end(&b, &n, out, sizeof(out)), EHLO_OK, "case %zu", i);
  }
}

// No bare CR, no bare LF, and CRLF.CRLF only at the very end, also in what precedes a refusal.
Test(body, nothing_that_ends_it_early) {
  static const char alphabet[] = "\n\r.a";
  for (unsigned code = 0; code < 4U * 4 * 4 * 4 * 4 * 4 * 4; code++) {
    char in[7];
    for (size_t i = 0; i < sizeof(in); i++) {
      in[i] = alphabet[code >> (2 * i) & 3];
    }
    for (int bare_cr = EHLO_BARE_CR_REFUSE; bare_cr <= EHLO_BARE_CR_REPAIR; bare_cr++) {
      struct encoded e =
          encode((enum ehlo_bare_cr)bare_cr, EHLO_BARE_LF_NORMALISE, in, sizeof(in), 1, 1, 5);
      for (size_t i = 0; i < e.len; i++) {
        bool cr = e.bytes[i] == '\r';
        bool lf = e.bytes[i] == '\n';
        cr_assert(!lf || (i > 0 && e.bytes[i - 1] == '\r'), "bare LF, input %u", code);
        cr_assert(!cr || (i + 1 < e.len && e.bytes[i + 1] == '\n'), "bare CR, input %u", code);
        bool dot_line = i >= 2 && memcmp(e.bytes + i - 2, ".\r\n", 3) == 0 &&
                        (i == 2 || e.bytes[i - 3] == '\n');
        cr_assert(!dot_line || (i + 1 == e.len && e.status == EHLO_OK), "input %u", code);
      }
    }
  }
}
