// The hosts that take a domain's mail, by its MX records (RFC 5321 §5.1), each of them looked at.
#include <ares.h>
#include <arpa/nameser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sysexits.h>

#include "tools/driver/complaints.h"
#include "tools/driver/probe_dns.h"
#include "tools/driver/probe_places.h"
#include "tools/driver/text.h"

#define HOSTS_MAX 16

struct host {
  char name[256];
  unsigned preference;
};

struct answer {
  int status;
  bool has_null;  // a host of ".", RFC 7505
  size_t num;
  size_t num_left_out;
  struct host hosts[HOSTS_MAX];
};

static int compare(const void *a, const void *b) {
  const struct host *x = a;
  const struct host *y = b;
  if (x->preference != y->preference) {
    return x->preference < y->preference ? -1 : 1;
  }
  return strcasecmp(x->name, y->name);
}

static void add(struct answer *a, const char *name, unsigned preference) {
  struct host h = {.preference = preference};
  snprintf(h.name, sizeof(h.name), "%s", name);
  if (a->num < HOSTS_MAX) {
    a->hosts[a->num++] = h;
  } else {
    // The least preferred one is left out, whatever the order in which they come.
    a->num_left_out++;
    qsort(a->hosts, a->num, sizeof(a->hosts[0]), compare);
    if (compare(&h, &a->hosts[HOSTS_MAX - 1]) < 0) {
      a->hosts[HOSTS_MAX - 1] = h;
    }
  }
}

static void take(void *arg, int status, int timeouts, unsigned char *packet, int len) {
  struct answer *a = arg;
  struct ares_mx_reply *list = NULL;
  (void)timeouts;
  a->status = status == ARES_SUCCESS ? ares_parse_mx_reply(packet, len, &list) : status;
  for (const struct ares_mx_reply *r = list; a->status == ARES_SUCCESS && r != NULL; r = r->next) {
    if (r->host[0] == '\0' || strcmp(r->host, ".") == 0) {
      a->has_null = true;
    } else {
      add(a, r->host, r->priority);
    }
  }
  ares_free_data(list);
}

// Without MX records the domain is its own host, RFC 5321 §5.1.
static int look_up(struct answer *a, const char *domain, const char *dns) {
  struct probe_question question = {.type = ns_t_mx, .take = take, .arg = a};
  snprintf(question.name, sizeof(question.name), "%s", domain);
  int status = probe_dns_ask(&question, 1, domain, dns);
  if (status != 0) {
    return status;
  }
  if (a->status == ARES_ENODATA) {
    add(a, domain, 0);
  } else if (a->status != ARES_SUCCESS) {
    return probe_dns_complain(
        domain, a->status == ARES_ENOTFOUND ? "there is no such domain" : ares_strerror(a->status));
  }
  if (a->num == 0) {
    return probe_dns_complain(domain, "it takes no mail, says its MX record (null MX, RFC 7505)");
  }
  qsort(a->hosts, a->num, sizeof(a->hosts[0]), compare);
  return 0;
}

static void print_words(const struct answer *a, const char *domain,
                        const struct probe_place *places) {
  if (a->status == ARES_ENODATA) {
    printf("%s has no MX record, so its own address takes its mail (RFC 5321, section 5.1)\n",
           domain);
  }
  if (a->has_null) {
    puts("a null MX stands beside others, where it has to be the only one (RFC 7505, section 3)");
  }
  for (size_t i = 0; i < a->num; i++) {
    printf("%u ", a->hosts[i].preference);
    text_print(stdout, ehlo_str(a->hosts[i].name));
    putchar('\n');
    for (size_t k = 0; k < 2; k++) {
      fputs("  ", stdout);
      probe_place_print(&places[2 * i + k]);
    }
  }
  if (a->num_left_out > 0) {
    printf("and %zu more, which were not looked at\n", a->num_left_out);
  }
}

static json_t *places_json(const struct answer *a, const struct probe_place *places) {
  json_t *list = json_array();
  for (size_t i = 0; i < 2 * a->num; i++) {
    json_t *place = probe_place_json(&places[i]);
    json_object_set_new(place, "host", text_to_json(ehlo_str(a->hosts[i / 2].name)));
    json_object_set_new(place, "preference", json_integer(a->hosts[i / 2].preference));
    json_array_append_new(list, place);
  }
  return list;
}

static int report(const struct answer *a, const struct probe_options *o,
                  const struct probe_place *places) {
  char summary[100];
  size_t num_there = 0;
  size_t num_good = 0;
  for (size_t i = 0; i < 2 * a->num; i++) {
    num_there += places[i].has_address ? 1 : 0;
    num_good += probe_place_is_good(&places[i]) ? 1 : 0;
  }
  snprintf(summary, sizeof(summary), "%zu of %zu addresses have verified TLS", num_good, num_there);
  if (o->live.json) {
    text_print_json(
        json_pack("{s:s, s:b, s:o, s:i, s:s}", "domain", o->live.server.host, "implicit",
                  a->status == ARES_ENODATA, "places", places_json(a, places), "left_out",
                  (int)a->num_left_out, "advice", summary),
        JSON_INDENT(2));
  } else {
    print_words(a, o->live.server.host, places);
    puts(summary);
  }
  return num_good > 0 ? 0 : EX_UNAVAILABLE;
}

int probe_mx(const struct probe_options *o) {
  struct answer answer = {.status = ARES_ENODATA};
  const char *port = o->live.server.has_port ? o->live.server.port : "25";
  int status = look_up(&answer, o->live.server.host, o->dns);
  if (status != 0) {
    return status;
  }
  struct probe_place *places = calloc(2 * answer.num, sizeof(*places));
  for (size_t i = 0; places != NULL && i < 2 * answer.num; i++) {
    probe_place_prepare(&places[i], o, answer.hosts[i / 2].name, port, EHLO_TLS_STARTTLS,
                        i % 2 == 0 ? AF_INET : AF_INET6);
  }
  if (places == NULL || !probe_places_look(places, 2 * answer.num)) {
    free(places);
    fputs("ehlo: out of memory\n", complaints());
    return EX_OSERR;
  }
  status = report(&answer, o, places);
  probe_places_free(places, 2 * answer.num);
  free(places);
  return status;
}
