// One session of the relay: a program in front, a server behind, a gate between them, a record. No
// call waits; the loop asks what to wait for and calls again.
#ifndef EHLO_TOOLS_DRIVER_RELAY_SESSION_H
#define EHLO_TOOLS_DRIVER_RELAY_SESSION_H

#include <poll.h>

#include "tools/driver/gate.h"
#include "tools/driver/relay.h"
#include "tools/driver/sink.h"
#include "tools/live/channel.h"

enum relay_stage {
  RELAY_FRONT_TLS = 0,  // implicit TLS in front
  RELAY_DIAL,
  RELAY_BEHIND_TLS,  // implicit TLS behind
  RELAY_PASS,
  RELAY_ENDING,  // what the program in front has not read yet is sent
  RELAY_OVER,
};

struct relay_session {
  struct relay_session *next;
  const struct relay_config *config;
  uint64_t number;  // from 1
  enum relay_stage stage;
  int status;  // an exit status
  uint64_t start_us;
  uint64_t deadline_us;
  bool begins_tls;     // the handshake that the gate wants is under way
  bool fact_written;   // how the connection ended is in the record
  bool front_is_done;  // the program in front will send no more, and the server was told
  bool late_noted;     // … and the server went on
  enum ehlo_status front_status;
  enum ehlo_status behind_status;
  char client[LIVE_ADDRESS_MAX + 16];
  char path[4096];
  struct live_dial dial;
  struct sink sink;
  struct trace trace;
  struct gate gate;
  size_t front_len;
  size_t behind_len;
  uint8_t from_front[LIVE_CHANNEL_READ_MAX];
  uint8_t from_behind[LIVE_CHANNEL_READ_MAX];
  struct live_channel front;
  struct live_channel behind;
};

// Takes over `fd`. NULL without memory.
struct relay_session *relay_session_begin(const struct relay_config *config, int fd,
                                          uint64_t number);

// What to wait for: fills in two entries (fd -1: nothing) and lowers `*wake_us`, on the clock of
// live_net_clock_us().
void relay_session_wait(const struct relay_session *s, struct pollfd fds[2], uint64_t *wake_us);

// Goes on as far as it can without waiting. RELAY_OVER in `stage`: to be ended.
void relay_session_go(struct relay_session *s);

// The relay is to stop: tells both sides.
void relay_session_stop(struct relay_session *s);

// Closes all, completes the record, tells the outcome and frees it. Returns whether the record is
// complete.
bool relay_session_end(struct relay_session *s);

#endif  // EHLO_TOOLS_DRIVER_RELAY_SESSION_H
