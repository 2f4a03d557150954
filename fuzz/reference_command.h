// What may stand in MAIL and RCPT, written from the specification as regular expressions.
#ifndef EHLO_FUZZ_REFERENCE_COMMAND_H
#define EHLO_FUZZ_REFERENCE_COMMAND_H

#include "engine/ehlo.h"

// What ehlo_params_check() has to answer.
enum ehlo_status ehlo_reference_params(struct ehlo_span params, bool at_mail,
                                       const struct ehlo_capabilities *caps);

// What ehlo_argument_path() has to answer.
enum ehlo_status ehlo_reference_path(struct ehlo_span path, bool allow_empty, bool utf8);

#endif  // EHLO_FUZZ_REFERENCE_COMMAND_H
