// What a submission costs, counted over recorded sessions: flights of the client, which are the round
// trips that it waits for, and writes, of which each flight is to be one.
#include <criterion/criterion.h>
#include <stdio.h>

#include "replay/replay.h"

static long read_file(void *arg, uint8_t *buf, size_t cap) {
  size_t n = fread(buf, 1, cap, arg);
  return ferror((FILE *)arg) != 0 ? -1 : (long)n;
}

static const struct row {
  const char *name;
  size_t num_flights;
} rows[] = {
    // STARTTLS, AUTH with an initial response, PIPELINING: EHLO, STARTTLS, handshake, EHLO, AUTH,
    // envelope, message with QUIT. With CHUNKING the last two are one.
    {"postfix-7-flights-starttls-plain", 7},
    {"postfix-6-flights-starttls-chunking", 6},
    // TLS before the greeting: ClientHello, Finished, EHLO, AUTH, envelope, message with QUIT.
    {"postfix-6-flights-implicit-tls", 6},
    {"postfix-5-flights-implicit-tls-chunking", 5},
    // LOGIN without an initial response asks twice more.
    {"postfix-9-flights-starttls-login", 9},
    // Each further message is one more, and none that is waited for with CHUNKING.
    {"postfix-9-flights-three-messages", 9},
    {"postfix-6-flights-three-messages-chunking", 6},
};

Test(flights, are_as_few_as_can_be) {
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    char path[200];
    struct ehlo_replay_result r;
    snprintf(path, sizeof(path), "corpus/transcripts/providers/%s.smtp", rows[i].name);
    FILE *file = fopen(path, "rb");
    cr_assert_not_null(file, "%s", path);
    ehlo_replay_run(&r, read_file, file,
                    &(struct ehlo_replay_options){.chunks = EHLO_CHUNKS_RECORDED});
    fclose(file);
    cr_expect_eq(r.verdict, EHLO_REPLAY_SAME, "%s", path);
    cr_expect_eq(r.outcome, EHLO_OUTCOME_ACCEPTED, "%s", path);
    cr_expect_eq(r.num_flights, rows[i].num_flights, "%s: %zu flights", path, r.num_flights);
    cr_expect_eq(r.num_writes, r.num_flights - r.num_handshake_flights, "%s: %zu writes", path,
                 r.num_writes);
  }
}
