// The two kinds of input, for shell_input.c alone.
#ifndef EHLO_TOOLS_DRIVER_SHELL_INPUT_PARTS_H
#define EHLO_TOOLS_DRIVER_SHELL_INPUT_PARTS_H

#include "tools/driver/shell_input.h"

// ---- shell_pipe.c: lines of a descriptor, without stdio, which would keep copies ----

struct shell_pipe {
  int fd;
  bool at_end;
  size_t start;
  size_t len;
  uint8_t bytes[SHELL_LINE_MAX + 2];
};

enum shell_input_result shell_pipe_read(struct shell_pipe *p, struct ehlo_span *out, int wire);

// Waits until there is something to read: of `fd` (LINE), or of `wire` (WIRE), which comes first.
enum shell_input_result shell_pipe_wait(int fd, int wire);

// ---- shell_terminal.c: libedit ----

struct shell_terminal;

// NULL where it cannot be had.
struct shell_terminal *shell_terminal_open(FILE *screen, const struct ehlo_client *client);
enum shell_input_result shell_terminal_read(struct shell_terminal *t, struct ehlo_span *out,
                                            const char *prompt, enum shell_input_kind kind,
                                            int wire);
void shell_terminal_erase(struct shell_terminal *t);
void shell_terminal_remember(struct shell_terminal *t);
void shell_terminal_forget(struct shell_terminal *t);
void shell_terminal_close(struct shell_terminal *t);

#endif  // EHLO_TOOLS_DRIVER_SHELL_INPUT_PARTS_H
