// What the mean over batches is expected to be: `expect` of src/batchf1/theory/expectation.py, for
// one pool of samples. Derivations: docs/theory.md, sections 1 to 5.
import { NOTHING, binomial, hypergeometric, logNone, remainder, sumRule } from "./laws.js";
import { dot, loggedOf, valueOf } from "./metrics.js";
import { standardDeviation } from "./spread.js";

const NORMAL_95 = 1.959963984540054;

// `question`: {counts, size, averaging, zero, ratio, written, endless}. `counts`: [TP, FP, FN, TN], or
// if `endless` their shares of very many samples; `zero`: 0, 1, or NaN to leave empty batches out;
// `written`: margins or cells for labels (n,) in Keras 3, null for labels (n, 1).
export function expect(question) {
  const found = expected(question);
  const spreads = found.pool && !question.endless;
  const sd = spreads ? standardDeviation(found.pool, found.cut, found.error) : 0 * question.zero;
  return { ...found, sd: question.endless ? 0 : sd };
}

// How far from the expected value 95 % of epochs stay.
export function strayOf({ sd }) {
  return NORMAL_95 * sd;
}

// The same without the standard deviation, which takes most of the time.
export function expected({
  counts,
  size,
  averaging,
  zero,
  ratio,
  written = null,
  endless = false,
}) {
  const pool = written ? flatPool(counts, ratio, written, zero) : makePool(counts, ratio);
  const cut = endless ? { size, zero, rest: 0 } : makeCut(counts, size, averaging, zero);
  return expectedOf(pool && { ...pool, endless }, cut);
}

export function expectedOf(pool, cut) {
  const none = 0 * cut.zero;
  if (!pool)
    return { true: cut.zero, expected: cut.zero, error: none, empty: none, curvature: none };
  const [empty, curvature] = partsOfError(pool, cut);
  const error = empty + curvature;
  return { true: pool.true, expected: pool.true + error, error, empty, curvature, pool, cut };
}

export function makeCut(counts, size, averaging, zero) {
  const total = dot([1, 1, 1, 1], counts);
  const full = Math.floor(total / size),
    rest = total % size,
    batches = full + (rest > 0);
  const weighted = averaging === "size_weighted";
  const weight = weighted ? size / total : 1 / batches; // of a full batch
  return { size, full, rest, zero, batches, weight, rate: weighted ? rest / size : 1 };
}

// The samples that count, grouped by their weights; null where the metric is 0/0 for all of them.
export function makePool(counts, ratio) {
  const groups = [];
  counts.forEach((count, i) => {
    const top = ratio.top[i],
      bottom = ratio.bottom[i];
    if (bottom === 0 || count === 0) return;
    const same = groups.find((group) => group.top === top && group.bottom === bottom);
    if (same) same.count += count;
    else groups.push({ top, bottom, count });
  });
  if (groups.length === 0) return null;
  const sizes = groups.map((group) => group.count);
  const tops = groups.map((group) => group.top),
    bottoms = groups.map((group) => group.bottom);
  const relevant = sizes.reduce((a, b) => a + b),
    bottom = dot(bottoms, sizes);
  const total = dot([1, 1, 1, 1], counts);
  const value = dot(tops, sizes) / bottom;
  const excess = tops.map((top, i) => top - value * bottoms[i]); // of mean 0
  const pool = { total, sizes, bottoms, excess, relevant, true: value, usual: bottom / relevant };
  return { ...pool, defining: relevant, curved: new Map() };
}

// The same for labels (n,): TP, FP and FN apart, and what is logged for a batch minus the true value.
function flatPool(counts, ratio, written, zero) {
  const kinds = [0, 1, 2].filter((kind) => counts[kind] > 0);
  if (kinds.length === 0) return null;
  const sizes = kinds.map((kind) => counts[kind]),
    total = dot([1, 1, 1, 1], counts);
  const sum = (values) => values.reduce((a, b) => a + b, 0);
  const defining = sum(kinds.filter((kind) => ratio.bottom[kind] > 0).map((kind) => counts[kind]));
  const truth = valueOf(ratio, counts, zero);
  const excessOf = (inBatch, size) => {
    const batch = [0, 0, 0, 0];
    kinds.forEach((kind, i) => (batch[kind] = inBatch[i]));
    batch[3] = size - sum(inBatch);
    return loggedOf(ratio, written, batch, NaN) - truth; // NaN where it is 0/0
  };
  const pool = { total, sizes, relevant: sum(sizes), defining, true: truth, excessOf };
  return { ...pool, curved: new Map() };
}

// Probability that the metric is 0/0 in `used` samples.
export function none(pool, used) {
  if (pool.endless) return Math.exp(used * Math.log1p(-Math.min(pool.defining, 1)));
  return Math.exp(logNone(pool.total, pool.defining, used));
}

// How many relevant samples a batch has, given that `used` others hold none.
export function lawOf(pool, size, used = 0) {
  if (pool.endless) return binomial(Math.min(pool.relevant, 1), size);
  const most = pool.total - Math.max(pool.relevant, size);
  return hypergeometric(pool.total - Math.min(used, most), pool.relevant, size);
}

// Calls visit(counts of the groups, probability) for each way in which `number` relevant samples
// fall on the groups.
function eachWay(pool, number, visit) {
  const counts = new Array(pool.sizes.length).fill(0);
  const descend = (group, left, among, weight) => {
    if (group === counts.length - 1) {
      counts[group] = left;
      visit(counts, weight);
      return;
    }
    const marked = pool.sizes[group];
    const { points, weights } = pool.endless
      ? binomial(Math.min(marked / among, 1), left)
      : hypergeometric(among, marked, left);
    for (let i = 0; i < points.length; i++) {
      counts[group] = points[i];
      descend(group + 1, left - points[i], among - marked, weight * weights[i]);
    }
  };
  descend(0, number, pool.relevant, 1);
}

// Mean of (metric - true) given the number of relevant samples, which has no linear part.
function curvature(pool, number) {
  if (number === 0) return 0;
  if (!pool.curved.has(number)) {
    const usual = number * pool.usual;
    let mean = 0;
    eachWay(pool, number, (counts, weight) => {
      const bottom = dot(pool.bottoms, counts);
      mean += (weight * dot(pool.excess, counts) * (usual - bottom)) / bottom;
    });
    pool.curved.set(number, mean / usual);
  }
  return pool.curved.get(number);
}

// For labels (n,): mean of (logged - true) given that number, 0 for 0/0.
function flatExcess(pool, number, size) {
  const key = `${size},${number}`;
  if (!pool.curved.has(key)) {
    let mean = 0;
    eachWay(
      pool,
      number,
      (counts, weight) => (mean += weight * (pool.excessOf(counts, size) || 0)),
    );
    pool.curved.set(key, mean);
  }
  return pool.curved.get(key);
}

function meanCurvature(pool, size, used = 0) {
  const law = lawOf(pool, size, used);
  const given = pool.excessOf ? flatExcess : curvature;
  let mean = 0;
  law.points.forEach((number, i) => (mean += law.weights[i] * given(pool, number, size)));
  return mean;
}

// What the error owes to empty batches, and to curvature.
function partsOfError(pool, cut) {
  if (Number.isNaN(cut.zero)) {
    if (!pool.endless) return [0, firstNonEmpty(pool, cut)];
    return [0, meanCurvature(pool, cut.size) / (1 - none(pool, cut.size))];
  }
  const share = cut.rest ? cut.full * cut.weight : 1;
  const mean = (of) => share * of(cut.size) + (cut.rest ? (1 - share) * of(cut.rest) : 0);
  const empty = (size) => none(pool, size) * (cut.zero - pool.true);
  return [mean(empty) + 0, mean((size) => meanCurvature(pool, size))];
}

// How many full batches can be empty before a non-empty one, with any probability.
export function emptyTerms(pool, cut) {
  const unlikely = -logNone(pool.total, pool.relevant, cut.size);
  return Math.min(cut.full - 1, Math.floor(NOTHING / Math.max(unlikely, 1e-15))) + 1;
}

// Probability that the short batch comes after `passed` full ones in the race of theory.md, 2.
export function shortComesLater(cut, passed) {
  const rate = cut.rate;
  const rise = (x) => {
    const grown = (x === 0 ? 0 : x * Math.log1p(rate / x)) + rate * Math.log(x + rate) - rate;
    return grown + remainder(x + rate) - remainder(x);
  };
  return Math.exp(rise(cut.full - passed) - rise(cut.full));
}

export function shortComesNext(cut, passed) {
  return (shortComesLater(cut, passed) * cut.rate) / (cut.full - passed + cut.rate);
}

// The expected error of the mean over the batches that are not empty.
function firstNonEmpty(pool, cut) {
  const { size, rest } = cut;
  const leads = (batch, used) => none(pool, used) * meanCurvature(pool, batch, used);
  let total = 0;
  for (const [empty, weight] of sumRule(emptyTerms(pool, cut))) {
    const ahead = leads(size, empty * size);
    const waits = rest ? shortComesLater(cut, empty + 1) : 1;
    const behind = rest ? (1 - waits) * leads(size, empty * size + rest) : 0;
    total += weight * (waits * ahead + behind);
  }
  if (!rest) return total;
  for (const [empty, weight] of sumRule(emptyTerms(pool, cut) + 1)) {
    total += weight * shortComesNext(cut, empty) * leads(rest, empty * size);
  }
  return total;
}
