// TLS over two memory BIOs. Every way to fail goes through fail(), which the first one wins; the
// check of the certificate takes the place of BoringSSL's own, so that a refusal has its reason and
// its alert, and nothing goes on by oversight.
#include "tools/live/tls.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "tools/live/text.h"
#include "tools/live/tls_error.h"

#define CLEARTEXT_SHOWN 48  // bytes of what came in place of TLS

// ---- Contexts -----------------------------------------------------------------------------------

static void note_certificates(struct live_tls_info *info, X509_STORE_CTX *chain) {
  STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(chain);
  for (size_t i = 0; i < sk_X509_num(sent) && i < LIVE_TLS_CHAIN_MAX; i++) {
    live_describe_certificate(&info->certificates[i], sk_X509_value(sent, i));
    info->num_certificates = i + 1;
  }
}

// Whether the peer's own certificate has one of the pins; else the verdict says which it has.
static bool has_pin(struct live_verdict *verdict, X509_STORE_CTX *chain,
                    const struct live_pins *pins) {
  STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(chain);
  X509 *own = sk_X509_num(sent) > 0 ? sk_X509_value(sent, 0) : NULL;
  char text[LIVE_PIN_TEXT_MAX] = "none";
  if (own != NULL && live_pins_match(pins, own)) {
    return true;
  }
  if (own != NULL) {
    live_pins_say(text, own);
  }
  verdict->chain_ok = false;
  (void)snprintf(verdict->reason, sizeof verdict->reason,
                 "the certificate is not the pinned one; it has the pins %s", text);
  return false;
}

// Stands in for X509_verify_cert().
static int verify(X509_STORE_CTX *chain, void *pins) {
  SSL *ssl = X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx());
  struct live_tls *tls = SSL_get_app_data(ssl);
  struct live_verdict *verdict = &tls->info.verdict;
  note_certificates(&tls->info, chain);
  live_trust_judge(verdict, chain, tls->name);
  tls->info.judged = true;
  if (verdict->chain_ok && !verdict->name_ok) {
    X509_STORE_CTX_set_error(chain, X509_V_ERR_HOSTNAME_MISMATCH);  // chooses the alert
  }
  if (pins != NULL && !has_pin(verdict, chain, pins)) {
    tls->unpinned = true;
    return 0;
  }
  return (verdict->chain_ok && verdict->name_ok) || tls->insecure;
}

static SSL_CTX *make_context(void) {
  SSL_CTX *context = SSL_CTX_new(TLS_method());
  if (context == NULL || !SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) ||
      !SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) ||
      !SSL_CTX_set_strict_cipher_list(context, "ALL:!3DES")) {
    SSL_CTX_free(context);
    return NULL;
  }
  return context;
}

SSL_CTX *live_tls_client_context(char *error, size_t error_cap, const struct live_roots *roots) {
  (void)snprintf(error, error_cap, "out of memory");
  SSL_CTX *context = make_context();
  if (context == NULL ||
      !live_trust_load(SSL_CTX_get_cert_store(context), error, error_cap, roots)) {
    SSL_CTX_free(context);
    return NULL;
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
  SSL_CTX_set_cert_verify_callback(context, verify, NULL);
  return context;
}

void live_tls_pin(SSL_CTX *context, const struct live_pins *pins) {
  SSL_CTX_set_cert_verify_callback(context, verify, (void *)pins);
}

SSL_CTX *live_tls_server_context(const struct live_certificate *own,
                                 const struct live_certificate *authority) {
  SSL_CTX *context = make_context();
  if (context == NULL || !SSL_CTX_use_certificate(context, own->x509) ||
      !SSL_CTX_use_PrivateKey(context, own->key) ||
      (authority != NULL && !SSL_CTX_add1_chain_cert(context, authority->x509))) {
    ERR_clear_error();
    SSL_CTX_free(context);
    return NULL;
  }
  return context;
}

// ---- Setting up ---------------------------------------------------------------------------------

static bool init(struct live_tls *tls, SSL_CTX *context) {
  memset(tls, 0, sizeof *tls);
  tls->ssl = SSL_new(context);
  tls->from_peer = BIO_new(BIO_s_mem());
  tls->to_peer = BIO_new(BIO_s_mem());
  if (tls->ssl == NULL || tls->from_peer == NULL || tls->to_peer == NULL ||
      !SSL_set_app_data(tls->ssl, tls)) {
    BIO_free(tls->from_peer);
    BIO_free(tls->to_peer);
    SSL_free(tls->ssl);
    tls->ssl = NULL;
    return false;
  }
  SSL_set_bio(tls->ssl, tls->from_peer, tls->to_peer);
  SSL_set_renegotiate_mode(tls->ssl, ssl_renegotiate_never);
  return true;
}

// RFC 6066 §3: the server's name without a trailing dot, and never an IP address.
static void set_server_name(SSL *ssl, const char *name) {
  char sni[256];
  size_t len = strlen(name);
  if (len == 0 || len >= sizeof sni || live_trust_is_address(name)) {
    return;
  }
  memcpy(sni, name, len + 1);
  if (sni[len - 1] == '.') {
    sni[len - 1] = '\0';
  }
  // A name that BoringSSL does not take goes unsent; the certificate will not carry it either.
  (void)SSL_set_tlsext_host_name(ssl, sni);
  ERR_clear_error();
}

bool live_tls_init_client(struct live_tls *tls, SSL_CTX *context, const char *name, bool insecure) {
  if (!init(tls, context)) {
    return false;
  }
  // A name that does not fit is no host name: kept cut, it is refused as one.
  struct live_text t;
  live_text_init(&t, tls->name, sizeof tls->name);
  live_text_format(&t, "%s", name != NULL ? name : "");
  tls->insecure = insecure;
  SSL_set_connect_state(tls->ssl);
  set_server_name(tls->ssl, tls->name);
  return true;
}

bool live_tls_init_server(struct live_tls *tls, SSL_CTX *context) {
  if (!init(tls, context)) {
    return false;
  }
  tls->is_server = true;
  SSL_set_accept_state(tls->ssl);
  return true;
}

void live_tls_free(struct live_tls *tls) {
  SSL_free(tls->ssl);
  tls->ssl = NULL;
}

// ---- Failing ------------------------------------------------------------------------------------

static const char *peer_of(const struct live_tls *tls) {
  return tls->is_server ? "client" : "server";
}

// Ends the session with `status`, with `t` set up for the reason. False if it is over already: the
// first end counts.
static bool fail(struct live_tls *tls, enum ehlo_status status, struct live_text *t) {
  if (tls->status != EHLO_OK) {
    return false;
  }
  tls->state = LIVE_TLS_FAILED;
  tls->status = status;
  live_text_init(t, tls->failure, sizeof tls->failure);
  return true;
}

static void fail_cleartext(struct live_tls *tls, const uint8_t *in, size_t len) {
  struct live_text t;
  if (fail(tls, EHLO_E_TLS, &t)) {
    live_text_format(&t, "the %s sent cleartext where TLS was expected: \"", peer_of(tls));
    live_text_bytes(&t, in, len < CLEARTEXT_SHOWN ? len : CLEARTEXT_SHOWN);
    live_text_format(&t, "\"");
  }
}

static void fail_in_library(struct live_tls *tls) {
  struct live_text t;
  const struct live_verdict *verdict = &tls->info.verdict;
  if (!fail(tls, EHLO_E_TLS, &t)) {
    return;
  }
  if (tls->info.judged && (!tls->insecure || tls->unpinned) && verdict->reason[0] != '\0') {
    live_text_format(&t, "%s", verdict->reason);
    ERR_clear_error();
  } else {
    live_tls_error_take(&t, peer_of(tls));
  }
}

static void fail_at_end(struct live_tls *tls) {
  struct live_text t;
  bool truncated = tls->state == LIVE_TLS_OPEN && tls->end == EHLO_E_CLOSED;
  const char *during = tls->state == LIVE_TLS_HANDSHAKE ? " during the TLS handshake" : "";
  if (!fail(tls, truncated ? EHLO_E_TLS : tls->end, &t)) {
    return;
  }
  if (truncated) {
    live_text_format(&t, "closed without close_notify (the stream may be cut)");
  } else if (tls->end == EHLO_E_TIMEOUT) {
    live_text_format(&t, "the %s did not answer in time%s", peer_of(tls), during);
  } else {
    live_text_format(&t, "the %s %s the connection%s", peer_of(tls),
                     tls->end == EHLO_E_RESET ? "reset" : "closed", during);
  }
}

// What became of a call into BoringSSL that returned `result`, not a success.
static void note_result(struct live_tls *tls, int result) {
  switch (SSL_get_error(tls->ssl, result)) {
    case SSL_ERROR_WANT_READ:
      if (tls->end != EHLO_OK) {
        fail_at_end(tls);
      }
      break;
    case SSL_ERROR_ZERO_RETURN:
      if (tls->state == LIVE_TLS_HANDSHAKE) {
        // In the clear, so anybody's: there is no session that it could end in order.
        live_tls_feed_end(tls, EHLO_E_CLOSED);
        fail_at_end(tls);
        break;
      }
      tls->state = LIVE_TLS_CLOSED;
      tls->status = EHLO_E_CLOSED;
      break;
    default:
      fail_in_library(tls);
      break;
  }
}

// ---- Ciphertext ---------------------------------------------------------------------------------

// RFC 8446 §5.1: a first record is a handshake or an alert.
static bool begins_tls(uint8_t first) {
  return first == 0x16 || first == 0x15;
}

void live_tls_feed(struct live_tls *tls, const uint8_t *in, size_t len) {
  assert(len <= INT_MAX);
  if (len == 0 || tls->status != EHLO_OK) {
    return;
  }
  if (!tls->has_input && !begins_tls(in[0])) {
    fail_cleartext(tls, in, len);
    return;
  }
  tls->has_input = true;
  if (BIO_write(tls->from_peer, in, (int)len) != (int)len) {
    fail_in_library(tls);
  }
}

void live_tls_feed_end(struct live_tls *tls, enum ehlo_status why) {
  if (tls->end == EHLO_OK) {
    tls->end = why;
  }
}

bool live_tls_output(const struct live_tls *tls, const uint8_t **out, size_t *out_len) {
  return BIO_mem_contents(tls->to_peer, out, out_len) && *out_len > 0;
}

void live_tls_output_ack(struct live_tls *tls, size_t len) {
  uint8_t gone[4096];
  while (len > 0) {
    int n = BIO_read(tls->to_peer, gone, len < sizeof gone ? (int)len : (int)sizeof gone);
    assert(n > 0);
    len -= (size_t)n;
  }
}

// ---- Plaintext ----------------------------------------------------------------------------------

static void note_session(struct live_tls *tls) {
  struct live_tls_info *info = &tls->info;
  const SSL_CIPHER *cipher = SSL_get_current_cipher(tls->ssl);
  const char *group = SSL_get_curve_name(SSL_get_curve_id(tls->ssl));
  (void)snprintf(info->version, sizeof info->version, "%s", SSL_get_version(tls->ssl));
  (void)snprintf(info->cipher, sizeof info->cipher, "%s", SSL_CIPHER_standard_name(cipher));
  (void)snprintf(info->group, sizeof info->group, "%s", group != NULL ? group : "none");
}

enum ehlo_status live_tls_handshake(struct live_tls *tls) {
  if (tls->status != EHLO_OK || tls->state != LIVE_TLS_HANDSHAKE) {
    return tls->status;
  }
  ERR_clear_error();
  int result = SSL_do_handshake(tls->ssl);
  if (result != 1) {
    note_result(tls, result);
    return tls->status;
  }
  note_session(tls);
  tls->state = LIVE_TLS_OPEN;
  return EHLO_OK;
}

bool live_tls_is_open(const struct live_tls *tls) {
  return tls->state == LIVE_TLS_OPEN;
}

// BoringSSL gives no tls-unique where a resumption without the extended master secret would make it
// one that somebody else can arrange (RFC 7627 §1).
void live_tls_get_binding(const struct live_tls *tls, struct live_tls_binding *out) {
  static const char label[] = "EXPORTER-Channel-Binding";
  memset(out, 0, sizeof *out);
  if (tls->state != LIVE_TLS_OPEN) {
    return;
  }
  if (SSL_version(tls->ssl) == TLS1_3_VERSION) {
    if (SSL_export_keying_material(tls->ssl, out->exporter, sizeof out->exporter, label,
                                   sizeof label - 1, NULL, 0, 0) == 1) {
      out->exporter_len = sizeof out->exporter;
    }
  } else if (SSL_get_tls_unique(tls->ssl, out->unique, &out->unique_len, sizeof out->unique) != 1) {
    out->unique_len = 0;
  }
  ERR_clear_error();
}

enum ehlo_status live_tls_read(struct live_tls *tls, size_t *out_len, uint8_t *out, size_t cap) {
  assert(tls->state != LIVE_TLS_HANDSHAKE && cap > 0);
  *out_len = 0;
  if (tls->status != EHLO_OK) {
    return tls->status;
  }
  ERR_clear_error();
  int n = SSL_read(tls->ssl, out, cap < INT_MAX ? (int)cap : INT_MAX);
  if (n > 0) {
    *out_len = (size_t)n;
  } else {
    note_result(tls, n);
  }
  return tls->status;
}

enum ehlo_status live_tls_write(struct live_tls *tls, const uint8_t *in, size_t len) {
  assert(tls->state != LIVE_TLS_HANDSHAKE && len <= INT_MAX);
  if (tls->state == LIVE_TLS_FAILED) {
    return tls->status;
  }
  ERR_clear_error();
  int n = len > 0 ? SSL_write(tls->ssl, in, (int)len) : 0;
  if (n == (int)len) {
    return EHLO_OK;
  }
  fail_in_library(tls);
  return EHLO_E_TLS;
}

void live_tls_close(struct live_tls *tls) {
  if (tls->state == LIVE_TLS_OPEN || tls->state == LIVE_TLS_CLOSED) {
    (void)SSL_shutdown(tls->ssl);
    ERR_clear_error();
  }
}

// ---- Words --------------------------------------------------------------------------------------

const char *live_tls_failure(const struct live_tls *tls) {
  return tls->failure;
}

// NAME="TEXT". In TEXT no quotation mark is left: those of the certificate's own words are escapes
// already, and ours become apostrophes.
static void add_quoted(struct live_text *t, const char *name, const char *text) {
  if (text[0] == '\0') {
    return;
  }
  live_text_format(t, " %s=\"", name);
  for (; *text != '\0'; text++) {
    live_text_format(t, "%c", *text == '"' ? '\'' : *text);
  }
  live_text_format(t, "\"");
}

static void add_certificate(struct live_text *t, const struct live_tls_info *info, bool reason) {
  const struct live_certificate_info *c = &info->certificates[0];
  if (!info->judged || info->num_certificates == 0) {
    return;
  }
  live_text_format(t, " name=%s chain=%s sha256=%s", info->verdict.name_ok ? "ok" : "no",
                   info->verdict.chain_ok ? "ok" : "no", c->sha256);
  add_quoted(t, "reason", reason ? info->verdict.reason : "");
  add_quoted(t, "subject", c->subject);
  add_quoted(t, "issuer", c->issuer);
  live_text_format(t, " not_before=%s not_after=%s", c->not_before, c->not_after);
  add_quoted(t, "names", c->names);
}

void live_tls_describe(const struct live_tls *tls, char *out, size_t cap) {
  const struct live_tls_info *info = &tls->info;
  struct live_text t;
  live_text_init(&t, out, cap);
  if (tls->failure[0] != '\0') {
    live_text_format(&t, "%s", tls->failure);
    if (info->verdict.reason[0] != '\0' && !tls->insecure) {
      add_certificate(&t, info, false);  // it is what was refused, and the reason stands before it
    }
  } else if (tls->state != LIVE_TLS_HANDSHAKE) {
    live_text_format(&t, "%s %s %s", info->version, info->cipher, info->group);
    add_certificate(&t, info, true);
  }
}
