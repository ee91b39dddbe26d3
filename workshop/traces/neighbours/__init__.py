"""Whose trace has the cause of a wait: who held what this trace waited for, by the times of many traces."""
