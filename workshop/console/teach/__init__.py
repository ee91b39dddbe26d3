"""The teacher's page: faults switched on and off before a room, by the commands that a terminal has.

Nothing of it is imported before somebody asks for the page.
"""
