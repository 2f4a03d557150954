// The part of a line that is typed and not shown: read from a terminal without echo, past the line
// editor, which would keep copies. It knows how to take back a character, and no more editing than
// that.
#ifndef EHLO_TOOLS_DRIVER_SHELL_HIDDEN_H
#define EHLO_TOOLS_DRIVER_SHELL_HIDDEN_H

#include "tools/driver/shell_line.h"

struct shell_hidden {
  size_t len;
  int escape;   // within an escape sequence, such as an arrow key's
  bool beyond;  // more was typed than there is room for
  uint8_t bytes[SHELL_LINE_MAX];
};

enum shell_hidden_result {
  SHELL_HIDDEN_MORE,
  SHELL_HIDDEN_LINE,  // Enter
  SHELL_HIDDEN_END,   // Ctrl-D, with nothing typed
  SHELL_HIDDEN_BACK,  // a character to be taken back, and there is none
};

// Takes one octet of the terminal's. Control characters are passed over, but for Enter, Ctrl-D,
// Ctrl-U, Ctrl-H and Delete.
enum shell_hidden_result shell_hidden_take(struct shell_hidden *h, uint8_t c);

#endif  // EHLO_TOOLS_DRIVER_SHELL_HIDDEN_H
