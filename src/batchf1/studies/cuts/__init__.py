"""Study of cuts: batches that are not drawn at random."""
