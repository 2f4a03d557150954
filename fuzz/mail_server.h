// A mail server with a mind of its own: each of its answers is chosen by the next octet of the input.
// It keeps who got which message, which is what a client's claims can be held against, and checks what
// no client may say to any server. It is written apart from the engine and knows SMTP and LMTP from
// the server's side; what a client has to say next is for others to judge (submit_model.h).
//
// Of an octet of the input, 0 to 15 is an answer that fits the command (0 the friendly one; 1: 421 and
// the end, 2: the end, 3: silence), the same again up to 223, and from 224 on one that fits nothing.
#ifndef EHLO_FUZZ_MAIL_SERVER_H
#define EHLO_FUZZ_MAIL_SERVER_H

#include "engine/reply.h"
#include "fuzz/fuzz.h"

#define EHLO_SERVER_MESSAGES_MAX 5
#define EHLO_SERVER_RECIPIENTS_MAX 6
#define EHLO_SERVER_REPLIES_MAX 512

enum ehlo_offer {
  EHLO_OFFER_PIPELINING = 1,
  EHLO_OFFER_CHUNKING = 2,
  EHLO_OFFER_BINARYMIME = 4,
  EHLO_OFFER_8BITMIME = 8,
  EHLO_OFFER_SMTPUTF8 = 16,
  EHLO_OFFER_DSN = 32,
  EHLO_OFFER_SIZE = 64,
  EHLO_OFFER_BURL = 128,  // one transaction at a time
  EHLO_OFFER_STARTTLS = 256,
  EHLO_OFFER_SIZE_NUMBER = 512 | 1024,  // SIZE with a number as well: 0, 20, 1000
  EHLO_OFFER_REQUIRETLS = 2048,
  EHLO_OFFER_XCLIENT = 4096,
  EHLO_OFFER_COURIER = 8192,      // one transaction at a time, QUIT included
  EHLO_OFFER_LOWER_CASE = 16384,  // of all keywords
  EHLO_OFFER_AUTH = 32768,        // with no mechanism, unless there are some
};

// What an EHLO reply offers.
struct ehlo_server_offer {
  uint32_t bits;
  uint32_t mechanisms;  // the mechanism with this bit; bit 6: names that are nearly theirs
  uint32_t max_rcpts;   // LIMITS, 0: none
  uint32_t max_mails;
  uint32_t max_domains;
};

// The bits of `mechanisms`, in their order.
extern const char *const ehlo_server_mechanisms[6];

uint64_t ehlo_server_offer_size(const struct ehlo_server_offer *o);  // 0: none

// What is asked for a message besides its addresses.
struct ehlo_server_message {
  bool sized;
  bool is_8bit;
  bool is_binary;
  const char *params;
  const char *rcpt_params;
};

struct ehlo_server_settings {
  bool lmtp;
  struct ehlo_server_offer offers[2];  // to the first EHLO, and to those under TLS or after XCLIENT
  struct ehlo_server_message messages[EHLO_SERVER_MESSAGES_MAX];
};

// What was said, as a client has to read it.
struct ehlo_server_reply {
  size_t end;     // in the server's stream
  uint16_t code;  // 0: no reply, but something that breaks the protocol
  bool several;   // lines, each with the same text
  const char *text;
  const struct ehlo_server_offer *offer;  // of a reply to EHLO that takes it
};

// What the server has of a message. Messages and recipients are told by their addresses, s0@x and
// r0.1@x.
struct ehlo_server_copy {
  unsigned num_delivered[EHLO_SERVER_RECIPIENTS_MAX];
};

// Bytes without a heap: a client says no more in a session, and a server neither.
struct ehlo_server_bytes {
  size_t len;
  uint8_t bytes[65536];
};

struct ehlo_mail_server {
  const struct ehlo_server_settings *settings;
  const uint8_t *choices;
  size_t num_choices;
  bool secure;
  bool anew;  // TLS has begun, or XCLIENT was accepted
  bool in_data;
  bool in_chunk;
  uint64_t chunk_left;
  bool mail_open;
  size_t message;                                 // the one of the open transaction
  size_t recipients[EHLO_SERVER_RECIPIENTS_MAX];  // accepted in it
  size_t num_recipients;
  unsigned num_mails;
  const char *const *auth;  // the mechanism of the exchange that is under way
  unsigned num_tokens;      // had in it
  bool quit;
  // Over LMTP: the client still counts the recipients of a transaction that is over here, and waits for
  // a reply for each of them behind a message for nobody, which gets one alone.
  bool rset_refused;
  bool strayed;   // said something unasked: the client takes its replies for others'
  bool misheard;  // and then a chunk for the text of a message: nothing is looked at any more
  bool ahead;     // that was one reply too many
  bool silent;    // says nothing more
  bool closed;
  bool reset;  // closed otherwise than in order
  struct ehlo_server_copy copies[EHLO_SERVER_MESSAGES_MAX];
  size_t num_replies;
  struct ehlo_server_reply said[EHLO_SERVER_REPLIES_MAX];
  struct ehlo_server_bytes replies;  // the server's stream
  struct ehlo_server_bytes heard;    // the client's
  size_t line_start;                 // in `heard`
  struct ehlo_server_bytes text;     // the message at hand, as it is to be
};

// What the client has said, whole: a command line without CRLF, the end of the message after DATA (with
// its text), or a chunk.
enum ehlo_heard { EHLO_HEARD_LINE, EHLO_HEARD_END, EHLO_HEARD_CHUNK };
typedef void ehlo_server_listener(void *context, enum ehlo_heard what, struct ehlo_span text);

// The greeting is in `replies` afterwards, but under TLS only once that began. `settings` and `choices`
// are the caller's.
void ehlo_mail_server_init(struct ehlo_mail_server *s, const struct ehlo_server_settings *settings,
                           const uint8_t *choices, size_t num_choices);

// The client says something. Anything that no client may say is a finding. `listener` hears of each
// whole thing before it is answered, also when the server closed and answers nothing.
void ehlo_mail_server_take(struct ehlo_mail_server *s, const uint8_t *bytes, size_t len,
                           ehlo_server_listener *listener, void *context);

// The next octet of the input, for a decision that is not the server's own; 0 if none is left.
unsigned ehlo_mail_server_choose(struct ehlo_mail_server *s);
void ehlo_mail_server_tls_done(struct ehlo_mail_server *s);

// The text of message `i` as the client is given it, and as the server has to get it.
struct ehlo_span ehlo_mail_server_message(const struct ehlo_server_message *m, size_t i);
struct ehlo_span ehlo_mail_server_wanted(const struct ehlo_server_message *m, size_t i);

// ---- Between the server's files -----------------------------------------------------------------

void ehlo_server_add(struct ehlo_server_bytes *b, const void *bytes, size_t len);
// A whole reply to EHLO.
void ehlo_server_write_offer(struct ehlo_server_bytes *out, const struct ehlo_server_offer *o);

#endif  // EHLO_FUZZ_MAIL_SERVER_H
