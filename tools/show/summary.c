// Keeps what matters of a session. It must not grow with it, and must not be surer than the record
// is: what is inferred is said to be.
#include "tools/show/summary.h"

#include <stdio.h>
#include <string.h>

#include "tools/show/facts.h"

void show_summary_init(struct show_summary *s) {
  memset(s, 0, sizeof(*s));
}

// ---- Time ---------------------------------------------------------------------------------------

static void add_wait(struct show_summary *s, const struct show_piece *piece) {
  s->timed = s->timed || piece->timed;
  s->total_us = piece->time_us;
  if (!piece->has_wait) {
    return;
  }
  s->waits[piece->stage][piece->waited_for] += piece->wait_us;
  if (piece->wait_us > s->longest_us) {
    s->longest_us = piece->wait_us;
    s->longest_stage = piece->stage;
    s->longest_side = piece->waited_for;
  }
}

// ---- Replies ------------------------------------------------------------------------------------

static void append(struct show_reply *r, struct ehlo_span text) {
  size_t room = sizeof(r->text) - r->text_len;
  size_t n = text.len < room ? text.len : room;
  memcpy(r->text + r->text_len, text.bytes, n);
  r->text_len += n;
  r->cut = r->cut || n < text.len;
}

static void append_text(struct show_reply *r, const char *text) {
  append(r, (struct ehlo_span){(const uint8_t *)text, strlen(text)});
}

static void append_piece(struct show_reply *r, const struct show_piece *piece) {
  struct show_segments it = {.piece = piece};
  struct show_segment segment;
  if (piece->begins && r->text_len > 0) {
    append_text(r, "\n");
  }
  while (show_segments_next(&it, &segment)) {
    r->secret = r->secret || segment.secret;
    if (segment.secret) {
      append_text(r, "(hidden)");
    } else {
      append(r, segment.text);
    }
  }
}

// That there is no valid recipient says only what the replies to RCPT have said.
static bool is_consequence(const struct show_summary *s, const struct show_reply *r) {
  return s->rcpt_refused && !s->rcpt_accepted &&
         (r->stage == EHLO_STAGE_DATA || r->stage == EHLO_STAGE_BODY);
}

static void keep_refusal(struct show_summary *s, const struct show_reply *r) {
  s->refused_at[r->stage][r->code / 100 - 4] = *r;
  if (s->num_refusals < SHOW_REFUSALS_MAX) {
    s->refusals[s->num_refusals] = *r;
  }
  s->num_refusals++;
  s->rcpt_refused = s->rcpt_refused || r->stage == EHLO_STAGE_RCPT;
  if (r->stage != EHLO_STAGE_QUIT && !is_consequence(s, r)) {
    s->refused = true;
    s->refused_stage = r->stage;
    s->refused_class = r->code / 100;
  }
}

// A reply that broke the protocol refuses nothing.
static void forget_refusal(struct show_summary *s) {
  size_t last = s->num_refusals - 1;
  if (s->num_refusals == 0 || last >= SHOW_REFUSALS_MAX || s->refusals[last].line != s->line_at) {
    return;
  }
  struct show_reply *r = &s->refusals[last];
  s->refused_at[r->stage][r->code / 100 - 4].code = 0;
  s->num_refusals--;
  s->refused = false;
}

static void end_reply(struct show_summary *s) {
  const struct show_reply *r = &s->reply;
  bool final = r->verb == EHLO_VERB_BODY || r->verb == EHLO_VERB_BDAT;
  if (r->stage == EHLO_STAGE_GREETING) {
    s->greeting.len = r->text_len;
    memcpy(s->greeting.bytes, r->text, r->text_len);
  }
  if (r->code / 100 == 4 || r->code / 100 == 5) {
    keep_refusal(s, r);
  } else if (final && r->code / 100 == 2) {
    s->accepted = *r;
  } else if (r->code == 334 && r->text_len > 6 && memcmp(r->text, "334 ey", 6) == 0) {
    s->token = *r;  // base64 of JSON
  }
  if (r->code / 100 == 2 && r->verb != EHLO_VERB_NONE && s->refused &&
      s->refused_stage == r->stage && r->stage != EHLO_STAGE_RCPT) {
    s->refused = false;  // a second attempt was good: HELO after EHLO, another mechanism
  }
  s->rcpt_accepted = s->rcpt_accepted || (r->code / 100 == 2 && r->verb == EHLO_VERB_RCPT);
  s->in_doubt = s->in_doubt && !final;
}

// Octet by octet: of a line that is no reply each of them may matter.
static void take_line(struct show_summary *s, const struct show_piece *piece) {
  struct show_segments it = {.piece = piece};
  struct show_segment segment;
  s->line.len = piece->begins ? 0 : s->line.len;
  s->line_at = piece->item->line;
  while (show_segments_next(&it, &segment)) {
    size_t room = segment.secret ? 0 : sizeof(s->line.bytes) - s->line.len;
    size_t n = segment.text.len < room ? segment.text.len : room;
    memcpy(s->line.bytes + s->line.len, n > 0 ? segment.text.bytes : s->line.bytes, n);
    s->line.len += n;
  }
}

static void take_reply(struct show_summary *s, const struct show_piece *piece) {
  struct show_reply *r = &s->reply;
  take_line(s, piece);
  if (r->line == 0) {
    memset(r, 0, sizeof(*r));
    r->enhanced = piece->enhanced;
  }
  r->line = piece->item->line;
  r->verb = piece->verb;
  r->stage = piece->stage;
  if (piece->code != 0) {
    r->code = piece->code;
  }
  r->enhanced = r->enhanced.class_code == 0 ? piece->enhanced : r->enhanced;
  append_piece(r, piece);
  if (piece->ends && (piece->code == 0 || piece->last)) {
    end_reply(s);
    r->line = 0;
  }
}

// ---- Facts and events ---------------------------------------------------------------------------

static void take_part(struct show_text *out, const struct show_part *parts, size_t num,
                      const char *name) {
  const struct show_part *part = show_part_find(parts, num, name);
  out->len = part != NULL ? show_part_text(out->bytes, sizeof(out->bytes), part) : 0;
}

static void take_tls(struct show_summary *s, const struct ehlo_item *item) {
  struct show_part parts[SHOW_PARTS_MAX];
  size_t num = show_fact_parts(parts, item);
  struct show_tls *t = &s->tls;
  if (item->failed && t->present && !t->failed) {
    s->broke = true;  // what was agreed on before still tells whom it was with
    take_part(&t->breakage, parts, num, "reason");
    return;
  }
  t->present = true;
  t->failed = item->failed;
  take_part(&t->version, parts, num, "version");
  take_part(&t->cipher, parts, num, "cipher");
  take_part(&t->group, parts, num, "group");
  take_part(&t->name, parts, num, "name");
  take_part(&t->chain, parts, num, "chain");
  take_part(&t->sha256, parts, num, "sha256");
  take_part(&t->reason, parts, num, "reason");
  take_part(&t->subject, parts, num, "subject");
  take_part(&t->issuer, parts, num, "issuer");
  take_part(&t->not_before, parts, num, "not_before");
  take_part(&t->not_after, parts, num, "not_after");
  take_part(&t->names, parts, num, "names");
}

static void take_connect(struct show_summary *s, const struct ehlo_item *item) {
  struct show_part parts[SHOW_PARTS_MAX];
  size_t num = show_fact_parts(parts, item);
  struct show_part place = {SHOW_PART_TEXT, {NULL, 0}, {(const uint8_t *)item->args, 0}};
  s->connect_failed = item->failed;
  if (!item->failed) {
    place.raw.len = strcspn(item->args, " ");
    s->place.len = show_part_text(s->place.bytes, sizeof(s->place.bytes), &place);
    take_part(&s->address, parts, num, "address");
  } else {
    take_part(&s->connect_reason, parts, num, "reason");
  }
}

static void take_note(struct show_summary *s, const struct ehlo_item *item) {
  struct show_part parts[SHOW_PARTS_MAX];
  take_part(&s->note, parts, show_fact_parts(parts, item), "note");
}

static void take_fact(struct show_summary *s, const struct ehlo_item *item) {
  switch (item->fact) {
    case EHLO_FACT_CONNECT:
      take_connect(s, item);
      break;
    case EHLO_FACT_TLS:
      take_tls(s, item);
      break;
    case EHLO_FACT_TIMEOUT:
      s->timeout = true;
      break;
    case EHLO_FACT_EOF:
    case EHLO_FACT_RESET:
      s->broke = s->broke || item->side == EHLO_SIDE_SERVER;
      break;
    case EHLO_FACT_NOTE:
      take_note(s, item);
      break;
    case EHLO_FACT_HEADER:
    case EHLO_FACT_SUBMIT:
      break;
  }
}

// "failed STATUS at OFFSET"
static enum ehlo_status parse_failure(const char *text) {
  size_t len = strcspn(text, " ");
  for (unsigned i = EHLO_OK + 1; i < EHLO_NUM_STATUS; i++) {
    const char *name = ehlo_status_name((enum ehlo_status)i);
    if (strlen(name) == len && strncmp(text, name, len) == 0) {
      return (enum ehlo_status)i;
    }
  }
  return EHLO_OK;
}

// "OUTCOME at STAGE"
static bool parse_verdict(struct show_verdict *out, const char *text) {
  char known[64];
  for (unsigned o = 0; o < EHLO_NUM_OUTCOMES; o++) {
    for (unsigned g = 0; g < EHLO_NUM_STAGES; g++) {
      snprintf(known, sizeof(known), "%s at %s", ehlo_outcome_name((enum ehlo_outcome)o),
               ehlo_stage_name((enum ehlo_stage)g));
      if (strcmp(text, known) == 0) {
        *out = (struct show_verdict){(enum ehlo_outcome)o, (enum ehlo_stage)g};
        return true;
      }
    }
  }
  return false;
}

static void take_event(struct show_summary *s, const char *text) {
  struct show_verdict verdict;
  if (strncmp(text, "outcome ", 8) == 0 && parse_verdict(&verdict, text + 8)) {
    s->recorded = verdict;
  } else if (strncmp(text, "failed ", 7) == 0) {
    s->status = parse_failure(text + 7);
    if (ehlo_status_class(s->status) == EHLO_CLASS_SERVER) {
      forget_refusal(s);
    }
  } else if (strncmp(text, "message ", 8) == 0) {
    const char *behind = strchr(text + 8, ' ');
    if (behind == NULL || !parse_verdict(&verdict, behind + 1)) {
      return;
    }
    if (s->num_messages < SHOW_MESSAGES_MAX) {
      s->messages[s->num_messages] = verdict;
    }
    s->num_messages++;
  }
}

void show_summary_piece(struct show_summary *s, const struct show_piece *piece) {
  add_wait(s, piece);
  s->stage = piece->has_stage ? piece->stage : s->stage;
  switch (piece->role) {
    case SHOW_REPLY:
      take_reply(s, piece);
      break;
    case SHOW_COMMAND:
      s->quit = s->quit || (piece->ends && piece->verb == EHLO_VERB_QUIT);
      break;
    case SHOW_MESSAGE_END:
      s->in_doubt = true;
      break;
    case SHOW_FACT:
      take_fact(s, piece->item);
      break;
    case SHOW_EVENT:
      take_event(s, piece->item->text);
      break;
    case SHOW_RESPONSE:
    case SHOW_MESSAGE:
    case SHOW_COMMENT:
      break;
  }
}

// ---- The end ------------------------------------------------------------------------------------

static struct show_verdict infer_refusal(const struct show_summary *s) {
  struct show_verdict v = {EHLO_OUTCOME_REFUSED, s->refused_stage};
  if (v.stage == EHLO_STAGE_AUTH) {
    v.outcome = EHLO_OUTCOME_AUTH_REFUSED;
  } else if (s->refused_class == 4) {
    v.outcome = EHLO_OUTCOME_DEFERRED;
  }
  return v;
}

static struct show_verdict infer(const struct show_summary *s) {
  if (s->connect_failed) {
    return (struct show_verdict){EHLO_OUTCOME_CONNECT_FAILED, EHLO_STAGE_CONNECT};
  }
  if (s->tls.failed) {
    return (struct show_verdict){EHLO_OUTCOME_TLS_FAILED, s->stage};
  }
  if (s->in_doubt && (s->timeout || s->broke)) {
    return (struct show_verdict){EHLO_OUTCOME_UNKNOWN, EHLO_STAGE_BODY};
  }
  if (s->accepted.code != 0) {
    return (struct show_verdict){s->rcpt_refused ? EHLO_OUTCOME_PARTIAL : EHLO_OUTCOME_ACCEPTED,
                                 s->stage};
  }
  if (s->refused) {
    return infer_refusal(s);
  }
  if (s->timeout) {
    return (struct show_verdict){EHLO_OUTCOME_TIMEOUT, s->stage};
  }
  if (s->broke && !s->quit) {
    return (struct show_verdict){EHLO_OUTCOME_LOST, s->stage};
  }
  return (struct show_verdict){EHLO_OUTCOME_OPEN, s->stage};
}

struct show_verdict show_summary_verdict(const struct show_summary *s, bool *out_inferred) {
  *out_inferred = s->recorded.outcome == EHLO_OUTCOME_OPEN;
  return *out_inferred ? infer(s) : s->recorded;
}

const struct show_reply *show_summary_deciding(const struct show_summary *s,
                                               struct show_verdict verdict) {
  bool by_reply =
      verdict.outcome == EHLO_OUTCOME_REFUSED || verdict.outcome == EHLO_OUTCOME_DEFERRED ||
      verdict.outcome == EHLO_OUTCOME_AUTH_REFUSED ||
      (verdict.outcome == EHLO_OUTCOME_TLS_FAILED && verdict.stage == EHLO_STAGE_STARTTLS);
  // Where recipients were refused for good and for now, the outcome tells which counts.
  bool for_now = verdict.outcome == EHLO_OUTCOME_DEFERRED;
  const struct show_reply *r = &s->refused_at[verdict.stage][for_now ? 0 : 1];
  const struct show_reply *other = &s->refused_at[verdict.stage][for_now ? 1 : 0];
  if (r->code == 0 || (verdict.outcome == EHLO_OUTCOME_AUTH_REFUSED && other->line > r->line)) {
    r = other;
  }
  return by_reply && r->code != 0 ? r : NULL;
}

const char *show_outcome_sentence(enum ehlo_outcome outcome) {
  switch (outcome) {
    case EHLO_OUTCOME_OPEN:
    case EHLO_NUM_OUTCOMES:
      break;
    case EHLO_OUTCOME_ACCEPTED:
      return "The server took responsibility for the message, for every recipient.";
    case EHLO_OUTCOME_PARTIAL:
      return "The server took the message for some of the recipients, and refused the others.";
    case EHLO_OUTCOME_REFUSED:
      return "The server refused for good.";
    case EHLO_OUTCOME_DEFERRED:
      return "The server refused for now; the same may be accepted later.";
    case EHLO_OUTCOME_UNKNOWN:
      return "The connection ended after the message was sent whole and before the server's reply "
             "to "
             "it: the server may have it. Look before sending it again.";
    case EHLO_OUTCOME_STOPPED:
      return "The session ended where it was to end, and sent no message.";
    case EHLO_OUTCOME_AUTH_REFUSED:
      return "There was no login: the server refused it, or no mechanism fits both sides.";
    case EHLO_OUTCOME_TLS_FAILED:
      return "The security that was asked for could not be had, so nothing went further.";
    case EHLO_OUTCOME_PROTOCOL_ERROR:
      return "The server broke the rules of the protocol.";
    case EHLO_OUTCOME_TIMEOUT:
      return "The server did not go on in time.";
    case EHLO_OUTCOME_CONNECT_FAILED:
      return "No connection to the server came about.";
    case EHLO_OUTCOME_LOST:
      return "The connection ended before the result was known.";
    case EHLO_OUTCOME_USAGE:
      return "The message or an argument could not be sent to this server.";
  }
  return "The transcript does not tell how the session ended.";
}
