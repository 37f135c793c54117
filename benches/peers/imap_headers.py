"""Reads the headers of a whole folder with imaplib, and prints the seconds that it took.

imap_headers.py each|all PORT USER PASSWORD MESSAGES

each: one FETCH a message, as loops do it. all: one FETCH for all of them.
"""
import imaplib
import sys
import time

HOW, PORT, USER, PASSWORD, MESSAGES = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], int(sys.argv[5])
# As preheat asks.
FIELDS = (
    "X-Preheat Message-ID In-Reply-To References From Subject Return-Path Content-Type Auto-Submitted Precedence List-Id "
    "List-Unsubscribe X-Failed-Recipients To Cc Bcc Date X-Microsoft-Original-Message-ID"
)
ITEMS = f"(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS ({FIELDS})])"

imaplib._MAXLINE = 10_000_000
start = time.perf_counter()
server = imaplib.IMAP4("127.0.0.1", PORT)
server.login(USER, PASSWORD)
server.select("INBOX", readonly=True)
if HOW == "all":
    _, answer = server.uid("FETCH", "1:*", ITEMS)
    read = sum(isinstance(part, tuple) for part in answer)
else:
    _, found = server.uid("SEARCH", "ALL")
    read = 0
    for uid in found[0].split():
        _, answer = server.uid("FETCH", uid, ITEMS)
        read += sum(isinstance(part, tuple) for part in answer)
server.logout()
seconds = time.perf_counter() - start
if read != MESSAGES:
    sys.exit(f"{read} messages, not {MESSAGES}")
print(seconds)
