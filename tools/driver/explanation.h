// An explanation in words for people, wrapped, and as JSON. What it explains is for tools/explain.
#ifndef EHLO_TOOLS_DRIVER_EXPLANATION_H
#define EHLO_TOOLS_DRIVER_EXPLANATION_H

#include <jansson.h>
#include <stdio.h>

#include "tools/explain/explain.h"

// All of it: whose words, meaning, who can act, what to do, the source with its date, and what
// support asks for. Each line begins with `indent` blanks.
void explanation_print(FILE *out, const struct explanation *e, int indent);

// {"meaning": …, "fix": […], "who": …, "retry": …, "source": …, "id": …, "provider": …, "as_of": …,
// "trace": …}; what is not known is null.
json_t *explanation_json(const struct explanation *e);

#endif  // EHLO_TOOLS_DRIVER_EXPLANATION_H
