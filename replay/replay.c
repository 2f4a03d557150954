// Puts reader, player, client and program together for one transcript.
#include "replay/replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/pump.h"
#include "replay/settings.h"
#include "replay/submission.h"
#include "replay/unstuff.h"
#include "replay/verbs.h"

// Everything a replay needs, in one block. It is used again as it is: each part sets itself up, and
// what it says it holds is never more than what it was given since.
struct ehlo_replayer {
  struct ehlo_reader reader;
  struct ehlo_player player;
  struct ehlo_settings settings;
  struct ehlo_client client;
  struct ehlo_submission submission;
  struct ehlo_verbs verbs;
  const struct ehlo_replay_options *options;
  struct ehlo_replay_result *result;
  // Message text of a submission, taken from the transcript.
  struct ehlo_unstuff unstuff;
  bool in_chunk;        // it goes by BDAT
  bool chunk_begun;     // the transcript is at its text
  uint64_t chunk_left;  // octets of it not read yet
  bool stuck;           // the record has the client waiting for room in the middle of the message
  size_t text_pos;
  size_t text_len;
  uint8_t text[EHLO_TRANSCRIPT_LINE_MAX + 8];
  uint8_t buffer[EHLO_BUFFER_FULL];
};

static void note_event(struct ehlo_replayer *s, const char *text) {
  s->result->num_events++;
  ehlo_player_event(&s->player, text);
}

// The words of an event go into the record; all that it holds goes into the hash.
static bool on_event(void *arg, const struct ehlo_client *c, const struct ehlo_event *event) {
  struct ehlo_replayer *s = arg;
  char text[EHLO_EVENT_TEXT_MAX];
  if (!ehlo_event_is_recorded(c, event)) {
    return true;
  }
  ehlo_event_text(text, event);
  note_event(s, text);
  ehlo_digest_event(&s->player.digest, event, text);
  bool go_on = s->options->event == NULL ||
               s->options->event(s->options->event_arg, c, event, s->player.line);
  s->result->ended_by_event = !go_on;
  return go_on;
}

static void on_fact(void *arg, const struct ehlo_item *fact) {
  ehlo_settings_read(&((struct ehlo_replayer *)arg)->settings, fact->text, fact->line);
}

// A channel binding is known once TLS is there, so its fact stands behind that of the handshake. All
// other settings come before the session: what they say is in use by now.
static void on_late_fact(void *arg, const struct ehlo_item *fact) {
  static const char binding[] = "submit channel-binding ";
  struct ehlo_settings *settings = &((struct ehlo_replayer *)arg)->settings;
  if (strncmp(fact->text, binding, sizeof(binding) - 1) == 0) {
    ehlo_settings_read(settings, fact->text, fact->line);
  } else if (settings->error[0] == '\0') {
    settings->error_line = fact->line;
    snprintf(settings->error, sizeof(settings->error), "\"%.60s\" comes too late", fact->text);
  }
}

static void on_secured(void *arg) {
  struct ehlo_replayer *s = arg;
  if (s->settings.present) {
    ehlo_player_prologue(&s->player, on_late_fact, s);
  }
}

static void begin_text(void *arg, size_t message) {
  struct ehlo_replayer *s = arg;
  s->text_pos = 0;
  s->text_len = 0;
  s->stuck = false;
  s->in_chunk = ehlo_client_state(&s->client) == EHLO_STATE_CHUNK;
  s->chunk_begun = false;
  s->chunk_left = s->settings.messages[message].size;
  ehlo_unstuff_init(&s->unstuff);
}

static bool text_is_over(const struct ehlo_replayer *s) {
  return s->in_chunk ? s->chunk_left == 0 : s->unstuff.ended;
}

// The recorded line that is next, as message text.
static void take_text(struct ehlo_replayer *s, const struct ehlo_item *item) {
  size_t used;
  s->text_pos = 0;
  if (s->in_chunk) {
    s->text_len = item->bytes_len < s->chunk_left ? item->bytes_len : (size_t)s->chunk_left;
    memcpy(s->text, item->bytes, s->text_len);
    s->chunk_left -= s->text_len;
  } else {
    ehlo_unstuff_feed(&s->unstuff, &used, &s->text_len, s->text, item->bytes, item->bytes_len);
  }
  ehlo_player_take_client_item(&s->player);
}

// A chunk follows its commands in one flight, so the record is at its text once all that stands
// before it was sent. Where the client's bytes are not compared, it is found by its command.
static bool is_at_text(struct ehlo_replayer *s) {
  struct ehlo_output unsent;
  if (!s->in_chunk || s->chunk_begun) {
    return true;
  }
  s->chunk_begun = !ehlo_output_peek(&s->client, &unsent);
  while (s->chunk_begun && s->player.tolerant) {
    const struct ehlo_item *item = ehlo_player_client_item(&s->player);
    if (item == NULL) {
      break;
    }
    bool command = item->text_len >= 5 && memcmp(item->text, "BDAT ", 5) == 0;
    ehlo_player_take_client_item(&s->player);
    if (command) {
      break;
    }
  }
  return s->chunk_begun;
}

// The message of a submission, a recorded line at a time.
static enum ehlo_source_state peek_text(void *arg, struct ehlo_span *out) {
  struct ehlo_replayer *s = arg;
  while (s->text_pos == s->text_len && !text_is_over(s) && is_at_text(s)) {
    const struct ehlo_item *item = ehlo_player_client_item(&s->player);
    if (item == NULL && !s->stuck && ehlo_player_timeout_is_next(&s->player)) {
      s->stuck = true;  // the client had more to send, which nobody took
      s->text[0] = ' ';
      s->text_pos = 0;
      s->text_len = 1;
      break;
    }
    if (item == NULL) {
      break;  // the record ends, or the server spoke up
    }
    take_text(s, item);
  }
  *out = (struct ehlo_span){s->text + s->text_pos, s->text_len - s->text_pos};
  return out->len == 0 && text_is_over(s) ? EHLO_SOURCE_END : EHLO_SOURCE_MORE;
}

static void skip_text(void *arg, size_t n) {
  ((struct ehlo_replayer *)arg)->text_pos += n;
}

static struct ehlo_program *begin_program(struct ehlo_replayer *s) {
  if (!s->settings.present) {
    s->settings.client.allow_cleartext_auth = true;  // the transcript decides, not this engine
    ehlo_verbs_init(&s->verbs, &s->player);
    return &s->verbs.base;
  }
  struct ehlo_source source = {begin_text, peek_text, skip_text, s};
  ehlo_settings_finish(&s->settings);
  ehlo_submission_init(&s->submission, &s->settings.submit, &source);
  return &s->submission.base;
}

static void note_words(struct ehlo_replayer *s, const char *text) {
  note_event(s, text);
  ehlo_digest_words(&s->player.digest, text);
  if (s->options->verdict != NULL) {
    s->options->verdict(s->options->event_arg, text);
  }
}

static void note_verdicts(struct ehlo_replayer *s) {
  const struct ehlo_submit *submit = &s->submission.submit;
  char text[EHLO_EVENT_TEXT_MAX];
  ehlo_outcome_text(text, submit);
  note_words(s, text);
  for (size_t i = 0; submit->config.num_messages > 1 && i < submit->config.num_messages; i++) {
    ehlo_message_text(text, submit, i);
    note_words(s, text);
  }
}

static struct ehlo_transport *transport_of(struct ehlo_replayer *s) {
  const struct ehlo_replay_options *options = s->options;
  const struct ehlo_submit *submit = s->settings.present ? &s->submission.submit : NULL;
  return options->around == NULL
             ? &s->player.base
             : options->around(options->around_arg, &s->player.base, &s->client, submit);
}

static void run(struct ehlo_replayer *s) {
  struct ehlo_program *program = begin_program(s);
  ehlo_client_init(&s->client, &s->settings.client, s->buffer, sizeof(s->buffer),
                   s->player.time_us / 1000);
  struct ehlo_pump pump = {
      .client = &s->client,
      .transport = transport_of(s),
      .program = program,
      .observer = {.event = on_event, .secured = on_secured, .arg = s},
      .tls_first = ehlo_player_tls_is_next(&s->player),
  };
  ehlo_pump_run(&pump);
  if (s->result->ended_by_event) {
    return;
  }
  if (s->settings.present && s->submission.submit.verdict.outcome != EHLO_OUTCOME_OPEN) {
    note_verdicts(s);
  }
  ehlo_player_finish(&s->player);
}

static void judge(struct ehlo_replayer *s) {
  struct ehlo_replay_result *r = s->result;
  r->is_submission = s->settings.present;
  r->outcome = s->submission.submit.verdict.outcome;
  r->stage = s->submission.submit.verdict.stage;
  r->state = ehlo_client_state(&s->client);
  r->status = s->client.status;
  r->num_flights = s->player.num_flights;
  r->num_handshake_flights = s->player.num_handshake_flights;
  r->num_writes = s->player.num_writes;
  r->divergence = s->player.divergence;
  r->hash = ehlo_digest_value(&s->player.digest);
  if (s->reader.read_failed) {
    r->verdict = EHLO_REPLAY_FAILED;
  } else if (s->settings.error[0] != '\0') {
    r->verdict = EHLO_REPLAY_BAD;
    snprintf(r->error_text, sizeof(r->error_text), "%s", s->settings.error);
    r->error = (struct ehlo_transcript_error){s->settings.error_line, 1, r->error_text};
  } else if (s->player.bad) {
    r->verdict = EHLO_REPLAY_BAD;
    r->error = s->reader.error;
  } else if (r->divergence.found) {
    r->verdict = EHLO_REPLAY_DIVERGED;
  }
}

void ehlo_replayer_run(struct ehlo_replayer *s, struct ehlo_replay_result *out, ehlo_read_fn read,
                       void *arg, const struct ehlo_replay_options *options) {
  memset(out, 0, sizeof(*out));
  s->options = options;
  s->result = out;
  ehlo_settings_clear(&s->settings);
  memset(&s->client, 0, sizeof(s->client));
  memset(&s->submission.submit.verdict, 0, sizeof(s->submission.submit.verdict));
  ehlo_reader_init(&s->reader, read, arg);
  ehlo_player_init(&s->player, &s->reader, options->chunks, options->tolerant, options->copy);
  ehlo_player_prologue(&s->player, on_fact, s);
  if (s->settings.error[0] == '\0' && !s->player.bad) {
    run(s);
  }
  judge(s);
}

struct ehlo_replayer *ehlo_replayer_new(void) {
  return calloc(1, sizeof(struct ehlo_replayer));
}

void ehlo_replayer_free(struct ehlo_replayer *r) {
  if (r != NULL) {
    ehlo_settings_free(&r->settings);
  }
  free(r);
}

void ehlo_replay_run(struct ehlo_replay_result *out, ehlo_read_fn read, void *arg,
                     const struct ehlo_replay_options *options) {
  struct ehlo_replayer *r = ehlo_replayer_new();
  if (r == NULL) {
    memset(out, 0, sizeof(*out));
    out->verdict = EHLO_REPLAY_FAILED;
    return;
  }
  ehlo_replayer_run(r, out, read, arg, options);
  ehlo_replayer_free(r);
}
