"""The stand-in for collector and Jaeger, for machines without Docker.

One process takes OTLP/HTTP traces in (`receiver`), keeps a bounded number of them in memory (`store`) and answers
Jaeger's query API (`api`). It has no page of its own: `/` and `/trace/{id}` lead to the console.
"""
