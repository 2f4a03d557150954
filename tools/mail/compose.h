// Makes a message of its parts (RFC 5322, MIME), by GMime. What comes out is 7-bit text with CRLF
// line ends, so it goes to any server: text as UTF-8 in quoted-printable or base64 where ASCII will
// not do, header values by RFC 2047, file names by RFC 2231; but for a local part that is not
// ASCII, which stays UTF-8 (RFC 6532). No value can add a line of its own to the header.
#ifndef EHLO_TOOLS_MAIL_COMPOSE_H
#define EHLO_TOOLS_MAIL_COMPOSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/ehlo.h"

#define MAIL_COMPOSE_SENTENCE_MAX 256

struct mail_attachment {
  const char *name;  // UTF-8; the receiver sees it
  const char *type;  // "image/png"
  bool is_inline;    // shown within the HTML text, which calls it "cid:" and its name
  struct ehlo_span bytes;
};

// Strings are UTF-8. Addresses may have names: "Alice <alice@example.com>".
struct mail_draft {
  const char *from;  // NULL: no From
  const char *const *to;
  size_t num_to;
  const char *const *cc;
  size_t num_cc;
  const char *date;
  const char *message_id;
  const char *subject;  // NULL: none
  bool has_text;
  struct ehlo_span text;
  bool has_html;
  struct ehlo_span html;
  const struct mail_attachment *attachments;
  size_t num_attachments;
  const char *const *headers;  // "Name: value"; one that is above too stands in its place
  size_t num_headers;
};

// Whether "Name: value" may be a field of a message: NULL, or a sentence on what is wrong.
const char *mail_compose_check_field(const char *field);

// Whether it may be an attachment's type, "type/subtype".
bool mail_compose_is_type(const char *type);

// Composes it. The message is the caller's to free(). False with a sentence in `error` that names
// what of the draft is wrong.
bool mail_compose(char error[MAIL_COMPOSE_SENTENCE_MAX], uint8_t **out, size_t *out_len,
                  const struct mail_draft *draft);

// `text` as a header takes it: RFC 2047 where it is not ASCII. For free(); NULL without memory.
char *mail_compose_encode(const char *text);
// The same for "Name <address>"; NULL also if it is no address list.
char *mail_compose_encode_addresses(const char *text);

#endif  // EHLO_TOOLS_MAIL_COMPOSE_H
