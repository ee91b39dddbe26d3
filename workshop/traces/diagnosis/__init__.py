"""What is wrong with a trace, in words: facts, rules, findings, and what a statement's plan says."""
