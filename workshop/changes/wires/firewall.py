"""A firewall whose rule drops what comes: nobody is refused and nobody is let in, so a caller waits until it gives up.

What a security group, a network policy or a host that has gone does to whoever still has the address. The kernel leaves
a connection unanswered while the queue of those that nobody has accepted is full, and this never accepts one.
"""

import argparse
import signal
import socket
import threading

from workshop.changes.wires.link import address

# A connection to this machine is made within a millisecond, or not at all.
UNANSWERED_SECONDS = 0.5
# Longer queues than one of length 0 are no queue of this kind.
MOST = 16


def full(listening: socket.socket) -> list[socket.socket]:
    """Connections that fill the queue, to be held; RuntimeError when still more are let in."""
    held: list[socket.socket] = []
    while len(held) < MOST:
        own = socket.socket()
        own.settimeout(UNANSWERED_SECONDS)
        held.append(own)
        try:
            own.connect(("127.0.0.1", listening.getsockname()[1]))
        except TimeoutError:
            return held
    raise RuntimeError("this kernel lets in more than were asked for")


def main() -> None:
    """Run until SIGTERM. Whom the calls are meant for never hears of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bind", required=True, type=address)
    parser.add_argument("--to", required=True, type=address)
    given = parser.parse_args()
    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    with socket.socket() as listening:
        # What is left of the process before it does not keep the port.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(given.bind)
        listening.listen(0)
        held = full(listening)
        over.wait()
        for each in held:
            each.close()


if __name__ == "__main__":
    main()
