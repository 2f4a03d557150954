// Whatever a server decides, reply by reply, and however the connection ends:
//
//   invariant  nobody gets a message twice; who is said to have a message has it, who has it is said to
//              have it or to be in doubt; what the server got is exactly the message; a server hears
//              nothing that no client may say
//   model      each command is the one that engine/SUBMISSION.md wants there, to the octet, and each
//              verdict, recipient and exit status what it says (submit_model.h, written from it alone)
//   secrecy    no octet of a credential without TLS unless that is allowed, nor outside secret spans;
//              none is left in the client's memory when the session is over
//   recut      the same events, octets and verdicts when both streams are cut otherwise
//   liveness   the session comes to an end, and has a deadline whenever it waits
//
// A server of our own makes the decisions from the input and keeps who got what. An input is 16 octets
// of settings (submit_input.h), and then one for each decision, in the order in which they are taken.
#include <string.h>

#include "fuzz/fuzz.h"
#include "fuzz/submit_run.h"

const char *const ehlo_fuzz_goals[EHLO_FUZZ_GOALS_MAX] = {
    [EHLO_OUTCOME_ACCEPTED] = "accepted",
    [EHLO_OUTCOME_PARTIAL] = "partial",
    [EHLO_OUTCOME_REFUSED] = "refused",
    [EHLO_OUTCOME_DEFERRED] = "deferred",
    [EHLO_OUTCOME_UNKNOWN] = "unknown",
    [EHLO_OUTCOME_STOPPED] = "stopped",
    [EHLO_OUTCOME_AUTH_REFUSED] = "authentication refused",
    [EHLO_OUTCOME_TLS_FAILED] = "no TLS",
    [EHLO_OUTCOME_PROTOCOL_ERROR] = "a broken protocol",
    [EHLO_OUTCOME_TIMEOUT] = "timeout",
    [EHLO_OUTCOME_LOST] = "lost",
    [EHLO_OUTCOME_USAGE] = "usage",
    [EHLO_SUBMIT_GOAL_STAGE + EHLO_STAGE_CONNECT] = "a verdict at connect",
    [EHLO_SUBMIT_GOAL_STAGE + EHLO_STAGE_GREETING] = "a verdict at the greeting",
    [EHLO_SUBMIT_GOAL_STAGE + EHLO_STAGE_EHLO] = "a verdict at EHLO",
    [EHLO_SUBMIT_GOAL_STAGE + EHLO_STAGE_STARTTLS] = "a verdict at STARTTLS",
    [EHLO_SUBMIT_GOAL_STAGE + EHLO_STAGE_TLS] = "a verdict at TLS",
    [EHLO_SUBMIT_GOAL_STAGE + EHLO_STAGE_AUTH] = "a verdict at AUTH",
    [EHLO_SUBMIT_GOAL_STAGE + EHLO_STAGE_MAIL] = "a verdict at MAIL",
    [EHLO_SUBMIT_GOAL_STAGE + EHLO_STAGE_RCPT] = "a verdict at RCPT",
    [EHLO_SUBMIT_GOAL_STAGE + EHLO_STAGE_DATA] = "a verdict at DATA",
    [EHLO_SUBMIT_GOAL_STAGE + EHLO_STAGE_BODY] = "a verdict at the message",
    [EHLO_SUBMIT_GOAL_STAGE + EHLO_STAGE_QUIT] = "a verdict at QUIT",
    [EHLO_SUBMIT_GOAL_SPLIT] = "a message in two transactions",
    [EHLO_SUBMIT_GOAL_SEVERAL] = "several messages accepted",
    [EHLO_SUBMIT_GOAL_AGAIN] = "a transaction once more",
    [EHLO_SUBMIT_GOAL_TLS] = "accepted after STARTTLS",
    [EHLO_SUBMIT_GOAL_IMPLICIT] = "accepted under implicit TLS",
    [EHLO_SUBMIT_GOAL_HELO] = "accepted after HELO",
    [EHLO_SUBMIT_GOAL_XCLIENT] = "accepted after XCLIENT",
    [EHLO_SUBMIT_GOAL_AUTH] = "accepted after AUTH",
    [EHLO_SUBMIT_GOAL_AUTH_CLEAR] = "accepted after AUTH without TLS",
    [EHLO_SUBMIT_GOAL_AUTH_BOUND] = "accepted after AUTH bound to TLS",
    [EHLO_SUBMIT_GOAL_AUTH_SECOND] = "accepted after a second AUTH",
    [EHLO_SUBMIT_GOAL_CANCEL] = "an exchange cancelled",
    [EHLO_SUBMIT_GOAL_CHUNK] = "accepted after BDAT",
    [EHLO_SUBMIT_GOAL_LMTP] = "accepted by LMTP",
    [EHLO_SUBMIT_GOAL_PROBLEM + EHLO_PROBLEM_NO_STARTTLS] = "STARTTLS not offered",
    [EHLO_SUBMIT_GOAL_PROBLEM + EHLO_PROBLEM_NO_TLS] = "implicit TLS that did not begin",
    [EHLO_SUBMIT_GOAL_PROBLEM + EHLO_PROBLEM_NO_AUTH] = "AUTH not offered",
    [EHLO_SUBMIT_GOAL_PROBLEM + EHLO_PROBLEM_NO_MECHANISM] = "no mechanism",
    [EHLO_SUBMIT_GOAL_PROBLEM + EHLO_PROBLEM_CLEARTEXT] = "a credential in cleartext",
    [EHLO_SUBMIT_GOAL_PROBLEM + EHLO_PROBLEM_CHALLENGE] = "a challenge without an answer",
    [EHLO_SUBMIT_GOAL_PROBLEM + EHLO_PROBLEM_CREDENTIALS] = "credentials that no mechanism carries",
    [EHLO_SUBMIT_GOAL_PROBLEM + EHLO_PROBLEM_PROOF] = "a server without a proof",
    [EHLO_SUBMIT_GOAL_PROBLEM + EHLO_PROBLEM_TOO_BIG] = "too big",
    [EHLO_SUBMIT_GOAL_PROBLEM + EHLO_PROBLEM_8BIT] = "8-bit",
    [EHLO_SUBMIT_GOAL_PROBLEM + EHLO_PROBLEM_UNSUPPORTED] = "an extension not offered",
    [EHLO_SUBMIT_GOAL_PROBLEM + EHLO_PROBLEM_MAIL_MAX] = "MAILMAX",
    [EHLO_SUBMIT_GOAL_PROBLEM + EHLO_PROBLEM_RSET] = "RSET refused",
    [EHLO_SUBMIT_GOAL_PROBLEM + EHLO_PROBLEM_ARGUMENT] = "an argument",
};

static struct ehlo_submit_input in;
static struct ehlo_submit_run whole;
static struct ehlo_submit_run cut;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < EHLO_SUBMIT_SETTINGS_LEN) {
    return 0;
  }
  ehlo_submit_input_read(&in, data);
  data += EHLO_SUBMIT_SETTINGS_LEN;
  size -= EHLO_SUBMIT_SETTINGS_LEN;
  ehlo_submit_run(&whole, &in, EHLO_FUZZ_WHOLE, data, size);
  if (in.cuts.cut != EHLO_FUZZ_WHOLE && EHLO_FUZZ_HAS(EHLO_FUZZ_RECUT)) {
    ehlo_submit_run(&cut, &in, in.cuts.cut, data, size);
    ehlo_submit_run_compare(&whole, &cut);
  }
  return 0;
}
