"""Two populations compared by their accounts: what grew, what failed, what vanished, and whose doing it is."""
