// The options of `send` that make a message, or several of one: its parts, and templates.
#ifndef EHLO_TOOLS_DRIVER_COMPOSE_OPTIONS_H
#define EHLO_TOOLS_DRIVER_COMPOSE_OPTIONS_H

#include "tools/driver/option_list.h"
#include "tools/driver/options.h"

#define COMPOSE_REPEAT_MAX 1000

struct compose_options {
  const char *subject;
  const char *body;  // the text, @FILE, or - for standard input
  const char *html;
  struct option_list attach;  // FILE or FILE:TYPE
  struct option_list attach_inline;
  struct option_list headers;  // "Name: value"
  struct option_list cc;       // these two are recipients as well
  struct option_list bcc;
  bool test;
  bool is_template;
  size_t repeat;  // 0: once
};

struct send_options;

// Rows over struct send_options.
extern const struct option_row compose_option_rows[];

// Whether a message is to be made rather than read.
bool compose_options_given(const struct compose_options *o);

// What is wrong with the options together, with `num_data` messages to be read; NULL if nothing is.
const char *compose_options_wrong(const struct compose_options *o, size_t num_data);

void compose_options_free(struct compose_options *o);

#endif  // EHLO_TOOLS_DRIVER_COMPOSE_OPTIONS_H
