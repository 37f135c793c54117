"""Proves that the rig does what its headers say. Needs a running one: RIG_DIR. It uses the users u191 to u200."""

import email.utils
import imaplib
import json
import os
import pathlib
import smtplib
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

import audit
import evidence
from test_audit import SCHEMA

HERE = pathlib.Path(__file__).parent
RIG = pathlib.Path(os.environ["RIG_DIR"])
FACTS = dict(line.split("=", 1) for line in (RIG / "rig.env").read_text().splitlines())
BASE, PASSWORD = int(FACTS["RIG_PORT_BASE"]), FACTS["RIG_PASSWORD"]
TLS = ssl.create_default_context(cafile=FACTS["RIG_CA"])
ANNA, BEN, CARL, DORA = "u191@warm-a.test", "u191@warm-b.test", "u192@warm-b.test", "u193@warm-b.test"
SUBMISSION, IMAP, BARE, PREFIXED = BASE + 1587, BASE + 1143, BASE + 2143, BASE + 3143
PATIENCE = 20  # seconds until something that must happen is called missing


def fault(*arguments, stdin=""):
    return subprocess.run([HERE / "faults.sh", *arguments], input=stdin, text=True, check=True, capture_output=True).stdout


def submit(sender, recipient, letter=None, port=SUBMISSION, **headers):
    """Submits one message; returns its Message-ID."""
    message_id = email.utils.make_msgid(domain="warm-a.test")
    mark = f"X-Preheat: k1.{letter}.{'ab' * 32}\r\n" if letter else ""
    more = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    text = f"From: {sender}\r\nTo: {recipient}\r\nMessage-ID: {message_id}\r\nDate: Tue, 01 Dec 2026 09:00:00 +0100\r\n{mark}{more}\r\nhello\r\n"
    with smtplib.SMTP("localhost", port, timeout=10) as server:
        server.login(sender, PASSWORD)
        server.sendmail(sender, [recipient], text)
    return message_id


def sign_in(user, port=IMAP, password=PASSWORD):
    server = imaplib.IMAP4("localhost", port)
    try:
        server.login(user, password)
    except imaplib.IMAP4.error:
        server.shutdown()
        raise
    return server


def eventually(look):
    """What `look` finds as soon as it finds something."""
    end = time.monotonic() + PATIENCE
    while not (found := look()) and time.monotonic() < end:
        time.sleep(0.05)
    return found


def copies_of(message_id):
    return [c for c in evidence.read_maildirs(RIG / "mail") if c.message_id == message_id.strip("<>")]


def delivered(message_id):
    return eventually(lambda: copies_of(message_id))


class Proxy:
    """faultproxy.py as a test uses it."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen([sys.executable, HERE / "faultproxy.py", *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().split()[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


class MailstackTest(unittest.TestCase):
    def setUp(self):
        subprocess.run([HERE / "mailstack.sh", "reset", ANNA, BEN, CARL, DORA], check=True)

    def test_every_way_to_submit_delivers(self):
        with smtplib.SMTP("localhost", BASE + 587) as server:
            server.ehlo()
            self.assertFalse(server.has_extn("auth"))
            self.assertEqual(server.mail(ANNA)[0], 530)
            server.starttls(context=TLS)
            server.login(ANNA, PASSWORD)
        with smtplib.SMTP_SSL("localhost", BASE + 465, context=TLS) as server:
            server.login(ANNA, PASSWORD)
        began = time.monotonic()
        message_id = submit(ANNA, BEN)
        self.assertEqual([c.folder for c in delivered(message_id)], ["INBOX"])
        print(f"submission to Maildir: {time.monotonic() - began:.2f} s", end=" ", file=sys.stderr)
        with sign_in(BEN) as server:
            server.select("INBOX")
            self.assertEqual(server.uid("search", None, "HEADER", "Message-ID", f'"{message_id}"')[1], [b"1"])

    def test_another_name_on_the_certificate(self):
        with self.assertRaises(ssl.SSLCertVerificationError):
            smtplib.SMTP_SSL("127.0.0.1", BASE + 465, context=TLS)

    def test_tls_on_imap(self):
        with imaplib.IMAP4_SSL("localhost", BASE + 993, ssl_context=TLS) as server:
            server.login(ANNA, PASSWORD)
        with imaplib.IMAP4("localhost", BASE + 143) as server:
            self.assertIn("STARTTLS", server.capabilities)
            server.starttls(TLS)
            server.login(ANNA, PASSWORD)
        with imaplib.IMAP4("localhost", IMAP) as server:
            self.assertNotIn("STARTTLS", server.capabilities)

    def test_what_recipients_answer(self):
        for prefix, code in (("reject", 550), ("full", 452), ("grey", 450), ("policy", 554), ("rate", 421)):
            try:
                submit(ANNA, f"{prefix}-1@warm-b.test")
                got = 250
            except smtplib.SMTPRecipientsRefused as refused:
                ((got, _),) = refused.recipients.values()
            self.assertEqual(got, code, prefix)

    def test_wrong_sender_and_wrong_password(self):
        with smtplib.SMTP("localhost", SUBMISSION) as server:
            with self.assertRaises(smtplib.SMTPAuthenticationError):
                server.login(ANNA, "wrong")
            server.login(ANNA, PASSWORD)
            self.assertEqual(server.mail(BEN)[0], 250)
            self.assertEqual(server.rcpt(CARL)[0], 553)

    def test_a_recipient_that_does_not_exist_bounces(self):
        submit(ANNA, "nobody@warm-b.test")
        bounce = eventually(lambda: [c for c in evidence.read_maildirs(RIG / "mail") if c.mailbox == ANNA])
        self.assertIn("multipart/report", bounce[0].headers["Content-Type"])

    def test_a_share_of_letters_is_filed_as_the_ids_say(self):
        fault("junk", "85", "Junk", BEN)
        fault("junk", "85", "Courrier indésirable", CARL)
        offsets = [(RIG / "log" / name).stat().st_size for name in ("postfix.log", "dovecot-main.log")]
        letters = [f"{'c' * 22}{n:02x}" for n in (0, 0x4F, 0x54, 0x55, 0x60, 0xFF)]
        ids = {letter: submit(ANNA, recipient, letter) for recipient in (BEN, CARL) for letter in letters[(recipient == CARL) :]}
        self.assertTrue(all(delivered(message_id) for message_id in ids.values()))
        unmarked = submit(ANNA, BEN, Subject="no letter")
        self.assertEqual([c.folder for c in delivered(unmarked)], ["INBOX"])
        rules = evidence.read_junk_rules(RIG)
        logs = RIG / "log/postfix.log", RIG / "log/dovecot-main.log"
        evidence.settle(RIG)
        submissions = [s for s in evidence.read_submissions(*logs, offsets) if s.letter]
        self.assertEqual(len(submissions), 11)
        for submission in submissions:
            ((recipient, folder),) = submission.first_folders.items()
            share, junk = rules[recipient]
            self.assertEqual(folder, junk if evidence.belongs_in_junk(submission.letter, share) else "INBOX", submission)
            self.assertTrue(submission.accepted and submission.moment().hour == 9)
        filed = [c.folder for c in evidence.read_maildirs(RIG / "mail") if c.mailbox == CARL]
        self.assertEqual(filed.count("Courrier indésirable"), 2)

    def test_the_poor_views_of_dovecot(self):
        fault("junk", "256", "Courrier indésirable", CARL)
        delivered(submit(ANNA, CARL, "c" * 24))
        with sign_in(CARL, BARE) as server:
            for capability in ("MOVE", "UIDPLUS", "SPECIAL-USE"):
                self.assertNotIn(capability, server.capability()[1][0].decode().split())
            self.assertEqual(sorted(server.list()[1]), [rb'(\HasNoChildren) "/" "Courrier ind&AOk-sirable"', rb'(\HasNoChildren) "/" INBOX'])
        fault("junk", "256", "Junk", DORA)
        delivered(submit(ANNA, DORA, "c" * 24))
        with sign_in(DORA, PREFIXED) as server:
            self.assertEqual(server.namespace()[1], [b'(("INBOX." ".")) NIL NIL'])
            self.assertIn(rb'(\HasNoChildren) "." INBOX.Junk', server.list()[1])

    def test_planted_mail_is_known_again(self):
        fault("plant", BEN, "Junk", "news-1", stdin="From: a@else.test\r\nSubject: news\r\n\r\nhello\r\n")
        self.assertIn((BEN, "news-1", "Junk"), evidence.read_planted(RIG))
        found = [(c.folder, c.flags) for c in evidence.read_maildirs(RIG / "mail") if c.headers[evidence.PLANTED] == "news-1"]
        self.assertEqual(found, [("Junk", "")])

    def test_faults_on_folders(self):
        delivered(submit(ANNA, BEN))
        with sign_in(BEN) as server:
            server.select("INBOX")
            before = server.response("UIDVALIDITY")[1]
        fault("uidvalidity", BEN, "INBOX", "4711")
        with sign_in(BEN) as server:
            server.select("INBOX")
            self.assertEqual((server.response("UIDVALIDITY")[1] != before, server.uid("search", None, "ALL")[1]), (True, [b"1"]))
        fault("expunge", BEN, "INBOX", "all")
        self.assertEqual([c for c in evidence.read_maildirs(RIG / "mail") if c.mailbox == BEN], [])

    def test_passwords_and_quotas_change(self):
        fault("password", DORA, "another")
        try:
            with self.assertRaises(imaplib.IMAP4.error):
                sign_in(DORA)
            sign_in(DORA, password="another").logout()
        finally:
            fault("password", DORA, PASSWORD)
        fault("quota", CARL, "1B")
        try:
            submit(ANNA, CARL)
            full = eventually(lambda: [c for c in evidence.read_maildirs(RIG / "mail") if c.mailbox == ANNA])
            self.assertIn("multipart/report", full[0].headers["Content-Type"])
        finally:
            fault("quota", CARL, "1G")

    def test_the_proxies_two_ways_to_lose_a_final_reply(self):
        for mode, count in (("cut-before-dot", 0), ("cut-after-final", 1)):
            letter = f"{'d' * 23}{count}"
            with Proxy(SUBMISSION, mode, "--times", 1) as proxy:
                with self.assertRaises((smtplib.SMTPServerDisconnected, ConnectionError)):
                    submit(ANNA, BEN, letter, proxy.port)
                self.assertEqual(proxy.process.stdout.readline(), f"struck {mode}\n")
                after = submit(ANNA, BEN, port=proxy.port)
            delivered(after)
            if count:
                eventually(lambda letter=letter: [c for c in evidence.read_maildirs(RIG / "mail") if c.letter == letter])
            found = [c for c in evidence.read_maildirs(RIG / "mail") if c.letter == letter and c.mailbox == BEN]
            self.assertEqual(len(found), count, mode)

    def test_the_auditor_on_real_servers(self):
        """A ledger written by hand for two letters, one of them filed as spam and rescued over IMAP."""
        fault("junk", "128", "Junk", BEN)
        offsets = [(RIG / "log" / name).stat().st_size for name in ("postfix.log", "dovecot-main.log")]
        to_inbox, to_junk = f"{'e' * 22}ff", f"{'e' * 22}00"
        ids = {letter: submit(ANNA, BEN, letter) for letter in (to_inbox, to_junk)}
        self.assertEqual([delivered(ids[to_inbox])[0].folder, delivered(ids[to_junk])[0].folder], ["INBOX", "Junk"])
        with tempfile.TemporaryDirectory() as directory:
            ledger = sqlite3.connect(pathlib.Path(directory, "preheat.db"), isolation_level=None)
            ledger.executescript(SCHEMA)
            for letter, placement in ((to_inbox, "inbox"), (to_junk, "spam")):
                row = [letter, ANNA, BEN, "2026-12-01", None, "seen", placement, None, ids[letter].strip("<>"), None, None]
                ledger.execute(f"INSERT INTO letter VALUES ({', '.join('?' * len(row))})", row)
                ledger.execute("INSERT INTO step VALUES (?, 1, 1796112000000, 'handed')", [letter])  # 09:00 in Berlin
                ledger.execute("INSERT INTO sighting VALUES (?, ?, 'INBOX', 'inbox', 1, 1, 1)", [BEN, letter])
            ledger.execute("INSERT INTO day VALUES (?, '2026-12-01', 2)", [ANNA])
            ledger.close()
            pool = {address: {"zone": "Europe/Berlin", "window": ["08:30", "17:30"]} for address in (ANNA, BEN)}
            facts = {"rig": str(RIG), "ledger": "preheat.db", "log_from": offsets, "pool": pool}
            pathlib.Path(directory, "audit.json").write_text(json.dumps(facts))
            evidence.settle(RIG)
            failed = [name for name, _, problems in audit.Audit(directory).run() if problems]
            self.assertEqual(failed, [audit.Audit.check_folders.__doc__, audit.Audit.check_rescues.__doc__])
            with sign_in(BEN) as server:
                server.select("Junk")
                server.uid("MOVE", "1", "INBOX")
            self.assertEqual([problems for _, _, problems in audit.Audit(directory).run() if problems], [])
            submit(ANNA, BEN, to_inbox)
            evidence.settle(RIG)
            failed = [name for name, _, problems in audit.Audit(directory).run() if problems]
            self.assertIn(audit.Audit.check_handed_over_once.__doc__, failed)

    def test_reset_empties_these_mailboxes_only(self):
        for recipient in (BEN, CARL):
            delivered(submit(ANNA, recipient))
        subprocess.run([HERE / "mailstack.sh", "reset", BEN], check=True)
        self.assertEqual({c.mailbox for c in evidence.read_maildirs(RIG / "mail") if c.mailbox in (BEN, CARL)}, {CARL})


if __name__ == "__main__":
    unittest.main()
