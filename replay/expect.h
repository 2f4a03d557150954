// What the client is expected to send: the transcript's lines that were taken and are not sent yet, as
// they are written, so that each of their bytes has its place. It compares bytes and knows of no
// session.
#ifndef EHLO_REPLAY_EXPECT_H
#define EHLO_REPLAY_EXPECT_H

#include "engine/ehlo.h"
#include "replay/digest.h"
#include "replay/transcript.h"

#ifdef __cplusplus
extern "C" {
#endif

// Octets of lines, each with 32 more for what is known of it.
#define EHLO_EXPECT_MAX ((size_t)131072)

// A place in the transcript.
struct ehlo_place {
  size_t line;
  size_t column;
};

// How far it was sent. Private.
struct ehlo_expect_cursor {
  size_t entry;    // in `room`
  size_t text_at;  // of its text
  size_t crlf_at;  // of the CRLF behind it
};

struct ehlo_expect {
  struct ehlo_expect_cursor next;
  size_t end;     // of the last entry
  size_t unread;  // the entry that ehlo_expect_read() gives next, or `end`
  // The transcript is of a program that says what our client never does. An LF that stands alone is
  // sent as CRLF, an octet that may not be sent as EHLO_STAND_IN, and the end of a line too long to be
  // sent not at all. A secret may stand for what is no response (RFC 4954 §4), up to the line's end.
  bool foreign;
  bool cr_passed;  // and the CR before it was sent
  bool lf_passed;  // or it was the last that was sent
  uint8_t room[EHLO_EXPECT_MAX];
};

// What is sent in the place of an octet that the engine refuses, or of a secret where it takes none.
#define EHLO_STAND_IN '?'

// Nothing is expected, and of a client of ours.
void ehlo_expect_init(struct ehlo_expect *e);

void ehlo_expect_clear(struct ehlo_expect *e);
bool ehlo_expect_is_empty(const struct ehlo_expect *e);

// Adds a line of the client's. False: there is no room.
bool ehlo_expect_add(struct ehlo_expect *e, const struct ehlo_item *item, uint64_t time_us);

// Where the next byte or secret is written. There is one.
struct ehlo_place ehlo_expect_place(const struct ehlo_expect *e);

// What comes next, for people: up to a line of it, quoted and shortened.
void ehlo_expect_describe(const struct ehlo_expect *e, char out[200]);

// Holds the front of `out` against what is expected: `*out_len` of its bytes are as expected, at least
// one unless nothing is expected or they differ. \{secret} is the whole of a secret span and no other.
// They are taken off and go into `digest`. False where they differ: then all up to there is taken off.
bool ehlo_expect_match(struct ehlo_expect *e, size_t *out_len, const struct ehlo_output *out,
                       struct ehlo_digest *digest);

// One line, or piece of a line, decoded. Secrets are no bytes; their places are ascending.
struct ehlo_expect_text {
  struct ehlo_place place;
  size_t len;
  size_t num_secrets;
  size_t secret_at[EHLO_TRANSCRIPT_SECRETS_MAX];
  uint8_t bytes[EHLO_TRANSCRIPT_LINE_MAX + 2];
};

// Reads the lines in the order in which they were added, each once. It takes nothing off.
bool ehlo_expect_has_unread(const struct ehlo_expect *e);
bool ehlo_expect_read(struct ehlo_expect *e, struct ehlo_expect_text *out);

// Takes all off as if it had been sent.
void ehlo_expect_skip(struct ehlo_expect *e, struct ehlo_digest *digest);

// How many bytes are expected before the next secret, or `max` if there are more.
size_t ehlo_expect_num_bytes(const struct ehlo_expect *e, size_t max);

// Takes off as many bytes as `out` has, whatever they are, or a secret for a secret. The bytes of `out`
// go into `digest` with the times of those that stood there, and those beyond all of them with
// `time_us`.
void ehlo_expect_replace(struct ehlo_expect *e, const struct ehlo_output *out,
                         struct ehlo_digest *digest, uint64_t time_us);

// Takes the first half of a line end or of the final dot off, if that is all that is left.
void ehlo_expect_drop_half_line_end(struct ehlo_expect *e, struct ehlo_digest *digest);

#ifdef __cplusplus
}
#endif

#endif  // EHLO_REPLAY_EXPECT_H
