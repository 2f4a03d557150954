// ":send" and ":bdat": a message from a file into the session, with its transaction or into the one
// that is open. What is sent is what `ehlo send` would send; what may not be sent is refused before
// anything is.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "tools/driver/shell.h"
#include "tools/driver/shell_order.h"

bool shell_post_is_on(const struct shell *sh) {
  return sh->post.step != SHELL_POST_NONE;
}

void shell_post_free(struct shell_post *post) {
  message_free(&post->message);
  free(post->words);
  memset(post, 0, sizeof(*post));
}

static void give_up(struct shell *sh, const char *why) {
  shell_say(sh, "%s", why);
  shell_post_free(&sh->post);
}

// ---- What was asked for -------------------------------------------------------------------------

// The next word of `*at`, ended in place; a word in double quotes may hold blanks. NULL: there is
// none.
static char *next_word(char **at) {
  char *word = *at + strspn(*at, " ");
  if (*word == '\0') {
    return NULL;
  }
  bool quoted = *word == '"';
  word += quoted;
  char *end = word + strcspn(word, quoted ? "\"" : " ");
  *at = *end != '\0' ? end + 1 : end;
  *end = '\0';
  return word;
}

// "<a@b>" is taken as "a@b".
static const char *address_of(char *word) {
  size_t len = strlen(word);
  if (len >= 2 && word[0] == '<' && word[len - 1] == '>') {
    word[len - 1] = '\0';
    return word + 1;
  }
  return word;
}

// One word behind the file's name. False: it is none of those that are known.
static bool take_option(struct shell_post *post, const char *word, char **at) {
  if (strcmp(word, "--bdat") == 0) {
    post->by_chunk = true;
    return true;
  }
  bool from = strcmp(word, "--from") == 0;
  char *value = from || strcmp(word, "--to") == 0 ? next_word(at) : NULL;
  if (value == NULL || (!from && post->num_to == SHELL_RECIPIENTS_MAX)) {
    return false;
  }
  if (from) {
    post->from = address_of(value);
  } else {
    post->to[post->num_to++] = address_of(value);
  }
  return true;
}

static bool read_words(struct shell *sh, const char *words, const char **out_path) {
  struct shell_post *post = &sh->post;
  char *word;
  post->words = strdup(words);
  char *at = post->words;
  *out_path = at != NULL ? next_word(&at) : NULL;
  if (*out_path == NULL) {
    give_up(sh, "usage: :send FILE [--from A --to B [--to C …]] [--bdat]");
    return false;
  }
  while ((word = next_word(&at)) != NULL) {
    if (!take_option(post, word, &at)) {
      give_up(sh,
              "usage: :send FILE [--from A --to B [--to C …]] [--bdat]; at most 100 recipients");
      return false;
    }
  }
  if ((post->from != NULL) != (post->num_to > 0)) {
    give_up(sh, ":send wants --from and --to together, or neither for the open transaction");
    return false;
  }
  return true;
}

// Standard input is where the shell's own lines come from.
static bool read_message(struct shell *sh, const char *path) {
  if (strcmp(path, "-") == 0) {
    give_up(sh, "the message cannot come from where the commands come from; name a file");
    return false;
  }
  fflush(stdout);
  int status = message_read(&sh->post.message, path);
  if (status != 0) {
    sh->status = status;
    shell_post_free(&sh->post);
    return false;
  }
  return true;
}

static bool judge_message(struct shell *sh) {
  char error[MESSAGE_SENTENCE_MAX] = "";
  struct message_rules rules = {false, false, false};
  if (message_check(error, sizeof(error), &sh->session->warnings, &sh->post.message, &rules) != 0) {
    sh->status = EX_DATAERR;  // standard error says why
    shell_post_free(&sh->post);
    return false;
  }
  return true;
}

// What `ehlo send` would not send either.
static bool suits_server(struct shell *sh, const struct ehlo_client *c) {
  const struct ehlo_capabilities *caps = ehlo_client_capabilities(c);
  const struct ehlo_preflight *p = &sh->post.message.preflight;
  const char *wrong = NULL;
  if (ehlo_preflight_is_8bit(p) && !caps->eight_bit_mime) {
    wrong =
        "nothing is sent: the message has 8-bit characters, and the server offers no 8BITMIME "
        "(RFC 6152)";
  } else if (caps->max_size > 0 && p->wire_size > caps->max_size) {
    wrong = "nothing is sent: the message is larger than the server's SIZE permits (RFC 1870)";
  }
  if (wrong != NULL) {
    sh->status = EX_DATAERR;
    give_up(sh, wrong);
  }
  return wrong == NULL;
}

// ---- Where it may go ----------------------------------------------------------------------------

static bool may_begin(struct shell *sh, const struct ehlo_client *c, enum ehlo_verb verb) {
  const char *reason = shell_order_reason(c, verb);
  if (reason != NULL) {
    shell_say(sh, "nothing is sent: %s", reason);
    sh->status = EX_USAGE;
    return false;
  }
  return true;
}

static bool has_chunking(struct shell *sh, const struct ehlo_client *c) {
  bool offered = ehlo_client_capabilities(c)->chunking;
  if (!offered) {
    shell_say(sh,
              "nothing is sent: the server offers no CHUNKING, so BDAT is nothing that it knows "
              "(RFC 3030 §2)");
    sh->status = EX_USAGE;
  }
  return offered;
}

void shell_post_send(struct shell *sh, struct ehlo_client *c, const char *words) {
  const char *path;
  if (!read_words(sh, words, &path)) {
    sh->status = EX_USAGE;
    return;
  }
  struct shell_post *post = &sh->post;
  enum ehlo_verb first = post->from != NULL ? EHLO_VERB_MAIL
                         : post->by_chunk   ? EHLO_VERB_BDAT
                                            : EHLO_VERB_DATA;
  if (!may_begin(sh, c, first) || (post->by_chunk && !has_chunking(sh, c))) {
    shell_post_free(post);
    return;
  }
  if (!read_message(sh, path) || !judge_message(sh) || !suits_server(sh, c)) {
    return;
  }
  post->last = true;
  post->step = post->from != NULL ? SHELL_POST_MAIL : SHELL_POST_CONTENT;
}

void shell_post_bdat(struct shell *sh, struct ehlo_client *c, const char *words) {
  struct shell_post *post = &sh->post;
  post->words = strdup(words);
  char *at = post->words;
  const char *path = at != NULL ? next_word(&at) : NULL;
  const char *last = path != NULL ? next_word(&at) : NULL;
  if (path == NULL || (last != NULL && strcasecmp(last, "LAST") != 0)) {
    give_up(sh, "usage: :bdat FILE [LAST], which sends the file's octets as they are");
    sh->status = EX_USAGE;
    return;
  }
  if (!may_begin(sh, c, EHLO_VERB_BDAT) || !has_chunking(sh, c)) {
    shell_post_free(post);
    return;
  }
  post->last = last != NULL;
  post->by_chunk = true;
  post->octets = true;
  if (read_message(sh, path)) {
    post->step = SHELL_POST_CONTENT;
  }
}

// ---- Sending ------------------------------------------------------------------------------------

static void say_sent(struct shell *sh, enum ehlo_verb verb, const char *text) {
  struct shell_line line = {.text = ehlo_str(text), .verb = verb};
  shell_say_sent(sh, &line);
  shell_teach_sent(sh, verb);
}

static enum ehlo_status send_mail(struct shell *sh, struct ehlo_client *c) {
  struct shell_post *post = &sh->post;
  const struct ehlo_capabilities *caps = ehlo_client_capabilities(c);
  char params[64] = "";
  char text[1200];
  int len = 0;
  if (caps->size) {
    len = snprintf(params, sizeof(params), "SIZE=%" PRIu64, post->message.preflight.wire_size);
  }
  if (caps->eight_bit_mime && ehlo_preflight_is_8bit(&post->message.preflight)) {
    snprintf(params + len, sizeof(params) - (size_t)len, "%sBODY=8BITMIME", len > 0 ? " " : "");
  }
  post->step = SHELL_POST_RCPT;
  enum ehlo_status status = ehlo_send_mail(c, ehlo_str(post->from), ehlo_str(params));
  if (status == EHLO_OK) {
    snprintf(text, sizeof(text), "MAIL FROM:<%s>%s%s", post->from, params[0] != '\0' ? " " : "",
             params);
    say_sent(sh, EHLO_VERB_MAIL, text);
  }
  return status;
}

static enum ehlo_status send_content(struct shell *sh, struct ehlo_client *c) {
  struct shell_post *post = &sh->post;
  char text[64] = "DATA";
  post->step = SHELL_POST_BODY;
  if (!post->by_chunk) {
    say_sent(sh, EHLO_VERB_DATA, text);
    return ehlo_send_data(c);
  }
  uint64_t len = post->octets ? post->message.contents.len : post->message.preflight.wire_size;
  snprintf(text, sizeof(text), "BDAT %" PRIu64 "%s", len, post->last ? " LAST" : "");
  say_sent(sh, EHLO_VERB_BDAT, text);
  return ehlo_send_bdat(c, len, post->last);
}

static enum ehlo_status send_rcpt(struct shell *sh, struct ehlo_client *c) {
  struct shell_post *post = &sh->post;
  const char *to = post->to[post->next++];
  enum ehlo_status status = ehlo_send_rcpt(c, ehlo_str(to), ehlo_str(""));
  char text[1200];
  if (status == EHLO_OK) {
    snprintf(text, sizeof(text), "RCPT TO:<%s>", to);
    say_sent(sh, EHLO_VERB_RCPT, text);
  }
  return status;
}

void shell_post_go_on(struct shell *sh, struct ehlo_client *c) {
  struct shell_post *post = &sh->post;
  enum ehlo_status status = EHLO_OK;
  if (post->step == SHELL_POST_RCPT && post->next == post->num_to) {
    if (ehlo_client_num_accepted(c) == 0) {
      give_up(sh, "no recipient is accepted, so nothing more is sent; RSET ends the transaction");
      return;
    }
    post->step = SHELL_POST_CONTENT;
  }
  if (post->step == SHELL_POST_MAIL) {
    status = send_mail(sh, c);
  } else if (post->step == SHELL_POST_RCPT) {
    status = send_rcpt(sh, c);
  } else if (post->step == SHELL_POST_CONTENT) {
    status = send_content(sh, c);
  } else {
    shell_post_free(post);  // the message has its reply, or got none to give it in
  }
  if (status != EHLO_OK) {
    shell_check(sh, status, "the message");
    shell_post_free(post);
  }
}

// ---- The content --------------------------------------------------------------------------------

// False: it cannot be given to its end.
static bool give(struct shell *sh, struct ehlo_client *c, bool *out_full) {
  struct shell_post *post = &sh->post;
  struct ehlo_span piece;
  size_t used = 0;
  enum ehlo_status status;
  if (message_peek(&post->message, &piece) == EHLO_SOURCE_END) {
    status = post->octets ? EHLO_OK : ehlo_send_body_end(c);
    *out_full = status == EHLO_E_FULL;
    post->step = *out_full ? post->step : SHELL_POST_NONE;
  } else {
    status = post->octets ? ehlo_send_chunk(c, &used, piece.bytes, piece.len)
                          : ehlo_send_body(c, &used, piece.bytes, piece.len);
    post->message.pos += used;
    *out_full = used < piece.len;
  }
  return status == EHLO_OK || status == EHLO_E_FULL || shell_check(sh, status, "the message");
}

bool shell_post_body(struct shell *sh, struct ehlo_client *c) {
  bool full = false;
  enum ehlo_state state = ehlo_client_state(c);
  while (!full && shell_post_is_on(sh) && (state == EHLO_STATE_BODY || state == EHLO_STATE_CHUNK)) {
    if (!give(sh, c, &full)) {
      return false;
    }
    state = ehlo_client_state(c);
  }
  if (state != EHLO_STATE_BODY && state != EHLO_STATE_CHUNK) {
    shell_post_free(&sh->post);
  }
  return true;
}

void shell_post_reply(struct shell *sh, enum ehlo_verb verb, uint16_t code) {
  bool refused = code >= 400;
  if (shell_post_is_on(sh) && refused && verb == EHLO_VERB_MAIL) {
    give_up(sh, "the sender is refused, so nothing more is sent");
  } else if (shell_post_is_on(sh) && refused && verb == EHLO_VERB_DATA) {
    give_up(sh, "the message is not sent; RSET ends the transaction");
  }
}
