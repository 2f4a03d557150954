// Why a command is out of order where a session stands, by the engine's own table. Pure.
#ifndef EHLO_TOOLS_DRIVER_SHELL_ORDER_H
#define EHLO_TOOLS_DRIVER_SHELL_ORDER_H

#include "engine/ehlo.h"

// A sentence without a full stop, with the RFC's section; NULL where the command is in order.
const char *shell_order_reason(const struct ehlo_client *c, enum ehlo_verb verb);

#endif  // EHLO_TOOLS_DRIVER_SHELL_ORDER_H
