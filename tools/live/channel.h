// One end of a connection for a program that waits for several at once: a non-blocking socket, and
// TLS over it once that is asked for, either end. No call waits. It moves bytes and counts them; it
// never looks at what they mean, and whoever has it decides when to read.
#ifndef EHLO_TOOLS_LIVE_CHANNEL_H
#define EHLO_TOOLS_LIVE_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/status.h"
#include "tools/live/tls.h"

// Octets read at once, and the most that may be given to live_channel_write() while the channel is
// not idle.
#define LIVE_CHANNEL_READ_MAX ((size_t)65536)
#define LIVE_CHANNEL_OUT_MAX ((size_t)262144)

// Not to be moved once TLS is started.
struct live_channel {
  int fd;  // -1 once it is closed
  bool has_tls;
  bool may_have_more;  // the last read, or the handshake, leaves it open whether another one gives
                       // something without the socket saying so
  bool shut;           // nothing more is to be written
  bool shut_done;      // … and the peer was told
  enum ehlo_status end;     // of what can be read: EHLO_OK while it goes on
  enum ehlo_status broken;  // of what can be written
  uint64_t bytes_in;        // plaintext
  uint64_t bytes_out;
  uint64_t moved;  // octets that the socket gave and took
  size_t out_start;
  size_t out_len;
  struct live_tls tls;
  uint8_t out[LIVE_CHANNEL_OUT_MAX];  // cleartext that the socket has not taken
};

// Takes over `fd`, which must be non-blocking.
void live_channel_init(struct live_channel *c, int fd);

// Begins TLS; nothing may be unsent, and no cleartext unread. False: out of memory.
bool live_channel_start_client(struct live_channel *c, SSL_CTX *context, const char *name,
                               bool insecure);
bool live_channel_start_server(struct live_channel *c, SSL_CTX *context);

// Moves the handshake as far as it goes without waiting. EHLO_OK, and whether it is over in
// live_channel_is_open(); any other status: it failed.
enum ehlo_status live_channel_handshake(struct live_channel *c);
bool live_channel_is_open(const struct live_channel *c);

// Reads plaintext, at most `cap` octets. EHLO_OK with `*out_len` 0: none is there now. EHLO_E_CLOSED,
// EHLO_E_RESET, EHLO_E_TLS (broken, or cut off without a close_notify): there will be none.
enum ehlo_status live_channel_read(struct live_channel *c, size_t *out_len, uint8_t *out,
                                   size_t cap);

// Takes all of `bytes`; what the socket does not take waits. Not while more than
// LIVE_CHANNEL_OUT_MAX less `len` octets wait.
void live_channel_write(struct live_channel *c, const uint8_t *bytes, size_t len);
// Sends what waits, as far as the socket takes it.
void live_channel_flush(struct live_channel *c);
// Whether nothing waits to be sent.
bool live_channel_is_idle(const struct live_channel *c);

// Ends what is written once all is sent, with a close_notify under TLS. Reading goes on.
void live_channel_shut(struct live_channel *c);
// The same without a close_notify, as who is cut off does.
void live_channel_cut(struct live_channel *c);
// Whether all that was sent has been acknowledged, or the peer is gone.
bool live_channel_has_arrived(const struct live_channel *c);
// Closes at once; with `reset` so that the peer sees a reset.
void live_channel_close(struct live_channel *c, bool reset);

#endif  // EHLO_TOOLS_LIVE_CHANNEL_H
