// Pins of certificates and keys.
#include "tools/live/pins.h"

#include <ctype.h>
#include <openssl/base64.h>
#include <openssl/mem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

static const char *const form = "it is cert:sha256:HEX, spki:sha256:HEX or sha256//BASE64";

static int digit(char c) {
  return c >= '0' && c <= '9' ? c - '0' : isxdigit((unsigned char)c) ? (c | 0x20) - 'a' + 10 : -1;
}

static bool from_hex(uint8_t out[32], const char *text) {
  for (int i = 0; i < 32; i++) {
    text += i > 0 && *text == ':';
    int high = digit(text[0]);
    int low = high >= 0 ? digit(text[1]) : -1;
    if (low < 0) {
      return false;
    }
    out[i] = (uint8_t)(high * 16 + low);
    text += 2;
  }
  return *text == '\0';
}

static bool from_base64(uint8_t out[32], const char *text) {
  uint8_t bytes[48];
  size_t len;
  if (strlen(text) != 44 ||
      !EVP_DecodeBase64(bytes, &len, sizeof(bytes), (const uint8_t *)text, 44) || len != 32) {
    return false;
  }
  memcpy(out, bytes, 32);
  return true;
}

const char *live_pins_add(struct live_pins *pins, const char *text) {
  struct live_pin pin = {0};
  bool good;
  if (pins->num == LIVE_PINS_MAX) {
    return "there are at most eight pins";
  }
  if (strncmp(text, "cert:sha256:", 12) == 0) {
    good = from_hex(pin.sha256, text + 12);
  } else if (strncmp(text, "spki:sha256:", 12) == 0) {
    pin.of_key = true;
    good = from_hex(pin.sha256, text + 12);
  } else {
    pin.of_key = true;
    good = strncmp(text, "sha256//", 8) == 0 && from_base64(pin.sha256, text + 8);
  }
  if (!good) {
    return form;
  }
  pins->pins[pins->num++] = pin;
  return NULL;
}

static void hash(uint8_t out[32], X509 *x, bool of_key) {
  uint8_t *der = NULL;
  int len = of_key ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der) : i2d_X509(x, &der);
  memset(out, 0, 32);
  if (len > 0) {
    SHA256(der, (size_t)len, out);
  }
  OPENSSL_free(der);
}

bool live_pins_match(const struct live_pins *pins, X509 *x) {
  uint8_t have[32];
  for (size_t i = 0; i < pins->num; i++) {
    hash(have, x, pins->pins[i].of_key);
    if (memcmp(have, pins->pins[i].sha256, 32) == 0) {
      return true;
    }
  }
  return false;
}

void live_pins_say(char out[LIVE_PIN_TEXT_MAX], X509 *x) {
  size_t len = 0;
  for (int of_key = 0; of_key < 2; of_key++) {
    uint8_t have[32];
    hash(have, x, of_key != 0);
    len += (size_t)snprintf(out + len, LIVE_PIN_TEXT_MAX - len,
                            "%s:sha256:", of_key != 0 ? " and spki" : "cert");
    for (int i = 0; i < 32; i++) {
      len += (size_t)snprintf(out + len, LIVE_PIN_TEXT_MAX - len, "%02x", have[i]);
    }
  }
}
