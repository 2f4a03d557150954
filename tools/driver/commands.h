// The commands of the driver: each takes its own argv, with its name first, and returns the exit
// status.
#ifndef EHLO_TOOLS_DRIVER_COMMANDS_H
#define EHLO_TOOLS_DRIVER_COMMANDS_H

#include "tools/driver/options.h"

// The options that are of one command alone. An account of the configuration may hold them whatever
// command it is used with.
extern const struct option_row send_option_rows[];
extern const struct option_row shell_option_rows[];
extern const struct option_row probe_option_rows[];
extern const struct option_row record_option_rows[];
// How messages are to go: options of `send` and of `sendmail`, over struct send_options.
extern const struct option_row transfer_option_rows[];
// The same of `sendmail` alone.
extern const struct option_row sendmail_setting_rows[];

int command_send(int argc, char **argv);
int command_sendmail(int argc, char **argv);
int command_probe(int argc, char **argv);
int command_doctor(int argc, char **argv);
int command_profiles(int argc, char **argv);
int command_explain(int argc, char **argv);
int command_replay(int argc, char **argv);
int command_serve(int argc, char **argv);
int command_shell(int argc, char **argv);
int command_record(int argc, char **argv);
int command_import(int argc, char **argv);
int command_scrub(int argc, char **argv);
int command_show(int argc, char **argv);
int command_shrink(int argc, char **argv);
int command_diff(int argc, char **argv);
int command_demo(int argc, char **argv);

#endif  // EHLO_TOOLS_DRIVER_COMMANDS_H
