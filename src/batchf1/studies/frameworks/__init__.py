"""Study of frameworks: what each of them logs for a metric of batches."""
