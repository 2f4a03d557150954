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
  bool warned;       // of a certificate that --insecure let pass
  uint64_t flights;  // of the client, TLS handshake included and close_notify not: round trips
  uint64_t writes;   // calls of send(2) that these took: one each, where all of a flight fits
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
// the exit status; the outcome is in s->submission.submit and s->report, and s->error has a sentence
// on it unless all went well.
int session_run(struct session *s, const struct ehlo_source *source);

void session_free(struct session *s);

#endif  // EHLO_TOOLS_DRIVER_SESSION_H
