// The shell as the pump's program: what is said before the first prompt, when a line is read, and
// how it ends. What a line becomes is shell_typed.c's, and what events change is shell_events.c's.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "replay/pump.h"
#include "replay/settings.h"
#include "tools/driver/complaints.h"
#include "tools/driver/shell.h"
#include "tools/driver/shell_interrupt.h"

// ---- Before the first prompt --------------------------------------------------------------------

static enum shell_at last_step(const struct shell *sh) {
  bool by_hand = sh->options->at == SHELL_AT_DEFAULT && sh->live.tls == EHLO_TLS_NONE;
  return by_hand ? SHELL_AT_GREETING : sh->options->at;
}

static void send_words(struct shell *sh, struct ehlo_client *c, const char *verb,
                       const char *name) {
  char text[320];
  struct shell_line line;
  snprintf(text, sizeof(text), "%s%s%s", verb, name[0] != '\0' ? " " : "", name);
  shell_line_read(&line, ehlo_str(text), false);
  shell_send_line(sh, c, &line);
}

static void say_hello(struct shell *sh, struct ehlo_client *c) {
  char name[300];
  struct ehlo_span helo = sh->session->config.helo_name;
  snprintf(name, sizeof(name), "%.*s", (int)helo.len, (const char *)helo.bytes);
  send_words(sh, c, sh->live.server.lmtp ? "LHLO" : "EHLO", name);
}

static void go_on_opening(struct shell *sh, struct ehlo_client *c) {
  enum shell_at last = last_step(sh);
  enum ehlo_state state = ehlo_client_state(c);
  bool starttls = sh->live.tls == EHLO_TLS_STARTTLS;
  bool secure = ehlo_client_is_secure(c);
  if (state == EHLO_STATE_GREETED && last != SHELL_AT_GREETING &&
      !(last == SHELL_AT_STARTTLS && secure && starttls)) {
    say_hello(sh, c);
  } else if (state == EHLO_STATE_READY && starttls && !secure && last != SHELL_AT_EHLO) {
    if (ehlo_client_capabilities(c)->starttls) {
      send_words(sh, c, "STARTTLS", "");
    } else {
      shell_refuse_cleartext(sh, "the server offers no STARTTLS");
    }
  } else {
    sh->opening = false;
    if (sh->interactive && !sh->live.quiet) {
      shell_say(sh, "each line goes to the server as typed; :help lists what else there is");
    }
  }
}

// ---- Reading a line -----------------------------------------------------------------------------

static bool is_message_time(enum ehlo_state state) {
  return state == EHLO_STATE_BODY || state == EHLO_STATE_CHUNK;
}

static const char *prompt_of(const struct ehlo_client *c) {
  if (is_message_time(ehlo_client_state(c))) {
    return "    ";
  }
  return ehlo_client_is_secure(c) ? "~>  " : "->  ";
}

static enum shell_input_kind kind_of(enum ehlo_state state) {
  if (state == EHLO_STATE_AUTH) {
    return SHELL_INPUT_SECRET;
  }
  return is_message_time(state) ? SHELL_INPUT_TEXT : SHELL_INPUT_COMMAND;
}

static void keep_line(struct shell *sh, enum ehlo_state state, struct ehlo_span typed,
                      enum shell_input_result result) {
  struct shell_line line;
  sh->have_line = true;
  sh->interrupted = false;
  sh->line_result = result;
  sh->line_at = 0;
  sh->line_len = typed.len;
  memcpy(sh->line, typed.bytes, typed.len);
  sh->erasable = true;
  shell_line_read(&line, typed, sh->after_auth);
  if (state == EHLO_STATE_AUTH || (!is_message_time(state) && line.secret.len > 0)) {
    shell_erase(sh);  // before anything else can happen
  }
}

// Ctrl-C clears the line. Where there is nothing to clear, the second in a row is the end; and so
// is the second Ctrl-D within a message, which would be lost.
static bool is_end(struct shell *sh, enum shell_input_result result, bool message,
                   size_t num_dropped) {
  bool interrupt = result == SHELL_INPUT_INTERRUPT;
  if (!interrupt && (result != SHELL_INPUT_END || !sh->interactive || !message)) {
    return result == SHELL_INPUT_END;
  }
  shell_interrupt_clear();
  bool end = (sh->interrupted && num_dropped == 0) || !sh->interactive;
  sh->interrupted = num_dropped == 0;
  if (!end && sh->interrupted) {
    shell_say(sh, message
                      ? "a lone dot ends the message; the same key again gives it up, and closes "
                        "the connection"
                      : "Ctrl-C again, or Ctrl-D, ends the session");
  }
  return end;
}

static void read_line(struct shell *sh, struct ehlo_client *c) {
  struct ehlo_span typed;
  enum ehlo_state state = ehlo_client_state(c);
  int wire = sh->session->connected ? live_descriptor(&sh->session->live) : -1;
  fflush(stdout);
  enum shell_input_result result =
      shell_input_read(sh->input, &typed, prompt_of(c), kind_of(state), wire);
  sh->wire.quiet = false;
  if (result == SHELL_INPUT_PIECE && sh->interactive) {
    shell_say(sh, "the line is not sent: it has more than %zu octets", SHELL_LINE_MAX);
  } else if (result == SHELL_INPUT_LINE || result == SHELL_INPUT_PIECE) {
    keep_line(sh, state, typed, result);
  } else if (is_end(sh, result, is_message_time(state), typed.len)) {
    sh->at_end = true;
  }
}

// Whether a line is there, and the client knows the time: it is looked once whether the server has
// said something, before a line is read and before it is sent.
static bool has_line(struct shell *sh, struct ehlo_client *c) {
  if (!sh->wire.quiet) {
    return false;
  }
  if (!sh->have_line) {
    read_line(sh, c);
    return false;
  }
  struct ehlo_transport *t = &sh->session->recorder.base;
  ehlo_tick(c, t->ops->now_us(t) / 1000);
  sh->wire.quiet = false;
  return true;
}

// ---- The program --------------------------------------------------------------------------------

// The input is at its end: what is under way is taken back, then QUIT.
static void leave(struct shell *sh, struct ehlo_client *c) {
  if (ehlo_client_state(c) == EHLO_STATE_AUTH) {
    shell_cancel_auth(sh, c);
    return;
  }
  if (ehlo_client_may_send(c, EHLO_VERB_QUIT)) {
    send_words(sh, c, "QUIT", "");
  } else {
    sh->over = true;
  }
}

static void advance(struct shell *sh, struct ehlo_client *c) {
  struct ehlo_output out;
  enum ehlo_state state = ehlo_client_state(c);
  if (sh->over || ehlo_client_num_pending(c) > 0 || ehlo_output_peek(c, &out) ||
      is_message_time(state) || state == EHLO_STATE_TLS) {
    return;
  }
  if (sh->opening) {
    go_on_opening(sh, c);
  } else if (shell_post_is_on(sh)) {
    shell_post_go_on(sh, c);
  } else if (sh->at_end && !sh->have_line) {
    leave(sh, c);
  } else if (has_line(sh, c) && !sh->over) {
    if (state == EHLO_STATE_AUTH) {
      shell_type_response(sh, c);
    } else {
      shell_type_line(sh, c);
    }
  }
}

// Whether it is for us to say something, and not for the server. A BDAT waits for its chunk first.
static bool is_idle(const struct ehlo_client *c) {
  return ehlo_client_num_pending(c) == 0 || is_message_time(ehlo_client_state(c));
}

static enum ehlo_event_type program_next(struct ehlo_program *p, struct ehlo_client *c,
                                         struct ehlo_event *out) {
  struct shell *sh = (struct shell *)p;
  enum ehlo_event_type type = ehlo_next(c, out);
  if (type == EHLO_EVENT_NONE) {
    advance(sh, c);
    sh->wire.idle = is_idle(c);
  }
  return type;
}

static bool give_up_message(struct shell *sh) {
  snprintf(sh->error, sizeof(sh->error), "%s",
           sh->at_end ? "the input ended within the message, and the connection is closed before "
                        "its end: the server does not have it"
                      : "the message cannot be sent, and the connection is closed before its end: "
                        "the server does not have it");
  sh->status = EX_DATAERR;
  sh->over = true;
  return false;
}

static bool program_body(struct ehlo_program *p, struct ehlo_client *c) {
  struct shell *sh = (struct shell *)p;
  struct ehlo_output out;
  bool good = true;
  if (ehlo_output_peek(c, &out)) {
    return true;
  }
  if (shell_post_is_on(sh)) {
    good = shell_post_body(sh, c);
  } else if (sh->at_end && !sh->have_line) {
    good = false;
  } else if (has_line(sh, c)) {
    good = shell_type_text(sh, c);
  }
  sh->wire.idle = is_idle(c);
  return good || give_up_message(sh);
}

static bool program_finished(const struct ehlo_program *p) {
  return ((const struct shell *)p)->over;
}

// ---- The session --------------------------------------------------------------------------------

static bool on_event(void *arg, const struct ehlo_client *c, const struct ehlo_event *event) {
  struct shell *sh = arg;
  ehlo_recorder_client_event(&sh->session->recorder, c, event);
  shell_act(sh, &sh->session->client, event);
  return true;
}

static void on_secured(void *arg) {
  struct shell *sh = arg;
  session_bind(sh->session);
  if (sh->live.insecure && !sh->session->warned) {
    session_warn_of_insecure(sh->session);
  }
  shell_forget_hello(sh);
  shell_say_secured(sh);
}

// An ehlo_write_fn: to the screen and the record, and kept for ":save".
static bool write_text(void *arg, const char *text, size_t len) {
  struct shell *sh = arg;
  sh->erasable = false;
  if (sh->transcript == NULL) {
    sh->transcript = malloc(SHELL_TRANSCRIPT_MAX);
  }
  if (sh->transcript == NULL || len > SHELL_TRANSCRIPT_MAX - sh->transcript_len) {
    sh->transcript_cut = true;
  } else {
    memcpy(sh->transcript + sh->transcript_len, text, len);
    sh->transcript_len += len;
  }
  return sink_write(&sh->session->sink, text, len);
}

static void write_setting(void *arg, const char *text, size_t len) {
  ehlo_recorder_setting(&((struct shell *)arg)->session->recorder, text, len);
}

static void begin(struct shell *sh) {
  struct session *s = sh->session;
  session_connect(s);
  shell_wire_init(&sh->wire, session_transport(s));
  ehlo_recorder_init(&s->recorder, &sh->wire.base, &s->redactor, write_text, sh);
  ehlo_settings_write_timeouts(&s->client_config.timeouts, write_setting, sh);
  session_record_connect(s);
  ehlo_client_init(&s->client, &s->client_config, s->buffer, sizeof(s->buffer),
                   s->recorder.base.ops->now_us(&s->recorder.base) / 1000);
  sh->opening = true;
}

static void note_interruption(struct shell *sh, const struct ehlo_client *c) {
  bool message = sh->reply_verb == EHLO_VERB_DATA && ehlo_client_state(c) == EHLO_STATE_READY;
  sh->status = message ? EX_UNKNOWN : EX_IOERR;
  snprintf(sh->error, sizeof(sh->error), "interrupted while a reply was awaited%s",
           message ? "; the server may have the message" : "");
}

int shell_run(struct shell *sh) {
  static const struct ehlo_program_ops ops = {program_next, program_body, program_finished};
  struct session *s = sh->session;
  begin(sh);
  sh->input = shell_input_open(sh->screen, &s->client);
  if (sh->input == NULL) {
    fprintf(complaints(), "ehlo: out of memory\n");
    return EX_OSERR;
  }
  sh->interactive = shell_input_is_terminal(sh->input);
  s->trace.typed = sh->interactive;
  sh->program.ops = &ops;
  struct ehlo_pump pump = {
      .client = &s->client,
      .transport = &s->recorder.base,
      .program = &sh->program,
      .observer = {.event = on_event, .secured = on_secured, .arg = sh},
      .tls_first = sh->live.tls == EHLO_TLS_IMPLICIT,
  };
  if (ehlo_pump_run(&pump) == SHELL_WIRE_INTERRUPTED) {
    note_interruption(sh, &s->client);
  }
  shell_input_close(sh->input);
  sh->status = session_close(s, sh->status);
  trace_finish(&s->trace);
  shell_say_end(sh);
  return sh->status;
}
