"""What changed between two traces, or two populations of them."""
