// Who answers what, told as one line for each thing that was said.
#include "replay/turns.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUM(rows) (sizeof(rows) / sizeof((rows)[0]))

// Of `said`: ">" a line of the client, "<" a reply or a line of one, "=" octets behind a 354 or
// BDAT, "tls". Of `turns`: the verb of each but "tls", with its exchange; "." behind text that is
// over, "!" behind a reply to text that is not.
static const struct {
  const char *name;
  const char *said;
  const char *turns;
} rows[] = {
    {"the server greets first", ">NOOP|<220 a|<250 b", "NOOP1 greeting0 NOOP1"},
    {"nobody asked", "<220 a|<421 b|>NOOP|<250 c", "greeting0 nothing1 NOOP2 NOOP2"},
    {"pipelined", "<220|>mail x|>RCPT y|>DATA|<250|<550|<354|=.\r\n|>QUIT|<250|<221",
     "greeting0 MAIL1 RCPT2 DATA3 MAIL1 RCPT2 DATA3 body4. QUIT5 body4 QUIT5"},
    {"a reply of many lines", "<220-a|>NOOP|<220-b|<220 c|<250 d",
     "greeting0 NOOP1 greeting0 greeting0 NOOP1"},
    {"a line without a code ends no reply", "<+OK|<220-a|<what|<220 b|>NOOP|<250 c",
     "greeting0 greeting0 greeting0 greeting0 NOOP1 NOOP1"},
    {"asked while nobody was answered", "<220 a|<421-b|>QUIT|<421 c|<221 d",
     "greeting0 nothing1 QUIT2 nothing1 QUIT2"},
    {"a response", "<220|>AUTH LOGIN|<334 a|>QUIT|<334 b|>*|<501 c|>QUIT|<221 d",
     "greeting0 AUTH1 AUTH1 AUTH1 AUTH1 AUTH1 AUTH1 QUIT2 QUIT2"},
    {"an exchange is over with any other reply", "<220|>AUTH LOGIN|<334 a|<421 b|>QUIT|<221 c",
     "greeting0 AUTH1 AUTH1 nothing2 QUIT3 QUIT3"},
    {"the dot at the start, and dots that end nothing",
     "<220|>DATA|<354|=..\r\n.\n.x\r\n|=\n.\r\n|=\r\r\n.\r|=\n|<250",
     "greeting0 DATA1 DATA1 body2 body2 body2 body2. body2"},
    {"a 354 to another command is DATA's", "<220|>MAIL|>NOOP|>DATA|>QUIT|<354|=.\r\n|<221|<250",
     "greeting0 MAIL1 NOOP2 DATA3 QUIT4 MAIL1 body5. QUIT4 body5"},
    {"a 354 where there is no DATA", "<220|>MAIL|>NOOP|<354|<250",
     "greeting0 MAIL1 NOOP2 MAIL1 NOOP2"},
    {"answered within the message", "<220|>DATA|<354|=x|<421",
     "greeting0 DATA1 DATA1 body2 body2!"},
    {"chunks", "<220|>BDAT 3|=ab|<250|=c|>BDAT 0 last|<250|<421",
     "greeting0 BDAT1 BDAT1 BDAT1 BDAT1. BDAT2 BDAT2 nothing3"},
    {"answered again within the chunk", "<220|>BDAT 3|<250|<421|=abc",
     "greeting0 BDAT1 BDAT1 BDAT1! BDAT1."},
    {"a BDAT that announces nothing", "<220|>BDAT|>BDAT 1x|>BDAT 1 FIRST|>QUIT|<501",
     "greeting0 BDAT1 BDAT2 BDAT3 QUIT4 BDAT1"},
    {"LMTP",
     "<220|>LHLO|<250|>MAIL|>RCPT|>RCPT|>RCPT|>BDAT 0|>BDAT 0 LAST|>QUIT|<250|<250|<550|<250|"
     "<250 chunk|<250 a|<452 c|<221",
     "greeting0 LHLO1 LHLO1 MAIL2 RCPT3 RCPT4 RCPT5 BDAT6 BDAT7 QUIT8 MAIL2 RCPT3 RCPT4 RCPT5 "
     "BDAT6 "
     "BDAT7 BDAT7 QUIT8"},
    {"LMTP, a last chunk for nobody has no reply",
     "<220|>LHLO|<250|>RCPT|>BDAT 0|>BDAT 0 LAST|>NOOP|<550|<250|<250",
     "greeting0 LHLO1 LHLO1 RCPT2 BDAT3 BDAT4 NOOP5 RCPT2 BDAT3 NOOP5"},
    {"LMTP, a dot for nobody has one", "<220|>LHLO|<250|>DATA|<354|=.\r\n|>NOOP|<554|<250",
     "greeting0 LHLO1 LHLO1 DATA2 DATA2 body3. NOOP4 body3 NOOP4"},
    {"LMTP, a MAIL that was refused changes nothing, and RSET does",
     "<220|>LHLO|<250|>RCPT|<250|>RCPT|<250|>MAIL|<503|>BDAT 0 "
     "LAST|<250|<250|>RCPT|<250|>RCPT|<250|"
     ">RSET|<250|>BDAT 0 LAST|>NOOP|<250",
     "greeting0 LHLO1 LHLO1 RCPT2 RCPT2 RCPT3 RCPT3 MAIL4 MAIL4 BDAT5 BDAT5 BDAT5 RCPT6 RCPT6 "
     "RCPT7 "
     "RCPT7 RSET8 RSET8 BDAT9 NOOP10 NOOP10"},
    {"an LHLO that was refused is none",
     "<220|>LHLO|<500|>RCPT|<250|>RCPT|<250|>BDAT 0 LAST|>NOOP|<250|"
     "<250",
     "greeting0 LHLO1 LHLO1 RCPT2 RCPT2 RCPT3 RCPT3 BDAT4 NOOP5 BDAT4 NOOP5"},
    {"TLS within a reply", "<220-a|tls|>EHLO|<220 b|<250 c", "greeting0 EHLO1 EHLO1 nothing2"},
};

static struct ehlo_turns turns;

static const char *take_text(const char *said, size_t len, struct ehlo_turn *out) {
  *out = turns.text;
  cr_assert(ehlo_turns_is_text(&turns), "%s", said);
  cr_assert_eq(ehlo_turns_text(&turns, (const uint8_t *)said, len), len, "%s", said);
  return ehlo_turns_is_text(&turns) ? "" : ".";
}

static void take_line(struct ehlo_span line, struct ehlo_turn *out) {
  enum ehlo_verb verb = turns.in_auth ? EHLO_VERB_AUTH : ehlo_verb_of_line(line);
  ehlo_turns_begin_line(&turns);
  *out = (struct ehlo_turn){turns.line_exchange, (uint8_t)verb, false, false};
  ehlo_turns_line(&turns, verb, line);
}

static const char *take_reply(const char *said, size_t len, struct ehlo_turn *out) {
  ehlo_turns_begin_reply(&turns);
  *out = turns.reply;
  if (strspn(said, "0123456789") == 3 && (len == 3 || said[3] == ' ')) {
    ehlo_turns_end_reply(&turns, (unsigned)strtoul(said, NULL, 10));
  }
  return out->early ? "!" : "";
}

// Returns the characters written to `out`.
static size_t take(char *out, size_t cap, const char *said, size_t len) {
  struct ehlo_turn turn;
  const char *mark = "";
  if (said[0] == '>') {
    take_line((struct ehlo_span){(const uint8_t *)said + 1, len - 1}, &turn);
  } else if (said[0] == '<') {
    mark = take_reply(said + 1, len - 1, &turn);
  } else if (said[0] == '=') {
    mark = take_text(said + 1, len - 1, &turn);
  } else {
    ehlo_turns_tls(&turns);
    cr_expect(turns.secure);
    return 0;
  }
  return (size_t)snprintf(out, cap, " %s%u%s", ehlo_verb_name((enum ehlo_verb)turn.verb),
                          (unsigned)turn.exchange, mark);
}

Test(turns, knows_what_each_reply_answers) {
  for (size_t i = 0; i < NUM(rows); i++) {
    char told[1024] = "";
    size_t told_len = 0;
    ehlo_turns_init(&turns);
    for (const char *said = rows[i].said; *said != '\0';) {
      size_t len = strcspn(said, "|");
      told_len += take(told + told_len, sizeof(told) - told_len, said, len);
      said += len + (said[len] == '|');
    }
    cr_expect_str_eq(told + 1, rows[i].turns, "%s:\n%s", rows[i].name, told + 1);
  }
}

Test(turns, tells_what_is_awaited) {
  char told[64];
  ehlo_turns_init(&turns);
  cr_expect_eq(ehlo_turns_awaited(&turns), EHLO_VERB_GREETING);
  take(told, sizeof(told), "<220-a", 6);
  cr_expect_eq(ehlo_turns_awaited(&turns), EHLO_VERB_GREETING);
  take(told, sizeof(told), "<220 b", 6);
  cr_expect_eq(ehlo_turns_awaited(&turns), EHLO_VERB_NONE);
  take(told, sizeof(told), ">QUIT", 5);
  cr_expect_eq(ehlo_turns_awaited(&turns), EHLO_VERB_QUIT);
}

// Those that there is no room for are of no known command, and the ones after them are again.
Test(turns, keeps_its_bounds_in_a_flood_of_commands) {
  char told[64];
  ehlo_turns_init(&turns);
  take(told, sizeof(told), "<220", 4);
  for (size_t i = 0; i < EHLO_TURNS_PENDING_MAX + 500; i++) {
    take(told, sizeof(told), ">NOOP", 5);
  }
  for (size_t i = 0; i < EHLO_TURNS_PENDING_MAX + 501; i++) {
    take(told, sizeof(told), "<250", 4);
    cr_expect_eq(turns.reply.verb, i < EHLO_TURNS_PENDING_MAX ? EHLO_VERB_NOOP : EHLO_VERB_NONE);
    if (i == 0) {
      take(told, sizeof(told), ">RSET", 5);  // there is room, but it is not its turn
    }
  }
  take(told, sizeof(told), ">QUIT", 5);
  take(told, sizeof(told), "<221", 4);
  cr_expect_eq(turns.reply.verb, EHLO_VERB_QUIT);
}
