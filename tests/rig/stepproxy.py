#!/usr/bin/env python3
"""A proxy on loopback that knows at which step of SMTP or IMAP each line is, and strikes there.

    stepproxy.py TO [--kinds KIND,…] [--steps STEP,…] [--share PERCENT] [--seed N] [--skip N] [--times N] [--pace MS] [--span BYTES]

TO is the port of a server on 127.0.0.1. The first line on standard output is `listening PORT`; each strike is a line
`struck KIND STEP`. At every occasion of the steps a strike is drawn from the seed, with this share, after the first --skip
occasions, until there were --times. At the end, when standard input is closed, each step that was met is told, with how often:
`met STEP COUNT`.

Kinds:
    ask       the client's line is not passed on, and both lines are cut: the server never hears of it
    half      half of the first line of the reply is passed on, then both lines are cut
    reply     the server has done it; the reply is not passed on, and both lines are cut
    stall     the same, but the lines stay open until the client goes away
    trickle   the reply comes one byte at a time, --pace milliseconds apart; nothing is cut

Steps of SMTP: greeting ehlo starttls auth mail rcpt data bytes dot rset quit. Before and in the greeting are `ask` and `half` of
`greeting`. `bytes` is the message without its final dot: `ask` is cut where it begins, `half` in the middle of a line in its
middle, `reply` when all but the dot is passed on, `stall` falls silent in its middle, `trickle` passes its headers on slowly.
Steps of IMAP: greeting capability starttls sign-in namespace list select search headers body flags store move copy expunge idle
idling done noop create logout. `idle` is the command, `idling` the time after it, in which there is nothing to be half of: it is
cut, or silent. Where `capability` goes alone, greeting and sign-in do not tell the capabilities: they have to be asked for.
Step `tls` is by bytes, for lines that cannot be read, and goes alone: each connection that is drawn is struck after a number of
bytes, both ways together, that is drawn from 1 to --span. There `ask`, `half` and `reply` are the same.
"""

import argparse
import asyncio
import random
import re
import sys
from collections import Counter

LONGEST_LINE = 1 << 24
KINDS = ("ask", "half", "reply", "stall", "trickle")
SMTP_STEPS = ("greeting", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "bytes", "dot", "rset", "quit")
IMAP_COMMANDS = {
    "CAPABILITY": "capability", "LOGIN": "sign-in", "AUTHENTICATE": "sign-in", "NAMESPACE": "namespace", "LIST": "list",
    "SELECT": "select", "EXAMINE": "select", "SEARCH": "search", "STORE": "store", "MOVE": "move", "COPY": "copy",
    "EXPUNGE": "expunge", "STARTTLS": "starttls", "IDLE": "idle", "NOOP": "noop", "CREATE": "create", "LOGOUT": "logout",
}  # fmt: skip
IMAP_STEPS = tuple(dict.fromkeys(["greeting", *IMAP_COMMANDS.values(), "headers", "body", "flags", "idling", "done"]))
STEPS = tuple(dict.fromkeys([*SMTP_STEPS, *IMAP_STEPS, "tls"]))


class Cut(Exception):
    """Both lines are to be cut."""


class Plan:
    """Which occasions are struck, and how. Shared by all connections of the proxy."""

    def __init__(self, kinds=KINDS, steps=STEPS, share=100, seed=0, skip=0, times=None, pace=10, span=8000, report=print):
        self.kinds, self.steps, self.share, self.skip, self.times = list(kinds), set(steps), share, skip, times
        self.pace, self.span, self.report = pace / 1000, span, report
        self.draws = random.Random(seed)
        self.met = Counter()

    def kind_for(self, step):
        """How this occasion is struck; None: it passes unharmed."""
        self.met[step] += 1
        if step not in self.steps:
            return None
        if self.skip > 0:
            self.skip -= 1
            return None
        drawn, kind = self.draws.uniform(0, 100) < self.share, self.draws.choice(self.kinds)
        if not drawn or self.times == 0:
            return None
        if self.times is not None:
            self.times -= 1
        return kind

    def tell(self, kind, step):
        self.report(f"struck {kind} {step}", flush=True)


def smtp_step(line):
    """The step of a command line; AUTH's further lines are no command, and belong to it."""
    word = re.match(rb"[A-Za-z]*", line).group().decode().lower()
    return word if word in SMTP_STEPS else "auth"


def imap_step(line):
    """The step of a command line."""
    words = line.decode("latin-1").strip().upper().split(" ")
    if words == ["DONE"]:
        return "done"
    name = words[2] if words[1:2] == ["UID"] and len(words) > 2 else words[1] if len(words) > 1 else ""
    if name == "FETCH":
        return "headers" if b"[HEADER" in line.upper() else "body" if b"BODY" in line.upper() else "flags"
    return IMAP_COMMANDS.get(name, "sign-in")  # what follows AUTHENTICATE is no command


class Session:
    """One client's connection and the one behind it: a dialogue of steps, one at a time."""

    def __init__(self, plan, client, to):
        self.plan, self.to = plan, to
        self.client, self.to_client = client
        self.server = self.to_server = None

    async def run(self):
        try:
            await self.talk()
        except (Cut, ConnectionError, asyncio.IncompleteReadError):
            for writer in (self.to_client, self.to_server):
                if writer:
                    writer.transport.abort()
        finally:
            for writer in (self.to_client, self.to_server):
                if writer:
                    writer.close()

    async def talk(self):
        if "tls" in self.plan.steps:
            await self.connect()
            await self.relay_bytes()
        kind = self.plan.kind_for("greeting")
        if kind == "ask":
            self.strike("ask", "greeting")
        await self.connect()
        greeting = self.without_capabilities(await self.from_server())
        await self.give([greeting], "greeting", kind)
        await (self.talk_imap() if greeting.startswith(b"* ") else self.talk_smtp())

    async def connect(self):
        self.server, self.to_server = await asyncio.open_connection("127.0.0.1", self.to, limit=LONGEST_LINE)

    def strike(self, kind, step):
        self.plan.tell(kind, step)
        raise Cut

    # ------------------------------------------------------------------------------------------------ the lines

    async def from_client(self):
        line = await self.client.readline()
        if not line:
            raise Cut
        return line

    async def from_server(self):
        line = await self.server.readline()
        if not line:
            raise Cut
        return line

    async def ask(self, line, step):
        """Passes the client's line on, and says how its reply is struck."""
        kind = self.plan.kind_for(step)
        if kind == "ask":
            self.strike(kind, step)
        self.to_server.write(line)
        await self.to_server.drain()
        return kind

    async def give(self, lines, step, kind):
        """Passes a reply on, as it is struck."""
        if kind == "half":
            self.to_client.write(lines[0][: max(1, len(lines[0]) // 2)])
            await self.to_client.drain()
            self.to_client.close()  # what was written arrives, an abort would take it back
            self.strike(kind, step)
        if kind == "reply":
            self.strike(kind, step)
        if kind == "stall":
            self.plan.tell(kind, step)
            await self.wait_for_client_to_go()
        if kind == "trickle":
            self.plan.tell(kind, step)
            await self.trickle(self.to_client, b"".join(lines))
            return
        self.to_client.writelines(lines)
        await self.to_client.drain()

    async def trickle(self, writer, data):
        for n in range(len(data)):
            writer.write(data[n : n + 1])
            await writer.drain()
            await asyncio.sleep(self.plan.pace)

    async def wait_for_client_to_go(self):
        while await self.client.read(65536):
            pass
        raise Cut

    # ----------------------------------------------------------------------------------------------------- SMTP

    async def smtp_reply(self):
        lines = [await self.from_server()]
        while lines[-1][3:4] == b"-":
            lines.append(await self.from_server())
        return lines

    async def talk_smtp(self):
        while True:
            line = await self.from_client()
            step = smtp_step(line)
            kind = await self.ask(line, step)
            reply = await self.smtp_reply()
            await self.give(reply, step, kind)
            if step == "data" and reply[-1].startswith(b"354"):
                await self.relay_message()
                await self.give(await self.smtp_reply(), "dot", self.dot_kind)
            elif step == "starttls" and reply[-1].startswith(b"2"):
                await self.relay_bytes()

    async def relay_message(self):
        message = []
        while (line := await self.from_client()) != b".\r\n":
            message.append(line)
        await self.pass_message(message, self.plan.kind_for("bytes"))
        self.dot_kind = await self.ask(b".\r\n", "dot")

    async def pass_message(self, message, kind):
        text = b"".join(message)
        if kind == "ask":
            self.strike(kind, "bytes")
        if kind in ("half", "stall"):
            self.to_server.write(text[: len(text) // 2])
            await self.to_server.drain()
            if kind == "half":
                self.to_server.close()
                self.strike(kind, "bytes")
            self.plan.tell(kind, "bytes")
            await self.wait_for_client_to_go()
        headers = text.find(b"\r\n\r\n") if kind == "trickle" else 0
        if kind == "trickle":
            self.plan.tell(kind, "bytes")
            await self.trickle(self.to_server, text[: min(headers, 200)])
            text = text[min(headers, 200) :]
        self.to_server.write(text)
        await self.to_server.drain()
        if kind == "reply":
            self.to_server.close()  # all of it arrives, and the line ends
            self.strike(kind, "bytes")

    # ----------------------------------------------------------------------------------------------------- IMAP

    async def imap_reply(self, tag):
        """All answers to the tagged one, or to a `+`."""
        answers = [await self.imap_answer()]
        while not answers[-1].startswith((tag + b" ", b"+")):
            answers.append(await self.imap_answer())
        return answers

    async def imap_answer(self):
        """A line with the literals that it announces: those may hold what looks like answers."""
        answer = await self.from_server()
        while announced := re.search(rb"\{(\d+)\}\r\n$", answer):
            answer += await self.server.readexactly(int(announced[1])) + await self.from_server()
        return answer

    def without_capabilities(self, answer):
        """Where `capability` is the one step to strike, nobody tells what they are before they are asked."""
        return re.sub(rb"\[CAPABILITY [^\]]*\] ", b"", answer) if self.plan.steps == {"capability"} else answer

    async def talk_imap(self):
        tag = b""
        while True:
            line = await self.from_client()
            step = imap_step(line)
            if step != "done" and b" " in line:
                tag = line.split(b" ")[0]
            kind = await self.ask(line, step)
            reply = [self.without_capabilities(answer) for answer in await self.imap_reply(tag)]
            await self.give(reply, step, kind)
            if step == "starttls" and b" OK" in reply[-1][:40].upper():
                await self.relay_bytes()
            if step == "idle" and reply[-1].startswith(b"+"):
                await self.idle(tag)

    async def idle(self, tag):
        """Both sides may speak: news from the server, DONE from the client."""
        kind = self.plan.kind_for("idling")
        if kind in ("ask", "half", "reply"):
            self.strike(kind, "idling")
        if kind == "stall":
            self.plan.tell(kind, "idling")
            await self.wait_for_client_to_go()
        done = asyncio.create_task(self.from_client())
        try:
            while not done.done():
                news = asyncio.create_task(self.from_server())
                await asyncio.wait([done, news], return_when=asyncio.FIRST_COMPLETED)
                if not news.done():
                    news.cancel()
                    await asyncio.wait([news])
                else:
                    self.to_client.write(news.result())
                    await self.to_client.drain()
            line = done.result()
        finally:
            done.cancel()
        kind = await self.ask(line, "done")
        await self.give(await self.imap_reply(tag), "done", kind)

    # ------------------------------------------------------------------------------------------------ only bytes

    async def relay_bytes(self):
        kind = self.plan.kind_for("tls")
        budget = [self.plan.draws.randint(1, self.plan.span)] if kind else [None]
        sides = [
            asyncio.create_task(self.relay_side(self.client, self.to_server, kind, budget)),
            asyncio.create_task(self.relay_side(self.server, self.to_client, kind, budget)),
        ]
        try:
            done, _ = await asyncio.wait(sides, return_when=asyncio.FIRST_COMPLETED)
            for side in done:
                side.result()
        finally:
            for side in sides:
                side.cancel()
            await asyncio.gather(*sides, return_exceptions=True)
        raise Cut

    async def relay_side(self, reader, writer, kind, budget):
        while data := await reader.read(65536):
            if budget[0] is None or len(data) < budget[0]:
                if budget[0] is not None:
                    budget[0] -= len(data)
                writer.write(data)
            else:
                before, data = data[: budget[0]], data[budget[0] :]
                budget[0] = None
                self.plan.tell(kind, "tls")
                writer.write(before)
                await writer.drain()
                if kind == "stall":
                    while await reader.read(65536):
                        pass  # whoever speaks is not heard
                    raise Cut
                if kind != "trickle":
                    writer.close()
                    raise Cut
                await self.trickle(writer, data[:200])
                writer.write(data[200:])
            await writer.drain()


async def listen(plan, to, port=0):
    """Starts the proxy and returns asyncio's server; `to` is the port behind it."""

    async def serve(reader, writer):
        try:
            await Session(plan, (reader, writer), to).run()
        except asyncio.CancelledError:  # the proxy itself ends
            writer.transport.abort()

    return await asyncio.start_server(serve, "127.0.0.1", port, limit=LONGEST_LINE)


def names(known):
    def read(text):
        found = text.split(",")
        unknown = [name for name in found if name not in known]
        if unknown:
            raise argparse.ArgumentTypeError(f"{unknown[0]} is none of {', '.join(known)}")
        return found

    return read


async def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("to", type=int)
    parser.add_argument("--kinds", type=names(KINDS), default=KINDS)
    parser.add_argument("--steps", type=names(STEPS), default=[step for step in STEPS if step != "tls"])
    parser.add_argument("--share", type=float, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--skip", type=int, default=0)
    parser.add_argument("--times", type=int)
    parser.add_argument("--pace", type=float, default=10)
    parser.add_argument("--span", type=int, default=8000)
    options = vars(parser.parse_args())
    to = options.pop("to")
    plan = Plan(**options)
    server = await listen(plan, to)
    print(f"listening {server.sockets[0].getsockname()[1]}", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    for step, count in sorted(plan.met.items()):
        print(f"met {step} {count}", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
