"""The trace itself: spans and the edges between them, broken ones mended, clocks corrected, conventions old and new."""
