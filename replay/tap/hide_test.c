// Lines of clients, and how much of each may be shown at each place, whole and while it grows.
#include "replay/tap/hide.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ehlo.h"

// '|' stands where what is shown ends and a secret begins; without it all may be shown.
struct row {
  enum ehlo_hide_place place;
  const char *line;
};

static struct ehlo_offered offered;

static void offer(const char *line) {
  ehlo_offered_add(&offered, ehlo_str(line));
}

// The verdict while the line grows: what was shown stays shown, what is final stays, and nothing
// behind the secret's beginning is ever shown.
static void check(const struct row *row) {
  char line[300];
  size_t len = 0;
  size_t secret_at = SIZE_MAX;
  for (const char *at = row->line; *at != '\0'; at++) {
    if (*at == '|') {
      secret_at = len;
    } else {
      line[len++] = *at;
    }
  }
  struct ehlo_hide_verdict last = {0};
  for (size_t n = 0; n <= len + 1; n++) {
    bool whole = n > len;
    size_t seen = whole ? len : n;
    uint8_t *copy = malloc(seen > 0 ? seen : 1);
    memcpy(copy, line, seen);
    struct ehlo_hide_verdict v =
        ehlo_hide_judge(row->place, (struct ehlo_span){copy, seen}, whole, &offered);
    free(copy);
    cr_expect_leq(v.shown, seen, "%s", row->line);
    cr_expect(v.final || v.shown >= last.shown, "%s: less is shown at %zu", row->line, n);
    cr_expect(v.hides || secret_at == SIZE_MAX || v.shown <= secret_at, "%s: shown at %zu",
              row->line, n);
    cr_expect(!last.final || v.hides == last.hides, "%s: not final at %zu", row->line, n);
    last = v;
  }
  cr_expect(last.final, "%s", row->line);
  cr_expect_eq(last.hides, secret_at != SIZE_MAX, "%s", row->line);
  cr_expect_eq(last.shown, secret_at != SIZE_MAX ? secret_at : len, "%s: %zu", row->line,
               last.shown);
}

Test(hide, lines) {
  static const struct row rows[] = {
      {EHLO_HIDE_COMMAND, ""},
      {EHLO_HIDE_COMMAND, "EHLO client.example"},
      {EHLO_HIDE_COMMAND, "A"},
      {EHLO_HIDE_COMMAND, "AUT HORITY"},
      {EHLO_HIDE_COMMAND, "AUTH"},
      {EHLO_HIDE_COMMAND, "AUTH "},
      {EHLO_HIDE_COMMAND, "AUTH PLAIN"},
      {EHLO_HIDE_COMMAND, "AUTH PLAIN "},
      {EHLO_HIDE_COMMAND, "AUTH PLAIN ="},
      {EHLO_HIDE_COMMAND, "AUTH PLAIN |=x"},
      {EHLO_HIDE_COMMAND, "AUTH PLAIN |= "},
      {EHLO_HIDE_COMMAND, "AUTH PLAIN |dGVzdA=="},
      {EHLO_HIDE_COMMAND, "auth\tLogin   |dGVzdA== x"},
      {EHLO_HIDE_COMMAND, "  \t AUTH SCRAM-SHA-512-PLUS |x"},
      {EHLO_HIDE_COMMAND, "AUTH gssapi"},
      {EHLO_HIDE_COMMAND, "AUTH |dGVzdA=="},
      {EHLO_HIDE_COMMAND, "AUTH |PLAINx"},
      {EHLO_HIDE_COMMAND, "AUTH |PLAI"},
      {EHLO_HIDE_COMMAND, "AUTH x-offered |y"},
      {EHLO_HIDE_COMMAND, "AUTH |X-OFFERE"},
      {EHLO_HIDE_COMMAND, "AUTHPLAIN |dGVzdA=="},
      {EHLO_HIDE_COMMAND, "X-EXPS LOGIN |dGVzdA=="},
      {EHLO_HIDE_COMMAND, "X-EXPERIMENT x"},
      {EHLO_HIDE_RESPONSE, ""},
      {EHLO_HIDE_RESPONSE, "*"},
      {EHLO_HIDE_RESPONSE, "|**"},
      {EHLO_HIDE_RESPONSE, "|* "},
      {EHLO_HIDE_RESPONSE, "|dGVzdA=="},
      {EHLO_HIDE_RESPONSE, "|QUIT"},
      {EHLO_HIDE_DOUBT, ""},
      {EHLO_HIDE_DOUBT, "QUIT"},
      {EHLO_HIDE_DOUBT, "MAIL FROM:<a@b.example>"},
      {EHLO_HIDE_DOUBT, "mail from:<a@b.example>"},
      {EHLO_HIDE_DOUBT, "AUTH PLAIN |x"},
      {EHLO_HIDE_DOUBT, "|dGVzdA=="},
      {EHLO_HIDE_DOUBT, "|QUITE"},
      {EHLO_HIDE_DOUBT, "| dGVzdA=="},
  };
  offer("250-AUTH X-OFFERED");
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    check(&rows[i]);
  }
}

Test(hide, long_words_and_leads) {
  char line[600];
  memset(line, '.', sizeof(line));
  struct ehlo_hide_verdict v =
      ehlo_hide_judge(EHLO_HIDE_COMMAND, (struct ehlo_span){(uint8_t *)line, 500}, false, &offered);
  cr_expect(v.final && v.hides && v.shown <= 128);
  memcpy(line, "AUTH ", 5);
  memset(line + 5, 'A', 500);
  v = ehlo_hide_judge(EHLO_HIDE_COMMAND, (struct ehlo_span){(uint8_t *)line, 100}, false, &offered);
  cr_expect(v.final && v.hides && v.shown == 5);
  v = ehlo_hide_judge(EHLO_HIDE_DOUBT, (struct ehlo_span){(uint8_t *)line + 5, 100}, false,
                      &offered);
  cr_expect(v.final && v.hides && v.shown == 0);
}

static bool is_mechanism(const char *word) {
  return ehlo_hide_is_mechanism(ehlo_str(word), &offered);
}

Test(hide, offers) {
  char many[1500] = "250 AUTH";
  offer("250-AUTH=ONE two");
  offer("250 AUTH\tno");
  offer("250-AUTHX THREE");
  offer("251 AUTH FOUR");
  offer("250 AUTH F!VE SIX");
  cr_expect(is_mechanism("one") && is_mechanism("TWO") && is_mechanism("SIX"));
  cr_expect_not(is_mechanism("THREE") || is_mechanism("FOUR") || is_mechanism("F!VE"));
  cr_expect_not(is_mechanism("ON") || is_mechanism("NE") || is_mechanism("") || is_mechanism("NO"));
  for (size_t i = 0; i < 70; i++) {
    size_t len = strlen(many);
    memcpy(many + len, " ABCDEFGHIJKLMNOP00", 20);
    many[len + 17] = (char)('0' + i / 10);
    many[len + 18] = (char)('0' + i % 10);
  }
  offer(many);  // more than are kept
  cr_expect(is_mechanism("ABCDEFGHIJKLMNOP00"));
  cr_expect_not(is_mechanism("ABCDEFGHIJKLMNOP69"));
  cr_expect(offered.len <= sizeof(offered.names));
}
