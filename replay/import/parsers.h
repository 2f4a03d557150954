// What the parsers of the formats have in common; for the files of this package alone.
#ifndef EHLO_REPLAY_IMPORT_PARSERS_H
#define EHLO_REPLAY_IMPORT_PARSERS_H

#include "replay/import/import.h"
#include "replay/import/text.h"

// A line of a log without its line end, or a piece of one that is longer than the importer holds.
struct piece {
  struct text text;
  bool begins;
  bool ends;
};

struct parser {
  const char *name;
  bool takes_pieces;  // else a line that is too long is an error
  // Whether the line is one that only this format has.
  bool (*recognises)(struct text line);
  void (*take)(struct ehlo_importer *i, const struct piece *piece);
  void (*finish)(struct ehlo_importer *i);  // NULL: nothing is held
};

extern const struct parser parser_s_client;
extern const struct parser parser_swaks;
extern const struct parser parser_curl;
extern const struct parser parser_curl_trace;
extern const struct parser parser_msmtp;
extern const struct parser parser_smtplib;
extern const struct parser parser_phpmailer;
extern const struct parser parser_nodemailer;

// The log cannot be understood: `at` points into the piece at hand.
void importer_fail(struct ehlo_importer *i, const struct piece *piece, const uint8_t *at,
                   const char *message);

// The line without the progress meter of curl that stands before it.
struct text curl_without_meter(struct text t);
// Takes the time of --trace-time and the numbers of --trace-ids off the front of a line of curl's: the
// time of day in microseconds, or EHLO_NO_TIME.
uint64_t curl_take_stamp(struct text *t);
// To be told of each line that is curl's own: all of them have a time, or none.
void curl_tell_times(struct ehlo_importer *i, uint64_t time_us);
// A line that is not curl's own, such as the shell's prompt; nothing of the progress meter.
void curl_comment(struct ehlo_importer *i, struct text t);

static inline void comment(struct ehlo_importer *i, struct text t) {
  ehlo_import_comment(&i->session, t.bytes, t.len);
}

static inline void client_line(struct ehlo_importer *i, struct text t, uint64_t time_us) {
  ehlo_import_client_line(&i->session, t.bytes, t.len, time_us);
}

static inline void server_line(struct ehlo_importer *i, struct text t, uint64_t time_us) {
  ehlo_import_server_line(&i->session, t.bytes, t.len, time_us);
}

#endif  // EHLO_REPLAY_IMPORT_PARSERS_H
