// See wire.h. Line by line, as an old server would read it.
#include "replay/wire.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void ehlo_wire_init(struct ehlo_wire *w) {
  memset(w, 0, sizeof(*w));
  w->pending[w->num_pending++] = EHLO_WIRE_GREETING;
}

static void push(struct ehlo_wire *w, enum ehlo_wire_command command) {
  assert(w->num_pending < EHLO_WIRE_PENDING_MAX);
  w->pending[w->num_pending++] = command;
}

// ---- The client's side --------------------------------------------------------------------------

static bool begins(const char *line, const char *word) {
  size_t len = strlen(word);
  return strncasecmp(line, word, len) == 0 && !isalnum((unsigned char)line[len]);
}

static enum ehlo_wire_command command_of(const char *line) {
  static const struct {
    const char *word;
    enum ehlo_wire_command command;
  } words[] = {
      {"STARTTLS", EHLO_WIRE_STARTTLS}, {"AUTH", EHLO_WIRE_AUTH}, {"MAIL", EHLO_WIRE_MAIL},
      {"RCPT", EHLO_WIRE_RCPT},         {"DATA", EHLO_WIRE_DATA}, {"QUIT", EHLO_WIRE_QUIT},
      {"LHLO", EHLO_WIRE_LHLO},
  };
  for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
    if (begins(line, words[i].word)) {
      return words[i].command;
    }
  }
  return EHLO_WIRE_OTHER;
}

static void end_chunk(struct ehlo_wire *w) {
  push(w, w->chunk_last ? EHLO_WIRE_LAST_CHUNK : EHLO_WIRE_CHUNK);
}

static void take_command(struct ehlo_wire *w) {
  if (w->in_auth) {
    w->in_auth = false;
    push(w, EHLO_WIRE_AUTH);
  } else if (begins(w->client, "BDAT")) {
    char *end;
    w->chunk_left = strtoull(w->client + strlen("BDAT"), &end, 10);
    w->chunk_last = strncasecmp(end, " LAST", 5) == 0;
    if (w->chunk_left == 0) {
      end_chunk(w);
    }
  } else {
    push(w, command_of(w->client));
  }
}

static void take_line(struct ehlo_wire *w) {
  w->client[w->client_len] = '\0';
  if (!w->in_message) {
    take_command(w);
  } else if (strcmp(w->client, ".\r\n") == 0) {
    w->in_message = false;
    push(w, EHLO_WIRE_MESSAGE);
  }
  w->client_len = 0;
}

void ehlo_wire_client(struct ehlo_wire *w, const uint8_t *bytes, size_t len) {
  for (size_t i = 0; i < len; i++) {
    if (w->chunk_left > 0) {
      if (--w->chunk_left == 0) {
        end_chunk(w);
      }
      continue;
    }
    assert(w->client_len + 1 < EHLO_WIRE_LINE_MAX);
    w->client[w->client_len++] = (char)bytes[i];
    if (bytes[i] == '\n') {
      take_line(w);
    }
  }
}

// ---- The server's side --------------------------------------------------------------------------

static void pop(struct ehlo_wire *w) {
  w->num_pending--;
  memmove(w->pending, w->pending + 1, w->num_pending * sizeof(w->pending[0]));
}

// RFC 2033 §4.3: in LMTP the last chunk of a message for nobody has no reply.
static void pop_unanswered(struct ehlo_wire *w) {
  if (w->lmtp && w->num_accepted == 0 && w->num_pending > 0 &&
      w->pending[0] == EHLO_WIRE_LAST_CHUNK) {
    pop(w);
  }
}

static void take_reply(struct ehlo_wire *w) {
  bool success = w->reply_code[0] == '2';
  if (w->num_pending == 0) {
    return;  // a 421, or the end
  }
  enum ehlo_wire_command command = w->pending[0];
  bool message = command == EHLO_WIRE_MESSAGE || command == EHLO_WIRE_LAST_CHUNK;
  if (message && w->lmtp && ++w->num_final < w->num_accepted) {
    w->message_answered = w->message_answered || success;
    return;
  }
  w->num_final = 0;
  pop(w);
  switch (command) {
    case EHLO_WIRE_STARTTLS:
      w->tls_is_due = strcmp(w->reply_code, "220") == 0;
      break;
    case EHLO_WIRE_AUTH:
      w->in_auth = strcmp(w->reply_code, "334") == 0;
      break;
    case EHLO_WIRE_MAIL:
      w->num_accepted = 0;
      w->mail_refused = !success;
      break;
    case EHLO_WIRE_RCPT:
      w->num_accepted += success && !w->mail_refused;
      break;
    case EHLO_WIRE_DATA:
      w->in_message = strcmp(w->reply_code, "354") == 0;
      break;
    case EHLO_WIRE_MESSAGE:
    case EHLO_WIRE_LAST_CHUNK:
      w->message_answered = w->message_answered || (success && w->num_accepted > 0);
      w->num_accepted = 0;
      break;
    case EHLO_WIRE_LHLO:
      w->lmtp = success;
      break;
    case EHLO_WIRE_CHUNK:
    case EHLO_WIRE_OTHER:
    case EHLO_WIRE_GREETING:
    case EHLO_WIRE_QUIT:
      break;
  }
  pop_unanswered(w);
}

void ehlo_wire_server(struct ehlo_wire *w, uint8_t byte) {
  assert(w->server_len < EHLO_WIRE_LINE_MAX);
  w->server[w->server_len++] = byte;
  if (byte != '\n') {
    return;
  }
  bool last = w->server_len < 4 || w->server[3] != '-';
  if (w->reply_lines == 0 && w->server_len >= 3) {
    memcpy(w->reply_code, w->server, 3);
  }
  w->reply_lines = last ? 0 : w->reply_lines + 1;
  w->server_len = 0;
  if (last) {
    take_reply(w);
  }
}

void ehlo_wire_tls(struct ehlo_wire *w) {
  w->tls_is_due = false;
}

// ---- Questions ----------------------------------------------------------------------------------

// Of each transaction under way: its message is whole, and somebody was accepted or may yet be.
bool ehlo_wire_is_in_doubt(const struct ehlo_wire *w) {
  bool refused = w->mail_refused;
  bool somebody = w->num_accepted > 0;
  for (size_t i = 0; i < w->num_pending; i++) {
    if (w->pending[i] == EHLO_WIRE_MAIL) {
      refused = false;
      somebody = false;
    } else if (w->pending[i] == EHLO_WIRE_RCPT) {
      somebody = somebody || !refused;
    } else if (w->pending[i] == EHLO_WIRE_MESSAGE || w->pending[i] == EHLO_WIRE_LAST_CHUNK) {
      if (somebody) {
        return true;
      }
    }
  }
  return false;
}

static bool code_is_broken(const struct ehlo_wire *w) {
  for (size_t i = 0; i < 3 && i < w->server_len; i++) {
    char most = i == 0 ? '5' : '9';
    char least = i == 0 ? '2' : '0';
    if (w->server[i] < least || w->server[i] > most) {
      return true;
    }
  }
  return w->server_len >= 3 && w->reply_lines > 0 && memcmp(w->server, w->reply_code, 3) != 0;
}

bool ehlo_wire_line_is_broken(const struct ehlo_wire *w) {
  if (code_is_broken(w) || (w->server_len > 3 && strchr(" -\r", w->server[3]) == NULL) ||
      memchr(w->server, '\0', w->server_len) != NULL) {
    return true;
  }
  const uint8_t *cr = memchr(w->server, '\r', w->server_len);
  return cr != NULL && cr + 1 < w->server + w->server_len;  // its LF would have ended the line
}
