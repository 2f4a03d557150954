// Where a message on standard input ends.
#include "tools/driver/sendmail_input.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// Gives `text` to the reader in pieces of `piece` octets, each of which is a read of its own.
static void expect(const char *text, bool dot_ends, const char *wanted, size_t piece) {
  int ends[2];
  uint8_t *bytes;
  size_t len;
  cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
  for (size_t i = 0; i < strlen(text); i += piece) {
    size_t n = strlen(text) - i < piece ? strlen(text) - i : piece;
    cr_assert_eq(write(ends[1], text + i, n), (ssize_t)n);
  }
  close(ends[1]);
  cr_assert_eq(sendmail_input_read(&bytes, &len, ends[0], dot_ends), 0);
  close(ends[0]);
  cr_assert(len == strlen(wanted) && memcmp(bytes, wanted, len) == 0, "%.*s", (int)len,
            (const char *)bytes);
  free(bytes);
}

static const char message[] = "A: b\n\n..\n.x\n .\n. \n.\r\nafter\n.\n";

Test(sendmail_input, dot_ends) {
  for (size_t piece = 1; piece < sizeof(message); piece += 7) {
    expect(message, true, "A: b\n\n..\n.x\n .\n. \n", piece);
    expect(message, false, message, piece);
  }
  expect("", true, "", 1);
  expect(".", true, "", 1);
  expect(".\n", true, "", 1);
  expect("a\n.", true, "a\n", 1);
  expect("a\n.\r", true, "a\n", 1);
  expect("a\n.b", true, "a\n.b", 1);
  expect("a.\n", true, "a.\n", 1);
}

// A terminal's user types the dot and waits: what comes later must not be waited for.
Test(sendmail_input, dot_ends_at_once) {
  int ends[2];
  uint8_t *bytes;
  size_t len;
  cr_assert_eq(pipe(ends), 0);
  cr_assert_eq(write(ends[1], "a\n.\n", 4), 4);
  cr_assert_eq(sendmail_input_read(&bytes, &len, ends[0], true), 0);
  cr_assert_eq(len, 2);
  free(bytes);
  cr_assert_eq(sendmail_input_read(&bytes, &len, -1, true), 66);
}
