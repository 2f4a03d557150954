// How the inputs of the auth target look, with templates of challenges for each mechanism. 0x01 is our
// nonce in them and 0x02 the right signature.
#include "fuzz/lines.h"

static const char *const lines[] = {
    "",
    "Username:",
    "Password:",
    "hidden",
    "<1896.697170952@mail.example>",
    "{\"status\":\"401\",\"schemes\":\"bearer\"}",
    "r=\001,s=QSXCR+Q6sek8bf92,i=4096",
    "r=\001abc,s=QSXCR+Q6sek8bf92,i=4096",
    "r=\001abc,s=AA==,i=4097,x=y",
    "r=\001abc,s=QSXCR+Q6sek8bf92,i=4095",
    "r=\001abc,s=QSXCR+Q6sek8bf92,i=600001",
    "r=\001abc,s=,i=4096",
    "r=abc,s=QSXCR+Q6sek8bf92,i=4096",
    "m=x,r=\001abc,s=QSXCR+Q6sek8bf92,i=4096",
    "e=other-error",
    "v=\002",
    "v=\002,x=y",
    "v=\002=",
    "v=AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    "realm=\"mail.example\",nonce=\"abc\",qop=\"auth\",algorithm=md5-sess,charset=utf-8",
    "realm=\"a\",realm=\"b\",nonce=\"a\\\"bc\",qop=\"auth-int,auth\",algorithm=md5-sess",
    "nonce=\"abc\",algorithm=md5-sess",
    "nonce=abc , qop=auth , maxbuf=65536 , stale=true , algorithm=md5-sess",
    "nonce=\"abc\",nonce=\"abc\",algorithm=md5-sess",
    "nonce=\"abc\",qop=\"auth-conf\",cipher=\"des,rc4\",algorithm=md5-sess",
    "rspauth=ea40f60335c427b5527b84dbabcdfffd",
    "rspauth=\"0\",rspauth=\"1\"",
};

// The proof in the last one is right for the credentials that the target has.
#define ELWOOD                                                                              \
  "realm=\"elwood.innosoft.com\",nonce=\"OA6MG9tEQGm2hh\",qop=\"auth\",algorithm=md5-sess," \
  "charset=utf-8"

static const char *const scenes[] = {
    "Username:\nPassword:",
    "r=\001abc,s=QSXCR+Q6sek8bf92,i=4096\nv=\002",
    "\nr=\001abc,s=QSXCR+Q6sek8bf92,i=4096\nv=\002",
    "r=\001abc,s=QSXCR+Q6sek8bf92,i=4096\nhidden",
    "r=\001abc,s=QSXCR+Q6sek8bf92,i=4096\ne=invalid-proof",
    "realm=\"mail.example\",nonce=\"abc\",qop=\"auth\",algorithm=md5-sess,charset=utf-8\nhidden",
    ELWOOD "\nrspauth=a7b141f219f117f99b2bdeb8d6c6f72f\nx",
};

const struct ehlo_fuzz_dialect ehlo_fuzz_auth_dialect = {
    .header_len = 2,
    .server = "",
    .server_part = "",
    .part_end = "",
    .lines = lines,
    .num_lines = sizeof(lines) / sizeof(lines[0]),
    .scenes = scenes,
    .num_scenes = sizeof(scenes) / sizeof(scenes[0]),
};
