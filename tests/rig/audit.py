#!/usr/bin/env python3
"""The independent auditor: does the ledger say what the servers know?

    audit.py DIR [--unfinished] [--junk-left N] [--gone ID,ID…]      DIR holds audit.json and the ledger
    audit.py --self-test

It reads the Maildirs, Postfix's log and Dovecot's delivery log (evidence.py), or what the sandbox wrote down (sandbox.py), and
compares them with the ledger, letter by letter. Of preheat it uses nothing but the ledger file. It prints a table of checks and exits 1 if one of them failed.

    --unfinished    letters may still be planned, deferred or handed, and rescues and answers may still be due
    --junk-left N   so many letters may still lie in a spam folder
    --gone ID,ID…   these letters were expunged by the test after they were seen

audit.json: {"rig": state directory, "ledger": file, "log_from": what `faults.sh log-ends` said at the start,
             "pool": {address: {"zone": "Europe/Berlin", "window": ["08:30", "17:30"]}}}
"""

import argparse
import datetime
import pathlib
import sqlite3
import sys
import unittest
import zoneinfo
from collections import Counter, defaultdict

import evidence
import sandbox

# The ledger, as far as it is read. If a table or a column is renamed, here is the one place to follow.
LETTERS = "SELECT id, sender, recipient, date, parent, state, placement, message_id_sent, message_id_seen FROM letter ORDER BY id"
HANDED = "SELECT letter, at FROM step WHERE event = 'handed' ORDER BY letter, n"  # at: milliseconds UTC
QUOTAS = "SELECT mailbox, date, quota FROM day"
SIGHTINGS = "SELECT letter, mailbox, folder FROM sighting ORDER BY at"  # the last one counts

# What each state says about the servers: how often Postfix took the letter, how many copies lie in the recipient's mailbox.
ANY = range(1000)
STATES = {
    "planned": ((0,), (0,)),
    "deferred": ((0,), (0,)),
    "skipped": ((0,), (0,)),
    "rejected": ((0,), (0,)),
    "handed": ((0, 1), ANY),
    "uncertain": ((0, 1), ANY),
    "accepted": ((1,), ANY),
    "seen": ((1,), range(1, 1000)),
    "missing": ((1,), (0,)),
    "bounced": ((1,), (0,)),
    "unaccounted": ((0, 1), (0,)),
}
UNFINISHED = ("planned", "deferred", "handed")
INBOX_OR_TIDIED = ("INBOX", "Warmup")
SHOWN = 8  # problems printed per check


def backend(rig):
    """Who knows what lies on the servers: `settle` and `gather`."""
    return sandbox if sandbox.serves(rig) else evidence


class Letter:
    """A row of the ledger."""

    def __init__(self, row):
        self.id, self.sender, self.recipient, self.date, self.parent, self.state, self.placement, self.sent_as, self.seen_as = row

    def __str__(self):
        return f"{self.id} {self.sender} → {self.recipient} ({self.state})"


class Audit:
    def __init__(self, directory, unfinished=False, junk_left=0, gone=()):
        self.facts = evidence.read_facts(directory)
        self.unfinished, self.junk_left, self.gone = unfinished, junk_left, set(gone)
        self.pool = self.facts["pool"]
        rig = pathlib.Path(self.facts["rig"])
        self.read_ledger()
        self.planted = [row for row in evidence.read_planted(rig) if row[0] in self.pool]
        self.junk_rules = evidence.read_junk_rules(rig)
        self.copies, submissions = backend(rig).gather(rig, self.facts.get("log_from", (0, 0)))
        self.submissions = [s for s in submissions if s.user in self.pool]
        self.index()
        self.notes = []

    def read_ledger(self):
        ledger = sqlite3.connect(f"file:{self.facts['ledger']}?mode=ro", uri=True)
        try:
            self.letters = {row[0]: Letter(row) for row in ledger.execute(LETTERS)}
            self.handed = defaultdict(list)
            for letter, at in ledger.execute(HANDED):
                self.handed[letter].append(datetime.datetime.fromtimestamp(at / 1000, datetime.timezone.utc))
            self.quotas = {(mailbox, date): quota for mailbox, date, quota in ledger.execute(QUOTAS)}
            self.sightings = {(letter, mailbox): folder for letter, mailbox, folder in ledger.execute(SIGHTINGS)}
        except sqlite3.OperationalError as error:
            raise SystemExit(f"audit: {error}: is the ledger's schema still the one at the top of audit.py?") from error
        finally:
            ledger.close()

    def index(self):
        """Letter by letter: the copies in the recipient's mailbox, and the submissions that Postfix accepted."""
        self.copies_of, self.accepted_of, self.first_folder = defaultdict(list), defaultdict(list), {}
        for copy in self.copies:
            letter = self.letters.get(copy.letter)
            if letter and copy.mailbox == letter.recipient and not copy.headers[evidence.PLANTED]:
                self.copies_of[letter.id].append(copy)
        for submission in self.submissions:
            if submission.accepted:
                self.accepted_of[submission.letter].append(submission)
                for address, folder in submission.first_folders.items():
                    if submission.letter in self.letters and address == self.letters[submission.letter].recipient:
                        self.first_folder.setdefault(submission.letter, folder)

    def junk_folder(self, mailbox):
        return self.junk_rules.get(mailbox, (0, "Junk"))[1]

    def zone(self, mailbox):
        return zoneinfo.ZoneInfo(self.pool[mailbox]["zone"])

    # ---------------------------------------------------------------------------------------------- the checks
    # Each yields None for something looked at that is right, and a sentence for something that is wrong.

    def check_there_is_something(self):
        """the ledger has letters, and the servers took some"""
        yield None if self.letters else "the ledger has no letter"
        yield None if self.accepted_of else "Postfix accepted nothing from the pool"

    def check_marks(self):
        """all that the pool submitted carries X-Preheat and is a letter of the ledger"""
        for s in self.submissions:
            if not s.accepted:
                continue
            if not s.marked or s.letter is None:
                yield f"{s.queue_id} from {s.user} has no X-Preheat that can be read ({s.message_id})"
            elif s.letter not in self.letters:
                yield f"{s.queue_id} from {s.user} carries letter {s.letter}, which the ledger does not know"
            elif s.user != self.letters[s.letter].sender:
                yield f"{self.letters[s.letter]} was submitted by {s.user}"
            else:
                yield None

    def check_handed_over_once(self):
        """no letter was submitted twice"""
        for letter, submissions in sorted(self.accepted_of.items(), key=lambda item: item[0] or ""):
            ids = " ".join(s.queue_id for s in submissions)
            yield None if len(submissions) == 1 else f"{letter} was submitted {len(submissions)} times: {ids}"
        for letter, steps in sorted(self.handed.items()):
            yield None if len(steps) == 1 else f"{letter} was handed over {len(steps)} times by the ledger's own steps"
        for letter, copies in sorted(self.copies_of.items()):
            if len(copies) > max(1, len(self.accepted_of[letter])):
                self.notes.append(f"{letter} has {len(copies)} copies of {len(self.accepted_of[letter])} submission: the servers' doing")

    def check_states(self):
        """every letter's state agrees with what the servers have"""
        for letter in self.letters.values():
            submitted, found = len(self.accepted_of[letter.id]), len(self.copies_of[letter.id])
            allowed, copies = STATES.get(letter.state, ((), ()))
            if letter.id in self.gone:
                copies = ANY
            if letter.state not in STATES:
                yield f"{letter}: no such state"
            elif letter.state in ("planned", "deferred") and self.belongs_to_a_later_date(letter) and not submitted and not found:
                yield None
            elif letter.state in UNFINISHED and not self.unfinished:
                yield f"{letter}: not accounted for at the end"
            elif submitted not in allowed or found not in copies:
                yield f"{letter}: submitted {submitted} times, {found} copies found"
            else:
                yield None

    def belongs_to_a_later_date(self, letter):
        """An answer that is planned for, or was put off to, a date on which its writer has no agenda yet."""
        return letter.parent is not None and letter.date > max((date for mailbox, date in self.quotas if mailbox == letter.sender), default="9999")

    def check_copies(self):
        """every copy lies with its letter's recipient, with the ledger's addresses and Message-ID"""
        for copy in self.copies:
            letter = self.letters.get(copy.letter)
            if letter is None or copy.mailbox not in self.pool or copy.headers[evidence.PLANTED]:
                continue
            headers = evidence.address_of(copy.headers["From"]), evidence.address_of(copy.headers["To"])
            sent_copy = copy.mailbox == letter.sender and copy.folder not in ("INBOX", self.junk_folder(copy.mailbox))
            if copy.mailbox != letter.recipient and not sent_copy:
                yield f"{letter} lies at {copy}"
            elif headers != (letter.sender, letter.recipient):
                yield f"{letter} says From {headers[0]}, To {headers[1]}"
            elif letter.seen_as and copy.message_id != letter.seen_as.strip("<>"):
                yield f"{letter} has Message-ID {copy.message_id}, and was seen as {letter.seen_as}"
            elif not letter.seen_as and letter.sent_as and copy.message_id != letter.sent_as.strip("<>"):
                yield f"{letter} has Message-ID {copy.message_id}, and was sent as {letter.sent_as}"
            else:
                yield None

    def check_folders(self):
        """every letter seen lies in the folder of its last sighting"""
        for letter in self.letters.values():
            if letter.state != "seen" or letter.id in self.gone:
                continue
            folder = self.sightings.get((letter.id, letter.recipient))
            if folder is None:
                yield f"{letter} has no sighting at its recipient"
                continue
            folders = sorted({copy.folder for copy in self.copies_of[letter.id]})
            yield None if plain_folder(folder) in folders else f"{letter} was last seen in {folder}, and lies in {', '.join(folders) or 'no folder'}"

    def check_placements(self):
        """the placement is the folder that Dovecot stored the letter in at first"""
        for letter in self.letters.values():
            first = self.first_folder.get(letter.id)
            if first is None or letter.placement is None:
                continue
            junk = first == self.junk_folder(letter.recipient)
            right = {"spam"} if junk else {"inbox", "category"} if first == "INBOX" else {"filed"}
            yield None if letter.placement in right else f"{letter} was stored in {first}, and its placement is {letter.placement}"

    def check_rule(self):
        """the Sieve rule filed each letter where its id says (the rig's own honesty)"""
        for letter, first in sorted(self.first_folder.items()):
            share, folder = self.junk_rules.get(self.letters[letter].recipient, (0, "Junk"))
            right = folder if evidence.belongs_in_junk(letter, share) else "INBOX"
            yield None if first == right else f"{self.letters[letter]} was stored in {first}, not in {right}"

    def check_rescues(self):
        """every letter that was stored as spam is in the inbox now"""
        left = []
        for letter, first in sorted(self.first_folder.items()):
            copies = self.copies_of[letter]
            junk = self.junk_folder(self.letters[letter].recipient)
            if first != junk or not copies or letter in self.gone:
                continue
            if any(copy.folder == junk for copy in copies):
                left.append(f"{self.letters[letter]} still lies in {junk}")
            else:
                stray = [copy.folder for copy in copies if copy.folder not in INBOX_OR_TIDIED]
                yield f"{self.letters[letter]} was moved to {stray[0]}" if stray else None
        if self.unfinished or len(left) <= self.junk_left:
            self.notes.extend(left)
        else:
            yield from left

    def check_threads(self):
        """answers name their parent, from raw headers"""
        for letter in self.letters.values():
            for copy in self.copies_of[letter.id]:
                in_reply_to = evidence.ids_of(copy.headers["In-Reply-To"])
                references = evidence.ids_of(copy.headers["References"])
                if letter.parent is None:
                    yield f"{letter} answers nothing, and has In-Reply-To {in_reply_to}" if in_reply_to else None
                    continue
                parent = self.letters.get(letter.parent)
                ids = {c.message_id for c in self.copies_of[letter.parent]} | {s.message_id for s in self.accepted_of[letter.parent]}
                if parent is None or (parent.recipient, parent.sender) != (letter.sender, letter.recipient):
                    yield f"{letter} answers {parent or letter.parent}: not its other side"
                elif not ids & set(in_reply_to):
                    yield f"{letter} has In-Reply-To {in_reply_to}, its parent is {sorted(filter(None, ids))}"
                elif not references or references[-1] not in ids:
                    yield f"{letter} has References that do not end with its parent: {references}"
                else:
                    yield None

    def check_answered_flags(self):
        """what was answered is marked as read and as answered"""
        for letter in self.letters.values():
            if letter.parent is None or not self.accepted_of[letter.id]:
                continue
            for copy in self.copies_of[letter.parent]:
                yield None if {"R", "S"} <= set(copy.flags) else f"{self.letters[letter.parent]} was answered, and its flags are {copy.flags or 'none'}"

    def check_quota(self):
        """no mailbox went over its quota on a local date"""
        spent = Counter()
        for letter in self.letters.values():
            moments = [s.moment() for s in self.accepted_of[letter.id]]
            if not moments and letter.state in ("uncertain", "unaccounted", "handed"):
                moments = self.handed[letter.id]
            for moment in filter(None, moments):
                spent[letter.sender, moment.astimezone(self.zone(letter.sender)).date().isoformat()] += 1
        for (mailbox, date), count in sorted(spent.items()):
            quota = self.quotas.get((mailbox, date))
            if quota is None:
                yield f"{mailbox} sent {count} on {date}, for which the ledger has no quota"
            else:
                yield None if count <= quota else f"{mailbox} sent {count} on {date}; its quota was {quota}"

    def check_window(self):
        """no letter was sent outside its sender's window or on another date than the ledger's"""
        for letter in self.letters.values():
            if letter.sender not in self.pool:
                yield f"{letter}: its sender is not in the pool"
                continue
            dated = [("Date header", s.moment(), s.date) for s in self.accepted_of[letter.id]]
            dated += [("hand-over in the ledger", moment, moment) for moment in self.handed[letter.id]]
            for what, moment, text in dated:
                yield self.outside_window(letter, what, moment, text)

    def outside_window(self, letter, what, moment, text):
        if moment is None:
            return f"{letter}: no date can be read from its {what}: {text}"
        local = moment.astimezone(self.zone(letter.sender))
        start, end = (datetime.time.fromisoformat(t) for t in self.pool[letter.sender]["window"])
        if what == "Date header" and moment.utcoffset() != local.utcoffset():
            return f"{letter}: its Date is not in its sender's zone: {text}"
        if local.date().isoformat() != letter.date:
            return f"{letter}: planned for {letter.date}, {what} {local:%Y-%m-%d %H:%M}"
        if not start <= local.time() <= end:
            return f"{letter}: {what} {local:%H:%M:%S} is outside {start:%H:%M}–{end:%H:%M}"
        return None

    def check_outside(self):
        """nothing outside the pool got mail of the pool"""
        for s in self.submissions:
            for address in s.recipients:
                yield None if address in self.pool else f"{s.queue_id} from {s.user} went to {address}"
        for copy in self.copies:
            if copy.headers[evidence.MARK] and evidence.address_of(copy.headers["From"]) in self.pool and not copy.headers[evidence.PLANTED]:
                yield None if copy.mailbox in self.pool else f"letter {copy.letter} lies at {copy}"

    def check_others_mail(self):
        """nobody else's mail was moved, flagged, read or deleted"""
        found = defaultdict(list)
        for copy in self.copies:
            if copy.headers[evidence.PLANTED]:
                found[copy.mailbox, copy.headers[evidence.PLANTED]].append(copy)
        for mailbox, id_, folder in self.planted:
            copies = found[mailbox, id_]
            if len(copies) != 1:
                yield f"planted {id_} of {mailbox}: {len(copies)} copies"
            elif copies[0].folder != folder:
                yield f"planted {id_} was put into {folder}, and lies at {copies[0]}"
            else:
                yield f"planted {id_} at {copies[0]} has flags {copies[0].flags}" if copies[0].flags.strip("abcdefghijklmnopqrstuvwxyz") else None

    CHECKS = [
        check_there_is_something, check_marks, check_handed_over_once, check_states, check_copies, check_folders, check_placements,
        check_rule, check_rescues, check_threads, check_answered_flags, check_quota, check_window, check_outside, check_others_mail,
    ]  # fmt: skip

    def run(self):
        """(name, what was looked at, problems) for each check."""
        results = []
        for check in self.CHECKS:
            found = list(check(self))
            results.append((check.__doc__, len(found), [problem for problem in found if problem]))
        return results


def plain_folder(name):
    """A folder's name without the server's prefix and encoding."""
    for prefix in ("INBOX.", "INBOX/"):
        name = name.removeprefix(prefix)
    return evidence.decode_folder(name)


def print_results(audit, results):
    states = Counter(letter.state for letter in audit.letters.values())
    print("letters:", ", ".join(f"{count} {state}" for state, count in sorted(states.items())) or "none")
    folders = Counter(copy.folder for copies in audit.copies_of.values() for copy in copies)
    print("found:  ", ", ".join(f"{count} in {folder}" for folder, count in sorted(folders.items())) or "none")
    stored = Counter(audit.first_folder.values())
    print("stored: ", ", ".join(f"{count} in {folder}" for folder, count in sorted(stored.items())) or "none")
    for name, looked_at, problems in results:
        print(f"{'FAIL' if problems else 'ok':4} {looked_at:6} {name}")
        for problem in problems[:SHOWN]:
            print(f"            {problem}")
        if len(problems) > SHOWN:
            print(f"            … and {len(problems) - SHOWN} more")
    for note in audit.notes[:SHOWN]:
        print(f"note        {note}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", nargs="?")
    parser.add_argument("--unfinished", action="store_true")
    parser.add_argument("--junk-left", type=int, default=0, metavar="N")
    parser.add_argument("--gone", default="", metavar="ID,ID…")
    parser.add_argument("--self-test", action="store_true")
    options = parser.parse_args()
    if options.self_test:
        sys.path.insert(0, str(pathlib.Path(__file__).parent))
        unittest.main(module="test_audit", argv=[sys.argv[0]])
    if not options.directory:
        parser.error("which directory?")
    rig = evidence.read_facts(options.directory)["rig"]
    backend(rig).settle(rig)
    audit = Audit(options.directory, options.unfinished, options.junk_left, filter(None, options.gone.split(",")))
    results = audit.run()
    print_results(audit, results)
    failed = sum(1 for _, _, problems in results if problems)
    print(f"audit: {len(results) - failed} checks passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
