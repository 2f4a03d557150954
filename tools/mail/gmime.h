// GMime as this package uses it: begun once, with rules of its own for addresses. Private.
#ifndef EHLO_TOOLS_MAIL_GMIME_H
#define EHLO_TOOLS_MAIL_GMIME_H

#include <gmime/gmime.h>

// More colons than this are in no list of addresses: GMime calls itself for what looks like a group
// in a group, and a list of nothing else would take all of the stack.
#define MAIL_GMIME_COLONS_MAX 1000

// Parses an address list; NULL if it is none, or empty. A list that GMime would mend is none.
InternetAddressList *mail_gmime_addresses(const char *text);

#endif  // EHLO_TOOLS_MAIL_GMIME_H
