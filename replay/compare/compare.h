// Compares two sessions: what differs, in sentences, the first difference that matters in front.
// Both are read as streams, one after the other, and what is kept of each is bounded; there is no
// file and no clock. It replays nothing: what it knows is what the transcripts say.
//
// Sessions are aligned by their commands, in order, so that a recipient more or an RSET does not set
// the rest apart. Then, for each pair: what was said, what was offered (as sets), what was answered
// (code and enhanced code), TLS, the message (line by line, by hashes), how long it took.
#ifndef EHLO_REPLAY_COMPARE_H
#define EHLO_REPLAY_COMPARE_H

#include "replay/transcript.h"

// Commands of a session that are compared. That there are more is a difference where they are not the
// same in both.
#define EHLO_COMPARE_EXCHANGES_MAX ((size_t)10000)
// Lines of messages of a session whose difference is told by its number; 1,000 of them by their
// beginning, too. Beyond, that messages differ is all that is told.
#define EHLO_COMPARE_TEXT_LINES_MAX ((size_t)65536)
#define EHLO_COMPARE_TEXT_QUOTED_MAX ((size_t)1000)
// Lines of EHLO replies, settings and octets of words that are kept of a session.
#define EHLO_COMPARE_CAPABILITIES_MAX ((size_t)4096)
#define EHLO_COMPARE_SETTINGS_MAX ((size_t)1024)
#define EHLO_COMPARE_WORDS_MAX ((size_t)4194304)
// Differences that are told; more are counted.
#define EHLO_COMPARE_DIFFERENCES_MAX ((size_t)1000)

// A wait differs noticeably if one is at least so much longer than the other, and twice as long.
#define EHLO_COMPARE_WAIT_US UINT64_C(1000000)

enum ehlo_difference_kind {
  EHLO_DIFFERENCE_CONNECT,
  EHLO_DIFFERENCE_SETTING,
  EHLO_DIFFERENCE_CAPABILITY,
  EHLO_DIFFERENCE_MECHANISM,
  EHLO_DIFFERENCE_TLS,
  EHLO_DIFFERENCE_COMMAND,
  EHLO_DIFFERENCE_REPLY,
  EHLO_DIFFERENCE_MESSAGE,
  EHLO_DIFFERENCE_END,
  EHLO_DIFFERENCE_OUTCOME,
  EHLO_DIFFERENCE_TIMING,
  EHLO_DIFFERENCE_CUTS,
  EHLO_DIFFERENCE_TEXT,  // words of a reply, and what differs from session to session by nature
};

// Printable ASCII throughout: all else is escaped as \xHH.
struct ehlo_difference {
  enum ehlo_difference_kind kind;
  const char *stage;  // "connect", "ehlo", "rcpt" …, "end"
  bool matters;
  char sentence[400];
  char a[160];  // what A has, empty for nothing, maybe shortened
  char b[160];
  size_t a_line;  // of the transcript; 0: nowhere
  size_t b_line;
};

struct ehlo_compare_options {
  bool cuts;  // also in how many pieces replies came
};

struct ehlo_comparison {
  // What matters, in the order of the session; then timing; then what does not matter. To be freed
  // with ehlo_comparison_free().
  struct ehlo_difference *differences;
  size_t num;
  size_t num_matter;
  size_t num_untold;  // beyond EHLO_COMPARE_DIFFERENCES_MAX
};

enum ehlo_compare_status {
  EHLO_COMPARE_OK = 0,
  EHLO_COMPARE_BAD_A,  // it is no transcript: see `error`
  EHLO_COMPARE_BAD_B,
  EHLO_COMPARE_FAILED_A,  // it cannot be read
  EHLO_COMPARE_FAILED_B,
  EHLO_COMPARE_NO_MEMORY,
};

enum ehlo_compare_status ehlo_compare(struct ehlo_comparison *out,
                                      struct ehlo_transcript_error *out_error, ehlo_read_fn read_a,
                                      void *arg_a, ehlo_read_fn read_b, void *arg_b,
                                      const struct ehlo_compare_options *options);
void ehlo_comparison_free(struct ehlo_comparison *c);

const char *ehlo_difference_name(enum ehlo_difference_kind kind);

#endif  // EHLO_REPLAY_COMPARE_H
