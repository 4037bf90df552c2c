"""Templates of the pages, and for each page a module that computes the numbers in it."""
