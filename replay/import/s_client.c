// openssl s_client -starttls smtp. It prints what the server says after the handshake, reports of its own
// between lines of `---`, and not what was typed; a log of the terminal (script, or copied off a screen)
// has that as well. What it said itself before the handshake it never prints, but for the last line of the
// reply to its EHLO. So the beginning is put together from what s_client always does, with a note; what
// was typed and is not there stays unknown.
#include <string.h>

#include "replay/import/parsers.h"

// What begins a report behind a `---`.
static const char *const reports[] = {
    "Certificate chain",
    "Server certificate",
    "no peer certificate available",
    "No client certificate CA names sent",
    "Acceptable client certificate CA names",
    "SSL handshake has read ",
    "New, ",
    "Post-Handshake New Session Ticket arrived:",
    "Early data was",
};

// What it says besides.
static const char *const remarks[] = {
    "CONNECTED(",
    "Connecting to ",
    "depth=",
    "verify return:",
    "verify error:",
    "Can't use SSL_get_servername",
    "Didn't find STARTTLS in server response",
    "read R BLOCK",
    "read:errno=",
    "write:errno=",
    "closed",
    "KEYUPDATE",
    "Script started on ",
    "Script done on ",
    "$ openssl s_client",
    "Connection closed",
    // -state
    "SSL_connect:",
    "SSL3 alert ",
    "SSL_accept:",
};

static bool is_one_of(struct text t, const char *const *list, size_t num) {
  for (size_t n = 0; n < num; n++) {
    if (text_begins(t, list[n])) {
      return true;
    }
  }
  return false;
}

// An entry of OpenSSL's error queue, "4007…:error:0A00010A:…".
static bool is_openssl_error(struct text t) {
  return text_find(t, ":error:") < t.len && text_find(t, " ") > text_find(t, ":error:");
}

static bool is_remark(struct text t) {
  return is_one_of(t, remarks, sizeof(remarks) / sizeof(remarks[0])) || is_openssl_error(t);
}

static bool recognises(struct text line) {
  return text_begins(line, "CONNECTED(0") || text_is(line, "CONNECTION ESTABLISHED") ||
         text_begins(line, "verify return:") || text_is(line, "read R BLOCK");
}

static void put_line(struct ehlo_importer *i, bool client, const char *line) {
  struct text t = {(const uint8_t *)line, strlen(line)};
  if (client) {
    client_line(i, t, EHLO_NO_TIME);
  } else {
    server_line(i, t, EHLO_NO_TIME);
  }
}

// The first line of the server's is its greeting, under TLS from the start, or the end of its reply to
// the EHLO that s_client sends.
static void begin_dialogue(struct ehlo_importer *i, struct text first) {
  i->state.s_client.began = true;
  if (text_begins(first, "2") && !text_begins(first, "250")) {
    ehlo_import_tls(&i->session, (const uint8_t *)i->session.tls_details,
                    strlen(i->session.tls_details), EHLO_NO_TIME);
    server_line(i, first, EHLO_NO_TIME);
    return;
  }
  ehlo_import_fact(&i->session, "note reconstructed all but the last line of what is before TLS",
                   EHLO_NO_TIME);
  put_line(i, false, "220 unknown");
  put_line(i, true, "EHLO mail.example.com");
  put_line(i, false, "250-unknown");
  put_line(i, false, "250-STARTTLS");
  server_line(i, first, EHLO_NO_TIME);
  put_line(i, true, "STARTTLS");
  put_line(i, false, "220 unknown");
}

// What was typed goes to the server, unless s_client took its first letter as a command of its own.
static void put_held(struct ehlo_importer *i, bool sent) {
  struct text t = {i->state.s_client.held, i->state.s_client.held_len};
  if (!i->state.s_client.holds) {
    return;
  }
  i->state.s_client.holds = false;
  if (sent) {
    client_line(i, t, EHLO_NO_TIME);
  } else {
    ehlo_import_fact(&i->session, "note the line below was a command to s_client, and not sent",
                     EHLO_NO_TIME);
    comment(i, t);
  }
}

static void take_typed(struct ehlo_importer *i, struct text t) {
  static const char letters[] = "RQkK";
  i->state.s_client.typed = true;
  bool may_be_command = !i->session.in_message && t.len > 0 && strchr(letters, t.bytes[0]) != NULL;
  if (may_be_command && t.len <= sizeof(i->state.s_client.held)) {
    i->state.s_client.holds = true;
    i->state.s_client.held_len = t.len;
    memcpy(i->state.s_client.held, t.bytes, t.len);
  } else {
    client_line(i, t, EHLO_NO_TIME);
  }
}

static void take_report(struct ehlo_importer *i, struct text t) {
  struct text details = t;
  if (!i->state.s_client.began && text_take(&details, "New, ")) {
    // Kept until the dialogue begins: TLS is told there.
    size_t room = sizeof(i->session.tls_details) - 1;
    size_t len = details.len < room ? details.len : room;
    memcpy(i->session.tls_details, details.bytes, len);
    i->session.tls_details[len] = '\0';
  } else if (text_begins(t, "Post-Handshake")) {
    struct text left_out = {(const uint8_t *)"a session ticket and its keys, left out", 39};
    comment(i, left_out);
  } else if (text_begins(t, "    ") || t.len == 0 || text_begins(t, "SSL-Session:")) {
    return;  // of a session: what is in it opens a recording of the session's bytes
  } else {
    comment(i, t);
  }
}

// Whether the line ends the command that is held, so that it was never sent.
static bool shows_command(struct text t) {
  return text_begins(t, "RENEGOTIATING") || text_is(t, "DONE") || text_begins(t, "KEYUPDATE");
}

// "read from 0x55d5 [0x55d6] (5 bytes => 5 (0x5))" and "0000 - 17 03 …" of -debug.
static bool is_debug(struct text t) {
  uint64_t offset;
  if (text_take(&t, "read from 0x") || text_take(&t, "write to 0x")) {
    return text_find(t, " bytes => ") < t.len;
  }
  return text_take_number(&t, &offset, 16) && text_take(&t, " - ") && t.len > 2 &&
         (t.bytes[2] == ' ' || t.bytes[2] == '-' || text_begins(t, "<SPACES/NULS>"));
}

// What -msg, -trace and -debug show of TLS records, a heading and what stands indented below it. All of it
// is left out: octets of a ticket are as good as the session.
static bool take_dump(struct ehlo_importer *i, struct text t) {
  bool begins = text_begins(t, "<<< ") || text_begins(t, ">>> ") ||
                text_begins(t, "Sent TLS Record") || text_begins(t, "Received TLS Record") ||
                text_begins(t, "Sent Record") || text_begins(t, "Received Record");
  i->state.s_client.in_dump =
      begins || (i->state.s_client.in_dump && (text_begins(t, "  ") || text_is(t, "Header:")));
  return i->state.s_client.in_dump || is_debug(t);
}

static void take(struct ehlo_importer *i, const struct piece *piece) {
  struct text t = piece->text;
  if (take_dump(i, t)) {
    return;
  }
  bool after_rule = i->state.s_client.after_rule;
  i->state.s_client.after_rule = false;
  put_held(i, !shows_command(t));
  if (i->state.s_client.ended) {
    comment(i, t);
    return;
  }
  i->state.s_client.ended = text_is(t, "closed") || text_is(t, "DONE");
  if (i->session.in_message && i->state.s_client.typed) {
    client_line(i, t, EHLO_NO_TIME);
  } else if (text_is(t, "---")) {
    i->state.s_client.in_block = false;
    i->state.s_client.after_rule = true;
  } else if (i->state.s_client.in_block ||
             (after_rule && is_one_of(t, reports, sizeof(reports) / sizeof(reports[0])))) {
    i->state.s_client.in_block = true;
    take_report(i, t);
  } else if (text_is_reply(t)) {
    if (i->state.s_client.began) {
      server_line(i, t, EHLO_NO_TIME);
    } else {
      begin_dialogue(i, t);
    }
  } else if (shows_command(t)) {
    comment(i, t);
    if (text_is(t, "DONE")) {
      ehlo_import_fact(&i->session, "eof C", EHLO_NO_TIME);
    }
  } else if (!i->state.s_client.began || t.len == 0 || is_remark(t)) {
    comment(i, t);
  } else {
    take_typed(i, t);
  }
}

static void finish(struct ehlo_importer *i) {
  put_held(i, true);
}

const struct parser parser_s_client = {"s_client", false, recognises, take, finish};
