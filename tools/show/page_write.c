// What stands around the diagram: the outcome and what it means, where the time went, the
// certificate, the settings, the transcript itself. Words of a peer come in through markup_text()
// alone.
#include <inttypes.h>
#include <string.h>

#include "engine/ehlo.h"
#include "tools/explain/explain.h"
#include "tools/show/page_parts.h"
#include "tools/show/question.h"

#define AXIS_PX 480  // the height of all waits together

static struct ehlo_span span_of(const struct show_text *t) {
  return (struct ehlo_span){t->bytes, t->len};
}

void show_page_put_clip(struct markup *m, const struct clip *c, const char *left_out) {
  markup_bytes(m, c->head.bytes, c->head.len);
  if (c->num_left_out > 0) {
    markup_format(m, "<li class=cut>%zu %s left out</li>\n", c->num_left_out, left_out);
  }
  markup_bytes(m, c->tail[0].bytes, c->tail[0].len);
  markup_bytes(m, c->tail[1].bytes, c->tail[1].len);
}

// ---- The outcome --------------------------------------------------------------------------------

struct look {
  const char *class;
  const char *sign;
  const char *word;
};

static struct look look_of(enum ehlo_outcome outcome) {
  switch (outcome) {
    case EHLO_OUTCOME_ACCEPTED:
      return (struct look){"good", "✓", "Accepted"};
    case EHLO_OUTCOME_STOPPED:
      return (struct look){"good", "✓", "Stopped as asked"};
    case EHLO_OUTCOME_PARTIAL:
      return (struct look){"unsure", "!", "Accepted for some"};
    case EHLO_OUTCOME_DEFERRED:
      return (struct look){"unsure", "!", "Refused for now"};
    case EHLO_OUTCOME_UNKNOWN:
      return (struct look){"unsure", "?", "Unknown"};
    case EHLO_OUTCOME_REFUSED:
      return (struct look){"bad", "✗", "Refused"};
    case EHLO_OUTCOME_AUTH_REFUSED:
      return (struct look){"bad", "✗", "Login refused"};
    case EHLO_OUTCOME_TLS_FAILED:
      return (struct look){"bad", "✗", "TLS failed"};
    case EHLO_OUTCOME_PROTOCOL_ERROR:
      return (struct look){"bad", "✗", "Protocol error"};
    case EHLO_OUTCOME_TIMEOUT:
      return (struct look){"bad", "✗", "Timed out"};
    case EHLO_OUTCOME_CONNECT_FAILED:
      return (struct look){"bad", "✗", "No connection"};
    case EHLO_OUTCOME_LOST:
      return (struct look){"bad", "✗", "Connection lost"};
    case EHLO_OUTCOME_USAGE:
      return (struct look){"bad", "✗", "Not sent"};
    case EHLO_OUTCOME_OPEN:
    case EHLO_NUM_OUTCOMES:
      break;
  }
  return (struct look){"unsure", "?", "Not known"};
}

// The lines of a reply, with the command that it answered.
static void put_reply(struct markup *m, const struct show_reply *r) {
  markup_format(m, "<p class=said>In reply to %s, in line %zu:</p><pre class=reply>",
                ehlo_verb_name(r->verb), r->line);
  for (size_t at = 0; at < r->text_len;) {
    const uint8_t *lf = memchr(r->text + at, '\n', r->text_len - at);
    size_t n = lf != NULL ? (size_t)(lf - r->text) - at : r->text_len - at;
    markup_text(m, (struct ehlo_span){r->text + at, n});
    markup_add(m, lf != NULL ? "\n" : "");
    at += n + 1;
  }
  markup_add(m, r->cut ? "<span class=cut> … the rest is left out</span></pre>\n" : "</pre>\n");
}

static void put_line(struct markup *m, const char *label, const char *text) {
  if (text != NULL && text[0] != '\0') {
    markup_add(m, label);
    markup_text(m, (struct ehlo_span){(const uint8_t *)text, strlen(text)});
    markup_add(m, ". ");
  }
}

static void put_explanation(struct markup *m, const struct explain_question *q) {
  struct explanation e;
  if (!explain_answer(&e, q)) {
    return;
  }
  markup_add(m, "<div class=explain><p>");
  markup_text(m, (struct ehlo_span){(const uint8_t *)e.meaning, strlen(e.meaning)});
  markup_add(m, "</p>\n<ul>");
  for (size_t i = 0; i < e.num_fix; i++) {
    markup_add(m, "<li>");
    markup_text(m, (struct ehlo_span){(const uint8_t *)e.fix[i], strlen(e.fix[i])});
    markup_add(m, "</li>");
  }
  markup_add(m, "</ul>\n<p class=source>");
  put_line(m, "Who can act: ", explain_who_text(e.who));
  put_line(m, "Source: ", e.source);
  put_line(m, "As of ", e.as_of);
  put_line(m, "For the support ticket: ", e.trace);
  markup_add(m, "</p></div>\n");
}

static void put_explained(struct markup *m, const struct show_summary *s,
                          const struct show_reply *r) {
  struct show_asked asked;
  struct explain_question q = show_question(&asked, s, r);
  put_reply(m, r);
  put_explanation(m, &q);
}

static void put_failure(struct markup *m, const struct show_summary *s) {
  struct show_asked asked;
  struct explain_question q;
  if (show_failure_question(&q, &asked, s)) {
    put_explanation(m, &q);
  }
}

// All but the one that decided.
static void put_refusals(struct markup *m, const struct show_summary *s,
                         const struct show_reply *deciding) {
  size_t num = s->num_refusals < SHOW_REFUSALS_MAX ? s->num_refusals : SHOW_REFUSALS_MAX;
  if (s->num_refusals == (deciding != NULL ? 1 : 0)) {
    return;
  }
  markup_format(m, "<section><h2>What %swas refused</h2>\n", deciding != NULL ? "else " : "");
  for (size_t i = 0; i < num; i++) {
    if (deciding == NULL || s->refusals[i].line != deciding->line) {
      put_explained(m, s, &s->refusals[i]);
    }
  }
  if (s->num_refusals > num) {
    markup_format(m, "<p class=cut>… and %zu more</p>\n", s->num_refusals - num);
  }
  markup_add(m, "</section>\n");
}

static void put_messages(struct markup *m, const struct show_summary *s) {
  size_t num = s->num_messages < SHOW_MESSAGES_MAX ? s->num_messages : SHOW_MESSAGES_MAX;
  if (num == 0) {
    return;
  }
  markup_add(m, "<ol class=messages>");
  for (size_t i = 0; i < num; i++) {
    const struct show_verdict *v = &s->messages[i];
    markup_format(m, "<li>Message %zu: %s at %s</li>", i + 1, ehlo_outcome_name(v->outcome),
                  ehlo_stage_name(v->stage));
  }
  markup_add(m, "</ol>\n");
  if (s->num_messages > num) {
    markup_format(m, "<p class=cut>… and %zu more</p>\n", s->num_messages - num);
  }
}

static void put_outcome(struct markup *m, const struct show_summary *s) {
  bool inferred;
  struct show_verdict v = show_summary_verdict(s, &inferred);
  const struct show_reply *deciding = show_summary_deciding(s, v);
  struct look look = look_of(v.outcome);
  markup_format(m,
                "<section class=\"verdict %s\"><h2><span class=sign aria-hidden=true>%s</span> %s",
                look.class, look.sign, look.word);
  if (v.outcome != EHLO_OUTCOME_OPEN) {
    markup_format(m, " <small>at %s</small>", ehlo_stage_name(v.stage));
  }
  markup_add(m, "</h2>\n<p>");
  markup_add(m, show_outcome_sentence(v.outcome));
  if (inferred && v.outcome != EHLO_OUTCOME_OPEN) {
    markup_add(m, " The transcript does not say so itself: it is what the dialogue looks like.");
  }
  markup_add(m, "</p>\n");
  put_messages(m, s);
  if (deciding != NULL) {
    put_explained(m, s, deciding);
  } else {
    put_failure(m, s);
  }
  markup_add(m, "</section>\n");
  put_refusals(m, s, deciding);
}

// ---- Time ---------------------------------------------------------------------------------------

static uint64_t stage_us(const struct show_summary *s, unsigned stage) {
  return s->waits[stage][EHLO_SIDE_SERVER] + s->waits[stage][EHLO_SIDE_CLIENT];
}

static void put_wait(struct markup *m, uint64_t us) {
  if (us == 0) {
    markup_add(m, "–");
  } else {
    markup_duration(m, us);
  }
}

static void put_stage(struct markup *m, const struct show_summary *s, unsigned stage) {
  double share = (double)stage_us(s, stage) * 100 / (double)s->total_us;
  markup_format(m, "<tr><th scope=row>%s</th><td>", ehlo_stage_name((enum ehlo_stage)stage));
  put_wait(m, s->waits[stage][EHLO_SIDE_SERVER]);
  markup_add(m, "</td><td>");
  put_wait(m, s->waits[stage][EHLO_SIDE_CLIENT]);
  markup_format(
      m, "</td><td class=share><i class=\"g%u\" style=\"width:%.3f%%\"></i>%.1f %%</td></tr>\n",
      stage, share, share);
}

static void put_bar(struct markup *m, const struct show_summary *s) {
  markup_add(m, "<div class=stack aria-hidden=true>");
  for (unsigned i = 0; i < EHLO_NUM_STAGES; i++) {
    if (stage_us(s, i) > 0) {
      double share = (double)stage_us(s, i) * 100 / (double)s->total_us;
      markup_format(m, "<i class=g%u style=\"width:%.3f%%\" title=\"%s\"></i>", i, share,
                    ehlo_stage_name((enum ehlo_stage)i));
    }
  }
  markup_add(m, "</div>\n");
}

static void put_times(struct markup *m, const struct show_summary *s) {
  uint64_t server = 0;
  markup_add(m, "<section><h2>Where the time went</h2>\n");
  if (s->total_us == 0) {
    markup_add(m, s->timed ? "<p>By its times, nothing took any time.</p></section>\n"
                           : "<p>This transcript has no times.</p></section>\n");
    return;
  }
  for (unsigned i = 0; i < EHLO_NUM_STAGES; i++) {
    server += s->waits[i][EHLO_SIDE_SERVER];
  }
  markup_add(m, "<p>Of ");
  markup_duration(m, s->total_us);
  markup_add(m, ", ");
  markup_duration(m, server);
  markup_add(m, " went by in waiting for the server. The longest wait was ");
  markup_duration(m, s->longest_us);
  markup_format(m, " at %s, %s.</p>\n", ehlo_stage_name(s->longest_stage),
                s->longest_side == EHLO_SIDE_SERVER ? "for the server" : "on the client’s side");
  put_bar(m, s);
  markup_add(m,
             "<table class=times><thead><tr><th scope=col>Stage</th><th scope=col>Server</th>"
             "<th scope=col>Client</th><th scope=col>Share</th></tr></thead><tbody>\n");
  for (unsigned i = 0; i < EHLO_NUM_STAGES; i++) {
    if (stage_us(s, i) > 0) {
      put_stage(m, s, i);
    }
  }
  markup_add(m, "</tbody></table></section>\n");
}

// ---- TLS ----------------------------------------------------------------------------------------

static void put_field(struct markup *m, const char *name, const struct show_text *text) {
  if (text->len > 0) {
    markup_format(m, "<tr><th scope=row>%s</th><td>", name);
    markup_text(m, span_of(text));
    markup_add(m, "</td></tr>\n");
  }
}

static bool is_word(const struct show_text *t, const char *word) {
  return t->len == strlen(word) && memcmp(t->bytes, word, t->len) == 0;
}

static void put_trust(struct markup *m, const struct show_tls *t) {
  markup_add(m, "<tr><th scope=row>Verified</th><td>");
  if (t->failed) {
    markup_add(m, "<b class=badge>no</b> ");
  } else if (is_word(&t->chain, "ok") && is_word(&t->name, "ok")) {
    markup_add(m, "yes: it leads to a trusted root, and is for the name that was asked for");
  } else if (t->chain.len == 0 && t->name.len == 0) {
    markup_add(m, "the transcript does not tell");
  } else {
    markup_add(m, "<b class=badge>no</b> ");
    markup_add(m, is_word(&t->name, "ok") ? "" : "it is not for the name that was asked for; ");
    markup_add(m, is_word(&t->chain, "ok") ? "" : "it does not lead to a trusted root; ");
    markup_add(m, "the session went on all the same");
    markup_add(m, t->reason.len > 0 ? ": " : "");
  }
  markup_text(m, span_of(&t->reason));
  markup_add(m, "</td></tr>\n");
}

static void put_tls(struct markup *m, const struct show_summary *s) {
  const struct show_tls *t = &s->tls;
  markup_add(m, "<section><h2>TLS and the certificate</h2>\n");
  if (!t->present) {
    markup_add(m, "<p>There was no TLS: what was said went in cleartext.</p></section>\n");
    return;
  }
  markup_add(m, "<table class=fields><tbody>\n");
  put_trust(m, t);
  put_field(m, "Version", &t->version);
  put_field(m, "Cipher", &t->cipher);
  put_field(m, "Key exchange", &t->group);
  put_field(m, "Subject", &t->subject);
  put_field(m, "Issuer", &t->issuer);
  put_field(m, "Valid from", &t->not_before);
  put_field(m, "Valid until", &t->not_after);
  put_field(m, "Names", &t->names);
  put_field(m, "SHA-256", &t->sha256);
  put_field(m, "Broke later", &t->breakage);
  markup_add(m, "</tbody></table>\n");
  markup_add(m, t->subject.len + t->sha256.len > 0
                    ? "</section>\n"
                    : "<p>The transcript does not hold the certificate.</p></section>\n");
}

// ---- The page -----------------------------------------------------------------------------------

static void put_title(struct markup *m, const struct show_summary *s) {
  markup_add(m, "SMTP session");
  if (s->place.len > 0) {
    markup_add(m, " with ");
    markup_text(m, span_of(&s->place));
  }
}

static void put_head(struct markup *m, const struct show_summary *s, const char *name) {
  markup_add(m,
             "<!DOCTYPE html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n"
             "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; "
             "style-src 'unsafe-inline'\">\n"
             "<meta name=viewport content=\"width=device-width, initial-scale=1\">\n"
             "<meta name=color-scheme content=\"light dark\">\n"
             "<meta name=referrer content=no-referrer>\n<title>");
  put_title(m, s);
  markup_add(m, "</title>\n<style>\n");
  markup_add(m, show_page_style);
  double unit = s->total_us > 0 ? AXIS_PX * 1e6 / (double)s->total_us : 0;
  markup_format(m, ".talk { --unit: %.9fpx; }\n</style>\n</head>\n<body>\n<main>\n<h1>", unit);
  put_title(m, s);
  markup_add(m, "</h1>\n<p class=file>From the transcript ");
  markup_text(m, (struct ehlo_span){(const uint8_t *)name, strlen(name)});
  if (s->address.len > 0) {
    markup_add(m, "; the server’s address was ");
    markup_text(m, span_of(&s->address));
  }
  markup_add(m, ".</p>\n");
}

static void put_talk(struct markup *m, const struct show_page *p) {
  markup_add(
      m,
      "<section><h2>The conversation</h2>\n"
      "<p class=legend>Time runs down; the moment of each step stands at its left. An arrow is "
      "what one side sent "
      "at once: dashed in cleartext, solid under TLS. A bar on the left is a wait, as tall as "
      "it was long: filled for the server, hatched for the client.</p>\n"
      "<div class=lanes aria-hidden=true><span>client</span><span>server</span></div>\n"
      "<ol class=talk>\n");
  show_page_put_clip(m, &p->rows, "steps");
  markup_add(m, "</ol></section>\n");
}

static void put_settings(struct markup *m, const struct show_page *p) {
  markup_add(m, "<section><h2>Settings</h2>\n");
  if (p->settings.head.len == 0) {
    markup_add(m, "<p>The transcript holds no settings.</p></section>\n");
    return;
  }
  markup_add(m, "<table class=fields><tbody>\n");
  markup_bytes(m, p->settings.head.bytes, p->settings.head.len);
  if (p->settings.num_left_out > 0) {
    markup_format(m, "<tr class=cut><td colspan=2>%zu settings left out</td></tr>\n",
                  p->settings.num_left_out);
  }
  markup_bytes(m, p->settings.tail[0].bytes, p->settings.tail[0].len);
  markup_bytes(m, p->settings.tail[1].bytes, p->settings.tail[1].len);
  markup_add(m, "</tbody></table></section>\n");
}

static void put_raw(struct markup *m, const struct show_page *p) {
  markup_add(m,
             "<section><h2>The transcript</h2>\n<details><summary>Line by line</summary>"
             "<pre class=raw>");
  markup_bytes(m, p->raw.head.bytes, p->raw.head.len);
  if (p->raw.num_left_out > 0) {
    markup_format(m, "<span class=cut>… %zu lines left out …</span>\n", p->raw.num_left_out);
  }
  markup_bytes(m, p->raw.tail[0].bytes, p->raw.tail[0].len);
  markup_bytes(m, p->raw.tail[1].bytes, p->raw.tail[1].len);
  markup_add(m, "</pre></details></section>\n<footer><p>Made by ehlo " EHLO_VERSION
                ". This page holds no script and loads nothing.</p></footer>\n</main>\n</body>\n"
                "</html>\n");
}

// Writes what is there and makes room.
static void flush(struct markup *m, FILE *out) {
  fwrite(m->bytes, 1, m->len, out);
  m->len = 0;
}

bool show_page_write(struct show_page *p, FILE *out, const char *name) {
  struct markup m = {0};
  show_page_end(p);
  bool failed = clip_failed(&p->rows) || clip_failed(&p->raw) || clip_failed(&p->settings) ||
                clip_failed(&p->lines) || p->line.failed || p->scratch.failed;
  if (!failed) {
    put_head(&m, &p->summary, name);
    put_outcome(&m, &p->summary);
    put_times(&m, &p->summary);
    flush(&m, out);
    put_talk(&m, p);
    flush(&m, out);
    put_tls(&m, &p->summary);
    put_settings(&m, p);
    put_raw(&m, p);
    flush(&m, out);
  }
  failed = failed || m.failed;
  markup_free(&m);
  return !failed;
}
