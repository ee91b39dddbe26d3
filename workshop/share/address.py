"""The address of this machine that a room can reach."""

import ipaddress
import socket

import psutil

from workshop.stack.errors import StackError

OWN_BRIDGES = ("br-", "docker", "veth", "virbr")  # between this machine and its containers


def chosen(wanted: str) -> str:
    """The address for `SHARE`: itself, or for 1 the one towards the world. StackError when there is none."""
    mine = addresses()
    if wanted != "1":
        if wanted not in mine and not ipaddress.ip_address(wanted).is_loopback:
            raise StackError(f"SHARE is {wanted}, which is no address of this machine: it has {_listed(mine)}")
        return wanted
    found = towards_the_world() or next(iter(mine), None)
    if found is None:
        raise StackError("this machine is in no network that others could reach it by: join one, then make up SHARE=1")
    return found


def towards_the_world() -> str | None:
    """The address that this machine would send from; None when it is in no network. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            asking.connect(("192.0.2.1", 9))  # an address that nobody has (RFC 5737)
            found = str(asking.getsockname()[0])
        except OSError:
            return None
    return None if ipaddress.ip_address(found).is_loopback else found


def addresses() -> dict[str, str]:
    """This machine's addresses that others may reach, and the interface of each; IPv4 first."""
    up = {name for name, state in psutil.net_if_stats().items() if state.isup}
    found = {}
    for family in (socket.AF_INET, socket.AF_INET6):
        for name, each in psutil.net_if_addrs().items():
            for one in each if name in up else ():
                if one.family == family and "%" not in one.address:
                    address = ipaddress.ip_address(one.address)
                    if not address.is_loopback and not address.is_link_local:
                        found[one.address] = name
    return found


def _listed(mine: dict[str, str]) -> str:
    return ", ".join(f"{address} ({name})" for address, name in mine.items()) or "none but 127.0.0.1"


def others(address: str) -> str:
    """The other addresses, for a person who has to choose another one; empty when there are none."""
    found = addresses().items()
    rest = {each: name for each, name in found if each != address and not name.startswith(OWN_BRIDGES)}
    return _listed(rest) if rest else ""
