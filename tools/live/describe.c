// Reads the fields of a certificate into text. Lengths come from the certificate and are never
// taken from a NUL, so a name with one inside shows as what it is.
#include "tools/live/describe.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <openssl/bio.h>
#include <openssl/mem.h>
#include <openssl/nid.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

void live_describe_subject(struct live_text *t, X509_NAME *name) {
  BIO *bio = BIO_new(BIO_s_mem());
  const uint8_t *bytes;
  size_t len;
  if (bio != NULL && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0 &&
      BIO_mem_contents(bio, &bytes, &len)) {
    live_text_bytes(t, bytes, len);
  }
  BIO_free(bio);
}

void live_describe_time(char out[LIVE_TIME_MAX], const ASN1_TIME *when) {
  int days;
  int seconds;
  struct tm tm;
  ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
  bool ok = epoch != NULL && ASN1_TIME_diff(&days, &seconds, epoch, when);
  ASN1_TIME_free(epoch);
  time_t t = ok ? (time_t)days * 86400 + seconds : 0;
  if (!ok || gmtime_r(&t, &tm) == NULL ||
      strftime(out, LIVE_TIME_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0) {
    (void)snprintf(out, LIVE_TIME_MAX, "?");
  }
}

static void add_ip(struct live_text *t, const ASN1_OCTET_STRING *ip) {
  char words[INET6_ADDRSTRLEN];
  const uint8_t *bytes = ASN1_STRING_get0_data(ip);
  int len = ASN1_STRING_length(ip);
  if ((len == 4 || len == 16) &&
      inet_ntop(len == 4 ? AF_INET : AF_INET6, bytes, words, sizeof words) != NULL) {
    live_text_format(t, "%s", words);
  } else {
    live_text_format(t, "an IP address of %d octets", len);
  }
}

size_t live_describe_names(struct live_text *t, X509 *x, size_t max) {
  size_t found = 0;
  GENERAL_NAMES *list = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
  for (size_t i = 0; list != NULL && i < sk_GENERAL_NAME_num(list); i++) {
    const GENERAL_NAME *entry = sk_GENERAL_NAME_value(list, i);
    if (entry->type != GEN_DNS && entry->type != GEN_IPADD) {
      continue;
    }
    found++;
    if (found > max) {
      continue;
    }
    live_text_format(t, "%s", found > 1 ? ", " : "");
    if (entry->type == GEN_IPADD) {
      add_ip(t, entry->d.iPAddress);
    } else {
      const ASN1_IA5STRING *name = entry->d.dNSName;
      live_text_bytes(t, ASN1_STRING_get0_data(name), (size_t)ASN1_STRING_length(name));
    }
  }
  GENERAL_NAMES_free(list);
  return found;
}

static void describe_digest(char out[65], const uint8_t *der, int len) {
  uint8_t digest[SHA256_DIGEST_LENGTH];
  struct live_text t;
  live_text_init(&t, out, 65);
  if (len > 0) {
    SHA256(der, (size_t)len, digest);
    for (size_t i = 0; i < sizeof digest; i++) {
      live_text_format(&t, "%02x", digest[i]);
    }
  }
}

static void describe_digests(struct live_certificate_info *out, X509 *x) {
  uint8_t *whole = NULL;
  uint8_t *key = NULL;
  int len = i2d_X509(x, &whole);
  describe_digest(out->sha256, whole, len);
  len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &key);
  describe_digest(out->spki_sha256, key, len);
  OPENSSL_free(whole);
  OPENSSL_free(key);
}

void live_describe_certificate(struct live_certificate_info *out, X509 *x) {
  struct live_text t;
  live_text_init(&t, out->subject, sizeof out->subject);
  live_describe_subject(&t, X509_get_subject_name(x));
  live_text_init(&t, out->issuer, sizeof out->issuer);
  live_describe_subject(&t, X509_get_issuer_name(x));
  live_text_init(&t, out->names, sizeof out->names);
  out->num_names = live_describe_names(&t, x, SIZE_MAX);
  live_describe_time(out->not_before, X509_get0_notBefore(x));
  live_describe_time(out->not_after, X509_get0_notAfter(x));
  describe_digests(out, x);
}
