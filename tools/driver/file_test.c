// What can be read and what cannot. A case that waits for a writer would not end; its time is bounded.
#include "tools/driver/file.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static void in_a_directory(void) {
  char directory[] = "/tmp/ehlo-file.XXXXXX";
  cr_assert_not_null(mkdtemp(directory));
  cr_assert_eq(chdir(directory), 0);
}

static void refuses(const char *path, const char *expected) {
  const char *why = "";
  cr_assert_null(file_open(&why, path), "%s is opened", path);
  cr_assert_str_eq(why, expected, "%s: %s", path, why);
}

static void reads(const char *path, const char *expected) {
  const char *why = "";
  uint8_t buf[64];
  size_t len = 0;
  long n;
  FILE *file = file_open(&why, path);
  cr_assert_not_null(file, "%s: %s", path, why);
  cr_assert_eq(fcntl(fileno(file), F_GETFL) & O_NONBLOCK, 0);
  while ((n = file_read(file, buf + len, sizeof(buf) - len)) > 0) {
    len += (size_t)n;
  }
  cr_assert_eq(n, 0);
  cr_assert_eq(len, strlen(expected));
  cr_assert_arr_eq(buf, expected, len);
  file_close(file);
}

TestSuite(file, .init = in_a_directory, .timeout = 60);

Test(file, reads_a_file) {
  FILE *file = fopen("a", "w");
  fputs("S: 220 hello\n", file);
  fclose(file);
  reads("a", "S: 220 hello\n");
}

Test(file, says_what_cannot_be_read) {
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
  refuses("nowhere", "No such file or directory");
  refuses(".", "it is a directory");
  refuses("socket", "it is a socket");
  refuses("/dev/zero", "it is a device");
}

Test(file, does_not_wait_for_a_writer) {
  cr_assert_eq(mkfifo("pipe", 0600), 0);
  refuses("pipe", "it is a named pipe to which nobody writes");
}

Test(file, reads_what_a_writer_has_written) {
  cr_assert_eq(mkfifo("pipe", 0600), 0);
  int both = open("pipe", O_RDWR);
  cr_assert_eq(write(both, "hello", 5), 5);
  const char *why = "";
  FILE *file = file_open(&why, "pipe");
  cr_assert_not_null(file, "%s", why);
  close(both);
  uint8_t buf[16];
  cr_assert_eq(file_read(file, buf, sizeof(buf)), 5);
  cr_assert_arr_eq(buf, "hello", 5);
  cr_assert_eq(file_read(file, buf, sizeof(buf)), 0);
  file_close(file);
}

struct late_writer {
  int go;  // says something only when this does
  int pipe;
};

static void *write_late(void *arg) {
  const struct late_writer *w = arg;
  char octet;
  bool good = read(w->go, &octet, 1) == 1 && write(w->pipe, "late", 4) == 4;
  close(w->pipe);
  return good ? arg : NULL;
}

Test(file, waits_for_a_writer_that_is_there) {
  int go[2];
  pthread_t thread;
  cr_assert_eq(mkfifo("pipe", 0600), 0);
  cr_assert_eq(pipe(go), 0);
  struct late_writer writer = {go[0], open("pipe", O_RDWR)};
  cr_assert_eq(pthread_create(&thread, NULL, write_late, &writer), 0);
  const char *why = "";
  FILE *file = file_open(&why, "pipe");
  cr_assert_not_null(file, "%s", why);
  cr_assert_eq(write(go[1], "", 1), 1);
  uint8_t buf[16];
  cr_assert_eq(file_read(file, buf, sizeof(buf)), 4);
  cr_assert_arr_eq(buf, "late", 4);
  void *said = NULL;
  cr_assert_eq(pthread_join(thread, &said), 0);
  cr_expect_not_null(said);
  cr_assert_eq(file_read(file, buf, sizeof(buf)), 0);
  file_close(file);
}

Test(file, reads_a_pipe_without_a_name) {
  int ends[2];
  char path[32];
  cr_assert_eq(pipe(ends), 0);
  cr_assert_eq(write(ends[1], "hello", 5), 5);
  close(ends[1]);
  snprintf(path, sizeof(path), "/dev/fd/%d", ends[0]);
  reads(path, "hello");
}
