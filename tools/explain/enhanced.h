// The enhanced status codes that IANA has registered, as a table: facts alone, no advice.
#ifndef EHLO_TOOLS_EXPLAIN_ENHANCED_H
#define EHLO_TOOLS_EXPLAIN_ENHANCED_H

#include <stddef.h>
#include <stdint.h>

// Who can do something about it, as far as the code tells.
enum explain_who {
  EXPLAIN_SENDER,     // the person or program that sends: settings, message, addresses
  EXPLAIN_ADMIN,      // who runs the account or the network that it is sent from
  EXPLAIN_RECIPIENT,  // the person who was to get it
  EXPLAIN_DOMAIN,     // who runs the sender's domain: DNS, keys
  EXPLAIN_SERVER,     // who runs the server
  EXPLAIN_TIME,       // it passes
  EXPLAIN_NOBODY,     // nothing is known
};

struct explain_enhanced {
  uint8_t subject;
  uint8_t detail;
  const char *name;       // in the registry
  const char *reference;  // the RFCs that define it
  const char *says;       // goes on after "says that "
  enum explain_who who;
  const char *fix;  // a sentence that holds whoever the server is; NULL: there is none
};

// The row of X.subject.detail, whatever the class; NULL: it is not registered.
const struct explain_enhanced *explain_enhanced_find(unsigned subject, unsigned detail);

// All rows, in the order of their numbers.
const struct explain_enhanced *explain_enhanced_rows(size_t *out_num);

#endif  // EHLO_TOOLS_EXPLAIN_ENHANCED_H
