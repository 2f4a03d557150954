// A mail server with a mind of its own: each of its answers is chosen by the next octet of the input.
// It keeps who got which message, which is what a client's claims can be held against. It is written
// apart from the engine and knows SMTP and LMTP from the server's side.
#ifndef EHLO_FUZZ_MAIL_SERVER_H
#define EHLO_FUZZ_MAIL_SERVER_H

#include "fuzz/fuzz.h"

#define EHLO_SERVER_MESSAGES_MAX 5
#define EHLO_SERVER_RECIPIENTS_MAX 6

struct ehlo_server_settings {
  bool pipelining;
  bool chunking;
  bool lmtp;
  bool burl;           // one transaction at a time
  unsigned max_rcpts;  // LIMITS, 0: none
  unsigned max_mails;
};

// What the server has of a message. Messages and recipients are told by their addresses, s0@x and
// r0.1@x.
struct ehlo_server_copy {
  unsigned num_delivered[EHLO_SERVER_RECIPIENTS_MAX];
  unsigned num_in_doubt;  // had whole, and the client was not told what became of it
};

struct ehlo_mail_server {
  struct ehlo_server_settings settings;
  const uint8_t *choices;
  size_t num_choices;
  struct ehlo_fuzz_bytes replies;  // for the client
  struct ehlo_fuzz_bytes line;     // of the client, as far as it came
  struct ehlo_fuzz_bytes text;     // the message at hand, as it is to be
  bool in_data;
  uint64_t chunk_left;
  bool in_chunk;
  bool mail_open;
  size_t message;                                 // the one of the open transaction
  size_t recipients[EHLO_SERVER_RECIPIENTS_MAX];  // accepted in it
  size_t num_recipients;
  unsigned num_mails;
  bool quit;
  bool silent;  // says nothing more
  bool closed;
  struct ehlo_server_copy copies[EHLO_SERVER_MESSAGES_MAX];
};

// The greeting is in `replies` afterwards. `choices` is the caller's.
void ehlo_mail_server_init(struct ehlo_mail_server *s, const struct ehlo_server_settings *settings,
                           const uint8_t *choices, size_t num_choices);
void ehlo_mail_server_free(struct ehlo_mail_server *s);

// The client says something. A command out of order, or anything that no client may say, is a
// finding.
void ehlo_mail_server_take(struct ehlo_mail_server *s, const uint8_t *bytes, size_t len);

// The text of message `i` as the client is given it, and as the server has to get it.
const char *ehlo_mail_server_message(size_t i);
const char *ehlo_mail_server_wanted(size_t i);

#endif  // EHLO_FUZZ_MAIL_SERVER_H
