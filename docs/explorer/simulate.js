// One epoch cut at random, always the same for the same seed.

// Counts [TP, FP, FN, TN] of each batch.
export function epoch(counts, size, seed) {
  const left = [...counts],
    random = mulberry32(seed),
    batches = [];
  let total = left.reduce((a, b) => a + b);
  while (total > 0) {
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

// Tommy Ettinger's generator, public domain: 32 bits of state, enough for a picture.
function mulberry32(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
