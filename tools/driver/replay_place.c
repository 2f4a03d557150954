// What people want to know where a replay stands still. The transcript is read by a reader of its
// own, from its beginning, since a replay does not keep what it has used.
#include "tools/driver/replay_place.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "tools/driver/text.h"

#define LINES_BEFORE 6
#define LINES_AFTER 6
#define SHOWN_MAX 160  // characters of a line

// Reads what another reader is in the middle of.
struct second_look {
  int fd;
  off_t at;
  struct ehlo_reader reader;
};

static long read_at(void *arg, uint8_t *buf, size_t cap) {
  struct second_look *l = arg;
  ssize_t n = pread(l->fd, buf, cap, l->at);
  l->at += n > 0 ? n : 0;
  return (long)n;
}

static struct second_look *look_again(const struct replay_source *source) {
  struct second_look *l = malloc(sizeof(*l));
  if (l != NULL) {
    l->fd = fileno(source->file);
    l->at = 0;
    ehlo_reader_init(&l->reader, read_at, l);
  }
  return l;
}

// A line of a transcript is printable as it stands.
static void print_raw(FILE *out, const struct ehlo_item *item) {
  bool whole = item->raw_len <= SHOWN_MAX;
  fprintf(out, "%.*s%s\n", whole ? (int)item->raw_len : SHOWN_MAX, item->raw, whole ? "" : " ...");
}

void replay_place_list(FILE *out, const struct replay_source *source, size_t line) {
  struct second_look *l = look_again(source);
  struct ehlo_item item;
  enum ehlo_read_result result = EHLO_READ_END;
  while (l != NULL && (result = ehlo_reader_next(&l->reader, &item)) == EHLO_READ_ITEM &&
         item.line <= line + LINES_AFTER) {
    if (item.line + LINES_BEFORE >= line) {
      fprintf(out, "%c %6zu  ", item.line == line ? '>' : ' ', item.line);
      print_raw(out, &item);
    }
  }
  if (result == EHLO_READ_BAD) {
    fprintf(out, "! %6zu  column %zu: %s\n", l->reader.error.line, l->reader.error.column,
            l->reader.error.message);
  } else if (result == EHLO_READ_END) {
    fputs("          (the end)\n", out);
  }
  free(l);
}

static void print_place(FILE *out, const char *label, const char *path,
                        const struct ehlo_item *item) {
  fprintf(out, "  %-13s ", label);
  text_print(out, ehlo_str(path));
  fprintf(out, ":%zu  ", item->line);
  print_raw(out, item);
}

static bool is_next(const struct ehlo_item *item, size_t line) {
  return item->line > line && item->type != EHLO_ITEM_COMMENT && item->type != EHLO_ITEM_EVENT;
}

// The line that was used last, and what of the session comes after it.
static void print_places(FILE *out, const struct replay_source *source, const char *path,
                         size_t line) {
  struct second_look *l = look_again(source);
  struct ehlo_item item;
  while (l != NULL && ehlo_reader_next(&l->reader, &item) == EHLO_READ_ITEM) {
    if (item.line == line) {
      print_place(out, "transcript", path, &item);
    } else if (is_next(&item, line)) {
      print_place(out, "next", path, &item);
      free(l);
      return;
    }
  }
  fprintf(out, "  %-13s %s\n", "next", "the end of the transcript");
  free(l);
}

static void print_client(FILE *out, const struct ehlo_client *c) {
  fprintf(out, "  %-13s %s%s%s%s, %zu recipient%s accepted\n", "client",
          ehlo_state_name(ehlo_client_state(c)), ehlo_client_is_secure(c) ? ", under TLS" : "",
          ehlo_client_is_authenticated(c) ? ", authenticated" : "",
          ehlo_client_is_lmtp(c) ? ", LMTP" : "", ehlo_client_num_accepted(c),
          ehlo_client_num_accepted(c) == 1 ? "" : "s");
  if (c->status != EHLO_OK) {
    fprintf(out, "  %-13s %s\n", "error", ehlo_status_name(c->status));
  }
}

static void print_deadline(FILE *out, const struct ehlo_client *c, uint64_t now_us) {
  uint64_t deadline = ehlo_deadline(c);
  fprintf(out, "  %-13s %zu command%s without a reply\n", "pending", ehlo_client_num_pending(c),
          ehlo_client_num_pending(c) == 1 ? "" : "s");
  if (deadline == EHLO_NEVER) {
    fprintf(out, "  %-13s none\n", "deadline");
  } else {
    fprintf(out, "  %-13s at %" PRIu64 ".%03" PRIu64 " s, in %.3f s\n", "deadline", deadline / 1000,
            deadline % 1000, ((double)deadline * 1000 - (double)now_us) / 1e6);
  }
}

void replay_place_print(const struct replay_tap *t, const struct replay_source *source,
                        const char *path, size_t line) {
  FILE *out = t->out;
  uint64_t now_us = t->player->time_us;
  print_places(out, source, path, line);
  fprintf(out, "  %-13s %" PRIu64 ".%06" PRIu64 " s\n", "time", now_us / 1000000, now_us % 1000000);
  print_client(out, t->client);
  if (t->submit != NULL) {
    fprintf(out, "  %-13s %s at %s\n", "submission", ehlo_outcome_name(t->submit->verdict.outcome),
            ehlo_stage_name(t->submit->verdict.stage));
  }
  fprintf(out, "  %-13s %s\n", "last command", t->command[0] != '\0' ? t->command : "none");
  fprintf(out, "  %-13s %s\n", "last reply", t->reply[0] != '\0' ? t->reply : "none");
  print_deadline(out, t->client, now_us);
}
