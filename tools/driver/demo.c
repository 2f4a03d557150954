// ehlo demo: everything real but the mailbox. A loopback server plays a recorded submission over a
// socket and TLS with a certificate made at start; the live transport submits to it; the session is
// recorded and replayed.
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "replay/replay.h"
#include "tools/driver/commands.h"
#include "tools/driver/complaints.h"
#include "tools/driver/demo_transcript.h"
#include "tools/driver/file.h"
#include "tools/driver/input.h"
#include "tools/driver/message.h"
#include "tools/driver/serve_loop.h"
#include "tools/driver/session.h"
#include "tools/driver/text.h"
#include "tools/live/certificate.h"

#define SERVER_NAME "mail.demo.example"
#define WAIT_MS 10000

static const char *set_json(void *o, const char *value) {
  (void)value;
  *(bool *)o = true;
  return NULL;
}

static const struct option_row rows[] = {
    {"json", 0, NULL, "one JSON object on standard output, nothing else", set_json},
    {NULL, 0, NULL, NULL, NULL},
};
static const struct option_row *const tables[] = {rows, NULL};
static const struct command command = {
    .name = "demo",
    .synopsis = "[--json]",
    .summary =
        "Shows a whole submission on this machine alone: a loopback server, STARTTLS\n"
        "with a verified certificate, AUTH LOGIN, a record, and its replay.",
    .tables = tables,
};

static const char message_text[] =
    "From: Alice <alice@demo.example>\n"
    "To: Bob <bob@demo.example>\n"
    "Subject: Hello from ehlo\n"
    "\n"
    "This message went through a real socket and real TLS.\n"
    ".This line begins with a dot, which is doubled on the wire.\n";

struct demo {
  struct live_certificate authority;
  struct live_certificate certificate;
  int listener;
  uint16_t port;
  pid_t server;
  char directory[64];
  char transcript[128];
  uint64_t hash;  // of the session
  json_t *json;   // what is told in place of words, or NULL
};

// ---- The server -------------------------------------------------------------------------------------

struct text_reader {
  const char *text;
  size_t left;
};

static long read_text(void *arg, uint8_t *buf, size_t cap) {
  struct text_reader *t = arg;
  size_t n = t->left < cap ? t->left : cap;
  memcpy(buf, t->text, n);
  t->text += n;
  t->left -= n;
  return (long)n;
}

// Serves one connection; returns the child's exit status.
static int serve(const struct demo *d) {
  static struct ehlo_faults faults;
  struct text_reader text = {demo_transcript, strlen(demo_transcript)};
  struct ehlo_script script;
  struct ehlo_transcript_error error;
  struct serve server = {
      .listener = d->listener,
      .context = live_tls_server_context(&d->certificate, &d->authority),
      .script = &script,
      .faults = &faults,
      .idle_us = UINT64_C(1000) * WAIT_MS,
      .max_connections = 1,
  };
  if (server.context == NULL ||
      ehlo_script_read(&script, &error, read_text, &text) != EHLO_SCRIPT_OK) {
    return 1;
  }
  bool good = serve_run(&server);
  ehlo_script_free(&script);
  SSL_CTX_free(server.context);
  return good ? 0 : 1;
}

static bool make_certificates(struct demo *d) {
  static const char *const names[] = {SERVER_NAME};
  int64_t now = (int64_t)time(NULL);
  struct live_certificate_request authority = {
      .common_name = "ehlo demo authority",
      .not_before = now - 3600,
      .not_after = now + 86400,
      .is_authority = true,
  };
  struct live_certificate_request server = {
      .common_name = SERVER_NAME,
      .names = names,
      .num_names = 1,
      .not_before = now - 3600,
      .not_after = now + 86400,
  };
  if (!live_certificate_make(&d->authority, &authority, NULL)) {
    return false;
  }
  if (!live_certificate_make(&d->certificate, &server, &d->authority)) {
    live_certificate_free(&d->authority);
    return false;
  }
  return true;
}

static int start_server(struct demo *d) {
  char error[LIVE_REASON_MAX];
  d->listener = live_net_listen(&d->port, error, sizeof(error), "127.0.0.1", 0);
  if (d->listener < 0) {
    fprintf(complaints(), "ehlo demo: cannot listen on 127.0.0.1: %s\n", error);
    return EX_OSERR;
  }
  fflush(stdout);
  d->server = fork();
  if (d->server < 0) {
    fprintf(complaints(), "ehlo demo: %s\n", strerror(errno));
    close(d->listener);
    return EX_OSERR;
  }
  if (d->server == 0) {
    _exit(serve(d));
  }
  close(d->listener);
  return 0;
}

// ---- The client -------------------------------------------------------------------------------------

static void begin(void *arg, size_t message) {
  (void)message;
  ((struct message *)arg)->pos = 0;
}

static enum ehlo_source_state peek(void *arg, struct ehlo_span *out) {
  return message_peek(arg, out);
}

static void skip(void *arg, size_t n) {
  ((struct message *)arg)->pos += n;
}

static void tell_session(const struct demo *d, const struct session *s) {
  const struct ehlo_verdict *verdict = &s->submission.submit.verdict;
  if (d->json == NULL) {
    printf("\n%s at %s, in %u round trips, session hash %016" PRIx64 "\n",
           ehlo_outcome_name(verdict->outcome), ehlo_stage_name(verdict->stage),
           (unsigned)s->flights, d->hash);
    return;
  }
  char hash[REPORT_HASH_SIZE];
  report_hash(hash, d->hash);
  json_object_set_new(d->json, "outcome", json_string(ehlo_outcome_name(verdict->outcome)));
  json_object_set_new(d->json, "stage", json_string(ehlo_stage_name(verdict->stage)));
  json_object_set_new(d->json, "round_trips", json_integer((json_int_t)s->flights));
  json_object_set_new(d->json, "hash", json_string(hash));
  json_object_set_new(d->json, "record", json_string(d->transcript));
}

static int submit(struct demo *d) {
  int status;
  struct ehlo_recipient to = {.address = ehlo_str("bob@demo.example")};
  struct message message = {
      .contents = {.bytes = (const uint8_t *)message_text, .len = sizeof(message_text) - 1}};
  struct live_options options = {
      .server = {.host = "127.0.0.1"},
      .tls_name = SERVER_NAME,
      .helo = "client.demo.example",
      .user = "alice@demo.example",
      .timeout_ms = WAIT_MS,
      .record = d->transcript,
      .json = d->json != NULL,
  };
  snprintf(options.server.port, sizeof(options.server.port), "%u", d->port);
  setenv("EHLO_PASSWORD", "correct horse battery staple", 1);
  struct session *s = session_new_trusting(&status, &options, d->authority.x509);
  if (s == NULL) {
    return status;
  }
  ehlo_preflight_init(&message.preflight);
  ehlo_preflight_feed(&message.preflight, message.contents.bytes, message.contents.len);
  ehlo_preflight_end(&message.preflight);
  struct ehlo_message envelope = {
      .from = ehlo_str("alice@demo.example"),
      .to = &to,
      .num_to = 1,
      .size = message.preflight.wire_size,
  };
  s->config.messages = &envelope;
  s->config.num_messages = 1;
  struct ehlo_source source = {begin, peek, skip, &message};
  status = session_run(s, &source);
  d->hash = s->report.hash;
  tell_session(d, s);
  if (s->error[0] != '\0') {
    fprintf(complaints(), "ehlo demo: %s\n", s->error);
  }
  session_free(s);
  return status;
}

static void tell_replay(const struct demo *d, int chunks, const struct ehlo_replay_result *r,
                        bool same) {
  static const char *const names[] = {"as it was recorded", "a line at a time", "a byte at a time"};
  static const char *const words[] = {"recorded", "line", "byte"};
  if (d->json == NULL) {
    printf("  %-18s  %s: %s at %s, %zu events, hash %016" PRIx64 "\n", names[chunks],
           same ? "the same" : "DIFFERENT", ehlo_outcome_name(r->outcome),
           ehlo_stage_name(r->stage), r->num_events, r->hash);
    return;
  }
  char hash[REPORT_HASH_SIZE];
  report_hash(hash, r->hash);
  json_array_append_new(
      json_object_get(d->json, "replays"),
      json_pack("{s:s, s:b, s:s, s:s, s:I, s:s}", "chunks", words[chunks], "same", same, "outcome",
                ehlo_outcome_name(r->outcome), "stage", ehlo_stage_name(r->stage), "events",
                (json_int_t)r->num_events, "hash", hash));
}

static int replay(const struct demo *d) {
  if (d->json == NULL) {
    printf("\nReplaying the record through the same engine, offline:\n");
  }
  for (int i = 0; i < 3; i++) {
    struct ehlo_replay_options options = {.chunks = (enum ehlo_chunks)i};
    struct ehlo_replay_result result;
    FILE *file = input_open(d->transcript);
    if (file == NULL) {
      return EX_NOINPUT;
    }
    ehlo_replay_run(&result, file_read, file, &options);
    file_close(file);
    bool same = result.verdict == EHLO_REPLAY_SAME && result.hash == d->hash;
    tell_replay(d, i, &result, same);
    if (!same) {
      return 1;
    }
  }
  return 0;
}

static void say_what_next(const struct demo *d) {
  printf(
      "\nThe record is %s\n"
      "Next:\n"
      "  ehlo show %s\n"
      "  ehlo show --html page.html %s\n"
      "  ehlo replay --chunks all %s\n"
      "  ehlo serve %s --listen 127.0.0.1:2525\n"
      "  ehlo probe smtp.office365.com\n"
      "  ehlo send smtp.office365.com --user you@your.domain --from you@your.domain \\\n"
      "      --to you@your.domain --data message.eml --record session.smtp\n",
      d->transcript, d->transcript, d->transcript, d->transcript, d->transcript);
}

static int run(void *options, const struct option_uses *uses) {
  struct demo d = {.directory = "/tmp/ehlo-demo.XXXXXX"};
  if (!options_apply(uses, &command, options)) {
    return EX_USAGE;
  }
  if (uses->num_operands > 0) {
    options_complain(&command, "nothing is expected after the command");
    return EX_USAGE;
  }
  if (mkdtemp(d.directory) == NULL || !make_certificates(&d)) {
    fprintf(complaints(), "ehlo demo: cannot prepare: %s\n", strerror(errno));
    return EX_OSERR;
  }
  snprintf(d.transcript, sizeof(d.transcript), "%s/session.smtp", d.directory);
  if (*(const bool *)options) {
    d.json = json_pack("{s:[]}", "replays");
  } else {
    printf("A loopback server plays Exchange Online as %s, with a certificate made just now.\n\n",
           SERVER_NAME);
  }
  int status = start_server(&d);
  if (status == 0) {
    status = submit(&d);
    kill(d.server, status == 0 ? 0 : SIGTERM);
    waitpid(d.server, NULL, 0);
  }
  live_certificate_free(&d.authority);
  live_certificate_free(&d.certificate);
  if (status == 0) {
    status = replay(&d);
  }
  if (d.json != NULL) {
    text_print_json(d.json, JSON_INDENT(2));
  } else if (status == 0) {
    say_what_next(&d);
  }
  return status;
}

int command_demo(int argc, char **argv) {
  bool json = false;
  return options_run(&command, argc, argv, &json, run);
}
