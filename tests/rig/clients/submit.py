#!/usr/bin/env python3
"""Python's smtplib against a practice sandbox: submit.py DIRECTORY PERSONALITY USER COLLEAGUE prints what both sides say."""

import smtplib
import sys
import time

from practice import Practice, Transcript

directory, personality, user, colleague = sys.argv[1:]
practice = Practice(directory)
transcript = Transcript(practice.password(user), "wrong-password-1")


class Talk:
    """What both sides say is printed."""

    def send(self, data):
        transcript.say("C", data.encode() if isinstance(data, str) else data)
        super().send(data)

    def getreply(self):
        code, text = super().getreply()
        for line in text.split(b"\n"):
            transcript.say("S", f"{code} ".encode() + line)
        return code, text


class Plain(Talk, smtplib.SMTP):
    pass


class InsideTls(Talk, smtplib.SMTP_SSL):
    pass


def letter(to, subject):
    lines = f"From: {user}", f"To: {to}", f"Subject: {subject}", f"Message-ID: <{subject}@client.test>", "", "A line.", ".And one with a dot, and Grüße.", ""
    return "\r\n".join(lines).encode()


print("== 587, STARTTLS, AUTH PLAIN: a letter to a colleague")
with Plain("localhost", practice.port(personality, "submission"), local_hostname="client.test", timeout=20) as server:
    server.starttls(context=practice.tls)
    server.login(user, practice.password(user))
    server.sendmail(user, [colleague], letter(colleague, "one"), mail_options=["BODY=8BITMIME"])

print("== 465, AUTH LOGIN: two recipients, one of whom does not exist; then another letter")
with InsideTls("localhost", practice.port(personality, "smtps"), local_hostname="client.test", context=practice.tls, timeout=20) as server:
    server.ehlo()
    server.user, server.password = user, practice.password(user)
    server.auth("LOGIN", server.auth_login)
    refused = server.sendmail(user, [colleague, f"nobody@{user.split('@')[1]}"], letter(colleague, "two"))
    print("refused:", *refused)
    server.rset()
    try:
        server.sendmail(colleague, [user], letter(user, "three"))
    except smtplib.SMTPRecipientsRefused as refusal:
        print("in another's name:", *(code for code, _ in refusal.recipients.values()))

print("== 587 without STARTTLS")
with Plain("localhost", practice.port(personality, "submission"), local_hostname="client.test", timeout=20) as server:
    server.ehlo()
    print("offers AUTH:", server.has_extn("auth"))
    server.mail(user)

print("== 465, a wrong password")
with InsideTls("localhost", practice.port(personality, "smtps"), local_hostname="client.test", context=practice.tls, timeout=20) as server:
    try:
        server.login(user, "wrong-password-1", initial_response_ok=False)
    except smtplib.SMTPAuthenticationError as refusal:
        print("refused:", refusal.smtp_code)

end = time.monotonic() + 60
wanted = {"one", "two"}
while time.monotonic() < end and wanted - {subject for _, subject, _ in practice.messages(colleague)}:
    time.sleep(0.05)
print("== arrived:", *sorted(subject for _, subject, _ in practice.messages(colleague)))
