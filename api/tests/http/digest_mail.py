"""A mail server of other people (aiosmtpd), which knows nothing of this project, on a free port of this machine.

    digest_mail.py FOLDER MODE     MODE: plain, login (a password, without TLS), starttls or tls (a password, after TLS)

Says its port, then each message that it took, one line of JSON each; a copy of each lies in FOLDER before it is acknowledged.
As long as FOLDER/refuse exists, recipients are refused with its first line, and are quoted, as servers do: those of its further lines,
or all where it has none. Where that line is "hang up", the connection ends instead.
The certificate and its key are FOLDER/cert.pem and FOLDER/key.pem; the user is adit, the password "mail canary".
"""

import asyncio
import email
import email.policy
import json
import logging
import ssl
import sys
from pathlib import Path

from aiosmtpd.smtp import SMTP, AuthResult


class Desk:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.taken = 0

    async def handle_RCPT(self, server, session, envelope, address, options) -> str:
        refusal = self.folder / "refuse"
        if refusal.exists():
            words, *only = refusal.read_text().splitlines()
            if not only or address in only:
                if words == "hang up":
                    server.transport.abort()
                return f"{words} <{address}>"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope) -> str:
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        told = {
            "from": envelope.mail_from, "to": envelope.rcpt_tos, "size": len(envelope.content), "hello": session.host_name,
            "headers": {name.lower(): str(value) for name, value in message.items()}, "text": message.get_content(),
            "tls": session.ssl is not None or server.transport.get_extra_info("sslcontext") is not None,
            "user": session.auth_data.login.decode() if session.auth_data else None,
        }
        self.taken += 1
        (self.folder / f"{self.taken}.message").write_bytes(envelope.content)
        print(json.dumps(told), flush=True)
        return "250 OK"


def authenticate(server, session, envelope, mechanism, given) -> AuthResult:
    right = given.login == b"adit" and given.password == b"mail canary"
    return AuthResult(success=right, handled=right, auth_data=given)


async def main(folder: Path, mode: str) -> None:
    desk, wrapped, options = Desk(folder), None, {}
    if mode != "plain":
        options = {"authenticator": authenticate, "auth_required": True, "auth_require_tls": mode == "starttls"}
    if mode in ("starttls", "tls"):
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
        if mode == "tls":
            wrapped = context
        else:
            options |= {"tls_context": context, "require_starttls": True}
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(desk, hostname="mail.example", **options), "127.0.0.1", 0, ssl=wrapped
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


# What a client does wrong is what some tests are about.
logging.disable(logging.CRITICAL)
asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
