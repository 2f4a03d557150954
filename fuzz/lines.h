// An input that is made of lines, such as a session's steps or a transcript, and what can be done to it
// line by line: cut, repeat, move, say again in other pieces, answer otherwise, stretch to a limit. What
// a line looks like is a dialect's to say. The same seed does the same; whatever the input, every
// operation ends, and what is written never is more than was asked for.
//
// It calls no fuzz engine: the mutators of libFuzzer are built on it.
#ifndef EHLO_FUZZ_LINES_H
#define EHLO_FUZZ_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/reply.h"

// What an input has at most; what is more is left out.
#define EHLO_FUZZ_LINES_MAX 1200
#define EHLO_FUZZ_LINES_ROOM ((size_t)1 << 18)
#define EHLO_FUZZ_HEADER_MAX 4

struct ehlo_fuzz_dialect {
  size_t header_len;        // octets of settings before the first line
  const char *header;       // settings with which most things work; NULL: any are as good
  const char *server;       // what a line of the server's begins with; "" if all are
  const char *server_part;  // and one without a line end
  const char *part_end;     // which ends in this
  bool has_times;           // before a line's mark there may be a time and blanks
  bool has_repeats;         // 0x1c and 0x1d say the octet before them 60 and 1000 times more
  const char *command;      // what a command begins with, as the program's own verb
  const char *raw_command;  // and as any line; NULL where there are no commands
  // What the program says beside commands, and is answered.
  const char *const *answers;
  size_t num_answers;
  // Lines to put in, each by itself.
  const char *const *lines;
  size_t num_lines;
  // Several lines, joined by LF: a way to a place in a session. In the first ones nothing is left
  // outstanding, and any exchange may follow.
  const char *const *scenes;
  size_t num_scenes;
  size_t num_ways;
};

extern const struct ehlo_fuzz_dialect ehlo_fuzz_session_dialect;
extern const struct ehlo_fuzz_dialect ehlo_fuzz_transcript_dialect;
extern const struct ehlo_fuzz_dialect ehlo_fuzz_auth_dialect;
extern const struct ehlo_fuzz_dialect ehlo_fuzz_command_dialect;

struct ehlo_fuzz_lines {
  const struct ehlo_fuzz_dialect *dialect;
  uint32_t random;
  uint8_t header[EHLO_FUZZ_HEADER_MAX];
  struct ehlo_span lines[EHLO_FUZZ_LINES_MAX];
  size_t num;
  size_t room_used;
  uint8_t room[EHLO_FUZZ_LINES_ROOM];  // of lines that were put in or changed
};

// Takes an input apart. It is copied.
void ehlo_fuzz_lines_read(struct ehlo_fuzz_lines *l, const struct ehlo_fuzz_dialect *dialect,
                          const uint8_t *data, size_t size, uint32_t seed);

// As many whole lines as fit; returns the octets.
size_t ehlo_fuzz_lines_write(const struct ehlo_fuzz_lines *l, uint8_t *out, size_t max);

// ---- What operations are made of --------------------------------------------------------------

// A number from 0 to n-1; 0 for n 0.
size_t ehlo_fuzz_lines_below(struct ehlo_fuzz_lines *l, size_t n);

// `num` lines at `at` and the rest moved back; false where there is no room.
bool ehlo_fuzz_lines_insert(struct ehlo_fuzz_lines *l, size_t at, const struct ehlo_span *lines,
                            size_t num);
void ehlo_fuzz_lines_remove(struct ehlo_fuzz_lines *l, size_t at, size_t num);

// Joins parts to a text that lives as long as `l`; no octets where there is no room.
struct ehlo_span ehlo_fuzz_lines_join(struct ehlo_fuzz_lines *l, const struct ehlo_span *parts,
                                      size_t num_parts);

// Where the server's text begins in a line; SIZE_MAX where the line is not the server's.
size_t ehlo_fuzz_lines_server_text(const struct ehlo_fuzz_lines *l, struct ehlo_span line);

// ---- Operations -------------------------------------------------------------------------------------

struct ehlo_fuzz_operation {
  const char *name;
  unsigned weight;                         // how often it is chosen, beside the others
  bool (*run)(struct ehlo_fuzz_lines *l);  // false: there was nothing to do it to
};

extern const struct ehlo_fuzz_operation ehlo_fuzz_operations[];
extern const size_t ehlo_fuzz_num_operations;

// Chooses one and does it; false if there was nothing to do it to.
bool ehlo_fuzz_lines_operate(struct ehlo_fuzz_lines *l);

// Puts some of `other`'s lines into `l`: its end in place of ours, some in the middle, or its replies
// in the places of ours.
bool ehlo_fuzz_lines_splice(struct ehlo_fuzz_lines *l, const struct ehlo_fuzz_lines *other);

#endif  // EHLO_FUZZ_LINES_H
