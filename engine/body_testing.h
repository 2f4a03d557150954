// For tests of the message encoder: a text through it in pieces, into blocks, and what came out.
#ifndef EHLO_ENGINE_BODY_TESTING_H
#define EHLO_ENGINE_BODY_TESTING_H

#include <stddef.h>
#include <stdint.h>

#include "engine/body.h"

#define OUT_MAX 4096

enum kind { FOR_DATA, FOR_BDAT };

struct encoded {
  enum ehlo_status status;
  size_t len;
  size_t used;
  uint64_t num_lines;
  uint8_t bytes[OUT_MAX];
};

// Encodes in pieces of `first`, then `step` octets, into blocks of `out_cap` octets, each piece and block
// just as large as it is said to be.
struct encoded encode_as(enum kind kind, enum ehlo_bare_cr bare_cr, enum ehlo_bare_lf bare_lf,
                         const char *in, size_t len, size_t first, size_t step, size_t out_cap);

void expect_same(const struct encoded *a, const struct encoded *b, const char *in);

#endif  // EHLO_ENGINE_BODY_TESTING_H
