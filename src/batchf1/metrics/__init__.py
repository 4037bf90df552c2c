"""From the counts of batches to one number: counts, ratios of them, and averages over batches."""
