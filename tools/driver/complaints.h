// What is wrong, told to people on standard error, and in JSON to the program that asked for JSON.
#ifndef EHLO_TOOLS_DRIVER_COMPLAINTS_H
#define EHLO_TOOLS_DRIVER_COMPLAINTS_H

#include <stdio.h>

// Standard error, where whole lines "ehlo: …" and "ehlo COMMAND: …" are remembered.
FILE *complaints(void);

// The last of them that was no warning, without what stands before its sentence and at most 1,000
// octets of it; empty where there was none.
const char *complaints_last(void);

// The object of a command that ends with `status`, not 0, and nothing else to tell: the outcome "usage",
// the sentence and the status.
void complaints_print_json(int status);

#endif  // EHLO_TOOLS_DRIVER_COMPLAINTS_H
