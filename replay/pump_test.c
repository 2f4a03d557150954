// The pump over a scripted transport, with a program that answers each event by a table: the order
// of events, output in pieces, ends and deadlines.
#include "replay/pump.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "replay/event_text.h"
#include "replay/testing.h"

#define NUM(rows) (sizeof(rows) / sizeof((rows)[0]))

// Sends one verb after each reply of the server: EHLO, then STARTTLS if asked to, then QUIT.
struct program {
  struct ehlo_program base;
  bool wants_tls;
  bool ends_early;       // says that it is finished after its first command
  size_t events_wanted;  // the observer ends it after so many; 0: never
  size_t num_events;
  bool finished;
  char events[1024];
};

static enum ehlo_event_type program_next(struct ehlo_program *base, struct ehlo_client *c,
                                         struct ehlo_event *out) {
  struct program *p = (struct program *)base;
  enum ehlo_event_type type = ehlo_next(c, out);
  enum ehlo_state state = ehlo_client_state(c);
  if (type != EHLO_EVENT_NONE || ehlo_client_num_pending(c) > 0) {
    return type;
  }
  if (state == EHLO_STATE_GREETED) {
    ehlo_send_ehlo(c, ehlo_str("a.example"));
    p->finished = p->ends_early;
  } else if (state == EHLO_STATE_READY && p->wants_tls && !ehlo_client_is_secure(c)) {
    ehlo_send_starttls(c);
  } else if (state == EHLO_STATE_READY) {
    ehlo_send_quit(c);
  }
  return type;
}

static bool program_body(struct ehlo_program *base, struct ehlo_client *c) {
  (void)base;
  (void)c;
  return true;
}

static bool program_finished(const struct ehlo_program *base) {
  return ((const struct program *)base)->finished;
}

static const struct ehlo_program_ops program_ops = {program_next, program_body, program_finished};

static bool observe(void *arg, const struct ehlo_client *c, const struct ehlo_event *event) {
  struct program *p = arg;
  char text[EHLO_EVENT_TEXT_MAX];
  size_t len = strlen(p->events);
  (void)c;
  ehlo_event_text(text, event);
  snprintf(p->events + len, sizeof(p->events) - len, "%s%s", len > 0 ? "; " : "", text);
  p->num_events++;
  return p->num_events != p->events_wanted;
}

struct run {
  struct program program;
  struct ehlo_client client;
  enum ehlo_status status;
  uint8_t buf[EHLO_BUFFER_DEFAULT];
};

static void run(struct run *r, struct ehlo_scripted *s, struct program program, bool tls_first) {
  r->program = program;
  r->program.base.ops = &program_ops;
  ehlo_client_init(&r->client, &(struct ehlo_config){0}, r->buf, sizeof(r->buf), 0);
  struct ehlo_pump pump = {.client = &r->client,
                           .transport = &s->base,
                           .program = &r->program.base,
                           .observer = {.event = observe, .arg = &r->program},
                           .tls_first = tls_first};
  r->status = ehlo_pump_run(&pump);
}

static struct ehlo_scripted scripted;  // too large for a stack
static struct run result;

static const struct ehlo_turn plain[] = {
    {"", "220 hello\r\n", 0},
    {"EHLO a.example\r\n", "250-a\r\n250 STARTTLS\r\n", 0},
    {"QUIT\r\n", "221 bye\r\n", 0},
};

Test(pump, runs_to_the_end_in_pieces_of_any_size) {
  for (size_t out_max = 1; out_max < 20; out_max++) {
    for (size_t in_max = 1; in_max < 20; in_max++) {
      ehlo_scripted_init(&scripted, plain, NUM(plain));
      scripted.out_max = out_max;
      scripted.in_max = in_max;
      run(&result, &scripted, (struct program){0}, false);
      cr_expect_eq(result.status, EHLO_OK);
      cr_expect_str_eq(result.program.events,
                       "reply 220 to greeting; reply 250 to EHLO; reply 221 to QUIT; closed",
                       "%zu out, %zu in: %s", out_max, in_max, result.program.events);
      cr_expect(scripted.got_len == strlen("EHLO a.example\r\nQUIT\r\n"));
    }
  }
}

Test(pump, ends_where_the_observer_says_so) {
  static const struct {
    const char *told;
    const char *sent;
  } rows[] = {
      {"reply 220 to greeting", ""},
      {"reply 220 to greeting; reply 250 to EHLO", "EHLO a.example\r\n"},
      {"reply 220 to greeting; reply 250 to EHLO; reply 221 to QUIT", "EHLO a.example\r\nQUIT\r\n"},
  };
  for (size_t i = 0; i < NUM(rows); i++) {
    ehlo_scripted_init(&scripted, plain, NUM(plain));
    run(&result, &scripted, (struct program){.events_wanted = i + 1}, false);
    cr_expect_eq(result.status, EHLO_OK);
    cr_expect_str_eq(result.program.events, rows[i].told, "%s", result.program.events);
    cr_expect_eq(scripted.got_len, strlen(rows[i].sent), "%zu", scripted.got_len);
  }
}

static const struct ehlo_turn with_tls[] = {
    {"", "220 hello\r\n", 0},          {"EHLO a.example\r\n", "250-a\r\n250 STARTTLS\r\n", 0},
    {"STARTTLS\r\n", "220 go\r\n", 0}, {"EHLO a.example\r\n", "250 a\r\n", 0},
    {"QUIT\r\n", "221 bye\r\n", 0},
};

Test(pump, shakes_hands_where_the_client_wants_it) {
  ehlo_scripted_init(&scripted, with_tls, NUM(with_tls));
  run(&result, &scripted, (struct program){.wants_tls = true}, false);
  cr_expect_eq(scripted.num_handshakes, 1);
  cr_expect(ehlo_client_is_secure(&result.client));
  cr_expect_str_eq(result.program.events,
                   "reply 220 to greeting; reply 250 to EHLO; reply 220 to STARTTLS; tls wanted; "
                   "reply 250 to EHLO; reply 221 to QUIT; closed",
                   "%s", result.program.events);
}

Test(pump, shakes_hands_first_where_told) {
  ehlo_scripted_init(&scripted, plain, NUM(plain));
  run(&result, &scripted, (struct program){0}, true);
  cr_expect(scripted.num_handshakes == 1 && ehlo_client_is_secure(&result.client));
  ehlo_scripted_init(&scripted, plain, NUM(plain));
  scripted.tls = EHLO_E_TLS;
  run(&result, &scripted, (struct program){0}, true);
  cr_expect(scripted.num_handshakes == 1 && scripted.num_exchanges == 0 && scripted.got_len == 0);
  cr_expect_str_eq(result.program.events, "failed tls at 0", "%s", result.program.events);
}

Test(pump, a_failed_handshake_ends_it) {
  static const struct {
    enum ehlo_status tls;
    const char *last;
  } rows[] = {
      {EHLO_E_TLS, "failed tls at 40"},
      {EHLO_E_CLOSED, "failed closed at 40"},
      {EHLO_E_RESET, "failed reset at 40"},
      {EHLO_E_TIMEOUT, "failed timeout at 40"},
  };
  for (size_t i = 0; i < NUM(rows); i++) {
    ehlo_scripted_init(&scripted, with_tls, NUM(with_tls));
    scripted.tls = rows[i].tls;
    run(&result, &scripted, (struct program){.wants_tls = true}, false);
    const char *last = strrchr(result.program.events, ';');
    cr_expect(last != NULL && strcmp(last + 2, rows[i].last) == 0, "%s", result.program.events);
    cr_expect_eq(scripted.got_len, strlen("EHLO a.example\r\nSTARTTLS\r\n"));
  }
}

// Bytes behind the 220, in the same piece or met by the transport, never outlive the handshake.
Test(pump, refuses_what_was_injected) {
  static const struct ehlo_turn same_piece[] = {
      {"", "220 hello\r\n", 0},
      {"EHLO a.example\r\n", "250-a\r\n250 STARTTLS\r\n", 0},
      {"STARTTLS\r\n", "220 go\r\n250 injected\r\n", 0},
  };
  static const struct ehlo_turn next_piece[] = {
      {"", "220 hello\r\n", 0},
      {"EHLO a.example\r\n", "250-a\r\n250 STARTTLS\r\n", 0},
      {"STARTTLS\r\n", "220 go\r\n", 0},
      {"", "250 injected\r\n", 0},
  };
  ehlo_scripted_init(&scripted, same_piece, NUM(same_piece));
  run(&result, &scripted, (struct program){.wants_tls = true}, false);
  cr_expect_eq(result.client.status, EHLO_E_STARTTLS_INJECTION);
  ehlo_scripted_init(&scripted, next_piece, NUM(next_piece));
  scripted.tls = EHLO_E_STARTTLS_INJECTION;
  run(&result, &scripted, (struct program){.wants_tls = true}, false);
  cr_expect_eq(result.client.status, EHLO_E_STARTTLS_INJECTION);
  cr_expect(!ehlo_client_is_secure(&result.client));
}

struct end_row {
  size_t num_turns;  // of `plain`
  enum ehlo_status end;
  enum ehlo_status status;  // what the pump says
  const char *last;
  uint64_t now_ms;
};

static const struct end_row end_rows[] = {
    {0, EHLO_E_CLOSED, EHLO_OK, "failed closed at 0", 0},
    {0, EHLO_E_CONNECT, EHLO_OK, "failed connect at 0", 0},
    {0, EHLO_OK, EHLO_OK, "failed timeout at 0", 300000},
    {1, EHLO_E_RESET, EHLO_OK, "failed reset at 11", 0},
    {1, EHLO_E_TLS, EHLO_OK, "failed tls at 11", 0},
    {1, EHLO_OK, EHLO_OK, "failed timeout at 11", 300000},
    {2, EHLO_E_CLOSED, EHLO_OK, "closed", 0},
    {2, EHLO_OK, EHLO_OK, "failed timeout at 32", 5000},
    {1, EHLO_E_STATE, EHLO_E_STATE, "reply 220 to greeting", 0},
};

Test(pump, tells_the_client_how_it_ended) {
  for (size_t i = 0; i < NUM(end_rows); i++) {
    const struct end_row *row = &end_rows[i];
    ehlo_scripted_init(&scripted, plain, row->num_turns);
    scripted.end = row->end;
    run(&result, &scripted, (struct program){0}, false);
    const char *last = strrchr(result.program.events, ';');
    last = last != NULL ? last + 2 : result.program.events;
    cr_expect_eq(result.status, row->status, "%zu: %s", i, ehlo_status_name(result.status));
    cr_expect_str_eq(last, row->last, "%zu: %s", i, result.program.events);
    cr_expect_eq(scripted.now_us, row->now_ms * 1000, "%zu", i);
  }
}

// A transport that takes nothing does not hold the session for ever.
Test(pump, a_stuck_transport_times_out) {
  ehlo_scripted_init(&scripted, plain, 1);
  scripted.out_limit = 0;
  run(&result, &scripted, (struct program){0}, false);
  cr_expect_eq(result.client.status, EHLO_E_TIMEOUT);
  cr_expect(scripted.got_len == 0 && scripted.now_us == 300000000);
}

// A program that is finished gets its last output sent, and nothing is awaited.
Test(pump, drains_what_a_finished_program_left) {
  ehlo_scripted_init(&scripted, plain, 1);
  scripted.out_max = 1;
  run(&result, &scripted, (struct program){.ends_early = true}, false);
  cr_expect_eq(result.status, EHLO_OK);
  cr_expect_eq(scripted.got_len, strlen("EHLO a.example\r\n"));
  cr_expect_str_eq(result.program.events, "reply 220 to greeting");
}

// Several replies in one piece are several events, and what follows a 421 is none.
Test(pump, takes_events_between_the_replies_of_a_piece) {
  static const struct ehlo_turn turns[] = {
      {"", "220 hello\r\n", 0},
      {"EHLO a.example\r\n", "421 bye\r\n250 a\r\n", 0},
  };
  ehlo_scripted_init(&scripted, turns, NUM(turns));
  run(&result, &scripted, (struct program){0}, false);
  cr_expect_str_eq(result.program.events, "reply 220 to greeting; reply 421 to EHLO; closed", "%s",
                   result.program.events);
}
