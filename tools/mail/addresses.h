// The addresses of a header field, by GMime: groups, comments, quoted and encoded names, folded
// lines. What is not an address list as RFC 5322 §3.4 has it is refused whole, never guessed at.
#ifndef EHLO_TOOLS_MAIL_ADDRESSES_H
#define EHLO_TOOLS_MAIL_ADDRESSES_H

#include <stdbool.h>

#include "engine/ehlo.h"

// One mailbox, as the envelope takes it. Both are valid until the call returns.
struct mail_mailbox {
  const char *name;     // decoded, UTF-8; empty if there is none
  const char *address;  // may lack its domain
};

// Hands each mailbox of `list` to `take`, those of groups among them, until it returns false.
// Returns false if `take` did, or if `list` is no address list; in this case some may have been
// taken. An empty list, and an empty group, are lists.
bool mail_addresses_each(struct ehlo_span list,
                         bool (*take)(void *arg, const struct mail_mailbox *m), void *arg);

// Takes "Name <address>" or "address" apart: `*out_address`, and `*out_name` which may be empty,
// are the caller's to free(). False if it is not exactly one mailbox, on one line.
bool mail_mailbox_parse(char **out_name, char **out_address, const char *text);

// "Name <address>" as a header takes it, RFC 2047 where it needs that, or the address alone for an
// empty name. For free(); NULL without memory.
char *mail_mailbox_format(const char *name, const char *address);

// Whether an address has a domain; if not, it is a local part alone.
bool mail_address_has_domain(const char *address);

#endif  // EHLO_TOOLS_MAIL_ADDRESSES_H
