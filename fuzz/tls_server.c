// See tls_server.h. What it says depends on what it heard alone, never on how that was cut.
#include "fuzz/tls_server.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#define SHRED_LEN 7

// ---- Out ----------------------------------------------------------------------------------------

static void flush(struct ehlo_fuzz_tls_server *s) {
  const uint8_t *bytes;
  size_t len;
  if (BIO_mem_contents(s->to_client, &bytes, &len) && len > 0) {
    ehlo_fuzz_wire_add(s->wire, bytes, len);
    (void)BIO_reset(s->to_client);
  }
}

static void say(struct ehlo_fuzz_tls_server *s, const char *text) {
  size_t len = strlen(text);
  if (!s->tls) {
    ehlo_fuzz_wire_add_clear(s->wire, (const uint8_t *)text, len);
    return;
  }
  ehlo_fuzz_add(&s->said, text, len);
  while (len > 0) {
    size_t n = s->settings->in_shreds && len > SHRED_LEN ? SHRED_LEN : len;
    EHLO_FUZZ_CHECK(SSL_write(s->ssl, text, (int)n) == (int)n);
    text += n;
    len -= n;
  }
}

static void close_down(struct ehlo_fuzz_tls_server *s, bool with_notify) {
  if (with_notify && s->open) {
    flush(s);
    s->wire->finishes = true;
    (void)SSL_shutdown(s->ssl);
    s->said_close = true;
  }
  s->over = true;
}

// ---- The dialogue -------------------------------------------------------------------------------

static void act(struct ehlo_fuzz_tls_server *s, const struct ehlo_fuzz_tls_act *a) {
  switch (a->what) {
    case EHLO_FUZZ_TLS_KEY_UPDATE:
      if (s->open && SSL_version(s->ssl) == TLS1_3_VERSION) {
        s->updated_keys = SSL_key_update(
            s->ssl, a->value % 2 != 0 ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED);
      }
      return;
    case EHLO_FUZZ_TLS_ALERT:
      if (s->open) {
        (void)SSL_send_fatal_alert(s->ssl, a->value);
      }
      s->over = true;
      break;
    case EHLO_FUZZ_TLS_CLOSE:
      close_down(s, true);
      break;
    case EHLO_FUZZ_TLS_HANG_UP:
      close_down(s, false);
      break;
    case EHLO_FUZZ_TLS_REFUSE:
    case EHLO_FUZZ_TLS_NUM_ACTS:
      break;
  }
  s->acted = true;
}

// Says `text`, or what the input wants instead. False if it was refused or is over.
static bool reply(struct ehlo_fuzz_tls_server *s, const char *text) {
  bool refuses = false;
  size_t number = s->num_replies++;
  for (size_t i = 0; i < s->settings->num_acts && !s->over; i++) {
    if (s->settings->acts[i].reply == number) {
      act(s, &s->settings->acts[i]);
      refuses |= s->settings->acts[i].what == EHLO_FUZZ_TLS_REFUSE;
    }
  }
  if (!s->over) {
    say(s, refuses ? "554 5.7.0 no\r\n" : text);
  }
  return !s->over && !refuses;
}

static bool begins(const uint8_t *line, size_t len, const char *with) {
  return len >= strlen(with) && memcmp(line, with, strlen(with)) == 0;
}

static void begin_tls(struct ehlo_fuzz_tls_server *s) {
  s->tls = true;
  s->heard.len = 0;
  s->lines_done = 0;
}

static void command(struct ehlo_fuzz_tls_server *s, const uint8_t *line, size_t len) {
  if (begins(line, len, "EHLO")) {
    reply(s, s->tls ? "250-mail.example\r\n250-SIZE 1000\r\n250 AUTH PLAIN\r\n"
                    : "250-mail.example\r\n250-STARTTLS\r\n250 SIZE 1000\r\n");
  } else if (begins(line, len, "STARTTLS") && !s->tls) {
    if (reply(s, "220 2.0.0 go ahead\r\n")) {
      begin_tls(s);
    }
  } else if (begins(line, len, "AUTH PLAIN ") && s->tls) {
    reply(s, "235 2.7.0 welcome\r\n");
  } else if (begins(line, len, "DATA")) {
    s->in_message = reply(s, "354 go on\r\n");
  } else if (begins(line, len, "QUIT")) {
    reply(s, "221 2.0.0 bye\r\n");
    if (!s->over) {
      close_down(s, !s->settings->bare_end);
    }
  } else {
    bool known = begins(line, len, "MAIL FROM:") || begins(line, len, "RCPT TO:");
    reply(s, known ? "250 2.1.0 ok\r\n" : "500 5.5.2 what?\r\n");
  }
}

static void take_lines(struct ehlo_fuzz_tls_server *s) {
  while (!s->over) {
    const uint8_t *line = s->heard.bytes + s->lines_done;
    size_t left = s->heard.len - s->lines_done;
    const uint8_t *lf = left > 0 ? memchr(line, '\n', left) : NULL;
    if (lf == NULL) {
      return;
    }
    size_t len = (size_t)(lf + 1 - line);
    s->lines_done += len;
    if (!s->in_message) {
      command(s, line, len);
    } else if (len == 3 && line[0] == '.') {
      s->in_message = false;
      reply(s, "250 2.0.0 queued\r\n");
    }
  }
}

// ---- In -----------------------------------------------------------------------------------------

static void take_tls(struct ehlo_fuzz_tls_server *s, const uint8_t *bytes, size_t len) {
  uint8_t block[512];
  int n = 0;
  EHLO_FUZZ_CHECK(BIO_write(s->from_client, bytes, (int)len) == (int)len);
  while (!s->over) {
    ERR_clear_error();
    n = s->open ? SSL_read(s->ssl, block, sizeof(block)) : SSL_do_handshake(s->ssl);
    if (n <= 0) {
      s->over |= SSL_get_error(s->ssl, n) != SSL_ERROR_WANT_READ;
      break;
    }
    if (s->open) {
      ehlo_fuzz_add(&s->heard, block, (size_t)n);
      take_lines(s);
    } else {
      s->open = true;
      if (s->settings->implicit) {
        reply(s, "220 mail.example\r\n");
      }
    }
  }
  ERR_clear_error();
  flush(s);
}

void ehlo_fuzz_tls_server_take(struct ehlo_fuzz_tls_server *s, const uint8_t *bytes, size_t len) {
  if (s->over) {
    return;
  }
  if (s->tls) {
    take_tls(s, bytes, len);
  } else {
    ehlo_fuzz_add(&s->heard, bytes, len);
    take_lines(s);
  }
}

static void limit_versions(SSL *ssl, enum ehlo_fuzz_tls_versions versions) {
  static const struct {
    uint16_t min;
    uint16_t max;
  } bounds[EHLO_FUZZ_TLS_NUM_VERSIONS] = {
      [EHLO_FUZZ_TLS_ANY] = {TLS1_2_VERSION, TLS1_3_VERSION},
      [EHLO_FUZZ_TLS_ONLY_1_2] = {TLS1_2_VERSION, TLS1_2_VERSION},
      [EHLO_FUZZ_TLS_ONLY_1_3] = {TLS1_3_VERSION, TLS1_3_VERSION},
      [EHLO_FUZZ_TLS_TOO_OLD] = {TLS1_VERSION, TLS1_1_VERSION},
  };
  EHLO_FUZZ_CHECK(SSL_set_min_proto_version(ssl, bounds[versions].min) == 1);
  EHLO_FUZZ_CHECK(SSL_set_max_proto_version(ssl, bounds[versions].max) == 1);
}

void ehlo_fuzz_tls_server_begin(struct ehlo_fuzz_tls_server *s,
                                const struct ehlo_fuzz_tls_settings *settings,
                                struct ehlo_fuzz_wire *wire) {
  s->settings = settings;
  s->wire = wire;
  s->ssl = SSL_new(ehlo_fuzz_tls_server(settings->identity));
  s->from_client = BIO_new(BIO_s_mem());
  s->to_client = BIO_new(BIO_s_mem());
  EHLO_FUZZ_CHECK(s->ssl != NULL && s->from_client != NULL && s->to_client != NULL);
  SSL_set_bio(s->ssl, s->from_client, s->to_client);
  SSL_set_accept_state(s->ssl);
  limit_versions(s->ssl, settings->versions);
  if (settings->without_tickets) {
    SSL_set_options(s->ssl, SSL_OP_NO_TICKET);
  }
  if (settings->implicit) {
    begin_tls(s);
  } else {
    reply(s, "220 mail.example\r\n");
  }
}

void ehlo_fuzz_tls_server_free(struct ehlo_fuzz_tls_server *s) {
  SSL_free(s->ssl);
  free(s->heard.bytes);
  free(s->said.bytes);
}
