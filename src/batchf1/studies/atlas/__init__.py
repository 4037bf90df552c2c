"""Study of metrics: which of them may be averaged over batches."""
