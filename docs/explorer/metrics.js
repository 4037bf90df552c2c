// Ratios of weighted counts (TP, FP, FN, TN), and whole counts for rates; see src/batchf1/metrics.

const OTHERS = {
  jaccard: { top: [1, 0, 0, 0], bottom: [1, 1, 1, 0] },
  precision: { top: [1, 0, 0, 0], bottom: [1, 1, 0, 0] },
  recall: { top: [1, 0, 0, 0], bottom: [1, 0, 1, 0] },
};

// The ratio of a name that `batchf1 expect --metric` knows: f1, f0.5, jaccard, precision, recall.
export function ratioOf(name) {
  if (Object.hasOwn(OTHERS, name)) return OTHERS[name];
  const square = Number(name.slice(1)) ** 2;
  return { top: [1 + square, 0, 0, 0], bottom: [1 + square, 1, square, 0] };
}

export function dot(weights, counts) {
  let total = 0;
  for (let i = 0; i < weights.length; i++) total += weights[i] * counts[i];
  return total;
}

// The value of counts [TP, FP, FN, TN]; `undefined_` where it is 0/0.
export function valueOf(ratio, counts, undefined_) {
  const bottom = dot(ratio.bottom, counts);
  return bottom === 0 ? undefined_ : dot(ratio.top, counts) / bottom;
}

// What a function logs for a batch of labels (n,) in Keras 3: it is handed all pairs of a prediction
// and a label, see src/batchf1/metrics/flat_labels.py. `written`: margins or cells; null for labels
// (n, 1).
export function loggedOf(ratio, written, counts, undefined_) {
  if (written === null) return valueOf(ratio, counts, undefined_);
  const [tp, fp, fn] = counts,
    size = dot([1, 1, 1, 1], counts);
  const positives = tp + fn,
    alarms = tp + fp,
    all = positives * alarms;
  const missed = written === "cells" ? [size * alarms - all, size * positives - all] : null;
  const pairs = [all, ...(missed ?? [alarms - all, positives - all]), 0];
  if (missed) pairs[3] = (size - positives) * (size - alarms);
  return valueOf(ratio, pairs, undefined_);
}

export function ratesOf([tp, fp, fn, tn]) {
  return {
    prevalence: (tp + fn) / (tp + fp + fn + tn),
    precision: tp / (tp + fp),
    recall: tp / (tp + fn),
  };
}

// What `ratesOf` divides: of each rate the part and the whole.
export function sharesOf([tp, fp, fn, tn]) {
  const positives = tp + fn;
  return {
    prevalence: [positives, positives + fp + tn],
    precision: [tp, tp + fp],
    recall: [tp, positives],
  };
}

// The whole counts of `n` samples nearest to rates, as batchf1.metrics.rates.nearest_counts; of very
// many samples, null, their shares. `moved`: whether there are none so near, as they need a true
// positive, and more negatives than false positives.
export function nearestCounts(n, { prevalence, precision, recall }) {
  const round = n === null ? (x) => x : toEven,
    least = n === null ? 0 : 1,
    all = n ?? 1;
  let moved = false;
  const within = (value, low, high) => {
    const near = Math.min(Math.max(value, low), high);
    moved ||= near !== value;
    return near;
  };
  const positives = within(round(all * prevalence), least, all);
  const tp = within(round(positives * recall), least, positives);
  const fp = within(round((tp * (1 - precision)) / precision), 0, all - positives);
  return { counts: [tp, fp, positives - tp, all - positives - fp], moved };
}

// Python's round: halves go to the even number.
export function toEven(x) {
  const low = Math.floor(x),
    half = x - low;
  return half > 0.5 || (half === 0.5 && low % 2 === 1) ? low + 1 : low;
}
