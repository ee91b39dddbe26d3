"""The trace page: a trace as data for the browser, and what is shown beside it."""
