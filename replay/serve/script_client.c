// The client's side of a transcript, for the script: which commands wait for replies, what AUTH
// exchanges there were, and the steps to compare another client with. Of what it said nothing else
// is kept.
#include <string.h>

#include "replay/serve/script_parts.h"

#define HIDDEN_RESPONSE "c2VjcmV0"  // for \{secret}, which only has to be there

static void add_step(struct script_reader *r, enum ehlo_meaning meaning, const char *mechanism) {
  struct ehlo_script *s = r->script;
  bool again = s->num_steps > 0 && s->steps[s->num_steps - 1].meaning == meaning;
  if (again && (meaning == EHLO_MEANS_RCPT || meaning == EHLO_MEANS_CHUNK)) {
    return;
  }
  SCRIPT_GROW(r, ARRAY_STEPS, steps, s->num_steps, 1);
  struct ehlo_script_step *step = &s->steps[s->num_steps++];
  memset(step, 0, sizeof(*step));
  step->meaning = meaning;
  memcpy(step->mechanism, mechanism, strlen(mechanism));
}

// A nonce of SCRAM is in the client's first message, and the server's is made from it.
static void keep_response(struct ehlo_attempt *a, const uint8_t *response, size_t len) {
  if (strncmp(a->mechanism, "SCRAM-", 6) == 0 && a->response[0] == '\0' &&
      len < sizeof(a->response)) {
    memcpy(a->response, response, len);
  }
}

static void add_attempt(struct script_reader *r, const struct ehlo_command_line *c) {
  struct ehlo_script *s = r->script;
  SCRIPT_GROW(r, ARRAY_ATTEMPTS, attempts, s->num_attempts, 1);
  struct ehlo_attempt *a = &s->attempts[s->num_attempts++];
  memset(a, 0, sizeof(*a));
  size_t i = 0;
  for (; i < c->argument_len && c->argument[i] != ' '; i++) {
    if (i + 1 < sizeof(a->mechanism)) {
      uint8_t octet = c->argument[i];
      a->mechanism[i] = (char)(octet >= 'a' && octet <= 'z' ? octet - 'a' + 'A' : octet);
    }
  }
  a->has_initial = i + 1 < c->argument_len;
  if (a->has_initial) {
    keep_response(a, c->argument + i + 1, c->argument_len - i - 1);
  }
  add_step(r, EHLO_MEANS_AUTH, a->mechanism);
}

static void end_command(struct script_reader *r, const uint8_t *line, size_t len) {
  struct ehlo_command_line c;
  ehlo_command_read(&c, line, len);
  if (c.meaning == EHLO_MEANS_AUTH) {
    add_attempt(r, &c);
  } else {
    add_step(r, c.is_bdat ? EHLO_MEANS_CHUNK : c.meaning, "");
  }
  if (script_is_over(r)) {
    return;
  }
  if (!c.is_bdat || c.octets == 0) {
    script_push(r, c.meaning, false, c.verb);
  } else {
    r->place = SCRIPT_AT_CHUNK;
    r->answered_early = false;
    r->chunk_left = c.octets;
    r->chunk_last = c.meaning == EHLO_MEANS_MESSAGE;
  }
}

static void end_client_line(struct script_reader *r) {
  size_t kept = r->line_len < SCRIPT_LINE_KEPT ? r->line_len : SCRIPT_LINE_KEPT;
  if (kept > 0 && r->line[kept - 1] == '\n') {
    kept--;
  }
  if (kept > 0 && r->line[kept - 1] == '\r') {
    kept--;
  }
  r->line_len = 0;
  if (r->place == SCRIPT_AT_RESPONSE) {
    r->place = SCRIPT_AT_COMMAND;
    if (r->script->num_attempts > 0) {
      keep_response(&r->script->attempts[r->script->num_attempts - 1], r->line, kept);
    }
    script_push(r, EHLO_MEANS_RESPONSE, kept == 1 && r->line[0] == '*', 0);
  } else {
    end_command(r, r->line, kept);
  }
}

static void end_body(struct script_reader *r) {
  bool early = r->answered_early;
  enum ehlo_meaning meaning =
      r->place == SCRIPT_AT_CHUNK && !r->chunk_last ? EHLO_MEANS_CHUNK : EHLO_MEANS_MESSAGE;
  if (r->place == SCRIPT_AT_MESSAGE) {
    add_step(r, EHLO_MEANS_MESSAGE, "");
  }
  r->place = SCRIPT_AT_COMMAND;
  r->line_len = 0;
  bool unanswered = meaning == EHLO_MEANS_MESSAGE && r->course.lmtp && r->num_pending == 0 &&
                    r->course.num_accepted == 0 && r->chunk_last;
  if (!early && !unanswered && !script_is_over(r)) {
    script_push(r, meaning, false, 0);
  }
  r->chunk_last = false;
}

static void take_client_byte(struct script_reader *r, uint8_t octet) {
  uint8_t out[4];
  size_t used;
  size_t len;
  switch (r->place) {
    case SCRIPT_AT_MESSAGE:
      r->line_len = 1;  // some of it is there
      ehlo_unstuff_feed(&r->unstuff, &used, &len, out, &octet, 1);
      if (r->unstuff.ended) {
        end_body(r);
      }
      break;
    case SCRIPT_AT_CHUNK:
      r->line_len = 1;
      if (--r->chunk_left == 0) {
        end_body(r);
      }
      break;
    case SCRIPT_AT_COMMAND:
    case SCRIPT_AT_RESPONSE:
      if (r->line_len < SCRIPT_LINE_KEPT) {
        r->line[r->line_len] = octet;
      }
      r->line_len++;
      if (octet == '\n') {
        end_client_line(r);
      }
      break;
  }
}

void script_take_client(struct script_reader *r, const struct ehlo_item *item) {
  size_t secret = 0;
  for (size_t i = 0; i <= item->bytes_len && !script_is_over(r); i++) {
    for (; secret < item->num_secrets && item->secret_at[secret] == i; secret++) {
      for (const char *c = HIDDEN_RESPONSE; *c != '\0' && !script_is_over(r); c++) {
        take_client_byte(r, (uint8_t)*c);
      }
    }
    if (i < item->bytes_len && !script_is_over(r)) {
      take_client_byte(r, item->bytes[i]);
    }
  }
}
