// Both ends of a session in one process, without a socket: what is refused and in which words, what
// goes on with --insecure, and how a stream may end.
#include "tools/live/tls.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <criterion/criterion.h>

#include "tools/live/testing/identity.h"

#define WHOLE SIZE_MAX
#define GOOD_NAMES "mail.example *.wild.example 192.0.2.1 2001:db8::1"

struct pair {
  struct live_test_identity identity;
  SSL_CTX *client_context;
  SSL_CTX *server_context;
  struct live_tls client;
  struct live_tls server;
};

static void pair_make(struct pair *p, const char *names, int64_t days) {
  char error[128];
  live_test_identity_make(&p->identity, names, days);
  struct live_roots roots = {.root = p->identity.authority.x509};
  p->client_context = live_tls_client_context(error, sizeof error, &roots);
  p->server_context = live_tls_server_context(&p->identity.server, &p->identity.authority);
  cr_assert(p->client_context != NULL && p->server_context != NULL, "%s", error);
}

static void pair_begin(struct pair *p, const char *name, bool insecure) {
  cr_assert(live_tls_init_client(&p->client, p->client_context, name, insecure));
  cr_assert(live_tls_init_server(&p->server, p->server_context));
}

static void pair_end(struct pair *p) {
  live_tls_free(&p->client);
  live_tls_free(&p->server);
}

static void pair_free(struct pair *p) {
  SSL_CTX_free(p->client_context);
  SSL_CTX_free(p->server_context);
  live_test_identity_free(&p->identity);
}

// Carries the output of one end to the other, `cut` bytes at a time. False if there was none.
static bool carry(struct live_tls *from, struct live_tls *to, size_t cut) {
  const uint8_t *bytes;
  size_t len;
  bool moved = false;
  while (live_tls_output(from, &bytes, &len)) {
    size_t n = len < cut ? len : cut;
    live_tls_feed(to, bytes, n);
    live_tls_output_ack(from, n);
    (void)live_tls_handshake(to);
    moved = true;
  }
  return moved;
}

static enum ehlo_status shake(struct pair *p, size_t cut) {
  (void)live_tls_handshake(&p->client);
  while (carry(&p->client, &p->server, cut) || carry(&p->server, &p->client, cut)) {
  }
  return live_tls_handshake(&p->client);
}

static void expect_text(struct live_tls *tls, const char *want) {
  char got[128] = "";
  size_t len = 0;
  for (size_t n = 1; n > 0 && len < sizeof got - 1; len += n) {
    cr_assert_eq(live_tls_read(tls, &n, (uint8_t *)got + len, sizeof got - 1 - len), EHLO_OK);
  }
  cr_assert_str_eq(got, want);
}

static void write_text(struct live_tls *tls, const char *text) {
  cr_assert_eq(live_tls_write(tls, (const uint8_t *)text, strlen(text)), EHLO_OK);
}

Test(live_tls, talks_however_the_bytes_are_cut) {
  static const size_t cuts[] = {1, 2, 7, 500, WHOLE};
  struct pair p;
  pair_make(&p, GOOD_NAMES, 30);
  for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
    pair_begin(&p, "mail.example", false);
    cr_assert_eq(shake(&p, cuts[i]), EHLO_OK, "%s", live_tls_failure(&p.client));
    cr_assert(live_tls_is_open(&p.client) && live_tls_is_open(&p.server));
    write_text(&p.client, "EHLO client.example\r\n");
    carry(&p.client, &p.server, cuts[i]);
    expect_text(&p.server, "EHLO client.example\r\n");
    write_text(&p.server, "250 mail.example\r\n");
    carry(&p.server, &p.client, cuts[i]);
    expect_text(&p.client, "250 mail.example\r\n");
    pair_end(&p);
  }
  pair_free(&p);
}

Test(live_tls, tells_what_was_agreed) {
  struct pair p;
  char line[LIVE_TLS_DESCRIPTION_MAX];
  char want[LIVE_TLS_DESCRIPTION_MAX];
  pair_make(&p, GOOD_NAMES, 30);
  pair_begin(&p, "mail.example", false);
  live_tls_describe(&p.client, line, sizeof line);
  cr_assert_str_eq(line, "");
  cr_assert_eq(shake(&p, WHOLE), EHLO_OK);
  const struct live_tls_info *info = &p.client.info;
  cr_assert_str_eq(info->version, "TLSv1.3");
  cr_assert_str_eq(info->group, "X25519");
  cr_assert_eq(info->num_certificates, 2);
  cr_assert_str_eq(info->certificates[0].subject, "CN=common.example");
  cr_assert_str_eq(info->certificates[0].issuer, "CN=Test CA");
  cr_assert_str_eq(info->certificates[0].names,
                   "mail.example, *.wild.example, 192.0.2.1, 2001:db8::1");
  cr_assert_eq(info->certificates[0].num_names, 4);
  cr_assert_eq(strlen(info->certificates[0].sha256), 64);
  cr_assert_str_eq(info->certificates[1].subject, "CN=Test CA");
  cr_assert(strcmp(info->certificates[1].not_before, info->certificates[1].not_after) < 0);
  const struct live_certificate_info *own = &info->certificates[0];
  (void)snprintf(want, sizeof want,
                 "TLSv1.3 %s X25519 name=ok chain=ok sha256=%s subject=\"CN=common.example\" "
                 "issuer=\"CN=Test CA\" not_before=%s not_after=%s names=\"%s\"",
                 info->cipher, own->sha256, own->not_before, own->not_after, own->names);
  live_tls_describe(&p.client, line, sizeof line);
  cr_assert_str_eq(line, want);
  pair_end(&p);
  pair_free(&p);
}

Test(live_tls, speaks_tls_1_2) {
  struct pair p;
  pair_make(&p, GOOD_NAMES, 30);
  cr_assert(SSL_CTX_set_max_proto_version(p.server_context, TLS1_2_VERSION));
  pair_begin(&p, "mail.example", false);
  cr_assert_eq(shake(&p, WHOLE), EHLO_OK);
  cr_assert_str_eq(p.client.info.version, "TLSv1.2");
  pair_end(&p);
  pair_free(&p);
}

// Both ends have the same bytes to bind, and no two sessions have.
static void expect_binding(struct pair *p, struct live_tls_binding *out, bool exporter) {
  struct live_tls_binding server;
  live_tls_get_binding(&p->client, out);
  cr_assert(out->exporter_len == 0 && out->unique_len == 0, "before the handshake");
  cr_assert_eq(shake(p, WHOLE), EHLO_OK);
  live_tls_get_binding(&p->client, out);
  live_tls_get_binding(&p->server, &server);
  cr_assert_eq(out->exporter_len, exporter ? 32 : 0);
  cr_assert_eq(out->unique_len, exporter ? 0 : 12);
  cr_assert_arr_eq((const uint8_t *)out, (const uint8_t *)&server, sizeof server);
}

Test(live_tls, has_something_to_bind) {
  for (int old = 0; old < 2; old++) {
    struct pair p;
    struct live_tls_binding first;
    struct live_tls_binding second;
    pair_make(&p, GOOD_NAMES, 30);
    cr_assert(
        SSL_CTX_set_max_proto_version(p.server_context, old ? TLS1_2_VERSION : TLS1_3_VERSION));
    pair_begin(&p, "mail.example", false);
    expect_binding(&p, &first, !old);
    live_tls_close(&p.server);
    carry(&p.server, &p.client, WHOLE);
    pair_end(&p);
    pair_begin(&p, "mail.example", false);
    expect_binding(&p, &second, !old);
    cr_expect_neq(memcmp(&first, &second, sizeof first), 0);
    pair_end(&p);
    pair_free(&p);
  }
}

// ---- Certificates -------------------------------------------------------------------------------

static const struct name_case {
  const char *names;
  const char *name;
  const char *reason;  // NULL: accepted
} name_cases[] = {
    {GOOD_NAMES, "mail.example", NULL},
    {GOOD_NAMES, "MAIL.Example", NULL},
    {GOOD_NAMES, "mail.example.", NULL},
    {GOOD_NAMES, "a.wild.example", NULL},
    {GOOD_NAMES, "192.0.2.1", NULL},
    {GOOD_NAMES, "2001:db8:0::1", NULL},
    {"mail.example", "other.example",
     "the certificate is for \"mail.example\", not for \"other.example\""},
    {"mail.example", "sub.mail.example", "not for \"sub.mail.example\""},
    {"mail.example", ".example", "\".example\" is neither a host name nor an IP address"},
    {"mail.example", "", "there is no name to look for"},
    {"mail.example", "a\x1b[2J", "\"a\\x1b[2J\" is neither a host name nor an IP address"},
    {GOOD_NAMES, "wild.example", "not for \"wild.example\""},
    {GOOD_NAMES, "a.b.wild.example", "not for \"a.b.wild.example\""},
    {GOOD_NAMES, "192.0.2.2", "not for \"192.0.2.2\""},
    {GOOD_NAMES, "2001:db8::2", "not for \"2001:db8::2\""},
    {"192.0.2.1.example", "192.0.2.1", "not for \"192.0.2.1\""},
    {"a b c d e f g", "h", "the certificate is for \"a, b, c, d, e\" and 2 more, not for \"h\""},
    {"", "common.example",
     "the certificate names no host (a common name does not count), so it is not for"},
    {"192.0.2.1", "common.example", "is for \"192.0.2.1\", not for \"common.example\""},
    {"\x1b[2J\n\xff", "mail.example", "the certificate is for \"\\x1b[2J\\x0a\\xff\", not for"},
};

Test(live_tls, wants_the_name) {
  for (size_t i = 0; i < sizeof name_cases / sizeof name_cases[0]; i++) {
    const struct name_case *c = &name_cases[i];
    struct pair p;
    pair_make(&p, c->names, 30);
    pair_begin(&p, c->name, false);
    enum ehlo_status status = shake(&p, WHOLE);
    const char *failure = live_tls_failure(&p.client);
    cr_expect_eq(status, c->reason == NULL ? EHLO_OK : EHLO_E_TLS, "%s: %s", c->name, failure);
    cr_expect_eq(p.client.info.verdict.name_ok, c->reason == NULL, "%s", c->name);
    cr_expect(p.client.info.verdict.chain_ok, "%s", c->name);
    if (c->reason != NULL) {
      cr_expect(strstr(failure, c->reason) != NULL, "%s: got \"%s\"", c->name, failure);
      cr_expect_not(live_tls_is_open(&p.client));
      cr_expect(strstr(live_tls_failure(&p.server), "\"bad certificate\"") != NULL,
                "%s: got \"%s\"", c->name, live_tls_failure(&p.server));
      cr_expect_eq(p.client.info.num_certificates, 2, "%s: kept for the report", c->name);
    }
    pair_end(&p);
    pair_free(&p);
  }
}

// What the server shows, against a client that trusts Test CA alone.
enum shown { SHOW_EXPIRED, SHOW_FUTURE, SHOW_SELF_SIGNED, SHOW_STRANGER, SHOW_STRANGER_ALONE };

static const struct chain_case {
  enum shown shown;
  const char *reason;
} chain_cases[] = {
    {SHOW_EXPIRED, "the certificate expired on 20"},
    {SHOW_FUTURE, "the certificate is not valid before 20"},
    {SHOW_SELF_SIGNED, "the certificate is self-signed and not trusted here"},
    {SHOW_STRANGER, "the certificate is issued by an authority that is not trusted here: \"CN=X\""},
    {SHOW_STRANGER_ALONE, "(the server sent no certificate in between)"},
};

static void make_shown(struct live_certificate *own, struct live_certificate *stranger,
                       const struct pair *p, enum shown shown) {
  static const char *const names[] = {"mail.example"};
  int64_t now = (int64_t)time(NULL);
  struct live_certificate_request request = {.common_name = "X",
                                             .not_before = now - 9 * LIVE_TEST_DAY,
                                             .not_after = now + 9 * LIVE_TEST_DAY,
                                             .is_authority = true};
  cr_assert(live_certificate_make(stranger, &request, NULL));
  request.names = names;
  request.num_names = 1;
  request.is_authority = false;
  if (shown == SHOW_EXPIRED) {
    request.not_after = now - LIVE_TEST_DAY;
  } else if (shown == SHOW_FUTURE) {
    request.not_before = now + LIVE_TEST_DAY;
  }
  bool known = shown == SHOW_EXPIRED || shown == SHOW_FUTURE;
  const struct live_certificate *issuer = known ? &p->identity.authority : stranger;
  request.common_name = shown == SHOW_SELF_SIGNED ? "self" : "leaf";
  cr_assert(live_certificate_make(own, &request, shown == SHOW_SELF_SIGNED ? NULL : issuer));
}

static void show(struct pair *p, enum shown shown) {
  struct live_certificate own;
  struct live_certificate stranger;
  make_shown(&own, &stranger, p, shown);
  SSL_CTX_free(p->server_context);
  p->server_context = live_tls_server_context(&own, shown == SHOW_STRANGER ? &stranger : NULL);
  cr_assert(p->server_context != NULL);
  live_certificate_free(&own);
  live_certificate_free(&stranger);
}

Test(live_tls, wants_a_chain) {
  for (size_t i = 0; i < sizeof chain_cases / sizeof chain_cases[0]; i++) {
    const struct chain_case *c = &chain_cases[i];
    struct pair p;
    pair_make(&p, "unused", 30);
    show(&p, c->shown);
    pair_begin(&p, "mail.example", false);
    cr_expect_eq(shake(&p, WHOLE), EHLO_E_TLS, "%s", c->reason);
    const char *failure = live_tls_failure(&p.client);
    cr_expect(strstr(failure, c->reason) != NULL, "got \"%s\"", failure);
    cr_expect(p.client.info.verdict.name_ok && !p.client.info.verdict.chain_ok);
    pair_end(&p);
    pair_free(&p);
  }
}

// What was refused is in the record, behind the reason and after no other failure.
Test(live_tls, describes_the_certificate_that_it_refused) {
  struct pair p;
  char line[LIVE_TLS_DESCRIPTION_MAX];
  pair_make(&p, "mail.example", 30);
  pair_begin(&p, "other.example", false);
  cr_assert_eq(shake(&p, WHOLE), EHLO_E_TLS);
  live_tls_describe(&p.client, line, sizeof line);
  const char *failure = live_tls_failure(&p.client);
  cr_assert(strncmp(line, failure, strlen(failure)) == 0, "%s", line);
  cr_assert(strstr(line, "\" name=no chain=ok sha256=") == line + strlen(failure) - 1, "%s", line);
  cr_assert(strstr(line, " subject=\"CN=common.example\" issuer=\"CN=Test CA\"") != NULL, "%s",
            line);
  cr_assert(strstr(line, " reason=") == NULL, "%s", line);
  pair_end(&p);
  pair_free(&p);
}

Test(live_tls, goes_on_insecurely_but_tells) {
  struct pair p;
  char line[LIVE_TLS_DESCRIPTION_MAX];
  pair_make(&p, "mail.example", 30);
  pair_begin(&p, "other.example", true);
  cr_assert_eq(shake(&p, WHOLE), EHLO_OK);
  live_tls_describe(&p.client, line, sizeof line);
  cr_assert(strstr(line, " name=no chain=ok sha256=") != NULL, "%s", line);
  pair_end(&p);

  show(&p, SHOW_SELF_SIGNED);
  pair_begin(&p, "other.example", true);
  cr_assert_eq(shake(&p, WHOLE), EHLO_OK);
  live_tls_describe(&p.client, line, sizeof line);
  cr_assert(strstr(line, " name=no chain=no sha256=") != NULL, "%s", line);
  cr_assert(strstr(line,
                   " reason=\"the certificate is for 'mail.example', not for 'other.example'; the "
                   "certificate is self-signed and not trusted here\" subject=\"") != NULL,
            "%s", line);
  cr_assert_str_eq(p.client.info.verdict.reason,
                   "the certificate is for \"mail.example\", not for \"other.example\"; "
                   "the certificate is self-signed and not trusted here");
  write_text(&p.client, "NOOP\r\n");
  carry(&p.client, &p.server, WHOLE);
  expect_text(&p.server, "NOOP\r\n");
  pair_end(&p);
  pair_free(&p);
}

Test(live_tls, asks_for_names_only) {
  static const struct {
    const char *name;
    const char *sni;
  } cases[] = {{"mail.example", "mail.example"},
               {"mail.example.", "mail.example"},
               {"192.0.2.1", NULL},
               {"2001:db8::1", NULL}};
  struct pair p;
  pair_make(&p, GOOD_NAMES, 30);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    pair_begin(&p, cases[i].name, false);
    cr_assert_eq(shake(&p, WHOLE), EHLO_OK);
    const char *sni = SSL_get_servername(p.server.ssl, TLSEXT_NAMETYPE_host_name);
    cr_expect((sni == NULL) == (cases[i].sni == NULL), "%s", cases[i].name);
    cr_expect(sni == NULL || strcmp(sni, cases[i].sni) == 0, "%s", sni);
    pair_end(&p);
  }
  pair_free(&p);
}

// ---- Servers that are none ----------------------------------------------------------------------

static const struct answer {
  const char *bytes;
  size_t len;
  const char *failure;
} answers[] = {
    {"220 mail.example ESMTP\r\n", 24,
     "the server sent cleartext where TLS was expected: \"220 mail.example ESMTP\\x0d\\x0a\""},
    {"HTTP/1.1 400 Bad Request\r\n", 26, "expected: \"HTTP/1.1 400 Bad Request"},
    {"\x15\x03\x01\x00\x02\x02\x28", 7,
     "the server ended TLS with the alert \"handshake failure\": it accepts none of the ciphers"},
    {"\x15\x03\x01\x00\x02\x02\x46", 7, "it speaks neither TLS 1.2 nor TLS 1.3"},
    {"\x15\x03\x01\x00\x02\x02\x5a", 7, "\"user canceled\""},
    {"\x15\x03\x01\x00\x02\x02\x6e", 7, "the alert \"unsupported extension\""},
    // A ServerHello of TLS 1.1.
    {"\x16\x03\x02\x00\x2a\x02\x00\x00\x26\x03\x02"
     "0123456789abcdef0123456789abcdef\x00\xc0\x14\x00",
     47, "the server speaks neither TLS 1.2 nor TLS 1.3"},
    {"\x16\x03\x03\x00\x04\xff\x00\x00\x00", 9, "TLS failed on what the server sent: "},
};

Test(live_tls, recognises_what_is_no_tls) {
  struct pair p;
  pair_make(&p, GOOD_NAMES, 30);
  for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
    pair_begin(&p, "mail.example", false);
    cr_assert_eq(live_tls_handshake(&p.client), EHLO_OK);
    live_tls_feed(&p.client, (const uint8_t *)answers[i].bytes, answers[i].len);
    cr_expect_eq(live_tls_handshake(&p.client), EHLO_E_TLS, "%s", answers[i].failure);
    const char *failure = live_tls_failure(&p.client);
    cr_expect(strstr(failure, answers[i].failure) != NULL, "got \"%s\"", failure);
    pair_end(&p);
  }
  pair_free(&p);
}

Test(live_tls, refuses_an_old_server) {
  struct pair p;
  pair_make(&p, GOOD_NAMES, 30);
  cr_assert(SSL_CTX_set_min_proto_version(p.server_context, TLS1_VERSION));
  cr_assert(SSL_CTX_set_max_proto_version(p.server_context, TLS1_1_VERSION));
  pair_begin(&p, "mail.example", false);
  cr_assert_eq(shake(&p, WHOLE), EHLO_E_TLS);
  cr_assert(strstr(live_tls_failure(&p.client), "neither TLS 1.2 nor") != NULL, "%s",
            live_tls_failure(&p.client));
  pair_end(&p);
  pair_free(&p);
}

// ---- Ends ---------------------------------------------------------------------------------------

static void begin_goodbye(struct pair *p) {
  pair_make(p, GOOD_NAMES, 30);
  pair_begin(p, "mail.example", false);
  cr_assert_eq(shake(p, WHOLE), EHLO_OK);
  write_text(&p->server, "221 bye\r\n");
}

Test(live_tls, ends_with_close_notify) {
  struct pair p;
  begin_goodbye(&p);
  carry(&p.server, &p.client, WHOLE);
  expect_text(&p.client, "221 bye\r\n");
  live_tls_close(&p.server);
  carry(&p.server, &p.client, WHOLE);
  live_tls_feed_end(&p.client, EHLO_E_CLOSED);
  uint8_t byte;
  size_t n;
  cr_assert_eq(live_tls_read(&p.client, &n, &byte, 1), EHLO_E_CLOSED);
  cr_assert_str_eq(live_tls_failure(&p.client), "");
  pair_end(&p);
  pair_free(&p);
}

Test(live_tls, gives_what_came_before_close_notify) {
  struct pair p;
  char got[16];
  size_t n;
  begin_goodbye(&p);
  live_tls_close(&p.server);
  carry(&p.server, &p.client, WHOLE);
  live_tls_feed_end(&p.client, EHLO_E_RESET);
  cr_assert_eq(live_tls_read(&p.client, &n, (uint8_t *)got, sizeof got), EHLO_OK);
  cr_assert_eq(n, 9);
  cr_assert_eq(live_tls_read(&p.client, &n, (uint8_t *)got, sizeof got), EHLO_E_CLOSED);
  pair_end(&p);
  pair_free(&p);
}

Test(live_tls, takes_an_end_without_close_notify_for_a_cut) {
  struct pair p;
  begin_goodbye(&p);
  carry(&p.server, &p.client, WHOLE);
  expect_text(&p.client, "221 bye\r\n");
  live_tls_feed_end(&p.client, EHLO_E_CLOSED);
  uint8_t byte;
  size_t n;
  cr_assert_eq(live_tls_read(&p.client, &n, &byte, 1), EHLO_E_TLS);
  cr_assert_eq(live_tls_read(&p.client, &n, &byte, 1), EHLO_E_TLS);
  cr_assert_str_eq(live_tls_failure(&p.client),
                   "closed without close_notify (the stream may be cut)");
  pair_end(&p);
  pair_free(&p);
}

Test(live_tls, tells_a_reset_from_a_close) {
  struct pair p;
  begin_goodbye(&p);
  carry(&p.server, &p.client, WHOLE);
  expect_text(&p.client, "221 bye\r\n");
  live_tls_feed_end(&p.client, EHLO_E_RESET);
  uint8_t byte;
  size_t n;
  cr_assert_eq(live_tls_read(&p.client, &n, &byte, 1), EHLO_E_RESET);
  cr_assert_str_eq(live_tls_failure(&p.client), "the server reset the connection");
  pair_end(&p);
  pair_free(&p);
}

Test(live_tls, tells_an_end_during_the_handshake) {
  static const struct {
    enum ehlo_status end;
    const char *failure;
  } cases[] = {{EHLO_E_CLOSED, "the server closed the connection during the TLS handshake"},
               {EHLO_E_RESET, "the server reset the connection during the TLS handshake"},
               {EHLO_E_TIMEOUT, "the server did not answer in time during the TLS handshake"}};
  struct pair p;
  pair_make(&p, GOOD_NAMES, 30);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    pair_begin(&p, "mail.example", false);
    cr_assert_eq(live_tls_handshake(&p.client), EHLO_OK);
    live_tls_feed_end(&p.client, cases[i].end);
    cr_expect_eq(live_tls_handshake(&p.client), cases[i].end);
    cr_expect_str_eq(live_tls_failure(&p.client), cases[i].failure);
    pair_end(&p);
  }
  pair_free(&p);
}

Test(live_tls, takes_a_close_notify_in_the_handshake_for_no_orderly_end) {
  static const uint8_t close_notify[] = {0x15, 3, 3, 0, 2, 1, 0};
  static const char words[] = "the server closed the connection during the TLS handshake";
  struct pair p;
  char line[LIVE_TLS_DESCRIPTION_MAX];
  pair_make(&p, GOOD_NAMES, 30);
  pair_begin(&p, "mail.example", false);
  cr_assert_eq(live_tls_handshake(&p.client), EHLO_OK);
  live_tls_feed(&p.client, close_notify, sizeof close_notify);
  cr_assert_eq(live_tls_handshake(&p.client), EHLO_E_CLOSED);
  cr_assert_eq(p.client.state, LIVE_TLS_FAILED);
  cr_assert_str_eq(live_tls_failure(&p.client), words);
  live_tls_describe(&p.client, line, sizeof line);
  cr_assert_str_eq(line, words);
  pair_end(&p);
  pair_free(&p);
}

Test(live_tls, refuses_a_damaged_record) {
  struct pair p;
  const uint8_t *bytes;
  size_t len;
  uint8_t copy[4096];
  size_t n;
  begin_goodbye(&p);
  cr_assert(live_tls_output(&p.server, &bytes, &len) && len <= sizeof copy);
  memcpy(copy, bytes, len);
  copy[len - 1] ^= 1;
  live_tls_feed(&p.client, copy, len);
  cr_assert_eq(live_tls_read(&p.client, &n, copy, sizeof copy), EHLO_E_TLS);
  cr_assert_eq(n, 0);
  cr_assert(live_tls_failure(&p.client)[0] != '\0');
  pair_end(&p);
  pair_free(&p);
}

// A flight is one record while it fits: 5 octets of header, 1 of type, 16 of authentication.
Test(live_tls, spends_one_record_on_a_flight) {
  static uint8_t flight[16384];
  struct pair p;
  const uint8_t *bytes;
  size_t len;
  pair_make(&p, GOOD_NAMES, 30);
  pair_begin(&p, "mail.example", false);
  cr_assert_eq(shake(&p, WHOLE), EHLO_OK);
  cr_assert_eq(live_tls_write(&p.client, flight, sizeof flight), EHLO_OK);
  cr_assert(live_tls_output(&p.client, &bytes, &len));
  cr_assert_eq(len, sizeof flight + 22);
  pair_end(&p);
  pair_free(&p);
}
