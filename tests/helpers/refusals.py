"""What the lines say that refuse bad input."""

COUNT = "must be whole numbers >= 0 and at most 2**53"
RATIO = "metric: is a Ratio of 4 and 4 weights, 0 <= top <= bottom, not all 0"
AVERAGING = "averaging: is one of ('per_batch', 'size_weighted')"
