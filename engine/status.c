// Names, classes and words of the statuses, in one table.
#include "engine/status.h"

#include <stddef.h>

struct status_row {
  const char *name;
  enum ehlo_status_class class;
  const char *text;
};

static const struct status_row rows[EHLO_NUM_STATUS] = {
    [EHLO_OK] = {"ok", EHLO_CLASS_NONE, "no error"},
    [EHLO_E_STATE] = {"state", EHLO_CLASS_CALLER, "the command has no place here"},
    [EHLO_E_ARGUMENT] = {"argument", EHLO_CLASS_CALLER,
                         "an argument holds a character or a form that may not be sent"},
    [EHLO_E_TOO_LONG] = {"too-long", EHLO_CLASS_CALLER,
                         "an argument is longer than RFC 5321 allows"},
    [EHLO_E_FULL] = {"full", EHLO_CLASS_CALLER, "there is no room for the command now"},
    [EHLO_E_UNSUPPORTED] = {"unsupported", EHLO_CLASS_CALLER,
                            "the server did not offer the extension that this needs"},
    [EHLO_E_CLEARTEXT] = {"cleartext", EHLO_CLASS_CALLER, "a credential would leave without TLS"},
    [EHLO_E_BARE_CR] = {"bare-cr", EHLO_CLASS_CALLER,
                        "the message has a carriage return without a line feed"},
    [EHLO_E_CHUNK_SIZE] = {"chunk-size", EHLO_CLASS_CALLER,
                           "the text of a BDAT chunk is not as long as was announced"},
    [EHLO_E_BARE_LF] = {"bare-lf", EHLO_CLASS_CALLER,
                        "a line of the message does not end in CRLF, and nothing may be altered"},
    [EHLO_E_NUL_DOT] = {"nul-dot", EHLO_CLASS_CALLER,
                        "a line of the message has only NUL bytes and one dot, which some servers "
                        "take for the end of the message"},
    [EHLO_E_REPLY_SYNTAX] = {"reply-syntax", EHLO_CLASS_SERVER,
                             "the server sent a line that is not an SMTP reply"},
    [EHLO_E_REPLY_CODE] = {"reply-code", EHLO_CLASS_SERVER,
                           "the reply code changes inside a multi-line reply"},
    [EHLO_E_REPLY_UNEXPECTED] = {"reply-unexpected", EHLO_CLASS_SERVER,
                                 "the server sent a reply that nothing asked for"},
    [EHLO_E_REPLY_EARLY] = {"reply-early", EHLO_CLASS_SERVER,
                            "the server replied to a command before it was sent"},
    [EHLO_E_REPLY_IMPOSSIBLE] = {"reply-impossible", EHLO_CLASS_SERVER,
                                 "the server sent a reply code that the command cannot have"},
    [EHLO_E_STARTTLS_INJECTION] =
        {"starttls-injection", EHLO_CLASS_SERVER,
         "bytes came between the reply to STARTTLS and the TLS handshake"},
    [EHLO_E_LINE_TOO_LONG] = {"line-too-long", EHLO_CLASS_LIMIT, "a reply line is too long"},
    [EHLO_E_REPLY_TOO_LONG] = {"reply-too-long", EHLO_CLASS_LIMIT, "a reply is too long"},
    [EHLO_E_TOO_MANY_LINES] = {"too-many-lines", EHLO_CLASS_LIMIT, "a reply has too many lines"},
    [EHLO_E_TOO_MANY_CHALLENGES] = {"too-many-challenges", EHLO_CLASS_LIMIT,
                                    "the AUTH exchange has too many challenges"},
    [EHLO_E_CONNECT] = {"connect", EHLO_CLASS_TRANSPORT, "no connection came about"},
    [EHLO_E_CLOSED] = {"closed", EHLO_CLASS_TRANSPORT, "the server closed the connection"},
    [EHLO_E_RESET] = {"reset", EHLO_CLASS_TRANSPORT, "the connection was reset"},
    [EHLO_E_TLS] = {"tls", EHLO_CLASS_TRANSPORT, "TLS failed"},
    [EHLO_E_TIMEOUT] = {"timeout", EHLO_CLASS_TRANSPORT, "the wait was too long"},
};

static const struct status_row *row_of(enum ehlo_status status) {
  static const struct status_row unknown = {"unknown", EHLO_CLASS_NONE, "unknown status"};
  if ((unsigned)status >= EHLO_NUM_STATUS) {
    return &unknown;
  }
  return &rows[status];
}

enum ehlo_status_class ehlo_status_class(enum ehlo_status status) {
  return row_of(status)->class;
}

const char *ehlo_status_name(enum ehlo_status status) {
  return row_of(status)->name;
}

const char *ehlo_status_text(enum ehlo_status status) {
  return row_of(status)->text;
}
