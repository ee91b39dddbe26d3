"""Processes that can stand on the way from one process to another; for containers' sake they import nothing of ours."""
