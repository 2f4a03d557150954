// What is known of providers of mail: host, port, mechanisms, limits, each with its source and
// date. Facts alone; an account of the configuration always wins over them.
#ifndef EHLO_TOOLS_DRIVER_PROFILE_H
#define EHLO_TOOLS_DRIVER_PROFILE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define PROFILE_NOTES_MAX 4

struct profile {
  const char *name;   // "gmail"
  const char *title;  // "Gmail and Google Workspace"
  const char *server;
  const char *host;                      // of `server`, to know it by
  bool cleartext;                        // on this machine alone: no TLS
  const char *mechanisms;                // that it offers, separated by commas; NULL: any, or none
  const char *user;                      // the only user name that it takes; NULL: not known
  bool user_is_address;                  // the user name has an @
  bool from_is_user;                     // another sender than the user needs a right of its own
  const char *limits;                    // NULL: not known
  const char *notes[PROFILE_NOTES_MAX];  // sentences; NULL-terminated
  const char *source;
  const char *as_of;  // "2026-11"
};

extern const struct profile profiles[];
extern const size_t num_profiles;

// By name, or by the host that somebody gave; NULL: there is none.
const struct profile *profile_find(const char *name);
const struct profile *profile_of_host(const char *host);

void profile_print(FILE *out, const struct profile *p);
json_t *profile_json(const struct profile *p);

#endif  // EHLO_TOOLS_DRIVER_PROFILE_H
