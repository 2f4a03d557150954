// Whatever a server says, however it is cut, whatever the program asks for and whatever becomes of
// the connection: the same events come and the same bytes go, each command is one line of its own,
// no secret is in an ordinary span, nothing is sent after an error, and a session never hangs.
//
// An input is two octets of settings and then a line for each step. Its first character says what:
//   S text  the server sends the text and CRLF       s text  without the CRLF
//   C line  a command, by its verb or as it is       W line  as it is
//   w line  as it is, with a secret between 0x01 and 0x02
//   R text  a secret response to a challenge         r text  one that is no secret     *  cancels
//   B text  a line of the message or of a chunk's text      b text  without its line end     .  its end
//   O text  octets of a chunk
//   T  TLS is on     + MS  time passes     E c/r/t/x  the connection ends     A N  output is taken
//   K  the client moves to a copy of itself     M N  it moves to a buffer of another size
// In the text, 0x1a is an LF, 0x1c and 0x1d say the octet before them 60 and 1000 times more.
//
// The whole run is judged by all oracles; then the input runs cut, where the same has to happen after
// each step. The second octet says how (ehlo_fuzz_wants_cut).
#include "fuzz/session_model.h"
#include "fuzz/session_steps.h"

const char *const ehlo_fuzz_goals[EHLO_FUZZ_GOALS_MAX] = {
    [EHLO_FUZZ_GOAL_EVENT + EHLO_EVENT_REPLY] = "event reply",
    [EHLO_FUZZ_GOAL_EVENT + EHLO_EVENT_CHALLENGE] = "event challenge",
    [EHLO_FUZZ_GOAL_EVENT + EHLO_EVENT_TLS_WANTED] = "event tls-wanted",
    [EHLO_FUZZ_GOAL_EVENT + EHLO_EVENT_BODY_WANTED] = "event body-wanted",
    [EHLO_FUZZ_GOAL_EVENT + EHLO_EVENT_CLOSED] = "event closed",
    [EHLO_FUZZ_GOAL_EVENT + EHLO_EVENT_FAILED] = "event failed",
    [EHLO_FUZZ_GOAL_STATE + EHLO_STATE_CONNECT] = "state connect",
    [EHLO_FUZZ_GOAL_STATE + EHLO_STATE_GREETED] = "state greeted",
    [EHLO_FUZZ_GOAL_STATE + EHLO_STATE_REFUSED] = "state refused",
    [EHLO_FUZZ_GOAL_STATE + EHLO_STATE_READY] = "state ready",
    [EHLO_FUZZ_GOAL_STATE + EHLO_STATE_TLS] = "state tls",
    [EHLO_FUZZ_GOAL_STATE + EHLO_STATE_AUTH] = "state auth",
    [EHLO_FUZZ_GOAL_STATE + EHLO_STATE_MAIL] = "state mail",
    [EHLO_FUZZ_GOAL_STATE + EHLO_STATE_RCPT] = "state rcpt",
    [EHLO_FUZZ_GOAL_STATE + EHLO_STATE_DATA] = "state data",
    [EHLO_FUZZ_GOAL_STATE + EHLO_STATE_BODY] = "state body",
    [EHLO_FUZZ_GOAL_STATE + EHLO_STATE_CHUNK] = "state chunk",
    [EHLO_FUZZ_GOAL_STATE + EHLO_STATE_CHUNKED] = "state chunked",
    [EHLO_FUZZ_GOAL_STATE + EHLO_STATE_QUIT] = "state quit",
    [EHLO_FUZZ_GOAL_STATUS + EHLO_E_STATE] = "status state",
    [EHLO_FUZZ_GOAL_STATUS + EHLO_E_ARGUMENT] = "status argument",
    [EHLO_FUZZ_GOAL_STATUS + EHLO_E_TOO_LONG] = "status too-long",
    [EHLO_FUZZ_GOAL_STATUS + EHLO_E_FULL] = "status full",
    [EHLO_FUZZ_GOAL_STATUS + EHLO_E_UNSUPPORTED] = "status unsupported",
    [EHLO_FUZZ_GOAL_STATUS + EHLO_E_CLEARTEXT] = "status cleartext",
    [EHLO_FUZZ_GOAL_STATUS + EHLO_E_BARE_CR] = "status bare-cr",
    [EHLO_FUZZ_GOAL_STATUS + EHLO_E_BARE_LF] = "status bare-lf",
    [EHLO_FUZZ_GOAL_STATUS + EHLO_E_NUL_DOT] = "status nul-dot",
    [EHLO_FUZZ_GOAL_STATUS + EHLO_E_CHUNK_SIZE] = "status chunk-size",
    [EHLO_FUZZ_GOAL_STATUS + EHLO_E_REPLY_SYNTAX] = "status reply-syntax",
    [EHLO_FUZZ_GOAL_STATUS + EHLO_E_REPLY_CODE] = "status reply-code",
    [EHLO_FUZZ_GOAL_STATUS + EHLO_E_REPLY_UNEXPECTED] = "status reply-unexpected",
    [EHLO_FUZZ_GOAL_STATUS + EHLO_E_REPLY_EARLY] = "status reply-early",
    [EHLO_FUZZ_GOAL_STATUS + EHLO_E_REPLY_IMPOSSIBLE] = "status reply-impossible",
    [EHLO_FUZZ_GOAL_STATUS + EHLO_E_STARTTLS_INJECTION] = "status starttls-injection",
    [EHLO_FUZZ_GOAL_STATUS + EHLO_E_LINE_TOO_LONG] = "status line-too-long",
    [EHLO_FUZZ_GOAL_STATUS + EHLO_E_REPLY_TOO_LONG] = "status reply-too-long",
    [EHLO_FUZZ_GOAL_STATUS + EHLO_E_TOO_MANY_CHALLENGES] = "status too-many-challenges",
    [EHLO_FUZZ_GOAL_STATUS + EHLO_E_CLOSED] = "status closed",
    [EHLO_FUZZ_GOAL_STATUS + EHLO_E_RESET] = "status reset",
    [EHLO_FUZZ_GOAL_STATUS + EHLO_E_TLS] = "status tls",
    [EHLO_FUZZ_GOAL_STATUS + EHLO_E_TIMEOUT] = "status timeout",
    [EHLO_FUZZ_GOAL_MOVE] = "a move to another buffer",
    [EHLO_FUZZ_GOAL_LMTP] = "a message with two replies",
    [EHLO_FUZZ_GOAL_SECRET] = "a raw line with a secret",
};

static void run(struct ehlo_fuzz_session *s, const struct ehlo_fuzz_session *first,
                struct ehlo_fuzz_cuts cuts, const uint8_t *data, size_t size) {
  static struct ehlo_fuzz_block text;
  struct ehlo_fuzz_session_settings settings = ehlo_fuzz_session_settings_read(data[0]);
  ehlo_fuzz_session_begin(s, &settings, cuts, first);
  for (size_t at = EHLO_FUZZ_NUM_SETTINGS; at < size;) {
    struct ehlo_fuzz_step step = ehlo_fuzz_step_read(&text, data, &at, size);
    ehlo_fuzz_session_step(s, step);
    ehlo_fuzz_return(&text);
  }
  ehlo_fuzz_session_end(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct ehlo_fuzz_session whole;
  static struct ehlo_fuzz_session other;
  if (size <
      EHLO_FUZZ_NUM_SETTINGS) {  // a fuzzer that begins with nothing has to come to the engine
    static const uint8_t none[EHLO_FUZZ_NUM_SETTINGS];
    data = none;
    size = EHLO_FUZZ_NUM_SETTINGS;
  }
  run(&whole, NULL, (struct ehlo_fuzz_cuts){EHLO_FUZZ_WHOLE, 0}, data, size);
  for (int cut = EHLO_FUZZ_BYTES; EHLO_FUZZ_HAS(EHLO_FUZZ_RECUT) && cut < EHLO_FUZZ_NUM_CUTS;
       cut++) {
    if (ehlo_fuzz_wants_cut((enum ehlo_fuzz_cut)cut, data[1])) {
      run(&other, &whole, (struct ehlo_fuzz_cuts){(enum ehlo_fuzz_cut)cut, data[1]}, data, size);
    }
  }
  return 0;
}
