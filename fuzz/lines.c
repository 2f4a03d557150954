// See lines.h. Here: from octets to lines and back, and the edits that operations are made of.
#include "fuzz/lines.h"

#include <string.h>

#include "fuzz/lines_parts.h"

static struct ehlo_span keep(struct ehlo_fuzz_lines *l, const uint8_t *bytes, size_t len) {
  if (len == 0 || len > EHLO_FUZZ_LINES_ROOM - l->room_used) {
    return (struct ehlo_span){l->room, 0};
  }
  uint8_t *at = l->room + l->room_used;
  memcpy(at, bytes, len);
  l->room_used += len;
  return (struct ehlo_span){at, len};
}

void ehlo_fuzz_lines_read(struct ehlo_fuzz_lines *l, const struct ehlo_fuzz_dialect *dialect,
                          const uint8_t *data, size_t size, uint32_t seed) {
  size_t header_len = size < dialect->header_len ? size : dialect->header_len;
  l->dialect = dialect;
  l->random = seed * 2654435761U + 1;
  l->num = 0;
  l->room_used = 0;
  memset(l->header, 0, sizeof(l->header));
  if (size > 0) {
    memcpy(l->header, data, header_len);
  }
  for (size_t at = header_len; at < size && l->num < EHLO_FUZZ_LINES_MAX;) {
    const uint8_t *lf = memchr(data + at, '\n', size - at);
    size_t len = lf != NULL ? (size_t)(lf - data) - at : size - at;
    l->lines[l->num++] = keep(l, data + at, len);
    at += len + 1;
  }
}

size_t ehlo_fuzz_lines_write(const struct ehlo_fuzz_lines *l, uint8_t *out, size_t max) {
  size_t len = l->dialect->header_len;
  if (len > max) {
    return 0;
  }
  memcpy(out, l->header, len);
  for (size_t i = 0; i < l->num && l->lines[i].len + 1 <= max - len; i++) {
    memcpy(out + len, l->lines[i].bytes, l->lines[i].len);
    len += l->lines[i].len;
    out[len++] = '\n';
  }
  return len;
}

// xorshift, whose state is never 0.
size_t ehlo_fuzz_lines_below(struct ehlo_fuzz_lines *l, size_t n) {
  uint32_t x = l->random != 0 ? l->random : 1;
  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  l->random = x;
  return n > 0 ? (size_t)(x >> 3) % n : 0;
}

bool ehlo_fuzz_lines_insert(struct ehlo_fuzz_lines *l, size_t at, const struct ehlo_span *lines,
                            size_t num) {
  struct ehlo_span copy[EHLO_FUZZ_LINES_MAX];  // they may be ours
  if (num == 0 || num > EHLO_FUZZ_LINES_MAX - l->num) {
    return false;
  }
  memcpy(copy, lines, num * sizeof(copy[0]));
  memmove(l->lines + at + num, l->lines + at, (l->num - at) * sizeof(copy[0]));
  memcpy(l->lines + at, copy, num * sizeof(copy[0]));
  l->num += num;
  return true;
}

void ehlo_fuzz_lines_remove(struct ehlo_fuzz_lines *l, size_t at, size_t num) {
  memmove(l->lines + at, l->lines + at + num, (l->num - at - num) * sizeof(l->lines[0]));
  l->num -= num;
}

struct ehlo_span ehlo_fuzz_lines_join(struct ehlo_fuzz_lines *l, const struct ehlo_span *parts,
                                      size_t num_parts) {
  size_t start = l->room_used;
  for (size_t i = 0; i < num_parts; i++) {
    struct ehlo_span kept = keep(l, parts[i].bytes, parts[i].len);
    if (kept.len < parts[i].len) {
      l->room_used = start;
      return (struct ehlo_span){l->room, 0};
    }
  }
  return (struct ehlo_span){l->room + start, l->room_used - start};
}

static bool begins(struct ehlo_span line, size_t at, const char *mark) {
  size_t len = strlen(mark);
  return line.len - at >= len && (len == 0 || memcmp(line.bytes + at, mark, len) == 0);
}

size_t ehlo_fuzz_lines_server_text(const struct ehlo_fuzz_lines *l, struct ehlo_span line) {
  const struct ehlo_fuzz_dialect *d = l->dialect;
  size_t at = 0;
  if (d->has_times && begins(line, 0, "+")) {
    while (at < line.len && (line.bytes[at] < 'A' || line.bytes[at] > 'Z')) {
      at++;
    }
  }
  while (d->has_times && at < line.len && line.bytes[at] == ' ') {
    at++;
  }
  if (begins(line, at, d->server)) {
    return at + strlen(d->server);
  }
  return begins(line, at, d->server_part) ? at + strlen(d->server_part) : SIZE_MAX;
}

struct ehlo_span ehlo_fuzz_lines_part(struct ehlo_span s, size_t from, size_t to) {
  return (struct ehlo_span){s.bytes + from, to - from};
}

bool ehlo_fuzz_lines_replace(struct ehlo_fuzz_lines *l, size_t i, const struct ehlo_span *parts,
                             size_t num_parts) {
  struct ehlo_span line = ehlo_fuzz_lines_join(l, parts, num_parts);
  if (line.len == 0) {
    return false;
  }
  l->lines[i] = line;
  return true;
}
