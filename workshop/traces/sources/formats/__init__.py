"""How traces are written down: what unpacks a file, finds its documents, knows their form and reads it, odd or not."""
