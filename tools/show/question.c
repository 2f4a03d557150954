// Host, greeting, stage and words.
#include "tools/show/question.h"

#include <string.h>

// "mail.example:587" and "[2001:db8::1]:587" without the port.
static void take_host(char host[SHOW_HOST_MAX], const struct show_text *place) {
  size_t len = place->len < SHOW_HOST_MAX - 1 ? place->len : SHOW_HOST_MAX - 1;
  memcpy(host, place->bytes, len);
  host[len] = '\0';
  char *colon = strrchr(host, ':');
  if (colon != NULL) {
    *colon = '\0';
  }
}

struct explain_question show_question(char host[SHOW_HOST_MAX], const struct show_summary *s,
                                      const struct show_reply *r) {
  take_host(host, &s->place);
  return (struct explain_question){
      .host = host[0] != '\0' ? host : NULL,
      .greeting = {s->greeting.bytes, s->greeting.len},
      .stage_known = true,
      .stage = r->stage,
      .code = r->code,
      .enhanced = r->enhanced,
      .words = {r->text, r->text_len},
  };
}
