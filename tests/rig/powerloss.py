#!/usr/bin/env python3
"""What is left of a ledger when the power fails: from the system calls of a run, at many moments, with what was not synced lost.

    powerloss.py record TRACE PROGRAM…            runs a program, and writes its system calls down (strace)
    powerloss.py play TRACE LEDGER OUT [--crashes N] [--seed N] [--no-syncs] [--check PROGRAM]

The run is one that begins without a ledger and goes over plain lines. For N moments, drawn from the seed, the ledger's files are
made below OUT as a disk may leave them: all that was synced, and of what was written since nothing, some of it in any order, or a
part of one write. Each must be a sound database that knows every letter whose bytes had begun to leave the machine. --check: and
with which `PROGRAM ledger check` finds no fault, by the config beside LEDGER. --no-syncs takes no sync for one: then letters must
be found lost, or this program sees nothing.

Prints one line of JSON; exit code 1 where a moment breaks the promise.
"""

import argparse
import json
import pathlib
import random
import re
import shutil
import sqlite3
import subprocess
import sys

SECTOR = 512
CALL = re.compile(rb"^(\d+) +(?:<\.\.\. )?(\w+)(.*)$")
PATH = re.compile(rb"^\((\d+)<([^>]*)>")
TEXT = re.compile(rb'"((?:\\x[0-9a-f]{2})*)"')
MARK = re.compile(rb"X-Preheat: [^.\r\n]+\.([0-9a-f]{24})\.")


def unescaped(text):
    return bytes.fromhex(text.replace(b"\\x", b"").decode())


def events(trace):
    """(what, path, offset, bytes) in order: write, truncate, sync-begins, sync, unlink, said."""
    begun = {}
    for line in open(trace, "rb"):
        match = CALL.match(line.rstrip(b"\n"))
        if not match:
            continue
        pid, name, rest = match.groups()
        if rest.endswith(b"<unfinished ...>"):
            begun[pid] = rest
            if name in (b"fsync", b"fdatasync"):
                yield "sync-begins", pid, 0, b""
                continue
            # What is under way may have happened.
            yield from happened(name, rest)
            continue
        if rest.startswith(b" resumed>"):
            rest = begun.pop(pid, b"")
            if name in (b"fsync", b"fdatasync"):
                path = PATH.match(rest)
                if path:
                    yield "sync", unpath(path), pid, b""
            continue
        if name in (b"fsync", b"fdatasync"):
            yield "sync-begins", pid, 0, b""
            path = PATH.match(rest)
            if path:
                yield "sync", unpath(path), pid, b""
        else:
            yield from happened(name, rest)


def unpath(match):
    path = match.group(2)
    return unescaped(path).decode() if path.startswith(b"\\x") else path.decode(errors="replace")


def happened(name, rest):
    """What one call means: nothing, a change of a file, or letters' bytes that leave."""
    path = PATH.match(rest)
    if name == b"pwrite64" and path:
        data = unescaped(TEXT.search(rest).group(1))
        offset = int(rest.split(b"<unfinished")[0].rsplit(b")", 1)[0].rsplit(b",", 1)[1])
        yield "write", unpath(path), offset, data
    elif name == b"ftruncate" and path:
        yield "truncate", unpath(path), int(re.search(rb">, (\d+)", rest).group(1)), b""
    elif name == b"unlink":
        text = TEXT.search(rest)
        if text:
            yield "unlink", unescaped(text.group(1)).decode(), 0, b""
    elif name in (b"write", b"writev", b"sendto", b"sendmsg"):
        said = b"".join(unescaped(t) for t in TEXT.findall(rest))
        for letter in MARK.findall(said):
            yield "said", letter.decode(), 0, b""


class File:
    """What is on the disk for sure, and what was written since."""

    def __init__(self):
        self.safe, self.since = bytearray(), []

    def after(self, kept):
        image = bytearray(self.safe)
        for what, offset, data in kept:
            apply(image, what, offset, data)
        return image

    def sync(self, count):
        for what, offset, data in self.since[:count]:
            apply(self.safe, what, offset, data)
        del self.since[:count]


def apply(image, what, offset, data):
    if what == "truncate":
        del image[offset:]
        image.extend(bytes(max(0, offset - len(image))))
    else:
        image.extend(bytes(max(0, offset - len(image))))
        image[offset : offset + len(data)] = data


def survivors(draw, since):
    """Which of the writes that were not synced are there: none, all, some; and the last of them perhaps in part."""
    kind = draw.choice(["none", "all", "some", "first", "torn"])
    if kind == "none":
        return []
    if kind == "first":
        return since[: draw.randint(0, len(since))]
    kept = list(since) if kind == "all" else [w for w in since if draw.random() < 0.5]
    if kind == "torn" and kept:
        what, offset, data = kept[-1]
        kept[-1] = (what, offset, data[: draw.randrange(0, max(1, len(data)), SECTOR)])
    return kept


def play(trace, files, syncs_count, at=None):
    """Plays the trace up to its event `at`; gives the letters whose bytes were said, and how many events there were."""
    said, pending, n = set(), {}, 0
    for n, (what, path, offset, data) in enumerate(trace):
        if n == at:
            break
        if what in ("write", "truncate"):
            files.setdefault(path, File()).since.append((what, offset, data))
        elif what == "sync-begins":
            pending[path] = {name: len(f.since) for name, f in files.items()}
        elif what == "sync" and syncs_count:
            if path in files:
                files[path].sync(pending.get(offset, {}).get(path, 0))
        elif what == "unlink":
            files.pop(path, None)
        elif what == "said":
            said.add(path)
    return said


def verdict(folder, said, check):
    """What is wrong with the ledger in a folder; nothing where all is well."""
    try:
        states = states_in(folder / "preheat.db", said)
    except sqlite3.DatabaseError as error:
        return f"no ledger: {error}"
    if check and said:
        done = subprocess.run([check, "ledger", "check"], cwd=folder, capture_output=True, text=True)
        if done.returncode != 0:
            return f"ledger check: {(done.stdout + done.stderr)[:200]}"
    lost = sorted(s for s in said if states.get(s, "unknown") in ("unknown", "planned", "deferred"))
    return f"{len(lost)} letters were said and are not known to be handed over: {lost[0]} is {states.get(lost[0], 'unknown')}" if lost else None


def states_in(ledger, said):
    """The state of every letter. Raises where the database is not sound."""
    db = sqlite3.connect(ledger)
    try:
        sound = db.execute("PRAGMA integrity_check").fetchone()[0]
        if sound != "ok":
            raise sqlite3.DatabaseError(f"not sound: {sound[:100]}")
        return dict(db.execute("SELECT id, state FROM letter")) if said else {}
    finally:
        db.close()


def record(trace, program):
    """Runs a program to its end under strace; its exit code."""
    calls = "trace=pwrite64,ftruncate,fsync,fdatasync,unlink,write,writev,sendto,sendmsg"
    return subprocess.run(["strace", "-f", "-y", "-xx", "-s", "9999999", "-o", trace, "-e", calls, *program]).returncode


def main():
    if sys.argv[1:2] == ["record"]:
        return record(sys.argv[2], sys.argv[3:])
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("play", choices=["play"])
    parser.add_argument("trace")
    parser.add_argument("ledger")
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--crashes", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-syncs", action="store_true")
    parser.add_argument("--check")
    options = parser.parse_args()
    ledger = str(pathlib.Path(options.ledger).resolve())
    names = {ledger: "preheat.db", ledger + "-wal": "preheat.db-wal", ledger + "-journal": "preheat.db-journal"}
    trace = [e for e in events(options.trace) if e[0] in ("said", "sync-begins") or e[1] in names]
    draw = random.Random(options.seed)
    # Half of the moments lie right behind a letter's first bytes: what is not durable there is lost for good.
    told = [n + 1 for n, e in enumerate(trace) if e[0] == "said"]
    moments = sorted((draw.choice(told) if told and draw.random() < 0.5 else draw.randint(1, len(trace))) for _ in range(options.crashes))
    wrong, letters = [], 0
    for number, at in enumerate(moments):
        files = {}
        said = play(trace, files, not options.no_syncs, at)
        folder = options.out / f"crash-{number}"
        folder.mkdir(parents=True)
        for path, file in files.items():
            image = file.after(survivors(draw, file.since))
            if image or names[path] == "preheat.db":
                (folder / names[path]).write_bytes(image)
        for beside in ("preheat.yaml", "preheat.key", "schedules"):
            source = pathlib.Path(ledger).with_name(beside)
            if source.is_dir():
                shutil.copytree(source, folder / beside)
            elif source.exists():
                shutil.copy(source, folder)
        letters += len(said)
        why = verdict(folder, said, options.check)
        if why:
            wrong.append(f"event {at}: {why}")
        shutil.rmtree(folder)
    sums = {"events": len(trace), "syncs": sum(e[0] == "sync" for e in trace), "letters": len(told)}
    sums |= {"crashes": len(moments), "letters_checked": letters, "wrong": len(wrong), "first": wrong[:3]}
    print(json.dumps(sums))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
