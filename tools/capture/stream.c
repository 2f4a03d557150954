// Sequence numbers are compared modulo 2^32 (RFC 9293 §3.4).
#include "tools/capture/stream.h"

#include <stdlib.h>
#include <string.h>

static int32_t distance(uint32_t from, uint32_t to) {
  return (int32_t)(to - from);
}

void stream_init(struct stream *s, void (*bytes)(void *arg, const uint8_t *bytes, size_t len),
                 void (*missing)(void *arg, size_t len), void *arg) {
  memset(s, 0, sizeof(*s));
  s->bytes = bytes;
  s->missing = missing;
  s->arg = arg;
}

void stream_free(struct stream *s) {
  for (size_t i = 0; i < s->num_pieces; i++) {
    free(s->pieces[i].bytes);
  }
  s->num_pieces = 0;
}

void stream_begin(struct stream *s, uint32_t seq) {
  if (!s->begun) {
    s->begun = true;
    s->next = seq;
  }
}

// What of a piece was not given yet.
static void give(struct stream *s, uint32_t seq, const uint8_t *bytes, size_t len) {
  int32_t old = distance(seq, s->next);
  size_t skipped = old > 0 ? (size_t)old : 0;
  if (skipped < len) {
    s->next += (uint32_t)(len - skipped);
    s->bytes(s->arg, bytes + skipped, len - skipped);
  }
}

static void drop_first(struct stream *s) {
  s->ahead -= s->pieces[0].len;
  free(s->pieces[0].bytes);
  s->num_pieces--;
  memmove(s->pieces, s->pieces + 1, s->num_pieces * sizeof(s->pieces[0]));
}

static void give_pieces(struct stream *s) {
  while (s->num_pieces > 0 && distance(s->pieces[0].seq, s->next) >= 0) {
    give(s, s->pieces[0].seq, s->pieces[0].bytes, s->pieces[0].len);
    drop_first(s);
  }
}

static void skip_to(struct stream *s, uint32_t seq) {
  size_t len = (size_t)distance(s->next, seq);
  s->next = seq;
  s->missing(s->arg, len);
}

static bool keep(struct stream *s, uint32_t seq, const uint8_t *bytes, size_t len) {
  size_t at = s->num_pieces;
  while (at > 0 && distance(seq, s->pieces[at - 1].seq) > 0) {
    at--;
  }
  uint8_t *copy = malloc(len);
  if (copy == NULL) {
    return false;
  }
  memcpy(copy, bytes, len);
  memmove(s->pieces + at + 1, s->pieces + at, (s->num_pieces - at) * sizeof(s->pieces[0]));
  s->pieces[at] = (struct stream_piece){seq, (uint32_t)len, copy};
  s->num_pieces++;
  s->ahead += len;
  return true;
}

bool stream_add(struct stream *s, uint32_t seq, const uint8_t *bytes, size_t len) {
  if (len == 0) {
    return true;
  }
  stream_begin(s, seq);
  if (distance(s->next, seq) <= 0) {
    give(s, seq, bytes, len);
    give_pieces(s);
    return true;
  }
  while (s->num_pieces == STREAM_PIECES_MAX || s->ahead + len > STREAM_AHEAD_MAX) {
    if (s->num_pieces == 0) {
      skip_to(s, seq);
      give(s, seq, bytes, len);
      return true;
    }
    skip_to(s, s->pieces[0].seq);
    give_pieces(s);
  }
  if (distance(s->next, seq) <= 0) {
    return stream_add(s, seq, bytes, len);
  }
  return keep(s, seq, bytes, len);
}

void stream_end_at(struct stream *s, uint32_t seq) {
  stream_begin(s, seq);
  s->has_end = true;
  s->end = seq;
}

void stream_acknowledged(struct stream *s, uint32_t seq) {
  if (s->has_end && distance(s->end, seq) > 0) {
    seq = s->end;
  }
  while (s->begun && distance(s->next, seq) > 0) {
    bool piece = s->num_pieces > 0 && distance(s->pieces[0].seq, seq) > 0;
    skip_to(s, piece ? s->pieces[0].seq : seq);
    give_pieces(s);
  }
}

void stream_finish(struct stream *s) {
  while (s->num_pieces > 0) {
    skip_to(s, s->pieces[0].seq);
    give_pieces(s);
  }
  if (s->has_end && distance(s->next, s->end) > 0) {
    skip_to(s, s->end);
  }
}

bool stream_is_over(const struct stream *s) {
  return s->has_end && s->next == s->end;
}
