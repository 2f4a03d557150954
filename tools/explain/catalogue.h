// The catalogue of replies as a table, made of catalogue/*.toml at build time; catalogue/README.md
// says what its fields mean. Facts alone: answer.c looks in it.
#ifndef EHLO_TOOLS_EXPLAIN_CATALOGUE_H
#define EHLO_TOOLS_EXPLAIN_CATALOGUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/submit.h"
#include "tools/explain/explain.h"

#define EXPLAIN_PROVIDER_HOSTS 16
#define EXPLAIN_PROVIDER_MARKS 16
#define EXPLAIN_ENTRY_CODES 4
#define EXPLAIN_ENTRY_MATCHES 12
#define EXPLAIN_ENTRY_CAUSES 8

struct explain_provider {
  const char *name;
  const char *title;
  bool is_software;  // and not a service: it may stand behind any host
  uint64_t runs;     // bits of providers: software whose words its servers say as well
  const char *hosts[EXPLAIN_PROVIDER_HOSTS];  // ends of host names, from a dot on; NULL-terminated
  const char *marks[EXPLAIN_PROVIDER_MARKS];  // what nobody else says; NULL-terminated
};

// What the enhanced status code of a reply has to be.
enum explain_enhanced_rule {
  EXPLAIN_ENHANCED_ANY,
  EXPLAIN_ENHANCED_NONE,    // the server has none: with one, only long words or its name tell
  EXPLAIN_ENHANCED_SAME,    // subject and detail are these, if there is one
  EXPLAIN_ENHANCED_NEEDED,  // there is one, with these
};

#define EXPLAIN_ANY_PROVIDER UINT8_MAX

struct explain_entry {
  const char *id;  // "gmail/bad-credentials"
  uint8_t provider;
  uint32_t stages;  // bits
  uint16_t codes[EXPLAIN_ENTRY_CODES];
  size_t num_codes;  // 0: it is no reply of SMTP
  enum explain_enhanced_rule enhanced_rule;
  uint16_t subject;
  uint16_t detail;
  bool shared;  // the provider has to be known
  // Any of them, the longest that is there; NULL-terminated. '*' stands for anything, "\\*" for an
  // asterisk.
  const char *matches[EXPLAIN_ENTRY_MATCHES + 1];
  // Or any of these, where the session did not end by a reply.
  struct explain_cause causes[EXPLAIN_ENTRY_CAUSES];
  size_t num_causes;
  const char *text;  // an example: lines parted by LF
  size_t text_len;
  const char *meaning;
  enum explain_who who;
  const char *fix[EXPLAIN_FIX_MAX];
  size_t num_fix;
  bool retry;
  const char *source;
  const char *as_of;  // "2026-11"
};

extern const struct explain_provider explain_providers[];
extern const size_t explain_num_providers;
extern const struct explain_entry explain_entries[];
extern const size_t explain_num_entries;

#endif  // EHLO_TOOLS_EXPLAIN_CATALOGUE_H
