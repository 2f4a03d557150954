// Makes X.509 certificates with BoringSSL. It must not decide whom to trust.
#include "tools/live/certificate.h"

#include <arpa/inet.h>
#include <string.h>
#include <time.h>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ec_key.h>
#include <openssl/evp.h>
#include <openssl/nid.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#define X509_VERSION_3 2  // the field counts from 0

static EVP_PKEY *make_key(void) {
  EC_KEY *ec = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
  EVP_PKEY *key = EVP_PKEY_new();
  bool ok = ec != NULL && key != NULL && EC_KEY_generate_key(ec) && EVP_PKEY_set1_EC_KEY(key, ec);
  EC_KEY_free(ec);
  if (!ok) {
    EVP_PKEY_free(key);
    return NULL;
  }
  return key;
}

static bool set_serial(X509 *x) {
  uint8_t bytes[16];
  RAND_bytes(bytes, sizeof bytes);
  bytes[0] = (bytes[0] & 0x7f) | 0x40;  // positive, and always 16 octets long
  BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
  bool ok = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x)) != NULL;
  BN_free(number);
  return ok;
}

static bool set_times(X509 *x, int64_t not_before, int64_t not_after) {
  ASN1_TIME *from = ASN1_TIME_set(NULL, (time_t)not_before);
  ASN1_TIME *to = ASN1_TIME_set(NULL, (time_t)not_after);
  bool ok = from != NULL && to != NULL && X509_set1_notBefore(x, from) && X509_set1_notAfter(x, to);
  ASN1_TIME_free(from);
  ASN1_TIME_free(to);
  return ok;
}

static bool set_subject(X509 *x, const char *common_name) {
  return X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8,
                                    (const unsigned char *)common_name, -1, -1, 0);
}

// The value of one entry of subjectAltName, and its type.
static ASN1_STRING *make_name_value(int *out_type, const char *name) {
  uint8_t ip[16];
  size_t ip_len = inet_pton(AF_INET, name, ip) == 1    ? 4
                  : inet_pton(AF_INET6, name, ip) == 1 ? 16
                                                       : 0;
  *out_type = ip_len > 0 ? GEN_IPADD : GEN_DNS;
  ASN1_STRING *value = ASN1_STRING_type_new(ip_len > 0 ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING);
  const void *bytes = ip_len > 0 ? (const void *)ip : name;
  size_t len = ip_len > 0 ? ip_len : strlen(name);
  if (value == NULL || len == 0 || !ASN1_STRING_set(value, bytes, (int)len)) {
    ASN1_STRING_free(value);
    return NULL;
  }
  return value;
}

static bool add_names(X509 *x, const char *const *names, size_t num_names) {
  GENERAL_NAMES *list = GENERAL_NAMES_new();
  bool ok = list != NULL;
  for (size_t i = 0; ok && i < num_names; i++) {
    int type;
    GENERAL_NAME *entry = GENERAL_NAME_new();
    ASN1_STRING *value = make_name_value(&type, names[i]);
    ok = entry != NULL && value != NULL;
    if (ok) {
      GENERAL_NAME_set0_value(entry, type, value);
      ok = sk_GENERAL_NAME_push(list, entry) > 0;
    } else {
      ASN1_STRING_free(value);
    }
    if (!ok) {
      GENERAL_NAME_free(entry);
    }
  }
  ok = ok && X509_add1_ext_i2d(x, NID_subject_alt_name, list, 0, 0) == 1;
  GENERAL_NAMES_free(list);
  return ok;
}

static bool add_basic_constraints(X509 *x, bool is_authority) {
  BASIC_CONSTRAINTS *constraints = BASIC_CONSTRAINTS_new();
  if (constraints == NULL) {
    return false;
  }
  constraints->ca = is_authority ? 0xff : 0;  // as DER writes a BOOLEAN
  bool ok = X509_add1_ext_i2d(x, NID_basic_constraints, constraints, 1, 0) == 1;
  BASIC_CONSTRAINTS_free(constraints);
  return ok;
}

// Strict verifiers want to see whose key signed (RFC 5280 §4.2.1.1 and §4.2.1.2).
static ASN1_OCTET_STRING *make_key_id(const X509 *x) {
  uint8_t digest[EVP_MAX_MD_SIZE];
  unsigned len;
  ASN1_OCTET_STRING *id = ASN1_OCTET_STRING_new();
  if (id == NULL || !X509_pubkey_digest(x, EVP_sha1(), digest, &len) ||
      !ASN1_OCTET_STRING_set(id, digest, (int)len)) {
    ASN1_OCTET_STRING_free(id);
    return NULL;
  }
  return id;
}

static bool add_key_ids(X509 *x, const X509 *issuer) {
  ASN1_OCTET_STRING *own = make_key_id(x);
  AUTHORITY_KEYID *authority = AUTHORITY_KEYID_new();
  bool ok = own != NULL && authority != NULL;
  if (ok) {
    authority->keyid = make_key_id(issuer);
    ok = authority->keyid != NULL &&
         X509_add1_ext_i2d(x, NID_subject_key_identifier, own, 0, 0) == 1 &&
         X509_add1_ext_i2d(x, NID_authority_key_identifier, authority, 0, 0) == 1;
  }
  ASN1_OCTET_STRING_free(own);
  AUTHORITY_KEYID_free(authority);
  return ok;
}

static bool add_extensions(X509 *x, const struct live_certificate_request *request,
                           const X509 *issuer) {
  if (!add_basic_constraints(x, request->is_authority) || !add_key_ids(x, issuer)) {
    return false;
  }
  return request->num_names == 0 || add_names(x, request->names, request->num_names);
}

bool live_certificate_make(struct live_certificate *out,
                           const struct live_certificate_request *request,
                           const struct live_certificate *issuer) {
  X509 *x = X509_new();
  EVP_PKEY *key = make_key();
  const X509 *issuer_x509 = issuer != NULL ? issuer->x509 : x;
  EVP_PKEY *issuer_key = issuer != NULL ? issuer->key : key;
  bool ok = x != NULL && key != NULL && X509_set_version(x, X509_VERSION_3) && set_serial(x) &&
            set_times(x, request->not_before, request->not_after) &&
            set_subject(x, request->common_name) &&
            X509_set_issuer_name(x, X509_get_subject_name(issuer_x509)) &&
            X509_set_pubkey(x, key) && add_extensions(x, request, issuer_x509) &&
            X509_sign(x, issuer_key, EVP_sha256()) > 0;
  if (!ok) {
    X509_free(x);
    EVP_PKEY_free(key);
    return false;
  }
  out->x509 = x;
  out->key = key;
  return true;
}

void live_certificate_free(struct live_certificate *c) {
  X509_free(c->x509);
  EVP_PKEY_free(c->key);
  c->x509 = NULL;
  c->key = NULL;
}
