// One captured packet as a segment of TCP. It knows link layers and IP, and keeps nothing.
#ifndef EHLO_TOOLS_CAPTURE_PACKET_H
#define EHLO_TOOLS_CAPTURE_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// An end of a connection. IPv4 addresses use the first four octets; the others are 0.
struct endpoint {
  uint8_t family;  // 4 or 6
  uint16_t port;
  uint8_t address[16];
};

struct segment {
  struct endpoint from;
  struct endpoint to;
  uint32_t seq;
  uint32_t ack;
  bool syn;
  bool has_ack;
  bool fin;
  bool rst;
  const uint8_t *bytes;
  size_t len;       // captured
  size_t wire_len;  // that were sent: more where the capture cut the packet off
};

// Whether link layers of this type (DLT_…) can be read.
bool packet_link_is_known(int link);
// False for what is no whole TCP over IP: another protocol, a fragment, or too short.
bool packet_read(struct segment *out, int link, const uint8_t *packet, size_t len);

#endif  // EHLO_TOOLS_CAPTURE_PACKET_H
