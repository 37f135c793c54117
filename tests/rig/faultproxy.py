#!/usr/bin/env python3
"""A proxy on loopback that breaks SMTP or IMAP in one chosen way.

    faultproxy.py TO MODE [ARGUMENT…] [--listen PORT] [--skip N] [--times N] [--heard FILE]

TO is the port of a server on 127.0.0.1. The first line on standard output is `listening PORT`; each time that the fault
strikes there is a line `struck MODE DETAIL`, so that a test knows when to look, or to kill. The first --skip occasions
pass unharmed; after --times strikes everything passes. --heard writes down every byte that clients said, TLS or not. The
proxy ends when its standard input is closed.

Modes for SMTP, of which those about messages need a server without TLS (behind STARTTLS everything passes):
    swallow-final           the server takes the message; its final reply is lost, the line stays open
    cut-after-final         the server takes the message; the line is cut in place of the final reply
    cut-before-dot          the server gets all but the final dot, then both lines are cut: not delivered
    hold-before-dot         the same, but the lines stay up until the client goes away
    hold-354                the reply to DATA is lost; when the client goes away, the server's line is cut
    cut-in-data N           the lines are cut after N lines of the message
    refuse-final REPLY      the server never sees the dot; the client gets REPLY in place of the final reply
    rewrite-id              Message-IDs are replaced, as some large services do
    drop-header NAME        a header of each message is left out
Modes for SMTP and IMAP:
    pass                    nothing is broken
    answer COMMAND REPLY    the proxy answers this command itself; IMAP: REPLY without the tag, COMMAND such as `UID MOVE`
    before COMMAND PROGRAM… runs a program before it passes this command on
    strip-starttls          STARTTLS is no longer offered
    inject                  plain bytes follow the reply to STARTTLS in the same segment
    cut N, stall N, slow N  after N bytes from the server the line is cut or falls silent; N ms before each line
"""

import argparse
import asyncio
import re
import sys

LONGEST_LINE = 1 << 24
INJECTED = {"smtp": b"250-injected\r\n250 AUTH PLAIN LOGIN\r\n", "imap": b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n* PREAUTH injected\r\n"}

# How many arguments each mode takes; None: one or more.
MODES = {
    "pass": 0, "swallow-final": 0, "cut-after-final": 0, "cut-before-dot": 0, "hold-before-dot": 0, "hold-354": 0,
    "cut-in-data": 1, "refuse-final": 1, "rewrite-id": 0, "drop-header": 1, "answer": 2, "before": None,
    "strip-starttls": 0, "inject": 0, "cut": 1, "stall": 1, "slow": 1,
}  # fmt: skip


class Cut(Exception):
    """Both lines are to be cut."""


class Fault:
    """The fault, and how often it still strikes. Shared by all sessions of the proxy."""

    def __init__(self, mode, arguments=(), skip=0, times=None, report=print, heard=None):
        wanted = MODES[mode]
        if len(arguments) != wanted if wanted is not None else len(arguments) < 2:
            raise ValueError(f"{mode} takes {wanted if wanted is not None else 'two or more'} arguments, not {len(arguments)}")
        self.mode, self.arguments, self.skip, self.times, self.report = mode, list(arguments), skip, times, report
        self.heard = heard

    def strikes(self, *modes, detail=""):
        """Whether it is one of these modes, and its turn. Counts the occasion."""
        if self.mode not in modes:
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.times == 0:
            return False
        if self.times is not None:
            self.times -= 1
        self.report(f"struck {self.mode} {detail}".rstrip(), flush=True)
        return True

    def number(self):
        return int(self.arguments[0])


class Session:
    """One client's connection and the one behind it."""

    def __init__(self, fault, client, server):
        self.fault = fault
        self.client, self.to_client = client
        self.server, self.to_server = server
        self.protocol = "smtp"  # until the greeting says otherwise
        self.opaque = False  # TLS has begun: nothing can be read
        self.in_data = False
        self.awaited = None  # the command whose reply the client side waits for: DATA, STARTTLS or the final dot
        self.awaited_tag = ""  # its tag, in IMAP
        self.replied = asyncio.Event()
        self.held = False  # nothing more goes to the client
        self.dropped_server = False  # the line behind was cut on purpose, the client's is still up
        self.sent = 0  # bytes to the client
        self.cut_at = fault.number() if fault.mode in ("cut", "stall") else None

    async def run(self):
        sides = [asyncio.create_task(self.from_client()), asyncio.create_task(self.from_server())]
        try:
            await asyncio.wait(sides, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for side in sides:
                side.cancel()
            results = await asyncio.gather(*sides, return_exceptions=True)
            rudely = any(isinstance(result, Cut) for result in results)
            for writer in (self.to_client, self.to_server):
                if rudely:
                    writer.transport.abort()
                else:
                    writer.close()
            for result in results:
                if isinstance(result, Exception) and not isinstance(result, (Cut, ConnectionError)):
                    raise result

    # ------------------------------------------------------------------------------------------ client → server

    async def from_client(self):
        while True:
            if self.opaque:
                data = await self.client.read(65536)
            elif self.in_data:
                await self.relay_message()
                continue
            else:
                data = await self.client.readline()
            if not data:
                return
            self.write_down(data)
            if self.opaque:
                await self.pass_on(data)
            else:
                await self.relay_command(data)

    def write_down(self, data):
        if self.fault.heard:
            self.fault.heard.write(data)
            self.fault.heard.flush()

    async def pass_on(self, data):
        self.to_server.write(data)
        await self.to_server.drain()

    def split(self, line):
        """An IMAP line's tag (empty for SMTP) and the command in capitals, its arguments included."""
        text = line.decode("latin-1").strip()
        if self.protocol == "smtp":
            return "", text.upper()
        tag, _, command = text.partition(" ")
        return tag, command.upper()

    def is_target(self, command):
        wanted = self.fault.arguments[0].upper()
        return command == wanted or command.startswith((wanted + " ", wanted + ":"))

    async def relay_command(self, line):
        tag, command = self.split(line)
        if self.fault.mode == "answer" and self.is_target(command) and self.fault.strikes("answer", detail=command[:60]):
            await self.reply(f"{tag} {self.fault.arguments[1]}".strip().encode() + b"\r\n")
            return
        if self.fault.mode == "before" and self.is_target(command) and self.fault.strikes("before", detail=command[:60]):
            program = await asyncio.create_subprocess_exec(*self.fault.arguments[1:], stdin=asyncio.subprocess.DEVNULL, stdout=sys.stderr)
            if await program.wait() != 0:
                raise RuntimeError(f"{self.fault.arguments[1:]} failed")
        # A client may say several commands at once (PIPELINING): what the proxy answers itself must not overtake the server's replies to those before.
        if command == "STARTTLS" or self.protocol == "smtp":
            await self.pass_on_and_wait(line, command, tag)
        else:
            await self.pass_on(line)

    async def pass_on_and_wait(self, line, command, tag=""):
        """Reads nothing more from the client until the reply is there: it decides how to read on."""
        self.replied.clear()
        self.awaited, self.awaited_tag = command, tag
        await self.pass_on(line)
        if not self.held:
            await self.replied.wait()

    async def relay_message(self):
        in_headers, dropping, count = True, False, 0
        cut_after = self.fault.number() if self.fault.strikes("cut-in-data") else None
        rewrite = self.fault.strikes("rewrite-id")
        drop = self.fault.strikes("drop-header") and self.fault.arguments[0].lower().encode() + b":"
        while True:
            line = await self.client.readline()
            self.write_down(line)
            if not line:
                raise Cut
            if line == b".\r\n":
                break
            if line == b"\r\n":
                in_headers = False
            if in_headers and drop:
                folded = line[:1] in b" \t"
                dropping = dropping if folded else line.lower().startswith(drop)
                if dropping:
                    continue
            if in_headers and rewrite and line.lower().startswith(b"message-id:"):
                line = re.sub(rb"<([^@>]*)@[^>]*>", rb"<rewritten-\1@mail.service.test>", line)
            await self.pass_on(line)
            count += 1
            if count == cut_after:
                raise Cut
        self.in_data = False
        await self.relay_dot()

    async def relay_dot(self):
        if self.fault.strikes("cut-before-dot"):
            raise Cut
        if self.fault.strikes("hold-before-dot"):
            await self.wait_for_client_to_go()
        if self.fault.strikes("refuse-final"):
            self.dropped_server = True
            self.to_server.transport.abort()
            await self.reply(self.fault.arguments[0].encode() + b"\r\n")
            await self.wait_for_client_to_go()
        await self.pass_on_and_wait(b".\r\n", "final")

    async def wait_for_client_to_go(self):
        while await self.client.read(65536):
            pass
        raise Cut

    # ------------------------------------------------------------------------------------------ server → client

    async def from_server(self):
        first = True
        while True:
            data = await (self.server.read(65536) if self.opaque else self.server.readline())
            if not data:
                if self.held or self.dropped_server:
                    await asyncio.Event().wait()  # the client side decides when it is over
                return
            if first:
                self.protocol, first = ("imap" if data.startswith(b"* ") else "smtp"), False
            await (self.reply(data) if self.opaque else self.relay_reply(data))

    async def relay_reply(self, line):
        if self.fault.mode == "strip-starttls":
            line = self.strip_starttls(line)
        if not (self.awaited and self.is_last_line(line)):
            await self.reply(line)
            return
        awaited, self.awaited = self.awaited, None
        good = line.startswith(b"354" if awaited == "DATA" else b"2") if self.protocol == "smtp" else b" OK" in line[:40].upper()
        if awaited == "DATA" and good:
            if self.fault.strikes("hold-354"):
                self.held = True
            self.in_data = True
        elif awaited == "STARTTLS" and good:
            if self.fault.strikes("inject"):
                line += INJECTED[self.protocol]
            self.opaque = True
        elif awaited == "final" and good:
            if self.fault.strikes("cut-after-final"):
                raise Cut
            if self.fault.strikes("swallow-final"):
                self.held = True
        await self.reply(line)
        self.replied.set()

    def is_last_line(self, line):
        if self.protocol == "smtp":
            return line[3:4] != b"-"
        return line.startswith(self.awaited_tag.encode() + b" ")

    def strip_starttls(self, line):
        if self.protocol == "smtp":
            # An EHLO line; where it is the last one, something harmless must stand there.
            return re.sub(rb"^250([- ])STARTTLS\r\n$", rb"250\1NOOP\r\n", line)
        return re.sub(rb" (STARTTLS|LOGINDISABLED)\b", b"", line) if b"CAPABILITY" in line else line

    async def reply(self, data):
        if self.held:
            return
        if self.fault.mode == "slow":
            await asyncio.sleep(self.fault.number() / 1000)
        over = self.cut_at is not None and self.sent + len(data) > self.cut_at
        if over and self.fault.strikes("cut", "stall"):
            self.to_client.write(data[: self.cut_at - self.sent])
            await self.to_client.drain()
            if self.fault.mode == "cut":
                self.to_client.close()
                raise Cut
            self.held = True
            return
        if over:
            self.cut_at = None  # it was not this session's turn
        self.sent += len(data)
        self.to_client.write(data)
        await self.to_client.drain()


async def listen(fault, to, port=0):
    """Starts the proxy and returns asyncio's server; `to` is the port behind it."""

    async def serve(reader, writer):
        try:
            behind = await asyncio.open_connection("127.0.0.1", to, limit=LONGEST_LINE)
        except ConnectionError:
            writer.transport.abort()
            return
        try:
            await Session(fault, (reader, writer), behind).run()
        except asyncio.CancelledError:  # the proxy itself ends
            writer.transport.abort()
            behind[1].transport.abort()

    return await asyncio.start_server(serve, "127.0.0.1", port, limit=LONGEST_LINE)


async def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("to", type=int)
    parser.add_argument("mode", choices=MODES)
    parser.add_argument("arguments", nargs="*")
    parser.add_argument("--listen", type=int, default=0, metavar="PORT")
    parser.add_argument("--skip", type=int, default=0, metavar="N")
    parser.add_argument("--times", type=int, metavar="N")
    parser.add_argument("--heard", type=argparse.FileType("ab"), metavar="FILE")
    options = parser.parse_args()
    try:
        fault = Fault(options.mode, options.arguments, options.skip, options.times, heard=options.heard)
    except ValueError as error:
        parser.error(str(error))
    server = await listen(fault, options.to, options.listen)
    print(f"listening {server.sockets[0].getsockname()[1]}", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
