// Fetching a password.
#include "tools/driver/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/mem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <termios.h>
#include <unistd.h>

#include "engine/credential.h"
#include "tools/driver/complaints.h"
#include "tools/driver/token.h"

void secret_wipe(struct secret *s) {
  OPENSSL_cleanse(s, sizeof(*s));
}

// Reads the first line from `fd`, without buffers of stdio's that would keep a copy.
static int read_line(struct secret *out, int fd, const char *what) {
  uint8_t c;
  ssize_t n;
  out->len = 0;
  while ((n = read(fd, &c, 1)) != 0 && c != '\n') {
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n < 0) {
      fprintf(complaints(), "ehlo: cannot read %s: %s\n", what, strerror(errno));
      return EX_NOINPUT;
    }
    if (out->len == sizeof(out->bytes)) {
      fprintf(complaints(), "ehlo: %s has more than %d characters in its first line\n", what,
              SECRET_MAX);
      return EX_DATAERR;
    }
    out->bytes[out->len++] = c;
  }
  if (out->len > 0 && out->bytes[out->len - 1] == '\r') {
    out->len--;
  }
  return 0;
}

// Only the first line is the secret. What follows is looked at where that takes it from nobody
// else, to tell a secret cut short; nothing of it is kept.
static void look_behind(struct secret *out, int fd) {
  static const uint32_t in_lines =
      1U << EHLO_CREDENTIAL_PASSWORD_WRAPPED | 1U << EHLO_CREDENTIAL_TOKEN_JSON;
  size_t total = out->len;
  ssize_t n = 1;
  if (total < sizeof(out->bytes)) {
    out->bytes[total++] = '\n';
  }
  while (n > 0 && total < sizeof(out->bytes)) {
    n = read(fd, out->bytes + total, sizeof(out->bytes) - total);
    total += n > 0 ? (size_t)n : 0;
  }
  struct ehlo_span text = {out->bytes, total};
  out->findings = ehlo_credential_look((struct ehlo_span){NULL, 0}, text) & in_lines;
  OPENSSL_cleanse(out->bytes + out->len, total - out->len);
}

static int from_file(struct secret *out, const char *path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    fprintf(complaints(), "ehlo: cannot read the password file %s: %s\n", path, strerror(errno));
    return EX_NOINPUT;
  }
  int status = read_line(out, fd, "the password file");
  struct stat info;
  if (status == 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) {
    look_behind(out, fd);
  }
  close(fd);
  return status;
}

static int from_command(struct secret *out, const char *command) {
  FILE *pipe = popen(command, "re");
  if (pipe == NULL) {
    fprintf(complaints(), "ehlo: cannot run the password command: %s\n", strerror(errno));
    return EX_NOINPUT;
  }
  int status = read_line(out, fileno(pipe), "the password command");
  if (status == 0) {
    look_behind(out, fileno(pipe));
  }
  uint8_t rest[256];
  while (read(fileno(pipe), rest, sizeof(rest)) > 0) {
  }
  int ended = pclose(pipe);
  if (status == 0 && ended != 0) {
    fprintf(complaints(), "ehlo: the password command failed\n");
    status = EX_NOINPUT;
  }
  return status;
}

// It is closed then: nobody reads the line a second time.
static int from_descriptor(struct secret *out, int fd) {
  int status = read_line(out, fd, "the descriptor of --password-fd");
  close(fd);
  return status;
}

static int from_environment(struct secret *out, char *value) {
  size_t len = strlen(value);
  if (len > sizeof(out->bytes)) {
    fprintf(complaints(), "ehlo: EHLO_PASSWORD has more than %d characters\n", SECRET_MAX);
    return EX_DATAERR;
  }
  memcpy(out->bytes, value, len);
  out->len = len;
  OPENSSL_cleanse(value, len);
  unsetenv("EHLO_PASSWORD");
  return 0;
}

static int from_prompt(struct secret *out, const char *user) {
  struct termios before;
  int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
  if (fd < 0 || tcgetattr(fd, &before) != 0) {
    fprintf(complaints(),
            "ehlo: --user needs a password: --password-file, --password-command, "
            "EHLO_PASSWORD, or a terminal to ask on\n");
    return EX_USAGE;
  }
  struct termios silent = before;
  silent.c_lflag &= ~(tcflag_t)ECHO;
  tcsetattr(fd, TCSAFLUSH, &silent);
  dprintf(fd, "Password for %s: ", user);
  int status = read_line(out, fd, "the terminal");
  tcsetattr(fd, TCSAFLUSH, &before);
  dprintf(fd, "\n");
  close(fd);
  return status;
}

int secret_get(struct secret *out, const struct secret_source *source) {
  memset(out, 0, sizeof(*out));
  mlock(out, sizeof(*out));  // where the limit allows it; not having it is no reason to stop
  char *environment = getenv("EHLO_PASSWORD");
  if (source->file != NULL) {
    return from_file(out, source->file);
  }
  if (source->command != NULL) {
    return from_command(out, source->command);
  }
  if (source->token_command != NULL) {
    return token_get(out, source->token_command);
  }
  if (source->fd > 0) {
    return from_descriptor(out, source->fd - 1);
  }
  return environment != NULL ? from_environment(out, environment) : from_prompt(out, source->user);
}
