// The record of one served connection: a transcript, with the client's credentials hidden. All calls
// take NULL for a connection without one.
#ifndef EHLO_TOOLS_DRIVER_SERVE_TAP_H
#define EHLO_TOOLS_DRIVER_SERVE_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct serve_tap;

// Opens FILE for the first connection and FILE.2, FILE.3 … (before its suffix) for those after it.
// NULL after printing why it cannot.
struct serve_tap *serve_tap_open(const char *path, size_t number);

// Plaintext of one read or write, and what happened, at a time since the connection was accepted.
void serve_tap_client(struct serve_tap *t, const uint8_t *bytes, size_t len, uint64_t time_us);
void serve_tap_server(struct serve_tap *t, const uint8_t *bytes, size_t len, uint64_t time_us);
void serve_tap_fact(struct serve_tap *t, uint64_t time_us, const char *text);

// Ends the record; false, after printing so, if it is not complete.
bool serve_tap_close(struct serve_tap *t);

#endif  // EHLO_TOOLS_DRIVER_SERVE_TAP_H
