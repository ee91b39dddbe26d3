"""How a process of ours answers HTTP: the server, and whose names it answers to."""
