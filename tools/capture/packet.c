// Ethernet with VLAN tags, loopback, Linux "any" devices, bare IP; IPv4, IPv6 with extension headers.
#include "tools/capture/packet.h"

#include <pcap/pcap.h>
#include <string.h>

#define PROTOCOL_TCP 6

// What is left of a packet.
struct rest {
  const uint8_t *bytes;
  size_t len;
};

static uint16_t two(const uint8_t *bytes) {
  return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static uint32_t four(const uint8_t *bytes) {
  return (uint32_t)two(bytes) << 16 | two(bytes + 2);
}

static bool skip(struct rest *r, size_t n) {
  if (r->len < n) {
    return false;
  }
  r->bytes += n;
  r->len -= n;
  return true;
}

// ---- Link layers --------------------------------------------------------------------------------

bool packet_link_is_known(int link) {
  static const int known[] = {DLT_EN10MB,     DLT_NULL, DLT_LOOP, DLT_LINUX_SLL,
                              DLT_LINUX_SLL2, DLT_RAW,  DLT_IPV4, DLT_IPV6};
  for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
    if (known[i] == link) {
      return true;
    }
  }
  return false;
}

// Ethernet's type field, behind any number of VLAN tags.
static bool skip_ether_type(struct rest *r) {
  while (r->len >= 2) {
    uint16_t type = two(r->bytes);
    if (type != 0x8100 && type != 0x88a8 && type != 0x9100) {
      return (type == 0x0800 || type == 0x86dd) && skip(r, 2);
    }
    if (!skip(r, 4)) {
      return false;
    }
  }
  return false;
}

// Leaves an IP packet.
static bool skip_link(struct rest *r, int link) {
  switch (link) {
    case DLT_EN10MB:
      return skip(r, 12) && skip_ether_type(r);
    case DLT_LINUX_SLL:
      return skip(r, 14) && skip_ether_type(r);
    case DLT_LINUX_SLL2: {
      bool is_ip = r->len >= 2 && (two(r->bytes) == 0x0800 || two(r->bytes) == 0x86dd);
      return is_ip && skip(r, 20);
    }
    case DLT_NULL:
    case DLT_LOOP:
      return skip(r, 4);
    default:
      return true;
  }
}

// ---- IP -----------------------------------------------------------------------------------------

static bool skip_ipv4(struct rest *r, struct segment *out) {
  size_t header = (size_t)(r->bytes[0] & 0x0f) * 4;
  if (r->len < 20 || header < 20 || r->len < header || r->bytes[9] != PROTOCOL_TCP ||
      (two(r->bytes + 6) & 0x3fff) != 0) {
    return false;
  }
  size_t total = two(r->bytes + 2);
  out->from.family = 4;
  out->to.family = 4;
  memcpy(out->from.address, r->bytes + 12, 4);
  memcpy(out->to.address, r->bytes + 16, 4);
  if (total == 0) {
    total = r->len;  // segmentation was left to the network card
  }
  if (total < header) {
    return false;
  }
  out->wire_len = total - header;
  return skip(r, header);
}

// RFC 8200 §4: extension headers say what follows, and how long they are in units of 8.
static bool skip_extensions(struct rest *r, uint8_t next, struct segment *out) {
  while (next != PROTOCOL_TCP) {
    bool fragment = next == 44;
    bool extension = next == 0 || next == 43 || next == 60 || fragment;
    if (!extension || r->len < 8 || (fragment && (two(r->bytes + 2) & 0xfff9) != 0)) {
      return false;
    }
    size_t len = fragment ? 8 : ((size_t)r->bytes[1] + 1) * 8;
    next = r->bytes[0];
    if (out->wire_len < len || !skip(r, len)) {
      return false;
    }
    out->wire_len -= len;
  }
  return true;
}

static bool skip_ipv6(struct rest *r, struct segment *out) {
  if (r->len < 40) {
    return false;
  }
  uint8_t next = r->bytes[6];
  out->wire_len = two(r->bytes + 4);
  out->from.family = 6;
  out->to.family = 6;
  memcpy(out->from.address, r->bytes + 8, 16);
  memcpy(out->to.address, r->bytes + 24, 16);
  skip(r, 40);
  if (out->wire_len == 0) {
    out->wire_len = r->len;
  }
  return skip_extensions(r, next, out);
}

// ---- TCP ----------------------------------------------------------------------------------------

static bool read_tcp(struct rest *r, struct segment *out) {
  if (r->len < 20) {
    return false;
  }
  size_t header = (size_t)(r->bytes[12] >> 4) * 4;
  uint8_t flags = r->bytes[13];
  out->from.port = two(r->bytes);
  out->to.port = two(r->bytes + 2);
  out->seq = four(r->bytes + 4);
  out->ack = four(r->bytes + 8);
  out->fin = (flags & 0x01) != 0;
  out->syn = (flags & 0x02) != 0;
  out->rst = (flags & 0x04) != 0;
  out->has_ack = (flags & 0x10) != 0;
  if (header < 20 || out->wire_len < header || !skip(r, header)) {
    return false;
  }
  out->wire_len -= header;
  out->bytes = r->bytes;
  out->len = r->len < out->wire_len ? r->len : out->wire_len;  // Ethernet pads short frames
  return true;
}

bool packet_read(struct segment *out, int link, const uint8_t *packet, size_t len) {
  struct rest r = {packet, len};
  memset(out, 0, sizeof(*out));
  if (!skip_link(&r, link) || r.len < 1) {
    return false;
  }
  bool v4 = r.bytes[0] >> 4 == 4;
  bool v6 = r.bytes[0] >> 4 == 6;
  return ((v4 && skip_ipv4(&r, out)) || (v6 && skip_ipv6(&r, out))) && read_tcp(&r, out);
}
