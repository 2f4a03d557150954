// curl --trace-ascii and --trace, with --trace-time and --trace-ids or without. A block is a heading
// with the number of its octets, and lines that begin with an offset. --trace gives every octet.
// --trace-ascii leaves CRLFs out, which the offsets prove, and shows what is not printable as a dot,
// which nothing can undo. Blocks of TLS records are passed over. What curl received it cuts into lines
// before it shows them, so the chunks are known of what it sent alone.
#include <string.h>

#include "replay/import/parsers.h"

#define ASCII_WIDTH 64
#define HEX_WIDTH 16

static bool is_heading(struct text t, bool *out_client) {
  *out_client = text_begins(t, "=> Send ");
  return *out_client || text_begins(t, "<= Recv ");
}

static bool recognises(struct text line) {
  bool client;
  line = curl_without_meter(line);
  curl_take_stamp(&line);
  return is_heading(line, &client) || text_begins(line, "== Info: ");
}

static void put(struct ehlo_importer *i, const uint8_t *bytes, size_t len) {
  uint64_t *time_us = &i->state.curl_trace.time_us;
  if (len == 0) {
    return;
  }
  if (i->state.curl_trace.client) {
    ehlo_import_client(&i->session, bytes, len, *time_us);
  } else {
    ehlo_import_server(&i->session, bytes, len, *time_us);
  }
  *time_us = EHLO_NO_TIME;
}

// The line that is held ends at `next`: what is between its end and there is nothing, or a CRLF.
static void put_held(struct ehlo_importer *i, const struct piece *piece, size_t next) {
  if (!i->state.curl_trace.holds) {
    return;
  }
  size_t end = i->state.curl_trace.at + i->state.curl_trace.held_len;
  i->state.curl_trace.holds = false;
  if (next != end && next != end + 2) {
    importer_fail(i, piece, piece->text.bytes, "the offsets before this line do not fit the text");
    return;
  }
  put(i, i->state.curl_trace.held, i->state.curl_trace.held_len);
  if (next == end + 2) {
    put(i, (const uint8_t *)"\r\n", 2);
  }
  i->state.curl_trace.at = next;
}

static void end_block(struct ehlo_importer *i, const struct piece *piece) {
  if (i->state.curl_trace.in_block) {
    put_held(i, piece, i->state.curl_trace.block_len);
    if (!i->failed && i->state.curl_trace.at != i->state.curl_trace.block_len) {
      importer_fail(i, piece, piece->text.bytes, "the block before this line is not whole");
    }
  }
  i->state.curl_trace.in_block = false;
}

// ---- The lines of a block -----------------------------------------------------------------------

// "32 32 30 20 … 220 mail": reads up to 16 octets. False if it is no such line.
static bool read_hex(struct text t, size_t num, uint8_t out[HEX_WIDTH]) {
  for (size_t n = 0; n < num; n++) {
    struct text pair = {t.bytes + 3 * n, 2};
    uint64_t value;
    if (t.len < 3 * n + 3 || !text_take_number(&pair, &value, 16) || pair.len > 0 ||
        t.bytes[3 * n + 2] != ' ') {
      return false;
    }
    out[n] = (uint8_t)value;
  }
  return t.len == 3 * HEX_WIDTH + num;
}

static void take_hex(struct ehlo_importer *i, const struct piece *piece, const uint8_t *octets,
                     size_t len, uint64_t offset) {
  if (offset != i->state.curl_trace.at) {
    importer_fail(i, piece, piece->text.bytes, "octets of the block are missing before this line");
    return;
  }
  put(i, octets, len);
  i->state.curl_trace.at += len;
}

static void tell_of_dots(struct ehlo_importer *i, struct text t) {
  if (i->state.curl_trace.told_dots || !i->session.in_message || text_find(t, ".") == t.len) {
    return;
  }
  i->state.curl_trace.told_dots = true;
  ehlo_import_fact(&i->session, "note unknown octets: a dot of the message may stand for another",
                   EHLO_NO_TIME);
}

static void take_ascii(struct ehlo_importer *i, const struct piece *piece, struct text t,
                       uint64_t offset) {
  put_held(i, piece, offset);
  if (i->failed) {
    return;
  }
  if (t.len > ASCII_WIDTH || offset != i->state.curl_trace.at) {
    importer_fail(i, piece, piece->text.bytes, "the offsets before this line do not fit the text");
    return;
  }
  tell_of_dots(i, t);
  i->state.curl_trace.holds = true;
  i->state.curl_trace.held_len = t.len;
  memcpy(i->state.curl_trace.held, t.bytes, t.len);
}

static bool take_offset(struct text *t, uint64_t *offset) {
  struct text rest = *t;
  if (!text_take_number(&rest, offset, 16) || rest.len + 4 > t->len || !text_take(&rest, ":")) {
    return false;
  }
  text_take(&rest, " ");
  *t = rest;
  return true;
}

static void take_text(struct ehlo_importer *i, const struct piece *piece, struct text t,
                      uint64_t offset) {
  uint8_t octets[HEX_WIDTH];
  size_t left = i->state.curl_trace.block_len - i->state.curl_trace.at;
  size_t num = left < HEX_WIDTH ? left : HEX_WIDTH;
  bool is_hex = read_hex(t, num, octets);
  if (!i->state.curl_trace.hex_known) {
    i->state.curl_trace.hex_known = true;
    i->state.curl_trace.hex = is_hex;
  }
  if (!i->state.curl_trace.hex) {
    take_ascii(i, piece, t, offset);
  } else if (is_hex) {
    take_hex(i, piece, octets, num, offset);
  } else {
    importer_fail(i, piece, piece->text.bytes, "a line of hexadecimal octets is expected here");
  }
}

// ---- Headings -----------------------------------------------------------------------------------

// "header, 32 bytes (0x20)"; of TLS records the first word is another.
static void begin_block(struct ehlo_importer *i, const struct piece *piece, struct text t,
                        uint64_t time_us) {
  uint64_t len;
  bool dialogue = text_take(&t, "header, ") || text_take(&t, "data, ");
  if (!dialogue) {
    return;
  }
  if (!text_take_number(&t, &len, 10) || !text_begins(t, " bytes (") || len > SIZE_MAX / 2) {
    importer_fail(i, piece, t.bytes, "the number of octets is expected here");
    return;
  }
  i->state.curl_trace.in_block = true;
  i->state.curl_trace.block_len = (size_t)len;
  i->state.curl_trace.at = 0;
  i->state.curl_trace.time_us = time_us;
}

static void take_info(struct ehlo_importer *i, struct text line, struct text t, uint64_t time_us) {
  if (text_take(&t, "SSL connection using ")) {
    ehlo_import_tls(&i->session, t.bytes, t.len, time_us);
  } else {
    comment(i, line);
  }
}

static void take(struct ehlo_importer *i, const struct piece *piece) {
  struct text whole = curl_without_meter(piece->text);
  struct text t = whole;
  bool client;
  uint64_t offset;
  uint64_t time_us = curl_take_stamp(&t);
  if (is_heading(t, &client) || text_begins(t, "== Info: ")) {
    curl_tell_times(i, time_us);
  }
  if (is_heading(t, &client)) {
    end_block(i, piece);
    i->state.curl_trace.client = client;
    begin_block(i, piece, text_after(t, 8), time_us);
  } else if (text_take(&t, "== Info: ")) {
    end_block(i, piece);
    take_info(i, whole, t, time_us);
  } else if (time_us == EHLO_NO_TIME && take_offset(&t, &offset)) {
    if (i->state.curl_trace.in_block) {
      take_text(i, piece, t, offset);
    }
  } else {
    end_block(i, piece);
    curl_comment(i, whole);
  }
}

static void finish(struct ehlo_importer *i) {
  struct piece nothing = {{i->buf, 0}, true, true};
  end_block(i, &nothing);
}

const struct parser parser_curl_trace = {"curl-trace", false, recognises, take, finish};
