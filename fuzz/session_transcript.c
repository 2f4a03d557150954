// Turns an input of the session target into a transcript: session_transcript INPUT >FILE
// A client plays the input's steps, and what passes the wire is written as it goes, before the client
// sees it: where a fault ends this program, what led there has been written. It judges nothing. Output
// is taken at once, and moves of the client are left out: a transcript has no words for either.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ehlo.h"
#include "fuzz/fuzz.h"
#include "fuzz/session_text.h"
#include "replay/transcript.h"

#define SETTINGS_LEN 2
#define SECONDS_MAX UINT64_C(1000000)

struct player {
  struct ehlo_client client;
  uint8_t buffer[EHLO_BUFFER_FULL];
  struct ehlo_writer writer;
  uint64_t now_ms;
  uint64_t delta_us;  // since the last item with a time
  struct ehlo_fuzz_command command;
};

static bool write_text(void *arg, const char *text, size_t len) {
  return fwrite(text, 1, len, arg) == len && fflush(arg) == 0;
}

static uint64_t take_delta(struct player *p) {
  uint64_t delta_us = p->delta_us;
  p->delta_us = 0;
  return delta_us;
}

static void put_fact(struct player *p, const char *text) {
  ehlo_writer_fact(&p->writer, take_delta(p), text, strlen(text));
}

static void put_chunk(struct player *p, enum ehlo_side side, const uint8_t *bytes, size_t len) {
  ehlo_writer_chunk_begin(&p->writer, side, take_delta(p));
  ehlo_writer_bytes(&p->writer, bytes, len);
}

// What the client has for the server, in one chunk. A secret is a place without a length.
static void take_output(struct player *p) {
  struct ehlo_output out;
  bool begun = false;
  bool in_secret = false;
  while (ehlo_output_peek(&p->client, &out)) {
    bool secret = (out.flags & EHLO_OUTPUT_SECRET) != 0;
    if (!begun) {
      ehlo_writer_chunk_begin(&p->writer, EHLO_SIDE_CLIENT, take_delta(p));
      begun = true;
    }
    if (!secret) {
      ehlo_writer_bytes(&p->writer, out.span.bytes, out.span.len);
    } else if (!in_secret) {
      ehlo_writer_secret(&p->writer);
    }
    in_secret = secret;
    ehlo_output_ack(&p->client, out.span.len, p->now_ms);
  }
  if (begun) {
    ehlo_writer_chunk_end(&p->writer);
  }
}

static size_t take_events(struct player *p) {
  struct ehlo_event event;
  size_t num = 0;
  while (ehlo_next(&p->client, &event) != EHLO_EVENT_NONE) {
    num++;
  }
  return num;
}

static bool is_over(const struct player *p) {
  enum ehlo_state state = ehlo_client_state(&p->client);
  return state == EHLO_STATE_CLOSED || state == EHLO_STATE_FAILED;
}

static void give_server(struct player *p, struct ehlo_span text) {
  if (text.len == 0 || is_over(p)) {
    return;
  }
  put_chunk(p, EHLO_SIDE_SERVER, text.bytes, text.len);
  ehlo_writer_chunk_end(&p->writer);
  for (size_t at = 0; at < text.len;) {
    size_t used = 0;
    ehlo_input(&p->client, &used, text.bytes + at, text.len - at, p->now_ms);
    at += used;
    if (take_events(p) == 0 && used == 0) {
      return;
    }
  }
}

static void give_message(struct player *p, struct ehlo_span text, bool octets) {
  for (size_t at = 0, used = 1; at < text.len && used > 0; at += used) {
    used = 0;
    if ((octets ? ehlo_send_chunk(&p->client, &used, text.bytes + at, text.len - at)
                : ehlo_send_body(&p->client, &used, text.bytes + at, text.len - at)) != EHLO_OK) {
      return;
    }
    take_output(p);
  }
}

// "head 0x01 secret 0x02 tail"
static void send_secret_line(struct player *p, struct ehlo_span line) {
  const uint8_t *begin = line.len > 0 ? memchr(line.bytes, 1, line.len) : NULL;
  size_t head = begin != NULL ? (size_t)(begin - line.bytes) : line.len;
  size_t from = begin != NULL ? head + 1 : line.len;
  const uint8_t *end = from < line.len ? memchr(line.bytes + from, 2, line.len - from) : NULL;
  size_t to = end != NULL ? (size_t)(end - line.bytes) : line.len;
  size_t behind = end != NULL ? to + 1 : line.len;
  ehlo_send_raw_secret(&p->client, (struct ehlo_span){line.bytes, head},
                       (struct ehlo_span){line.bytes + from, to - from},
                       (struct ehlo_span){line.bytes + behind, line.len - behind});
}

static void end_connection(struct player *p, char how) {
  if (is_over(p)) {
    return;
  }
  put_fact(p, how == 'r'   ? "reset S"
              : how == 't' ? "tls failed handshake"
              : how == 'x' ? "connect failed refused"
                           : "eof S");
  ehlo_input_end(&p->client, how == 'r'   ? EHLO_E_RESET
                             : how == 't' ? EHLO_E_TLS
                             : how == 'x' ? EHLO_E_CONNECT
                                          : EHLO_E_CLOSED);
}

static void pass_time(struct player *p, uint64_t ms) {
  uint64_t deadline = ehlo_deadline(&p->client);
  p->now_ms += ms;
  p->delta_us += ms * 1000 < SECONDS_MAX * 1000000 ? ms * 1000 : SECONDS_MAX * 1000000;
  if (deadline != EHLO_NEVER && p->now_ms >= deadline && !is_over(p)) {
    put_fact(p, "timeout");
  }
  ehlo_tick(&p->client, p->now_ms);
}

static void end_handshake(struct player *p) {
  if (ehlo_client_state(&p->client) == EHLO_STATE_TLS) {
    put_fact(p, "tls TLSv1.3 TLS_AES_256_GCM_SHA384 x25519 name=ok chain=ok");
  }
  ehlo_tls_done(&p->client, p->now_ms);
}

static void apply(struct player *p, char what, struct ehlo_span text) {
  switch (what) {
    case 'S':
    case 's':
      give_server(p, text);
      break;
    case 'C':
    case 'W':
      ehlo_fuzz_command_read(&p->command, text, what == 'W');
      ehlo_fuzz_command_send(&p->command, &p->client);
      break;
    case 'w':
      send_secret_line(p, text);
      break;
    case 'R':
    case 'r':
      ehlo_send_auth_response(&p->client, &text, 1, what == 'R');
      break;
    case '*':
      ehlo_send_auth_cancel(&p->client);
      break;
    case 'B':
    case 'b':
    case 'O':
      give_message(p, text, what == 'O');
      break;
    case '.':
      ehlo_send_body_end(&p->client);
      break;
    case 'T':
      end_handshake(p);
      break;
    case '+':
      pass_time(p, ehlo_fuzz_number(text, 1000000000));
      break;
    case 'E':
      end_connection(p, text.len > 0 ? (char)text.bytes[0] : '\0');
      break;
    default:
      break;
  }
}

static void play(struct player *p, const uint8_t *data, size_t size) {
  static struct ehlo_fuzz_block text;
  // Whether credentials may go in cleartext is a replay's to say, which lets them.
  struct ehlo_config config = {.allow_cleartext_auth = true};
  ehlo_writer_init(&p->writer, write_text, stdout);
  ehlo_writer_fact(&p->writer, EHLO_NO_TIME, "ehlo-transcript 1", strlen("ehlo-transcript 1"));
  ehlo_client_init(&p->client, &config, p->buffer, sizeof(p->buffer), p->now_ms);
  for (size_t at = SETTINGS_LEN; at < size;) {
    struct ehlo_fuzz_step step = ehlo_fuzz_step_read(&text, data, &at, size);
    apply(p, step.what, step.text);
    take_events(p);
    take_output(p);
    ehlo_fuzz_return(&text);
  }
}

int main(int argc, char **argv) {
  static struct player player;
  struct ehlo_fuzz_bytes input = {0};
  uint8_t block[4096];
  FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
  if (file == NULL) {
    perror(argc == 2 ? argv[1] : "session_transcript INPUT");
    return 1;
  }
  for (size_t n = fread(block, 1, sizeof(block), file); n > 0;
       n = fread(block, 1, sizeof(block), file)) {
    ehlo_fuzz_add(&input, block, n);
  }
  fclose(file);
  play(&player, input.bytes, input.len);
  free(player.command.head.bytes);
  free(input.bytes);
  return player.writer.failed ? 1 : 0;
}
