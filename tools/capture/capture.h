// Captures of packets (pcap and pcapng, read by libpcap): which connections of SMTP are in one, and what was
// said in each. Connections that are encrypted from their first octet are listed and cannot be read.
#ifndef EHLO_TOOLS_CAPTURE_CAPTURE_H
#define EHLO_TOOLS_CAPTURE_CAPTURE_H

#include <stdio.h>

#include "replay/transcript.h"
#include "tools/capture/packet.h"

#define CAPTURE_CONNECTIONS_MAX 1024

struct capture_connection {
  struct endpoint client;
  struct endpoint server;
  uint64_t begin_us;   // since 1970
  uint64_t octets[2];  // captured, by enum ehlo_side
  bool saw_begin;      // the SYN is in the capture
  bool is_smtp;        // by the server's first octets, or by its port
  bool is_tls;         // the client's first octets are a TLS record
  bool server_spoke;
  bool client_spoke;
};

struct capture_list {
  size_t num;
  bool is_full;       // there are more connections in the capture
  size_t num_unread;  // packets of TCP that could not be put to use: fragments, or cut off
  struct capture_connection connections[CAPTURE_CONNECTIONS_MAX];
};

#define CAPTURE_ERROR_MAX 300

// Whether a file that begins so is a capture.
bool capture_is_one(const uint8_t *head, size_t len);
// Lists the connections of SMTP, in the order of their beginnings. False if `file` is no capture that can
// be read; `error` then has a sentence. `file` is left open, anywhere.
bool capture_list(struct capture_list *out, char error[CAPTURE_ERROR_MAX], FILE *file);

// What is told of one connection, in order; times are since 1970.
struct capture_sink {
  void (*said)(void *arg, enum ehlo_side side, const uint8_t *bytes, size_t len, uint64_t time_us);
  // "connect …", "eof S", "reset C", "note …".
  void (*fact)(void *arg, const char *text, uint64_t time_us);
  void *arg;
};
bool capture_read(const struct capture_connection *connection, const struct capture_sink *sink,
                  char error[CAPTURE_ERROR_MAX], FILE *file);

#define CAPTURE_ENDPOINT_MAX 64
// "203.0.113.7:587", "[2001:db8::1]:587"
void capture_endpoint_text(char out[CAPTURE_ENDPOINT_MAX], const struct endpoint *e);

#endif  // EHLO_TOOLS_CAPTURE_CAPTURE_H
