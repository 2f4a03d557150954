// What may stand in a command: the forms and lengths of RFC 5321 §4.1.2 and §4.5.3.1. An argument is
// refused or sent as it is; nothing here alters one.
#ifndef EHLO_ENGINE_ARGUMENT_H
#define EHLO_ENGINE_ARGUMENT_H

#include <stdbool.h>

#include "engine/reply.h"

// A name for EHLO: a domain or an address literal.
enum ehlo_status ehlo_argument_name(struct ehlo_span name);

// What goes between the angle brackets of MAIL and RCPT. `utf8` permits UTF-8 (RFC 6531).
enum ehlo_status ehlo_argument_path(struct ehlo_span path, bool allow_empty, bool utf8);

// Attributes of XCLIENT: NAME=value, separated by one blank, each value xtext.
enum ehlo_status ehlo_argument_attributes(struct ehlo_span attributes);

// Free text: printable ASCII and blanks.
enum ehlo_status ehlo_argument_text(struct ehlo_span text);

// A whole command line of the caller's own making: no control bytes.
enum ehlo_status ehlo_argument_line(struct ehlo_span line);

// A SASL mechanism name (RFC 4422 §3.1).
enum ehlo_status ehlo_argument_mechanism(struct ehlo_span name);

#endif  // EHLO_ENGINE_ARGUMENT_H
