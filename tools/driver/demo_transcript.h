// The transcript that the demo's server plays, put into the program by the build.
#ifndef EHLO_TOOLS_DRIVER_DEMO_TRANSCRIPT_H
#define EHLO_TOOLS_DRIVER_DEMO_TRANSCRIPT_H

extern const char demo_transcript[];

#endif  // EHLO_TOOLS_DRIVER_DEMO_TRANSCRIPT_H
