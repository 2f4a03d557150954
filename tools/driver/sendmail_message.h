// The message as sendmail hands it on: with the header that it needs, and the body as it came.
#ifndef EHLO_TOOLS_DRIVER_SENDMAIL_MESSAGE_H
#define EHLO_TOOLS_DRIVER_SENDMAIL_MESSAGE_H

#include "tools/driver/message.h"

struct sendmail_header {
  const char *sender;     // the envelope's, for a From that is missing; empty: none is added
  const char *full_name;  // its name, may be empty
  const char *domain;     // for addresses without one; NULL: they stay as they are
};

// Makes it of `bytes`, from malloc(), which it takes over. Returns 0 or an exit status, after
// printing what is wrong.
int sendmail_message_make(struct message *out, uint8_t *bytes, size_t len,
                          const struct sendmail_header *header);

#endif  // EHLO_TOOLS_DRIVER_SENDMAIL_MESSAGE_H
