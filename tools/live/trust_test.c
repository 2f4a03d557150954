// Where trust begins: a file, the environment, one certificate.
#include "tools/live/trust.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/x509.h>

#include <criterion/criterion.h>

#include "tools/live/testing/identity.h"

struct place {
  struct live_test_identity identity;
  char dir[64];
  char path[128];    // a file in it
  char hashed[128];  // another, as a hashed directory names it
};

static void place_make(struct place *p) {
  (void)snprintf(p->dir, sizeof p->dir, "/tmp/ehlo-trust-XXXXXX");
  cr_assert(mkdtemp(p->dir) != NULL);
  live_test_identity_make(&p->identity, "mail.example", 30);
  (void)snprintf(p->path, sizeof p->path, "%s/roots.pem", p->dir);
  unsigned long hash = X509_NAME_hash(X509_get_subject_name(p->identity.authority.x509));
  (void)snprintf(p->hashed, sizeof p->hashed, "%s/%08lx.0", p->dir, hash);
  unsetenv("SSL_CERT_FILE");
  unsetenv("SSL_CERT_DIR");
}

static void place_free(struct place *p) {
  (void)unlink(p->path);
  (void)unlink(p->hashed);
  cr_expect_eq(rmdir(p->dir), 0);
  live_test_identity_free(&p->identity);
}

// Loads `roots` and judges the server's certificate by them; `error` is why they did not load.
static struct live_verdict judge(struct place *p, char *error, size_t error_cap,
                                 const struct live_roots *roots) {
  struct live_verdict verdict = {.reason = "not loaded"};
  X509_STORE *store = X509_STORE_new();
  X509_STORE_CTX *chain = X509_STORE_CTX_new();
  STACK_OF(X509) *sent = sk_X509_new_null();
  cr_assert(store != NULL && chain != NULL && sent != NULL);
  cr_assert(sk_X509_push(sent, p->identity.server.x509) == 1);
  if (live_trust_load(store, error, error_cap, roots)) {
    cr_assert(X509_STORE_CTX_init(chain, store, p->identity.server.x509, sent));
    live_trust_judge(&verdict, chain, "mail.example");
  }
  X509_STORE_CTX_free(chain);
  X509_STORE_free(store);
  sk_X509_free(sent);
  return verdict;
}

static void expect_trusted(struct place *p, bool trusted, const struct live_roots *roots) {
  char error[256];
  struct live_verdict verdict = judge(p, error, sizeof error, roots);
  cr_expect(verdict.name_ok, "%s", verdict.reason);
  cr_expect_eq(verdict.chain_ok, trusted, "%s %s", error, verdict.reason);
  cr_expect_str_eq(error, "");
}

Test(live_trust, reads_a_file) {
  struct place p;
  place_make(&p);
  struct live_roots roots = {.file = p.path};
  live_test_write_pem(p.path, p.identity.authority.x509);
  expect_trusted(&p, true, &roots);
  live_test_write_pem(p.path, p.identity.server.x509);
  expect_trusted(&p, true, &roots);  // the server's own certificate is enough
  place_free(&p);
}

Test(live_trust, a_file_stands_in_for_the_environment) {
  struct place p;
  struct live_test_identity other;
  place_make(&p);
  live_test_identity_make(&other, "mail.example", 30);
  live_test_write_pem(p.path, other.authority.x509);
  live_test_write_pem(p.hashed, p.identity.authority.x509);
  setenv("SSL_CERT_FILE", p.hashed, 1);
  struct live_roots roots = {.file = p.path};
  expect_trusted(&p, false, &roots);
  live_test_identity_free(&other);
  place_free(&p);
}

Test(live_trust, obeys_the_environment) {
  struct place p;
  struct live_roots roots = {.file = NULL};
  place_make(&p);
  expect_trusted(&p, false, &(struct live_roots){.root = p.identity.server.x509});
  live_test_write_pem(p.path, p.identity.authority.x509);
  setenv("SSL_CERT_DIR", p.dir, 1);
  expect_trusted(&p, false, &roots);  // nothing there has the hash for its name
  setenv("SSL_CERT_FILE", p.path, 1);
  expect_trusted(&p, true, &roots);
  unsetenv("SSL_CERT_FILE");
  live_test_write_pem(p.hashed, p.identity.authority.x509);
  expect_trusted(&p, true, &roots);
  place_free(&p);
}

Test(live_trust, says_why_roots_cannot_be_read) {
  struct place p;
  char error[256];
  place_make(&p);
  struct live_roots roots = {.file = p.path};
  (void)judge(&p, error, sizeof error, &roots);
  cr_expect(strstr(error, "roots.pem: No such file or directory") != NULL, "%s", error);
  FILE *f = fopen(p.path, "w");
  cr_assert(f != NULL && fputs("not PEM\n", f) >= 0 && fclose(f) == 0);
  (void)judge(&p, error, sizeof error, &roots);
  cr_expect(strstr(error, "roots.pem: it holds no PEM certificate") != NULL, "%s", error);
  roots.file = p.dir;
  (void)judge(&p, error, sizeof error, &roots);
  cr_expect(strstr(error, "Is a directory") != NULL, "%s", error);
  place_free(&p);
}

// Of the system's store only the one root in question is read, see live_trust_load().
Test(live_trust, finds_the_roots_of_the_system) {
  static const char dir[] = "/etc/ssl/certs";
  struct place p;
  if (access(dir, R_OK) != 0) {
    cr_skip("there is no %s here", dir);
  }
  place_make(&p);
  expect_trusted(&p, false, &(struct live_roots){.file = NULL});
  place_free(&p);
}
