// Addresses without a domain, as programs on one machine write them to each other ("root"): where a
// domain is missing in a list of addresses, it is put in; nothing else changes, comments and names
// included.
#ifndef EHLO_TOOLS_MAIL_DOMAIN_H
#define EHLO_TOOLS_MAIL_DOMAIN_H

#include <stdbool.h>
#include <stdio.h>

#include "engine/ehlo.h"

// Writes `list`, an address list of RFC 5322 §3.4, with "@" and `domain` behind each local part
// that stands alone. Returns how many there were. What is no address list comes out as it is, or
// with a domain where there should be none: whoever takes it has to parse it afterwards.
size_t mail_domain_complete(FILE *out, struct ehlo_span list, const char *domain);

#endif  // EHLO_TOOLS_MAIL_DOMAIN_H
