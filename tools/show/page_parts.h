// Between the two halves of a page: the rows, and what stands around them.
#ifndef EHLO_TOOLS_SHOW_PAGE_PARTS_H
#define EHLO_TOOLS_SHOW_PAGE_PARTS_H

#include "tools/show/page.h"

// Ends the row at hand.
void show_page_end(struct show_page *p);

// Puts what a clip kept, and "N … left out" where something is missing.
void show_page_put_clip(struct markup *m, const struct clip *c, const char *left_out);

extern const char show_page_style[];  // page.css

#endif  // EHLO_TOOLS_SHOW_PAGE_PARTS_H
