// A transport around another that writes down what passes. It sees spans with their flags, so a
// credential has no path into the file as ordinary text; a server line that echoes one is hidden.
#ifndef EHLO_REPLAY_RECORDER_H
#define EHLO_REPLAY_RECORDER_H

#include "replay/digest.h"
#include "replay/scribe.h"
#include "replay/transport.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ehlo_recorder {
  struct ehlo_transport base;
  struct ehlo_transport *inner;
  struct ehlo_scribe scribe;
  struct ehlo_digest digest;  // of what is written
  uint64_t seen_us;  // when the transport last returned: what the client is told, so that a replay
                     // by the recorded times tells it the same
  bool over;         // the end of the connection is in the record
  bool closed;       // the inner transport may not be called any more
};

// `inner` and `redactor` are the caller's. What an exchange moved goes through `write` before it
// returns, in few calls of whole lines; facts, and bytes that were held, go before the next exchange, and
// events, which a replay makes anew, with what it brings. Not to be moved afterwards.
void ehlo_recorder_init(struct ehlo_recorder *r, struct ehlo_transport *inner,
                        const struct ehlo_redactor *redactor, ehlo_write_fn write, void *arg);
// Facts of the program's own ("connect …", "note …") with the present time.
void ehlo_recorder_fact(struct ehlo_recorder *r, const char *text, size_t len);
// A setting ("submit …"): it happened at no time.
void ehlo_recorder_setting(struct ehlo_recorder *r, const char *text, size_t len);
// An event of the client, if a transcript may list it; and one that is only words of the program's,
// such as the outcome.
void ehlo_recorder_client_event(struct ehlo_recorder *r, const struct ehlo_client *c,
                                const struct ehlo_event *event);
void ehlo_recorder_event(struct ehlo_recorder *r, const char *text);
// Writes what is held back. To be called once, at the end; the transport may be closed by then.
void ehlo_recorder_finish(struct ehlo_recorder *r);
// The hash of the session (replay/digest.h): once all of it is written, that of its replay, whether or
// not anybody kept the record.
uint64_t ehlo_recorder_hash(const struct ehlo_recorder *r);
// Some of the record could not be written.
bool ehlo_recorder_failed(const struct ehlo_recorder *r);

#ifdef __cplusplus
}
#endif

#endif  // EHLO_REPLAY_RECORDER_H
