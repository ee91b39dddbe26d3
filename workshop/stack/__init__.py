"""Starts and stops the system, with Docker or without, and tells how it is."""
