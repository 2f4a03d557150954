// The providers.
#include "tools/driver/profile.h"

#include <string.h>
#include <strings.h>

const struct profile profiles[] = {
    {.name = "office365",
     .title = "Exchange Online (Microsoft 365)",
     .server = "smtp.office365.com:587",
     .host = "smtp.office365.com",
     .mechanisms = "LOGIN,XOAUTH2",
     .user_is_address = true,
     .from_is_user = true,
     .limits = "10,000 recipients a day, 30 messages a minute, 3 connections at once",
     .notes = {"SMTP AUTH has to be enabled for the mailbox: Set-CASMailbox -Identity USER "
               "-SmtpClientAuthenticationDisabled $false ($false enables it).",
               "A password (Basic authentication) is to be off by default from the end of December "
               "2026; XOAUTH2 takes its place, with the scope "
               "https://outlook.office.com/SMTP.Send.",
               NULL},
     .source = "https://learn.microsoft.com/exchange/clients-and-mobile-in-exchange-online/"
               "authenticated-client-smtp-submission",
     .as_of = "2026-11"},
    {.name = "outlook",
     .title = "Outlook.com, Hotmail and Live",
     .server = "smtp-mail.outlook.com:587",
     .host = "smtp-mail.outlook.com",
     .mechanisms = "XOAUTH2",
     .user_is_address = true,
     .from_is_user = true,
     .notes = {"Passwords and app passwords are not taken since 2024-09-16.", NULL},
     .source = "https://support.microsoft.com/office/"
               "pop-imap-and-smtp-settings-for-outlook-com-d088b986-291d-42b8-9564-9c414e2aa040",
     .as_of = "2026-11"},
    {.name = "gmail",
     .title = "Gmail and Google Workspace",
     .server = "smtp.gmail.com:587",
     .host = "smtp.gmail.com",
     .mechanisms = "PLAIN,LOGIN,XOAUTH2,OAUTHBEARER",
     .user_is_address = true,
     .from_is_user = true,
     .limits = "500 recipients a day (2,000 with Workspace), messages of 25 MB",
     .notes = {"The password is an app password (https://myaccount.google.com/apppasswords, with "
               "2-step verification on), or a token with the scope https://mail.google.com/.",
               NULL},
     .source = "https://support.google.com/a/answer/176600",
     .as_of = "2026-11"},
    {.name = "icloud",
     .title = "iCloud Mail",
     .server = "smtp.mail.me.com:587",
     .host = "smtp.mail.me.com",
     .user_is_address = true,
     .from_is_user = true,
     .limits = "1,000 messages and 1,000 recipients a day, 500 recipients a message, messages of "
               "20 MB",
     .notes = {"The password is an app-specific one: https://account.apple.com, Sign-In and "
               "Security.",
               NULL},
     .source = "https://support.apple.com/102525, https://support.apple.com/102198",
     .as_of = "2026-11"},
    {.name = "yahoo",
     .title = "Yahoo Mail",
     .server = "smtps://smtp.mail.yahoo.com:465",
     .host = "smtp.mail.yahoo.com",
     .user_is_address = true,
     .from_is_user = true,
     .notes = {"The password is an app password, made in the account's security settings.", NULL},
     .source = "https://help.yahoo.com/kb/SLN4724.html",
     .as_of = "2026-11"},
    {.name = "ses",
     .title = "Amazon SES, us-east-1",
     .server = "email-smtp.us-east-1.amazonaws.com:587",
     .host = "email-smtp.us-east-1.amazonaws.com",
     .mechanisms = "PLAIN,LOGIN",
     .limits = "50 recipients a message",
     .notes = {"In another region name its host: email-smtp.REGION.amazonaws.com. Credentials hold "
               "for one region.",
               "User name and password are SMTP credentials of SES, not an IAM access key.", NULL},
     .source = "https://docs.aws.amazon.com/ses/latest/dg/smtp-connect.html",
     .as_of = "2026-11"},
    {.name = "sendgrid",
     .title = "SendGrid",
     .server = "smtp.sendgrid.net:587",
     .host = "smtp.sendgrid.net",
     .mechanisms = "PLAIN,LOGIN",
     .user = "apikey",
     .notes = {"The user name is the word apikey, the password an API key with the right \"Mail "
               "Send\".",
               NULL},
     .source = "https://www.twilio.com/docs/sendgrid/for-developers/sending-email/"
               "integrating-with-the-smtp-api",
     .as_of = "2026-11"},
    {.name = "fastmail",
     .title = "Fastmail",
     .server = "smtps://smtp.fastmail.com:465",
     .host = "smtp.fastmail.com",
     .user_is_address = true,
     .notes = {"The password is an app password (Settings, Privacy & Security).", NULL},
     .source = "https://www.fastmail.help/hc/articles/1500000278342",
     .as_of = "2026-11"},
    {.name = "zoho",
     .title = "Zoho Mail",
     .server = "smtp.zoho.com:587",
     .host = "smtp.zoho.com",
     .mechanisms = "PLAIN,LOGIN",
     .user_is_address = true,
     .from_is_user = true,
     .notes = {"In Europe and India the hosts are smtp.zoho.eu and smtp.zoho.in; with a domain of "
               "one's own smtppro.zoho.com.",
               "With two-factor authentication the password is an app password.", NULL},
     .source = "https://www.zoho.com/mail/help/zoho-smtp.html",
     .as_of = "2026-11"},
    {.name = "local",
     .title = "The mail server of this machine",
     .server = "localhost:25",
     .host = "",
     .cleartext = true,
     .notes = {"No TLS and no login: it is for this machine alone.", NULL},
     .source = "RFC 5321",
     .as_of = "2026-11"},
};
const size_t num_profiles = sizeof(profiles) / sizeof(profiles[0]);

const struct profile *profile_find(const char *name) {
  for (size_t i = 0; i < num_profiles; i++) {
    if (strcmp(profiles[i].name, name) == 0) {
      return &profiles[i];
    }
  }
  return NULL;
}

const struct profile *profile_of_host(const char *host) {
  for (size_t i = 0; i < num_profiles; i++) {
    if (profiles[i].host[0] != '\0' && strcasecmp(profiles[i].host, host) == 0) {
      return &profiles[i];
    }
  }
  return NULL;
}

static void line(FILE *out, const char *label, const char *text) {
  if (text != NULL) {
    fprintf(out, "  %-10s %s\n", label, text);
  }
}

void profile_print(FILE *out, const struct profile *p) {
  fprintf(out, "%s: %s\n", p->name, p->title);
  line(out, "server", p->server);
  line(out, "mechanisms", p->mechanisms);
  line(out, "user", p->user);
  line(out, "limits", p->limits);
  for (size_t i = 0; i < PROFILE_NOTES_MAX && p->notes[i] != NULL; i++) {
    line(out, i == 0 ? "notes" : "", p->notes[i]);
  }
  line(out, "source", p->source);
  line(out, "as of", p->as_of);
}

json_t *profile_json(const struct profile *p) {
  json_t *notes = json_array();
  for (size_t i = 0; i < PROFILE_NOTES_MAX && p->notes[i] != NULL; i++) {
    json_array_append_new(notes, json_string(p->notes[i]));
  }
  return json_pack("{s:s, s:s, s:s, s:s?, s:s?, s:s?, s:o, s:s, s:s}", "name", p->name, "title",
                   p->title, "server", p->server, "mechanisms", p->mechanisms, "user", p->user,
                   "limits", p->limits, "notes", notes, "source", p->source, "as_of", p->as_of);
}
