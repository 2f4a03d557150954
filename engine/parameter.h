// ESMTP parameters of MAIL and RCPT (RFC 5321 §4.1.2): which command each known one belongs to, what
// form its value has, and which extension it needs. Unknown ones are the caller's affair and go out
// as they are. Nothing here alters one.
//
//   MAIL: SIZE (RFC 1870), BODY (6152, 3030), SMTPUTF8 (6531), AUTH (4954 §5), RET and ENVID (3461),
//         REQUIRETLS (8689), HOLDFOR and HOLDUNTIL (4865), BY (2852), MT-PRIORITY (6710)
//   RCPT: NOTIFY and ORCPT (3461)
#ifndef EHLO_ENGINE_PARAMETER_H
#define EHLO_ENGINE_PARAMETER_H

#include <stdbool.h>

#include "engine/capabilities.h"
#include "engine/reply.h"

#ifdef __cplusplus
extern "C" {
#endif

#define EHLO_PARAMS_MAX 1500  // octets of all parameters of a command

// What the parameters of a MAIL mean for the commands after it.
struct ehlo_params {
  bool utf8;         // SMTPUTF8: addresses may hold UTF-8
  bool binary_mime;  // BODY=BINARYMIME: the message goes by BDAT
};

// The keyword of the first extension that `params` need and the server did not offer ("DSN",
// "REQUIRETLS", "CHUNKING" …); NULL if there is none. Of an offer with a bound (FUTURERELEASE,
// DELIVERBY) a value beyond it counts as not offered. Form and place are not judged. The string is
// constant.
const char *ehlo_params_missing(struct ehlo_span params, const struct ehlo_capabilities *caps);

// Judges the parameters of MAIL, or else of RCPT: EHLO_E_TOO_LONG for more than EHLO_PARAMS_MAX octets, which
// are not looked into; EHLO_E_ARGUMENT for a form that is wrong, a known parameter at the wrong
// command or given twice, HOLDFOR beside HOLDUNTIL; EHLO_E_TOO_LONG for an ENVID over 100 octets or
// an ORCPT over 500; EHLO_E_UNSUPPORTED for what ehlo_params_missing() names.
enum ehlo_status ehlo_params_check(struct ehlo_params *out, struct ehlo_span params, bool at_mail,
                                   const struct ehlo_capabilities *caps);

// The words that are understood, for whoever wants to list them: keywords, each followed by the words
// that its value may be. NULL behind the last one.
const char *ehlo_params_word(size_t i);

#ifdef __cplusplus
}
#endif

#endif  // EHLO_ENGINE_PARAMETER_H
