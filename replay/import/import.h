// Other programs' logs as transcripts: text goes in as it is read, a transcript comes out. Pure: it
// opens no file, and what it needs is in the caller's struct. replay/import/IMPORT.md tells for each
// format what is understood, what a log leaves out, and how that is marked.
#ifndef EHLO_REPLAY_IMPORT_IMPORT_H
#define EHLO_REPLAY_IMPORT_IMPORT_H

#include "replay/import/session.h"

enum ehlo_import_format {
  EHLO_IMPORT_UNKNOWN = 0,
  EHLO_IMPORT_S_CLIENT,    // openssl s_client -starttls smtp, with what was typed or without
  EHLO_IMPORT_SWAKS,       // swaks
  EHLO_IMPORT_CURL,        // curl -v
  EHLO_IMPORT_CURL_TRACE,  // curl --trace-ascii and --trace
  EHLO_IMPORT_MSMTP,       // msmtp -v
  EHLO_IMPORT_SMTPLIB,     // Python, set_debuglevel(1) and (2)
  EHLO_IMPORT_PHPMAILER,   // SMTPDebug 1 to 4
  EHLO_IMPORT_NODEMAILER,  // its logger: JSON Lines and the console
  EHLO_IMPORT_NUM_FORMATS,
};

// Octets of one line of a log. In a line that holds a whole message (smtplib, nodemailer's JSON) it
// bounds only what stands around the message.
#define EHLO_IMPORT_LINE_MAX ((size_t)32768)
// So much of a log is enough to recognise its format by.
#define EHLO_IMPORT_HEAD_MAX ((size_t)65536)

// The name of a format for --format; NULL for EHLO_IMPORT_UNKNOWN.
const char *ehlo_import_format_name(enum ehlo_import_format format);
// EHLO_IMPORT_UNKNOWN for a name of none.
enum ehlo_import_format ehlo_import_format_named(const char *name);
// By the first line that only one format has.
enum ehlo_import_format ehlo_import_recognise(const uint8_t *head, size_t len);

struct ehlo_import_error {
  size_t line;  // from 1
  size_t column;
  const char *message;  // a sentence without its place; static
};

struct ehlo_importer {
  enum ehlo_import_format format;
  struct ehlo_import_session session;
  struct ehlo_import_error error;
  bool failed;
  size_t line_number;
  size_t column;  // of the piece at hand, from 0
  bool mid_line;  // a piece of this line was given already
  union ehlo_import_state {
    struct {
      bool in_block;
      bool after_rule;  // the last line was "---"
      bool in_dump;     // of -msg
      bool ended;       // it left: what follows is not of the session
      bool began;
      bool typed;  // the log has what was typed
      bool holds;  // a typed line that may not have been sent
      size_t held_len;
      uint8_t held[1024];
    } s_client;
    struct {
      bool hex_known;
      bool hex;
      bool in_block;  // of dialogue
      bool client;
      bool told_dots;
      uint64_t time_us;
      size_t block_len;
      size_t at;  // octets of the block that are known
      bool holds;
      size_t held_len;
      uint8_t held[96];
    } curl_trace;
    struct {
      bool tls_follows;
    } msmtp;
    struct {
      int step;  // within a literal
      bool client;
      bool is_text;  // a str, not bytes
      uint8_t quote;
      uint32_t number;
      int digits_left;
      uint64_t time_us;
    } smtplib;
    struct {
      bool server_goes_on;
      bool saw_server;
      bool told_line_ends;
      uint64_t held_us;
      size_t held_len;  // 0: nothing is held
      uint8_t held[4096];
    } phpmailer;
    struct {
      bool in_message;
      bool in_string;  // of the message
      int step;
      uint32_t number;
      int digits_left;
      uint8_t utf8_lead;
      bool latin1;
      bool client;
      bool last_was_line_feed;
      uint64_t time_us;
    } nodemailer;
  } state;
  size_t len;
  uint8_t buf[EHLO_IMPORT_LINE_MAX];
};

// `learned`: a scrub that has read the log once, so that no secret in it gets into a comment, nor into the
// dialogue where the tap cannot know it; NULL if there is none. It lives as long as the importer.
void ehlo_importer_init(struct ehlo_importer *i, enum ehlo_import_format format,
                        const struct ehlo_scrub *learned, ehlo_write_fn write, void *arg);
// False when the log cannot be understood, see `error`; nothing more is taken then.
bool ehlo_importer_feed(struct ehlo_importer *i, const uint8_t *bytes, size_t len);
// The log is at its end. False as above, and where there was no dialogue in it.
bool ehlo_importer_finish(struct ehlo_importer *i);
// Some of the transcript could not be written.
bool ehlo_importer_write_failed(const struct ehlo_importer *i);

#endif  // EHLO_REPLAY_IMPORT_IMPORT_H
