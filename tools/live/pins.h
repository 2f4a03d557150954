// Pins: fingerprints that a server's certificate, or its public key, has to have.
#ifndef EHLO_TOOLS_LIVE_PINS_H
#define EHLO_TOOLS_LIVE_PINS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/base.h>

#define LIVE_PINS_MAX 8
#define LIVE_PIN_TEXT_MAX 200

struct live_pin {
  bool of_key;  // of the SubjectPublicKeyInfo, and not of the certificate
  uint8_t sha256[32];
};

struct live_pins {
  size_t num;  // any of them will do
  struct live_pin pins[LIVE_PINS_MAX];
};

// Reads "cert:sha256:HEX", "spki:sha256:HEX" (colons between the octets or none) or, as curl has
// it, "sha256//BASE64" of the key. Returns NULL, or a sentence on what is wrong.
const char *live_pins_add(struct live_pins *pins, const char *text);

bool live_pins_match(const struct live_pins *pins, X509 *x);

// "cert:sha256:… and spki:sha256:…" of a certificate.
void live_pins_say(char out[LIVE_PIN_TEXT_MAX], X509 *x);

#endif  // EHLO_TOOLS_LIVE_PINS_H
