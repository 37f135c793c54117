"""Proves that each check of audit.py can fail: a synthetic day that is in order, then one thing wrong at a time."""

import base64
import datetime
import json
import pathlib
import sqlite3
import tempfile
import unittest
import unittest.mock

import audit
import evidence
import sandbox

SCHEMA = """
CREATE TABLE letter(id TEXT PRIMARY KEY, sender TEXT, recipient TEXT, date TEXT, parent TEXT, state TEXT, placement TEXT,
                    due INTEGER, message_id_sent TEXT, message_id_seen TEXT, skip_reason TEXT) STRICT;
CREATE TABLE step(letter TEXT, n INTEGER, at INTEGER, event TEXT) STRICT;
CREATE TABLE day(mailbox TEXT, date TEXT, quota INTEGER) STRICT;
CREATE TABLE sighting(mailbox TEXT, letter TEXT, folder TEXT, role TEXT, uid INTEGER, uid_validity INTEGER, at INTEGER) STRICT;
"""
ANNA, BEN, CARL = "u01@warm-a.test", "u01@warm-b.test", "u01@warm-c.test"
IN_INBOX, IN_JUNK, ANSWER = "a" * 22 + "c0", "b" * 22 + "10", "c" * 22 + "f0"
LATE, SKIPPED = "d" * 22 + "f1", "e" * 22 + "f2"
NINE = datetime.datetime(2026, 12, 1, 9, 0, tzinfo=datetime.timezone(datetime.timedelta(hours=1)))  # in Berlin's winter


class Day:
    """A rig's state directory and a ledger, made by hand."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        for folder in ("log", "planted", "junk"):
            (self.directory / folder).mkdir()
        self.postfix, self.dovecot, self.count = [], [], 0
        self.ledger = sqlite3.connect(self.directory / "ledger.sqlite", isolation_level=None)
        self.ledger.execute("PRAGMA synchronous = OFF")
        self.ledger.executescript(SCHEMA)
        pool = {address: {"zone": "Europe/Berlin", "window": ["08:30", "17:30"]} for address in (ANNA, BEN, CARL)}
        facts = {"rig": str(self.directory), "ledger": "ledger.sqlite", "log_from": [0, 0], "pool": pool}
        (self.directory / "audit.json").write_text(json.dumps(facts))
        for mailbox in (ANNA, BEN, CARL):
            self.ledger.execute("INSERT INTO day VALUES (?, '2026-12-01', 2)", [mailbox])

    def maildir(self, mailbox, folder):
        user, domain = mailbox.split("@")
        name = "" if folder == "INBOX" else f".{folder}"
        path = self.directory / "mail" / domain / user / "Maildir" / name / "cur"
        path.mkdir(parents=True, exist_ok=True)
        return path

    def put(self, mailbox, folder, headers, flags=""):
        """A message file."""
        self.count += 1
        path = self.maildir(mailbox, folder) / f"{self.count}.rig:2,{flags}"
        path.write_bytes("".join(f"{name}: {value}\r\n" for name, value in headers).encode() + b"\r\nhello\r\n")
        return path

    def headers(self, id_, sender, recipient, at, *more):
        date = at.strftime("%a, %d %b %Y %H:%M:%S %z")
        ids = [("Message-ID", f"<{id_}@{sender.split('@')[1]}>"), ("X-Preheat", f"k1.{id_}\r\n .{'0' * 64}")]
        return [("From", f"A <{sender}>"), ("To", recipient), ("Date", date), *ids, *more]

    def submit(self, id_, sender, recipient, at, folder="INBOX", message_id=None, mark=True):
        """What the logs say of a letter that was taken and delivered."""
        self.count += 1
        queue_id, where = f"4jXhWP{self.count:08}", "mail rig"
        header = f"from unknown[127.0.0.1]; from=<{sender}> to=<{recipient}> proto=ESMTP helo=<x>"
        lines = [
            f"{where}/smtpd[1]: {queue_id}: client=unknown[127.0.0.1], sasl_method=PLAIN, sasl_username={sender}",
            f"{where}/cleanup[1]: {queue_id}: message-id=<{message_id or id_ + '@' + sender.split('@')[1]}>",
            f"{where}/cleanup[1]: {queue_id}: info: header Date: {at.strftime('%a, %d %b %Y %H:%M:%S %z')} {header}",
            f"{where}/qmgr[1]: {queue_id}: from=<{sender}>, size=413, nrcpt=1 (queue active)",
            f"{where}/lmtp[1]: {queue_id}: to=<{recipient}>, relay=x, dsn=2.0.0, status=sent (250 2.0.0 <{recipient}> S{self.count} Saved)",
        ]
        if mark:
            lines.insert(2, f"{where}/cleanup[1]: {queue_id}: info: header X-Preheat: k1.{id_} .{'0' * 64} {header}")
        self.postfix += [f"Dec  1 08:00:00 {line}" for line in lines]
        self.dovecot.append(f"Dec 01 08:00:00 lmtp({recipient})<1><S{self.count}>: Info: sieve: msgid=<x>: stored mail into mailbox '{folder}'")

    def write(self, id_, sender, recipient, state="seen", placement="inbox", parent=None, at=NINE):
        """The ledger's word on a letter."""
        sent_as = f"{id_}@{sender.split('@')[1]}"
        row = [id_, sender, recipient, "2026-12-01", parent, state, placement, None, sent_as, None, None]
        self.ledger.execute(f"INSERT INTO letter VALUES ({', '.join('?' * len(row))})", row)
        if state not in ("planned", "skipped"):
            self.ledger.execute("INSERT INTO step VALUES (?, 1, ?, 'handed')", [id_, int(at.timestamp() * 1000)])
        if state == "seen":
            self.ledger.execute("INSERT INTO sighting VALUES (?, ?, 'INBOX', 'inbox', 1, 1, 1)", [recipient, id_])

    def make_a_day_in_order(self):
        """One letter to the inbox, one rescued out of Junk, one answer, one given up, one skipped; and a stranger's mail."""
        (self.directory / "junk" / BEN).write_text("85 Junk\n")
        self.files = {}
        for id_, sender, recipient, stored, hours, more, flags in (
            (IN_INBOX, ANNA, BEN, "INBOX", 0, [], "RS"),
            (IN_JUNK, CARL, BEN, "Junk", 1, [], "S"),
            (ANSWER, BEN, ANNA, "INBOX", 4, [("In-Reply-To", f"<{IN_INBOX}@warm-a.test>"), ("References", f"<{IN_INBOX}@warm-a.test>")], ""),
        ):
            at = NINE + datetime.timedelta(hours=hours)
            self.submit(id_, sender, recipient, at, stored)
            self.files[id_] = self.put(recipient, "INBOX", self.headers(id_, sender, recipient, at, *more), flags)
            self.write(id_, sender, recipient, placement="spam" if stored == "Junk" else "inbox", parent=IN_INBOX if id_ == ANSWER else None, at=at)
        self.write(LATE, ANNA, CARL, "unaccounted", None)
        self.write(SKIPPED, CARL, ANNA, "skipped", None)
        (self.directory / "planted" / BEN).write_text("news-1\tJunk\n")
        self.files["news-1"] = self.put(BEN, "Junk", [("X-Rig-Planted", "news-1"), ("From", "a@else.test"), ("Subject", "news")])

    def audit(self, **options):
        """The names of the checks that failed, with their problems."""
        (self.directory / "log/postfix.log").write_text("\n".join(self.postfix) + "\n")
        (self.directory / "log/dovecot-main.log").write_text("\n".join(self.dovecot) + "\n")
        self.last = audit.Audit(self.directory, **options)
        return {name: problems for name, _, problems in self.last.run() if problems}

    def edit(self, id_, old, new):
        text = self.files[id_].read_bytes()
        assert old in text, text
        self.files[id_].write_bytes(text.replace(old, new))

    def move(self, id_, folder, mailbox=None, flags=None):
        path = self.files[id_]
        name = path.name if flags is None else path.name.partition(":2,")[0] + ":2," + flags
        maildir = self.maildir(mailbox, folder) if mailbox else path.parent.parent / ("" if folder == "INBOX" else f".{folder}") / "cur"
        maildir.mkdir(parents=True, exist_ok=True)
        path.rename(maildir / name)


class Vanishing(unittest.TestCase):
    def test_a_mailbox_that_another_test_empties_meanwhile_has_no_folders(self):
        with tempfile.TemporaryDirectory() as directory:
            self.assertEqual(evidence.folders_of(pathlib.Path(directory, "gone")), {})
            maildir = pathlib.Path(directory, "x.test", "u01", "Maildir")
            (maildir / ".Junk" / "cur").mkdir(parents=True)
            self.assertEqual(sorted(evidence.folders_of(maildir)), ["INBOX", "Junk"])


class AuditTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.day = Day(directory.name)
        self.addCleanup(self.day.ledger.close)
        self.day.make_a_day_in_order()

    def assert_fails(self, *checks, **options):
        """Exactly these checks fail."""
        wanted = {check.__doc__ for check in checks}
        failed = self.day.audit(**options)
        self.assertEqual(set(failed), wanted, failed)

    def sql(self, *statement):
        self.day.ledger.execute(*statement)

    def test_a_day_in_order_passes_and_every_check_had_something_to_look_at(self):
        self.assert_fails()
        self.assertEqual([name for name, looked_at, _ in self.day.last.run() if looked_at == 0], [])

    def test_an_empty_ledger(self):
        for table in ("letter", "step", "sighting"):
            self.sql(f"DELETE FROM {table}")
        self.assert_fails(audit.Audit.check_there_is_something, audit.Audit.check_marks)

    def test_nothing_submitted(self):
        self.day.postfix.clear()
        self.assertIn(audit.Audit.check_there_is_something.__doc__, self.day.audit())

    def test_an_unmarked_message(self):
        self.day.submit("0" * 24, ANNA, BEN, NINE, mark=False)
        self.assert_fails(audit.Audit.check_marks)

    def test_a_letter_that_the_ledger_does_not_know(self):
        self.day.submit("0" * 24, ANNA, BEN, NINE)
        self.assert_fails(audit.Audit.check_marks)

    def test_a_letter_submitted_by_somebody_else(self):
        self.sql("UPDATE letter SET sender = ? WHERE id = ?", [CARL, IN_INBOX])
        self.assertIn(audit.Audit.check_marks.__doc__, self.day.audit())

    def test_a_letter_submitted_twice(self):
        self.day.submit(IN_JUNK, CARL, BEN, NINE, "Junk")
        self.assert_fails(audit.Audit.check_handed_over_once, audit.Audit.check_states)

    def test_a_letter_handed_over_twice_by_the_ledger(self):
        self.sql("INSERT INTO step SELECT letter, 2, at, event FROM step WHERE letter = ?", [LATE])
        self.assertIn(audit.Audit.check_handed_over_once.__doc__, self.day.audit())

    def test_a_server_that_duplicates_is_only_noted(self):
        self.day.put(ANNA, "INBOX", self.day.headers(ANSWER, BEN, ANNA, NINE, ("In-Reply-To", f"<{IN_INBOX}@warm-a.test>"), ("References", f"<{IN_INBOX}@warm-a.test>")))
        self.assert_fails()
        self.assertIn("the servers' doing", self.day.last.notes[0])

    def test_states_that_the_servers_deny(self):
        for id_, state in ((IN_INBOX, "skipped"), (IN_INBOX, "rejected"), (IN_INBOX, "missing"), (IN_INBOX, "unaccounted"), (SKIPPED, "accepted"), (SKIPPED, "seen"), (SKIPPED, "no-such-state")):
            with self.subTest(id=id_, state=state):
                old = self.day.ledger.execute("SELECT state FROM letter WHERE id = ?", [id_]).fetchone()
                self.sql("UPDATE letter SET state = ? WHERE id = ?", [state, id_])
                self.assertIn(audit.Audit.check_states.__doc__, self.day.audit())
                self.sql("UPDATE letter SET state = ? WHERE id = ?", [*old, id_])

    def test_a_letter_not_accounted_for_unless_the_day_is_unfinished(self):
        self.sql("UPDATE letter SET state = 'planned' WHERE id = ?", [SKIPPED])
        self.assert_fails(audit.Audit.check_states)
        self.assert_fails(unfinished=True)

    def test_an_answer_that_was_deferred_may_wait_for_a_later_date(self):
        self.sql("UPDATE letter SET state = 'deferred', date = '2099-01-01', parent = ? WHERE id = ?", [IN_INBOX, SKIPPED])
        self.assert_fails()

    def test_an_answer_of_a_later_date_may_wait_and_a_start_may_not(self):
        self.sql("UPDATE letter SET state = 'planned', date = '2099-01-01', parent = ? WHERE id = ?", [IN_INBOX, SKIPPED])
        self.assert_fails()
        self.sql("UPDATE letter SET parent = NULL WHERE id = ?", [SKIPPED])
        self.assert_fails(audit.Audit.check_states)

    def test_a_letter_lost_from_its_mailbox_unless_the_test_expunged_it(self):
        self.day.files[IN_JUNK].unlink()
        self.assert_fails(audit.Audit.check_states, audit.Audit.check_folders)
        self.assert_fails(gone=[IN_JUNK])

    def test_a_letter_with_other_addresses(self):
        self.day.edit(IN_INBOX, b"A <" + ANNA.encode(), b"A <" + CARL.encode())
        self.assert_fails(audit.Audit.check_copies)

    def test_a_letter_with_another_message_id(self):
        self.sql("UPDATE letter SET message_id_seen = 'other@warm-c.test' WHERE id = ?", [IN_JUNK])
        self.assert_fails(audit.Audit.check_copies)

    def test_a_letter_at_another_mailbox_of_the_pool(self):
        self.day.put(CARL, "INBOX", self.day.headers(IN_INBOX, ANNA, BEN, NINE))
        self.assert_fails(audit.Audit.check_copies)

    def test_a_letter_elsewhere_than_last_seen(self):
        self.sql("UPDATE sighting SET folder = 'Junk' WHERE letter = ?", [IN_INBOX])
        self.assert_fails(audit.Audit.check_folders)
        self.sql("DELETE FROM sighting WHERE letter = ?", [IN_INBOX])
        self.assert_fails(audit.Audit.check_folders)

    def test_a_wrong_placement(self):
        self.sql("UPDATE letter SET placement = 'inbox' WHERE id = ?", [IN_JUNK])
        self.assert_fails(audit.Audit.check_placements)

    def test_a_rule_that_did_not_hold(self):
        (self.day.directory / "junk" / BEN).write_text("2 Junk\n")
        self.assert_fails(audit.Audit.check_rule)

    def test_a_letter_left_in_junk(self):
        self.sql("UPDATE sighting SET folder = 'Junk' WHERE letter = ?", [IN_JUNK])
        self.day.move(IN_JUNK, "Junk")
        self.assert_fails(audit.Audit.check_rescues)
        self.assert_fails(junk_left=1)
        self.assert_fails(unfinished=True)

    def test_a_letter_rescued_to_the_wrong_place(self):
        self.sql("UPDATE sighting SET folder = 'Trash' WHERE letter = ?", [IN_JUNK])
        self.day.move(IN_JUNK, "Trash")
        self.assert_fails(audit.Audit.check_rescues)

    def test_an_answer_to_nothing_we_know(self):
        self.day.edit(ANSWER, b"In-Reply-To: <" + IN_INBOX.encode(), b"In-Reply-To: <" + b"9" * 24)
        self.assert_fails(audit.Audit.check_threads)

    def test_an_answer_without_references(self):
        self.day.edit(ANSWER, b"References", b"X-References")
        self.assert_fails(audit.Audit.check_threads)

    def test_a_start_that_claims_to_answer(self):
        self.day.edit(IN_JUNK, b"\r\n\r\nhello", b"\r\nIn-Reply-To: <x@y.test>\r\n\r\nhello")
        self.assert_fails(audit.Audit.check_threads)

    def test_an_answer_to_a_letter_of_other_people(self):
        self.sql("UPDATE letter SET parent = ? WHERE id = ?", [IN_JUNK, ANSWER])
        self.assertIn(audit.Audit.check_threads.__doc__, self.day.audit())

    def test_an_answered_letter_without_its_flags(self):
        self.day.move(IN_INBOX, "INBOX", flags="S")
        self.assert_fails(audit.Audit.check_answered_flags)

    def test_a_mailbox_over_its_quota(self):
        self.sql("UPDATE day SET quota = 1 WHERE mailbox = ?", [ANNA])
        self.assert_fails(audit.Audit.check_quota)
        self.sql("DELETE FROM day WHERE mailbox = ?", [ANNA])
        self.assert_fails(audit.Audit.check_quota)

    def test_a_letter_outside_the_window(self):
        late = NINE.replace(hour=17, minute=31)
        self.day.postfix = [line.replace("Tue, 01 Dec 2026 10:00", f"Tue, 01 Dec 2026 {late:%H:%M}") for line in self.day.postfix]
        self.assert_fails(audit.Audit.check_window)

    def test_a_letter_handed_over_outside_the_window_by_the_ledger(self):
        self.sql("UPDATE step SET at = ? WHERE letter = ?", [int(NINE.replace(hour=8).timestamp() * 1000), IN_JUNK])
        self.assert_fails(audit.Audit.check_window)

    def test_a_letter_on_another_date(self):
        self.sql("UPDATE letter SET date = '2026-12-02' WHERE id = ?", [IN_JUNK])
        self.assert_fails(audit.Audit.check_window)

    def test_a_date_in_another_zone(self):
        self.day.postfix = [line.replace("10:00:00 +0100", "09:00:00 +0000") for line in self.day.postfix]
        self.assert_fails(audit.Audit.check_window)

    def test_mail_to_somebody_outside_the_pool(self):
        self.day.postfix = [line.replace(f"to=<{BEN}>, relay", "to=<u09@warm-b.test>, relay") for line in self.day.postfix]
        self.assertIn(audit.Audit.check_outside.__doc__, self.day.audit())

    def test_a_copy_outside_the_pool(self):
        self.day.put("u09@warm-b.test", "INBOX", self.day.headers(IN_INBOX, ANNA, BEN, NINE))
        self.assert_fails(audit.Audit.check_outside)

    def test_others_mail_moved_read_or_deleted(self):
        self.day.move("news-1", "INBOX", mailbox=BEN)
        self.assert_fails(audit.Audit.check_others_mail)
        self.day.files["news-1"] = self.day.maildir(BEN, "INBOX") / self.day.files["news-1"].name
        self.day.move("news-1", "Junk", mailbox=BEN, flags="S")
        self.assert_fails(audit.Audit.check_others_mail)
        next(self.day.maildir(BEN, "Junk").iterdir()).unlink()
        self.assert_fails(audit.Audit.check_others_mail)

    def test_a_planted_forgery_counts_for_nothing(self):
        (self.day.directory / "planted" / BEN).write_text("news-1\tJunk\nforged\tINBOX\n")
        self.day.put(BEN, "INBOX", [*self.day.headers(IN_INBOX, CARL, BEN, NINE), ("X-Rig-Planted", "forged")])
        self.assert_fails()

    def test_a_ledger_of_another_shape_is_named(self):
        self.sql("ALTER TABLE letter RENAME COLUMN placement TO place")
        with self.assertRaisesRegex(SystemExit, "no such column: placement"):
            self.day.audit()

    def test_logs_are_read_from_the_offset_on(self):
        self.day.audit()
        facts = json.loads((self.day.directory / "audit.json").read_text())
        facts["log_from"] = [(self.day.directory / "log/postfix.log").stat().st_size, 0]
        (self.day.directory / "audit.json").write_text(json.dumps(facts))
        self.assertEqual(audit.Audit(self.day.directory).submissions, [])


class EvidenceTest(unittest.TestCase):
    def test_folder_names(self):
        names = ["Courrier ind&AOk-sirable", "Tom &- Jerry", "&ZeVnLIqe-", "Junk"]
        self.assertEqual([evidence.decode_folder(n) for n in names], ["Courrier indésirable", "Tom & Jerry", "日本語", "Junk"])
        self.assertEqual(audit.plain_folder("INBOX.Junk"), "Junk")

    def test_marks(self):
        good = f"k1.{'a' * 24}.{'0' * 64}"
        self.assertEqual(evidence.letter_of(f" {good[:30]}\r\n {good[30:]}"), "a" * 24)
        for bad in (None, "", "k1", f"k1.{'A' * 24}.00", f"{good}.x"):
            self.assertIsNone(evidence.letter_of(bad), bad)

    def test_a_submission_cut_before_the_dot_is_not_accepted(self):
        with tempfile.TemporaryDirectory() as directory:
            log = pathlib.Path(directory, "log")
            log.write_text("Dec  1 08:00:00 mail rig/smtpd[1]: 4jXhWP1BR5z1V0WH: client=x, sasl_method=PLAIN, sasl_username=u01@warm-a.test\n")
            (submission,) = evidence.read_submissions(log, log)
            self.assertEqual((submission.user, submission.accepted), ("u01@warm-a.test", False))


class SandboxTest(unittest.TestCase):
    """What the sandbox tells is read as what Postfix's and Dovecot's files tell."""

    SENT = {"account": ANNA, "to": BEN, "letter": IN_JUNK, "message_id": f"<{IN_JUNK}@warm-a.test>", "date": "Tue, 01 Dec 2026 09:00:00 +0100"}
    DUMP = {
        "submissions": [
            SENT | {"accepted": True, "stored": "INBOX", "letter": "of another test"},
            SENT | {"accepted": True, "stored": "Junk"},
            {"account": ANNA, "to": CARL, "letter": None, "message_id": None, "date": None, "accepted": False, "stored": None},
        ],
        "accounts": {BEN: {"folders": {"Junk": {"messages": [
            {"uid": 7, "flags": ["$Later", "\\Seen", "\\Answered"], "bytes": base64.b64encode(f"X-Preheat: k1.{IN_JUNK}.00\r\n\r\n".encode())}
        ]}}}},
    }  # fmt: skip

    def test_copies_and_submissions(self):
        with unittest.mock.patch.object(sandbox, "ask", return_value=self.DUMP):
            (copy,), (sent, refused) = sandbox.gather("rig", (1, 0))
        self.assertEqual((copy.mailbox, copy.folder, copy.flags, copy.letter), (BEN, "Junk", "RS", IN_JUNK))
        self.assertEqual((sent.user, sent.letter, sent.marked, sent.accepted), (ANNA, IN_JUNK, True, True))
        self.assertEqual((sent.message_id, sent.moment()), (f"{IN_JUNK}@warm-a.test", NINE))
        self.assertEqual((sent.recipients, sent.first_folders), ({BEN: "sent"}, {BEN: "Junk"}))
        self.assertEqual((refused.accepted, refused.marked, refused.recipients, refused.first_folders), (False, False, {}, {}))

    def test_which_kind_of_rig_it_is(self):
        with tempfile.TemporaryDirectory() as rig:
            self.assertIs(audit.backend(rig), evidence)
            for kind, module in (("sandbox", sandbox), ("postfix-dovecot", evidence)):
                pathlib.Path(rig, "rig.env").write_text(f"RIG_KIND={kind}\n")
                self.assertIs(audit.backend(rig), module)

if __name__ == "__main__":
    unittest.main()
