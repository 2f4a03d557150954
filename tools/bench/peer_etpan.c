// libetpan, a mail library in C: its SMTP reply reader and its sender of a message, each over a stream
// in memory.
#include "tools/bench/peers.h"

#ifdef EHLO_BENCH_ETPAN

#include <libetpan/libetpan.h>
#include <libetpan/libetpan_version.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_OF(number) TEXT(number)
#define TEXT(number) #number

// In the library, but in none of its headers.
extern int mailsmtp_read_response(mailsmtp *session);

#define CODE_MASK 0x3ff  // what stands above it says that more lines follow
#define BLOCK_LEN 65536  // its buffer on the way out
#define END_LEN 5        // CRLF, dot, CRLF

struct memory_stream {
  const struct cut_stream *in;
  size_t at;
  uint8_t *out;  // NULL: written octets are only counted
  size_t out_len;
};

static ssize_t read_memory(mailstream_low *low, void *out, size_t len) {
  struct memory_stream *m = low->data;
  size_t left = m->in->stream.len - m->at;
  size_t take = left < m->in->chunk_len ? left : m->in->chunk_len;
  take = take < len ? take : len;
  memcpy(out, m->in->stream.bytes + m->at, take);
  m->at += take;
  return (ssize_t)take;
}

static ssize_t write_memory(mailstream_low *low, const void *in, size_t len) {
  struct memory_stream *m = low->data;
  if (m->out != NULL) {
    memcpy(m->out + m->out_len, in, len);
  }
  m->out_len += len;
  return (ssize_t)len;
}

static int close_memory(mailstream_low *low) {
  (void)low;
  return 0;
}

static int no_descriptor(mailstream_low *low) {
  (void)low;
  return -1;
}

static void free_memory(mailstream_low *low) {
  free(low);
}

static mailstream_low_driver memory_driver = {
    .mailstream_read = read_memory,
    .mailstream_write = write_memory,
    .mailstream_close = close_memory,
    .mailstream_get_fd = no_descriptor,
    .mailstream_free = free_memory,
};

static uint64_t read_replies(const void *work, bool check) {
  const struct cut_stream *w = work;
  struct memory_stream memory = {.in = w};
  mailsmtp *session = mailsmtp_new(0, NULL);
  uint64_t digest = check ? DIGEST_START : 0;
  session->stream = mailstream_new(mailstream_low_new(&memory, &memory_driver), w->chunk_len);
  for (size_t i = 0; i < w->stream.num_messages; i++) {
    int code = mailsmtp_read_response(session) & CODE_MASK;
    if (check) {
      digest = digest_octets(digest, session->response, strlen(session->response));
      digest = digest_number(digest, (uint64_t)code);
    } else {
      digest += (uint64_t)code + (uint8_t)session->response[0];
    }
  }
  mailstream_close(session->stream);
  session->stream = NULL;  // or else it would say QUIT
  mailsmtp_free(session);
  return digest;
}

static uint64_t send_message(const void *work, bool check) {
  const struct message *w = work;
  struct memory_stream memory = {.out = check ? allocate(2 * w->len + END_LEN) : NULL};
  mailstream *stream = mailstream_new(mailstream_low_new(&memory, &memory_driver), BLOCK_LEN);
  int status = mailstream_send_data(stream, (const char *)w->bytes, w->len, 0, NULL);
  uint64_t digest = memory.out_len;
  if (check && status == 0) {
    // It ends a line once more, also where the message ended with one.
    digest = digest_octets(DIGEST_START, memory.out, memory.out_len - END_LEN);
  }
  mailstream_close(stream);
  free(memory.out);
  return digest;
}

contender_run *const etpan_replies = read_replies;
contender_run *const etpan_body = send_message;
const char etpan_version[] = TEXT_OF(LIBETPAN_VERSION_MAJOR) "." TEXT_OF(LIBETPAN_VERSION_MINOR);

#else

contender_run *const etpan_replies = NULL;
contender_run *const etpan_body = NULL;
const char etpan_version[] = "apt-get install libetpan-dev";

#endif
