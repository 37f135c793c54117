"""Proves that each mode of faultproxy.py breaks what it says, against two small scripted servers."""

import asyncio
import io
import unittest

from faultproxy import MODES, Fault, listen

LETTER = [b"Message-ID: <one@warm-a.test>", b"X-Preheat: k1.", b" folded", b"Subject: hello", b"", b"X-Preheat: in the body", b"end"]
PATIENCE = 0.3  # how long silence must last to be called silence; nothing is measured


class Smtp:
    """Takes messages without a murmur and remembers them."""

    def __init__(self):
        self.taken, self.commands = [], []

    async def serve(self, reader, writer):
        writer.write(b"220 scripted ESMTP\r\n")
        while line := await reader.readline():
            command = line.decode().strip().upper()
            self.commands.append(command)
            if command.startswith("EHLO"):
                writer.write(b"250-scripted\r\n250-SIZE 1000\r\n250 STARTTLS\r\n")
            elif command == "STARTTLS":
                writer.write(b"220 2.0.0 go ahead\r\n")
            elif command == "DATA":
                writer.write(b"354 go ahead\r\n")
                message = []
                while (line := await reader.readline()) and line != b".\r\n":
                    message.append(line.rstrip(b"\r\n"))
                if not line:
                    return
                self.taken.append(message)
                writer.write(b"250 2.0.0 queued\r\n")
            else:
                writer.write(b"250 2.0.0 ok\r\n")


class Imap:
    """Says OK to everything."""

    def __init__(self):
        self.commands = []

    async def serve(self, reader, writer):
        writer.write(b"* OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED MOVE] scripted\r\n")
        while line := await reader.readline():
            tag, _, command = line.decode().strip().partition(" ")
            self.commands.append(command)
            writer.write(b"* 3 EXISTS\r\n" + tag.encode() + b" OK done\r\n")


class Client:
    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    async def line(self):
        """The next line; None: the connection ended or fell silent."""
        try:
            return (await asyncio.wait_for(self.reader.readline(), PATIENCE)) or None
        except (TimeoutError, asyncio.TimeoutError, ConnectionError):
            return None

    async def ended(self):
        """Whether the connection is over, rather than silent."""
        try:
            return await asyncio.wait_for(self.reader.read(1), PATIENCE) == b""
        except (TimeoutError, asyncio.TimeoutError):
            return False
        except ConnectionError:
            return True

    async def say(self, *lines):
        self.writer.write(b"".join(line + b"\r\n" for line in lines))

    async def ask(self, line):
        await self.say(line)
        return await self.line()

    async def hand_over(self, letter=LETTER):
        """MAIL to the final reply."""
        await self.ask(b"MAIL FROM:<u01@warm-a.test>")
        reply = await self.ask(b"RCPT TO:<u01@warm-b.test>")
        if not reply or not reply.startswith(b"250"):
            return reply
        if (reply := await self.ask(b"DATA")) != b"354 go ahead\r\n":
            return reply
        await self.say(*letter, b".")
        return await self.line()


class FaultProxyTest(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.clients, self.servers, self.reports = [], [], []

    async def asyncTearDown(self):
        for client in self.clients:
            client.writer.transport.abort()
        for server in self.servers:
            server.close()
        await asyncio.sleep(0.01)

    async def through(self, peer, mode, *arguments, **often):
        """Starts `peer` behind a proxy with this fault; returns what connects to it."""

        async def serve(reader, writer):
            try:
                await peer.serve(reader, writer)
            except ConnectionError:
                pass
            finally:
                writer.close()

        behind = await asyncio.start_server(serve, "127.0.0.1", 0)
        fault = Fault(mode, arguments, report=lambda text, flush: self.reports.append(text), **often)
        proxy = await listen(fault, behind.sockets[0].getsockname()[1])
        self.servers += [behind, proxy]

        async def connect():
            client = Client(*await asyncio.open_connection("127.0.0.1", proxy.sockets[0].getsockname()[1]))
            self.clients.append(client)
            client.greeting = await client.line()
            return client

        return connect

    async def smtp(self, mode, *arguments, **often):
        peer = Smtp()
        connect = await self.through(peer, mode, *arguments, **often)
        return peer, await connect(), connect

    async def imap(self, mode, *arguments, **often):
        peer = Imap()
        connect = await self.through(peer, mode, *arguments, **often)
        return peer, await connect()

    async def test_an_answer_overtakes_no_reply_to_what_was_said_before_it_in_one_go(self):
        _, client, _ = await self.smtp("answer", "RCPT TO", "550 no")
        self.assertEqual(client.greeting, b"220 scripted ESMTP\r\n")
        await client.say(b"MAIL FROM:<u01@warm-a.test>", b"RCPT TO:<u01@warm-b.test>", b"NOOP")
        self.assertEqual([await client.line() for _ in range(3)], [b"250 2.0.0 ok\r\n", b"550 no\r\n", b"250 2.0.0 ok\r\n"])

    async def test_pass_changes_nothing(self):
        peer, client, _ = await self.smtp("pass")
        for _ in range(2):
            self.assertEqual(await client.hand_over(), b"250 2.0.0 queued\r\n")
        self.assertEqual(peer.taken, [LETTER, LETTER])
        self.assertEqual(await client.ask(b"QUIT"), b"250 2.0.0 ok\r\n")
        self.assertEqual(self.reports, [])

    async def test_what_clients_say_is_written_down(self):
        heard = io.BytesIO()
        _, client, _ = await self.smtp("pass", heard=heard)
        await client.ask(b"NOOP")
        await client.hand_over()
        self.assertTrue(heard.getvalue().startswith(b"NOOP\r\nMAIL FROM:"))
        self.assertIn(b"\r\nend\r\n.\r\n", heard.getvalue())

    async def test_swallow_final_delivers_and_stays_silent(self):
        peer, client, _ = await self.smtp("swallow-final")
        self.assertIsNone(await client.hand_over())
        self.assertFalse(await client.ended())
        self.assertEqual(peer.taken, [LETTER])
        self.assertEqual(self.reports, ["struck swallow-final"])

    async def test_cut_after_final_delivers_and_cuts(self):
        peer, client, _ = await self.smtp("cut-after-final")
        self.assertIsNone(await client.hand_over())
        self.assertTrue(await client.ended())
        self.assertEqual(peer.taken, [LETTER])

    async def test_cut_before_dot_does_not_deliver_and_cuts(self):
        peer, client, _ = await self.smtp("cut-before-dot")
        self.assertIsNone(await client.hand_over())
        self.assertTrue(await client.ended())
        self.assertEqual(peer.taken, [])

    async def test_hold_before_dot_does_not_deliver_even_when_the_client_goes(self):
        peer, client, _ = await self.smtp("hold-before-dot")
        self.assertIsNone(await client.hand_over())
        self.assertFalse(await client.ended())
        client.writer.transport.abort()
        await asyncio.sleep(PATIENCE)
        self.assertEqual(peer.taken, [])

    async def test_hold_354_lets_no_byte_of_the_message_through(self):
        peer, client, _ = await self.smtp("hold-354")
        self.assertIsNone(await client.hand_over())
        self.assertFalse(await client.ended())
        self.assertEqual(self.reports, ["struck hold-354"])
        client.writer.transport.abort()
        await asyncio.sleep(PATIENCE)
        self.assertEqual((peer.taken, peer.commands[-1]), ([], "DATA"))

    async def test_cut_in_data_cuts_amid_the_message(self):
        peer, client, _ = await self.smtp("cut-in-data", "2")
        self.assertIsNone(await client.hand_over())
        self.assertTrue(await client.ended())
        self.assertEqual(peer.taken, [])

    async def test_refuse_final_answers_in_the_servers_place(self):
        peer, client, _ = await self.smtp("refuse-final", "554 5.7.1 no")
        self.assertEqual(await client.hand_over(), b"554 5.7.1 no\r\n")
        self.assertEqual(peer.taken, [])

    async def test_rewrite_id_changes_the_message_id_only(self):
        peer, client, _ = await self.smtp("rewrite-id")
        self.assertEqual(await client.hand_over(), b"250 2.0.0 queued\r\n")
        self.assertEqual(peer.taken, [[b"Message-ID: <rewritten-one@mail.service.test>"] + LETTER[1:]])

    async def test_drop_header_takes_folded_lines_along_and_leaves_the_body(self):
        peer, client, _ = await self.smtp("drop-header", "x-preheat")
        self.assertEqual(await client.hand_over(), b"250 2.0.0 queued\r\n")
        self.assertEqual(peer.taken, [LETTER[:1] + LETTER[3:]])

    async def test_skip_and_times_choose_the_occasion(self):
        peer, client, connect = await self.smtp("cut-before-dot", skip=1, times=1)
        self.assertEqual(await client.hand_over(), b"250 2.0.0 queued\r\n")
        self.assertIsNone(await client.hand_over())
        again = await connect()
        self.assertEqual(await again.hand_over(), b"250 2.0.0 queued\r\n")
        self.assertEqual((len(peer.taken), self.reports), (2, ["struck cut-before-dot"]))

    async def test_answer_stands_in_for_a_command(self):
        peer, client, _ = await self.smtp("answer", "RCPT", "452 4.2.2 full", times=1)
        self.assertEqual(await client.hand_over(), b"452 4.2.2 full\r\n")
        self.assertEqual(await client.hand_over(), b"250 2.0.0 queued\r\n")
        self.assertEqual(len(peer.taken), 1)

    async def test_answer_keeps_imap_tags_and_tells_commands_apart(self):
        peer, client = await self.imap("answer", "UID MOVE", "NO [CANNOT] not here")
        self.assertEqual(await client.ask(b"a1 UID MOVE 1 INBOX"), b"a1 NO [CANNOT] not here\r\n")
        self.assertEqual(await client.ask(b"a2 UID MOVED 1"), b"* 3 EXISTS\r\n")
        self.assertEqual(peer.commands, ["UID MOVED 1"])

    async def test_before_runs_a_program_first(self):
        peer, client = await self.imap("before", "UID MOVE", "true", times=1)
        self.assertEqual(await client.ask(b"a1 UID MOVE 1 INBOX"), b"* 3 EXISTS\r\n")
        self.assertEqual((peer.commands, self.reports), (["UID MOVE 1 INBOX"], ["struck before UID MOVE 1 INBOX"]))

    async def test_strip_starttls(self):
        _, client, _ = await self.smtp("strip-starttls")
        replies = [await client.ask(b"EHLO me"), await client.line(), await client.line()]
        self.assertEqual(replies, [b"250-scripted\r\n", b"250-SIZE 1000\r\n", b"250 NOOP\r\n"])

    async def test_strip_starttls_from_an_imap_greeting(self):
        peer, client = await self.imap("strip-starttls")
        self.assertEqual(client.greeting, b"* OK [CAPABILITY IMAP4rev1 MOVE] scripted\r\n")
        self.assertEqual(await client.ask(b"a1 NOOP"), b"* 3 EXISTS\r\n")
        self.assertEqual(peer.commands, ["NOOP"])

    async def test_inject_adds_bytes_behind_starttls_and_then_passes_everything(self):
        peer, client, _ = await self.smtp("inject")
        self.assertEqual(await client.ask(b"STARTTLS"), b"220 2.0.0 go ahead\r\n")
        self.assertEqual([await client.line(), await client.line()], [b"250-injected\r\n", b"250 AUTH PLAIN LOGIN\r\n"])
        await client.say(b"DATA")
        self.assertEqual(await client.line(), b"354 go ahead\r\n")

    async def test_cut_and_stall_after_so_many_bytes(self):
        # The greeting has 20 bytes, so 5 of the next reply get through: readline shows them once the line is cut.
        for mode, seen in (("cut", b"250 2"), ("stall", None)):
            _, client, _ = await self.smtp(mode, "25")
            self.assertEqual(await client.ask(b"NOOP"), seen, mode)
            self.assertEqual(await client.ended(), mode == "cut", mode)

    async def test_slow_still_delivers(self):
        peer, client, _ = await self.smtp("slow", "5")
        self.assertEqual(await client.hand_over(), b"250 2.0.0 queued\r\n")
        self.assertEqual(len(peer.taken), 1)

    def test_wrong_arguments_are_refused(self):
        for mode, arguments in (("pass", ["1"]), ("cut", []), ("answer", ["RCPT"]), ("before", ["RCPT"])):
            with self.assertRaises(ValueError, msg=mode):
                Fault(mode, arguments)

    def test_every_mode_is_documented(self):
        import faultproxy

        for mode in MODES:
            self.assertRegex(faultproxy.__doc__, rf"(?m)^.*\b{mode}\b", mode)


if __name__ == "__main__":
    unittest.main()
