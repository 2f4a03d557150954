// Every way a call or a session can fail, with its class and its words. Nothing else belongs here.
#ifndef EHLO_ENGINE_STATUS_H
#define EHLO_ENGINE_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

enum ehlo_status {
  EHLO_OK = 0,
  // The caller's: the call did nothing and the session is unharmed.
  EHLO_E_STATE,        // this verb is not legal in this state
  EHLO_E_ARGUMENT,     // CR, LF, NUL, a control byte, non-ASCII or a broken form in an argument
  EHLO_E_TOO_LONG,     // an argument over the lengths of RFC 5321 §4.5.3.1 or RFC 4954 §4
  EHLO_E_FULL,         // no room for the command now: acknowledge output or read replies first
  EHLO_E_UNSUPPORTED,  // the server did not offer the extension that this needs
  EHLO_E_CLEARTEXT,    // a credential would leave without TLS
  EHLO_E_BARE_CR,      // the message has a CR without LF (RFC 5321 §2.3.8)
  EHLO_E_CHUNK_SIZE,   // the text of a chunk is not as long as was announced (RFC 3030 §2)
  EHLO_E_BARE_LF,      // a line of the message does not end in CRLF, and it may not be altered
  EHLO_E_NUL_DOT,      // a line of the message is the end of data to a server that drops NUL
  // The server's: it broke the protocol.
  EHLO_E_REPLY_SYNTAX,        // not a reply line (RFC 5321 §4.2)
  EHLO_E_REPLY_CODE,          // the code changes inside a multi-line reply
  EHLO_E_REPLY_UNEXPECTED,    // a reply that nobody asked for
  EHLO_E_REPLY_EARLY,         // a reply to a command that was not wholly sent
  EHLO_E_REPLY_IMPOSSIBLE,    // a code that the command cannot have
  EHLO_E_STARTTLS_INJECTION,  // bytes between the 220 of STARTTLS and the handshake
  // Limits.
  EHLO_E_LINE_TOO_LONG,
  EHLO_E_REPLY_TOO_LONG,
  EHLO_E_TOO_MANY_LINES,
  EHLO_E_TOO_MANY_CHALLENGES,
  // The transport's.
  EHLO_E_CONNECT,  // no connection came about
  EHLO_E_CLOSED,   // end of stream; under TLS after its close_notify
  EHLO_E_RESET,    // the connection broke
  EHLO_E_TLS,      // handshake refused, certificate refused, or a broken or truncated TLS stream
  EHLO_E_TIMEOUT,  // a deadline of ehlo_deadline() has passed
  EHLO_NUM_STATUS
};

enum ehlo_status_class {
  EHLO_CLASS_NONE = 0,
  EHLO_CLASS_CALLER,
  EHLO_CLASS_SERVER,
  EHLO_CLASS_LIMIT,
  EHLO_CLASS_TRANSPORT,
};

enum ehlo_status_class ehlo_status_class(enum ehlo_status status);

// A fixed name such as "reply-syntax", used in transcripts; never NULL.
const char *ehlo_status_name(enum ehlo_status status);

// Half a sentence for people, such as "the line is not an SMTP reply"; never NULL.
const char *ehlo_status_text(enum ehlo_status status);

#ifdef __cplusplus
}
#endif

#endif  // EHLO_ENGINE_STATUS_H
