"""The external payment API. In the real world somebody else runs it: it is not instrumented."""
