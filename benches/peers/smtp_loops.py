"""Sends letters as a plain program would, without a ledger, and prints the seconds that it took.

smtp_loops.py smtplib|aiosmtplib PORT SESSIONS COUNT FOLDER

Every session sends its share of COUNT letters, taken in turn from FOLDER. None signs in: smtp-sink takes that for any other command.
"""
import asyncio
import concurrent.futures
import pathlib
import sys
import time

HOW, PORT, SESSIONS, COUNT, FOLDER = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]
LETTERS = [path.read_bytes() for path in sorted(pathlib.Path(FOLDER).iterdir())]
SHARE = COUNT // SESSIONS


def with_smtplib():
    import smtplib

    def session(number):
        server = smtplib.SMTP("127.0.0.1", PORT)
        for n in range(SHARE):
            server.sendmail(f"a@s{number}.test", ["b@r.test"], LETTERS[n % len(LETTERS)])
        server.quit()

    with concurrent.futures.ThreadPoolExecutor(SESSIONS) as pool:
        list(pool.map(session, range(SESSIONS)))  # what a session raises is raised here


def with_aiosmtplib():
    import aiosmtplib

    async def session(number):
        server = aiosmtplib.SMTP(hostname="127.0.0.1", port=PORT, use_tls=False, start_tls=False)
        await server.connect()
        for n in range(SHARE):
            await server.sendmail(f"a@s{number}.test", ["b@r.test"], LETTERS[n % len(LETTERS)])
        await server.quit()

    async def all_sessions():
        await asyncio.gather(*(session(number) for number in range(SESSIONS)))

    asyncio.run(all_sessions())


if HOW == "aiosmtplib":
    import aiosmtplib  # noqa: F401 (its import is not measured)
else:
    import smtplib  # noqa: F401
start = time.perf_counter()
{"smtplib": with_smtplib, "aiosmtplib": with_aiosmtplib}[HOW]()
print(time.perf_counter() - start)
