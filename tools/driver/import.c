// ehlo import: another program's log, or a capture of packets, as a transcript.
#include "replay/import/import.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "engine/ehlo.h"
#include "tools/capture/capture.h"
#include "tools/driver/commands.h"
#include "tools/driver/complaints.h"
#include "tools/driver/file.h"
#include "tools/driver/input.h"
#include "tools/driver/options.h"
#include "tools/driver/output.h"
#include "tools/driver/text.h"

struct import_command {
  const char *out_path;
  bool is_capture;
  enum ehlo_import_format format;
  unsigned long connection;  // from 1; 0: not told
  bool json;
  const char *path;
  struct output output;
  // Of what is copied before it is read.
  bool saw_head;
  bool may_be_capture;
  // Of a capture.
  struct ehlo_import_session *session;
  bool encrypted;
  uint64_t encrypted_octets[2];
};

static const char *set_output(void *o, const char *value) {
  ((struct import_command *)o)->out_path = value;
  return NULL;
}

static const char *set_format(void *o, const char *value) {
  struct import_command *c = o;
  c->is_capture = strcmp(value, "pcap") == 0;
  c->format = ehlo_import_format_named(value);
  return c->is_capture || c->format != EHLO_IMPORT_UNKNOWN
             ? NULL
             : "it is one of s_client, swaks, curl, curl-trace, msmtp, smtplib, phpmailer, "
               "nodemailer and "
               "pcap";
}

static const char *set_connection(void *o, const char *value) {
  char *end;
  unsigned long number = strtoul(value, &end, 10);
  ((struct import_command *)o)->connection = number;
  bool good =
      value[0] >= '1' && value[0] <= '9' && *end == '\0' && number <= CAPTURE_CONNECTIONS_MAX;
  return good ? NULL : "it is a number from 1 on";
}

static const char *set_json(void *o, const char *value) {
  (void)value;
  ((struct import_command *)o)->json = true;
  return NULL;
}

static const struct option_row rows[] = {
    {"format", 0, "FORMAT", "what FILE is (default: as it looks)", set_format},
    {"output", 'o', "FILE", "write to FILE instead of standard output", set_output},
    {"connection", 0, "N", "of a capture with several connections, which", set_connection},
    {"json", 0, NULL, "one JSON object on standard output; wants --output", set_json},
    {NULL, 0, NULL, NULL, NULL},
};
static const struct option_row *const tables[] = {rows, NULL};
static const struct command command = {
    .name = "import",
    .synopsis = "[OPTION…] FILE",
    .summary =
        "Makes a transcript of another program's log; - is standard input. Credentials\n"
        "do not get into it. What the log does not show is marked as unknown.",
    .tables = tables,
    .notes =
        "Formats: s_client (openssl s_client -starttls smtp), swaks, curl (-v, traces),\n"
        "curl-trace (--trace-ascii, --trace), msmtp (-v), smtplib (set_debuglevel),\n"
        "phpmailer (SMTPDebug), nodemailer (its logger), pcap (cleartext SMTP, captured).\n\n"
        "Exit status: 0 done, 64 usage, 65 not understood, 66 cannot be read, 73 cannot\n"
        "be written.\n",
};

static bool write_text(void *arg, const char *text, size_t len) {
  return fwrite(text, 1, len, ((struct import_command *)arg)->output.file) == len;
}

static void begin_complaint(const struct import_command *c) {
  fputs("ehlo: ", complaints());
  text_print(complaints(), ehlo_str(strcmp(c->path, "-") == 0 ? "standard input" : c->path));
}

static int unreadable(const struct import_command *c) {
  return input_complain(c->path, strerror(errno));
}

static int finish_output(struct import_command *c, bool write_failed, int status) {
  if (status != 0 && !write_failed) {
    output_drop(&c->output);
    return status;
  }
  return output_commit(&c->output);
}

// ---- Logs ---------------------------------------------------------------------------------------

// Reads the log once, so that what is secret in it is known. False if it cannot be read.
static bool learn(struct ehlo_scrub *s, FILE *file, bool *out_is_too_much) {
  uint8_t buf[65536];
  long len;
  ehlo_scrub_init(s);
  while ((len = file_read(file, buf, sizeof(buf))) > 0) {
    ehlo_scrub_learn(s, buf, (size_t)len);
  }
  *out_is_too_much = !ehlo_scrub_learn_end(s);
  rewind(file);
  return len == 0;
}

// What a log looks like that is not of the format that was told; NULL if like nothing else.
static const char *other_format(enum ehlo_import_format told, FILE *file) {
  static uint8_t head[EHLO_IMPORT_HEAD_MAX];
  rewind(file);
  long len = file_read(file, head, sizeof(head));
  if (len <= 0) {
    return NULL;
  }
  if (capture_is_one(head, (size_t)len)) {
    return "pcap";
  }
  enum ehlo_import_format format = ehlo_import_recognise(head, (size_t)len);
  return format != told ? ehlo_import_format_name(format) : NULL;
}

static void complain_of_log(const struct import_command *c, const struct ehlo_importer *i,
                            FILE *file) {
  const char *other = i->session.begun ? NULL : other_format(c->format, file);
  begin_complaint(c);
  fprintf(complaints(), ":%zu:%zu: %s (read as a log of %s)\n", i->error.line, i->error.column,
          i->error.message, ehlo_import_format_name(c->format));
  if (other != NULL) {
    begin_complaint(c);
    fprintf(complaints(), ": it looks like %s; try --format %s\n", other, other);
  }
}

static int feed_log(struct import_command *c, struct ehlo_importer *i, FILE *file) {
  uint8_t buf[65536];
  long len;
  bool good = true;
  while (good && (len = file_read(file, buf, sizeof(buf))) != 0) {
    if (len < 0) {
      return unreadable(c);
    }
    good = ehlo_importer_feed(i, buf, (size_t)len);
  }
  if (!ehlo_importer_finish(i)) {
    complain_of_log(c, i, file);
    return EX_DATAERR;
  }
  return 0;
}

static int import_log(struct import_command *c, FILE *file) {
  static struct ehlo_scrub scrub;
  static struct ehlo_importer importer;
  bool too_much;
  if (!learn(&scrub, file, &too_much)) {
    return unreadable(c);
  }
  if (too_much) {
    begin_complaint(c);
    fputs(": more credentials than a session can have\n", complaints());
    return EX_DATAERR;
  }
  int status = output_open(&c->output, c->out_path);
  if (status == 0) {
    ehlo_importer_init(&importer, c->format, &scrub, write_text, c);
    status = feed_log(c, &importer, file);
    status = finish_output(c, ehlo_importer_write_failed(&importer), status);
  }
  ehlo_scrub_wipe(&scrub);
  return status;
}

// ---- Captures -----------------------------------------------------------------------------------

static void on_said(void *arg, enum ehlo_side side, const uint8_t *bytes, size_t len,
                    uint64_t time_us) {
  struct import_command *c = arg;
  if (!c->encrypted && c->session->tls_due && side == EHLO_SIDE_CLIENT && bytes[0] == 0x16) {
    c->encrypted = true;
    ehlo_import_tls(c->session, bytes, 0, time_us);
  }
  if (c->encrypted) {
    c->encrypted_octets[side] += len;
  } else if (side == EHLO_SIDE_CLIENT) {
    ehlo_import_client(c->session, bytes, len, time_us);
  } else {
    ehlo_import_server(c->session, bytes, len, time_us);
  }
}

// Once, before whatever ends the connection.
static void tell_encrypted(struct import_command *c) {
  char note[160];
  if (c->encrypted_octets[EHLO_SIDE_CLIENT] == 0) {
    return;
  }
  snprintf(note, sizeof(note),
           "note encrypted from here on: %" PRIu64 " octets of the client, %" PRIu64
           " of the server",
           c->encrypted_octets[EHLO_SIDE_CLIENT], c->encrypted_octets[EHLO_SIDE_SERVER]);
  ehlo_import_fact(c->session, note, EHLO_NO_TIME);
  c->encrypted_octets[EHLO_SIDE_CLIENT] = 0;
}

static void on_fact(void *arg, const char *text, uint64_t time_us) {
  struct import_command *c = arg;
  bool is_note = strncmp(text, "note ", strlen("note ")) == 0;
  if (!is_note) {
    tell_encrypted(c);
  }
  if (!is_note || !c->encrypted) {
    ehlo_import_fact(c->session, text, time_us);
  }
}

static void print_connections(const struct import_command *told, const struct capture_list *list) {
  json_t *all = json_array();
  for (size_t i = 0; i < list->num; i++) {
    const struct capture_connection *c = &list->connections[i];
    char client[CAPTURE_ENDPOINT_MAX];
    char server[CAPTURE_ENDPOINT_MAX];
    char when[32] = "";
    time_t seconds = (time_t)(c->begin_us / 1000000);
    struct tm utc;
    if (gmtime_r(&seconds, &utc) != NULL) {
      strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%SZ", &utc);
    }
    capture_endpoint_text(client, &c->client);
    capture_endpoint_text(server, &c->server);
    json_array_append_new(
        all, json_pack("{s:I, s:s, s:s, s:s, s:[I, I], s:b}", "number", (json_int_t)i + 1, "begin",
                       when, "client", client, "server", server, "octets",
                       (json_int_t)c->octets[EHLO_SIDE_CLIENT],
                       (json_int_t)c->octets[EHLO_SIDE_SERVER], "tls", c->is_tls));
    fprintf(complaints(), "  %4zu  %s  %s to %s, %" PRIu64 " octets there, %" PRIu64 " back%s\n",
            i + 1, when, client, server, c->octets[EHLO_SIDE_CLIENT], c->octets[EHLO_SIDE_SERVER],
            c->is_tls ? ", TLS from the first" : "");
  }
  if (told->json) {
    text_print_json(json_pack("{s:s, s:o, s:i, s:o}", "outcome", "usage", "error",
                              text_to_json(ehlo_str(complaints_last())), "status", EX_USAGE,
                              "connections", all),
                    JSON_INDENT(2));
  } else {
    json_decref(all);
  }
}

// The connection that is wanted, or NULL after printing why there is none.
static const struct capture_connection *choose(const struct import_command *c, int *status,
                                               const struct capture_list *list) {
  *status = EX_DATAERR;
  if (list->num == 0) {
    begin_complaint(c);
    fputs(": there is no connection of SMTP in this capture\n", complaints());
    return NULL;
  }
  if (c->connection > list->num || (c->connection == 0 && list->num > 1)) {
    *status = EX_USAGE;
    begin_complaint(c);
    fprintf(complaints(), ": there %s in this capture%s; --connection N takes one:\n",
            list->num == 1 ? "is one connection of SMTP" : "are several connections of SMTP",
            list->is_full ? ", more than can be listed" : "");
    print_connections(c, list);
    return NULL;
  }
  const struct capture_connection *chosen =
      &list->connections[c->connection > 0 ? c->connection - 1 : 0];
  if (chosen->is_tls) {
    begin_complaint(c);
    fputs(": the connection is TLS from its first octet, so nothing of it can be read\n",
          complaints());
    return NULL;
  }
  return chosen;
}

static int import_connection(struct import_command *c, FILE *file,
                             const struct capture_connection *connection) {
  static struct ehlo_import_session session;
  const struct capture_sink sink = {on_said, on_fact, c};
  char error[CAPTURE_ERROR_MAX];
  int status = output_open(&c->output, c->out_path);
  if (status != 0) {
    return status;
  }
  c->session = &session;
  ehlo_import_session_init(&session, NULL, write_text, c);
  ehlo_import_session_knows(&session, true, true);
  bool read = capture_read(connection, &sink, error, file);
  tell_encrypted(c);
  ehlo_import_session_finish(&session);
  if (!read) {
    begin_complaint(c);
    fprintf(complaints(), ": %s\n", error);
    status = EX_DATAERR;
  }
  return finish_output(c, ehlo_import_session_failed(&session), status);
}

static int import_capture(struct import_command *c, FILE *file) {
  static struct capture_list list;
  char error[CAPTURE_ERROR_MAX];
  int status;
  if (!capture_list(&list, error, file)) {
    begin_complaint(c);
    fprintf(complaints(), ": %s\n", error);
    return EX_DATAERR;
  }
  if (list.num_unread > 0) {
    begin_complaint(c);
    fprintf(complaints(), ": %zu packets are no whole TCP over IP and are passed over\n",
            list.num_unread);
  }
  const struct capture_connection *connection = choose(c, &status, &list);
  return connection != NULL ? import_connection(c, file, connection) : status;
}

// ---- The command --------------------------------------------------------------------------------

// By what the file begins with. Says what it looks like, or that it looks like nothing.
static bool recognise(struct import_command *c, FILE *file) {
  static uint8_t head[EHLO_IMPORT_HEAD_MAX];
  long len = 0;
  long n;
  while (len < (long)sizeof(head) &&
         (n = file_read(file, head + len, sizeof(head) - (size_t)len)) > 0) {
    len += n;
  }
  rewind(file);
  c->is_capture = capture_is_one(head, (size_t)len);
  c->format = c->is_capture ? EHLO_IMPORT_UNKNOWN : ehlo_import_recognise(head, (size_t)len);
  begin_complaint(c);
  if (c->is_capture || c->format != EHLO_IMPORT_UNKNOWN) {
    fprintf(complaints(), ": read as %s\n",
            c->is_capture ? "pcap" : ehlo_import_format_name(c->format));
    return true;
  }
  fputs(": looks like no format that is known here; --format tells which it is\n", complaints());
  return false;
}

// What cannot be a log need not be read to its end, which a device may not have.
static bool is_enough(void *arg, const uint8_t *bytes, size_t len) {
  struct import_command *c = arg;
  if (!c->saw_head) {
    c->saw_head = true;
    c->may_be_capture =
        c->is_capture || (c->format == EHLO_IMPORT_UNKNOWN && capture_is_one(bytes, len));
    if (!c->may_be_capture && c->format == EHLO_IMPORT_UNKNOWN &&
        ehlo_import_recognise(bytes, len) == EHLO_IMPORT_UNKNOWN) {
      return true;
    }
  }
  return !c->may_be_capture && memchr(bytes, '\0', len) != NULL;
}

static int import(struct import_command *c, FILE *file) {
  bool told = c->is_capture || c->format != EHLO_IMPORT_UNKNOWN;
  if (!told && !recognise(c, file)) {
    return EX_DATAERR;
  }
  if (c->connection > 0 && !c->is_capture) {
    options_complain(&command, "--connection is for captures");
    return EX_USAGE;
  }
  return c->is_capture ? import_capture(c, file) : import_log(c, file);
}

static int run(void *options, const struct option_uses *uses) {
  struct import_command *c = options;
  if (!options_apply(uses, &command, c)) {
    return EX_USAGE;
  }
  if (uses->num_operands != 1) {
    options_complain(&command, "one FILE is expected");
    return EX_USAGE;
  }
  if (c->json && (c->out_path == NULL || strcmp(c->out_path, "-") == 0)) {
    options_complain(&command,
                     "--json wants --output: the transcript would be on standard output too");
    return EX_USAGE;
  }
  c->path = uses->operands[0];
  FILE *file = input_spool(c->path, is_enough, c);
  if (file == NULL) {
    return EX_NOINPUT;
  }
  int status = import(c, file);
  file_close(file);
  if (c->json && status == 0) {
    text_print_json(
        json_pack("{s:s, s:o, s:o}", "format",
                  c->is_capture ? "pcap" : ehlo_import_format_name(c->format), "file",
                  text_to_json(ehlo_str(c->path)), "output", text_to_json(ehlo_str(c->out_path))),
        JSON_INDENT(2));
  }
  return status;
}

int command_import(int argc, char **argv) {
  struct import_command c = {0};
  return options_run(&command, argc, argv, &c, run);
}
