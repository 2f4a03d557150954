// The configuration file as a whole: who can read it, and what is not taken for one.
#include "tools/driver/settings_file.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[] = "/tmp/settings_file_test.XXXXXX";

static void put(const char *bytes, size_t len, mode_t mode) {
  int fd = mkstemp(path);
  cr_assert_geq(fd, 0);
  cr_assert_eq(write(fd, bytes, len), (ssize_t)len);
  cr_assert_eq(fchmod(fd, mode), 0);
  close(fd);
}

static void remove_it(void) {
  unlink(path);
}

Test(settings_file, whole_and_private, .fini = remove_it) {
  static const mode_t modes[] = {0600, 0400, 0640, 0604, 0620, 0610};
  struct settings_file f;
  put("a = b\n", 6, 0600);
  for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
    cr_assert_eq(chmod(path, modes[i]), 0);
    cr_assert_null(settings_file_read(&f, path));
    cr_assert_str_eq(f.text, "a = b\n");
    cr_assert_eq(f.len, 6);
    cr_assert_eq(f.is_private, i < 2, "%o", (unsigned)modes[i]);
    settings_file_free(&f);
    cr_assert_null(f.text);
  }
}

Test(settings_file, longest_and_longer, .fini = remove_it) {
  struct settings_file f;
  char *text = malloc(SETTINGS_FILE_MAX + 1);
  memset(text, '#', SETTINGS_FILE_MAX + 1);
  put(text, SETTINGS_FILE_MAX, 0600);
  cr_assert_null(settings_file_read(&f, path));
  cr_assert_eq(f.len, SETTINGS_FILE_MAX);
  settings_file_free(&f);
  int fd = open(path, O_WRONLY | O_APPEND);
  cr_assert_eq(write(fd, "#", 1), 1);
  close(fd);
  free(text);
  cr_assert_str_eq(settings_file_read(&f, path), "it is longer than 1 MiB");
  cr_assert_null(f.text);
}

Test(settings_file, nul_byte, .fini = remove_it) {
  struct settings_file f;
  put("a = b\n\0c = d\n", 13, 0600);
  cr_assert_str_eq(settings_file_read(&f, path), "there is a NUL byte in it");
  cr_assert_eq(errno, 0);
  cr_assert_null(f.text);
}

Test(settings_file, what_the_system_says) {
  struct settings_file f;
  cr_assert_str_eq(settings_file_read(&f, "/nowhere/at/all"), strerror(ENOENT));
  cr_assert_eq(errno, ENOENT);
  cr_assert_str_eq(settings_file_read(&f, "/"), strerror(EISDIR));
  cr_assert_eq(errno, EISDIR);
}
