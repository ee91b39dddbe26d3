"""The runtime without Docker: supervisord, and the processes of this checkout."""
