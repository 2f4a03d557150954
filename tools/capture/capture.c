// Two readings of the file: one for the table of connections, one for the one that is wanted.
#include "tools/capture/capture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pcap/pcap.h>
#include <string.h>
#include <unistd.h>

#include "tools/capture/stream.h"

bool capture_is_one(const uint8_t *head, size_t len) {
  static const uint8_t magics[][4] = {
      {0xd4, 0xc3, 0xb2, 0xa1}, {0xa1, 0xb2, 0xc3, 0xd4}, {0x4d, 0x3c, 0xb2, 0xa1},
      {0xa1, 0xb2, 0x3c, 0x4d}, {0x0a, 0x0d, 0x0d, 0x0a},
  };
  for (size_t i = 0; len >= 4 && i < sizeof(magics) / sizeof(magics[0]); i++) {
    if (memcmp(head, magics[i], 4) == 0) {
      return true;
    }
  }
  return false;
}

void capture_endpoint_text(char out[CAPTURE_ENDPOINT_MAX], const struct endpoint *e) {
  char address[INET6_ADDRSTRLEN] = "?";
  inet_ntop(e->family == 4 ? AF_INET : AF_INET6, e->address, address, sizeof(address));
  snprintf(out, CAPTURE_ENDPOINT_MAX, e->family == 4 ? "%s:%u" : "[%s]:%u", address,
           (unsigned)e->port);
}

// ---- Packets ------------------------------------------------------------------------------------

struct reading {
  pcap_t *pcap;
  int link;
  size_t num_unread;
  char *error;
};

static bool reading_open(struct reading *r, char *error, FILE *file) {
  char why[PCAP_ERRBUF_SIZE] = "";
  int fd = dup(fileno(file));
  FILE *copy = fd >= 0 ? fdopen(fd, "r") : NULL;
  if (copy == NULL) {
    snprintf(error, CAPTURE_ERROR_MAX, "it cannot be opened again: %s", strerror(errno));
    if (fd >= 0) {
      close(fd);
    }
    return false;
  }
  rewind(copy);
  *r = (struct reading){.error = error};
  r->pcap = pcap_fopen_offline(copy, why);
  if (r->pcap == NULL) {
    snprintf(error, CAPTURE_ERROR_MAX, "it is no capture that libpcap can read: %s", why);
    fclose(copy);
    return false;
  }
  r->link = pcap_datalink(r->pcap);
  if (!packet_link_is_known(r->link)) {
    const char *name = pcap_datalink_val_to_name(r->link);
    snprintf(error, CAPTURE_ERROR_MAX, "packets of the link type %s cannot be read here",
             name != NULL ? name : "?");
    pcap_close(r->pcap);
    return false;
  }
  return true;
}

// The next segment of TCP: 1, 0 at the end, -1 where the file is damaged.
static int reading_next(struct reading *r, struct segment *out, uint64_t *time_us) {
  struct pcap_pkthdr *header;
  const u_char *packet;
  int result;
  while ((result = pcap_next_ex(r->pcap, &header, &packet)) == 1) {
    *time_us = (uint64_t)header->ts.tv_sec * 1000000 + (uint64_t)header->ts.tv_usec;
    if (packet_read(out, r->link, packet, header->caplen)) {
      return 1;
    }
    r->num_unread++;
  }
  if (result == PCAP_ERROR) {
    snprintf(r->error, CAPTURE_ERROR_MAX, "it is damaged: %s", pcap_geterr(r->pcap));
    return -1;
  }
  return 0;
}

// ---- The table ----------------------------------------------------------------------------------

static bool same(const struct endpoint *a, const struct endpoint *b) {
  return a->family == b->family && a->port == b->port && memcmp(a->address, b->address, 16) == 0;
}

static bool belongs(const struct capture_connection *c, const struct segment *s) {
  return (same(&c->client, &s->from) && same(&c->server, &s->to)) ||
         (same(&c->client, &s->to) && same(&c->server, &s->from));
}

static bool is_submission_port(uint16_t port) {
  return port == 25 || port == 587 || port == 465 || port == 2525 || port == 24;
}

// The newest connection between these ends: ports are used again.
static struct capture_connection *find(struct capture_list *list, const struct segment *s) {
  bool begins = s->syn && !s->has_ack;
  for (size_t i = list->num; i > 0; i--) {
    struct capture_connection *c = &list->connections[i - 1];
    if (belongs(c, s)) {
      return begins && (c->client_spoke || c->server_spoke) ? NULL : c;
    }
  }
  return NULL;
}

// Who is the server: who was called, else who has a port of SMTP, else who says a reply.
static bool comes_from_client(const struct segment *s) {
  if (s->syn) {
    return !s->has_ack;
  }
  bool from = is_submission_port(s->from.port);
  bool to = is_submission_port(s->to.port);
  if (from != to) {
    return to;
  }
  bool reply = s->len >= 4 && s->bytes[0] >= '2' && s->bytes[0] <= '5' && s->bytes[1] >= '0' &&
               s->bytes[1] <= '9' && (s->bytes[3] == ' ' || s->bytes[3] == '-');
  return s->len > 0 && !reply;
}

static struct capture_connection *add(struct capture_list *list, const struct segment *s,
                                      uint64_t time_us) {
  if (list->num == CAPTURE_CONNECTIONS_MAX) {
    list->is_full = true;
    return NULL;
  }
  bool client = comes_from_client(s);
  struct capture_connection *c = &list->connections[list->num++];
  *c = (struct capture_connection){.begin_us = time_us};
  c->client = client ? s->from : s->to;
  c->server = client ? s->to : s->from;
  c->is_smtp = is_submission_port(c->server.port);
  return c;
}

static void look_at(struct capture_connection *c, const struct segment *s) {
  bool client = same(&c->client, &s->from);
  c->saw_begin = c->saw_begin || (s->syn && !s->has_ack);
  c->octets[client ? EHLO_SIDE_CLIENT : EHLO_SIDE_SERVER] += s->wire_len;
  if (s->len == 0) {
    return;
  }
  if (client && !c->client_spoke) {
    c->client_spoke = true;
    c->is_tls = !c->server_spoke && s->len > 2 && s->bytes[0] == 0x16 && s->bytes[1] == 3;
  } else if (!client) {
    // The greeting, which may have been captured behind what followed it.
    bool greets = s->len >= 4 && memcmp(s->bytes, "220", 3) == 0 &&
                  (s->bytes[3] == ' ' || s->bytes[3] == '-');
    c->is_smtp = c->is_smtp || (greets && !c->client_spoke);
    c->server_spoke = true;
  }
}

static void keep_smtp(struct capture_list *list) {
  size_t kept = 0;
  for (size_t i = 0; i < list->num; i++) {
    const struct capture_connection *c = &list->connections[i];
    if (c->is_smtp && (c->client_spoke || c->server_spoke)) {
      list->connections[kept++] = *c;
    }
  }
  list->num = kept;
}

bool capture_list(struct capture_list *out, char error[CAPTURE_ERROR_MAX], FILE *file) {
  struct reading r;
  struct segment s;
  uint64_t time_us;
  int result;
  memset(out, 0, sizeof(*out));
  if (!reading_open(&r, error, file)) {
    return false;
  }
  while ((result = reading_next(&r, &s, &time_us)) == 1) {
    struct capture_connection *c = find(out, &s);
    c = c != NULL ? c : add(out, &s, time_us);
    if (c != NULL) {
      look_at(c, &s);
    }
  }
  out->num_unread = r.num_unread;
  pcap_close(r.pcap);
  keep_smtp(out);
  return result == 0;
}

// ---- One connection -----------------------------------------------------------------------------

struct half {
  struct session *session;
  enum ehlo_side side;
  struct stream stream;
};

struct session {
  const struct capture_sink *sink;
  struct half halves[2];  // by enum ehlo_side
  uint64_t time_us;
  bool has_end;
  char end[16];
};

static void on_bytes(void *arg, const uint8_t *bytes, size_t len) {
  const struct half *h = arg;
  const struct session *s = h->session;
  s->sink->said(s->sink->arg, h->side, bytes, len, s->time_us);
}

static void on_missing(void *arg, size_t len) {
  const struct half *h = arg;
  const struct session *s = h->session;
  char text[100];
  snprintf(text, sizeof(text), "note missing from the capture: %zu octets of the %s", len,
           h->side == EHLO_SIDE_SERVER ? "server" : "client");
  s->sink->fact(s->sink->arg, text, s->time_us);
}

// The first end of a connection is the one that is told, when nothing more is said.
static void end_with(struct session *s, const char *how, enum ehlo_side side) {
  if (!s->has_end) {
    s->has_end = true;
    snprintf(s->end, sizeof(s->end), "%s %s", how, side == EHLO_SIDE_SERVER ? "S" : "C");
  }
}

static bool take(struct session *s, const struct segment *segment, enum ehlo_side side) {
  struct stream *own = &s->halves[side].stream;
  struct stream *other =
      &s->halves[side == EHLO_SIDE_SERVER ? EHLO_SIDE_CLIENT : EHLO_SIDE_SERVER].stream;
  uint32_t seq = segment->seq + (segment->syn ? 1 : 0);
  if (segment->syn) {
    stream_begin(own, seq);
  }
  // Whoever says something has heard what he acknowledges.
  if (segment->has_ack && (segment->len > 0 || segment->fin)) {
    stream_acknowledged(other, segment->ack);
  }
  if (!stream_add(own, seq, segment->bytes, segment->len)) {
    return false;
  }
  if (segment->fin) {
    stream_end_at(own, seq + (uint32_t)segment->wire_len);
  }
  if (segment->rst) {
    end_with(s, "reset", side);
  } else if (stream_is_over(own)) {
    end_with(s, "eof", side);
  }
  return true;
}

static void tell_connection(struct session *s, const struct capture_connection *c) {
  char place[CAPTURE_ENDPOINT_MAX];
  char text[2 * CAPTURE_ENDPOINT_MAX + 16];
  char address[INET6_ADDRSTRLEN] = "?";
  capture_endpoint_text(place, &c->server);
  inet_ntop(c->server.family == 4 ? AF_INET : AF_INET6, c->server.address, address,
            sizeof(address));
  snprintf(text, sizeof(text), "connect %s %s", place, address);
  s->sink->fact(s->sink->arg, text, c->begin_us);
  if (!c->saw_begin) {
    s->sink->fact(s->sink->arg, "note the capture begins within the connection", c->begin_us);
  }
}

static void finish(struct session *s) {
  for (unsigned side = 0; side < 2; side++) {
    stream_finish(&s->halves[side].stream);
    stream_free(&s->halves[side].stream);
  }
  if (s->has_end) {
    s->sink->fact(s->sink->arg, s->end, s->time_us);
  }
}

// The same ends may meet again: the connection is over where the client begins anew.
static bool begins_anew(const struct session *s, const struct segment *segment,
                        const struct capture_connection *c) {
  bool syn = segment->syn && !segment->has_ack && same(&segment->from, &c->client);
  const struct stream *client = &s->halves[EHLO_SIDE_CLIENT].stream;
  return syn && client->begun && segment->seq + 1 != client->next;
}

bool capture_read(const struct capture_connection *connection, const struct capture_sink *sink,
                  char error[CAPTURE_ERROR_MAX], FILE *file) {
  static struct session s;
  struct reading r;
  struct segment segment;
  int result;
  memset(&s, 0, sizeof(s));
  s.sink = sink;
  for (unsigned side = 0; side < 2; side++) {
    struct half *h = &s.halves[side];
    h->session = &s;
    h->side = (enum ehlo_side)side;
    stream_init(&h->stream, on_bytes, on_missing, h);
  }
  if (!reading_open(&r, error, file)) {
    return false;
  }
  s.time_us = connection->begin_us;
  tell_connection(&s, connection);
  uint64_t time_us;
  while ((result = reading_next(&r, &segment, &time_us)) == 1) {
    if (time_us < connection->begin_us || !belongs(connection, &segment)) {
      continue;
    }
    if (begins_anew(&s, &segment, connection)) {
      result = 0;
      break;
    }
    s.time_us = time_us;
    bool client = same(&segment.from, &connection->client);
    if (!take(&s, &segment, client ? EHLO_SIDE_CLIENT : EHLO_SIDE_SERVER)) {
      snprintf(error, CAPTURE_ERROR_MAX, "there is no memory for it");
      result = -1;
      break;
    }
  }
  pcap_close(r.pcap);
  finish(&s);
  return result == 0;
}
