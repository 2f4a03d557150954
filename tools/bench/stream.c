// Sessions are templates, filled in at random so that neither lengths nor their order repeat. In a
// template * is a word of 3 to 12 letters, % a decimal and # a hexadecimal digit. A reply that begins
// with ? comes in every other session, one with + once to four times.
#include "tools/bench/stream.h"

#include <string.h>

#include "tools/bench/bench.h"

#define MESSAGE_MAX 4096

static const char *const postfix[] = {
    "220 mx.*.example ESMTP Postfix (Debian/GNU)\r\n",
    "250-mx.*.example\r\n250-PIPELINING\r\n250-SIZE %%%%%%%%\r\n250-VRFY\r\n250-ETRN\r\n"
    "250-STARTTLS\r\n250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250-DSN\r\n250 CHUNKING\r\n",
    "220 2.0.0 Ready to start TLS\r\n",
    "250-mx.*.example\r\n250-PIPELINING\r\n250-SIZE %%%%%%%%\r\n250-VRFY\r\n250-ETRN\r\n"
    "250-AUTH PLAIN LOGIN\r\n250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250-DSN\r\n250 "
    "CHUNKING\r\n",
    "235 2.7.0 Authentication successful\r\n",
    "+250 2.1.0 Ok\r\n",
    "+250 2.1.5 Ok\r\n",
    "?550 5.1.1 <*@*.example>: Recipient address rejected: User unknown in local recipient "
    "table\r\n",
    "354 End data with <CR><LF>.<CR><LF>\r\n",
    "250 2.0.0 Ok: queued as ###########\r\n",
    "221 2.0.0 Bye\r\n",
    NULL,
};

static const char *const exchange[] = {
    "220 LO2P123CA%%%%.outlook.office365.com Microsoft ESMTP MAIL Service ready at Tue, 25 Nov "
    "2025 "
    "%%:%%:%% +0000 [##############.###]\r\n",
    "250-LO2P123CA%%%%.outlook.office365.com Hello [192.0.2.%%]\r\n250-SIZE 157286400\r\n"
    "250-PIPELINING\r\n250-DSN\r\n250-ENHANCEDSTATUSCODES\r\n250-STARTTLS\r\n250-8BITMIME\r\n"
    "250-BINARYMIME\r\n250-CHUNKING\r\n250 SMTPUTF8\r\n",
    "220 2.0.0 SMTP server ready\r\n",
    "250-LO2P123CA%%%%.outlook.office365.com Hello [192.0.2.%%]\r\n250-SIZE 157286400\r\n"
    "250-PIPELINING\r\n250-DSN\r\n250-ENHANCEDSTATUSCODES\r\n250-AUTH LOGIN XOAUTH2\r\n"
    "250-8BITMIME\r\n250-BINARYMIME\r\n250-CHUNKING\r\n250 SMTPUTF8\r\n",
    "334 VXNlcm5hbWU6\r\n",
    "334 UGFzc3dvcmQ6\r\n",
    "?535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the "
    "Tenant. "
    "Visit https://aka.ms/smtp_auth_disabled for more information. [LO2P123CA%%%%.GBRP123.PROD."
    "OUTLOOK.COM 2025-11-25T%%:%%:%%.%%%Z ##############]\r\n",
    "235 2.7.0 Authentication successful\r\n",
    "250 2.1.0 Sender OK\r\n",
    "+250 2.1.5 Recipient OK\r\n",
    "354 Start mail input; end with <CRLF>.<CRLF>\r\n",
    "250 2.0.0 OK <################@LO2P123MB%%%%.GBRP123.PROD.OUTLOOK.COM> "
    "[Hostname=LO2P123MB%%%%.GBRP123.PROD.OUTLOOK.COM]\r\n",
    "221 2.0.0 Service closing transmission channel\r\n",
    NULL,
};

static const char *const gmail[] = {
    "220 smtp.gmail.com ESMTP #############-#############csm%%%%%%%%.7 - gsmtp\r\n",
    "250-smtp.gmail.com at your service, [192.0.2.%%]\r\n250-SIZE 35882577\r\n250-8BITMIME\r\n"
    "250-STARTTLS\r\n250-ENHANCEDSTATUSCODES\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 SMTPUTF8\r\n",
    "220 2.0.0 Ready to start TLS\r\n",
    "250-smtp.gmail.com at your service, [192.0.2.%%]\r\n250-SIZE 35882577\r\n250-8BITMIME\r\n"
    "250-AUTH LOGIN PLAIN XOAUTH2 PLAIN-CLIENTTOKEN OAUTHBEARER XOAUTH\r\n"
    "250-ENHANCEDSTATUSCODES\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 SMTPUTF8\r\n",
    "235 2.7.0 Accepted\r\n",
    "250 2.1.0 OK #############-#############csm%%%%%%%%.7 - gsmtp\r\n",
    "+250 2.1.5 OK #############-#############csm%%%%%%%%.7 - gsmtp\r\n",
    "?550-5.1.1 The email account that you tried to reach does not exist. Please try\r\n"
    "550-5.1.1 double-checking the recipient's email address for typos or\r\n"
    "550-5.1.1 unnecessary spaces. For more information, go to\r\n"
    "550 5.1.1  https://support.google.com/mail/?p=NoSuchUser #############-###########.% - "
    "gsmtp\r\n",
    "354 Go ahead #############-#############csm%%%%%%%%.7 - gsmtp\r\n",
    "250 2.0.0 OK  17%%%%%%%% #############-#############csm%%%%%%%%.7 - gsmtp\r\n",
    "221 2.0.0 closing connection #############-#############csm%%%%%%%%.7 - gsmtp\r\n",
    NULL,
};

static const char *const *const sessions[] = {postfix, exchange, gmail};

static const char *const web[] = {
    "HTTP/1.1 200 OK\r\nDate: Tue, 25 Nov 2025 %%:%%:%% GMT\r\nServer: *\r\n"
    "Content-Type: text/html; charset=utf-8\r\nContent-Length: 0\r\nConnection: keep-alive\r\n"
    "ETag: \"################\"\r\nLast-Modified: Mon, 24 Nov 2025 %%:%%:%% GMT\r\n"
    "Cache-Control: public, max-age=%%%%\r\nX-Request-Id: ################################\r\n"
    "Set-Cookie: *=################################; Path=/; Secure; HttpOnly\r\n\r\n",
    "?HTTP/1.1 304 Not Modified\r\nDate: Tue, 25 Nov 2025 %%:%%:%% GMT\r\nServer: *\r\n"
    "ETag: \"################\"\r\nCache-Control: max-age=%%%%\r\nVary: Accept-Encoding\r\n\r\n",
    NULL,
};

// Fills a template in; returns its length.
static size_t fill_in(uint8_t *out, const char *template, uint32_t *seed) {
  size_t len = 0;
  for (const char *at = template; *at != '\0'; at++) {
    if (*at == '*') {
      for (uint32_t left = 3 + next_random(seed) % 10; left > 0; left--) {
        out[len++] = (uint8_t)('a' + next_random(seed) % 26);
      }
    } else if (*at == '#') {
      out[len++] = (uint8_t) "0123456789abcdef"[next_random(seed) % 16];
    } else if (*at == '%') {
      out[len++] = (uint8_t)('0' + next_random(seed) % 10);
    } else {
      out[len++] = (uint8_t)*at;
    }
  }
  return len;
}

typedef void append_message(struct stream *out, const uint8_t *message, size_t len);

// Appends one session; `append` says what becomes of each message.
static void append_session(struct stream *out, const char *const *session, uint32_t *seed,
                           append_message *append) {
  uint8_t message[MESSAGE_MAX];
  for (; *session != NULL; session++) {
    const char *template = *session;
    uint32_t times = 1;
    if (*template == '?') {
      times = next_random(seed) % 2;
      template ++;
    } else if (*template == '+') {
      times = 1 + next_random(seed) % 4;
      template ++;
    }
    while (times-- > 0) {
      append(out, message, fill_in(message, template, seed));
      out->num_messages++;
    }
  }
}

static void append_octets(struct stream *out, const void *octets, size_t len) {
  memcpy(out->bytes + out->len, octets, len);
  out->len += len;
}

static size_t line_len(const uint8_t *line, const uint8_t *end) {
  return (size_t)((const uint8_t *)memchr(line, '\n', (size_t)(end - line)) - line) + 1;
}

static void append_reply(struct stream *out, const uint8_t *message, size_t len) {
  const uint8_t *end = message + len;
  append_octets(out, message, len);
  for (const uint8_t *line = message; line < end; line += line_len(line, end)) {
    out->digest = digest_octets(out->digest, line + 4, line_len(line, end) - 6);
    out->digest = digest_octets(out->digest, "\n", 1);
    out->num_lines++;
  }
  out->digest = digest_number(out->digest, (uint64_t)(message[0] - '0') * 100 +
                                               (uint64_t)(message[1] - '0') * 10 +
                                               (uint64_t)(message[2] - '0'));
}

static void append_field(struct stream *out, const uint8_t *name, size_t name_len,
                         const uint8_t *value, size_t value_len) {
  append_octets(out, name, name_len);
  append_octets(out, ": ", 2);
  append_octets(out, value, value_len);
  append_octets(out, "\r\n", 2);
  out->digest = digest_octets(out->digest, name, name_len);
  out->digest = digest_octets(out->digest, value, value_len);
  out->num_lines++;
}

// "250-SIZE 1000" becomes "250-SIZE: 1000".
static void append_reply_as_response(struct stream *out, const uint8_t *message, size_t len) {
  const uint8_t *end = message + len;
  size_t first_len = line_len(message, end);
  append_octets(out, "HTTP/1.1 204 ", 13);
  append_octets(out, message + 4, first_len - 4);
  out->digest = digest_octets(out->digest, message + 4, first_len - 6);
  out->num_lines += 2;
  for (const uint8_t *line = message + first_len; line < end; line += line_len(line, end)) {
    const uint8_t *line_end = line + line_len(line, end) - 2;
    const uint8_t *blank = memchr(line, ' ', (size_t)(line_end - line));
    const uint8_t *name_end = blank != NULL ? blank : line_end;
    const uint8_t *value = name_end;
    while (value < line_end && *value == ' ') {
      value++;
    }
    append_field(out, line, (size_t)(name_end - line), value, (size_t)(line_end - value));
  }
  append_octets(out, "\r\n", 2);
  out->digest = digest_number(out->digest, 1);
}

static void append_response(struct stream *out, const uint8_t *message, size_t len) {
  const uint8_t *end = message + len;
  size_t first_len = line_len(message, end);
  append_octets(out, message, first_len);
  out->digest = digest_octets(out->digest, message + 13, first_len - 15);
  out->num_lines += 2;
  for (const uint8_t *line = message + first_len; *line != '\r'; line += line_len(line, end)) {
    const uint8_t *colon = memchr(line, ':', (size_t)(end - line));
    const uint8_t *line_end = line + line_len(line, end) - 2;
    append_field(out, line, (size_t)(colon - line), colon + 2, (size_t)(line_end - colon) - 2);
  }
  append_octets(out, "\r\n", 2);
  out->digest = digest_number(out->digest, 1);
}

static void begin(struct stream *out, size_t len) {
  *out = (struct stream){.bytes = allocate(len + 100 * MESSAGE_MAX), .digest = DIGEST_START};
}

void make_replies(struct stream *out, size_t len) {
  uint32_t seed = 1;
  begin(out, len);
  while (out->len < len) {
    append_session(out, sessions[next_random(&seed) % 3], &seed, append_reply);
  }
}

void make_responses_like_replies(struct stream *out, size_t len) {
  uint32_t seed = 1;
  begin(out, len);
  while (out->len < len) {
    append_session(out, sessions[next_random(&seed) % 3], &seed, append_reply_as_response);
  }
}

void make_responses(struct stream *out, size_t len) {
  uint32_t seed = 1;
  begin(out, len);
  while (out->len < len) {
    append_session(out, web, &seed, append_response);
  }
}
