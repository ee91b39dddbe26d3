"""The runtime with Docker: `docker compose` does the work."""
