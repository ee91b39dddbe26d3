"""The services' log lines: how they are read, and how they lie beside a trace."""
