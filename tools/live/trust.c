// Loads roots, checks chain and name, and finds the words for a refusal. It must not turn a failure
// into a success: going on regardless is decided elsewhere.
#include "tools/live/trust.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "tools/live/describe.h"
#include "tools/live/text.h"

#define NAMES_SHOWN 5  // of a certificate that is for others
#define HOST_NAME_MAX_LEN 253

// ---- Roots --------------------------------------------------------------------------------------

// Where systems keep their roots: a directory that is searched by a hash of the subject, so that
// only the one root in question is ever in memory, or else everything in a file.
static const char *const system_dirs[] = {"/etc/ssl/certs"};
static const char *const system_files[] = {
    "/etc/ssl/certs/ca-certificates.crt",  // Debian, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",    // Fedora
    "/etc/ssl/ca-bundle.pem",              // openSUSE
    "/etc/ssl/cert.pem",                   // Alpine, BSD, macOS
};

// "1a2b3c4d.0", as made by `openssl rehash`.
static bool is_hash_name(const char *name) {
  size_t n = strspn(name, "0123456789abcdef");
  return n == 8 && name[8] == '.' && isdigit((unsigned char)name[9]);
}

static bool is_hashed_dir(const char *path) {
  DIR *dir = opendir(path);
  bool found = false;
  if (dir != NULL) {
    for (struct dirent *e = readdir(dir); e != NULL && !found; e = readdir(dir)) {
      found = is_hash_name(e->d_name);
    }
    closedir(dir);
  }
  return found;
}

static bool add_dir(X509_STORE *store, const char *dirs) {
  X509_LOOKUP *lookup = X509_STORE_add_lookup(store, X509_LOOKUP_hash_dir());
  return lookup != NULL && X509_LOOKUP_add_dir(lookup, dirs, X509_FILETYPE_PEM) == 1;
}

static bool add_file(X509_STORE *store, const char *file) {
  X509_LOOKUP *lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());
  return lookup != NULL && X509_LOOKUP_load_file(lookup, file, X509_FILETYPE_PEM) == 1;
}

static bool load_file(X509_STORE *store, char *error, size_t error_cap, const char *file) {
  errno = 0;
  ERR_clear_error();
  bool ok = add_file(store, file);
  if (!ok) {
    int why = errno;
    struct live_text t;
    live_text_init(&t, error, error_cap);
    live_text_format(&t, "cannot read root certificates from ");
    live_text_bytes(&t, file, strlen(file));
    live_text_format(&t, ": %s", why != 0 ? strerror(why) : "it holds no PEM certificate");
  }
  ERR_clear_error();
  return ok;
}

static bool load_system(X509_STORE *store, char *error, size_t error_cap) {
  for (size_t i = 0; i < sizeof system_dirs / sizeof system_dirs[0]; i++) {
    if (is_hashed_dir(system_dirs[i])) {
      return add_dir(store, system_dirs[i]);
    }
  }
  for (size_t i = 0; i < sizeof system_files / sizeof system_files[0]; i++) {
    if (add_file(store, system_files[i])) {
      return true;
    }
  }
  ERR_clear_error();
  struct live_text t;
  live_text_init(&t, error, error_cap);
  live_text_format(&t, "no root certificates are installed: neither %s nor %s has any",
                   system_dirs[0], system_files[0]);
  return false;
}

bool live_trust_load(X509_STORE *store, char *error, size_t error_cap,
                     const struct live_roots *roots) {
  error[0] = '\0';
  X509_STORE_set_flags(store, X509_V_FLAG_TRUSTED_FIRST);
  if (roots->root != NULL) {
    return X509_STORE_add_cert(store, roots->root) == 1;
  }
  if (roots->file != NULL) {
    // Whoever names an intermediate, or the server's own certificate, means that one to be enough.
    X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
    return load_file(store, error, error_cap, roots->file);
  }
  const char *file = getenv("SSL_CERT_FILE");
  const char *dirs = getenv("SSL_CERT_DIR");
  bool has_file = file != NULL && file[0] != '\0';
  bool has_dirs = dirs != NULL && dirs[0] != '\0';
  if (!has_file && !has_dirs) {
    return load_system(store, error, error_cap);
  }
  // Either one replaces the whole system store: who narrows trust gets no more than was named.
  return (!has_dirs || add_dir(store, dirs)) &&
         (!has_file || load_file(store, error, error_cap, file));
}

// ---- The name -----------------------------------------------------------------------------------

bool live_trust_is_address(const char *name) {
  uint8_t ip[16];
  return inet_pton(AF_INET, name, ip) == 1 || inet_pton(AF_INET6, name, ip) == 1;
}

// Only plain host names reach X509_check_host(), which gives other forms meanings of their own.
static bool is_host_name(const char *name, size_t len) {
  if (len == 0 || len > HOST_NAME_MAX_LEN || name[0] == '.') {
    return false;
  }
  for (size_t i = 0; i < len; i++) {
    unsigned char c = (unsigned char)name[i];
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    bool digit = c >= '0' && c <= '9';
    if (!letter && !digit && c != '-' && c != '_' && c != '.') {
      return false;
    }
  }
  return true;
}

static void say_other_names(struct live_text *t, X509 *leaf, const char *name) {
  char names[256];
  struct live_text list;
  live_text_init(&list, names, sizeof names);
  size_t found = live_describe_names(&list, leaf, NAMES_SHOWN);
  if (found == 0) {
    live_text_format(t, "the certificate names no host (a common name does not count), so it is");
  } else if (found <= NAMES_SHOWN) {
    live_text_format(t, "the certificate is for \"%s\",", names);
  } else {
    live_text_format(t, "the certificate is for \"%s\" and %zu more,", names, found - NAMES_SHOWN);
  }
  live_text_format(t, " not for \"");
  live_text_bytes(t, name, strlen(name));
  live_text_format(t, "\"");
}

static bool check_name(struct live_text *t, X509 *leaf, const char *name) {
  const unsigned flags = X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;
  if (name == NULL || name[0] == '\0') {
    live_text_format(t, "there is no name to look for in the certificate");
    return false;
  }
  if (live_trust_is_address(name)) {
    if (X509_check_ip_asc(leaf, name, flags) == 1) {
      return true;
    }
  } else {
    size_t len = strlen(name);
    len -= name[len - 1] == '.';  // the root's dot is not part of the name in a certificate
    if (!is_host_name(name, len)) {
      live_text_format(t, "\"");
      live_text_bytes(t, name, strlen(name));
      live_text_format(t, "\" is neither a host name nor an IP address");
      return false;
    }
    if (X509_check_host(leaf, name, len, flags, NULL) == 1) {
      return true;
    }
  }
  say_other_names(t, leaf, name);
  return false;
}

// ---- The chain ----------------------------------------------------------------------------------

// "the certificate", or which one further up.
static void say_which(struct live_text *t, X509 *x, int depth) {
  if (depth > 0 && x != NULL) {
    live_text_format(t, "the certificate of its authority \"");
    live_describe_subject(t, X509_get_subject_name(x));
    live_text_format(t, "\"");
  } else {
    live_text_format(t, "the certificate");
  }
}

static void say_date(struct live_text *t, const char *words, const ASN1_TIME *when) {
  char day[LIVE_TIME_MAX];
  live_describe_time(day, when);
  day[strcspn(day, "T")] = '\0';  // the time of day is too much for a sentence
  live_text_format(t, " %s %s", words, day);
}

static void say_untrusted(struct live_text *t, X509 *x, bool alone) {
  live_text_format(t, "the certificate is issued by an authority that is not trusted here: \"");
  live_describe_subject(t, X509_get_issuer_name(x));
  live_text_format(t, "\"");
  if (alone) {
    live_text_format(t, " (the server sent no certificate in between)");
  }
}

static void say_chain_error(struct live_text *t, X509_STORE_CTX *chain, X509 *leaf) {
  int error = X509_STORE_CTX_get_error(chain);
  int depth = X509_STORE_CTX_get_error_depth(chain);
  X509 *at = X509_STORE_CTX_get_current_cert(chain);
  at = at != NULL ? at : leaf;
  switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      say_which(t, at, depth);
      say_date(t, "expired on", X509_get0_notAfter(at));
      break;
    case X509_V_ERR_CERT_NOT_YET_VALID:
      say_which(t, at, depth);
      say_date(t, "is not valid before", X509_get0_notBefore(at));
      live_text_format(t, " (is the clock of this machine right?)");
      break;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      live_text_format(t, "the certificate is self-signed and not trusted here");
      break;
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_UNTRUSTED:
      say_untrusted(t, at, sk_X509_num(X509_STORE_CTX_get0_untrusted(chain)) == 1);
      break;
    default:
      say_which(t, at, depth);
      live_text_format(t, " is refused: %s", X509_verify_cert_error_string(error));
      break;
  }
}

void live_trust_judge(struct live_verdict *out, X509_STORE_CTX *chain, const char *name) {
  struct live_text t;
  live_text_init(&t, out->reason, sizeof out->reason);
  X509 *leaf = X509_STORE_CTX_get0_cert(chain);
  out->name_ok = check_name(&t, leaf, name);
  out->chain_ok = X509_verify_cert(chain) == 1;
  if (!out->chain_ok) {
    live_text_format(&t, "%s", out->name_ok ? "" : "; ");
    say_chain_error(&t, chain, leaf);
  }
  ERR_clear_error();
}
