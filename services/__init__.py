"""The backing services that the four stand on: PostgreSQL, the payment provider, the trace backend."""
