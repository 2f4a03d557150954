// See shell_input.h.
#include "tools/driver/shell_input.h"

#include <openssl/mem.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/driver/shell_input_parts.h"
#include "tools/driver/shell_interrupt.h"

struct shell_input {
  FILE *screen;
  struct shell_terminal *terminal;  // NULL: a pipe
  struct shell_pipe pipe;
};

struct shell_input *shell_input_open(FILE *screen, const struct ehlo_client *client) {
  struct shell_input *in = calloc(1, sizeof(*in));
  if (in == NULL) {
    return NULL;
  }
  in->screen = screen;
  in->pipe.fd = STDIN_FILENO;
  if (isatty(STDIN_FILENO) && isatty(fileno(screen))) {
    in->terminal = shell_terminal_open(screen, client);
  }
  if (in->terminal == NULL) {
    shell_interrupt_begin(NULL);
  }
  return in;
}

bool shell_input_is_terminal(const struct shell_input *in) {
  return in->terminal != NULL;
}

enum shell_input_result shell_input_read(struct shell_input *in, struct ehlo_span *out,
                                         const char *prompt, enum shell_input_kind kind, int wire) {
  *out = (struct ehlo_span){NULL, 0};
  return in->terminal != NULL ? shell_terminal_read(in->terminal, out, prompt, kind, wire)
                              : shell_pipe_read(&in->pipe, out, wire);
}

void shell_input_erase(struct shell_input *in) {
  if (in->terminal != NULL) {
    shell_terminal_erase(in->terminal);
  }
}

void shell_input_remember(struct shell_input *in) {
  if (in->terminal != NULL) {
    shell_terminal_remember(in->terminal);
  }
}

void shell_input_forget(struct shell_input *in) {
  if (in->terminal != NULL) {
    shell_terminal_forget(in->terminal);
  } else {
    OPENSSL_cleanse(in->pipe.bytes, in->pipe.start);
  }
}

void shell_input_close(struct shell_input *in) {
  if (in->terminal != NULL) {
    shell_terminal_close(in->terminal);
  }
  shell_interrupt_end();
  OPENSSL_cleanse(in, sizeof(*in));
  free(in);
}
