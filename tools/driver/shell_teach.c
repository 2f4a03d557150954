// See shell_teach.h.
#include "tools/driver/shell_teach.h"

static const struct shell_lesson commands[EHLO_NUM_VERBS] = {
    [EHLO_VERB_GREETING] = {"(the greeting)", "the server speaks first, and says who it is",
                            "RFC 5321 §3.1"},
    [EHLO_VERB_EHLO] = {"EHLO name", "says who you are, and asks what the server can do",
                        "RFC 5321 §4.1.1.1"},
    [EHLO_VERB_HELO] = {"HELO name", "the old form of EHLO: no extension can be used after it",
                        "RFC 5321 §4.1.1.1"},
    [EHLO_VERB_LHLO] = {"LHLO name", "EHLO of LMTP: each recipient gets a reply to the message",
                        "RFC 2033 §4.1"},
    [EHLO_VERB_STARTTLS] = {"STARTTLS", "asks for TLS on this connection; EHLO follows once more",
                            "RFC 3207 §4"},
    [EHLO_VERB_AUTH] = {"AUTH mechanism [initial-response]", "logs in, in base64; * cancels",
                        "RFC 4954 §4"},
    [EHLO_VERB_MAIL] = {"MAIL FROM:<sender> [SIZE=n BODY=8BITMIME SMTPUTF8 RET=… ENVID=…]",
                        "opens a transaction, and says where bounces go",
                        "RFC 5321 §4.1.1.2; SIZE: RFC 1870, BODY: RFC 6152, SMTPUTF8: RFC 6531, "
                        "RET: RFC 3461"},
    [EHLO_VERB_RCPT] = {"RCPT TO:<recipient> [NOTIFY=… ORCPT=…]",
                        "names one recipient; each has a reply of its own",
                        "RFC 5321 §4.1.1.3; NOTIFY: RFC 3461"},
    [EHLO_VERB_DATA] = {"DATA", "asks to send the message, which a line with a lone dot ends",
                        "RFC 5321 §4.1.1.4"},
    [EHLO_VERB_BODY] = {"(the message)",
                        "the dot ended it: the reply says whether the server takes it",
                        "RFC 5321 §4.1.1.4, §4.5.2"},
    [EHLO_VERB_BDAT] = {"BDAT octets [LAST]", "sends so many octets of the message, counted",
                        "RFC 3030 §2"},
    [EHLO_VERB_RSET] = {"RSET", "drops the transaction; the session goes on", "RFC 5321 §4.1.1.5"},
    [EHLO_VERB_NOOP] = {"NOOP", "does nothing, and wants an answer", "RFC 5321 §4.1.1.9"},
    [EHLO_VERB_VRFY] = {"VRFY user", "asks whether a mailbox exists; most servers do not tell",
                        "RFC 5321 §4.1.1.6"},
    [EHLO_VERB_EXPN] = {"EXPN list", "asks who is on a list; most servers do not tell",
                        "RFC 5321 §4.1.1.7"},
    [EHLO_VERB_HELP] = {"HELP [topic]", "asks the server for help", "RFC 5321 §4.1.1.8"},
    [EHLO_VERB_ETRN] = {"ETRN domain", "asks the server to send what it holds for a domain",
                        "RFC 1985 §5"},
    [EHLO_VERB_XCLIENT] = {"XCLIENT ADDR=… NAME=…", "speaks for another client, where permitted",
                           "https://www.postfix.org/XCLIENT_README.html"},
    [EHLO_VERB_QUIT] = {"QUIT", "ends the session", "RFC 5321 §4.1.1.10"},
};

const struct shell_lesson *shell_teach_command(enum ehlo_verb verb) {
  bool known = verb > EHLO_VERB_NONE && verb < EHLO_NUM_VERBS && commands[verb].form != NULL;
  return known ? &commands[verb] : NULL;
}

static const struct shell_lesson special[] = {
    {"", "welcome: EHLO is next", "RFC 5321 §3.1"},
    {"", "what the server can do, one word a line; only what is listed may be used",
     "RFC 5321 §4.1.1.1"},
    {"", "the handshake comes now; all that was learnt before it is forgotten", "RFC 3207 §4.2"},
    {"", "a challenge, in base64: your answer goes in base64, or * to cancel", "RFC 4954 §4"},
    {"", "logged in", "RFC 4954 §6"},
    {"", "send the message now; a line that begins with a dot gets a second one",
     "RFC 5321 §4.5.2"},
    {"", "the server has the message, and answers for it from now on", "RFC 5321 §4.2.5, §6.1"},
    {"", "the session is over, and the server closes the connection", "RFC 5321 §4.1.1.10"},
    {"", "the server ends the session; try again later", "RFC 5321 §3.8"},
};

static const struct shell_lesson general[] = {
    {"", "done", "RFC 5321 §4.2.1"},
    {"", "so far good, and more is wanted", "RFC 5321 §4.2.1"},
    {"", "not now: the same may be accepted later", "RFC 5321 §4.2.1"},
    {"", "refused for good: the same is refused again", "RFC 5321 §4.2.1"},
};

static const struct shell_lesson *lesson_of_success(enum ehlo_verb verb) {
  static const struct shell_lesson *const lessons[EHLO_NUM_VERBS] = {
      [EHLO_VERB_GREETING] = &special[0], [EHLO_VERB_EHLO] = &special[1],
      [EHLO_VERB_LHLO] = &special[1],     [EHLO_VERB_STARTTLS] = &special[2],
      [EHLO_VERB_AUTH] = &special[4],     [EHLO_VERB_BODY] = &special[6],
      [EHLO_VERB_QUIT] = &special[7],
  };
  return lessons[verb] != NULL ? lessons[verb] : &general[0];
}

const struct shell_lesson *shell_teach_reply(enum ehlo_verb verb, uint16_t code) {
  if (code == 421) {
    return &special[8];
  }
  if (code == 334 || code == 354) {
    return &special[code == 334 ? 3 : 5];
  }
  if (code / 100 == 2) {
    return lesson_of_success(verb);
  }
  return &general[code / 100 == 3 ? 1 : code / 100 == 4 ? 2 : 3];
}
