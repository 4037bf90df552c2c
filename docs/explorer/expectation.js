// What the mean over batches is expected to be: `expect` of src/batchf1/theory/expectation.py, for
// one pool of samples. Derivations: docs/theory.md, sections 1 to 5.
import { NOTHING, hypergeometric, logNone, remainder, sumRule } from "./laws.js";
import { dot } from "./metrics.js";
import { standardDeviation } from "./spread.js";

const NORMAL_95 = 1.959963984540054;

// `counts`: [TP, FP, FN, TN]; `zero`: 0, 1, or NaN to leave empty batches out.
export function expect(counts, size, averaging, zero, ratio) {
  const found = expected(counts, size, averaging, zero, ratio);
  const sd = found.pool ? standardDeviation(found.pool, found.cut, found.error) : 0 * zero;
  return { ...found, sd };
}

// How far from the expected value 95 % of epochs stay.
export function strayOf({ sd }) {
  return NORMAL_95 * sd;
}

// The same without the standard deviation, which takes most of the time.
export function expected(counts, size, averaging, zero, ratio) {
  return expectedOf(makePool(counts, ratio), makeCut(counts, size, averaging, zero));
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
  return { ...pool, curved: new Map() };
}

// Probability that there is nothing relevant among `used` samples.
export function none(pool, used) {
  return Math.exp(logNone(pool.total, pool.relevant, used));
}

// How many relevant samples a batch has, given that `used` others hold none.
export function lawOf(pool, size, used = 0) {
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
    const { points, weights } = hypergeometric(among, pool.sizes[group], left);
    points.forEach((point, i) => {
      counts[group] = point;
      descend(group + 1, left - point, among - pool.sizes[group], weight * weights[i]);
    });
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

function meanCurvature(pool, size, used = 0) {
  const law = lawOf(pool, size, used);
  let mean = 0;
  law.points.forEach((number, i) => (mean += law.weights[i] * curvature(pool, number)));
  return mean;
}

// What the error owes to empty batches, and to curvature.
function partsOfError(pool, cut) {
  if (Number.isNaN(cut.zero)) return [0, firstNonEmpty(pool, cut)];
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
