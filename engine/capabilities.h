// What the server said it can do in its EHLO reply (RFC 5321 §4.1.1.1). Keywords are compared whole
// and without case; unknown ones are left to whoever reads the reply itself.
#ifndef EHLO_ENGINE_CAPABILITIES_H
#define EHLO_ENGINE_CAPABILITIES_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/reply.h"

#ifdef __cplusplus
extern "C" {
#endif

#define EHLO_AUTH_LIST_MAX 320
#define EHLO_XCLIENT_LIST_MAX 96

struct ehlo_capabilities {
  bool esmtp;  // EHLO was accepted; false after HELO
  bool starttls;
  bool pipelining;
  bool eight_bit_mime;
  bool smtputf8;
  bool chunking;
  bool binary_mime;
  bool dsn;
  bool enhanced_status_codes;
  bool size;            // SIZE was offered (RFC 1870)
  bool auth;            // AUTH was offered, with or without a mechanism
  bool auth_cut;        // more mechanisms were offered than `mechanisms` holds
  bool requiretls;      // RFC 8689; in a client's capabilities under TLS alone
  bool future_release;  // RFC 4865
  bool deliver_by;      // RFC 2852
  bool mt_priority;     // RFC 6710
  bool etrn;            // RFC 1985
  bool burl;            // RFC 4468
  bool xverp_courier;   // "XVERP=Courier", by which Courier is known
  bool xclient;         // Postfix; the attributes are in `xclient_names`
  bool limits;          // RFC 9422
  // 0 in all of these means that nothing was told, or nothing that is a number of that size.
  // Of several lines the last number counts, and of LIMITS the smallest.
  uint64_t max_size;          // octets (RFC 1870)
  uint32_t max_hold_s;        // the longest HOLDFOR, in seconds
  uint32_t min_by_s;          // the shortest BY with mode R, in seconds
  uint32_t max_mails;         // MAILMAX: transactions in one session
  uint32_t max_rcpts;         // RCPTMAX: recipients in one transaction
  uint32_t max_rcpt_domains;  // RCPTDOMAINMAX: domains of recipients in one session
  // SASL mechanism names in upper case, each with one blank before and after it.
  char mechanisms[EHLO_AUTH_LIST_MAX];
  // Names of XCLIENT attributes in the same form; those that find no place are left out.
  char xclient_names[EHLO_XCLIENT_LIST_MAX];
};

// Reads the lines of a 2yz reply to EHLO. Repeated keywords add up; leading blanks and the old form
// "AUTH=LOGIN" are understood.
void ehlo_capabilities_parse(struct ehlo_capabilities *out, const struct ehlo_reply *reply);

// The words that are understood, for whoever wants to list them: keywords, and the names in LIMITS. NULL
// behind the last one.
const char *ehlo_capabilities_word(size_t i);

// Whether XCLIENT listed this attribute, compared whole and without case.
bool ehlo_capabilities_has_xclient(const struct ehlo_capabilities *caps, struct ehlo_span name);

// Whether AUTH offered this mechanism, compared whole and without case.
bool ehlo_capabilities_has_mechanism(const struct ehlo_capabilities *caps, const char *mechanism);

// Whether it offered any that binds the TLS channel: one with -PLUS behind its name (RFC 5802 §6).
bool ehlo_capabilities_binds_channel(const struct ehlo_capabilities *caps);

#ifdef __cplusplus
}
#endif

#endif  // EHLO_ENGINE_CAPABILITIES_H
