"""Before anything is installed: the packages, and whether the system can run here. Python's own library only."""
