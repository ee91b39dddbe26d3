"""What no trace tells alone: rules over many traces of the same time, whatever operations they are of."""
