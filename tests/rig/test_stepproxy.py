"""Proves that stepproxy.py strikes at the step that it names and in the way that it says, against two small scripted servers."""

import asyncio
import unittest

from stepproxy import IMAP_STEPS, SMTP_STEPS, Plan, imap_step, listen, smtp_step
from test_faultproxy import LETTER, Client, Imap, Smtp


class IdlingImap(Imap):
    """Says OK to everything, and idles."""

    async def serve(self, reader, writer):
        writer.write(b"* OK scripted\r\n")
        while line := await reader.readline():
            tag, _, command = line.decode().strip().partition(" ")
            self.commands.append(command)
            if command == "IDLE":
                writer.write(b"+ idling\r\n* 4 EXISTS\r\n")
                self.commands.append((await reader.readline()).decode().strip())
            elif command.startswith("UID FETCH"):
                writer.write(b"* 1 FETCH (BODY[] {10}\r\n" + tag.encode() + b" OK no\r\n)\r\n")
            writer.write(tag.encode() + b" OK done\r\n")


class StepProxyTest(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.clients, self.servers, self.reports = [], [], []

    async def asyncTearDown(self):
        for client in self.clients:
            client.writer.transport.abort()
        for server in self.servers:
            server.close()
        await asyncio.sleep(0.01)

    async def through(self, peer, **plan):
        """Starts `peer` behind a proxy with this plan; returns what connects to it."""

        async def serve(reader, writer):
            try:
                await peer.serve(reader, writer)
            except ConnectionError:
                pass
            finally:
                writer.close()

        behind = await asyncio.start_server(serve, "127.0.0.1", 0)
        self.plan = Plan(report=lambda text, flush: self.reports.append(text), pace=1, **plan)
        proxy = await listen(self.plan, behind.sockets[0].getsockname()[1])
        self.servers += [behind, proxy]

        async def connect():
            self.clients.append(Client(*await asyncio.open_connection("127.0.0.1", proxy.sockets[0].getsockname()[1])))
            return self.clients[-1]

        return connect

    async def send_a_letter(self, connect):
        """All steps of a letter; None where the line broke, or fell silent."""
        client = await connect()
        if not await client.line():
            return None
        await client.say(b"EHLO me")
        for last in (b"250-", b"250-", b"250 "):
            if not ((line := await client.line()) and line.startswith(last)):
                return None
        if not await client.ask(b"AUTH PLAIN AHUAcA==") or await client.hand_over() != b"250 2.0.0 queued\r\n":
            return None
        return await client.ask(b"QUIT") == b"250 2.0.0 ok\r\n" or None

    async def test_nothing_struck_is_a_whole_letter(self):
        smtp = Smtp()
        self.assertTrue(await self.send_a_letter(await self.through(smtp, steps=[])))
        self.assertEqual(smtp.taken, [LETTER])
        self.assertEqual(set(self.plan.met), {"greeting", "ehlo", "auth", "mail", "rcpt", "data", "bytes", "dot", "quit"})

    async def test_what_each_kind_leaves_at_each_step_of_smtp(self):
        heard = {"ehlo": "EHLO", "auth": "AUTH", "mail": "MAIL", "rcpt": "RCPT", "data": "DATA", "quit": "QUIT"}
        for step in ("greeting", "ehlo", "auth", "mail", "rcpt", "data", "bytes", "dot", "quit"):
            for kind in ("ask", "half", "reply", "stall"):
                with self.subTest(step=step, kind=kind):
                    self.reports.clear()
                    smtp = Smtp()
                    connect = await self.through(smtp, kinds=[kind], steps=[step], times=1)
                    self.assertIsNone(await self.send_a_letter(connect))
                    self.assertEqual(self.reports, [f"struck {kind} {step}"])
                    if step in heard:
                        self.assertEqual(any(c.startswith(heard[step]) for c in smtp.commands), kind != "ask")
                    taken = step == "quit" or (step == "dot" and kind != "ask")
                    self.assertEqual(smtp.taken, [LETTER] * taken)
                    # Its times are over: the next one passes.
                    self.assertTrue(await self.send_a_letter(connect))

    async def test_a_trickle_changes_nothing(self):
        smtp = Smtp()
        self.assertTrue(await self.send_a_letter(await self.through(smtp, kinds=["trickle"], steps=["ehlo", "bytes", "dot"])))
        self.assertEqual(smtp.taken, [LETTER])
        self.assertEqual(self.reports, ["struck trickle ehlo", "struck trickle bytes", "struck trickle dot"])

    async def test_imap_is_struck_at_its_steps_and_literals_and_idle_pass(self):
        imap = IdlingImap()
        client = await (await self.through(imap, kinds=["reply"], steps=["move"]))()
        self.assertEqual(await client.line(), b"* OK scripted\r\n")
        self.assertEqual(await client.ask(b"p1 LOGIN u p"), b"p1 OK done\r\n")
        await client.say(b"p2 UID FETCH 1 (UID BODY[]<0.9>)")
        self.assertEqual([await client.line() for _ in range(4)], [b"* 1 FETCH (BODY[] {10}\r\n", b"p2 OK no\r\n", b")\r\n", b"p2 OK done\r\n"])
        self.assertEqual(await client.ask(b"p3 IDLE"), b"+ idling\r\n")
        self.assertEqual(await client.line(), b"* 4 EXISTS\r\n")
        self.assertEqual(await client.ask(b"DONE"), b"p3 OK done\r\n")
        self.assertIsNone(await client.ask(b"p4 UID MOVE 1 Warmup"))
        self.assertTrue(await client.ended())
        self.assertIn("UID MOVE 1 Warmup", imap.commands)
        self.assertEqual(self.reports, ["struck reply move"])
        self.assertEqual([self.plan.met[s] for s in ("sign-in", "body", "idle", "done", "move")], [1, 1, 1, 1, 1])

    async def test_capabilities_have_to_be_asked_for_where_that_is_struck(self):
        client = await (await self.through(Imap(), kinds=["ask"], steps=["capability"]))()
        self.assertEqual(await client.line(), b"* OK scripted\r\n")
        await client.say(b"p1 CAPABILITY")
        self.assertTrue(await client.ended())

    async def test_tls_is_struck_after_bytes(self):
        for kind in ("ask", "stall"):
            with self.subTest(kind=kind):
                connect = await self.through(Smtp(), kinds=[kind], steps=["tls"], span=60, seed=3, times=1)
                self.assertIsNone(await self.send_a_letter(connect))
                self.assertTrue(await self.send_a_letter(connect))

    def test_every_line_has_its_step(self):
        for line, step in [
            (b"p1 CAPABILITY\r\n", "capability"), (b"p2 AUTHENTICATE PLAIN x\r\n", "sign-in"), (b"AHUAcA==\r\n", "sign-in"),
            (b'p3 LIST "" "*"\r\n', "list"), (b'p4 SELECT "INBOX"\r\n', "select"), (b"p5 UID SEARCH 1:* SINCE 1-Dec-2026\r\n", "search"),
            (b"p6 UID FETCH 1:* (UID FLAGS BODY.PEEK[HEADER.FIELDS (To)])\r\n", "headers"), (b"p7 UID FETCH 3 (UID BODY[]<0.9>)\r\n", "body"),
            (b"p8 UID FETCH 3 (UID FLAGS)\r\n", "flags"), (b"p9 UID STORE 3 +FLAGS.SILENT (x)\r\n", "store"), (b"p10 EXPUNGE\r\n", "expunge"),
            (b"p11 UID EXPUNGE 3\r\n", "expunge"), (b"p12 UID COPY 3 x\r\n", "copy"), (b"done\r\n", "done"), (b"p13 LOGOUT\r\n", "logout"),
        ]:  # fmt: skip
            self.assertEqual(imap_step(line), step, line)
            self.assertIn(step, IMAP_STEPS)
        self.assertEqual([smtp_step(line) for line in (b"MAIL FROM:<a@b>\r\n", b"AHUAcA==\r\n", b"quit\r\n")], ["mail", "auth", "quit"])
        self.assertIn("dot", SMTP_STEPS)

    def test_the_same_seed_strikes_the_same_occasions(self):
        def strikes(seed):
            plan = Plan(steps=["mail"], share=30, seed=seed, skip=2, times=3)
            return [plan.kind_for("mail") for _ in range(40)]

        self.assertEqual(strikes(5), strikes(5))
        self.assertNotEqual(strikes(5), strikes(6))
        self.assertEqual(sum(kind is not None for kind in strikes(5)), 3)
        self.assertEqual(strikes(5)[:2], [None, None])


if __name__ == "__main__":
    unittest.main()
