// Writes down what passes through a transport, as it passes. It must not change what passes, must not
// hold back what was seen while the next exchange lasts, and must not let a secret into the record: client spans say by their flags that they are one.
#include "replay/recorder.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "replay/event_text.h"

static uint64_t present_us(struct ehlo_recorder *r) {
  return r->closed ? r->scribe.last_us : r->inner->ops->now_us(r->inner);
}

// ---- What is written ----------------------------------------------------------------------------

static void client_bytes(struct ehlo_recorder *r, const struct ehlo_output *out, size_t taken,
                         uint64_t now_us) {
  bool secret = (out->flags & EHLO_OUTPUT_SECRET) != 0;
  bool known = secret && (out->flags & EHLO_OUTPUT_CONTINUED) != 0;
  ehlo_scribe_flush_server(&r->scribe);
  if (!known) {
    ehlo_scribe_client_begin(&r->scribe, now_us);
  }
  if (!secret) {
    ehlo_scribe_client_bytes(&r->scribe, out->span.bytes, taken);
  } else if (!known) {
    ehlo_scribe_client_secret(&r->scribe);
  }
  if ((out->flags & EHLO_OUTPUT_MORE) == 0) {
    ehlo_scribe_client_end(&r->scribe);
  }
}

static void end_fact(struct ehlo_recorder *r, uint64_t now_us, const char *text) {
  if (!r->over) {
    ehlo_scribe_fact(&r->scribe, now_us, text, strlen(text));
  }
  r->over = true;
}

// "tls …" or "tls failed …"
static void tls_fact(struct ehlo_recorder *r, uint64_t now_us, bool failed) {
  char details[4096] = "";  // what a certificate says of itself is long
  char text[sizeof(details) + 16];
  r->inner->ops->describe_tls(r->inner, details, sizeof(details));
  details[sizeof(details) - 1] = '\0';
  snprintf(text, sizeof(text), "tls%s%s%s", failed ? " failed" : "", details[0] != '\0' ? " " : "",
           details);
  if (failed) {
    end_fact(r, now_us, text);
  } else {
    ehlo_scribe_fact(&r->scribe, now_us, text, strlen(text));
  }
}

static void write_status(struct ehlo_recorder *r, uint64_t now_us, enum ehlo_status status) {
  if (status == EHLO_E_TIMEOUT) {
    ehlo_scribe_fact(&r->scribe, now_us, "timeout", strlen("timeout"));
  } else if (status == EHLO_E_CLOSED) {
    end_fact(r, now_us, "eof S");
  } else if (status == EHLO_E_RESET) {
    end_fact(r, now_us, "reset S");
  } else if (status == EHLO_E_TLS) {
    tls_fact(r, now_us, true);
  }
}

// ---- The transport ------------------------------------------------------------------------------

static enum ehlo_status recorder_exchange(struct ehlo_transport *t, size_t *out_taken,
                                          size_t *in_len, const struct ehlo_output *out,
                                          uint8_t *in, size_t in_cap, uint64_t deadline_ms) {
  struct ehlo_recorder *r = (struct ehlo_recorder *)t;
  ehlo_scribe_push_seen(&r->scribe);  // the call may wait
  enum ehlo_status status =
      r->inner->ops->exchange(r->inner, out_taken, in_len, out, in, in_cap, deadline_ms);
  uint64_t now_us = present_us(r);
  r->seen_us = now_us;
  assert(*out_taken <= out->span.len && *in_len <= in_cap);
  if (*out_taken > 0) {
    client_bytes(r, out, *out_taken, now_us);
  }
  if (*in_len > 0) {
    ehlo_scribe_server(&r->scribe, in, *in_len, now_us);
  }
  write_status(r, now_us, status);
  ehlo_scribe_push(&r->scribe);  // before anybody looks at what came, who may not survive it
  return status;
}

static enum ehlo_status recorder_start_tls(struct ehlo_transport *t, uint64_t deadline_ms) {
  struct ehlo_recorder *r = (struct ehlo_recorder *)t;
  ehlo_scribe_flush(&r->scribe);
  enum ehlo_status status = r->inner->ops->start_tls(r->inner, deadline_ms);
  uint64_t now_us = present_us(r);
  r->seen_us = now_us;
  if (status == EHLO_OK) {
    tls_fact(r, now_us, false);
    ehlo_scribe_new_stream(&r->scribe);
  } else {
    write_status(r, now_us, status);
  }
  ehlo_scribe_push(&r->scribe);
  return status;
}

static void recorder_describe_tls(struct ehlo_transport *t, char *out, size_t cap) {
  struct ehlo_recorder *r = (struct ehlo_recorder *)t;
  r->inner->ops->describe_tls(r->inner, out, cap);
}

static void recorder_close(struct ehlo_transport *t) {
  struct ehlo_recorder *r = (struct ehlo_recorder *)t;
  end_fact(r, present_us(r), "eof C");
  ehlo_recorder_finish(r);
  r->closed = true;
  r->inner->ops->close(r->inner);
}

static uint64_t recorder_now_us(struct ehlo_transport *t) {
  return ((struct ehlo_recorder *)t)->seen_us;
}

static const struct ehlo_transport_ops recorder_ops = {
    .exchange = recorder_exchange,
    .start_tls = recorder_start_tls,
    .describe_tls = recorder_describe_tls,
    .close = recorder_close,
    .now_us = recorder_now_us,
};

void ehlo_recorder_init(struct ehlo_recorder *r, struct ehlo_transport *inner,
                        const struct ehlo_redactor *redactor, ehlo_write_fn write, void *arg) {
  memset(r, 0, sizeof(*r));
  r->base.ops = &recorder_ops;
  r->inner = inner;
  r->seen_us = present_us(r);
  ehlo_scribe_init(&r->scribe, redactor, write, arg);
  ehlo_digest_init(&r->digest);
  r->scribe.digest = &r->digest;
}

void ehlo_recorder_fact(struct ehlo_recorder *r, const char *text, size_t len) {
  r->seen_us = present_us(r);  // a client that begins after this fact begins at its time
  ehlo_scribe_fact(&r->scribe, r->seen_us, text, len);
}

void ehlo_recorder_setting(struct ehlo_recorder *r, const char *text, size_t len) {
  ehlo_scribe_fact(&r->scribe, EHLO_NO_TIME, text, len);
}

void ehlo_recorder_client_event(struct ehlo_recorder *r, const struct ehlo_client *c,
                                const struct ehlo_event *event) {
  char text[EHLO_EVENT_TEXT_MAX];
  if (ehlo_event_is_recorded(c, event)) {
    ehlo_event_text(text, event);
    ehlo_scribe_event(&r->scribe, text);
    ehlo_digest_event(&r->digest, event, text);
  }
}

void ehlo_recorder_event(struct ehlo_recorder *r, const char *text) {
  ehlo_scribe_event(&r->scribe, text);
  ehlo_digest_words(&r->digest, text);
}

void ehlo_recorder_finish(struct ehlo_recorder *r) {
  ehlo_scribe_flush(&r->scribe);
}

uint64_t ehlo_recorder_hash(const struct ehlo_recorder *r) {
  return ehlo_digest_value(&r->digest);
}

bool ehlo_recorder_failed(const struct ehlo_recorder *r) {
  return r->scribe.writer.failed;
}
