// Transcripts as text: a reader that gives one item for each line of a file, and a writer. Both are
// streams in constant memory and know nothing of SMTP. replay/FORMAT.md is the grammar.
#ifndef EHLO_REPLAY_TRANSCRIPT_H
#define EHLO_REPLAY_TRANSCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Octets in one line of a transcript file, without its line end. The writer breaks longer ones with
// a trailing backslash.
#define EHLO_TRANSCRIPT_LINE_MAX ((size_t)16384)
// \{secret} places in one line.
#define EHLO_TRANSCRIPT_SECRETS_MAX 8
// The longest time between two items: 10^9 seconds.
#define EHLO_TRANSCRIPT_DELTA_MAX_US UINT64_C(1000000000000000)

enum ehlo_side { EHLO_SIDE_SERVER, EHLO_SIDE_CLIENT };

enum ehlo_item_type {
  EHLO_ITEM_COMMENT,  // "# …"
  EHLO_ITEM_FACT,     // "! word rest"
  EHLO_ITEM_SERVER,   // "S: …"
  EHLO_ITEM_CLIENT,   // "C: …"
  EHLO_ITEM_EVENT,    // "= …"
};

// The facts of version 1.
enum ehlo_fact {
  EHLO_FACT_HEADER,   // "ehlo-transcript 1"
  EHLO_FACT_CONNECT,  // "connect host:port address" or "connect failed …"
  EHLO_FACT_TLS,      // "tls …" or "tls failed …"
  EHLO_FACT_EOF,      // "eof S" or "eof C"
  EHLO_FACT_RESET,    // "reset S" or "reset C"
  EHLO_FACT_TIMEOUT,  // "timeout"
  EHLO_FACT_NOTE,     // "note …"
  EHLO_FACT_SUBMIT,   // "submit …"
};

// The word that each fact begins with; NULL behind the last one.
const char *ehlo_fact_word(size_t i);

// One line of a transcript. All pointers live until the next call on the reader.
struct ehlo_item {
  enum ehlo_item_type type;
  size_t line;        // of the file, from 1
  size_t column;      // where `text` begins, from 1
  bool has_time;      // a "+": a new chunk, or a fact with its time
  uint64_t delta_us;  // since the item with a time before it
  const char *text;   // the line after its mark as written, NUL-terminated: "connect host:25 …"
  size_t text_len;
  const char *raw;  // the whole line as written, without its line end
  size_t raw_len;
  bool has_line_feed;  // false only for the last line of a file that does not end in one
  // FACT: which, and what follows its word as written, in `text`.
  enum ehlo_fact fact;
  const char *args;
  size_t args_len;
  bool failed;          // CONNECT, TLS: it did not come about
  enum ehlo_side side;  // SERVER, CLIENT, and the facts EOF and RESET
  // SERVER, CLIENT: decoded, with the implied CRLF unless the line ended in a lone backslash. FACT,
  // EVENT: `text` decoded. A \{secret} stands for no byte here; secret_at[] are its places in
  // `bytes`, ascending.
  const uint8_t *bytes;
  size_t bytes_len;
  bool ends_line;  // the implied CRLF is in `bytes`
  size_t num_secrets;
  size_t secret_at[EHLO_TRANSCRIPT_SECRETS_MAX];  // num_secrets of them
};

// Where and why a transcript is not one.
struct ehlo_transcript_error {
  size_t line;
  size_t column;
  const char *message;  // a sentence without its place; static
};

// Gives up to `cap` bytes, 0 at the end, -1 when reading failed.
typedef long (*ehlo_read_fn)(void *arg, uint8_t *buf, size_t cap);

// Octets read at a time; a line fits with its line feed.
#define EHLO_READER_IN_MAX ((size_t)32768)

struct ehlo_reader {
  ehlo_read_fn read;
  void *arg;
  size_t line;
  bool at_end;
  bool read_failed;
  bool past_header;        // something other than a comment came: the header may not
  bool last_unterminated;  // the file's last line has no line feed
  size_t in_pos;
  size_t in_len;
  struct ehlo_transcript_error error;
  // Set up by what the above says of them. Items point into both.
  char in[EHLO_READER_IN_MAX + 1];
  uint8_t bytes[EHLO_TRANSCRIPT_LINE_MAX + 2];
};

// `arg` goes to `read`, and is the caller's. Nothing has to be closed or freed.
void ehlo_reader_init(struct ehlo_reader *r, ehlo_read_fn read, void *arg);

enum ehlo_read_result {
  EHLO_READ_ITEM,
  EHLO_READ_END,
  EHLO_READ_BAD,     // see r->error
  EHLO_READ_FAILED,  // the read function failed
};
// Any result but EHLO_READ_ITEM stays.
enum ehlo_read_result ehlo_reader_next(struct ehlo_reader *r, struct ehlo_item *out);

// Takes text to write; false when it could not be written.
typedef bool (*ehlo_write_fn)(void *arg, const char *text, size_t len);

// Characters that are handed over at once, at most. Two of the longest lines fit.
#define EHLO_WRITER_OUT_MAX ((size_t)65536)

// Writes items. A chunk is begun, given bytes and secrets in any number of pieces, and ended: what is
// left of its last line then gets a trailing backslash. A chunk that was given nothing leaves nothing,
// not even its time. Any other item ends an open chunk first.
//
// Text is handed to `write` in whole lines, as many as are there: where a chunk or any other item ends,
// and when there is no more room.
struct ehlo_writer {
  ehlo_write_fn write;
  void *arg;
  bool gathers;
  bool failed;          // some write failed, or a text did not fit; nothing more is written
  bool owes_line_feed;  // the last line was written without one: if another follows, it gets it
  bool in_chunk;
  enum ehlo_side side;
  uint64_t delta_us;   // of the chunk, until its first line is begun; then EHLO_NO_TIME
  size_t line_len;     // characters of the line under way; 0: none is begun
  size_t text_at;      // where its text begins, in it
  size_t num_secrets;  // in it
  bool cr;             // the last byte was a CR whose LF may follow
  size_t out_len;      // whole lines in `out`; the one under way follows them
  char out[EHLO_WRITER_OUT_MAX];
};

void ehlo_writer_init(struct ehlo_writer *w, ehlo_write_fn write, void *arg);
// The same for who says himself when text is to be handed over: the ends of items do not.
void ehlo_writer_init_gathering(struct ehlo_writer *w, ehlo_write_fn write, void *arg);
// Hands over all whole lines that are there.
void ehlo_writer_flush(struct ehlo_writer *w);
// A line as read. With item.has_line_feed a whole file is written back byte for byte; should more
// follow a line without one, it gets it then.
void ehlo_writer_raw_line(struct ehlo_writer *w, const char *raw, size_t len, bool has_line_feed);
// A line feed in `text` begins another comment, and so does too long a line.
void ehlo_writer_comment(struct ehlo_writer *w, const char *text);
// `text` is escaped where the grammar wants it and has to fit into one line. `delta_us`
// EHLO_NO_TIME writes none.
#define EHLO_NO_TIME UINT64_MAX
void ehlo_writer_fact(struct ehlo_writer *w, uint64_t delta_us, const char *text, size_t len);
void ehlo_writer_event(struct ehlo_writer *w, const char *text);
// With EHLO_NO_TIME the chunk of this side that was written last goes on, if there is one.
void ehlo_writer_chunk_begin(struct ehlo_writer *w, enum ehlo_side side, uint64_t delta_us);
void ehlo_writer_bytes(struct ehlo_writer *w, const uint8_t *bytes, size_t len);
void ehlo_writer_secret(struct ehlo_writer *w);
void ehlo_writer_chunk_end(struct ehlo_writer *w);

#ifdef __cplusplus
}
#endif

#endif  // EHLO_REPLAY_TRANSCRIPT_H
