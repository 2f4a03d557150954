// What a whole session came to, in constant memory: where the time went, how it ended and by which
// reply, what was refused, whose certificate it was. It is fed with pieces as they come.
#ifndef EHLO_TOOLS_SHOW_SUMMARY_H
#define EHLO_TOOLS_SHOW_SUMMARY_H

#include "tools/show/dialogue.h"

#define SHOW_REPLY_TEXT_MAX 700    // octets of a reply that are kept
#define SHOW_REFUSALS_MAX 20       // refusals that are kept; any more are counted
#define SHOW_MESSAGES_MAX 20       // verdicts on single messages that are kept
#define SHOW_CERTIFICATE_MAX 1040  // octets of one part of a certificate

// A reply, whole as far as there is room.
struct show_reply {
  size_t line;  // of the file, where it ended; 0: there is none
  unsigned code;
  struct ehlo_enhanced enhanced;
  enum ehlo_verb verb;
  enum ehlo_stage stage;
  bool secret;  // something was hidden in it
  bool cut;     // there was no room for all of it
  size_t text_len;
  uint8_t text[SHOW_REPLY_TEXT_MAX];  // lines, parted by LF
};

// How something ended.
struct show_verdict {
  enum ehlo_outcome outcome;  // OPEN: not known
  enum ehlo_stage stage;
};

struct show_text {
  size_t len;
  uint8_t bytes[SHOW_CERTIFICATE_MAX];
};

// What the last "tls" fact said.
struct show_tls {
  bool present;
  bool failed;                // the handshake, or the certificate
  struct show_text breakage;  // why the stream broke after it
  struct show_text version;
  struct show_text cipher;
  struct show_text group;
  struct show_text name;
  struct show_text chain;
  struct show_text sha256;
  struct show_text reason;
  struct show_text subject;
  struct show_text issuer;
  struct show_text not_before;
  struct show_text not_after;
  struct show_text names;
};

struct show_summary {
  struct show_verdict recorded;
  struct show_verdict messages[SHOW_MESSAGES_MAX];
  size_t num_messages;  // also those without room
  // Microseconds waited, by stage and for whom.
  bool timed;
  uint64_t waits[EHLO_NUM_STAGES][2];
  uint64_t total_us;
  uint64_t longest_us;
  enum ehlo_stage longest_stage;
  enum ehlo_side longest_side;
  // Replies.
  struct show_reply reply;                           // at hand
  struct show_reply accepted;                        // the last 2yz to a message
  struct show_reply refused_at[EHLO_NUM_STAGES][2];  // the last refusal at each stage, 4yz and 5yz
  struct show_reply refusals[SHOW_REFUSALS_MAX];
  struct show_reply token;  // a 334 that may say why a token is refused (RFC 7628 §3.2.2)
  size_t num_refusals;      // also those without room
  bool rcpt_refused;
  bool rcpt_accepted;
  enum ehlo_stage refused_stage;  // of the last refusal that nothing made good
  unsigned refused_class;
  bool refused;
  // The connection.
  struct show_text place;  // "mail.example:587"
  struct show_text address;
  struct show_text greeting;  // the 220, as far as there is room
  struct show_tls tls;
  bool connect_failed;
  struct show_text connect_reason;
  struct show_text note;    // the last one, as far as there is room
  struct show_text line;    // the server's last one, likewise, without its end and what is hidden
  size_t line_at;           // of the file
  enum ehlo_status status;  // that the client failed with; OK: it did not, or it is not recorded
  bool timeout;
  bool broke;             // the server closed or the connection broke
  bool quit;              // QUIT was sent
  bool in_doubt;          // a message went out whole and its reply is due
  enum ehlo_stage stage;  // where it stands
};

void show_summary_init(struct show_summary *s);
void show_summary_piece(struct show_summary *s, const struct show_piece *piece);

// How the session ended: as it is recorded, or else as the dialogue makes it look, and then
// `*out_inferred` is true.
struct show_verdict show_summary_verdict(const struct show_summary *s, bool *out_inferred);

// The reply of class 4 or 5 that decided on a verdict; NULL if none did.
const struct show_reply *show_summary_deciding(const struct show_summary *s,
                                               struct show_verdict verdict);

// "The server took the message for every recipient." A sentence on an outcome, without its stage.
const char *show_outcome_sentence(enum ehlo_outcome outcome);

#endif  // EHLO_TOOLS_SHOW_SUMMARY_H
