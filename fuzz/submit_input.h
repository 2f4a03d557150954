// What a submission of the target is to do, and what its server is to offer: both are read from the
// first octets of an input. It decides nothing and knows nothing of replies.
//
// Of the settings, octet by octet, 0 is the plainest: one message to one recipient, without TLS, to a
// server without extensions.
//
//    0  bits 0-1 TLS: none, STARTTLS, implicit, implicit that does not begin; 2 LMTP; 3-4 transfer: DATA,
//       auto, BDAT, auto; 5 force; 6 AUTH allowed in cleartext; 7 the smallest buffer
//    1  bits 0-2 messages: 1 to 5, none, 2, 3; bits 3-5 recipients: 1 to 6, none, 2; 6 sizes not known;
//       7 the second message is 8-bit, the third binary
//    2  bits 0-2 RCPTMAX: from 4 on 1 to 4; 3-5 MAILMAX likewise; 6-7 RCPTDOMAINMAX (of one message)
//    3  bits 0-1 cuts: none, octets, pieces, pieces; the rest begins their sequence
//    4  what the first EHLO offers, enum ehlo_offer bits 0-7;  5  bits 8-15;  6  mechanisms
//    7, 8, 9  the same of each EHLO under TLS or after XCLIENT
//   10  bit 0 credentials; 1-2 attempts; 3-4 initial response; 5-6 user; 7 a password with NUL
//   11  bits 0-2 the mechanism that comes first; 3-5 how many there are; 6 a channel binding; 7 XCLIENT
//   12  bits 0-3 the stage to stop after (of one message), 0 for none; 4-5 parameters of MAIL; 6-7 of RCPT
//   13  bit 0 an address beyond ASCII; 1 an address that no one can send; 2 recipients in three domains
//   14  bits 0-1 the transport: takes all; takes octet 15 times 8 (and bits 2-7 of this one, 0 to 7)
//       and no more, then the time passes, the connection breaks, or TLS does
#ifndef EHLO_FUZZ_SUBMIT_INPUT_H
#define EHLO_FUZZ_SUBMIT_INPUT_H

#include "engine/submit.h"
#include "fuzz/fuzz.h"
#include "fuzz/mail_server.h"

#define EHLO_SUBMIT_SETTINGS_LEN 16
#define EHLO_SUBMIT_MECHANISMS 6
// The password, and what of it says that it is there, in the open and in base64 at any offset.
#define EHLO_SUBMIT_PASSWORD "Zq9Zq9Zq9Zq9"

struct ehlo_submit_input {
  struct ehlo_submit_config config;
  struct ehlo_config client;
  struct ehlo_credentials credentials;
  const struct ehlo_mechanism *mechanisms[EHLO_SUBMIT_MECHANISMS];
  struct ehlo_server_settings server;
  struct ehlo_fuzz_cuts cuts;
  bool tls_begins;  // where it is implicit
  size_t buf_len;
  size_t transport_max;  // octets that the transport takes
  enum ehlo_status transport_end;
  uint8_t num_to;
  char addresses[EHLO_SERVER_MESSAGES_MAX][EHLO_SERVER_RECIPIENTS_MAX + 1][16];
};

// Of the mechanisms, those that are ours: X-BIND needs a channel binding and a proof of the server's,
// X-ENDS ends the name with a blank.
extern const struct ehlo_mechanism ehlo_submit_x_bind;
extern const struct ehlo_mechanism ehlo_submit_x_ends;

// Reads EHLO_SUBMIT_SETTINGS_LEN octets.
void ehlo_submit_input_read(struct ehlo_submit_input *in, const uint8_t *data);

// Puts messages and recipients of their own into the configuration, none sent yet.
void ehlo_submit_input_address(const struct ehlo_submit_input *in, struct ehlo_submit_config *out,
                               struct ehlo_message *messages,
                               struct ehlo_recipient (*to)[EHLO_SERVER_RECIPIENTS_MAX]);

#endif  // EHLO_FUZZ_SUBMIT_INPUT_H
