// All the ports of a host, over both families, side by side.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>

#include "tools/driver/complaints.h"
#include "tools/driver/probe_places.h"
#include "tools/driver/text.h"

#define PLACES 8

static const struct {
  const char *port;
  enum ehlo_tls_mode tls;
} ports[PLACES / 2] = {{"25", EHLO_TLS_STARTTLS},
                       {"465", EHLO_TLS_IMPLICIT},
                       {"587", EHLO_TLS_STARTTLS},
                       {"2525", EHLO_TLS_STARTTLS}};

// RFC 8314 §3.3: implicit TLS on 465 comes first, then STARTTLS on 587; 25 is for servers among
// each other.
static const struct probe_place *choose(const struct probe_place *places) {
  static const char *const order[] = {"465", "587", "2525", "25"};
  for (size_t i = 0; i < 4; i++) {
    for (size_t k = 0; k < PLACES; k++) {
      if (strcmp(places[k].options.server.port, order[i]) == 0 && probe_place_is_good(&places[k])) {
        return &places[k];
      }
    }
  }
  return NULL;
}

static void advise(char out[400], const struct probe_options *o, const struct probe_place *best) {
  const char *host = o->live.server.host;
  const char *port = best != NULL ? best->options.server.port : "";
  bool usual = strcmp(port, "465") == 0 || strcmp(port, "587") == 0;
  if (best == NULL) {
    snprintf(out, 400, "none of them can be used with verified TLS");
  } else {
    snprintf(out, 400, "use: ehlo send %s%s%s%s",
             best->options.tls == EHLO_TLS_IMPLICIT ? "smtps://" : "", host, usual ? "" : ":",
             usual ? "" : port);
  }
}

static void report(const struct probe_options *o, const struct probe_place *places,
                   const struct probe_place *best) {
  char advice[400];
  json_t *list = json_array();
  advise(advice, o, best);
  for (size_t i = 0; i < PLACES; i++) {
    json_array_append_new(list, probe_place_json(&places[i]));
    if (!o->live.json) {
      printf("%-5s ", places[i].options.server.port);
      probe_place_print(&places[i]);
    }
  }
  if (o->live.json) {
    text_print_json(json_pack("{s:O, s:s}", "places", list, "advice", advice), JSON_INDENT(2));
  } else {
    puts(advice);
  }
  json_decref(list);
}

int probe_all(const struct probe_options *o) {
  struct probe_place *places = calloc(PLACES, sizeof(*places));
  for (size_t i = 0; places != NULL && i < PLACES; i++) {
    probe_place_prepare(&places[i], o, o->live.server.host, ports[i / 2].port, ports[i / 2].tls,
                        i % 2 == 0 ? AF_INET : AF_INET6);
  }
  if (places == NULL || !probe_places_look(places, PLACES)) {
    free(places);
    fputs("ehlo: out of memory\n", complaints());
    return EX_OSERR;
  }
  const struct probe_place *best = choose(places);
  report(o, places, best);
  int status = best != NULL ? 0 : EX_UNAVAILABLE;
  probe_places_free(places, PLACES);
  free(places);
  return status;
}
