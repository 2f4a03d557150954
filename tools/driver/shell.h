// A session by hand: what its parts share. The loop (shell_loop.c) is the program that the pump
// asks; it gives typed lines to the client, and hands over to a helper where one has something to
// say by itself.
#ifndef EHLO_TOOLS_DRIVER_SHELL_H
#define EHLO_TOOLS_DRIVER_SHELL_H

#include "replay/program.h"
#include "tools/driver/message.h"
#include "tools/driver/session.h"
#include "tools/driver/shell_input.h"
#include "tools/driver/shell_line.h"
#include "tools/driver/shell_wire.h"
#include "tools/explain/explain.h"

// What is done before the first prompt.
enum shell_at {
  SHELL_AT_DEFAULT = 0,  // all that --tls asks for
  SHELL_AT_GREETING,
  SHELL_AT_EHLO,
  SHELL_AT_STARTTLS,  // the handshake, and no EHLO after it
};

struct shell_options {
  struct live_options live;  // first
  enum shell_at at;
  bool teach;
};

// An AUTH exchange of ":auth".
struct shell_auth {
  const struct ehlo_mechanism *mechanism;  // NULL: there is none under way
  bool cancelled;
  unsigned num_attempts;
  struct ehlo_auth auth;
};

enum shell_post_step {
  SHELL_POST_NONE = 0,
  SHELL_POST_MAIL,
  SHELL_POST_RCPT,
  SHELL_POST_CONTENT,
  SHELL_POST_BODY,
};

#define SHELL_RECIPIENTS_MAX 100

// A message of ":send" or ":bdat".
struct shell_post {
  enum shell_post_step step;
  bool by_chunk;
  bool octets;  // as they are, in place of text with its line ends
  bool last;
  struct message message;
  char *words;  // what `from` and `to` point into
  const char *from;
  const char *to[SHELL_RECIPIENTS_MAX];
  size_t num_to;
  size_t next;
};

#define SHELL_TRANSCRIPT_MAX ((size_t)16 << 20)  // octets kept for ":save"

struct shell {
  struct ehlo_program program;  // first
  const struct shell_options *options;
  struct live_options live;  // what the session sees of them: the user comes with ":auth"
  struct session *session;
  struct shell_wire wire;
  struct shell_input *input;
  FILE *screen;
  bool interactive;
  bool opening;      // what --at asks for is not done yet
  bool over;         // nothing more is to be said
  bool interrupted;  // Ctrl-C was the last that was typed
  bool in_line;      // within a line of the message, of which pieces were given
  bool after_auth;   // an AUTH was refused, and no known command was typed since
  bool at_end;       // of the input: QUIT was sent by the shell itself
  int status;        // the exit status so far
  char error[512];   // why the session ended, where it did not end well
  uint64_t heard;    // octets of whole replies
  bool explained;    // and what that means:
  struct explanation explanation;
  // The line that was read and waits for the present time.
  bool have_line;
  bool erasable;  // nothing was written to the screen since
  enum shell_input_result line_result;
  size_t line_len;
  size_t line_at;  // of a line of the message: what was given of it
  uint8_t line[SHELL_LINE_MAX + 2];
  // A command out of order, that a "y" or the same again sends.
  size_t doubtful_len;
  uint8_t doubtful[SHELL_LINE_MAX];
  char user[256];           // typed, where --user was not given
  struct kept_reply reply;  // the last one, and what it answers
  enum ehlo_verb reply_verb;
  struct kept_reply hello;  // the last EHLO's
  struct kept_reply greeting;
  bool hinted;  // at ":explain"
  struct shell_auth auth;
  struct shell_post post;
  char *transcript;
  size_t transcript_len;
  bool transcript_cut;
};

// ---- shell_loop.c ----

// Runs the session to its end; returns the exit status.
int shell_run(struct shell *sh);
// Takes what was typed off the screen, where what is sent appears there as a transcript.
void shell_erase(struct shell *sh);
// Says why the client did not take something. Returns whether it did.
bool shell_check(struct shell *sh, enum ehlo_status status, const char *what);

// ---- shell_events.c ----

#define EX_UNKNOWN 79  // exit status: the server may have the message

// Acts on an event.
void shell_act(struct shell *sh, struct ehlo_client *c, const struct ehlo_event *event);
// What the server offered counts no more.
void shell_forget_hello(struct shell *sh);
// TLS was asked for and cannot be had: nothing goes on in cleartext by itself.
void shell_refuse_cleartext(struct shell *sh, const char *why);

// ---- shell_typed.c: what is typed becomes what is sent ----

void shell_type_line(struct shell *sh, struct ehlo_client *c);
void shell_type_response(struct shell *sh, struct ehlo_client *c);
// "*" (RFC 4954 §4)
void shell_cancel_auth(struct shell *sh, struct ehlo_client *c);
// Sends a line, or says why it cannot be sent.
void shell_send_line(struct shell *sh, struct ehlo_client *c, const struct shell_line *line);
// False: the message cannot be given to its end.
bool shell_type_text(struct shell *sh, struct ehlo_client *c);

// ---- shell_say.c: words of the shell's own ----

// A remark; in a pipe it goes to standard error.
void shell_say(struct shell *sh, const char *format, ...) __attribute__((format(printf, 2, 3)));
// A line of an answer to a helper.
void shell_answer(struct shell *sh, struct ehlo_span text);
void shell_answer_words(struct shell *sh, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
// What was sent and what came, where it is not shown as a transcript: --json and -q.
void shell_say_sent(struct shell *sh, const struct shell_line *line);
void shell_say_secret(struct shell *sh, const char *what);
void shell_say_reply(struct shell *sh, enum ehlo_verb verb);
void shell_say_secured(struct shell *sh);
void shell_say_end(struct shell *sh);
// With --teach.
void shell_teach_sent(struct shell *sh, enum ehlo_verb verb);
void shell_teach_came(struct shell *sh, enum ehlo_verb verb, uint16_t code);

// ---- shell_helpers.c ----

void shell_help_yourself(struct shell *sh, struct ehlo_client *c, struct ehlo_span text);

// ---- shell_explain.c ----

// Of the last reply; false where there is nothing to say.
bool shell_explanation(const struct shell *sh, struct explanation *out);
// Keeps what it means that the session ended like this.
void shell_explain_failure(struct shell *sh, enum ehlo_stage stage,
                           const struct explain_failure *failure, const char *reason);
enum ehlo_stage shell_stage_of(enum ehlo_verb verb);
// ":explain [REPLY]"
void shell_explain(struct shell *sh, struct ehlo_client *c, const char *words);

// ---- shell_auth.c ----

// ":auth [MECHANISM]"
void shell_auth_begin(struct shell *sh, struct ehlo_client *c, const char *mechanism);
bool shell_auth_is_on(const struct shell *sh);
void shell_auth_challenge(struct shell *sh, struct ehlo_client *c, const struct ehlo_event *event);
void shell_auth_reply(struct shell *sh, uint16_t code);

// ---- shell_post.c ----

// ":send FILE …" and ":bdat FILE [LAST]"; `words` is what follows the name.
void shell_post_send(struct shell *sh, struct ehlo_client *c, const char *words);
void shell_post_bdat(struct shell *sh, struct ehlo_client *c, const char *words);
bool shell_post_is_on(const struct shell *sh);
// Sends what is next, with nothing outstanding.
void shell_post_go_on(struct shell *sh, struct ehlo_client *c);
// Gives as much of the message as there is room for. False: it cannot be given to its end.
bool shell_post_body(struct shell *sh, struct ehlo_client *c);
void shell_post_reply(struct shell *sh, enum ehlo_verb verb, uint16_t code);
void shell_post_free(struct shell_post *post);

#endif  // EHLO_TOOLS_DRIVER_SHELL_H
