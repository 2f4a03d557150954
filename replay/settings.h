// The settings of a submission as "! submit" facts: what a record keeps of them, so that a replay
// takes the same decisions. A password is never among them.
#ifndef EHLO_REPLAY_SETTINGS_H
#define EHLO_REPLAY_SETTINGS_H

#include "engine/submit.h"

// Mechanisms that a list may name.
#define EHLO_SETTINGS_MECHANISMS_MAX 32
// Messages that the facts may name, and recipients of all of them together.
#define EHLO_SETTINGS_MESSAGES_MAX 10000
#define EHLO_SETTINGS_RECIPIENTS_MAX 100000

struct ehlo_settings_block;

// What determines a submission besides the server. Memory behind it is its own; free with
// ehlo_settings_free().
struct ehlo_settings {
  struct ehlo_config client;
  struct ehlo_submit_config submit;
  struct ehlo_credentials credentials;
  struct ehlo_message *messages;  // submit.num_messages of them
  size_t messages_cap;
  struct ehlo_recipient *recipients;  // of all messages, one after the other
  size_t recipients_cap;
  size_t num_to;  // of them
  const struct ehlo_mechanism *mechanisms[EHLO_SETTINGS_MECHANISMS_MAX];
  struct ehlo_settings_block *blocks;  // of text, newest first
  bool present;                        // a submit fact was read that is no timeout
  char error[128];                     // the first fact that could not be understood; empty if none
  size_t error_line;
};

void ehlo_settings_init(struct ehlo_settings *s);
// Forgets all settings and keeps the memory for others.
void ehlo_settings_clear(struct ehlo_settings *s);
void ehlo_settings_free(struct ehlo_settings *s);

// Reads one fact's text ("submit from <a@b>"); others are left alone. `line` is where it stands.
void ehlo_settings_read(struct ehlo_settings *s, const char *text, size_t line);

// To be called after the last fact: makes `s->submit` complete, its messages' recipients among it,
// with a placeholder for the password and the server's proof taken on trust. A channel binding may
// still be read after the TLS handshake.
void ehlo_settings_finish(struct ehlo_settings *s);

// Gives each fact's text to `fact`.
void ehlo_settings_write(const struct ehlo_config *client, const struct ehlo_submit_config *submit,
                         void (*fact)(void *arg, const char *text, size_t len), void *arg);

// Of those, the client's bounds on its waits alone, which a session that is no submission may have
// too.
void ehlo_settings_write_timeouts(const struct ehlo_timeouts *timeouts,
                                  void (*fact)(void *arg, const char *text, size_t len), void *arg);

// Writes the fact that tells which channel binding the TLS session has, if it has one: to be called
// after the handshake. Its bytes are not kept.
void ehlo_settings_write_binding(const struct ehlo_credentials *credentials,
                                 void (*fact)(void *arg, const char *text, size_t len), void *arg);

// All mechanisms known here. The first ones are for a password, strongest first: those that bind
// the TLS channel, those that prove without telling and have the server prove itself, CRAM-MD5 that
// only proves without telling, those that tell. (curl, swaks and Python's smtplib have CRAM-MD5
// before PLAIN, too. A server whose store of passwords cannot do it should not offer it.) The
// others are used only where they are named: they are for a token or for nothing, lest a password
// go where a token should, or too weak or too rare to be met by surprise.
extern const struct ehlo_mechanism *const ehlo_all_mechanisms[];
extern const size_t ehlo_num_password_mechanisms;
extern const size_t ehlo_num_mechanisms;

#endif  // EHLO_REPLAY_SETTINGS_H
