"""One system for a whole room: shop and console on an address of this machine, behind a link, reading and buying only.

A process of its own stands in front of the two and passes on what is listed, so neither of them, nor anything else,
listens beyond this machine, and both runtimes are shared in the same way.
"""
