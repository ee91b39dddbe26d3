"""OTLP in: the requests, and what is wrong with them."""
