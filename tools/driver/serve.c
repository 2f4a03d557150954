// ehlo serve: the server's side of a transcript, to any client. Options and what is told of the
// clients; the session is replay/serve/served.h's, the sockets are serve_loop.h's.
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "tools/driver/commands.h"
#include "tools/driver/complaints.h"
#include "tools/driver/file.h"
#include "tools/driver/front_certificate.h"
#include "tools/driver/input.h"
#include "tools/driver/listen.h"
#include "tools/driver/serve_loop.h"
#include "tools/driver/serve_report.h"
#include "tools/driver/text.h"

#define IDLE_SECONDS 300

struct serve_command {
  struct listen_place place;
  bool has_listen;
  enum ehlo_serve_tls tls;
  const char *certificate;
  const char *key;
  const char *ca_out;
  const char *record;
  bool json;
  size_t max_connections;
  uint32_t speed_permille;
  uint64_t idle_us;
  const char *fault_texts[EHLO_FAULTS_MAX];
  struct ehlo_faults faults;
  struct ehlo_script script;
};

// ---- Options -----------------------------------------------------------------------------------

static bool read_number(const char *text, double *out, double least, double most) {
  char *end;
  bool plain = text[0] >= '0' && text[0] <= '9' && strpbrk(text, "xXeE") == NULL;
  *out = strtod(text, &end);
  return plain && *end == '\0' && isfinite(*out) && *out >= least && *out <= most;
}

static const char *set_listen(void *o, const char *value) {
  struct serve_command *s = o;
  s->has_listen = true;
  return listen_parse(&s->place, value);
}

static const char *set_tls(void *o, const char *value) {
  static const char *const names[] = {"recorded", "none", "starttls", "implicit"};
  for (unsigned i = 0; i < 4; i++) {
    if (strcmp(value, names[i]) == 0) {
      ((struct serve_command *)o)->tls = (enum ehlo_serve_tls)i;
      return NULL;
    }
  }
  return "it is one of recorded, none, starttls and implicit";
}

static const char *set_connections(void *o, const char *value) {
  double n;
  if (!read_number(value, &n, 1, 1e9) || strchr(value, '.') != NULL) {
    return "it is a number from 1";
  }
  ((struct serve_command *)o)->max_connections = (size_t)n;
  return NULL;
}

static const char *set_timeout(void *o, const char *value) {
  double n;
  if (!read_number(value, &n, 0.001, 1e6)) {
    return "it is a number of seconds, at most 1000000";
  }
  ((struct serve_command *)o)->idle_us = (uint64_t)(n * 1e6);
  return NULL;
}

static const char *set_speed(void *o, const char *value) {
  double n = 1;
  if (strcmp(value, "recorded") != 0 && !read_number(value, &n, 0.001, 1000000)) {
    return "it is recorded, or a factor from 0.001 to 1000000";
  }
  ((struct serve_command *)o)->speed_permille = (uint32_t)(n * 1000);
  return NULL;
}

// SECONDS, SECONDS/command or SECONDS/connection
static const char *set_clock_step(void *o, const char *value) {
  struct serve_command *s = o;
  char number[32] = "";
  size_t len = strcspn(value, "/");
  const char *each = value + len;
  double n;
  bool by_connection = strcmp(each, "/connection") == 0;
  if (len < sizeof(number)) {
    memcpy(number, value, len);
  }
  if (!read_number(number, &n, 0, 1e6) ||
      (*each != '\0' && !by_connection && strcmp(each, "/command") != 0)) {
    return "it is SECONDS, SECONDS/command or SECONDS/connection";
  }
  *(by_connection ? &s->faults.connection_us : &s->faults.command_us) = (uint64_t)(n * 1e6);
  return NULL;
}

static const char *set_fault(void *o, const char *value) {
  static char sentence[256];
  struct serve_command *s = o;
  size_t column;
  if (s->faults.num == EHLO_FAULTS_MAX) {
    return "there are more than 32";
  }
  const char *wrong = ehlo_fault_read(&s->faults.list[s->faults.num], &column, value);
  if (wrong != NULL) {
    snprintf(sentence, sizeof(sentence), "column %zu: %s", column, wrong);
    return sentence;
  }
  s->fault_texts[s->faults.num++] = value;
  return NULL;
}

static const char *set_json(void *o, const char *value) {
  (void)value;
  ((struct serve_command *)o)->json = true;
  return NULL;
}

#define TEXT_SETTER(field)                                     \
  static const char *set_##field(void *o, const char *value) { \
    ((struct serve_command *)o)->field = value;                \
    return NULL;                                               \
  }
TEXT_SETTER(certificate)
TEXT_SETTER(key)
TEXT_SETTER(ca_out)
TEXT_SETTER(record)

static const struct option_row rows[] = {
    {"listen", 0, "HOST:PORT", "where; port 0 takes any that is free", set_listen},
    {"connections", 0, "N", "stop after so many (default: when it is stopped)", set_connections},
    {"tls", 0, "none|starttls|implicit", "(default: as recorded)", set_tls},
    {"tls-cert", 0, "FILE", "show this certificate, PEM, with its chain", set_certificate},
    {"tls-key", 0, "FILE", "... whose key this is; without both, one is made", set_key},
    {"ca-out", 0, "FILE", "write the certificate of who signed the one made", set_ca_out},
    {"fault", 0, "FAULT", "do something wrong, see below; may be repeated", set_fault},
    {"clock-step", 0, "S[/connection]", "how far each moves the virtual clock", set_clock_step},
    {"speed", 0, "recorded|N", "wait as recorded, or N times as fast (else not)", set_speed},
    {"timeout", 0, "SECONDS", "end a connection that rests (default: 300)", set_timeout},
    {"record", 0, "FILE", "write each connection's transcript, .2, .3 …", set_record},
    {"json", 0, NULL, "a JSON object for each connection, one a line", set_json},
    {NULL, 0, NULL, NULL, NULL},
};
static const struct option_row *const tables[] = {rows, NULL};
static const struct command command = {
    .name = "serve",
    .synopsis = "FILE --listen HOST:PORT [OPTION…]",
    .summary =
        "Plays the server's side of a transcript to any client, connection after\n"
        "connection. The first line of standard output is the address it listens on,\n"
        "ADDRESS:PORT; then "
        "comes what each client did, when it is done.",
    .tables = tables,
    .notes =
        "A command gets the reply that the next recorded command of the same meaning\n"
        "got: the first, second … RCPT of the first, second … MAIL; EHLO before and after\n"
        "TLS; AUTH by mechanism, whatever the credential. The last such reply repeats. A\n"
        "command that was never recorded gets a plain reply (250 to NOOP and RSET, 502 to\n"
        "what is unknown), one out of order 503 or 530, a mechanism that is not offered\n"
        "504. What a transcript hides of the server, its proof in SCRAM and DIGEST-MD5,\n"
        "cannot be said: the exchange ends there with 454.\n"
        "\n"
        "FAULT is STAGE[#K][@C]:KIND[=VALUE][*N]: at the Kth such reply of the Cth\n"
        "connection (without: each), at most N times in all. STAGE: greeting ehlo\n"
        "starttls tls auth mail rcpt data bdat body rset noop quit other session. KIND:\n"
        "  reply=TEXT          this reply instead; greylisting is\n"
        "                      rcpt:reply=451 4.7.1 try later*2\n"
        "  raw=TEXT            these bytes instead (\\r \\n \\xHH)\n"
        "  limit=N/S[ TEXT]    this reply to more than N in S seconds (virtual clock)\n"
        "  delay=SECONDS       later, in real time\n"
        "  drip                one byte a packet\n"
        "  inject=TEXT         these bytes behind the reply, in the same packet\n"
        "  close[=K] cut[=K] reset[=K]   end after K bytes of it, or all: in order,\n"
        "                      without TLS close_notify, or with a reset\n"
        "  hang                never answer\n"
        "\n"
        "Limits: 64 connections at once, a line 12288 octets, a fault's text 4094, 32\n"
        "faults; a message may be of any size and is not kept.\n"
        "Exit status: 0; 64 usage, 65 no transcript, 66 a file cannot be read, 73 one\n"
        "cannot be written, 74 cannot listen.\n",
};

// ---- Running -----------------------------------------------------------------------------------

static int read_script(struct serve_command *s, const char *path) {
  struct ehlo_transcript_error error;
  FILE *file = input_open(path);
  if (file == NULL) {
    return EX_NOINPUT;
  }
  enum ehlo_script_result result = ehlo_script_read(&s->script, &error, file_read, file);
  int why = errno;
  file_close(file);
  switch (result) {
    case EHLO_SCRIPT_OK:
      return 0;
    case EHLO_SCRIPT_BAD:
      fprintf(complaints(), "ehlo: %s:%zu:%zu: %s\n", path, error.line, error.column,
              error.message);
      return EX_DATAERR;
    case EHLO_SCRIPT_FAILED:
      return input_complain(path, strerror(why));
    case EHLO_SCRIPT_MEMORY:
      break;
  }
  fprintf(complaints(), "ehlo: out of memory\n");
  return EX_OSERR;
}

static void tell(void *arg, const struct serve_connection *c) {
  const struct serve_command *s = arg;
  if (s->json) {
    serve_report_json(c, s->fault_texts);
  } else {
    serve_report_print(c, s->fault_texts);
  }
  fflush(stdout);
}

static int get_certificate(struct front_certificate *f, const struct serve_command *s) {
  const char *const names[] = {"localhost", "127.0.0.1", "::1", s->script.host};
  *f = (struct front_certificate){
      .cert_file = s->certificate,
      .key_file = s->key,
      .ca_out = s->ca_out,
      .names = names,
      .num_names = s->script.host[0] != '\0' ? 4 : 3,
  };
  bool needed = ehlo_serve_tls_of(&s->script, s->tls) != EHLO_SERVE_CLEARTEXT;
  return needed || s->certificate != NULL || s->ca_out != NULL ? front_certificate_get(f) : 0;
}

static int serve(struct serve_command *s, SSL_CTX *context) {
  char error[LIVE_REASON_MAX];
  struct listening listening;
  struct serve server = {
      .context = context,
      .script = &s->script,
      .faults = &s->faults,
      .tls = s->tls,
      .speed_permille = s->speed_permille,
      .idle_us = s->idle_us,
      .max_connections = s->max_connections,
      .record = s->record,
      .ended = tell,
      .arg = s,
  };
  if (!listen_open(&listening, error, sizeof(error), &s->place)) {
    fprintf(complaints(), "ehlo serve: %s\n", error);
    return EX_IOERR;
  }
  listen_announce(&listening);
  server.listener = listening.fd;
  bool good = serve_run(&server);
  int why = errno;
  close(server.listener);
  if (!good) {
    fprintf(complaints(), "ehlo serve: %s\n", strerror(why));
    return EX_OSERR;
  }
  return server.record_incomplete ? EX_CANTCREAT : 0;
}

static const char *what_is_wrong(const struct serve_command *s, const struct option_uses *uses) {
  if (uses->num_operands != 1) {
    return uses->num_operands == 0 ? "FILE is missing" : "one FILE can be served";
  }
  if (!s->has_listen) {
    return "--listen HOST:PORT is missing";
  }
  if ((s->certificate == NULL) != (s->key == NULL)) {
    return "--tls-cert and --tls-key belong together";
  }
  return s->certificate != NULL && s->ca_out != NULL
             ? "--ca-out is for a certificate made here, not for --tls-cert"
             : NULL;
}

static int run(void *options, const struct option_uses *uses) {
  struct serve_command *s = options;
  struct front_certificate certificate;
  if (!options_apply(uses, &command, s)) {
    return EX_USAGE;
  }
  const char *wrong = what_is_wrong(s, uses);
  if (wrong != NULL) {
    options_complain(&command, "%s", wrong);
    return EX_USAGE;
  }
  int status = read_script(s, uses->operands[0]);
  if (status != 0) {
    return status;
  }
  status = get_certificate(&certificate, s);
  if (status == 0) {
    status = serve(s, certificate.context);
  }
  front_certificate_free(&certificate);
  ehlo_script_free(&s->script);
  return status;
}

int command_serve(int argc, char **argv) {
  static struct serve_command s = {.idle_us = UINT64_C(1000000) * IDLE_SECONDS};
  return options_run(&command, argc, argv, &s, run);
}
