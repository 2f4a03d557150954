// SCRAM against the examples of its RFCs, against values computed apart with Python's hashlib, and
// against servers that break each of its rules.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "engine/sasl/testing.h"

#define NUM(rows) (sizeof(rows) / sizeof((rows)[0]))

#define FIRST "n,,n=user,r=0123456789abcdef"
#define SERVER_FIRST "r=0123456789abcdefSERVER,s=MDEyMzQ1Njc4OWFiY2RlZg==,i=5000"
#define FINAL                          \
  "c=biws,r=0123456789abcdefSERVER,p=" \
  "ql71nfCyR3XwYFY6+C/n8g4sgvDccGZplXpvdh2XILY="
#define PROOF "v=2+jVp2ywax24rWeh1PEw1iKTfv3pXvDN4Rax7S83D6c="

static const uint8_t exporter[32] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10,
                                     11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
                                     22, 23, 24, 25, 26, 27, 28, 29, 30, 31};
#define EXPORTER .tls_exporter = {exporter, 32}
#define UNIQUE .tls_unique = {exporter, 12}

Test(scram, examples_of_the_rfcs) {
  static const struct ehlo_sasl_case cases[] = {
      {"RFC 5802, section 5",
       &ehlo_mechanism_scram_sha_1,
       {.nonce = SPAN("fyko+d2lbbFgONRv9qkxdawL")},
       .proved = true,
       .turns = {{NULL, "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL", 0},
                 {"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
                  "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
                  "p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
                  0},
                 {"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=", "", 0},
                 {"", NULL, EHLO_AUTH_CHALLENGE}}},
      {"RFC 7677, section 3",
       &ehlo_mechanism_scram_sha_256,
       {.nonce = SPAN("rOprNGfwEbeRWgbNEkqO")},
       .proved = true,
       .turns = {{"", "n,,n=user,r=rOprNGfwEbeRWgbNEkqO", 0},
                 {"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                  "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
                  "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                  "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
                  0},
                 {"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", "", 0}}},
  };
  RUN_CASES(cases);
}

Test(scram, every_hash) {
  static const struct ehlo_sasl_case cases[] = {
      {"sha_1", &ehlo_mechanism_scram_sha_1, .proved = true,
       .turns = {{NULL, FIRST, 0},
                 {SERVER_FIRST,
                  "c=biws,r=0123456789abcdefSERVER,p="
                  "bLG4VjR6NvRBpFd/j7M1L+vzDZo=",
                  0},
                 {"v=DaxClLIZ07Y6pRobLDMPE971U7E=", "", 0}}},
      {"sha_224", &ehlo_mechanism_scram_sha_224, .proved = true,
       .turns = {{NULL, FIRST, 0},
                 {SERVER_FIRST,
                  "c=biws,r=0123456789abcdefSERVER,p="
                  "LDF9HTkCZCc+AETdmVMeUk+5EwHokYqOPJtmag==",
                  0},
                 {"v=0IraeTtqn6cxolNxKM8ljpEv6gBJSZO7ps9n3A==", "", 0}}},
      {"sha_256", &ehlo_mechanism_scram_sha_256, .proved = true,
       .turns = {{NULL, FIRST, 0},
                 {SERVER_FIRST,
                  "c=biws,r=0123456789abcdefSERVER,p="
                  "ql71nfCyR3XwYFY6+C/n8g4sgvDccGZplXpvdh2XILY=",
                  0},
                 {"v=2+jVp2ywax24rWeh1PEw1iKTfv3pXvDN4Rax7S83D6c=", "", 0}}},
      {"sha_384", &ehlo_mechanism_scram_sha_384, .proved = true,
       .turns = {{NULL, FIRST, 0},
                 {SERVER_FIRST,
                  "c=biws,r=0123456789abcdefSERVER,p="
                  "++c/l9ORq1UEh61cV77Kztj3uDBex54hmwY+Fv2VwXEF4mnwEanRbIqBYc2j6/v2",
                  0},
                 {"v=j53M55/PKeJTFfhQau7FXbzdzn9FuNo4lotvMwk5BBx8GCMCyWJcosb2V74mfQ/p", "", 0}}},
      {"sha_512", &ehlo_mechanism_scram_sha_512, .proved = true,
       .turns = {{NULL, FIRST, 0},
                 {SERVER_FIRST,
                  "c=biws,r=0123456789abcdefSERVER,p="
                  "mzzVW4wa0rWYhJVnR71Qa7YFZPggwCscmuMnSfAv7hIRUpnXDa7Yu/FrBWO/"
                  "5AHbBg0A7ZWpBmmQfkNfmqUaBQ==",
                  0},
                 {"v=bpT2yIkocFjA/"
                  "u7hwYR0QY7F2Vj0h2Mjxuwy9T8L0cYp69KuQ+0ZCan2BSVN6gxpgFRlAExcLSVzhKXqPWlWNA==",
                  "", 0}}},
  };
  RUN_CASES(cases);
}

// RFC 5802 §6 and §7: the header, what is bound, and names that need an encoding.
Test(scram, channel_binding_and_names) {
  static const struct ehlo_sasl_case cases[] = {
      {"sha_1-plus, 600000 iterations",
       &ehlo_mechanism_scram_sha_1_plus,
       {.authzid = SPAN("x,y"),
        .user = SPAN("a=b,c"),
        .password = SPAN("p\xc3\xa9ncil"),
        EXPORTER,
        UNIQUE},
       .server_binds = true,
       .proved = true,
       .turns = {{NULL, "p=tls-exporter,a=x=2Cy,n=a=3Db=2Cc,r=0123456789abcdef", 0},
                 {"r=0123456789abcdefSERVER,s=AP8Bc2FsdA==,i=600000",
                  "c=cD10bHMtZXhwb3J0ZXIsYT14PTJDeSwAAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHw==,"
                  "r=0123456789abcdefSERVER,p="
                  "bXBgxLna93Rt3HbTvDFKvbYN3lw=",
                  0},
                 {"v=msuLvwToKg3hDG+i33jz1Ot2btA=", "", 0}}},
      {"sha_256-plus, 4096 iterations",
       &ehlo_mechanism_scram_sha_256_plus,
       {.authzid = SPAN("x,y"),
        .user = SPAN("a=b,c"),
        .password = SPAN("p\xc3\xa9ncil"),
        EXPORTER,
        UNIQUE},
       .server_binds = true,
       .proved = true,
       .turns = {{NULL, "p=tls-exporter,a=x=2Cy,n=a=3Db=2Cc,r=0123456789abcdef", 0},
                 {"r=0123456789abcdefSERVER,s=AP8Bc2FsdA==,i=4096",
                  "c=cD10bHMtZXhwb3J0ZXIsYT14PTJDeSwAAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHw==,"
                  "r=0123456789abcdefSERVER,p="
                  "9CaVB9ft89fjXFkcJL257DIPRlQjyrruLenFmz7wlik=",
                  0},
                 {"v=8oMd6tu4As3RrDrBRPIioWYE+5mtL9lh/JaJfGDgn1w=", "", 0}}},
      {"sha_512-plus, 4096 iterations",
       &ehlo_mechanism_scram_sha_512_plus,
       {.authzid = SPAN("x,y"),
        .user = SPAN("a=b,c"),
        .password = SPAN("p\xc3\xa9ncil"),
        EXPORTER,
        UNIQUE},
       .server_binds = true,
       .proved = true,
       .turns = {{NULL, "p=tls-exporter,a=x=2Cy,n=a=3Db=2Cc,r=0123456789abcdef", 0},
                 {"r=0123456789abcdefSERVER,s=AP8Bc2FsdA==,i=4096",
                  "c=cD10bHMtZXhwb3J0ZXIsYT14PTJDeSwAAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHw==,"
                  "r=0123456789abcdefSERVER,p="
                  "kBPmtjJeuOqaXNH6yiFLcRsT2vwp9W6GNSv0vjWctfA5Ig+8jrhc47pEwQPo007s4EOGeICls+"
                  "GTcumNJgj5GA==",
                  0},
                 {"v=M0nze5uhaQjr7GuLavNXclgxFN04DSTsKz26+djx9MwieFvdkJW6+plKcSZaO8RZ7YPhw51KXhlCl/"
                  "e/siP2oQ==",
                  "", 0}}},
      {"tls-unique",
       &ehlo_mechanism_scram_sha_256_plus,
       {UNIQUE},
       .server_binds = true,
       .proved = true,
       .turns = {{NULL, "p=tls-unique,,n=user,r=0123456789abcdef", 0},
                 {SERVER_FIRST,
                  "c=cD10bHMtdW5pcXVlLCwAAQIDBAUGBwgJCgs=,r=0123456789abcdefSERVER,p="
                  "qE5tsWqM2ZRyz7oj/nNBmCdGai61/hJOrHGGjoUd66Q=",
                  0},
                 {"v=kXFTtDZA+jG2tqedJhNb5kBz6tRm2f+oIo5sCEvJpkg=", "", 0}}},
      {"the server is not known to bind",
       &ehlo_mechanism_scram_sha_256,
       {UNIQUE},
       .proved = true,
       .turns = {{NULL, "y,,n=user,r=0123456789abcdef", 0},
                 {SERVER_FIRST,
                  "c=eSws,r=0123456789abcdefSERVER,p="
                  "TI6COJDiu5bVpnBAstQ65z8BpElrkVlh/sJUj1JolpQ=",
                  0},
                 {"v=JeIuqgj2AQzeeXb8r6FqvBGdfl3uWV8MIaVI3R3u+9A=", "", 0}}},
      {"the server binds, and we were told not to",
       &ehlo_mechanism_scram_sha_256,
       {EXPORTER},
       .server_binds = true,
       .turns = {{NULL, FIRST, 0}, {SERVER_FIRST, FINAL, 0}}},
      {"a second attempt has another nonce", &ehlo_mechanism_scram_sha_256, .attempt = 1,
       .proved = true,
       .turns = {{NULL, FIRST "1", 0},
                 {"r=0123456789abcdef1SERVER,s=MDEyMzQ1Njc4OWFiY2RlZg==,i=5000",
                  "c=biws,r=0123456789abcdef1SERVER,p="
                  "q5p/E8VrK5jTdvcfzqAeezJzBvXeNHdtEfYrz1rwkNw=",
                  0},
                 {"v=DSDm3c2qgttPL7//QDQeMHuQBJumog3vFC2PL7+BZC0=", "", 0}}},
      {"an empty password",
       &ehlo_mechanism_scram_sha_256,
       {.password = SPAN("")},
       .turns = {{NULL, FIRST, 0},
                 {SERVER_FIRST,
                  "c=biws,r=0123456789abcdefSERVER,p="
                  "ET3ITc/SaDfpB2m+fF+AwXlfbdo3SowVkFJbeyPGks4=",
                  0}}},
  };
  RUN_CASES(cases);
}

// The first message of the server, and why it has no answer; NULL for one that has the usual one.
Test(scram, server_first) {
#define R "r=0123456789abcdefSERVER"
#define S ",s=MDEyMzQ1Njc4OWFiY2RlZg=="
#define I ",i=5000"
  static const struct {
    const char *text;
    enum ehlo_auth_problem problem;
  } rows[] = {
      {"", EHLO_AUTH_CHALLENGE},
      {"r", EHLO_AUTH_CHALLENGE},
      {"r=", EHLO_AUTH_CHALLENGE},
      {"hidden", EHLO_AUTH_CHALLENGE},
      {R, EHLO_AUTH_CHALLENGE},
      {R S, EHLO_AUTH_CHALLENGE},
      {R S ",", EHLO_AUTH_CHALLENGE},
      {R S ",i=", EHLO_AUTH_CHALLENGE},
      {R I S, EHLO_AUTH_CHALLENGE},
      {S "," R I, EHLO_AUTH_CHALLENGE},
      {"," R S I, EHLO_AUTH_CHALLENGE},
      {R S I ",", EHLO_AUTH_CHALLENGE},
      {R S I ",x", EHLO_AUTH_CHALLENGE},
      {R S I ",x=", EHLO_AUTH_CHALLENGE},
      {R S I ",1=a", EHLO_AUTH_CHALLENGE},
      {R S I ",@=a", EHLO_AUTH_CHALLENGE},
      {R S I ",[=a", EHLO_AUTH_CHALLENGE},
      {R S I ",x=a,", EHLO_AUTH_CHALLENGE},
      {R S I ",x=a,,y=b", EHLO_AUTH_CHALLENGE},
      {R S I ",r=a", EHLO_AUTH_CHALLENGE},
      {R S I ",x=a,s=a", EHLO_AUTH_CHALLENGE},
      {R S I ",i=4096", EHLO_AUTH_CHALLENGE},
      {"R=0123456789abcdefSERVER" S I, EHLO_AUTH_CHALLENGE},
      // What is mandatory and unknown, wherever it stands.
      {"m=must," R S I, EHLO_AUTH_EXTENSION},
      {"m=", EHLO_AUTH_EXTENSION},
      {R S I ",m=must", EHLO_AUTH_EXTENSION},
      {R S I ",x=a,m=must", EHLO_AUTH_EXTENSION},
      {"e=unknown-user", EHLO_AUTH_SERVER},
      // The nonce begins with ours and goes on.
      {"r=0123456789abcdef" S I, EHLO_AUTH_NONCE},
      {"r=0123456789abcdeF1" S I, EHLO_AUTH_NONCE},
      {"r=123456789abcdefSERVER" S I, EHLO_AUTH_NONCE},
      {"r=SERVER0123456789abcdef" S I, EHLO_AUTH_NONCE},
      {"r=0" S I, EHLO_AUTH_NONCE},
      {"r=0123456789abcdef SERVER" S I, EHLO_AUTH_NONCE},
      {"r=0123456789abcdef\x7f" S I, EHLO_AUTH_NONCE},
      {"r=0123456789abcdef\xc3\xa9" S I, EHLO_AUTH_NONCE},
      {"r=0123456789abcdef\t" S I, EHLO_AUTH_NONCE},
      // The salt is base64, strictly.
      {R ",s=" I, EHLO_AUTH_CHALLENGE},
      {R ",s=MDEy MzQ1" I, EHLO_AUTH_CHALLENGE},
      {R ",s=MDEyMzQ" I, EHLO_AUTH_CHALLENGE},
      {R ",s=MDEyMzQ1====" I, EHLO_AUTH_CHALLENGE},
      {R ",s=MDEyMzQ-" I, EHLO_AUTH_CHALLENGE},
      {R ",s====" I, EHLO_AUTH_CHALLENGE},
      // The count is a number without a leading zero, and within bounds.
      {R S ",i=4095", EHLO_AUTH_ITERATIONS},
      {R S ",i=1", EHLO_AUTH_ITERATIONS},
      {R S ",i=600001", EHLO_AUTH_ITERATIONS},
      {R S ",i=4294967296", EHLO_AUTH_ITERATIONS},
      {R S ",i=4294971392", EHLO_AUTH_ITERATIONS},
      {R S ",i=18446744073709556616", EHLO_AUTH_ITERATIONS},
      {R S ",i=99999999999999999999999999999999999999999999999", EHLO_AUTH_ITERATIONS},
      {R S ",i=0", EHLO_AUTH_CHALLENGE},
      {R S ",i=05000", EHLO_AUTH_CHALLENGE},
      {R S ",i=-5000", EHLO_AUTH_CHALLENGE},
      {R S ",i=+5000", EHLO_AUTH_CHALLENGE},
      {R S ",i=5000 ", EHLO_AUTH_CHALLENGE},
      {R S ",i=5e3", EHLO_AUTH_CHALLENGE},
      {R S ",i=5000:", EHLO_AUTH_CHALLENGE},
      {R S ",i=5/00", EHLO_AUTH_CHALLENGE},
  };
  for (size_t i = 0; i < NUM(rows); i++) {
    const struct ehlo_sasl_case one[] = {
        {rows[i].text, &ehlo_mechanism_scram_sha_256,
         .turns = {{NULL, FIRST, 0}, {rows[i].text, NULL, rows[i].problem}}}};
    RUN_CASES(one);
  }
}

// Extensions that are not mandatory are signed and otherwise ignored.
Test(scram, extensions) {
  static const struct ehlo_sasl_case cases[] = {
      {"of the first message", &ehlo_mechanism_scram_sha_256,
       .turns = {{NULL, FIRST, 0},
                 {SERVER_FIRST ",x=a=b,Y=c",
                  "c=biws,r=0123456789abcdefSERVER,p="
                  "yi67UPYD00rY+NHcDoBfAzFAZfiRxlIjQF+4ZPC1qFc=",
                  0}}},
      {"of the last message", &ehlo_mechanism_scram_sha_256, .proved = true,
       .turns = {{NULL, FIRST, 0}, {SERVER_FIRST, FINAL, 0}, {PROOF ",x=1", "", 0}}},
      {"from the first letter to the last", &ehlo_mechanism_scram_sha_256, .proved = true,
       .turns = {{NULL, FIRST, 0}, {SERVER_FIRST, FINAL, 0}, {PROOF ",a=1,z=2,A=3,Z=4", "", 0}}},
  };
  RUN_CASES(cases);
}

Test(scram, server_final) {
  static const struct {
    const char *text;
    enum ehlo_auth_problem problem;
  } rows[] = {
      {"", EHLO_AUTH_CHALLENGE},
      {"v", EHLO_AUTH_CHALLENGE},
      {"v=", EHLO_AUTH_CHALLENGE},
      {"hidden", EHLO_AUTH_CHALLENGE},
      {"v=2+jVp2ywax24rWeh1PEw1iKTfv3pXvDN4Rax7S83D6g=", EHLO_AUTH_PROOF},
      {"v=3+jVp2ywax24rWeh1PEw1iKTfv3pXvDN4Rax7S83D6c=", EHLO_AUTH_PROOF},
      {"v=2+jVp2ywax24rWeh1PEw1iKTfv3pXvDN4Rax7S83D6c", EHLO_AUTH_PROOF},
      {"v=2+jVp2ywax24rWeh1PEw1iKTfv3pXvDN4Rax7S83", EHLO_AUTH_PROOF},
      {"v=2-jVp2ywax24rWeh1PEw1iKTfv3pXvDN4Rax7S83D6c=", EHLO_AUTH_PROOF},
      {"v=ql71nfCyR3XwYFY6+C/n8g4sgvDccGZplXpvdh2XILY=", EHLO_AUTH_PROOF},  // ours
      {"v=AAAA", EHLO_AUTH_PROOF},
      {PROOF ",", EHLO_AUTH_CHALLENGE},
      {PROOF ",`=1", EHLO_AUTH_CHALLENGE},
      {PROOF ",{=1", EHLO_AUTH_CHALLENGE},
      {PROOF ",x", EHLO_AUTH_CHALLENGE},
      {PROOF ",x=", EHLO_AUTH_CHALLENGE},
      {PROOF ",m=x", EHLO_AUTH_EXTENSION},
      {"x=1," PROOF, EHLO_AUTH_CHALLENGE},
      {"e=invalid-proof", EHLO_AUTH_SERVER},
      {"e=", EHLO_AUTH_SERVER},
      {SERVER_FIRST, EHLO_AUTH_CHALLENGE},
  };
  for (size_t i = 0; i < NUM(rows); i++) {
    const struct ehlo_sasl_case one[] = {{rows[i].text, &ehlo_mechanism_scram_sha_256,
                                          .turns = {{NULL, FIRST, 0},
                                                    {SERVER_FIRST, FINAL, 0},
                                                    {rows[i].text, NULL, rows[i].problem},
                                                    {PROOF, NULL, EHLO_AUTH_CHALLENGE}}}};
    RUN_CASES(one);
  }
}

Test(scram, what_cannot_be_sent) {
  static const struct ehlo_credentials rows[] = {
      {.user = SPAN("")},         {.user = SPAN("a\nb")},      {.user = SPAN("a\0b")},
      {.authzid = SPAN("a\x7f")}, {.password = SPAN("a\0b")},  {.password = SPAN("a\n")},
      {.nonce = SPAN("")},        {.nonce = SPAN("a,b")},      {.nonce = SPAN("a b")},
      {.nonce = SPAN("a\x7f")},   {.nonce = SPAN("\xc3\xa9")}, {.nonce = SPAN(",a")},
  };
  for (size_t i = 0; i < NUM(rows); i++) {
    const struct ehlo_sasl_case one[] = {{"unfit", &ehlo_mechanism_scram_sha_256, rows[i],
                                          .turns = {{NULL, NULL, EHLO_AUTH_CREDENTIALS}}}};
    RUN_CASES(one);
  }
  static const struct ehlo_sasl_case no_binding[] = {
      {"nothing to bind", &ehlo_mechanism_scram_sha_256_plus,
       .turns = {{NULL, NULL, EHLO_AUTH_CREDENTIALS}}},
      {"the server asks for something else", &ehlo_mechanism_scram_sha_256,
       .turns = {{"user?", NULL, EHLO_AUTH_CHALLENGE}}},
  };
  RUN_CASES(no_binding);
}

// A further attempt has a nonce of its own: its number behind ours, the last digit first.
Test(scram, attempts) {
  static const struct ehlo_sasl_case cases[] = {
      {"the ninth", &ehlo_mechanism_scram_sha_256, .attempt = 9,
       .turns = {{NULL, "n,,n=user,r=0123456789abcdef9", 0}}},
      {"the tenth", &ehlo_mechanism_scram_sha_256, .attempt = 10,
       .turns = {{NULL, "n,,n=user,r=0123456789abcdef01", 0}}},
  };
  RUN_CASES(cases);
}

// Lengths at their limits and one beyond: our nonce, the server's, the salt, the name.
static bool answers(struct ehlo_credentials cred, const char *server_first, size_t len) {
  struct ehlo_auth auth = {.credentials = &cred};
  struct ehlo_response response;
  struct ehlo_span challenge = {(const uint8_t *)server_first, len};
  return ehlo_mechanism_scram_sha_1.respond(&auth, NULL, &response) &&
         (server_first == NULL || ehlo_mechanism_scram_sha_1.respond(&auth, &challenge, &response));
}

// RFC 5802 §7: a value holds any UTF-8 but NUL.
Test(scram, nul) {
  static const char with[] = "r=nx,s=AAAA,i=4096,x=a\0b";
  static const char without[] = "r=nx,s=AAAA,i=4096,x=a.b";
  struct ehlo_credentials cred = {.user = SPAN("u"), .password = SPAN("p"), .nonce = SPAN("n")};
  cr_expect(answers(cred, without, sizeof(without) - 1));
  cr_expect(!answers(cred, with, sizeof(with) - 1));
}

Test(scram, lengths) {
  static char text[4 * EHLO_AUTH_SCRATCH_MAX];
  memset(text, 'A', sizeof(text));
  struct ehlo_credentials cred = {.user = SPAN("u"), .password = SPAN("p"), .nonce = SPAN("n")};
  cred.nonce = (struct ehlo_span){(const uint8_t *)text, EHLO_NONCE_MAX};
  cr_expect(answers(cred, NULL, 0));
  cred.nonce.len++;
  cr_expect(!answers(cred, NULL, 0));
  cred.nonce = (struct ehlo_span){(const uint8_t *)"n", 1};
  for (size_t more = 0; more < 2; more++) {
    char first[4096];
    int len =
        sprintf(first, "r=n%.*s,s=AAAA,i=4096", (int)(EHLO_SERVER_NONCE_MAX - 1 + more), text);
    cr_expect_eq(answers(cred, first, (size_t)len), more == 0);
    len = sprintf(first, "r=nx,s=%.*s%s,i=4096", 4 * 85, text, more == 0 ? "AA==" : "AAA=");
    cr_expect_eq(answers(cred, first, (size_t)len), more == 0, "a salt of %zu", 256 + more);
    len = sprintf(first, "r=nx,s=%.*s,i=4096", 4 * 90, text);
    cr_expect(!answers(cred, first, (size_t)len));
  }
  cred.user = (struct ehlo_span){(const uint8_t *)text, EHLO_AUTH_SCRATCH_MAX - 9};
  cr_expect(answers(cred, NULL, 0));
  cred.user.len++;
  cr_expect(!answers(cred, NULL, 0), "a name that fills the scratch");
  cred.user.len -= 2;
  cr_expect(!answers(cred, "r=nx,s=AAAA,i=4096", 18), "no room for the proof beside it");
}

// A replay has no password: the steps are the same, and a proof is right where it was not recorded.
Test(scram, on_trust) {
  static const struct ehlo_sasl_case cases[] = {
      {"right",
       &ehlo_mechanism_scram_sha_512,
       {.on_trust = true},
       .proved = true,
       .turns = {{NULL, FIRST, 0},
                 {SERVER_FIRST, "c=biws,r=0123456789abcdefSERVER,p=hidden", 0},
                 {"hidden", "", 0}}},
      {"recorded, so wrong",
       &ehlo_mechanism_scram_sha_512,
       {.on_trust = true},
       .turns = {{NULL, FIRST, 0},
                 {SERVER_FIRST, "c=biws,r=0123456789abcdefSERVER,p=hidden", 0},
                 {"v=aGlkZGVu", NULL, EHLO_AUTH_PROOF}}},
      {"out of bounds",
       &ehlo_mechanism_scram_sha_512,
       {.on_trust = true},
       .turns = {{NULL, FIRST, 0}, {R S ",i=700000", NULL, EHLO_AUTH_ITERATIONS}}},
  };
  RUN_CASES(cases);
}

Test(scram, manners) {
  static const struct ehlo_mechanism *const all[] = {
      &ehlo_mechanism_scram_sha_1,   &ehlo_mechanism_scram_sha_1_plus,
      &ehlo_mechanism_scram_sha_224, &ehlo_mechanism_scram_sha_256,
      &ehlo_mechanism_scram_sha_384, &ehlo_mechanism_scram_sha_256_plus,
      &ehlo_mechanism_scram_sha_512, &ehlo_mechanism_scram_sha_512_plus};
  static const char *const names[] = {"SCRAM-SHA-1",   "SCRAM-SHA-1-PLUS",  "SCRAM-SHA-224",
                                      "SCRAM-SHA-256", "SCRAM-SHA-384",     "SCRAM-SHA-256-PLUS",
                                      "SCRAM-SHA-512", "SCRAM-SHA-512-PLUS"};
  for (size_t i = 0; i < NUM(all); i++) {
    cr_expect_str_eq(all[i]->name, names[i]);
    cr_expect(all[i]->client_first && all[i]->may_go_first && all[i]->reads_challenge);
    cr_expect(all[i]->mutual);
    cr_expect_eq(all[i]->binds, strstr(names[i], "-PLUS") != NULL);
  }
}

// ---- Rare forms ---------------------------------------------------------------------------------

// What begins like an error or an extension and is neither.
Test(scram, not_quite) {
  static const char *const first[] = {"mr=0123456789abcdef", "m", "er=", "e", "ev,=1"};
  for (size_t i = 0; i < NUM(first); i++) {
    const struct ehlo_sasl_case one[] = {
        {first[i], &ehlo_mechanism_scram_sha_256,
         .turns = {{NULL, FIRST, 0}, {first[i], NULL, EHLO_AUTH_CHALLENGE}}},
        {first[i], &ehlo_mechanism_scram_sha_256,
         .turns = {
             {NULL, FIRST, 0}, {SERVER_FIRST, FINAL, 0}, {first[i], NULL, EHLO_AUTH_CHALLENGE}}}};
    RUN_CASES(one);
  }
}

Test(scram, no_password) {
  static const struct ehlo_sasl_case cases[] = {
      {"empty",
       &ehlo_mechanism_scram_sha_256,
       {.password = SPAN("")},
       .proved = true,
       .turns = {{NULL, FIRST, 0},
                 {SERVER_FIRST,
                  "c=biws,r=0123456789abcdefSERVER,p="
                  "ET3ITc/SaDfpB2m+fF+AwXlfbdo3SowVkFJbeyPGks4=",
                  0},
                 {"v=emsl92mxe86gyjb0k9n09HyVfqSsfbpvQJCJQ5HuvhY=", "", 0}}}};
  RUN_CASES(cases);
}

// The last character has two bits that stand for nothing: only with them at zero is it the proof.
Test(scram, a_proof_in_other_words) {
  static const struct ehlo_sasl_case cases[] = {
      {"bits behind the end", &ehlo_mechanism_scram_sha_256,
       .turns = {{NULL, FIRST, 0},
                 {SERVER_FIRST, FINAL, 0},
                 {"v=2+jVp2ywax24rWeh1PEw1iKTfv3pXvDN4Rax7S83D6d=", NULL, EHLO_AUTH_PROOF}}},
      {"another word of the length of the one on trust",
       &ehlo_mechanism_scram_sha_512,
       {.on_trust = true},
       .turns = {{NULL, FIRST, 0},
                 {SERVER_FIRST, "c=biws,r=0123456789abcdefSERVER,p=hidden", 0},
                 {"hiddem", NULL, EHLO_AUTH_CHALLENGE}}},
  };
  RUN_CASES(cases);
}

// The longest identity to act as: of both responses it is the second that has no room first, with
// base64 around it.
Test(scram, room) {
  static char text[EHLO_AUTH_SCRATCH_MAX];
  memset(text, 'a', sizeof(text));
  struct ehlo_credentials cred = {
      .user = SPAN("u"), .password = SPAN("p"), .nonce = SPAN("n"), .on_trust = true};
  // n,a= … , within base64, c= and ,r=nx,p=hidden around it
  size_t most = (EHLO_AUTH_SCRATCH_MAX - 2 - 14) / 4 * 3 - 5;
  for (size_t len = most - 2; len <= sizeof(text) - 9; len++) {
    cred.authzid = (struct ehlo_span){(const uint8_t *)text, len};
    bool first = len <= sizeof(text) - 5 - 7;
    cr_expect_eq(answers(cred, NULL, 0), first, "%zu", len);
    cr_expect_eq(answers(cred, "r=nx,s=AAAA,i=4096", 18), len <= most, "%zu", len);
  }
}
