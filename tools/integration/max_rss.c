// Says how much memory a program takes: runs it, and writes its maximal resident set in KiB to
// standard error as the last line. Without an argument it does nothing at all, which makes it the
// empty program, linked with the same BoringSSL, that others are compared with.
#include <openssl/ssl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
  SSL_CTX *(*volatile linked)(const SSL_METHOD *) = SSL_CTX_new;  // keeps the library linked
  struct rusage usage;
  int status;
  if (argc < 2) {
    return linked == NULL;
  }
  // What a child takes before its exec counts too: it has to be forked from something small.
  pid_t child = fork();
  if (child == 0) {
    execv(argv[1], argv + 1);
    _exit(127);
  }
  if (child < 0 || wait4(child, &status, 0, &usage) != child) {
    perror("max_rss");
    return 1;
  }
  fprintf(stderr, "%ld\n", usage.ru_maxrss);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
