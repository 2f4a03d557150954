// The model of a session (model.h) beside the session target: the same steps, and whether a client did the
// same. The steps can be asked for alone, where no client is.
#ifndef EHLO_FUZZ_SESSION_MODEL_H
#define EHLO_FUZZ_SESSION_MODEL_H

#include "fuzz/model.h"
#include "fuzz/session_text.h"

#define EHLO_FUZZ_NUM_ROOMS 4
// All that the server may say in one run, in octets.
#define EHLO_FUZZ_SERVER_MAX ((size_t)1 << 17)

// The sizes that the client's buffer may have.
extern const size_t ehlo_fuzz_room_lens[EHLO_FUZZ_NUM_ROOMS];

struct ehlo_fuzz_session_settings {
  struct ehlo_config config;
  bool hold;    // output is taken by "A" steps alone
  size_t room;  // which of the sizes the buffer has
};

// Octets before the first step. The first says this; the second is the session target's.
#define EHLO_FUZZ_NUM_SETTINGS 2
struct ehlo_fuzz_session_settings ehlo_fuzz_session_settings_read(uint8_t octet);

struct ehlo_session_model {
  struct ehlo_model model;
  bool hold;
  enum ehlo_status status;           // of the step
  bool known;                        // whether there is such a step
  struct ehlo_fuzz_command command;  // the last one
  bool waits_for_used;               // text in an output that is held
  size_t num_received;               // octets of the server, also behind the end
  size_t num_seen;                   // events of the step that the client had as well
  size_t num_sent;                   // octets that the client gave
  size_t num_steps;
  char what;  // the last one
};

// A model is all zero, or what another session left.
void ehlo_session_model_begin(struct ehlo_session_model *s,
                              const struct ehlo_fuzz_session_settings *settings);
void ehlo_session_model_step(struct ehlo_session_model *s, struct ehlo_fuzz_step step);
// Nothing more comes, until the deadline, if there is one.
void ehlo_session_model_wait(struct ehlo_session_model *s);

// ---- Beside a client -----------------------------------------------------------------------------

// The model went first. These are told what the client did then, and end the program where that is
// another thing.
void ehlo_session_model_see_used(struct ehlo_session_model *s, struct ehlo_span text, size_t used);
void ehlo_session_model_see_event(struct ehlo_session_model *s, const struct ehlo_event *event);
void ehlo_session_model_see_output(struct ehlo_session_model *s, const struct ehlo_output *out,
                                   size_t taken);
void ehlo_session_model_see_rest(struct ehlo_session_model *s, const struct ehlo_client *c,
                                 enum ehlo_status status);

#endif  // EHLO_FUZZ_SESSION_MODEL_H
