// What @boringssl gives is BoringSSL, in its headers and in its library: an OpenSSL installed beside it must not
// slip in under the same names.
#include <criterion/criterion.h>
#include <openssl/crypto.h>
#include <openssl/ssl.h>

#ifndef OPENSSL_IS_BORINGSSL
#error "these are OpenSSL's headers"
#endif

Test(boringssl, library_is_boringssl) {
  cr_assert_str_eq(OpenSSL_version(OPENSSL_VERSION), "BoringSSL");
}

Test(boringssl, tls_context_takes_version_1_2) {
  SSL_CTX *ctx = SSL_CTX_new(TLS_method());
  cr_assert_not_null(ctx);
  cr_assert(SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION));
  SSL_CTX_free(ctx);
}
