"""A started practice sandbox as a client sees it: ports, passwords and the CA in its folder. And what a transcript leaves out."""

import base64
import json
import pathlib
import re
import socket
import ssl


class Practice:
    """The sandbox whose folder this is."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.ports = json.loads((self.directory / "sandbox.json").read_text())["ports"]
        self.tls = ssl.create_default_context(cafile=self.directory / "ca.crt")

    def port(self, personality, service):
        return self.ports[personality][service]

    def password(self, user):
        return (self.directory / "secrets" / user).read_text().strip()

    def ask(self, do, **details):
        """A request on the control socket."""
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(str(self.directory / "control.sock"))
            control.sendall(json.dumps({"do": do, **details}).encode() + b"\n")
            answer = json.loads(control.makefile("rb").readline())
        assert answer["ok"], answer
        return answer

    def deliver(self, user, folder, message):
        self.ask("deliver", user=user, folder=folder, message=base64.b64encode(message.replace("\n", "\r\n").encode()).decode())

    def messages(self, user):
        """(folder, subject, flags) of every message, as the server has them."""
        folders = self.ask("dump", users=[user])["accounts"][user]["folders"]
        return [
            (folder, re.search(rb"^Subject: (.*?)\r?$", base64.b64decode(m["bytes"]), re.M)[1].decode(), " ".join(m["flags"]))
            for folder, facts in sorted(folders.items())
            for m in facts["messages"]
        ]


class Transcript:
    """Lines of two sides, without secrets and without what no two runs share."""

    def __init__(self, *secrets):
        self.hidden = [secret.encode() for secret in secrets]

    def say(self, side, data):
        for line in bytes(data).split(b"\r\n")[: -1 if data.endswith(b"\r\n") else None]:
            print(f"{side}: {self.plain(line)}", flush=True)

    def plain(self, line):
        line = re.sub(rb"[A-Za-z0-9+/]{16,}=*", self.without_secret, line)
        for secret in self.hidden:
            line = line.replace(secret, b"[password]")
        return line.decode("utf-8", "backslashreplace")

    def without_secret(self, match):
        try:
            decoded = base64.b64decode(match[0], validate=True)
        except ValueError:
            return match[0]
        return b"[base64 with the password]" if any(secret in decoded for secret in self.hidden) else match[0]
