// Operations of lines.h on the text of a line: its length, its numbers, its words, its octets.
#include <string.h>

#include "engine/ehlo.h"
#include "fuzz/lines_parts.h"

// Where a session changes its mind by a length.
static const size_t limits[] = {3,
                                20,
                                64,
                                EHLO_PENDING_MAX,
                                96,
                                100,
                                254,
                                255,
                                320,
                                500,
                                512,
                                1000,
                                1500,
                                2046,
                                EHLO_COMMAND_MAX,
                                4094,
                                6144,
                                9216,
                                8192,
                                12286,
                                EHLO_REPLY_LINE_MAX,
                                EHLO_TOKEN_MAX,
                                EHLO_OUTPUT_FULL,
                                16384};
#define NUM_LIMITS (sizeof(limits) / sizeof(limits[0]))

// An octet `times` times, as short as the dialect can say it.
static struct ehlo_span fill(struct ehlo_fuzz_lines *l, uint8_t byte, size_t times) {
  static uint8_t text[16500];
  size_t len = 0;
  bool short_form = l->dialect->has_repeats && times > 60;
  text[len++] = byte;
  size_t left = times - 1;
  for (; short_form && left >= 1000; left -= 1000) {
    text[len++] = 0x1d;
  }
  for (; short_form && left >= 60; left -= 60) {
    text[len++] = 0x1c;
  }
  for (; left > 0 && len < sizeof(text); left--) {
    text[len++] = byte;
  }
  return (struct ehlo_span){text, len};
}

// How long the text of a line is once its repeats are spelt out.
static size_t spelt_len(const struct ehlo_fuzz_lines *l, struct ehlo_span line) {
  size_t len = 0;
  for (size_t i = 0; i < line.len; i++) {
    bool repeats = l->dialect->has_repeats && (line.bytes[i] == 0x1c || line.bytes[i] == 0x1d);
    len += !repeats ? 1 : line.bytes[i] == 0x1c ? 60 : 1000;
  }
  return len;
}

// Makes a line, or a word of it, just as long as a limit, or one or two octets off.
bool ehlo_fuzz_lines_stretch(struct ehlo_fuzz_lines *l) {
  if (l->num == 0) {
    return false;
  }
  size_t i = ehlo_fuzz_lines_below(l, l->num);
  struct ehlo_span line = l->lines[i];
  size_t at = ehlo_fuzz_lines_below(l, line.len + 1);
  size_t wanted = limits[ehlo_fuzz_lines_below(l, NUM_LIMITS)] + ehlo_fuzz_lines_below(l, 5) - 2;
  size_t has = ehlo_fuzz_lines_below(l, 2) == 0 ? 0 : spelt_len(l, line);
  if (wanted <= has) {
    return false;
  }
  uint8_t byte = (uint8_t) "ax0 .A\t-"[ehlo_fuzz_lines_below(l, 8)];
  struct ehlo_span parts[] = {ehlo_fuzz_lines_part(line, 0, at), fill(l, byte, wanted - has),
                              ehlo_fuzz_lines_part(line, at, line.len)};
  return ehlo_fuzz_lines_replace(l, i, parts, 3);
}

static bool is_digit(uint8_t c) {
  return c >= '0' && c <= '9';
}

// Another number in the place of one.
bool ehlo_fuzz_lines_change_number(struct ehlo_fuzz_lines *l) {
  static const char *const numbers[] = {"0",
                                        "1",
                                        "2",
                                        "3",
                                        "4",
                                        "9",
                                        "10",
                                        "60",
                                        "5000",
                                        "119999",
                                        "120000",
                                        "180000",
                                        "300000",
                                        "299999",
                                        "600000",
                                        "601000",
                                        "32",
                                        "64",
                                        "65535",
                                        "65536",
                                        "100000",
                                        "4294967295",
                                        "4294967296",
                                        "18446744073709551615",
                                        "18446744073709551616",
                                        "99999999999999999999"};
  if (l->num == 0) {
    return false;
  }
  size_t i = ehlo_fuzz_lines_below(l, l->num);
  struct ehlo_span line = l->lines[i];
  size_t from = ehlo_fuzz_lines_below(l, line.len + 1);
  while (from < line.len && !is_digit(line.bytes[from])) {
    from++;
  }
  size_t to = from;
  while (to < line.len && is_digit(line.bytes[to])) {
    to++;
  }
  const char *number = numbers[ehlo_fuzz_lines_below(l, sizeof(numbers) / sizeof(numbers[0]))];
  struct ehlo_span parts[] = {ehlo_fuzz_lines_part(line, 0, from), ehlo_str(number),
                              ehlo_fuzz_lines_part(line, to, line.len)};
  return to > from && ehlo_fuzz_lines_replace(l, i, parts, 3);
}

// An octet changed, put in or taken out, and none that ends the line.
bool ehlo_fuzz_lines_change_octet(struct ehlo_fuzz_lines *l) {
  static const uint8_t octets[] = {0,    1,    2,    '\r', 0x1a, 0x1b, 0x1c, 0x1d, 0x7f, 0x80,
                                   0xc3, 0xa9, 0xff, ' ',  '\t', '-',  '.',  '=',  '<',  '>',
                                   '@',  '"',  '\\', ',',  ':',  ';',  '+',  '0',  '9',  'a'};
  if (l->num == 0) {
    return false;
  }
  size_t i = ehlo_fuzz_lines_below(l, l->num);
  struct ehlo_span line = l->lines[i];
  size_t from = ehlo_fuzz_lines_below(l, line.len + 1);
  size_t to = from < line.len ? from + ehlo_fuzz_lines_below(l, 2) : from;
  uint8_t octet = octets[ehlo_fuzz_lines_below(l, sizeof(octets))];
  struct ehlo_span parts[] = {ehlo_fuzz_lines_part(line, 0, from),
                              {&octet, ehlo_fuzz_lines_below(l, 4) > 0 ? 1 : 0},
                              ehlo_fuzz_lines_part(line, to, line.len)};
  return ehlo_fuzz_lines_replace(l, i, parts, 3);
}

// A word of one line in the place of a word of another.
bool ehlo_fuzz_lines_change_word(struct ehlo_fuzz_lines *l) {
  size_t bounds[2][2];
  size_t chosen[2];
  for (int k = 0; k < 2; k++) {
    size_t i = chosen[k] = ehlo_fuzz_lines_below(l, l->num);
    if (l->num == 0 || l->lines[i].len == 0) {
      return false;
    }
    struct ehlo_span line = l->lines[i];
    size_t at = ehlo_fuzz_lines_below(l, line.len);
    size_t from = at;
    while (from > 0 && line.bytes[from - 1] != ' ') {
      from--;
    }
    while (at < line.len && line.bytes[at] != ' ') {
      at++;
    }
    bounds[k][0] = from;
    bounds[k][1] = at;
  }
  struct ehlo_span to = l->lines[chosen[0]];
  struct ehlo_span from = l->lines[chosen[1]];
  struct ehlo_span parts[] = {ehlo_fuzz_lines_part(to, 0, bounds[0][0]),
                              ehlo_fuzz_lines_part(from, bounds[1][0], bounds[1][1]),
                              ehlo_fuzz_lines_part(to, bounds[0][1], to.len)};
  return ehlo_fuzz_lines_replace(l, chosen[0], parts, 3);
}
