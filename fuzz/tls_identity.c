// See tls_identity.h. The key is published here, so it must never guard anything.
#include "fuzz/tls_identity.h"

#include <openssl/base64.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <string.h>
#include <sys/time.h>

#include "fuzz/fuzz.h"
#include "tools/live/tls.h"

#define NOW 2524608000  // the beginning of 2050

// DER as base64.
static const char authority[] =
    "MIIBWzCCAQCgAwIBAgIUBD9TXS57eeesZJLUE2mXughawyEwCgYIKoZIzj0EAwIwEjEQMA4GA1UEAwwHRnV6eiBDQTAg"
    "Fw0yNjExMjcxMTQ4MjlaGA8yMTI2MTEwMzExNDgyOVowEjEQMA4GA1UEAwwHRnV6eiBDQTBZMBMGByqGSM49AgEGCCqG"
    "SM49AwEHA0IABAYrlv0z2mI5SPTYToCnaMQMyLy5tGOkEIKWr0oGMK6GcmE/hVWSKFFYu0EVveE3O+C+8ubtqVjctwUe"
    "wXqscA+jMjAwMA8GA1UdEwEB/wQFMAMBAf8wHQYDVR0OBBYEFFPtaSX1Vtmbdr8skrHdimMfXojgMAoGCCqGSM49BAMC"
    "A0kAMEYCIQDZ/uxiewTZmUEcywTklG6GjmtGtqifKRJjbPOT7/ikewIhAJ8wiS3JMefMmUAE1ILAsB2z1Sp8TjPEasqc"
    "ANrejrkj";

static const char *const certificates[EHLO_FUZZ_TLS_NUM_IDENTITIES] = {
    [EHLO_FUZZ_TLS_GOOD] =
        "MIIBfzCCASSgAwIBAgICNDwwCgYIKoZIzj0EAwIwEjEQMA4GA1UEAwwHRnV6eiBDQTAgFw0yMDAxMDEwMDAwMDBaGA"
        "8y"
        "MDk5MTIzMTAwMDAwMFowETEPMA0GA1UEAwwGc2VydmVyMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEFShJZNfiUk"
        "HN"
        "TwAfN5HeO2pIrTJHzljEpSyECvnK+IzbGwRVcAbfOgjv/"
        "fpmr8jCIBhzm1JDWlvpYceSKCtdVaNpMGcwDAYDVR0TAQH/"
        "BAIwADAXBgNVHREEEDAOggxtYWlsLmV4YW1wbGUwHQYDVR0OBBYEFLYVC3WJ2gih8hxIMUmRov28alA9MB8GA1UdIw"
        "QY"
        "MBaAFFPtaSX1Vtmbdr8skrHdimMfXojgMAoGCCqGSM49BAMCA0kAMEYCIQCeKnhO7iKg2WxfNoYbVngnqJcDQfd/i/"
        "u7"
        "EV1B9mKDrQIhANJ/+h30RmdAk/mv8S7KIGHoMqYUXgl1F9rO+mMNwFLA",
    [EHLO_FUZZ_TLS_OTHER_NAME] =
        "MIIBfzCCASWgAwIBAgICU1AwCgYIKoZIzj0EAwIwEjEQMA4GA1UEAwwHRnV6eiBDQTAgFw0yMDAxMDEwMDAwMDBaGA"
        "8y"
        "MDk5MTIzMTAwMDAwMFowETEPMA0GA1UEAwwGc2VydmVyMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEFShJZNfiUk"
        "HN"
        "TwAfN5HeO2pIrTJHzljEpSyECvnK+IzbGwRVcAbfOgjv/"
        "fpmr8jCIBhzm1JDWlvpYceSKCtdVaNqMGgwDAYDVR0TAQH/"
        "BAIwADAYBgNVHREEETAPgg1vdGhlci5leGFtcGxlMB0GA1UdDgQWBBS2FQt1idoIofIcSDFJkaL9vGpQPTAfBgNVHS"
        "ME"
        "GDAWgBRT7Wkl9VbZm3a/LJKx3YpjH16I4DAKBggqhkjOPQQDAgNIADBFAiAnN+6VkaOws4fzdzXcyqkrpD/"
        "Mi0vTJS6L"
        "sulmF6yvzgIhAIi73z/aMtqR1NrnvhS4eRdFCjcjxatKTVVIca2skJ97",
    [EHLO_FUZZ_TLS_UNTRUSTED] =
        "MIIBfzCCASWgAwIBAgICO0IwCgYIKoZIzj0EAwIwEzERMA8GA1UEAwwIT3RoZXIgQ0EwIBcNMjAwMTAxMDAwMDAwWh"
        "gP"
        "MjA5OTEyMzEwMDAwMDBaMBExDzANBgNVBAMMBnNlcnZlcjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABBUoSWTX4l"
        "JB"
        "zU8AHzeR3jtqSK0yR85YxKUshAr5yviM2xsEVXAG3zoI7/36Zq/"
        "IwiAYc5tSQ1pb6WHHkigrXVWjaTBnMAwGA1UdEwEB"
        "/wQCMAAwFwYDVR0RBBAwDoIMbWFpbC5leGFtcGxlMB0GA1UdDgQWBBS2FQt1idoIofIcSDFJkaL9vGpQPTAfBgNVHS"
        "ME"
        "GDAWgBQ7XuZJo0DSKkHzakeoW1+1s6JLYTAKBggqhkjOPQQDAgNIADBFAiEAyH5YkQkIgwLEjylY3Ch+"
        "AUGDqJoMQGnp"
        "4giEOC6+rPECIASxliHY+G1MGqwut7q/uFzQEWiHc/3c4DRQhIHsUdDD",
    [EHLO_FUZZ_TLS_EXPIRED] =
        "MIIBfDCCASKgAwIBAgICbqcwCgYIKoZIzj0EAwIwEjEQMA4GA1UEAwwHRnV6eiBDQTAeFw0yMDAxMDEwMDAwMDBaFw"
        "0y"
        "MTAxMDEwMDAwMDBaMBExDzANBgNVBAMMBnNlcnZlcjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABBUoSWTX4lJBzU"
        "8A"
        "HzeR3jtqSK0yR85YxKUshAr5yviM2xsEVXAG3zoI7/36Zq/IwiAYc5tSQ1pb6WHHkigrXVWjaTBnMAwGA1UdEwEB/"
        "wQC"
        "MAAwFwYDVR0RBBAwDoIMbWFpbC5leGFtcGxlMB0GA1UdDgQWBBS2FQt1idoIofIcSDFJkaL9vGpQPTAfBgNVHSMEGD"
        "AW"
        "gBRT7Wkl9VbZm3a/"
        "LJKx3YpjH16I4DAKBggqhkjOPQQDAgNIADBFAiAqzwKJOa5d3vtiybSQW5fwdaCGcY7am4sWKjk3"
        "3aI79AIhAKR/sk4nPS0xLs662qlhfHWAIV7VOxnDjI+PuqW43Y6i",
    [EHLO_FUZZ_TLS_EARLY] =
        "MIIBgTCCASegAwIBAgIDAIk9MAoGCCqGSM49BAMCMBIxEDAOBgNVBAMMB0Z1enogQ0EwIhgPMjA5MDAxMDEwMDAwMD"
        "Ba"
        "GA8yMDk5MTIzMTAwMDAwMFowETEPMA0GA1UEAwwGc2VydmVyMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEFShJZN"
        "fi"
        "UkHNTwAfN5HeO2pIrTJHzljEpSyECvnK+IzbGwRVcAbfOgjv/"
        "fpmr8jCIBhzm1JDWlvpYceSKCtdVaNpMGcwDAYDVR0T"
        "AQH/"
        "BAIwADAXBgNVHREEEDAOggxtYWlsLmV4YW1wbGUwHQYDVR0OBBYEFLYVC3WJ2gih8hxIMUmRov28alA9MB8GA1Ud"
        "IwQYMBaAFFPtaSX1Vtmbdr8skrHdimMfXojgMAoGCCqGSM49BAMCA0gAMEUCIHgh0pWNSCwgN/"
        "9ntsf+ZKVOr4BweGab"
        "RoCptkLWgrCHAiEA+QpC86t7cYwCU/KpGwCuXAlCOLgTP++nCrfwh9xEZ2g=",
};

static const char key[] =
    "MHcCAQEEIOc9d3SDwnBDNQabf+5JqBPVDlf3Lb0b9Wn3QcXpFY+foAoGCCqGSM49AwEHoUQDQgAEFShJZNfiUkHNTwAf"
    "N5HeO2pIrTJHzljEpSyECvnK+IzbGwRVcAbfOgjv/fpmr8jCIBhzm1JDWlvpYceSKCtdVQ==";

#define DER_MAX 600

static size_t decode(uint8_t *out, const char *base64) {
  size_t len;
  EHLO_FUZZ_CHECK(EVP_DecodeBase64(out, &len, DER_MAX, (const uint8_t *)base64, strlen(base64)));
  return len;
}

static X509 *make_certificate(const char *base64) {
  uint8_t der[DER_MAX];
  const uint8_t *at = der;
  X509 *x = d2i_X509(NULL, &at, (long)decode(der, base64));
  EHLO_FUZZ_CHECK(x != NULL);
  return x;
}

static EVP_PKEY *make_key(void) {
  uint8_t der[DER_MAX];
  const uint8_t *at = der;
  EVP_PKEY *made = d2i_AutoPrivateKey(NULL, &at, (long)decode(der, key));
  EHLO_FUZZ_CHECK(made != NULL);
  return made;
}

static void tell_time(const SSL *unused, struct timeval *out) {
  (void)unused;
  *out = (struct timeval){.tv_sec = NOW};
}

SSL_CTX *ehlo_fuzz_tls_client(void) {
  static SSL_CTX *context;
  if (context == NULL) {
    char error[LIVE_REASON_MAX];
    struct live_roots roots = {.root = make_certificate(authority)};
    context = live_tls_client_context(error, sizeof(error), &roots);
    EHLO_FUZZ_CHECK(context != NULL);
    X509_free(roots.root);
    X509_VERIFY_PARAM_set_time(SSL_CTX_get0_param(context), NOW);
    SSL_CTX_set_current_time_cb(context, tell_time);
  }
  return context;
}

SSL_CTX *ehlo_fuzz_tls_server(enum ehlo_fuzz_tls_identity identity) {
  static SSL_CTX *contexts[EHLO_FUZZ_TLS_NUM_IDENTITIES];
  if (contexts[identity] == NULL) {
    SSL_CTX *context = SSL_CTX_new(TLS_method());
    X509 *x509 = make_certificate(certificates[identity]);
    EVP_PKEY *own = make_key();
    EHLO_FUZZ_CHECK(SSL_CTX_use_certificate(context, x509) == 1);
    EHLO_FUZZ_CHECK(SSL_CTX_use_PrivateKey(context, own) == 1);
    X509_free(x509);
    EVP_PKEY_free(own);
    SSL_CTX_set_current_time_cb(context, tell_time);
    contexts[identity] = context;
  }
  return contexts[identity];
}
