// See tls_wire.h. What TLS has to notice: any change to an encrypted record, and to what is said in
// a handshake before that, since both ends vouch for it. Not among it: the minor version in the header
// of a record in the clear, a ChangeCipherSpec that TLS 1.3 ignores, alerts in the clear, empty
// records, and what follows the close_notify.
#include "fuzz/tls_wire.h"

#include <stdlib.h>
#include <string.h>

#define HEADER_LEN 5
#define TYPE_CHANGE_CIPHER_SPEC 20
#define TYPE_HANDSHAKE 22
#define TYPE_APPLICATION 23

static const struct {
  const char *bytes;
  size_t len;
  bool is_record;  // one that may go unnoticed where nothing is encrypted
} junk[] = {
    {"250 ok\r\n", 8, false},
    {"220 mail.example\r\n250 mail.example\r\n235 2.7.0 ok\r\n", 50, false},
    {"\x14\x03\x03\x00\x01\x01", 6, true},      // ChangeCipherSpec
    {"\x15\x03\x03\x00\x02\x01\x00", 7, true},  // close_notify in the clear
    {"\x15\x03\x03\x00\x02\x01\x5a", 7, true},  // a warning: user_canceled
    {"\x15\x03\x03\x00\x02\x02\x28", 7, true},  // handshake_failure
    {"\x16\x03\x03\x00\x00", 5, true},
    {"\x16\x03\x03\x00\x04\x00\x00\x00\x00", 9, true},  // HelloRequest
    {"\x17\x03\x03\x00\x08"
     "250 ok\r\n",
     13, false},                             // a reply, as if decrypted
    {"\x16\x03\x03\xff\xff\x01", 6, false},  // longer than a record can be
    {"\x15\x03\x03\x00\x00", 5, true},
};
#define CHANGE_CIPHER_SPEC_JUNK 2
#define NUM_JUNK (sizeof(junk) / sizeof(junk[0]))

struct record {
  struct ehlo_fuzz_bytes bytes;
  size_t copies;
  bool handshake;
  bool protected;
  bool clear;  // no TLS
};

static size_t place(uint16_t at, size_t num) {
  return at < 0x8000 ? at % num : num - 1 - (size_t)(0xffff - at) % num;
}

// Whether an alteration of the octet `at` has to be noticed.
static bool counts(const struct record *r, size_t at) {
  return r->protected || (r->handshake && at != 2);
}

static bool insert(const struct ehlo_fuzz_wire *w, struct record *r,
                   const struct ehlo_fuzz_edit *edit) {
  size_t kind = edit->value % NUM_JUNK;
  size_t at = place(edit->at, r->bytes.len + 1);
  bool between = at == 0 || at == r->bytes.len;
  bool behind = w->finishes && at == r->bytes.len;
  struct ehlo_fuzz_bytes made = {0};
  ehlo_fuzz_add(&made, r->bytes.bytes, at);
  ehlo_fuzz_add(&made, junk[kind].bytes, junk[kind].len);
  ehlo_fuzz_add(&made, r->bytes.bytes + at, r->bytes.len - at);
  free(r->bytes.bytes);
  r->bytes = made;
  if (!between) {
    return r->protected || r->handshake;
  }
  return !behind && kind != CHANGE_CIPHER_SPEC_JUNK &&
         (r->protected || (r->handshake && !junk[kind].is_record));
}

// Does `edit` to `r`, and says whether it has to be noticed.
static bool apply(struct ehlo_fuzz_wire *w, struct record *r, const struct ehlo_fuzz_edit *edit) {
  size_t at = place(edit->at, r->bytes.len);
  switch (edit->what) {
    case EHLO_FUZZ_EDIT_FLIP:
      r->bytes.bytes[at] ^= edit->value != 0 ? edit->value : 1;
      return counts(r, at);
    case EHLO_FUZZ_EDIT_LOSE:
      memmove(r->bytes.bytes + at, r->bytes.bytes + at + 1, r->bytes.len - at - 1);
      r->bytes.len--;
      return r->protected || r->handshake;
    case EHLO_FUZZ_EDIT_INSERT:
      return insert(w, r, edit);
    case EHLO_FUZZ_EDIT_DROP:
      r->copies = 0;
      return r->protected || r->handshake;
    case EHLO_FUZZ_EDIT_REPEAT:
      r->copies++;
      return !w->finishes && (r->protected || r->handshake);
    case EHLO_FUZZ_EDIT_TRUNCATE:
      r->bytes.len = at;
      w->cut_off = true;
      return true;
    case EHLO_FUZZ_NUM_EDITS:
      break;
  }
  return false;
}

// The edit of the record that comes now, or NULL.
static const struct ehlo_fuzz_edit *edit_of(const struct ehlo_fuzz_wire *w) {
  for (size_t i = 0; i < w->num_edits; i++) {
    if (w->edits[i].record == w->num_records) {
      return &w->edits[i];
    }
  }
  return NULL;
}

static void add(struct ehlo_fuzz_wire *w, struct record *r, const uint8_t *bytes, size_t len) {
  const struct ehlo_fuzz_edit *edit = edit_of(w);
  ehlo_fuzz_add(&w->sent, bytes, len);
  w->num_records++;
  if (w->cut_off || len == 0) {
    return;
  }
  ehlo_fuzz_add(&r->bytes, bytes, len);
  r->copies = 1;
  if (edit != NULL) {
    w->edited = true;
    w->edited_clear |= r->clear;
    w->broken |= apply(w, r, edit);
  }
  for (size_t i = 0; i < r->copies; i++) {
    ehlo_fuzz_add(&w->out, r->bytes.bytes, r->bytes.len);
  }
  free(r->bytes.bytes);
}

void ehlo_fuzz_wire_free(struct ehlo_fuzz_wire *w) {
  free(w->sent.bytes);
  free(w->out.bytes);
}

void ehlo_fuzz_wire_add_clear(struct ehlo_fuzz_wire *w, const uint8_t *bytes, size_t len) {
  struct record r = {.clear = true};
  add(w, &r, bytes, len);
}

void ehlo_fuzz_wire_add(struct ehlo_fuzz_wire *w, const uint8_t *bytes, size_t len) {
  while (len > 0) {
    EHLO_FUZZ_CHECK(len >= HEADER_LEN);
    size_t record_len = HEADER_LEN + ((size_t)bytes[3] << 8 | bytes[4]);
    EHLO_FUZZ_CHECK(record_len <= len);
    struct record r = {
        .protected = w->protects || bytes[0] == TYPE_APPLICATION,
        .handshake = bytes[0] == TYPE_HANDSHAKE,
    };
    add(w, &r, bytes, record_len);
    w->protects |= bytes[0] == TYPE_CHANGE_CIPHER_SPEC;
    bytes += record_len;
    len -= record_len;
  }
}

bool ehlo_fuzz_wire_take(struct ehlo_fuzz_wire *w, struct ehlo_fuzz_cuts *cuts, uint8_t **out,
                         size_t *out_len) {
  size_t left = w->out.len - w->given;
  if (left == 0) {
    return false;
  }
  *out_len = ehlo_fuzz_next_cut(cuts, left);
  *out = ehlo_fuzz_copy(w->out.bytes + w->given, *out_len);
  w->given += *out_len;
  return true;
}
