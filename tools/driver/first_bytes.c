// First bytes of other protocols.
#include "tools/driver/first_bytes.h"

#include <string.h>

#define OTHER_PORT "submission is another port, mostly 587 or 465"

static const struct {
  const char *begin;
  size_t len;
  const char *sentence;
} known[] = {
#define ROW(begin, sentence) \
  { begin, sizeof(begin) - 1, sentence }
    ROW("HTTP/", "this is a web server, not a mail server"),
    ROW("<!", "this is a web server, not a mail server"),
    ROW("<html", "this is a web server, not a mail server"),
    ROW("SSH-", "this is an SSH server, not a mail server"),
    ROW("\x16\x03", "the server speaks TLS from the first byte: use --tls implicit"),
    ROW("\x15\x03", "the server speaks TLS from the first byte: use --tls implicit"),
    ROW("* OK", "this is an IMAP server; " OTHER_PORT),
    ROW("* BYE", "this is an IMAP server; " OTHER_PORT),
    ROW("* PREAUTH", "this is an IMAP server; " OTHER_PORT),
    ROW("+OK", "this is a POP3 server; " OTHER_PORT),
    ROW("-ERR", "this is a POP3 server; " OTHER_PORT),
    ROW("RFB ", "this is a VNC server, not a mail server"),
    ROW("\x03\x00\x00", "this is a remote desktop (RDP), not a mail server"),
    ROW("\x4a\x00\x00\x00\x0a", "this is a MySQL server, not a mail server"),
    ROW("220 ****",
        "a firewall between rewrites the greeting (Cisco \"fixup smtp\" or \"inspect "
        "esmtp\"), and hides STARTTLS: have it switched off, or use port 465"),
    ROW("220-FileZilla", "this is an FTP server, not a mail server"),
    ROW("220 (vsFTPd", "this is an FTP server, not a mail server"),
    ROW("220 ProFTPD", "this is an FTP server, not a mail server"),
    ROW("220 FTP", "this is an FTP server, not a mail server"),
#undef ROW
};

const char *first_bytes_look(struct ehlo_span line) {
  for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
    if (line.len >= known[i].len && memcmp(line.bytes, known[i].begin, known[i].len) == 0) {
      return known[i].sentence;
    }
  }
  // A MySQL greeting: its length in three octets, a zero, and version 10 of its protocol.
  if (line.len >= 5 && line.bytes[1] == 0 && line.bytes[2] == 0 && line.bytes[3] == 0 &&
      line.bytes[4] == 10) {
    return "this is a MySQL server, not a mail server";
  }
  return NULL;
}
