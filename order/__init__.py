"""Orders: persists them, has their stock reserved and their card charged, announces the confirmed ones."""
