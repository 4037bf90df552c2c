"""Static scan: metrics averaged over batches in source code, which is neither imported nor run."""
