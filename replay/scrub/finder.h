// Finds credentials in the lines of a log whose format it does not know. It looks at one line at a time,
// remembers what the lines before it lead to expect, and joins a credential that goes on over several
// lines. It changes nothing and prints nothing.
#ifndef EHLO_REPLAY_SCRUB_FINDER_H
#define EHLO_REPLAY_SCRUB_FINDER_H

#include "replay/scrub/credential.h"
#include "replay/scrub/dump.h"

// A piece of text that is a credential, as offsets of the caller's own.
struct scrub_place {
  size_t at;
  size_t len;
  const char *what;  // static
};

// Lines that a credential may go on over.
#define SCRUB_PIECES_MAX 128

struct scrub_finder {
  // What the lines before lead to expect; all of it fits into an assignment.
  struct scrub_expects {
    enum { EXPECT_NOTHING, EXPECT_ANSWER, EXPECT_USER, EXPECT_PASSWORD } what;
    bool next_line;  // the line right below is the client's, whatever it looks like
    unsigned lines_left;
    size_t challenge_len;
    uint8_t challenge[64];  // of the server's, as it stands there
  } expects;
  bool ignores_server;  // a server's proof is none
  // A token that may go on in the next line.
  bool open;
  bool open_expected;  // it stood where a credential was expected
  size_t num_pieces;
  struct scrub_place pieces[SCRUB_PIECES_MAX];
  size_t token_len;
  uint8_t token[SCRUB_BASE64_MAX];
  // What is in a hexadecimal dump, line by line, to a finder of its own; NULL: dumps are not looked into.
  struct scrub_dumped *dumped;
  // What is told.
  void (*found)(void *arg, const struct scrub_place *place);
  void (*secret)(void *arg, const uint8_t *secret, size_t len);
  void (*user)(void *arg, const uint8_t *name, size_t len);
  void *arg;
};

// The line of what was dumped that is under way.
struct scrub_dumped {
  size_t len;
  uint8_t octets[SCRUB_DUMP_MAX];
  size_t hex_at[SCRUB_DUMP_MAX];   // in the caller's offsets
  size_t text_at[SCRUB_DUMP_MAX];  // SIZE_MAX: there is no text
  struct scrub_finder *outer;
  struct scrub_finder finder;
};

// `found` gets each place, in ascending order but for those of a credential in several lines, which
// come when it is complete; `secret` the octets that are to be looked for elsewhere, `user` the name of
// a user in a credential (NULL: not wanted).
void scrub_finder_init(struct scrub_finder *f,
                       void (*found)(void *arg, const struct scrub_place *place),
                       void (*secret)(void *arg, const uint8_t *secret, size_t len),
                       void (*user)(void *arg, const uint8_t *name, size_t len), void *arg);
// To be called behind: dumps are looked into as well, with the caller's memory.
void scrub_finder_look_into_dumps(struct scrub_finder *f, struct scrub_dumped *dumped);
// Whether a credential may be open that goes on in the next line.
bool scrub_finder_is_open(const struct scrub_finder *f);
// Takes one line, without its line end; `at` is its offset.
void scrub_finder_line(struct scrub_finder *f, const uint8_t *line, size_t len, size_t at);
// There are no more lines, or none that an open credential could go on in.
void scrub_finder_end(struct scrub_finder *f);

#endif  // EHLO_REPLAY_SCRUB_FINDER_H
