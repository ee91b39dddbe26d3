"""The colour of a service: the same on every page, for ever, whatever other services there are."""

import zlib

# The shop's own services, of which none may look like another; see `--service-N` in console.css.
KNOWN = ("gateway", "order", "inventory", "payment", "order-worker")
COLOURS = 12


def colour(service: str) -> int:
    """The number of the service's colour, 0 to COLOURS - 1."""
    if service in KNOWN:
        return KNOWN.index(service)
    return len(KNOWN) + zlib.crc32(service.encode()) % (COLOURS - len(KNOWN))
