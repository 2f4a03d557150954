// Mechanisms without memory: BoringSSL's hashes allocate, and each allocation may be the one that
// fails. A proof that was not computed is refused, never sent and never believed.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "engine/sasl/testing.h"

#define NUM(rows) (sizeof(rows) / sizeof((rows)[0]))

// ---- The allocator, which BoringSSL takes where a program has one ---------------------------------

void *OPENSSL_memory_alloc(size_t size);
void OPENSSL_memory_free(void *block);
size_t OPENSSL_memory_get_size(void *block);

#define HEADER ((size_t)16)  // keeps what follows aligned

static size_t num_left;  // allocations up to the one that fails, with it; 0: none does
static bool failed;

void *OPENSSL_memory_alloc(size_t size) {
  bool fails = num_left == 1;
  char *block = fails ? NULL : malloc(HEADER + size);
  failed = failed || fails;
  num_left -= num_left > 0;
  if (block == NULL) {
    return NULL;
  }
  memcpy(block, &size, sizeof(size));
  return block + HEADER;
}

void OPENSSL_memory_free(void *block) {
  if (block != NULL) {
    free((char *)block - HEADER);
  }
}

size_t OPENSSL_memory_get_size(void *block) {
  size_t size = 0;
  if (block != NULL) {
    memcpy(&size, (char *)block - HEADER, sizeof(size));
  }
  return size;
}

// ---- Exchanges ------------------------------------------------------------------------------------

static const struct {
  const struct ehlo_mechanism *mechanism;
  bool goes_first;
  const char *challenge;
} exchanges[] = {
    {&ehlo_mechanism_cram_md5, false, "<1@a>"},
    {&ehlo_mechanism_cram_sha256, false, "<1@a>"},
    {&ehlo_mechanism_digest_md5, false, "nonce=n,algorithm=md5-sess"},
    {&ehlo_mechanism_scram_sha_1, true, "r=nx,s=AAAA,i=4096"},
    {&ehlo_mechanism_scram_sha_512, true, "r=nx,s=AAAA,i=4096"},
};

// Answers the challenge when this allocation, from 1 on, fails. Whether there was one is `failed`.
static void answer(size_t exchange, size_t allocation) {
  static const struct ehlo_credentials cred = {
      .user = SPAN("u"), .password = SPAN("p"), .nonce = SPAN("n"), .digest_uri = SPAN("smtp/a")};
  const struct ehlo_mechanism *m = exchanges[exchange].mechanism;
  const char *text = exchanges[exchange].challenge;
  struct ehlo_span challenge = {(const uint8_t *)text, strlen(text)};
  struct ehlo_auth auth = {.credentials = &cred};
  struct ehlo_response response;
  if (exchanges[exchange].goes_first) {
    cr_assert(m->respond(&auth, NULL, &response));
  }
  failed = false;
  num_left = allocation;
  bool has = m->respond(&auth, &challenge, &response);
  num_left = 0;
  cr_assert_eq(has, !failed, "%s, allocation %zu", m->name, allocation);
  if (failed) {
    cr_assert_eq(auth.problem, EHLO_AUTH_CREDENTIALS, "%s", m->name);
    cr_assert_eq(response.num_parts, 0, "%s", m->name);
    cr_assert(!m->respond(&auth, &challenge, &response), "%s", m->name);
    cr_assert(!auth.proved, "%s", m->name);
  }
}

Test(memory, every_allocation_may_fail) {
  for (size_t i = 0; i < NUM(exchanges); i++) {
    size_t num = 0;
    failed = true;
    while (failed) {
      answer(i, ++num);
      cr_assert(num < 1000);
    }
    cr_assert(num > 1, "%s allocates nothing: this shows nothing", exchanges[i].mechanism->name);
  }
}
