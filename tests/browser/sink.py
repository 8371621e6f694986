"""A mail server of another make than sink.mjs, aiosmtpd, that keeps what it takes in the same way: each letter is a
file of the folder, and mailboxes that are called `full` never have room. python3 sink.py <folder> <file for the port>"""

import asyncio
import os
import sys

from aiosmtpd.smtp import SMTP

FOLDER, TOLD = sys.argv[1:]


def write(path, content):
    """Whoever looks into the folder sees whole files only."""
    with open(f"{path}.part", "wb") as file:
        file.write(content)
    os.rename(f"{path}.part", path)


class Kept:
    taken = 0

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("full"):
            return "452 4.2.2 the mailbox is full"
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server, session, envelope):
        self.taken += 1
        write(f"{FOLDER}/{self.taken:05}.eml", envelope.content)
        return "250 2.0.0 taken"


async def main():
    os.makedirs(FOLDER, exist_ok=True)
    kept = Kept()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(kept, enable_SMTPUTF8=True, hostname="sink.test"), "127.0.0.1", 0)
    write(TOLD, str(server.sockets[0].getsockname()[1]).encode())
    await server.serve_forever()


asyncio.run(main())
