// One direction of a TCP connection, put together again: out of order, sent twice, overlapping, with holes.
// In bounded memory: what is too far ahead of a hole ends the waiting for it.
#ifndef EHLO_TOOLS_CAPTURE_STREAM_H
#define EHLO_TOOLS_CAPTURE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Octets and pieces that wait for what comes before them.
#define STREAM_AHEAD_MAX ((size_t)1 << 20)
#define STREAM_PIECES_MAX 1024

struct stream_piece {
  uint32_t seq;
  uint32_t len;
  uint8_t *bytes;  // owned
};

struct stream {
  bool begun;     // `next` is known
  uint32_t next;  // of the octet that is due
  bool has_end;   // a FIN came
  uint32_t end;   // its place
  size_t num_pieces;
  size_t ahead;                                   // octets in them
  struct stream_piece pieces[STREAM_PIECES_MAX];  // by seq
  void (*bytes)(void *arg, const uint8_t *bytes, size_t len);
  void (*missing)(void *arg, size_t len);
  void *arg;
};

// `bytes` gets what is in order, `missing` is told of octets that are not in the capture.
void stream_init(struct stream *s, void (*bytes)(void *arg, const uint8_t *bytes, size_t len),
                 void (*missing)(void *arg, size_t len), void *arg);
void stream_free(struct stream *s);
// The first octet will be that of `seq`.
void stream_begin(struct stream *s, uint32_t seq);
// A piece was captured. False without memory.
bool stream_add(struct stream *s, uint32_t seq, const uint8_t *bytes, size_t len);
// The FIN stands at `seq`.
void stream_end_at(struct stream *s, uint32_t seq);
// The other side has everything before `seq`: what of it is not here is missing.
void stream_acknowledged(struct stream *s, uint32_t seq);
// Nothing more will come.
void stream_finish(struct stream *s);
// All up to the FIN was given.
bool stream_is_over(const struct stream *s);

#endif  // EHLO_TOOLS_CAPTURE_STREAM_H
