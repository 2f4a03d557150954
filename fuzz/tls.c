// A whole session of the client with a mail server behind TLS, both in memory, while the input alters
// what travels between them. What has to hold:
//  - what the client reads under TLS is the beginning of what the server wrote there, and all of it
//    where the client sees an orderly end; the same the other way;
//  - an orderly end (close_notify, RFC 3207) is never seen in a stream that was altered or cut;
//  - a certificate that is not good, or a protocol too old, gives EHLO_E_TLS and a reason, never a
//    session; and where nobody interferes, there is one, bound alike at both ends;
//  - nothing from under TLS is taken or said before the handshake is over, and no octet of the
//    credential or the message ever travels in the open;
//  - what was fed is taken up, so that memory stays bounded; each session comes to its end;
//  - the outcome is the same however the streams are cut, unless somebody speaks in the clear: whether
//    a reply too many comes before the next command or after it is then a question of time.
//
// BoringSSL draws random numbers in each run that an input does not decide. So edits go by record and
// offset, what they hit may differ in its octets, and only the outcome is compared: whether there was
// a session, what was read, how it ended; of a failing handshake, that it failed.
//
// An input is four octets of settings (identity, versions, flags, cuts) and five for each step: what,
// the record or reply it is for, an offset in two, and a value.
#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ehlo.h"
#include "fuzz/fuzz.h"
#include "fuzz/tls_identity.h"
#include "fuzz/tls_server.h"
#include "fuzz/tls_wire.h"
#include "tools/live/tls.h"

enum goal {
  TLS_1_2,
  TLS_1_3,
  IMPLICIT,
  ACCEPTED,
  ORDERLY,
  TRUNCATED,
  BAD_IDENTITY,  // one for each identity
  TOO_OLD = BAD_IDENTITY + EHLO_FUZZ_TLS_NUM_IDENTITIES,
  ON_TRUST,
  INJECTED,
  CLEARTEXT,
  BROKEN_BEFORE,
  BROKEN_AFTER,
  BROKEN_TO_SERVER,
  KEYS_UPDATED,
  ALERTED,
  LOST_BEFORE,
  REFUSED,
};

const char *const ehlo_fuzz_goals[EHLO_FUZZ_GOALS_MAX] = {
    [TLS_1_2] = "a session with TLS 1.2",
    [TLS_1_3] = "a session with TLS 1.3",
    [IMPLICIT] = "a session with TLS from the start",
    [ACCEPTED] = "an accepted message",
    [ORDERLY] = "an orderly end",
    [TRUNCATED] = "an end without close_notify",
    [BAD_IDENTITY + EHLO_FUZZ_TLS_OTHER_NAME] = "another's certificate",
    [BAD_IDENTITY + EHLO_FUZZ_TLS_UNTRUSTED] = "an unknown authority",
    [BAD_IDENTITY + EHLO_FUZZ_TLS_EXPIRED] = "an expired certificate",
    [BAD_IDENTITY + EHLO_FUZZ_TLS_EARLY] = "a certificate that is not valid yet",
    [TOO_OLD] = "a protocol too old",
    [ON_TRUST] = "a bad certificate taken on trust",
    [INJECTED] = "octets behind the 220",
    [CLEARTEXT] = "cleartext in place of TLS",
    [BROKEN_BEFORE] = "an altered handshake",
    [BROKEN_AFTER] = "an altered session",
    [BROKEN_TO_SERVER] = "a session altered on its way to the server",
    [KEYS_UPDATED] = "a session that outlives a KeyUpdate",
    [ALERTED] = "the server's alert",
    [LOST_BEFORE] = "an end in the handshake",
    [REFUSED] = "STARTTLS refused",
};

enum flags {
  FLAG_IMPLICIT = 1,
  FLAG_WITHOUT_TICKETS = 2,
  FLAG_BARE_END = 4,
  FLAG_IN_SHREDS = 8,
  FLAG_ON_TRUST = 16,
};

#define SETTINGS_LEN 4
#define STEP_LEN 5
#define STEPS_MAX 8
#define PLACES 32  // records and replies that a step can be for

#define SECRET "hunter2-correct-horse"
#define MESSAGE "Subject: a secret meeting\r\n\r\nat noon by the river\r\n"
#define TURNS_MAX 100000

struct plan {
  struct ehlo_fuzz_tls_settings settings;
  struct ehlo_fuzz_edit to_client[EHLO_FUZZ_EDITS_MAX];
  struct ehlo_fuzz_edit to_server[EHLO_FUZZ_EDITS_MAX];
  size_t num_to_client;
  size_t num_to_server;
  bool on_trust;
  uint8_t cuts;
};

struct run {
  const struct plan *plan;
  struct ehlo_client client;
  struct live_tls tls;
  struct ehlo_fuzz_tls_server server;
  struct ehlo_fuzz_wire to_client;
  struct ehlo_fuzz_wire to_server;
  struct ehlo_fuzz_cuts cuts;
  bool in_tls;  // the handshake has begun
  bool opened;
  bool ended;    // the client was told that the connection is over
  bool told;     // the engine was
  bool leaving;  // the client has said close_notify
  bool accepted;
  struct ehlo_fuzz_bytes read;  // under TLS
  struct ehlo_fuzz_bytes written;
  uint8_t buffer[EHLO_BUFFER_MIN * 2];
};

// ---- The input ----------------------------------------------------------------------------------

static void add_step(struct plan *p, const uint8_t *step) {
  size_t what = step[0] % (2 * EHLO_FUZZ_NUM_EDITS + EHLO_FUZZ_TLS_NUM_ACTS);
  size_t where = step[1] % PLACES;
  struct ehlo_fuzz_edit edit = {.record = where, .value = step[4]};
  edit.what = (enum ehlo_fuzz_edit_what)(what % EHLO_FUZZ_NUM_EDITS);
  edit.at = (uint16_t)(step[2] << 8 | step[3]);
  if (what < EHLO_FUZZ_NUM_EDITS) {
    p->to_client[p->num_to_client++] = edit;
  } else if (what < 2 * EHLO_FUZZ_NUM_EDITS) {
    p->to_server[p->num_to_server++] = edit;
  } else {
    enum ehlo_fuzz_tls_act_what act = (enum ehlo_fuzz_tls_act_what)(what - 2 * EHLO_FUZZ_NUM_EDITS);
    p->settings.acts[p->settings.num_acts++] =
        (struct ehlo_fuzz_tls_act){.what = act, .reply = where, .value = step[4]};
  }
}

static struct plan read_plan(const uint8_t *data, size_t size) {
  struct plan p = {.cuts = data[3]};
  p.settings.identity = (enum ehlo_fuzz_tls_identity)(data[0] % EHLO_FUZZ_TLS_NUM_IDENTITIES);
  p.settings.versions = (enum ehlo_fuzz_tls_versions)(data[1] % EHLO_FUZZ_TLS_NUM_VERSIONS);
  p.settings.implicit = (data[2] & FLAG_IMPLICIT) != 0;
  p.settings.without_tickets = (data[2] & FLAG_WITHOUT_TICKETS) != 0;
  p.settings.bare_end = (data[2] & FLAG_BARE_END) != 0;
  p.settings.in_shreds = (data[2] & FLAG_IN_SHREDS) != 0;
  p.on_trust = (data[2] & FLAG_ON_TRUST) != 0;
  for (size_t i = 0; i < STEPS_MAX && SETTINGS_LEN + (i + 1) * STEP_LEN <= size; i++) {
    add_step(&p, data + SETTINGS_LEN + i * STEP_LEN);
  }
  return p;
}

// ---- The program --------------------------------------------------------------------------------

static bool is_over(const struct run *r) {
  enum ehlo_state state = ehlo_client_state(&r->client);
  return state == EHLO_STATE_FAILED || state == EHLO_STATE_CLOSED;
}

static void begin_tls(struct run *r) {
  EHLO_FUZZ_CHECK(!r->in_tls);
  EHLO_FUZZ_CHECK(
      live_tls_init_client(&r->tls, ehlo_fuzz_tls_client(), EHLO_FUZZ_TLS_NAME, r->plan->on_trust));
  r->in_tls = true;
}

static void send_auth(struct ehlo_client *c) {
  struct ehlo_span initial = {(const uint8_t *)"\0user\0" SECRET, sizeof("\0user\0" SECRET) - 1};
  EHLO_FUZZ_CHECK(ehlo_send_auth(c, "PLAIN", &initial, 1, true) == EHLO_OK);
}

// What follows a reply; after one that is no success, the end.
static void go_on(struct run *r, const struct ehlo_event *e) {
  struct ehlo_client *c = &r->client;
  bool good = e->reply.code / 100 == 2;
  enum ehlo_status status = EHLO_OK;
  if (e->verb == EHLO_VERB_QUIT || e->verb == EHLO_VERB_NONE || e->reply.code == 354) {
    return;
  }
  if (good && e->verb == EHLO_VERB_GREETING) {
    status = ehlo_send_ehlo(c, ehlo_str("client.example"));
  } else if (good && e->verb == EHLO_VERB_EHLO && !r->opened) {
    status = ehlo_send_starttls(c);
  } else if (good && e->verb == EHLO_VERB_EHLO) {
    send_auth(c);
  } else if (good && e->verb == EHLO_VERB_AUTH) {
    status = ehlo_send_mail(c, ehlo_str("a@client.example"), ehlo_str(""));
  } else if (good && e->verb == EHLO_VERB_MAIL) {
    status = ehlo_send_rcpt(c, ehlo_str("b@mail.example"), ehlo_str(""));
  } else if (good && e->verb == EHLO_VERB_RCPT) {
    status = ehlo_send_data(c);
  } else if (e->verb != EHLO_VERB_STARTTLS || !good) {
    r->accepted |= good && e->verb == EHLO_VERB_BODY;
    status = ehlo_send_quit(c);
  }
  if (e->verb == EHLO_VERB_STARTTLS && !good) {
    ehlo_fuzz_reach(REFUSED);
  }
  // The server's cleartext is whatever the input makes of it, so it may not offer STARTTLS.
  if (status == EHLO_E_UNSUPPORTED) {
    EHLO_FUZZ_CHECK(!r->opened && ehlo_send_quit(c) == EHLO_OK);
  } else {
    EHLO_FUZZ_CHECK(status == EHLO_OK || ehlo_client_state(c) == EHLO_STATE_FAILED);
  }
}

static void send_message(struct ehlo_client *c) {
  size_t used;
  size_t len = strlen(MESSAGE);
  EHLO_FUZZ_CHECK(ehlo_send_body(c, &used, (const uint8_t *)MESSAGE, len) == EHLO_OK);
  EHLO_FUZZ_CHECK(used == len && ehlo_send_body_end(c) == EHLO_OK);
}

static void take_events(struct run *r) {
  struct ehlo_event event;
  while (ehlo_next(&r->client, &event) != EHLO_EVENT_NONE) {
    if (event.type == EHLO_EVENT_REPLY) {
      go_on(r, &event);
    } else if (event.type == EHLO_EVENT_TLS_WANTED) {
      // Not where octets behind the 220 have ended it already.
      if (!is_over(r)) {
        begin_tls(r);
      }
    } else if (event.type == EHLO_EVENT_BODY_WANTED) {
      EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_SECRECY, r->opened);
      send_message(&r->client);
    } else if (event.type == EHLO_EVENT_FAILED) {
      if (event.error.status == EHLO_E_STARTTLS_INJECTION) {
        ehlo_fuzz_reach(INJECTED);
      }
    }
  }
}

// ---- The client's transport ---------------------------------------------------------------------

static void send_output(struct run *r) {
  struct ehlo_output out;
  const uint8_t *bytes;
  size_t len;
  while ((!r->in_tls || r->opened) && ehlo_output_peek(&r->client, &out)) {
    if (r->opened) {
      ehlo_fuzz_add(&r->written, out.span.bytes, out.span.len);
      if (live_tls_write(&r->tls, out.span.bytes, out.span.len) != EHLO_OK) {
        break;
      }
    } else {
      EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_SECRECY, (out.flags & EHLO_OUTPUT_SECRET) == 0);
      ehlo_fuzz_wire_add_clear(&r->to_server, out.span.bytes, out.span.len);
    }
    ehlo_output_ack(&r->client, out.span.len, 0);
    take_events(r);
  }
  if (r->opened && is_over(r) && !r->leaving) {
    r->leaving = true;
    live_tls_close(&r->tls);
  }
  while (r->in_tls && live_tls_output(&r->tls, &bytes, &len)) {
    ehlo_fuzz_wire_add(&r->to_server, bytes, len);
    live_tls_output_ack(&r->tls, len);
  }
}

static void take_plain(struct run *r, const uint8_t *bytes, size_t len) {
  size_t at = 0;
  while (at < len) {
    size_t used;
    (void)ehlo_input(&r->client, &used, bytes + at, len - at, 0);
    take_events(r);
    EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_LIVENESS, used > 0 || is_over(r));
    at += is_over(r) ? len - at : used;
  }
}

static void end_client(struct run *r, enum ehlo_status why) {
  if (!r->told) {
    r->told = true;
    (void)ehlo_input_end(&r->client, why);
    take_events(r);
  }
}

// After STARTTLS all begins anew; with TLS from the start, the greeting is to come.
static void begin_again(struct run *r) {
  enum ehlo_status status = ehlo_tls_done(&r->client, 0);
  if (status == EHLO_OK && !r->plan->settings.implicit) {
    status = ehlo_send_ehlo(&r->client, ehlo_str("client.example"));
  }
  EHLO_FUZZ_CHECK(status == EHLO_OK || is_over(r));
}

// Reads as far as the input allows.
static void advance(struct run *r) {
  uint8_t block[100];
  enum ehlo_status status = EHLO_OK;
  size_t len = 1;
  if (!r->opened) {
    status = live_tls_handshake(&r->tls);
    r->opened = live_tls_is_open(&r->tls);
    EHLO_FUZZ_CHECK(!r->opened || status == EHLO_OK);
    if (r->opened) {
      begin_again(r);
    }
  }
  while (r->opened && status == EHLO_OK && len > 0) {
    status = live_tls_read(&r->tls, &len, block, sizeof(block));
    ehlo_fuzz_add(&r->read, block, len);
    take_plain(r, block, len);
  }
  // What asks for more keeps nothing back, so that what waits is never more than a record.
  EHLO_FUZZ_CHECK(status != EHLO_OK || BIO_pending(r->tls.from_peer) == 0);
  if (status != EHLO_OK) {
    end_client(r, status);
  }
}

static void take_from_server(struct run *r, const uint8_t *bytes, size_t len) {
  if (r->in_tls) {
    live_tls_feed(&r->tls, bytes, len);
    advance(r);
  } else {
    take_plain(r, bytes, len);
  }
}

// ---- The course of it ---------------------------------------------------------------------------

static bool move_bytes(struct run *r) {
  uint8_t *bytes;
  size_t len;
  if (ehlo_fuzz_wire_take(&r->to_server, &r->cuts, &bytes, &len)) {
    ehlo_fuzz_tls_server_take(&r->server, bytes, len);
  } else if (ehlo_fuzz_wire_take(&r->to_client, &r->cuts, &bytes, &len)) {
    take_from_server(r, bytes, len);
  } else {
    return false;
  }
  free(bytes);
  return true;
}

// Nothing moves any more: who waits is told that the connection is over.
static void end_connection(struct run *r) {
  r->ended = true;
  if (r->in_tls) {
    live_tls_feed_end(&r->tls, EHLO_E_CLOSED);
    advance(r);
  } else {
    end_client(r, EHLO_E_CLOSED);
  }
}

static void run_session(struct run *r) {
  if (r->plan->settings.implicit) {
    begin_tls(r);
    advance(r);
  }
  for (size_t turn = 0; !r->ended; turn++) {
    EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_LIVENESS, turn < TURNS_MAX);
    take_events(r);
    if (r->in_tls && !r->opened) {
      advance(r);
    }
    send_output(r);
    if (!move_bytes(r)) {
      end_connection(r);
    }
  }
  send_output(r);
}

// ---- The claims ---------------------------------------------------------------------------------

static bool holds(const struct ehlo_fuzz_bytes *b, const char *text) {
  size_t len = strlen(text);
  for (size_t at = 0; at + len <= b->len; at++) {
    if (memcmp(b->bytes + at, text, len) == 0) {
      return true;
    }
  }
  return false;
}

static bool is_beginning(const struct ehlo_fuzz_bytes *part, const struct ehlo_fuzz_bytes *whole) {
  return part->len <= whole->len &&
         (part->len == 0 || memcmp(part->bytes, whole->bytes, part->len) == 0);
}

static bool is_orderly(const struct run *r) {
  return r->opened && r->tls.state == LIVE_TLS_CLOSED;
}

static void check_secrecy(const struct run *r) {
  static const char *const hidden[] = {SECRET,      "AHVzZXIAaHVudGVy", "AUTH PLAIN",
                                       "MAIL FROM", "secret meeting",   "by the river"};
  for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
    EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_SECRECY, !holds(&r->to_server.sent, hidden[i]));
  }
}

// How often and how far one may trust what was read.
static void check_streams(const struct run *r) {
  EHLO_FUZZ_CHECK(is_beginning(&r->read, &r->server.said));
  EHLO_FUZZ_CHECK(r->server.heard.len == 0 || !r->server.open ||
                  is_beginning(&r->server.heard, &r->written));
  if (is_orderly(r)) {
    EHLO_FUZZ_CHECK(ehlo_fuzz_same(&r->read, &r->server.said));
    EHLO_FUZZ_CHECK(r->server.said_close && !r->to_client.broken);
    EHLO_FUZZ_CHECK(r->tls.status == EHLO_E_CLOSED);
    ehlo_fuzz_reach(ORDERLY);
  }
}

static bool is_good(const struct plan *p) {
  return p->settings.versions != EHLO_FUZZ_TLS_TOO_OLD &&
         (p->settings.identity == EHLO_FUZZ_TLS_GOOD || p->on_trust);
}

// A refusal has its status and its reason.
static void check_refusal(const struct run *r) {
  const struct live_verdict *verdict = &r->tls.info.verdict;
  const struct plan *p = r->plan;
  EHLO_FUZZ_CHECK(is_good(p) || !r->opened);
  EHLO_FUZZ_CHECK(r->opened || r->tls.state != LIVE_TLS_CLOSED);
  EHLO_FUZZ_CHECK((r->tls.state == LIVE_TLS_FAILED) == (live_tls_failure(&r->tls)[0] != '\0'));
  if (is_good(p) || r->to_client.edited || r->to_server.edited) {
    return;
  }
  EHLO_FUZZ_CHECK(r->tls.state == LIVE_TLS_FAILED && r->tls.status == EHLO_E_TLS);
  if (p->settings.versions == EHLO_FUZZ_TLS_TOO_OLD) {
    ehlo_fuzz_reach(TOO_OLD);
    return;
  }
  bool for_name = p->settings.identity == EHLO_FUZZ_TLS_OTHER_NAME;
  EHLO_FUZZ_CHECK(r->tls.info.judged && verdict->name_ok != for_name);
  EHLO_FUZZ_CHECK(verdict->chain_ok == for_name);
  EHLO_FUZZ_CHECK(strcmp(live_tls_failure(&r->tls), verdict->reason) == 0);
  ehlo_fuzz_reach(BAD_IDENTITY + (size_t)p->settings.identity);
}

// Whether the peers agree on which session this is.
static void check_binding(struct run *r) {
  static const char label[] = "EXPORTER-Channel-Binding";
  struct live_tls_binding ours;
  uint8_t theirs[64];
  size_t len = 32;
  live_tls_get_binding(&r->tls, &ours);
  if (r->tls.state != LIVE_TLS_OPEN) {
    EHLO_FUZZ_CHECK(ours.exporter_len == 0 && ours.unique_len == 0);
  } else if (!r->server.open) {
    return;
  } else if (SSL_version(r->server.ssl) == TLS1_3_VERSION) {
    EHLO_FUZZ_CHECK(SSL_export_keying_material(r->server.ssl, theirs, len, label, sizeof(label) - 1,
                                               NULL, 0, 0) == 1);
    EHLO_FUZZ_CHECK(ours.exporter_len == len && memcmp(ours.exporter, theirs, len) == 0);
  } else {
    EHLO_FUZZ_CHECK(SSL_get_tls_unique(r->server.ssl, theirs, &len, sizeof(theirs)) == 1);
    EHLO_FUZZ_CHECK(ours.unique_len == len && memcmp(ours.unique, theirs, len) == 0);
  }
}

// Where nobody interferes, everything comes to its good end.
static void check_undisturbed(const struct run *r) {
  if (!is_good(r->plan) || r->to_client.edited || r->to_server.edited || r->server.acted) {
    return;
  }
  EHLO_FUZZ_CHECK(r->opened && r->accepted && r->server.open);
  EHLO_FUZZ_CHECK(ehlo_client_state(&r->client) == EHLO_STATE_CLOSED);
  EHLO_FUZZ_CHECK(ehlo_fuzz_same(&r->read, &r->server.said));
  EHLO_FUZZ_CHECK(is_orderly(r) != r->plan->settings.bare_end);
  EHLO_FUZZ_CHECK(r->tls.info.verdict.reason[0] == '\0' ||
                  r->plan->settings.identity != EHLO_FUZZ_TLS_GOOD);
  ehlo_fuzz_reach(ACCEPTED);
  ehlo_fuzz_reach(r->tls.info.version[6] == '3' ? TLS_1_3 : TLS_1_2);
  if (r->plan->settings.implicit) {
    ehlo_fuzz_reach(IMPLICIT);
  }
  if (r->server.updated_keys) {
    ehlo_fuzz_reach(KEYS_UPDATED);
  }
  if (r->plan->settings.identity != EHLO_FUZZ_TLS_GOOD) {
    ehlo_fuzz_reach(ON_TRUST);
  }
}

static void note_failures(const struct run *r) {
  const char *failure = r->in_tls ? live_tls_failure(&r->tls) : "";
  if (strstr(failure, "sent cleartext") != NULL) {
    ehlo_fuzz_reach(CLEARTEXT);
  } else if (strstr(failure, "without close_notify") != NULL) {
    ehlo_fuzz_reach(TRUNCATED);
  } else if (strstr(failure, "closed the connection during") != NULL) {
    ehlo_fuzz_reach(LOST_BEFORE);
  } else if (r->to_client.broken && failure[0] != '\0') {
    ehlo_fuzz_reach(r->opened ? BROKEN_AFTER : BROKEN_BEFORE);
  } else if (r->to_server.broken && r->opened && failure[0] != '\0') {
    ehlo_fuzz_reach(BROKEN_TO_SERVER);
  } else if (r->server.acted && r->opened && failure[0] != '\0') {
    ehlo_fuzz_reach(ALERTED);
  }
}

static void check(struct run *r) {
  EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_LIVENESS, is_over(r));
  EHLO_FUZZ_CHECK(ehlo_client_is_secure(&r->client) == r->opened || is_over(r));
  check_secrecy(r);
  check_streams(r);
  if (r->in_tls) {
    check_refusal(r);
    check_binding(r);
  }
  check_undisturbed(r);
  note_failures(r);
}

// ---- One input ----------------------------------------------------------------------------------

// What has to be the same at any cut.
static struct ehlo_fuzz_bytes outcome(const struct run *r) {
  struct ehlo_fuzz_bytes log = {0};
  if (r->to_client.edited_clear || r->to_server.edited_clear) {
    return log;
  }
  ehlo_fuzz_add_number(&log, r->opened);
  ehlo_fuzz_add_number(&log, r->accepted);
  ehlo_fuzz_add_number(&log, ehlo_client_state(&r->client));
  if (r->opened) {
    ehlo_fuzz_add_number(&log, r->tls.state);
    ehlo_fuzz_add_number(&log, r->tls.status);
    ehlo_fuzz_add(&log, r->read.bytes, r->read.len);
  }
  return log;
}

static struct ehlo_fuzz_bytes run(const struct plan *plan, enum ehlo_fuzz_cut cut) {
  struct run r = {.plan = plan, .cuts = {.cut = cut, .state = plan->cuts}};
  memcpy(r.to_client.edits, plan->to_client, sizeof(plan->to_client));
  memcpy(r.to_server.edits, plan->to_server, sizeof(plan->to_server));
  r.to_client.num_edits = plan->num_to_client;
  r.to_server.num_edits = plan->num_to_server;
  ehlo_client_init(&r.client, &(struct ehlo_config){0}, r.buffer, sizeof(r.buffer), 0);
  ehlo_fuzz_tls_server_begin(&r.server, &plan->settings, &r.to_client);
  run_session(&r);
  check(&r);
  struct ehlo_fuzz_bytes log = outcome(&r);
  if (r.in_tls) {
    live_tls_free(&r.tls);
  }
  ehlo_fuzz_tls_server_free(&r.server);
  ehlo_fuzz_wire_free(&r.to_client);
  ehlo_fuzz_wire_free(&r.to_server);
  free(r.read.bytes);
  free(r.written.bytes);
  return log;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < SETTINGS_LEN) {
    return 0;
  }
  struct plan plan = read_plan(data, size);
  struct ehlo_fuzz_bytes whole = run(&plan, EHLO_FUZZ_WHOLE);
  if (EHLO_FUZZ_HAS(EHLO_FUZZ_RECUT)) {
    // A session is dear, so the input chooses the other cut.
    struct ehlo_fuzz_bytes cut =
        run(&plan, plan.cuts % 8 == 0 ? EHLO_FUZZ_BYTES : EHLO_FUZZ_PIECES);
    EHLO_FUZZ_CHECK_BY(EHLO_FUZZ_RECUT, ehlo_fuzz_same(&whole, &cut));
    free(cut.bytes);
  }
  free(whole.bytes);
  return 0;
}
