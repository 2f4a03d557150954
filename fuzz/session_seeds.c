// Turns transcripts into inputs of the session target: session_seeds OUT_DIR TRANSCRIPT…
// The client's lines become commands, responses and lines of the message, by the reply before them.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/transcript.h"

#define TEXT_MAX ((size_t)65536)

struct seed {
  FILE *out;
  char code[4];  // of the server's last line
  bool in_message;
  unsigned long chunk_left;
  size_t len;  // of the client's line so far
  char line[TEXT_MAX];
};

static long give(void *arg, uint8_t *buf, size_t cap) {
  size_t n = fread(buf, 1, cap, arg);
  return ferror((FILE *)arg) != 0 ? -1 : (long)n;
}

static void put(struct seed *s, char what, const char *text, size_t len) {
  fputc(what, s->out);
  for (size_t i = 0; i < len; i++) {
    fputc(text[i] == '\n' ? 0x1a : text[i], s->out);
  }
  fputc('\n', s->out);
}

static void put_text(struct seed *s, char what, const char *text) {
  put(s, what, text, strlen(text));
}

// A whole line of the client's, without its CRLF.
static void put_client_line(struct seed *s) {
  bool dot = s->len > 0 && s->line[0] == '.';
  if (s->in_message && s->len == 1 && dot) {
    put_text(s, '.', "");
    s->in_message = false;
  } else if (s->in_message) {
    put(s, 'B', s->line + dot, s->len - dot);
  } else if (strcmp(s->code, "334") == 0) {
    bool cancels = s->len == 1 && s->line[0] == '*';
    put(s, cancels ? '*' : 'R', s->line, cancels ? 0 : s->len);
  } else {
    put(s, 'C', s->line, s->len);
    s->line[s->len] = '\0';
    s->chunk_left = strncmp(s->line, "BDAT ", 5) == 0 ? strtoul(s->line + 5, NULL, 10) : 0;
  }
  s->len = 0;
}

static void add_client(struct seed *s, const char *bytes, size_t len) {
  for (size_t i = 0; i < len; i++) {
    if (s->chunk_left > 0) {
      s->chunk_left--;
      put(s, 'O', bytes + i, 1);
    } else if (bytes[i] == '\n' && s->len > 0 && s->line[s->len - 1] == '\r') {
      s->len--;
      put_client_line(s);
    } else if (s->len + 1 < TEXT_MAX) {
      s->line[s->len++] = bytes[i];
    }
  }
}

static void put_client(struct seed *s, const struct ehlo_item *item) {
  size_t at = 0;
  s->in_message = s->in_message || strcmp(s->code, "354") == 0;
  for (size_t i = 0; i < item->num_secrets; at = item->secret_at[i++]) {
    add_client(s, (const char *)item->bytes + at, item->secret_at[i] - at);
    add_client(s, "secret", strlen("secret"));
  }
  add_client(s, (const char *)item->bytes + at, item->bytes_len - at);
}

static void put_server(struct seed *s, const struct ehlo_item *item) {
  snprintf(s->code, sizeof(s->code), "%.3s", item->text);
  put(s, item->ends_line ? 'S' : 's', (const char *)item->bytes,
      item->bytes_len - (item->ends_line ? 2 : 0));
}

static void put_fact(struct seed *s, const struct ehlo_item *item) {
  switch (item->fact) {
    case EHLO_FACT_TLS:
      put_text(s, item->failed ? 'E' : 'T', item->failed ? "t" : "");
      break;
    case EHLO_FACT_EOF:
    case EHLO_FACT_RESET:
      if (item->side == EHLO_SIDE_SERVER) {
        put_text(s, 'E', item->fact == EHLO_FACT_EOF ? "c" : "r");
      }
      break;
    case EHLO_FACT_TIMEOUT:
      put_text(s, '+', "600000");
      break;
    case EHLO_FACT_CONNECT:
      if (item->failed) {
        put_text(s, 'E', "x");
      }
      break;
    case EHLO_FACT_HEADER:
    case EHLO_FACT_NOTE:
    case EHLO_FACT_SUBMIT:
      break;
  }
}

static void put_item(struct seed *s, const struct ehlo_item *item) {
  if (item->has_time && item->delta_us >= 1000000 && item->fact != EHLO_FACT_TIMEOUT) {
    char ms[32];
    snprintf(ms, sizeof(ms), "%llu", (unsigned long long)item->delta_us / 1000);
    put_text(s, '+', ms);
  }
  switch (item->type) {
    case EHLO_ITEM_SERVER:
      put_server(s, item);
      break;
    case EHLO_ITEM_CLIENT:
      put_client(s, item);
      break;
    case EHLO_ITEM_FACT:
      put_fact(s, item);
      break;
    case EHLO_ITEM_COMMENT:
    case EHLO_ITEM_EVENT:
      break;
  }
}

// Settings first: credentials may go in cleartext, output is taken at once, the default buffer.
static bool make_seed(const char *folder, const char *path) {
  static struct ehlo_reader reader;
  static struct seed seed;
  const char *slash = strrchr(path, '/');
  char out_path[4096];
  struct ehlo_item item;
  snprintf(out_path, sizeof(out_path), "%s/%s", folder, slash != NULL ? slash + 1 : path);
  memset(&seed, 0, sizeof(seed));
  seed.out = fopen(out_path, "wb");
  FILE *in = fopen(path, "rb");
  if (in == NULL || seed.out == NULL) {
    perror(in == NULL ? path : out_path);
    return false;
  }
  fputs("M7\n", seed.out);
  ehlo_reader_init(&reader, give, in);
  enum ehlo_read_result result;
  while ((result = ehlo_reader_next(&reader, &item)) == EHLO_READ_ITEM) {
    put_item(&seed, &item);
  }
  fclose(in);
  if (fclose(seed.out) != 0 || result != EHLO_READ_END) {
    fprintf(stderr, "%s: no transcript, or no room\n", path);
    return false;
  }
  return true;
}

int main(int argc, char **argv) {
  for (int i = 2; i < argc; i++) {
    if (!make_seed(argv[1], argv[i])) {
      return 1;
    }
  }
  return 0;
}
