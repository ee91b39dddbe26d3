"""Files that somebody opens in the console: a stranger's trace, shown like any other."""
