// Takes the credentials out of somebody's log, in two readings of it: the first finds out what is secret,
// the second writes the log without it. Everything else stays byte for byte, whatever it is. Pure, and
// bounded in memory however long the log or a line of it is.
//
// Found is what proves itself by decoding or stands where only a credential can stand
// (replay/scrub/SCRUB.md lists it), and every other place of the file where the same secret stands.
#ifndef EHLO_REPLAY_SCRUB_SCRUB_H
#define EHLO_REPLAY_SCRUB_SCRUB_H

#include "replay/scrub/finder.h"
#include "replay/scrub/known.h"
#include "replay/transcript.h"

#define EHLO_SCRUB_WINDOW ((size_t)1 << 18)
#define EHLO_SCRUB_PLACES_MAX 4096

// Characters of a pseudonym, with its NUL.
#define EHLO_SCRUB_PSEUDONYM_MAX 32
// Gives a name's pseudonym: the same for the same name.
typedef void (*ehlo_pseudonym_fn)(void *arg, char out[EHLO_SCRUB_PSEUDONYM_MAX],
                                  const uint8_t *name, size_t len);

// A place that was taken out. Never the text itself.
struct ehlo_scrub_finding {
  uint64_t line;  // from 1
  uint64_t column;
  const char *what;  // static
};

struct ehlo_scrub {
  struct scrub_known known;
  struct scrub_known names;  // of users, where they are to be hidden
  ehlo_pseudonym_fn pseudonym;
  void *pseudonym_arg;
  struct scrub_finder finder;
  struct scrub_dumped dumped;
  bool rewriting;  // in the second reading
  const char *substitute;
  bool is_transcript;
  ehlo_write_fn write;
  void (*finding)(void *arg, const struct ehlo_scrub_finding *finding);
  void *arg;
  bool write_failed;
  uint64_t num_found;
  // The window.
  uint64_t line;
  uint64_t column;
  size_t num_places;
  struct scrub_place places[EHLO_SCRUB_PLACES_MAX];
  size_t len;
  uint8_t buf[EHLO_SCRUB_WINDOW];
};

void ehlo_scrub_init(struct ehlo_scrub *s);
// To be called right behind, for a transcript of our own notation: what is put in place is its mark, and
// a server's proof that can be read is a wrong one there (replay/FORMAT.md), no credential.
void ehlo_scrub_init_transcript(struct ehlo_scrub *s);

// To be called before the first reading, where names are to be hidden too: each mailbox's local part, and the
// names of the users whose credentials are found, wherever they stand.
void ehlo_scrub_hide_names(struct ehlo_scrub *s, ehlo_pseudonym_fn pseudonym, void *arg);

// The first reading.
void ehlo_scrub_learn(struct ehlo_scrub *s, const uint8_t *bytes, size_t len);
// False if the file has more different credentials than can be looked for.
bool ehlo_scrub_learn_end(struct ehlo_scrub *s);

// Whether the text says one of the secrets that were learnt.
bool ehlo_scrub_is_said(const struct ehlo_scrub *s, const uint8_t *text, size_t len);

// The second: `write` gets the text with {secret} in the place of each credential (NULL: not wanted),
// `finding` each place in the order of the file (NULL: not wanted).
void ehlo_scrub_rewrite_begin(struct ehlo_scrub *s, ehlo_write_fn write,
                              void (*finding)(void *arg, const struct ehlo_scrub_finding *finding),
                              void *arg);
void ehlo_scrub_rewrite(struct ehlo_scrub *s, const uint8_t *bytes, size_t len);
// The number of places that were taken out.
uint64_t ehlo_scrub_rewrite_end(struct ehlo_scrub *s);

// Forgets the secrets.
void ehlo_scrub_wipe(struct ehlo_scrub *s);

#endif  // EHLO_REPLAY_SCRUB_SCRUB_H
