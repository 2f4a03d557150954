// A transcript in memory, taken apart for cutting: its lines, and which command, transaction and
// message each of them belongs to. Private to the shrinker. It decides nothing about what to cut.
#ifndef EHLO_REPLAY_SHRINK_SCAN_H
#define EHLO_REPLAY_SHRINK_SCAN_H

#include "replay/dialogue.h"

#define EHLO_SHRINK_NONE UINT32_MAX

// Offsets are octets of the text.
struct ehlo_shrink_line {
  uint32_t at;
  uint32_t len;      // with the line feed, if it has one
  uint32_t text_at;  // what follows the mark
  uint32_t text_len;
  uint32_t time_len;  // of a "+SECONDS" at its start with the blanks behind it; 0: none
  enum ehlo_item_type type;
  enum ehlo_fact fact;
  enum ehlo_dialogue_role role;
  bool ends_line;        // it has its CRLF
  bool ends_reply;       // REPLY: it begins the last line of one
  uint32_t first_piece;  // the line that this one goes on with; itself where it begins one
  uint32_t exchange;     // NONE: of no dialogue
  uint32_t reply;        // REPLY: which reply to the command, from 0
  uint32_t message;      // "! submit from" and so on: which message, from 0; else NONE
};

struct ehlo_shrink_exchange {
  enum ehlo_exchange_kind kind;
  uint32_t transaction;  // from 1, counted by MAIL; 0: of none
  uint32_t num_replies;
  unsigned code;             // of the last reply
  uint32_t accepted_before;  // RCPT: how many of the same transaction were accepted before it
  uint32_t first_line;       // of its lines, in `by_exchange`
};

// A number that counts the octets of a chunk: in BDAT, in MAIL, in a setting.
struct ehlo_shrink_count {
  uint32_t exchange;  // the BDAT
  uint32_t at;
  uint32_t len;
};

struct ehlo_shrink_scan {
  const char *text;
  size_t len;
  struct ehlo_shrink_line *lines;
  size_t num_lines;
  struct ehlo_shrink_exchange *exchanges;
  size_t num_exchanges;
  uint32_t *by_exchange;  // indices of the lines of the dialogue, those of an exchange together
  struct ehlo_shrink_count *counts;
  size_t num_counts;
  size_t num_messages;  // of a submission; 0: it is none
  bool keep_header;     // no pass may cut it
  struct ehlo_transcript_error error;
};

// Reads `text`, at most UINT32_MAX octets, which outlives the scan. False: it is no transcript, see
// `error`, or where that has no message there is no memory. To be freed either way.
bool ehlo_shrink_scan(struct ehlo_shrink_scan *out, const char *text, size_t len);
void ehlo_shrink_scan_free(struct ehlo_shrink_scan *s);

// Whether no pass may cut the line: the header, where it is to stay.
bool ehlo_shrink_is_kept(const struct ehlo_shrink_scan *s, size_t line);

// Characters of the next octet, escape or \{secret} of a line's text.
size_t ehlo_shrink_atom(const char *text, size_t len);

// The value of a "! submit WORD VALUE" line; false if it is another.
bool ehlo_shrink_setting(uint32_t *out_at, uint32_t *out_len, const struct ehlo_shrink_scan *s,
                         size_t line, const char *word);

#endif  // EHLO_REPLAY_SHRINK_SCAN_H
