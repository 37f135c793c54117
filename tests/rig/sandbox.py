#!/usr/bin/env python3
"""The rig on `preheat sandbox --rig`: faults.sh hands its commands over to this, and audit.py has its evidence from here.

    sandbox.py COMMAND ARGUMENT…      the commands of faults.sh (RIG_DIR names the rig), and:
    sandbox.py messages USER FOLDER   the messages of a folder as JSON, each as text

The sandbox is one process, and keeps its mail in memory: it is asked on its control socket, which goes by no server's session
(docs/sandbox.md). What lies where, and what was submitted when, is written down there without a look at any ledger.
"""

import base64
import email.parser
import json
import os
import pathlib
import random
import socket
import sys
import time

import evidence

MAILDIR_FLAGS = {"\\Draft": "D", "\\Flagged": "F", "\\Answered": "R", "\\Seen": "S", "\\Deleted": "T"}
UNITS = {"B": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def read_facts(rig):
    """The KEY=VALUE lines of rig.env; nothing where there is no such file."""
    file = pathlib.Path(rig, "rig.env")
    return dict(line.split("=", 1) for line in file.read_text().splitlines()) if file.exists() else {}


def serves(rig):
    """Whether this rig is a sandbox."""
    return read_facts(rig).get("RIG_KIND") == "sandbox"


def ask(rig, do, **details):
    """One request on the control socket, and its answer."""
    with socket.socket(socket.AF_UNIX) as control:
        control.connect(read_facts(rig)["RIG_CONTROL"])
        control.sendall(json.dumps({"do": do, **details}).encode() + b"\n")
        answer = json.loads(control.makefile("rb").readline() or '{"ok": false, "error": "the sandbox said nothing"}')
    if not answer["ok"]:
        raise SystemExit(f"sandbox: {do}: {answer['error']}")
    return answer


# ---------------------------------------------------------------------------------------------------------- the evidence


def settle(rig):
    """Waits until everything that was taken over has been stored, three seconds at most: it may be on its way to a bounce."""
    end = time.monotonic() + 3
    while time.monotonic() < end and any(s["accepted"] and not s["stored"] for s in ask(rig, "dump", users=[])["submissions"]):
        time.sleep(0.05)


def gather(rig, offsets):
    """Every message of every mailbox, and every submission since the first of the offsets."""
    dump = ask(rig, "dump")
    copies = [
        copy_of(mailbox, folder, message)
        for mailbox, account in dump["accounts"].items()
        for folder, facts in account["folders"].items()
        for message in facts["messages"]
    ]
    numbered = list(enumerate(dump["submissions"]))
    return copies, [submission_of(number, facts) for number, facts in numbered[offsets[0] :]]


def copy_of(mailbox, folder, message):
    headers = email.parser.BytesHeaderParser().parsebytes(base64.b64decode(message["bytes"]))
    flags = "".join(sorted(MAILDIR_FLAGS[flag] for flag in message["flags"] if flag in MAILDIR_FLAGS))
    return evidence.Copy(mailbox, folder, flags, headers, pathlib.PurePath(f"UID {message['uid']}"))


def submission_of(number, facts):
    submission = evidence.Submission(f"submission {number}", facts["account"], accepted=facts["accepted"], date=facts["date"])
    submission.letter, submission.marked = facts["letter"], facts["letter"] is not None
    submission.message_id = (evidence.ids_of(facts["message_id"]) or [None])[0]
    if facts["accepted"]:
        submission.recipients[facts["to"]] = "sent" if facts["stored"] else "deferred"
    if facts["stored"]:
        submission.first_folders[facts["to"]] = facts["stored"]
    return submission


# ------------------------------------------------------------------------------------------------------------ the faults
# Each is named after the command of faults.sh that it carries out.


def junk(rig, share, folder, *users):
    ask(rig, "junk", users=users, share=int(share), folder=folder)
    directory = pathlib.Path(rig, "junk")
    directory.mkdir(exist_ok=True)
    for user in users:
        if int(share):
            (directory / user).write_text(f"{share} {folder}\n")
        else:
            (directory / user).unlink(missing_ok=True)


def plant(rig, user, folder, id_):
    ask(rig, "plant", user=user, folder=folder, id=id_, message=message_on_stdin())
    directory = pathlib.Path(rig, "planted")
    directory.mkdir(exist_ok=True)
    with (directory / user).open("a") as file:
        file.write(f"{id_}\t{folder}\n")


def deliver(rig, user, folder):
    ask(rig, "deliver", user=user, folder=folder, message=message_on_stdin())


def message_on_stdin():
    return base64.b64encode(sys.stdin.buffer.read()).decode()


def uidvalidity(rig, user, folder, value=None):
    ask(rig, "uidvalidity", user=user, folder=folder, value=int(value or random.randint(1, 32768)))


def create(rig, user, folder):
    ask(rig, "create", user=user, folder=folder)


def rename(rig, user, folder, new):
    ask(rig, "rename", user=user, folder=folder, new=new)


def delete(rig, user, folder):
    ask(rig, "delete", user=user, folder=folder)


def expunge(rig, user, folder, query="all"):
    if query != "all":
        raise SystemExit(f"sandbox: it expunges `all` of a folder, and nothing by a query: {query}")
    ask(rig, "expunge", user=user, folder=folder)


def kick(rig, user):
    ask(rig, "kick", user=user)


def password(rig, user, new):
    ask(rig, "password", user=user, password=new)


def quota(rig, user, size):
    ask(rig, "quota", user=user, bytes=int(size[:-1]) * UNITS[size[-1]])


def reset(rig, *users):
    ask(rig, "reset", users=users)
    for user in users:
        for directory in ("planted", "junk"):
            pathlib.Path(rig, directory, user).unlink(missing_ok=True)


def log_ends(rig):
    print(len(ask(rig, "dump", users=[])["submissions"]), 0)


def messages(rig, user, folder):
    folders = ask(rig, "dump", users=[user])["accounts"][user]["folders"]
    found = folders.get(evidence.decode_folder(folder), {"messages": []})["messages"]
    print(json.dumps([base64.b64decode(m["bytes"]).decode("utf-8", "replace") for m in found]))


COMMANDS = {
    "junk": junk, "plant": plant, "deliver": deliver, "uidvalidity": uidvalidity, "create": create, "rename": rename,
    "delete": delete, "expunge": expunge, "kick": kick, "password": password, "quota": quota, "reset": reset,
    "log-ends": log_ends, "messages": messages,
}  # fmt: skip


def main():
    command, *arguments = sys.argv[1:] or ["help"]
    if command not in COMMANDS:
        raise SystemExit(f"sandbox: there is no {command} on the sandbox; there are: {', '.join(COMMANDS)}")
    try:
        COMMANDS[command](os.environ["RIG_DIR"], *arguments)
    except TypeError as error:
        raise SystemExit(f"sandbox: {command}: {error}") from error


if __name__ == "__main__":
    main()
