"""The rules of the diagnosis, one file a kind of fault. A rule takes the facts of a trace and yields findings.

A rule must have evidence: where another cause is as likely, it says nothing.
"""
