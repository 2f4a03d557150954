// See colour.h.
#include "tools/driver/colour.h"

#include <string.h>

#include "tools/driver/text.h"

static const char *set_color(void *o, const char *value) {
  (void)o;
  if (strcmp(value, "auto") == 0) {
    text_set_colour(TEXT_COLOUR_AUTO);
  } else if (strcmp(value, "always") == 0) {
    text_set_colour(TEXT_COLOUR_ALWAYS);
  } else if (strcmp(value, "never") == 0) {
    text_set_colour(TEXT_COLOUR_NEVER);
  } else {
    return "it is one of auto, always and never";
  }
  return NULL;
}

const struct option_row colour_option_rows[] = {
    {"color", 0, "auto|always|never", "colour (default: auto)", set_color},
    {NULL, 0, NULL, NULL, NULL},
};
