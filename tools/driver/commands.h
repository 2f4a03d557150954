// The commands of the driver: each takes its own argv, with its name first, and returns the exit
// status.
#ifndef EHLO_TOOLS_DRIVER_COMMANDS_H
#define EHLO_TOOLS_DRIVER_COMMANDS_H

int command_send(int argc, char **argv);
int command_probe(int argc, char **argv);
int command_replay(int argc, char **argv);
int command_show(int argc, char **argv);
int command_demo(int argc, char **argv);

#endif  // EHLO_TOOLS_DRIVER_COMMANDS_H
