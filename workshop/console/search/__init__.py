"""The search page: what is asked for, what is found and kept, and how it is plotted."""
