// ehlo show: a transcript for people, or as JSON Lines.
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "replay/transcript.h"
#include "tools/driver/commands.h"
#include "tools/driver/file.h"
#include "tools/driver/options.h"
#include "tools/driver/text.h"
#include "tools/driver/trace.h"

struct show_command {
  bool json;
  bool verbose;
};

static const char *set_json(void *o, const char *value) {
  (void)value;
  ((struct show_command *)o)->json = true;
  return NULL;
}

static const char *set_verbose(void *o, const char *value) {
  (void)value;
  ((struct show_command *)o)->verbose = true;
  return NULL;
}

static const struct option_row rows[] = {
    {"json", 0, NULL, "JSON Lines: one item of the transcript a line", set_json},
    {"verbose", 'v', NULL, "with the raw bytes, times, cuts and events", set_verbose},
    {NULL, 0, NULL, NULL, NULL},
};
static const struct option_row *const tables[] = {rows, NULL};
static const struct command command = {
    .name = "show",
    .synopsis = "[OPTION…] FILE",
    .summary = "Prints a transcript; - is standard input.",
    .tables = tables,
    .notes = "Marks: -> <- in cleartext, ~> <~ under TLS, <** <~* a refusal, === a fact.\n",
};

static const char *type_name(enum ehlo_item_type type) {
  static const char *const names[] = {"comment", "fact", "server", "client", "event"};
  return names[type];
}

// The bytes of an item with its secrets as the transcript has them.
static json_t *item_text(const struct ehlo_item *item) {
  if (item->type != EHLO_ITEM_SERVER && item->type != EHLO_ITEM_CLIENT) {
    return text_to_json((struct ehlo_span){(const uint8_t *)item->text, item->text_len});
  }
  if (item->num_secrets > 0) {
    return text_to_json((struct ehlo_span){(const uint8_t *)item->text, item->text_len});
  }
  size_t len = item->bytes_len - (item->ends_line ? 2 : 0);
  return text_to_json((struct ehlo_span){item->bytes, len});
}

static void show_json(const struct ehlo_item *item, uint64_t time_us) {
  json_t *json = json_pack("{s:I, s:s, s:o}", "line", (json_int_t)item->line, "type",
                           type_name(item->type), "text", item_text(item));
  if (item->has_time) {
    json_object_set_new(json, "seconds", json_real((double)time_us / 1e6));
  }
  if (item->type == EHLO_ITEM_SERVER || item->type == EHLO_ITEM_CLIENT) {
    json_object_set_new(json, "ends_line", json_boolean(item->ends_line));
    json_object_set_new(json, "secret", json_boolean(item->num_secrets > 0));
  }
  text_print_json(json, JSON_COMPACT);
}

static int show(const struct show_command *c, FILE *file, const char *path) {
  static struct ehlo_reader reader;
  static struct trace trace;
  struct ehlo_item item;
  uint64_t time_us = 0;
  ehlo_reader_init(&reader, file_read, file);
  trace_init(&trace, stdout, c->verbose);
  for (;;) {
    switch (ehlo_reader_next(&reader, &item)) {
      case EHLO_READ_ITEM:
        time_us += item.has_time ? item.delta_us : 0;
        if (c->json) {
          show_json(&item, time_us);
        } else {
          trace_item(&trace, &item);
        }
        break;
      case EHLO_READ_END:
        return 0;
      case EHLO_READ_BAD:
        fflush(stdout);
        fprintf(stderr, "ehlo: %s:%zu:%zu: %s\n", path, reader.error.line, reader.error.column,
                reader.error.message);
        return EX_DATAERR;
      case EHLO_READ_FAILED:
        fprintf(stderr, "ehlo: cannot read %s: %s\n", path, strerror(errno));
        return EX_NOINPUT;
    }
  }
}

static int run(void *options, const struct option_uses *uses) {
  struct show_command *c = options;
  if (!options_apply(uses, &command, c)) {
    return EX_USAGE;
  }
  if (uses->num_operands != 1) {
    options_complain(&command, "one FILE is expected");
    return EX_USAGE;
  }
  FILE *file = file_open(uses->operands[0]);
  if (file == NULL) {
    fprintf(stderr, "ehlo: cannot read %s: %s\n", uses->operands[0], strerror(errno));
    return EX_NOINPUT;
  }
  int status = show(c, file, uses->operands[0]);
  file_close(file);
  return status;
}

int command_show(int argc, char **argv) {
  struct show_command c = {0};
  return options_run(&command, argc, argv, &c, run);
}
