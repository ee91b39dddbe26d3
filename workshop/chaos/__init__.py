"""Breaks the running system at random while customers buy, and checks that nothing was lost."""
