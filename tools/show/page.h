// A transcript as one HTML page without scripts and without network: the conversation as a sequence
// diagram with a time axis, where the seconds went, the certificate, the outcome and what it means. The
// page is put together from pieces as they come, within bounds, and written at the end.
#ifndef EHLO_TOOLS_SHOW_PAGE_H
#define EHLO_TOOLS_SHOW_PAGE_H

#include <stdio.h>

#include "tools/show/markup.h"
#include "tools/show/summary.h"

// What a page holds at most, in octets of HTML. Of anything longer the beginning and the end are
// shown, and how much is left out between them.
#define SHOW_PAGE_ROWS_MAX \
  ((size_t)2 << 20)  // the conversation; the same again by a quarter at its end
#define SHOW_PAGE_BLOCK_MAX \
  ((size_t)48 << 10)  // one arrow: a reply, a flight of commands, a message
#define SHOW_PAGE_RAW_MAX ((size_t)512 << 10)  // the transcript as it is
#define SHOW_PAGE_SETTINGS_MAX ((size_t)64 << 10)
#define SHOW_PAGE_LINE_MAX ((size_t)2000)  // octets of one line of the dialogue

struct show_page {
  struct show_dialogue dialogue;
  struct show_summary summary;
  struct clip rows;
  struct clip raw;
  struct clip settings;
  // The arrow at hand: what one side sent without a wait in between.
  bool row_open;
  enum ehlo_side side;
  bool is_message;
  bool tls;
  bool timed;
  uint64_t time_us;
  uint64_t within_us[2];  // waited after it began, by side
  enum ehlo_stage stage;
  size_t num_lines;
  uint64_t num_octets;
  struct clip lines;
  // The line at hand.
  bool line_open;
  bool continued;  // its beginning is further up
  char first;
  size_t line_shown;
  size_t line_left_out;
  struct markup line;
  struct markup scratch;
};

void show_page_init(struct show_page *p);
void show_page_free(struct show_page *p);

// Takes the next item.
void show_page_item(struct show_page *p, const struct ehlo_item *item);

// Ends the page and writes it; `name` is what the file is called. To be called once. False: there was
// no memory for the page; whether the writing succeeded is for ferror() to say.
bool show_page_write(struct show_page *p, FILE *out, const char *name);

#endif  // EHLO_TOOLS_SHOW_PAGE_H
