// Where the shell's lines come from: a terminal with editing, history and completion, or a pipe.
// While it waits for a line it watches the connection too, so that what the server says unasked is
// seen at once.
#ifndef EHLO_TOOLS_DRIVER_SHELL_INPUT_H
#define EHLO_TOOLS_DRIVER_SHELL_INPUT_H

#include <stdio.h>

#include "engine/ehlo.h"
#include "tools/driver/shell_line.h"

enum shell_input_result {
  SHELL_INPUT_LINE,
  SHELL_INPUT_PIECE,  // the beginning of a line that is longer than SHELL_LINE_MAX; of a terminal
                      // nothing of it, and it is dropped
  SHELL_INPUT_END,    // there are no more
  SHELL_INPUT_WIRE,   // the server has said something, or left; what was typed so far is kept
  SHELL_INPUT_INTERRUPT,  // Ctrl-C; what was typed is dropped, and `out->len` says how much it was
};

enum shell_input_kind {
  SHELL_INPUT_COMMAND,  // edited, completed
  SHELL_INPUT_TEXT,     // edited
  SHELL_INPUT_SECRET,   // not shown
};

struct shell_input;

// Lines of a terminal, if standard input and `screen` are one, else of a pipe. `client` tells what
// the server offers. NULL without memory.
struct shell_input *shell_input_open(FILE *screen, const struct ehlo_client *client);
bool shell_input_is_terminal(const struct shell_input *in);

// Gives the next line in `out`, without its end (LF or CRLF), good until the next call. `wire` is
// the connection's descriptor, -1 to watch none.
enum shell_input_result shell_input_read(struct shell_input *in, struct ehlo_span *out,
                                         const char *prompt, enum shell_input_kind kind, int wire);

// Takes the line that was read last off the screen again, as far as it is still there.
void shell_input_erase(struct shell_input *in);
// Adds it to the history. Never for a secret.
void shell_input_remember(struct shell_input *in);

// Zeroes what is still there of lines that were read.
void shell_input_forget(struct shell_input *in);

// Zeroes what was read, keeps the history, puts the terminal back.
void shell_input_close(struct shell_input *in);

#endif  // EHLO_TOOLS_DRIVER_SHELL_INPUT_H
