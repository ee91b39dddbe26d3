"""The teaching side: runs the stack, reads its traces, shows them. The services never import it."""
