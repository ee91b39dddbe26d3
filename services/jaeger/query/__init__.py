"""Jaeger's query API out: `/api/v3`, and the old one beside it."""
