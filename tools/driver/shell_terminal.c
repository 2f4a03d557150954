// A terminal by libedit. The terminal's own echo is off as long as the shell runs: what is typed
// ahead would show before anybody knows whether it is a secret.
#include <histedit.h>
#include <limits.h>
#include <openssl/mem.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#include "tools/driver/shell_complete.h"
#include "tools/driver/shell_hidden.h"
#include "tools/driver/shell_history.h"
#include "tools/driver/shell_input_parts.h"
#include "tools/driver/shell_interrupt.h"

#define PROMPT_MAX 64
#define HIDDEN "(hidden)"

struct shell_terminal {
  FILE *screen;
  EditLine *el;
  History *history;
  const struct ehlo_client *client;
  struct termios before;
  enum shell_input_kind kind;
  bool hint;  // that what is typed is not shown was said
  int wire;
  enum shell_input_result why;  // no line came
  char prompt[PROMPT_MAX];
  char kept[SHELL_LINE_MAX + 1];  // what was typed when the server spoke
  struct shell_hidden hidden;     // what was typed behind it, and not shown
  size_t len;
  char line[SHELL_LINE_MAX + 1];  // the one that was read last
  size_t rows;                    // of the screen, that it took
};

static struct shell_terminal *terminal_of(EditLine *el) {
  void *t = NULL;
  el_get(el, EL_CLIENTDATA, &t);
  return t;
}

static char *prompt_of(EditLine *el) {
  return terminal_of(el)->prompt;
}

// ---- Characters ---------------------------------------------------------------------------------

static void keep_typed(struct shell_terminal *t) {
  const LineInfo *info = el_line(t->el);
  size_t len = (size_t)(info->lastchar - info->buffer);
  len = len < SHELL_LINE_MAX ? len : SHELL_LINE_MAX;
  memcpy(t->kept, info->buffer, len);
  t->kept[len] = '\0';
}

// One character of the terminal in the locale's encoding; what is none there is passed over.
static int read_character(wchar_t *out) {
  mbstate_t state;
  memset(&state, 0, sizeof(state));
  for (;;) {
    char c;
    ssize_t n = read(STDIN_FILENO, &c, 1);
    if (n <= 0) {
      return (int)n;
    }
    size_t len = mbrtowc(out, &c, 1, &state);
    if (len == 0 || len == 1) {
      return 1;
    }
    if (len == (size_t)-1) {
      memset(&state, 0, sizeof(state));
    }
  }
}

static bool is_secret_time(struct shell_terminal *t) {
  const LineInfo *info = el_line(t->el);
  size_t len = (size_t)(info->lastchar - info->buffer);
  bool at_end = info->cursor == info->lastchar;
  return t->kind == SHELL_INPUT_SECRET ||
         (t->kind == SHELL_INPUT_COMMAND && at_end &&
          shell_line_secret_follows((struct ehlo_span){(const uint8_t *)info->buffer, len}));
}

// In place of what is typed. libedit does not know of it.
static void say_hidden(struct shell_terminal *t) {
  if (!t->hint) {
    fputs(HIDDEN, t->screen);
    fflush(t->screen);
    t->hint = true;
  }
}

static void unsay_hidden(struct shell_terminal *t) {
  fprintf(t->screen, "\033[%zuD\033[K", strlen(HIDDEN));
  fflush(t->screen);
  t->hint = false;
}

// What is typed at a credential's place goes past libedit, which is told of the line's end.
static int get_hidden(struct shell_terminal *t, wchar_t *out) {
  uint8_t c;
  say_hidden(t);
  for (;;) {
    enum shell_input_result ready = shell_pipe_wait(STDIN_FILENO, t->wire);
    if (ready != SHELL_INPUT_LINE) {
      t->why = ready;
      keep_typed(t);
      return -1;
    }
    if (read(STDIN_FILENO, &c, 1) <= 0) {
      return 0;
    }
    enum shell_hidden_result result = shell_hidden_take(&t->hidden, c);
    if (result == SHELL_HIDDEN_END ||
        (result == SHELL_HIDDEN_BACK && t->kind != SHELL_INPUT_SECRET)) {
      unsay_hidden(t);
      *out = L'\b';
      return result == SHELL_HIDDEN_BACK;
    }
    if (result == SHELL_HIDDEN_LINE) {
      *out = L'\n';
      return 1;
    }
  }
}

// libedit's way to a character: here the connection is watched.
static int get_character(EditLine *el, wchar_t *out) {
  struct shell_terminal *t = terminal_of(el);
  if (is_secret_time(t)) {
    t->why = SHELL_INPUT_END;
    return get_hidden(t, out);
  }
  enum shell_input_result ready = shell_pipe_wait(STDIN_FILENO, t->wire);
  if (ready == SHELL_INPUT_LINE) {
    t->why = SHELL_INPUT_END;
    return read_character(out);
  }
  t->why = ready;
  keep_typed(t);
  return -1;
}

// ---- Completion ---------------------------------------------------------------------------------

static void list_choices(const struct shell_terminal *t, const struct shell_choices *choices) {
  fputs("\n", t->screen);
  for (size_t i = 0; i < choices->num; i++) {
    fprintf(t->screen, "%s%s", i > 0 ? "  " : "    ", choices->words[i]);
  }
  fputs("\n", t->screen);
  fflush(t->screen);
}

static unsigned char complete(EditLine *el, int c) {
  struct shell_terminal *t = terminal_of(el);
  const LineInfo *info = el_line(el);
  struct shell_choices choices;
  struct ehlo_span line = {(const uint8_t *)info->buffer, (size_t)(info->cursor - info->buffer)};
  if (t->kind != SHELL_INPUT_COMMAND) {
    return CC_ERROR;
  }
  shell_complete(&choices, line, ehlo_client_capabilities(t->client));
  if (choices.files) {
    return _el_fn_complete(el, c);
  }
  size_t common = shell_complete_common(&choices);
  if (common > choices.typed) {
    choices.words[0][common] = '\0';
    el_insertstr(el, choices.words[0] + choices.typed);
    return CC_REFRESH;
  }
  if (choices.num > 1) {
    list_choices(t, &choices);
    return CC_REDISPLAY;
  }
  return CC_ERROR;
}

// ---- The terminal -------------------------------------------------------------------------------

static void set_up(struct shell_terminal *t) {
  el_set(t->el, EL_CLIENTDATA, t);
  el_set(t->el, EL_EDITOR, "emacs");
  el_set(t->el, EL_SIGNAL, 0);
  el_set(t->el, EL_PROMPT, prompt_of);
  el_set(t->el, EL_SETTY, "-x", "-echo", NULL);  // between two lines too
  el_set(t->el, EL_HIST, history, t->history);
  el_set(t->el, EL_GETCFN, get_character);
  el_set(t->el, EL_ADDFN, "ehlo-complete", "what the line can go on with", complete);
  el_set(t->el, EL_BIND, "^I", "ehlo-complete", NULL);
  el_set(t->el, EL_BIND, "^R", "em-inc-search-prev", NULL);
}

struct shell_terminal *shell_terminal_open(FILE *screen, const struct ehlo_client *client) {
  struct shell_terminal *t = calloc(1, sizeof(*t));
  if (t == NULL || tcgetattr(STDIN_FILENO, &t->before) != 0) {
    free(t);
    return NULL;
  }
  struct termios silent = t->before;
  silent.c_lflag &= ~(tcflag_t)ECHO;
  shell_interrupt_begin(&t->before);
  tcsetattr(STDIN_FILENO, TCSADRAIN, &silent);
  t->screen = screen;
  t->client = client;
  t->history = shell_history_open();
  t->el = el_init("ehlo", stdin, screen, stderr);
  if (t->el == NULL || t->history == NULL) {
    shell_terminal_close(t);
    return NULL;
  }
  set_up(t);
  return t;
}

void shell_terminal_close(struct shell_terminal *t) {
  if (t->el != NULL) {
    el_end(t->el);
  }
  if (t->history != NULL) {
    shell_history_close(t->history);
  }
  tcsetattr(STDIN_FILENO, TCSADRAIN, &t->before);
  OPENSSL_cleanse(t, sizeof(*t));
  free(t);
}

// ---- Lines --------------------------------------------------------------------------------------

// Rows of the screen that the prompt and `text` take.
static size_t rows_of(const struct shell_terminal *t, const char *text) {
  struct winsize size;
  wchar_t *wide = calloc(SHELL_LINE_MAX + 1, sizeof(*wide));
  bool known = ioctl(fileno(t->screen), TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  size_t columns = known ? size.ws_col : 80;
  size_t len = wide != NULL ? mbstowcs(wide, text, SHELL_LINE_MAX) : (size_t)-1;
  int width = len != (size_t)-1 ? wcswidth(wide, len) : -1;
  if (wide != NULL) {
    OPENSSL_cleanse(wide, (SHELL_LINE_MAX + 1) * sizeof(*wide));
    free(wide);
  }
  size_t more = strlen(t->prompt) + (t->hint ? strlen(HIDDEN) : 0);
  return (more + (width >= 0 ? (size_t)width : strlen(text))) / columns + 1;
}

static void erase_rows(const struct shell_terminal *t, size_t rows_up) {
  if (rows_up > 0) {
    fprintf(t->screen, "\033[%zuA", rows_up);
  }
  fputs("\r\033[J", t->screen);
  fflush(t->screen);
}

// The prompt goes away with what was typed, and comes back with it behind what the server says.
static void step_aside(struct shell_terminal *t) {
  if (t->why == SHELL_INPUT_WIRE) {
    erase_rows(t, rows_of(t, t->kept) - 1);
  } else {
    fputs(t->why == SHELL_INPUT_INTERRUPT ? "^C\n" : "\n", t->screen);
    fflush(t->screen);
  }
}

static void wipe_hidden(struct shell_terminal *t) {
  OPENSSL_cleanse(&t->hidden, sizeof(t->hidden));
}

// No line came. What was typed so far is kept for the next time, if only the server has spoken.
static enum shell_input_result take_none(struct shell_terminal *t, struct ehlo_span *out) {
  step_aside(t);
  if (t->why != SHELL_INPUT_WIRE) {
    out->len = t->why == SHELL_INPUT_INTERRUPT ? strlen(t->kept) + t->hidden.len : 0;
    OPENSSL_cleanse(t->kept, sizeof(t->kept));
    wipe_hidden(t);
  }
  return t->why;
}

// Puts together what was shown and what was not.
static enum shell_input_result take(struct shell_terminal *t, struct ehlo_span *out,
                                    const char *line) {
  size_t len = strcspn(line, "\n");
  bool beyond = t->hidden.beyond || len + t->hidden.len > SHELL_LINE_MAX;
  t->len = len < SHELL_LINE_MAX ? len : SHELL_LINE_MAX;
  memcpy(t->line, line, t->len);
  t->line[t->len] = '\0';
  t->rows = rows_of(t, t->line);
  if (!beyond) {
    memcpy(t->line + len, t->hidden.bytes, t->hidden.len);
    t->len = len + t->hidden.len;
  }
  t->line[t->len] = '\0';
  wipe_hidden(t);
  *out = (struct ehlo_span){(const uint8_t *)t->line, beyond ? 0 : t->len};
  return beyond ? SHELL_INPUT_PIECE : SHELL_INPUT_LINE;
}

enum shell_input_result shell_terminal_read(struct shell_terminal *t, struct ehlo_span *out,
                                            const char *prompt, enum shell_input_kind kind,
                                            int wire) {
  int num = 0;
  snprintf(t->prompt, sizeof(t->prompt), "%s", prompt);
  t->kind = kind;
  t->hint = false;
  t->wire = wire;
  t->why = SHELL_INPUT_END;
  el_resize(t->el);
  if (t->kept[0] != '\0') {
    el_push(t->el, t->kept);
    OPENSSL_cleanse(t->kept, sizeof(t->kept));
  }
  const char *line = el_gets(t->el, &num);
  return line != NULL && num > 0 ? take(t, out, line) : take_none(t, out);
}

void shell_terminal_erase(struct shell_terminal *t) {
  erase_rows(t, t->rows);
}

void shell_terminal_remember(struct shell_terminal *t) {
  shell_history_add(t->history, t->line);
}

void shell_terminal_forget(struct shell_terminal *t) {
  OPENSSL_cleanse(t->line, sizeof(t->line));
  t->len = 0;
}
