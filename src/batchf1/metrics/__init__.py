"""Counts of batches, metrics that are ratios of counts, and averages over batches."""
