// One epoch cut at random, always the same for the same seed.

// Counts [TP, FP, FN, TN] of each batch, or of the first `most` ones.
export function epoch(counts, size, seed, most = Infinity) {
  const left = [...counts],
    random = xorshift(seed),
    batches = [];
  let total = left.reduce((a, b) => a + b);
  while (total > 0 && batches.length < most) {
    const batch = [0, 0, 0, 0];
    for (let i = Math.min(size, total); i > 0; i--, total--) {
      let place = random() * total,
        kind = 3; // most are true negatives
      while (kind > 0 && place >= left[kind]) place -= left[kind--];
      left[kind]--;
      batch[kind]++;
    }
    batches.push(batch);
  }
  return batches;
}

// The mean of the batches' values; NaN values are left out.
export function batchMean(values, sizes, averaging) {
  let total = 0,
    weights = 0;
  values.forEach((value, i) => {
    if (Number.isNaN(value)) return;
    const weight = averaging === "size_weighted" ? sizes[i] : 1;
    total += weight * value;
    weights += weight;
  });
  return total / weights;
}

// Marsaglia's xorshift (2003): 32 bits of state, enough for a picture. Numbers in [0, 1).
function xorshift(seed) {
  let state = (Math.imul(seed, 2654435761) ^ 0x9e3779b9) >>> 0 || 1;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  for (let i = 0; i < 16; i++) next(); // seeds that are alike begin alike
  return next;
}
