"""Which rule made a logged number, and how wrong it is, for any metric in any loop."""
