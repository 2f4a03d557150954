// Wrapping and JSON.
#include "tools/driver/explanation.h"

#include <string.h>

#include "tools/driver/text.h"

#define WIDTH 79

// Prints words behind `first`, and further lines under them. The words are the catalogue's own.
static void wrap(FILE *out, int indent, const char *first, const char *text) {
  int begin = indent + (int)strlen(first);
  int column = begin;
  fprintf(out, "%*s%s", indent, "", first);
  while (*text != '\0') {
    size_t n = strcspn(text, " ");
    if (column > begin && column + 1 + (int)n > WIDTH) {
      fprintf(out, "\n%*s", begin, "");
      column = begin;
    } else if (column > begin) {
      putc(' ', out);
      column++;
    }
    fwrite(text, 1, n, out);
    column += (int)n;
    text += n + (text[n] == ' ');
  }
  putc('\n', out);
}

void explanation_print(FILE *out, const struct explanation *e, int indent) {
  char first[16];
  wrap(out, indent, "", e->meaning);
  if (e->provider != NULL) {
    wrap(out, indent, "Whose words: ", e->provider);
  }
  if (explain_who_text(e->who) != NULL) {
    wrap(out, indent, "Who can act: ", explain_who_text(e->who));
  }
  for (size_t i = 0; i < e->num_fix; i++) {
    snprintf(first, sizeof(first), "%zu. ", i + 1);
    wrap(out, indent, first, e->fix[i]);
  }
  wrap(out, indent, "Source: ", e->source);
  if (e->as_of != NULL) {
    wrap(out, indent, "As of: ", e->as_of);
  }
  if (e->trace[0] != '\0') {
    fprintf(out, "%*sFor the support ticket: ", indent, "");
    text_print(out, ehlo_str(e->trace));
    putc('\n', out);
  }
}

json_t *explanation_json(const struct explanation *e) {
  json_t *fix = json_array();
  for (size_t i = 0; i < e->num_fix; i++) {
    json_array_append_new(fix, json_string(e->fix[i]));
  }
  return json_pack("{s:s, s:o, s:s?, s:b, s:s, s:s?, s:s?, s:s?, s:o}", "meaning", e->meaning,
                   "fix", fix, "who", explain_who_text(e->who), "retry", e->retry, "source",
                   e->source, "id", e->id, "provider", e->provider, "as_of", e->as_of, "trace",
                   e->trace[0] != '\0' ? text_to_json(ehlo_str(e->trace)) : json_null());
}
