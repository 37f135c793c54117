"""What the servers know: Maildirs read file by file, Postfix's log and Dovecot's delivery log read line by line.

Nothing here has seen preheat's code, and nothing asks a server: what is on the disk is what counts. (Where the servers are the
sandbox, which has nothing on the disk, sandbox.py gathers the same.)
"""

import base64
import email.parser
import email.utils
import json
import pathlib
import re
import time
from dataclasses import dataclass, field

MARK = "X-Preheat"  # <key id>.<letter id, 24 hex digits>.<HMAC>
PLANTED = "X-Rig-Planted"  # on messages that the rig itself put into a folder


@dataclass
class Copy:
    """One message file in a Maildir."""

    mailbox: str
    folder: str
    flags: str  # of D F P R S T, as Maildir writes them: draft, flagged, passed, replied, seen, trashed
    headers: object
    path: pathlib.Path

    @property
    def letter(self):
        return letter_of(self.headers[MARK])

    @property
    def message_id(self):
        ids = ids_of(self.headers["Message-ID"])
        return ids[0] if ids else None

    def __str__(self):
        return f"{self.mailbox} {self.folder} ({self.path.name.split('.')[0]})"


@dataclass
class Submission:
    """One message that a signed-in user began to submit to Postfix."""

    queue_id: str
    user: str
    letter: str | None = None
    marked: bool = False
    message_id: str | None = None
    date: str | None = None
    accepted: bool = False  # the final dot came, and Postfix queued it
    recipients: dict = field(default_factory=dict)  # address → last status: sent, bounced, deferred
    first_folders: dict = field(default_factory=dict)  # address → the folder that it was first stored in

    def moment(self):
        """The Date header as an aware datetime; None where there is none that can be read."""
        try:
            moment = email.utils.parsedate_to_datetime(self.date)
        except (TypeError, ValueError):
            return None
        return moment if moment.tzinfo else None


def letter_of(mark):
    """The letter id in an X-Preheat value; None where it is not of that form."""
    parts = re.sub(r"\s", "", str(mark or "")).split(".")
    return parts[1] if len(parts) == 3 and re.fullmatch("[0-9a-f]{24}", parts[1]) else None


def ids_of(value):
    """The message ids of a Message-ID, In-Reply-To or References value, without brackets."""
    return re.findall(r"<\s*([^<>\s]+)\s*>", str(value or ""))


def address_of(value):
    return email.utils.parseaddr(str(value or ""))[1].lower()


def decode_folder(name):
    """A folder's name out of modified UTF-7 (RFC 3501, 5.1.3)."""

    def decode(match):
        text = match.group(1)
        if not text:
            return "&"
        text = text.replace(",", "/")
        return base64.b64decode(text + "=" * (-len(text) % 4)).decode("utf-16-be")

    return re.sub("&([A-Za-z0-9+,]*)-", decode, name)


def read_maildirs(mail):
    """Every message of every mailbox below `mail`/DOMAIN/USER/Maildir."""
    copies = []
    for maildir in sorted(pathlib.Path(mail).glob("*/*/Maildir")):
        mailbox = f"{maildir.parent.name}@{maildir.parent.parent.name}"
        for folder, directory in sorted(folders_of(maildir).items()):
            copies.extend(read_folder(mailbox, folder, directory))
    return copies


def folders_of(maildir):
    """The folders of a Maildir by name. One that another test empties at this moment has none: what is missing of ours is found out by the checks."""
    try:
        inside = list(maildir.iterdir())
    except FileNotFoundError:
        return {}
    return {"INBOX": maildir} | {decode_folder(d.name[1:]).replace(".", "/"): d for d in inside if d.name.startswith(".") and d.is_dir()}


def read_folder(mailbox, folder, directory):
    """A folder's messages. A file renamed while it is read (a flag was set) has the folder read again."""
    for attempt in range(20):
        time.sleep(attempt / 100)
        copies = []
        try:
            for path in sorted([*directory.glob("cur/*"), *directory.glob("new/*")]):
                with path.open("rb") as file:
                    headers = email.parser.BytesHeaderParser().parse(file)
                copies.append(Copy(mailbox, folder, path.name.partition(":2,")[2], headers, path))
        except FileNotFoundError:
            continue
        return copies
    raise SystemExit(f"{directory} does not hold still: is preheat still running?")


QUEUE_ID = "(?P<id>[0-9A-Za-z]{10,})"
LINES = [
    ("client", re.compile(rf"/smtpd\[\d+\]: {QUEUE_ID}: client=.*sasl_username=(?P<user>\S+)")),
    ("message_id", re.compile(rf"/cleanup\[\d+\]: {QUEUE_ID}: message-id=<(?P<value>[^>]*)>")),
    ("header", re.compile(rf"/cleanup\[\d+\]: {QUEUE_ID}: info: header (?P<name>[\w-]+): (?P<value>.*?) from \S+\[[\d.]+\]; from=<")),
    ("queued", re.compile(rf"/qmgr\[\d+\]: {QUEUE_ID}: from=<")),
    ("status", re.compile(rf"/\w+\[\d+\]: {QUEUE_ID}: to=<(?P<to>[^>]*)>.* status=(?P<status>\w+) (?P<text>.*)")),
]
LMTP_SESSION = re.compile(r"<[^>]*> (?P<session>\S+) Saved")
STORED = re.compile(r"lmtp\((?P<user>[^)]*)\)<\d+><(?P<session>[^>]+)>: .*(?:stored mail into mailbox '(?P<folder>.*)'|saved mail to (?P<plain>.*))$")


def settle(rig):
    """Waits until the logs stand still: Postfix answers 250 a moment before it logs that it queued a message."""
    logs = [pathlib.Path(rig, "log", name) for name in ("postfix.log", "dovecot-main.log")]
    end, sizes, since = time.monotonic() + 3, None, 0
    while time.monotonic() < end:  # other tests may keep the logs busy: three seconds are enough for ours
        now = [log.stat().st_size if log.exists() else 0 for log in logs]
        if now != sizes:
            sizes, since = now, time.monotonic()
        elif time.monotonic() - since > 0.3:
            return
        time.sleep(0.05)


def read_log(path, offset):
    try:
        with open(path, "rb") as file:
            file.seek(offset)
            return file.read().decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return []


def read_submissions(postfix_log, delivery_log, offsets=(0, 0)):
    """Every submission in the logs since the byte offsets, in the order in which Postfix began them."""
    stored = {}  # LMTP session and user → folder
    for line in read_log(delivery_log, offsets[1]):
        if match := STORED.search(line):
            stored[match["session"], match["user"].lower()] = match["folder"] or match["plain"]
    submissions = {}
    for line in read_log(postfix_log, offsets[0]):
        for kind, pattern in LINES:
            if match := pattern.search(line):
                note_line(submissions, stored, kind, match)
                break
    return list(submissions.values())


def note_line(submissions, stored, kind, match):
    queue_id = match["id"]
    if kind == "client":
        submissions[queue_id] = Submission(queue_id, match["user"].lower())
        return
    submission = submissions.get(queue_id)
    if submission is None:  # not from a signed-in user: a bounce, or mail from elsewhere
        return
    if kind == "message_id":
        submission.message_id = match["value"]
    elif kind == "header" and match["name"].lower() == MARK.lower():
        submission.marked, submission.letter = True, letter_of(match["value"])
    elif kind == "header":
        submission.date = match["value"]
    elif kind == "queued":
        submission.accepted = True
    elif kind == "status":
        to = match["to"].lower()
        submission.recipients[to] = match["status"]
        session = LMTP_SESSION.search(match["text"])
        if session and (folder := stored.get((session["session"], to))):
            submission.first_folders[to] = folder


def gather(rig, offsets):
    """Every message of every mailbox, and every submission since the byte offsets in Postfix's and Dovecot's logs."""
    log = pathlib.Path(rig, "log")
    return read_maildirs(pathlib.Path(rig, "mail")), read_submissions(log / "postfix.log", log / "dovecot-main.log", offsets)


def read_planted(rig):
    """(mailbox, id, folder) of every foreign message that the rig put there."""
    rows = []
    for path in sorted(pathlib.Path(rig, "planted").glob("*")):
        for line in path.read_text().splitlines():
            id_, folder = line.split("\t")
            rows.append((path.name, id_, folder))
    return rows


def read_junk_rules(rig):
    """{mailbox: (share of 256, folder)} of the Sieve rules that faults.sh made."""
    rules = {}
    for path in pathlib.Path(rig, "junk").glob("*"):
        try:
            share, folder = path.read_text().strip().split(" ", 1)
        except FileNotFoundError:
            continue  # another test's mailbox, which is taken down just now
        rules[path.name] = (int(share), folder)
    return rules


def belongs_in_junk(letter, share):
    """What the Sieve rule decides, said again: by the last two hex digits of the letter id."""
    return int(letter[-2:], 16) < share


def read_facts(directory):
    """The facts that the test wrote beside its preheat.yaml (audit.json); paths are joined to the directory."""
    facts = json.loads(pathlib.Path(directory, "audit.json").read_text())
    facts["ledger"] = pathlib.Path(directory, facts["ledger"])
    return facts
