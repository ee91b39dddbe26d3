"""A slow or lossy link: it hands on bytes later than they came, in their order.

A segment that is lost is sent again by the kernel, so all that an application sees of it is a pause: the retransmission
timeout, 200 ms at least on Linux. That is what `--loss` makes of its share of the segments.
"""

import argparse
import asyncio
import random
import signal
from contextlib import suppress

SEGMENT = 1448  # bytes, as on an Ethernet
RETRANSMISSION_SECONDS = 0.2


class Link:
    """Hands on what comes. `delay` is for each direction, in s, `jitter` its standard deviation, `loss` a share."""

    def __init__(self, to: tuple[str, int], delay: float, jitter: float, loss: float) -> None:
        self.to = to
        self.delay = delay
        self.jitter = jitter
        self.loss = loss
        self.draw = random.Random()

    def later(self, size: int) -> float:
        """By how many seconds some bytes are late."""
        segments = -(-size // SEGMENT)
        lost = sum(self.draw.random() < self.loss for _ in range(segments))
        return max(0.0, self.draw.gauss(self.delay, self.jitter)) + lost * RETRANSMISSION_SECONDS

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One caller's connection, until both sides have nothing more to say."""
        try:
            other_reader, other_writer = await asyncio.open_connection(*self.to)
        except OSError:
            writer.transport.abort()
            return
        await asyncio.gather(self.hand_on(reader, other_writer), self.hand_on(other_reader, writer))
        for each in (writer, other_writer):
            each.close()

    async def hand_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One direction: bytes wait in a queue, so that the next ones travel while the first are on their way."""
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def arrive() -> None:
            with suppress(OSError):
                while True:
                    at, some = await queue.get()
                    if (left := at - loop.time()) > 0:
                        await asyncio.sleep(left)
                    if not some:
                        writer.write_eof()
                        return
                    writer.write(some)
                    await writer.drain()

        arriving = asyncio.create_task(arrive())
        at = 0.0
        some = b"."
        while some:
            try:
                some = await reader.read(65536)
            except OSError:
                some = b""
            at = max(at, loop.time() + self.later(len(some)))
            queue.put_nowait((at, some))
        await arriving


def address(text: str) -> tuple[str, int]:
    """`127.0.0.1:8083` as a pair."""
    host, _, port = text.rpartition(":")
    return host, int(port)


async def run(bind: tuple[str, int], link: Link) -> None:
    """Listen until SIGTERM."""
    server = await asyncio.start_server(link.serve, *bind)
    over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
    await over.wait()
    server.close()


def main() -> None:
    """Run until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bind", required=True, type=address)
    parser.add_argument("--to", required=True, type=address)
    parser.add_argument("--delay-ms", type=float, default=0.0)
    parser.add_argument("--jitter-ms", type=float, default=0.0)
    parser.add_argument("--loss", type=float, default=0.0)
    given = parser.parse_args()
    link = Link(given.to, given.delay_ms / 1000, given.jitter_ms / 1000, given.loss)
    asyncio.run(run(given.bind, link))


if __name__ == "__main__":
    main()
