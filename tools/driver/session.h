// One live session from beginning to end: connect, record, show, pump, report. `send` and `probe`
// differ in what they ask of it and in what they print afterwards.
#ifndef EHLO_TOOLS_DRIVER_SESSION_H
#define EHLO_TOOLS_DRIVER_SESSION_H

#include "replay/recorder.h"
#include "replay/submission.h"
#include "tools/driver/live_options.h"
#include "tools/driver/report.h"
#include "tools/driver/secret.h"
#include "tools/driver/sink.h"
#include "tools/driver/warnings.h"

struct session {
  const struct live_options *options;
  struct ehlo_submit_config config;
  struct ehlo_config client_config;
  struct live live;
  SSL_CTX *tls;
  bool connected;
  bool warned;           // of a certificate that --insecure let pass
  uint64_t greeting_us;  // when the greeting was whole; 0: there was none
  uint64_t flights;      // of the client, TLS handshake included and close_notify not: round trips
  uint64_t writes;       // calls of send(2) that these took: one each, where all of a flight fits
  enum live_net_result net_result;
  struct secret secret;
  struct ehlo_credentials credentials;
  struct warnings warnings;  // of the credentials
  char nonce[32];
  char digest_uri[300];
  struct live_tls_binding binding;
  const struct ehlo_mechanism *mechanism;  // of the AUTH attempt that was told of last
  struct ehlo_redactor redactor;
  struct ehlo_recorder recorder;
  struct sink sink;
  struct trace trace;
  struct report report;
  struct ehlo_client client;
  struct ehlo_submission submission;
  char helo[300];
  char transport_reason[LIVE_REASON_MAX];
  char error[1024];
  uint8_t buffer[EHLO_BUFFER_FULL];
};

// Prepares a session: password, roots of trust, transcript. Returns NULL with `*out_status` set,
// after printing what is wrong. Free with session_free().
struct session *session_new(int *out_status, const struct live_options *options);
// The same with `root` as the only certificate that is trusted.
struct session *session_new_trusting(int *out_status, const struct live_options *options,
                                     X509 *root);

// Runs it to its end; `s->config` says what is to be submitted, `source` gives the message. Returns
// the exit status; the outcome is in s->submission.submit and s->report, and s->error has a
// sentence on it unless all went well.
int session_run(struct session *s, const struct ehlo_source *source);

void session_free(struct session *s);

// ---- For a command that decides by itself what is said (tools/driver/shell.h) ------------------------

// Opens the connection and chooses the EHLO name. `s->connected` says whether it came about; what
// is wrong says live_reason(), and session_connect_status() has the exit status for it.
void session_connect(struct session *s);
int session_connect_status(const struct session *s);
// The connection, or in place of one that did not come about what tells the client so.
struct ehlo_transport *session_transport(struct session *s);
// To be called once the recorder is there.
void session_record_connect(struct session *s);
// Once TLS is on: its channel bindings for the credentials, and the warning of --insecure.
void session_bind(struct session *s);
void session_warn_of_insecure(struct session *s);
// The password of `options->user`, fetched anew. Returns 0 or an exit status, after printing why.
int session_get_password(struct session *s);
// The roots of trust, also where TLS was not asked for. Returns 0 or an exit status likewise.
int session_load_roots(struct session *s);
// Closes the connection and the record; `status` is the exit status so far. Returns the final one.
int session_close(struct session *s, int status);

#endif  // EHLO_TOOLS_DRIVER_SESSION_H
