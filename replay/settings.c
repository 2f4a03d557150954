// One row a setting, read and written beside each other.
#include "replay/settings.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/sasl/sasl.h"
#include "replay/escape.h"

#define TEXT_MAX 2048

const struct ehlo_mechanism *const ehlo_all_mechanisms[] = {
    &ehlo_mechanism_scram_sha_512_plus,
    &ehlo_mechanism_scram_sha_256_plus,
    &ehlo_mechanism_scram_sha_1_plus,
    &ehlo_mechanism_scram_sha_512,
    &ehlo_mechanism_scram_sha_256,
    &ehlo_mechanism_scram_sha_1,
    &ehlo_mechanism_cram_md5,
    &ehlo_mechanism_plain,
    &ehlo_mechanism_login,
    // From here on by name alone.
    &ehlo_mechanism_xoauth2,
    &ehlo_mechanism_oauthbearer,
    &ehlo_mechanism_external,
    &ehlo_mechanism_scram_sha_384,
    &ehlo_mechanism_scram_sha_224,
    &ehlo_mechanism_cram_sha256,
    &ehlo_mechanism_cram_sha1,
    &ehlo_mechanism_digest_md5,
};
const size_t ehlo_num_password_mechanisms = 9;
const size_t ehlo_num_mechanisms = sizeof(ehlo_all_mechanisms) / sizeof(ehlo_all_mechanisms[0]);

static const char *const tls_names[] = {"starttls", "implicit", "none"};
static const char *const initial_names[] = {"auto", "always", "never"};
static const char *const transfer_names[] = {"data", "auto", "bdat"};
static const char *const binding_names[] = {"tls-exporter", "tls-unique"};

// Texts lie one behind the other in blocks.
#define BLOCK_MIN ((size_t)4096)
struct ehlo_settings_block {
  struct ehlo_settings_block *next;
  size_t cap;
  size_t len;
  uint8_t bytes[];
};

void ehlo_settings_init(struct ehlo_settings *s) {
  memset(s, 0, sizeof(*s));
}

static void free_blocks(struct ehlo_settings_block *block) {
  while (block != NULL) {
    struct ehlo_settings_block *next = block->next;
    free(block);
    block = next;
  }
}

void ehlo_settings_clear(struct ehlo_settings *s) {
  struct ehlo_settings kept = {.messages = s->messages,
                               .messages_cap = s->messages_cap,
                               .recipients = s->recipients,
                               .recipients_cap = s->recipients_cap,
                               .blocks = s->blocks};
  if (kept.blocks != NULL) {
    free_blocks(kept.blocks->next);
    kept.blocks->next = NULL;
    kept.blocks->len = 0;
  }
  *s = kept;
}

void ehlo_settings_free(struct ehlo_settings *s) {
  free_blocks(s->blocks);
  free(s->recipients);
  free(s->messages);
  memset(s, 0, sizeof(*s));
}

static void complain(struct ehlo_settings *s, const char *text, size_t line) {
  if (s->error[0] == '\0') {
    s->error_line = line;
    snprintf(s->error, sizeof(s->error), "the setting \"%.80s\" is not understood", text);
  }
}

// Room for `len` bytes; NULL where there is no memory.
static uint8_t *room(struct ehlo_settings *s, size_t len) {
  struct ehlo_settings_block *block = s->blocks;
  if (block == NULL || block->cap - block->len < len) {
    size_t cap = len > BLOCK_MIN ? len : BLOCK_MIN;
    block = malloc(sizeof(*block) + cap);
    if (block == NULL) {
      return NULL;
    }
    *block = (struct ehlo_settings_block){.next = s->blocks, .cap = cap};
    s->blocks = block;
  }
  return block->bytes + block->len;
}

// Keeps the decoded text, which is never longer than what is written.
static bool keep(struct ehlo_settings *s, struct ehlo_span *out, const char *text, size_t len) {
  uint8_t *bytes = room(s, len + 1);
  if (bytes == NULL || !ehlo_text_unescape(bytes, &out->len, len + 1, text, len)) {
    return false;
  }
  out->bytes = bytes;
  s->blocks->len += out->len + 1;
  return true;
}

// "<address>"
static bool keep_path(struct ehlo_settings *s, struct ehlo_span *out, const char *text) {
  size_t len = strlen(text);
  return len >= 2 && text[0] == '<' && text[len - 1] == '>' && keep(s, out, text + 1, len - 2);
}

// Room for one element more in an array of `num`; NULL, with the array as it was, when there is
// none.
static void *grow(void *array, size_t *cap, size_t num, size_t size) {
  if (num < *cap) {
    return array;
  }
  size_t larger = num == 0 ? 8 : num * 2;
  void *out = realloc(array, larger * size);
  *cap = out != NULL ? larger : *cap;
  return out;
}

static bool add_message(struct ehlo_settings *s) {
  size_t n = s->submit.num_messages;
  struct ehlo_message *messages = n < EHLO_SETTINGS_MESSAGES_MAX
                                      ? grow(s->messages, &s->messages_cap, n, sizeof(*s->messages))
                                      : NULL;
  if (messages == NULL) {
    return false;
  }
  s->messages = messages;
  memset(&messages[n], 0, sizeof(messages[n]));
  s->submit.num_messages++;
  return true;
}

// The message that facts speak of: the last one begun. NULL: there is no memory for the first.
static struct ehlo_message *message(struct ehlo_settings *s) {
  if (s->submit.num_messages == 0 && !add_message(s)) {
    return NULL;
  }
  return &s->messages[s->submit.num_messages - 1];
}

static bool add_recipient(struct ehlo_settings *s, struct ehlo_message *m, const char *text) {
  struct ehlo_recipient *recipients =
      s->num_to < EHLO_SETTINGS_RECIPIENTS_MAX
          ? grow(s->recipients, &s->recipients_cap, s->num_to, sizeof(*recipients))
          : NULL;
  if (recipients == NULL) {
    return false;
  }
  s->recipients = recipients;
  memset(&recipients[s->num_to], 0, sizeof(recipients[0]));
  if (!keep_path(s, &recipients[s->num_to].address, text)) {
    return false;
  }
  m->num_to++;
  s->num_to++;
  return true;
}

static bool find_name(unsigned *out, const char *text, const char *const *names, size_t num) {
  for (size_t i = 0; i < num; i++) {
    if (strcmp(text, names[i]) == 0) {
      *out = (unsigned)i;
      return true;
    }
  }
  return false;
}

static bool read_number(uint64_t *out, const char *text) {
  *out = 0;
  size_t i = 0;
  for (; text[i] >= '0' && text[i] <= '9' && i < 18; i++) {
    *out = *out * 10 + (uint64_t)(text[i] - '0');
  }
  return i > 0 && text[i] == '\0';
}

static bool read_stage(struct ehlo_settings *s, const char *text) {
  for (unsigned i = 0; i < EHLO_NUM_STAGES; i++) {
    if (strcmp(text, ehlo_stage_name((enum ehlo_stage)i)) == 0) {
      s->submit.stop = true;
      s->submit.stop_after = (enum ehlo_stage)i;
      return true;
    }
  }
  return false;
}

// "PLAIN,LOGIN"
static bool read_mechanisms(struct ehlo_settings *s, const char *text) {
  s->submit.num_mechanisms = 0;
  while (*text != '\0') {
    size_t len = strcspn(text, ",");
    size_t i = 0;
    while (i < ehlo_num_mechanisms && (strlen(ehlo_all_mechanisms[i]->name) != len ||
                                       strncmp(ehlo_all_mechanisms[i]->name, text, len) != 0)) {
      i++;
    }
    if (i == ehlo_num_mechanisms || s->submit.num_mechanisms == EHLO_SETTINGS_MECHANISMS_MAX) {
      return false;
    }
    s->mechanisms[s->submit.num_mechanisms++] = ehlo_all_mechanisms[i];
    text += len;
    if (text[0] == ',' && *++text == '\0') {
      return false;
    }
  }
  return s->submit.num_mechanisms > 0;
}

// "greeting 1000": milliseconds, by the names of struct ehlo_timeouts.
struct timeout_row {
  const char *name;
  size_t offset;
};

static const struct timeout_row timeout_rows[] = {
    {"greeting", offsetof(struct ehlo_timeouts, greeting_ms)},
    {"command", offsetof(struct ehlo_timeouts, command_ms)},
    {"tls", offsetof(struct ehlo_timeouts, tls_ms)},
    {"data", offsetof(struct ehlo_timeouts, data_ms)},
    {"block", offsetof(struct ehlo_timeouts, block_ms)},
    {"body", offsetof(struct ehlo_timeouts, body_ms)},
    {"quit", offsetof(struct ehlo_timeouts, quit_ms)},
};
#define NUM_TIMEOUTS (sizeof(timeout_rows) / sizeof(timeout_rows[0]))

static bool read_timeout(struct ehlo_settings *s, const char *text) {
  for (size_t i = 0; i < NUM_TIMEOUTS; i++) {
    size_t len = strlen(timeout_rows[i].name);
    uint64_t ms;
    if (strncmp(text, timeout_rows[i].name, len) == 0 && text[len] == ' ' &&
        read_number(&ms, text + len + 1) && ms <= UINT32_MAX) {
      memcpy((uint8_t *)&s->client.timeouts + timeout_rows[i].offset, &(uint32_t){(uint32_t)ms},
             sizeof(uint32_t));
      return true;
    }
  }
  return false;
}

static bool read_choice(struct ehlo_settings *s, const char *word, const char *value) {
  unsigned choice = 0;
  if (strcmp(word, "tls") == 0 && find_name(&choice, value, tls_names, 3)) {
    s->submit.tls = (enum ehlo_tls_mode)choice;
    return true;
  }
  if (strcmp(word, "initial-response") == 0 && find_name(&choice, value, initial_names, 3)) {
    s->submit.initial_response = (enum ehlo_initial_response)choice;
    return true;
  }
  if (strcmp(word, "transfer") == 0 && find_name(&choice, value, transfer_names, 3)) {
    s->submit.transfer = (enum ehlo_transfer)choice;
    return true;
  }
  if (strcmp(word, "channel-binding") == 0 && find_name(&choice, value, binding_names, 2)) {
    // That there was one decides; its bytes go into proofs alone.
    struct ehlo_span binding = ehlo_str("binding");
    *(choice == 0 ? &s->credentials.tls_exporter : &s->credentials.tls_unique) = binding;
    return true;
  }
  return false;
}

static bool read_flag(struct ehlo_settings *s, const char *word) {
  if (strcmp(word, "lmtp") == 0) {
    s->submit.lmtp = true;
  } else if (strcmp(word, "force") == 0) {
    s->submit.force = true;
  } else if (strcmp(word, "allow-cleartext-auth") == 0) {
    s->client.allow_cleartext_auth = true;
  } else if (strcmp(word, "fix-eol") == 0) {
    s->client.bare_cr = EHLO_BARE_CR_REPAIR;
  } else if (strcmp(word, "exact") == 0) {
    s->client.bare_lf = EHLO_BARE_LF_REFUSE;
  } else {
    return false;
  }
  return true;
}

// What belongs to one message.
static bool read_message(struct ehlo_settings *s, const char *word, const char *value) {
  struct ehlo_message *m = message(s);
  if (m == NULL) {
    return false;
  }
  if (strcmp(word, "from") == 0) {
    return keep_path(s, &m->from, value);
  }
  if (strcmp(word, "mail-params") == 0) {
    return keep(s, &m->params, value, strlen(value));
  }
  if (strcmp(word, "to") == 0) {
    return add_recipient(s, m, value);
  }
  if (strcmp(word, "rcpt-params") == 0) {
    return m->num_to > 0 && keep(s, &s->recipients[s->num_to - 1].params, value, strlen(value));
  }
  if (strcmp(word, "size") == 0) {
    return read_number(&m->size, value);
  }
  if (value[0] != '\0') {
    return false;
  }
  m->is_8bit = m->is_8bit || strcmp(word, "8bit") == 0;
  m->is_binary = m->is_binary || strcmp(word, "binary") == 0;
  return true;
}

static bool is_of_message(const char *word) {
  static const char *const words[] = {"from", "mail-params", "to",    "rcpt-params",
                                      "size", "8bit",        "binary"};
  unsigned unused;
  return find_name(&unused, word, words, sizeof(words) / sizeof(words[0]));
}

static bool read_setting(struct ehlo_settings *s, const char *word, const char *value) {
  if (strcmp(word, "helo") == 0) {
    return keep(s, &s->submit.helo_name, value, strlen(value));
  }
  if (is_of_message(word)) {
    return read_message(s, word, value);
  }
  if (strcmp(word, "message") == 0) {
    return value[0] == '\0' && message(s) != NULL && add_message(s);
  }
  if (strcmp(word, "xclient") == 0) {
    return keep(s, &s->submit.xclient, value, strlen(value));
  }
  if (strcmp(word, "user") == 0) {
    s->submit.credentials = &s->credentials;
    return keep(s, &s->credentials.user, value, strlen(value));
  }
  if (strcmp(word, "auth") == 0) {
    return read_mechanisms(s, value);
  }
  if (strcmp(word, "auth-attempts") == 0) {
    uint64_t attempts;
    bool good = read_number(&attempts, value) && attempts > 0 && attempts <= 100;
    s->submit.auth_attempts = good ? (unsigned)attempts : 0;
    return good;
  }
  if (strcmp(word, "nonce") == 0) {
    return keep(s, &s->credentials.nonce, value, strlen(value));
  }
  if (strcmp(word, "stop-after") == 0) {
    return read_stage(s, value);
  }
  if (strcmp(word, "timeout") == 0) {
    return read_timeout(s, value);
  }
  return read_choice(s, word, value) || (value[0] == '\0' && read_flag(s, word));
}

void ehlo_settings_read(struct ehlo_settings *s, const char *text, size_t line) {
  static const char mark[] = "submit ";
  if (strncmp(text, mark, sizeof(mark) - 1) != 0) {
    return;
  }
  const char *setting = text + sizeof(mark) - 1;
  size_t word_len = strcspn(setting, " ");
  char word[32];
  if (word_len >= sizeof(word)) {
    s->present = true;
    complain(s, setting, line);
    return;
  }
  memcpy(word, setting, word_len);
  word[word_len] = '\0';
  // How long a client waits makes no submission of a session by hand.
  s->present = s->present || strcmp(word, "timeout") != 0;
  const char *value = setting + word_len + (setting[word_len] == ' ');
  if (!read_setting(s, word, value)) {
    complain(s, setting, line);
  }
}

void ehlo_settings_finish(struct ehlo_settings *s) {
  s->submit.messages = s->messages;
  size_t first = 0;
  for (size_t i = 0; i < s->submit.num_messages; i++) {
    struct ehlo_message *m = &s->messages[i];
    m->to = m->num_to > 0 ? s->recipients + first : NULL;
    first += m->num_to;
  }
  // The transcript keeps the place of the password and not its bytes: any will do.
  s->credentials.password = ehlo_str("password");
  s->credentials.digest_uri = ehlo_str("smtp/server");
  s->credentials.on_trust = true;
  if (s->submit.num_mechanisms == 0) {
    s->submit.mechanisms = ehlo_all_mechanisms;
    s->submit.num_mechanisms = ehlo_num_password_mechanisms;
  } else {
    s->submit.mechanisms = s->mechanisms;
  }
}

// ---- Writing ------------------------------------------------------------------------------------

struct sink {
  void (*fact)(void *arg, const char *text, size_t len);
  void *arg;
};

static void put(const struct sink *sink, const char *word, const char *value) {
  char text[TEXT_MAX];
  int len = snprintf(text, sizeof(text), "submit %s%s%s", word, value[0] != '\0' ? " " : "", value);
  if (len > 0 && (size_t)len < sizeof(text)) {
    sink->fact(sink->arg, text, (size_t)len);
  }
}

// The writer of the fact escapes it.
static void put_text(const struct sink *sink, const char *word, struct ehlo_span value, bool path) {
  char framed[TEXT_MAX - 32];
  int len = snprintf(framed, sizeof(framed), path ? "<%.*s>" : "%.*s", (int)value.len,
                     value.len > 0 ? (const char *)value.bytes : "");
  if (len >= 0 && (size_t)len < sizeof(framed)) {  // else longer than what the engine would send
    put(sink, word, framed);
  }
}

static void put_number(const struct sink *sink, const char *word, uint64_t value) {
  char digits[24];
  snprintf(digits, sizeof(digits), "%" PRIu64, value);
  put(sink, word, digits);
}

static void put_mechanisms(const struct sink *sink, const struct ehlo_submit_config *submit) {
  char names[512] = "";
  size_t len = 0;
  for (size_t i = 0; i < submit->num_mechanisms && len < sizeof(names) - 32; i++) {
    len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s", i > 0 ? "," : "",
                            submit->mechanisms[i]->name);
  }
  put(sink, "auth", names);
}

static void put_timeouts(const struct sink *sink, const struct ehlo_timeouts *timeouts) {
  for (size_t i = 0; i < NUM_TIMEOUTS; i++) {
    uint32_t ms;
    char value[48];
    memcpy(&ms, (const uint8_t *)timeouts + timeout_rows[i].offset, sizeof(ms));
    if (ms != 0) {
      snprintf(value, sizeof(value), "%s %" PRIu32, timeout_rows[i].name, ms);
      put(sink, "timeout", value);
    }
  }
}

void ehlo_settings_write_timeouts(const struct ehlo_timeouts *timeouts,
                                  void (*fact)(void *arg, const char *text, size_t len),
                                  void *arg) {
  struct sink sink = {fact, arg};
  put_timeouts(&sink, timeouts);
}

static void put_flag(const struct sink *sink, const char *word, bool value) {
  if (value) {
    put(sink, word, "");
  }
}

static void put_message(const struct sink *sink, const struct ehlo_message *m) {
  put_text(sink, "from", m->from, true);
  if (m->params.len > 0) {
    put_text(sink, "mail-params", m->params, false);
  }
  for (size_t i = 0; i < m->num_to; i++) {
    put_text(sink, "to", m->to[i].address, true);
    if (m->to[i].params.len > 0) {
      put_text(sink, "rcpt-params", m->to[i].params, false);
    }
  }
  if (m->size > 0) {
    put_number(sink, "size", m->size);
  }
  put_flag(sink, "8bit", m->is_8bit);
  put_flag(sink, "binary", m->is_binary);
}

void ehlo_settings_write(const struct ehlo_config *client, const struct ehlo_submit_config *submit,
                         void (*fact)(void *arg, const char *text, size_t len), void *arg) {
  struct sink sink = {fact, arg};
  put(&sink, "tls", tls_names[submit->tls]);
  put_flag(&sink, "lmtp", submit->lmtp);
  put_text(&sink, "helo", submit->helo_name, false);
  if (submit->xclient.len > 0) {
    put_text(&sink, "xclient", submit->xclient, false);
  }
  if (submit->credentials != NULL) {
    put_text(&sink, "user", submit->credentials->user, false);
    put_mechanisms(&sink, submit);
    put(&sink, "initial-response", initial_names[submit->initial_response]);
    if (submit->auth_attempts > 1) {
      put_number(&sink, "auth-attempts", submit->auth_attempts);
    }
    if (submit->credentials->nonce.len > 0) {
      put_text(&sink, "nonce", submit->credentials->nonce, false);
    }
  }
  if (submit->transfer != EHLO_TRANSFER_DATA) {
    put(&sink, "transfer", transfer_names[submit->transfer]);
  }
  put_flag(&sink, "force", submit->force);
  put_flag(&sink, "allow-cleartext-auth", client->allow_cleartext_auth);
  put_flag(&sink, "fix-eol", client->bare_cr == EHLO_BARE_CR_REPAIR);
  put_flag(&sink, "exact", client->bare_lf == EHLO_BARE_LF_REFUSE);
  if (submit->stop) {
    put(&sink, "stop-after", ehlo_stage_name(submit->stop_after));
  }
  put_timeouts(&sink, &client->timeouts);
  for (size_t i = 0; i < submit->num_messages; i++) {
    if (i > 0) {
      put(&sink, "message", "");
    }
    put_message(&sink, &submit->messages[i]);
  }
}

void ehlo_settings_write_binding(const struct ehlo_credentials *credentials,
                                 void (*fact)(void *arg, const char *text, size_t len), void *arg) {
  struct sink sink = {fact, arg};
  if (credentials->tls_exporter.len > 0) {
    put(&sink, "channel-binding", binding_names[0]);
  } else if (credentials->tls_unique.len > 0) {
    put(&sink, "channel-binding", binding_names[1]);
  }
}
