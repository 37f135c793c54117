#!/usr/bin/env python3
"""Python's imaplib against a practice sandbox: look.py DIRECTORY PERSONALITY USER ARCHIVE SPAM DRAFTS prints what both sides say."""

import imaplib
import re
import sys

from practice import Practice, Transcript

directory, personality, user, archive, spam, drafts = sys.argv[1:]
practice = Practice(directory)
transcript = Transcript(practice.password(user), "wrong-password-1")

PLAIN = "From: Aunt Mary <aunt@family.example>\nTo: {user}\nSubject: plain\nDate: Tue, 01 Dec 2026 06:30:00 +0000\nMessage-ID: <plain@family.example>\n\nHello there.\n"
PARTS = """From: =?utf-8?q?J=C3=B6rg?= <joerg@family.example>
To: {user}
Subject: parts
Date: Tue, 01 Dec 2026 06:40:00 +0000
Message-ID: <parts@family.example>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="cut"

--cut
Content-Type: text/plain; charset=utf-8

The text.
--cut
Content-Type: text/html
Content-Disposition: attachment; filename="page.html"

<p>A page.</p>
--cut--
"""
LAST = "From: shop@shop.example\nTo: {user}\nSubject: last\nMessage-ID: <last@shop.example>\n\nBuy!\n"


class Talk(imaplib.IMAP4_SSL):
    """What both sides say is printed; tags count from A1."""
    def tagged(self, data):
        tag = getattr(self, "tagpre", None)
        return data if tag is None else re.sub(rb"^" + re.escape(tag) + rb"(\d+) ", rb"A\1 ", data)

    def send(self, data):
        transcript.say("C", self.tagged(data))
        super().send(data)

    def readline(self):
        line = super().readline()
        transcript.say("S", self.tagged(line))
        return line

    def read(self, size):
        data = super().read(size)
        transcript.say("S", data)
        return data


def connect():
    return Talk("localhost", practice.port(personality, "imaps"), ssl_context=practice.tls, timeout=20)


for message in (PLAIN, PARTS, LAST):
    practice.deliver(user, "INBOX", message.format(user=user))

print("== a wrong password")
server = connect()
try:
    server.login(user, "wrong-password-1")
except imaplib.IMAP4.error as refusal:
    print("refused:", transcript.plain(str(refusal).encode()))
server.shutdown()

print("== reading")
server = connect()
server.login(user, practice.password(user))
server.capability()
server.list()
server.namespace()
server.status("INBOX", "(MESSAGES UNSEEN UIDNEXT)")
server.select("INBOX")
server.search(None, "ALL")
server.search(None, "FROM", '"aunt"', "UNSEEN")
server.uid("SEARCH", None, "HEADER", "Message-ID", '"<parts@family.example>"')
server.uid("SEARCH", None, "OR", "SUBJECT", "plain", "TEXT", '"Buy"')
server.fetch("1:*", "(UID FLAGS RFC822.SIZE ENVELOPE)")
server.fetch("1", "(BODY.PEEK[HEADER.FIELDS (SUBJECT FROM)])")
server.fetch("2", "(BODYSTRUCTURE BODY.PEEK[1] BODY.PEEK[2.MIME] BODY.PEEK[2]<3.4>)")
server.fetch("1", "(BODY[])")

print("== changing")
server.store("1:2", "+FLAGS", "(\\Flagged \\Answered)")
server.store("2", "-FLAGS.SILENT", "(\\Answered)")
server.store("2", "+FLAGS", "($Label1)")
server.copy("1", f'"{archive}"')
parts = server.uid("SEARCH", None, "SUBJECT", "parts")[1][0].decode()
server.uid("MOVE", parts, f'"{spam}"')
server.append(f'"{drafts}"', "(\\Draft)", '"01-Dec-2026 07:00:00 +0000"', b"From: me@client.test\r\nSubject: draft\r\n\r\nNot yet.\r\n")
server.store("2", "+FLAGS", "(\\Deleted)")
server.expunge()
server.noop()
server.create("Projects/New")
server.rename("Projects/New", "Projects/Old")
server.delete("Projects/Old")
server.select("Nowhere")
server.select(f'"{archive}"', readonly=True)
server.close()
server.logout()

print("== what the server has")
for row in practice.messages(user):
    print(*row)
