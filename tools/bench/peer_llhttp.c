// llhttp, the HTTP parser of Node.js, reading responses: its events are counted as ours are.
#include "tools/bench/peers.h"

#ifdef EHLO_BENCH_LLHTTP

#include <llhttp.h>

#define TEXT_OF(number) TEXT(number)
#define TEXT(number) #number

struct listener {
  llhttp_t parser;
  bool check;
  uint64_t digest;
  uint64_t num_octets;
  uint64_t num_messages;
};

static int on_octets(llhttp_t *parser, const char *at, size_t len) {
  struct listener *l = parser->data;
  l->num_octets += len;
  if (l->check) {
    l->digest = digest_octets(l->digest, at, len);
  }
  return 0;
}

static int on_message(llhttp_t *parser) {
  struct listener *l = parser->data;
  l->num_messages++;
  if (l->check) {
    l->digest = digest_number(l->digest, 1);
  }
  return 0;
}

static uint64_t run(const void *work, bool check) {
  const struct cut_stream *w = work;
  struct listener l = {.check = check, .digest = DIGEST_START};
  llhttp_settings_t settings;
  llhttp_settings_init(&settings);
  settings.on_status = on_octets;
  settings.on_header_field = on_octets;
  settings.on_header_value = on_octets;
  settings.on_message_complete = on_message;
  llhttp_init(&l.parser, HTTP_RESPONSE, &settings);
  l.parser.data = &l;
  for (size_t at = 0; at < w->stream.len;) {
    size_t left = w->stream.len - at;
    size_t len = left < w->chunk_len ? left : w->chunk_len;
    if (llhttp_execute(&l.parser, (const char *)w->stream.bytes + at, len) != HPE_OK) {
      return 0;
    }
    at += len;
  }
  return check ? l.digest : l.num_octets + l.num_messages;
}

contender_run *const llhttp_responses = run;
const char llhttp_version[] = TEXT_OF(LLHTTP_VERSION_MAJOR) "." TEXT_OF(
    LLHTTP_VERSION_MINOR) "." TEXT_OF(LLHTTP_VERSION_PATCH);

#else

contender_run *const llhttp_responses = NULL;
const char llhttp_version[] = "apt-get install node-llhttp";

#endif
