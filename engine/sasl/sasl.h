// The SASL mechanisms that need cryptography: SCRAM (RFC 5802, RFC 7677), CRAM-MD5 (RFC 2195),
// DIGEST-MD5 (RFC 2831) and their kin. Like those of engine/auth.h they are pure functions of the
// credentials and the challenges; hashes come from BoringSSL's libcrypto and nothing else does. No
// randomness: the client's nonce is handed in.
//
// What a server says is bounded before anything is computed from it:
//   the iteration count of SCRAM   EHLO_SCRAM_ITERATIONS_MIN to _MAX
//   its nonce                      extends ours; at most EHLO_SERVER_NONCE_MAX octets, ours included
//   its salt                       1 to EHLO_SCRAM_SALT_MAX octets, strict base64
// A mechanism whose `mutual` is set holds that the server has to prove itself as well: a wrong proof
// has no answer, and success without one is none.
#ifndef EHLO_ENGINE_SASL_SASL_H
#define EHLO_ENGINE_SASL_SASL_H

#include "engine/auth.h"

#ifdef __cplusplus
extern "C" {
#endif

// RFC 7677 §4 wants at least 4096. The upper end is some tenths of a second of one core: a server
// must not be able to keep a client busy for long.
#define EHLO_SCRAM_ITERATIONS_MIN 4096U
#define EHLO_SCRAM_ITERATIONS_MAX 600000U
#define EHLO_SCRAM_SALT_MAX ((size_t)256)
#define EHLO_SERVER_NONCE_MAX ((size_t)512)

extern const struct ehlo_mechanism ehlo_mechanism_scram_sha_512_plus;
extern const struct ehlo_mechanism ehlo_mechanism_scram_sha_256_plus;
extern const struct ehlo_mechanism ehlo_mechanism_scram_sha_1_plus;
extern const struct ehlo_mechanism ehlo_mechanism_scram_sha_512;
extern const struct ehlo_mechanism ehlo_mechanism_scram_sha_256;
extern const struct ehlo_mechanism ehlo_mechanism_scram_sha_1;
extern const struct ehlo_mechanism ehlo_mechanism_cram_md5;

// For old servers. No RFC defines SCRAM-SHA-224, SCRAM-SHA-384, CRAM-SHA1 and CRAM-SHA256: they are
// what their names say.
extern const struct ehlo_mechanism ehlo_mechanism_scram_sha_384;
extern const struct ehlo_mechanism ehlo_mechanism_scram_sha_224;
extern const struct ehlo_mechanism ehlo_mechanism_cram_sha256;
extern const struct ehlo_mechanism ehlo_mechanism_cram_sha1;
extern const struct ehlo_mechanism ehlo_mechanism_digest_md5;

#ifdef __cplusplus
}
#endif

#endif  // EHLO_ENGINE_SASL_SASL_H
