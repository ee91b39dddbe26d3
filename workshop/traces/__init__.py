"""Reading traces: the model, the client of Jaeger's query API, and what can be said about a trace.

Knows nothing of the four services: it reads any trace of any system, from any Jaeger 2 or from a file.
"""
