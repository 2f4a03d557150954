// A typed line on its way to the client: a command, a response to a challenge, a line of the
// message. A line goes as it was typed or not at all, and then a sentence says why.
#include <openssl/mem.h>
#include <string.h>
#include <sysexits.h>

#include "tools/driver/shell.h"
#include "tools/driver/shell_order.h"

bool shell_check(struct shell *sh, enum ehlo_status status, const char *what) {
  if (status == EHLO_OK) {
    return true;
  }
  sh->status = status == EHLO_E_CLEARTEXT ? EX_CONFIG : EX_DATAERR;
  if (status == EHLO_E_CLEARTEXT) {
    shell_say(sh,
              "%s is not sent: it would show a credential to whoever listens; STARTTLS comes "
              "first, or --allow-cleartext-auth permits it",
              what);
  } else if (status == EHLO_E_ARGUMENT) {
    shell_say(sh,
              "%s is not sent: it holds control characters, or what is no UTF-8, or an address "
              "that cannot be one",
              what);
  } else if (status == EHLO_E_TOO_LONG) {
    shell_say(sh, "%s is not sent: a command has at most %zu octets, and one with a credential %zu",
              what, EHLO_COMMAND_MAX, EHLO_TOKEN_MAX);
  } else {
    shell_say(sh, "%s is not sent: %s", what, ehlo_status_text(status));
  }
  return false;
}

void shell_erase(struct shell *sh) {
  if (sh->erasable) {
    shell_input_erase(sh->input);
    sh->erasable = false;
  }
}

static bool is_traced(const struct shell *sh) {
  return !sh->live.json && !sh->live.quiet;
}

// ---- Commands -----------------------------------------------------------------------------------

// What a server might say back. In a line that nobody could take apart, all of it.
static void hide(struct shell *sh, struct ehlo_span secret) {
  uint8_t decoded[EHLO_TOKEN_MAX];
  size_t len = 0;
  struct ehlo_span kernel = secret;
  while (secret.len > 0 && secret.bytes[secret.len - 1] == ' ') {
    secret.len--;
  }
  if (shell_line_response(decoded, &len, secret)) {
    kernel = shell_line_kernel((struct ehlo_span){decoded, len});
  }
  ehlo_redactor_add(&sh->session->redactor, kernel.bytes, kernel.len);
  OPENSSL_cleanse(decoded, sizeof(decoded));
}

void shell_send_line(struct shell *sh, struct ehlo_client *c, const struct shell_line *line) {
  enum ehlo_status status;
  if (line->secret.len > 0) {
    struct ehlo_span head = {line->text.bytes, line->text.len - line->secret.len};
    status = ehlo_send_raw_secret(c, head, line->secret, ehlo_str(""));
  } else {
    status = ehlo_send_raw(c, line->text);
  }
  bool doubt = line->secret.len == line->text.len && line->secret.len > 0;
  if (!shell_check(sh, status, doubt ? "what may be a response prepared for AUTH" : "the line")) {
    sh->after_auth = line->secret.len > 0 || line->verb == EHLO_VERB_AUTH;
    return;
  }
  if (line->secret.len > 0) {
    hide(sh, line->secret);
  }
  if (is_traced(sh)) {
    shell_erase(sh);
  }
  sh->after_auth = sh->after_auth && line->verb == EHLO_VERB_OTHER;
  shell_say_sent(sh, line);
  shell_teach_sent(sh, line->verb);
}

static bool is_same(struct ehlo_span a, const uint8_t *bytes, size_t len) {
  return a.len == len && memcmp(a.bytes, bytes, len) == 0;
}

static bool is_answer(struct ehlo_span text) {
  return is_same(text, (const uint8_t *)"y", 1) || is_same(text, (const uint8_t *)"!", 1);
}

// Whether the line is the answer to "send it all the same?", or needs none. Only people are asked.
static bool is_confirmed(struct shell *sh, const struct ehlo_client *c, struct shell_line *line) {
  bool asked = sh->doubtful_len > 0;
  bool again =
      asked && (is_same(line->text, sh->doubtful, sh->doubtful_len) || is_answer(line->text));
  if (again) {
    shell_line_read(line, (struct ehlo_span){sh->doubtful, sh->doubtful_len}, sh->after_auth);
  }
  if (!again) {
    OPENSSL_cleanse(sh->doubtful, sh->doubtful_len);
  }
  sh->doubtful_len = 0;
  const char *reason = again || line->raw ? NULL : shell_order_reason(c, line->verb);
  if (reason == NULL) {
    return true;
  }
  if (!sh->interactive) {
    shell_say(sh, "%s is out of order: %s; it is sent all the same", ehlo_verb_name(line->verb),
              reason);
    return true;
  }
  shell_say(sh, "%s is out of order: %s. Type it again, or y, to send it all the same.",
            ehlo_verb_name(line->verb), reason);
  memcpy(sh->doubtful, line->text.bytes, line->text.len);
  sh->doubtful_len = line->text.len;
  return false;
}

void shell_type_line(struct shell *sh, struct ehlo_client *c) {
  struct shell_line line;
  sh->have_line = false;
  if (sh->line_result == SHELL_INPUT_PIECE || sh->in_line) {
    sh->in_line = sh->line_result == SHELL_INPUT_PIECE;
    shell_check(sh, EHLO_E_TOO_LONG, "the line");
    return;
  }
  shell_line_read(&line, (struct ehlo_span){sh->line, sh->line_len}, sh->after_auth);
  bool answer = sh->doubtful_len > 0 && is_answer(line.text);
  if (line.secret.len == 0 && line.text.len > 0 && !answer) {
    shell_input_remember(sh->input);
  }
  if (line.helper) {
    sh->doubtful_len = 0;
    shell_help_yourself(sh, c, line.text);
  } else if (is_confirmed(sh, c, &line)) {
    shell_send_line(sh, c, &line);
    OPENSSL_cleanse(sh->doubtful, sizeof(sh->doubtful));
  }
  OPENSSL_cleanse(sh->line, sizeof(sh->line));
  shell_input_forget(sh->input);
}

// ---- Responses ----------------------------------------------------------------------------------

void shell_cancel_auth(struct shell *sh, struct ehlo_client *c) {
  struct shell_line line = {.text = ehlo_str("*"), .verb = EHLO_VERB_AUTH};
  if (shell_check(sh, ehlo_send_auth_cancel(c), "the response")) {
    shell_say_sent(sh, &line);
  }
}

static void send_response(struct shell *sh, struct ehlo_client *c, struct ehlo_span decoded) {
  if (shell_check(sh, ehlo_send_auth_response(c, &decoded, 1, decoded.len > 0), "the response")) {
    struct ehlo_span kernel = shell_line_kernel(decoded);
    ehlo_redactor_add(&sh->session->redactor, kernel.bytes, kernel.len);
    shell_say_secret(sh, "");
  }
}

void shell_type_response(struct shell *sh, struct ehlo_client *c) {
  uint8_t decoded[EHLO_TOKEN_MAX];
  size_t len = 0;
  struct ehlo_span typed = {sh->line, sh->line_len};
  bool whole = sh->line_result == SHELL_INPUT_LINE && !sh->in_line;
  sh->have_line = false;
  sh->in_line = sh->line_result == SHELL_INPUT_PIECE;
  if (whole && typed.len == 1 && typed.bytes[0] == '*') {
    shell_cancel_auth(sh, c);
  } else if (whole && shell_line_response(decoded, &len, typed)) {
    send_response(sh, c, (struct ehlo_span){decoded, len});
  } else if (sh->interactive) {
    shell_say(sh,
              "nothing is sent: a response is base64 (RFC 4954 §4); * cancels, and :auth does "
              "the base64 by itself");
  } else {
    shell_say(sh, "the response is no base64 (RFC 4954 §4), so AUTH is cancelled");
    sh->status = EX_DATAERR;
    shell_cancel_auth(sh, c);
  }
  OPENSSL_cleanse(decoded, sizeof(decoded));
  OPENSSL_cleanse(sh->line, sizeof(sh->line));
  shell_input_forget(sh->input);
}

// ---- The message --------------------------------------------------------------------------------

// A new line of it: its end is added once it is whole.
static void begin_text(struct shell *sh, bool chunk) {
  struct shell_line shown = {.text = {sh->line, sh->line_len}, .verb = EHLO_VERB_BODY};
  if (sh->line_at == 0 && sh->line_result != SHELL_INPUT_END) {
    shell_say_sent(sh, &shown);
    if (sh->line_result == SHELL_INPUT_LINE && chunk) {
      sh->line[sh->line_len++] = '\r';
    }
    if (sh->line_result == SHELL_INPUT_LINE) {
      sh->line[sh->line_len++] = '\n';
    }
    sh->in_line = sh->line_result == SHELL_INPUT_PIECE;
    sh->line_result = SHELL_INPUT_END;  // it is begun
  }
}

bool shell_type_text(struct shell *sh, struct ehlo_client *c) {
  bool chunk = ehlo_client_state(c) == EHLO_STATE_CHUNK;
  size_t used = 0;
  enum ehlo_status status;
  if (!chunk && !sh->in_line && sh->line_result == SHELL_INPUT_LINE &&
      shell_line_ends_data((struct ehlo_span){sh->line, sh->line_len})) {
    status = ehlo_send_body_end(c);
    if (status == EHLO_OK) {
      struct shell_line dot = {.text = ehlo_str("."), .verb = EHLO_VERB_BODY};
      sh->have_line = false;
      if (is_traced(sh)) {
        shell_erase(sh);
      }
      shell_say_sent(sh, &dot);
      shell_teach_sent(sh, EHLO_VERB_BODY);
    }
    return status == EHLO_OK || status == EHLO_E_FULL;
  }
  begin_text(sh, chunk);
  const uint8_t *bytes = sh->line + sh->line_at;
  size_t len = sh->line_len - sh->line_at;
  status = chunk ? ehlo_send_chunk(c, &used, bytes, len) : ehlo_send_body(c, &used, bytes, len);
  sh->line_at += used;
  sh->have_line = sh->line_at < sh->line_len;
  if (sh->have_line && ehlo_client_state(c) != EHLO_STATE_CHUNK && chunk) {
    shell_say(sh, "the chunk is full: %zu octets of the line are left out",
              sh->line_len - sh->line_at);
    sh->have_line = false;
  }
  return status == EHLO_OK || shell_check(sh, status, "the message");
}
