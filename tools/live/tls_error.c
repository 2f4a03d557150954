// A table from alerts to sentences, and the few local errors that deserve better words than
// BoringSSL's.
#include "tools/live/tls_error.h"

#include <stddef.h>
#include <stdint.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

// What an alert of the other side means (RFC 8446 §6.2).
static const struct alert {
  int number;
  const char *words;
} alerts[] = {
    {SSL_AD_HANDSHAKE_FAILURE, "it accepts none of the ciphers or key exchanges offered"},
    {SSL_AD_PROTOCOL_VERSION, "it speaks neither TLS 1.2 nor TLS 1.3"},
    {SSL_AD_INSUFFICIENT_SECURITY, "it wants stronger ciphers than those offered"},
    {SSL_AD_UNRECOGNIZED_NAME, "it has no certificate for the name asked for"},
    {SSL_AD_CERTIFICATE_REQUIRED, "it wants a certificate from this side"},
    {SSL_AD_BAD_CERTIFICATE, "it refuses this side's certificate"},
    {SSL_AD_UNKNOWN_CA, "it does not trust this side's certificate"},
    {SSL_AD_CERTIFICATE_UNKNOWN, "it refuses this side's certificate"},
    {SSL_AD_CERTIFICATE_EXPIRED, "it finds this side's certificate expired"},
    {SSL_AD_ACCESS_DENIED, "it grants no access"},
    {SSL_AD_INTERNAL_ERROR, "it has a problem of its own"},
    {SSL_AD_BAD_RECORD_MAC, "what it received was damaged on the way"},
    {SSL_AD_DECRYPT_ERROR, "a signature or checksum of the handshake did not verify there"},
    {SSL_AD_DECODE_ERROR, "it could not make sense of a message"},
    {SSL_AD_UNEXPECTED_MESSAGE, "it received a message out of order"},
    {SSL_AD_USER_CANCELLED, "it gave up the handshake"},
};

static void say_alert(struct live_text *t, const char *peer, int number) {
  live_text_format(t, "the %s ended TLS with the alert \"%s\"", peer,
                   SSL_alert_desc_string_long(number));
  for (size_t i = 0; i < sizeof alerts / sizeof alerts[0]; i++) {
    if (alerts[i].number == number) {
      live_text_format(t, ": %s", alerts[i].words);
      return;
    }
  }
}

void live_tls_error_take(struct live_text *t, const char *peer) {
  uint32_t error = ERR_get_error();
  int reason = ERR_GET_REASON(error);
  if (ERR_GET_LIB(error) == ERR_LIB_SSL && reason > SSL_AD_REASON_OFFSET) {
    say_alert(t, peer, reason - SSL_AD_REASON_OFFSET);
  } else if (ERR_GET_LIB(error) == ERR_LIB_SSL && reason == SSL_R_UNSUPPORTED_PROTOCOL) {
    live_text_format(t, "the %s speaks neither TLS 1.2 nor TLS 1.3", peer);
  } else if (ERR_GET_LIB(error) == ERR_LIB_SSL && reason == SSL_R_NO_SHARED_CIPHER) {
    live_text_format(t, "the %s offers no cipher that is acceptable here", peer);
  } else {
    const char *words = error != 0 ? ERR_reason_error_string(error) : NULL;
    live_text_format(t, "TLS failed on what the %s sent: %s", peer,
                     words != NULL ? words : "unknown error");
  }
  ERR_clear_error();
}
