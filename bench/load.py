"""Clients that check out as fast as they are answered, in a process of their own: light, so that little of what
is measured is theirs.
"""

import http.client
import json
import random
import threading
import time
from dataclasses import dataclass, field


@dataclass
class Result:
    """What some clients saw: the seconds of each confirmed checkout, and how many failed."""

    seconds: float
    times: list[float] = field(default_factory=list)
    failed: int = 0

    @property
    def rate(self) -> float:
        """Confirmed checkouts a second."""
        return len(self.times) / self.seconds


def body() -> str:
    """A checkout of three different products."""
    skus = random.sample(range(1, 5001), 3)
    items = [{"sku": f"SKU-{number:05d}", "quantity": 1} for number in skus]
    return json.dumps({"customer_id": "bench", "items": items, "card": "4242424242424242"})


def checkout(connection: http.client.HTTPConnection) -> tuple[int, dict[str, object]]:
    """One checkout: status and answer."""
    connection.request("POST", "/checkout", body(), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def run(port: int, clients: int, seconds: float) -> Result:
    """`clients` at once, each firing its next checkout when the last one is answered."""
    result = Result(seconds)
    stop = time.monotonic() + seconds

    def customer() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while time.monotonic() < stop:
            began = time.monotonic()
            status, _ = checkout(connection)
            if status == 201:
                result.times.append(time.monotonic() - began)
            else:
                result.failed += 1
        connection.close()

    threads = [threading.Thread(target=customer) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return result
