// Captures written here by libpcap, with every link layer that is known: the table of connections, and what
// is told of one.
#include "tools/capture/capture.h"

#include <criterion/criterion.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SYN 0x02
#define ACK 0x10
#define FIN 0x01
#define RST 0x04

// ---- Writing packets ----------------------------------------------------------------------------

static int link_type;
static int family;
static FILE *file;
static pcap_t *dead;
static pcap_dumper_t *dumper;
static uint64_t now_us;
static size_t snap;  // octets of a packet that are captured
static uint16_t client_port;
static uint16_t server_port;
static uint8_t packet[4096];
static size_t packet_len;

static void put(const void *bytes, size_t len) {
  memcpy(packet + packet_len, bytes, len);
  packet_len += len;
}

static void put16(unsigned value) {
  uint8_t bytes[] = {(uint8_t)(value >> 8), (uint8_t)value};
  put(bytes, 2);
}

static void put32(uint32_t value) {
  put16(value >> 16);
  put16(value & 0xffff);
}

static void put_link(void) {
  static const uint8_t zeros[24];
  unsigned type = family == 4 ? 0x0800 : 0x86dd;
  switch (link_type) {
    case DLT_EN10MB:
      put(zeros, 12);
      put32(0x81000007);  // a VLAN in another
      put32(0x88a80008);
      put16(type);
      break;
    case DLT_LINUX_SLL:
      put(zeros, 14);
      put16(type);
      break;
    case DLT_LINUX_SLL2:
      put16(type);
      put(zeros, 18);
      break;
    case DLT_NULL:
    case DLT_LOOP:
      put(zeros, 4);
      break;
    default:
      break;
  }
}

static void put_ip(bool from_client, size_t payload) {
  uint8_t ends[2][16] = {{10, 0, 0, 1}, {10, 0, 0, 2}};
  const uint8_t *from = ends[from_client ? 0 : 1];
  const uint8_t *to = ends[from_client ? 1 : 0];
  if (family == 4) {
    put32(0x45000000 | (uint32_t)(20 + payload));
    put32(0x00004000);
    put32(0x40060000);
    put(from, 4);
    put(to, 4);
  } else {
    static const uint8_t hop_by_hop[] = {6, 0, 1, 4, 0, 0, 0, 0};
    put32(0x60000000);
    put16((unsigned)(payload + sizeof(hop_by_hop)));
    put16(0x0040);  // what follows: hop by hop
    put(from, 16);
    put(to, 16);
    put(hop_by_hop, sizeof(hop_by_hop));
  }
}

static void write_packet(void) {
  struct pcap_pkthdr header = {.caplen = (bpf_u_int32)(packet_len < snap ? packet_len : snap),
                               .len = (bpf_u_int32)packet_len};
  header.ts.tv_sec = (time_t)(now_us / 1000000);
  header.ts.tv_usec = (suseconds_t)(now_us % 1000000);
  pcap_dump((u_char *)dumper, &header, packet);
  now_us += 1000;
}

static void segment(bool from_client, uint32_t seq, uint32_t ack, unsigned flags,
                    const char *text) {
  size_t len = strlen(text);
  packet_len = 0;
  put_link();
  put_ip(from_client, 24 + len);
  put16(from_client ? client_port : server_port);
  put16(from_client ? server_port : client_port);
  put32(seq);
  put32(ack);
  put32(0x60000000 | flags << 16);
  put32(0);
  put32(0x01010101);  // options
  put(text, len);
  write_packet();
}

static void begin(int link, int ip) {
  link_type = link;
  family = ip;
  now_us = UINT64_C(1700000000000000);
  snap = sizeof(packet);
  client_port = 40000;
  server_port = 2000;
  file = tmpfile();
  dead = pcap_open_dead(link, 65535);
  dumper = pcap_dump_fopen(dead, fdopen(dup(fileno(file)), "w"));
  cr_assert(dumper != NULL, "%s", pcap_geterr(dead));
}

static void end(void) {
  pcap_dump_close(dumper);
  pcap_close(dead);
}

// Client's numbers begin at 1000, the server's at 5000.
static void handshake(void) {
  segment(true, 999, 0, SYN, "");
  segment(false, 4999, 1000, SYN | ACK, "");
  segment(true, 1000, 5000, ACK, "");
}

// ---- Reading them -------------------------------------------------------------------------------

static struct capture_list list;
static char error[CAPTURE_ERROR_MAX];
static char story[4096];

static void tell(const char *text, size_t len) {
  size_t used = strlen(story);
  cr_assert(used + len < sizeof(story));
  memcpy(story + used, text, len);
  story[used + len] = '\0';
}

static void on_said(void *arg, enum ehlo_side side, const uint8_t *bytes, size_t len,
                    uint64_t time_us) {
  char mark[40];
  (void)arg;
  int n = snprintf(mark, sizeof(mark), "%c%03u:", side == EHLO_SIDE_SERVER ? 'S' : 'C',
                   (unsigned)((time_us - UINT64_C(1700000000000000)) / 1000));
  tell(mark, (size_t)n);
  tell((const char *)bytes, len);
  tell("|", 1);
}

static void on_fact(void *arg, const char *text, uint64_t time_us) {
  (void)arg;
  (void)time_us;
  tell(text, strlen(text));
  tell("|", 1);
}

static const char *read_connection(size_t number) {
  static const struct capture_sink sink = {on_said, on_fact, NULL};
  story[0] = '\0';
  cr_assert(number < list.num, "there are %zu connections", list.num);
  cr_assert(capture_read(&list.connections[number], &sink, error, file), "%s", error);
  return story;
}

static const char *read_only(void) {
  end();
  cr_assert(capture_list(&list, error, file), "%s", error);
  cr_assert_eq(list.num, 1);
  return read_connection(0);
}

// ---- The tests ----------------------------------------------------------------------------------

Test(capture, link_layers) {
  static const int links[] = {DLT_EN10MB,    DLT_NULL,       DLT_LOOP,
                              DLT_LINUX_SLL, DLT_LINUX_SLL2, DLT_RAW};
  for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
    for (int ip = 4; ip <= 6; ip += 2) {
      begin(links[i], ip);
      handshake();
      segment(false, 5000, 1000, ACK, "220 a\r\n");
      segment(true, 1000, 5007, ACK, "QUIT\r\n");
      segment(false, 5007, 1006, ACK | FIN, "221 b\r\n");
      char expected[200];
      snprintf(expected, sizeof(expected),
               "connect %s|S003:220 a\r\n|C004:QUIT\r\n|S005:221 b\r\n|eof S|",
               ip == 4 ? "10.0.0.2:2000 10.0.0.2" : "[a00:2::]:2000 a00:2::");
      cr_expect_str_eq(read_only(), expected, "link %d, IPv%d", links[i], ip);
      cr_expect_eq(list.num_unread, 0);
      fclose(file);
    }
  }
}

Test(capture, out_of_order_and_twice) {
  begin(DLT_RAW, 4);
  handshake();
  segment(false, 5004, 1000, ACK, "a\r\n");
  segment(false, 5000, 1000, ACK, "220 ");
  segment(false, 5000, 1000, ACK, "220 a\r\n");
  segment(true, 1000, 5007, ACK, "QUIT\r\n");
  cr_expect_str_eq(read_only(),
                   "connect 10.0.0.2:2000 10.0.0.2|S004:220 |S004:a\r\n|C006:QUIT\r\n|");
}

Test(capture, a_segment_that_is_not_there) {
  begin(DLT_RAW, 4);
  handshake();
  segment(false, 5000, 1000, ACK, "220 a\r\n");
  segment(false, 5020, 1006, ACK, "250 c\r\n");  // acknowledges QUIT, which nobody saw
  segment(true, 1006, 5027, ACK, "RSET\r\n");
  cr_expect_str_eq(read_only(),
                   "connect 10.0.0.2:2000 10.0.0.2|S003:220 a\r\n|"
                   "note missing from the capture: 6 octets of the client|"
                   "note missing from the capture: 13 octets of the server|S005:250 c\r\n|"
                   "C005:RSET\r\n|");
}

Test(capture, packets_that_were_cut_off) {
  begin(DLT_RAW, 4);
  handshake();
  snap = 20 + 24 + 5;
  segment(false, 5000, 1000, ACK, "220 a long greeting\r\n");
  segment(true, 1000, 5021, ACK, "QUIT\r\n");
  cr_expect_str_eq(read_only(),
                   "connect 10.0.0.2:2000 10.0.0.2|S003:220 a|"
                   "note missing from the capture: 16 octets of the server|C004:QUIT\r|");
}

Test(capture, begins_in_the_middle) {
  begin(DLT_RAW, 4);
  server_port = 587;
  segment(true, 1000, 5000, ACK, "NOOP\r\n");
  segment(false, 5000, 1006, ACK, "250 a\r\n");
  segment(true, 1006, 5007, ACK | RST, "");
  cr_expect_str_eq(read_only(),
                   "connect 10.0.0.2:587 10.0.0.2|note the capture begins within the connection|"
                   "C000:NOOP\r\n|S001:250 a\r\n|reset C|");
}

Test(capture, several) {
  begin(DLT_RAW, 4);
  for (unsigned i = 0; i < 3; i++) {
    handshake();  // the second time between the same ends
    segment(false, 5000, 1000, ACK, i == 2 ? "HTTP/1.1\r\n" : "220 a\r\n");
    segment(true, 1000, 5007, ACK, i == 0 ? "QUIT\r\n" : "RSET\r\n");
    client_port = (uint16_t)(client_port + (i == 1 ? 1 : 0));
  }
  client_port = 50000;
  server_port = 465;
  handshake();
  segment(true, 1000, 5000, ACK, "\x16\x03\x01...");
  end();
  cr_assert(capture_list(&list, error, file), "%s", error);
  cr_assert_eq(list.num, 3);
  cr_expect_str_eq(read_connection(0),
                   "connect 10.0.0.2:2000 10.0.0.2|S003:220 a\r\n|C004:QUIT\r\n|");
  cr_expect_str_eq(read_connection(1),
                   "connect 10.0.0.2:2000 10.0.0.2|S008:220 a\r\n|C009:RSET\r\n|");
  cr_expect(list.connections[2].is_tls && !list.connections[0].is_tls);
}

Test(capture, other_packets) {
  begin(DLT_EN10MB, 4);
  handshake();
  segment(false, 5000, 1000, ACK, "220 a\r\n");
  packet_len = 60;
  memset(packet, 0xff, 60);
  write_packet();
  packet_len = 5;
  write_packet();
  cr_expect_str_eq(read_only(), "connect 10.0.0.2:2000 10.0.0.2|S003:220 a\r\n|");
  cr_expect_eq(list.num_unread, 2);
}

// Any packet, cut at any octet, is a segment or is none, and nothing is read beyond it.
Test(capture, packets_of_any_length) {
  for (int ip = 4; ip <= 6; ip += 2) {
    begin(DLT_EN10MB, ip);
    segment(true, 1, 2, ACK, "abc");
    for (size_t len = 0; len <= packet_len; len++) {
      uint8_t *exact = malloc(len + 1);
      struct segment s;
      memcpy(exact, packet, len);
      uint8_t *end_of_it = realloc(exact, len > 0 ? len : 1);
      if (packet_read(&s, DLT_EN10MB, end_of_it, len)) {
        cr_expect(s.len <= 3 && s.wire_len == 3);
        cr_expect(s.bytes + s.len <= end_of_it + len);
      }
      free(end_of_it);
    }
    end();
    fclose(file);
  }
}

Test(capture, no_capture) {
  static const uint8_t head[] = {0xd4, 0xc3, 0xb2, 0xa1};
  cr_expect(capture_is_one(head, 4) && !capture_is_one(head, 3));
  cr_expect(!capture_is_one((const uint8_t *)"220 ", 4));
  file = tmpfile();
  fwrite(head, 1, 4, file);
  fflush(file);
  cr_expect(!capture_list(&list, error, file));
  cr_expect(strstr(error, "no capture") != NULL, "%s", error);
  begin(DLT_IEEE802_11, 4);
  end();
  cr_expect(!capture_list(&list, error, file));
  cr_expect(strstr(error, "link type IEEE802_11") != NULL, "%s", error);
}
