// Who speaks is told by a few bytes, and a mail server is nobody else.
#include <criterion/criterion.h>
#include <string.h>

#include "tools/driver/first_bytes.h"

static const char *look(const char *bytes, size_t len) {
  const char *sentence = first_bytes_look((struct ehlo_span){(const uint8_t *)bytes, len});
  return sentence != NULL ? sentence : "";
}
#define LOOK(literal) look(literal, sizeof(literal) - 1)

Test(first_bytes, tells_other_protocols) {
  cr_assert(strstr(LOOK("HTTP/1.1 400 Bad Request"), "web server"));
  cr_assert(strstr(LOOK("SSH-2.0-OpenSSH_9.2"), "SSH"));
  cr_assert(strstr(LOOK("\x15\x03\x03\x00\x02"), "--tls implicit"));
  cr_assert(strstr(LOOK("\x16\x03\x01"), "--tls implicit"));
  cr_assert(strstr(LOOK("* OK [CAPABILITY IMAP4rev1]"), "IMAP"));
  cr_assert(strstr(LOOK("+OK ready"), "POP3"));
  cr_assert(strstr(LOOK("220 (vsFTPd 3.0.3)"), "FTP"));
  cr_assert(strstr(LOOK("220 ********************"), "firewall"));
  cr_assert(strstr(LOOK("\x5b\x00\x00\x00\x0a"
                        "8.0.36"),
                   "MySQL"));
  cr_assert(strstr(LOOK("\x03\x00\x00\x0b"), "RDP"));
}

Test(first_bytes, leaves_mail_servers_alone) {
  cr_assert_str_eq(LOOK("220 mail.example.com ESMTP"), "");
  cr_assert_str_eq(LOOK("220-mail.example.com"), "");
  cr_assert_str_eq(LOOK("554 no"), "");
}

Test(first_bytes, bears_cuts) {
  cr_assert_str_eq(LOOK(""), "");
  cr_assert_str_eq(LOOK("SSH"), "");
  cr_assert_str_eq(LOOK("\x16"), "");
}
