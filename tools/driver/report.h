// What a session told us, kept for the JSON object and the words at its end. Server lines that echo
// a secret are dropped on the way in, so that nothing later can show them.
#ifndef EHLO_TOOLS_DRIVER_REPORT_H
#define EHLO_TOOLS_DRIVER_REPORT_H

#include <jansson.h>

#include "engine/submit.h"
#include "replay/redact.h"
#include "tools/explain/explain.h"
#include "tools/live/live.h"

// A copy of a reply; code 0: there is none.
struct kept_reply {
  struct ehlo_reply reply;
  uint8_t *text;  // owned
};

struct report {
  const struct ehlo_redactor *redactor;
  const char *host;  // that was connected to; the caller's, NULL: none
  struct kept_reply greeting;
  struct kept_reply hello[2];  // EHLO before TLS and under it; one where there is only one
  bool hello_secure[2];
  size_t num_hello;
  struct kept_reply deciding;     // the one by which the outcome was known
  struct kept_reply *messages;    // the one that decided on each message
  struct kept_reply *recipients;  // the last about each recipient, message by message
  size_t num_messages;
  size_t num_recipients;        // of each message
  json_t *oauth;                // what a server said of a token that it refused, or NULL
  struct kept_reply offending;  // the line of an error, as a reply of code 0
  enum ehlo_status status;      // of the client
  uint64_t heard;               // octets of whole replies
  bool unfinished;              // a further one had begun when the session failed
  const char *reason;           // of the transport, the caller's; NULL or empty: none
  bool decided;
  uint64_t seconds_us;
  uint64_t hash;  // of the session, as its replay has it; 0 where there was none
};

// All of the messages have as many recipients as the first.
bool report_init(struct report *r, const struct ehlo_redactor *redactor,
                 const struct ehlo_submit_config *config);
void report_free(struct report *r);

// To be called with each event, after `submit` acted on it.
void report_event(struct report *r, const struct ehlo_submit *submit, const struct ehlo_client *c,
                  const struct ehlo_event *event);

// Copies a reply, without the lines that say a secret, over the one that was there.
void report_keep(struct kept_reply *out, const struct ehlo_redactor *redactor,
                 const struct ehlo_reply *reply);

// The reply that decided on all of it; code 0 where none did.
const struct kept_reply *report_deciding(const struct report *r, const struct ehlo_submit *submit);

const struct kept_reply *report_recipient(const struct report *r, size_t message, size_t recipient);

// {"code": 550, "enhanced": "5.7.1" or null, "lines": [...]}, or null where there is no reply.
json_t *report_reply_json(const struct kept_reply *kept);

// Explains the reply that refused, the first refusal of a recipient, or what ended the session
// without a reply. False where all went well.
bool report_explain(struct explanation *out, const struct report *r,
                    const struct ehlo_submit *submit);

// The same as explanation_json() has it, or null.
json_t *report_explanation_json(const struct report *r, const struct ehlo_submit *submit);

// {"status": …, "scope": …, "schemes": …} of a refused token, or null.
json_t *report_oauth_json(const struct report *r);

// The lines of an EHLO reply after the first.
json_t *report_capabilities_json(const struct kept_reply *hello);

// What is known of TLS, null without it. With `chain` every certificate.
json_t *report_tls_json(const struct live_tls_info *info, bool chain);

// The hash in 16 hexadecimal digits.
#define REPORT_HASH_SIZE 17
void report_hash(char out[REPORT_HASH_SIZE], uint64_t hash);
void report_print_hash(const struct report *r);

// One sentence on why the session did not end well; empty if it did. Server text in it is escaped.
void report_error(char *out, size_t cap, const struct report *r, const struct ehlo_submit *submit,
                  const char *transport_reason);

#endif  // EHLO_TOOLS_DRIVER_REPORT_H
