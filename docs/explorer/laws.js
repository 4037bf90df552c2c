// Probability laws of the counts in a batch; see docs/theory.md and src/batchf1/theory/distributions.py.

const NEVER = 1e-19; // a share of the most probable count's probability that nothing can feel
export const NOTHING = 41; // exp(-41) is a probability that no sum in double precision can feel
const SMOOTH = 4.5; // standard deviations from which on a sum may leave points out

// How many marked samples there are among `draws` of `total`: {points, weights}. From the mode
// outwards, each probability from its neighbour's; `total` may be a fraction, as in sum rules.
export function hypergeometric(total, marked, draws) {
  const spare = total - marked - draws;
  const low = Math.max(0, Math.ceil(-spare)),
    high = Math.min(marked, draws);
  const mode = Math.floor(((marked + 1) * (draws + 1)) / (total + 2));
  const down = (x) => (x * (spare + x)) / ((marked - x + 1) * (draws - x + 1));
  const up = (x) => ((marked - x) * (draws - x)) / ((x + 1) * (spare + x + 1));
  const left = (total - draws) / Math.max(total - 1, 1);
  return outwards(low, high, mode, down, up, stride(draws, marked / Math.max(total, 1), left));
}

// The same for very many samples, of which this share is marked.
export function binomial(share, draws) {
  if (share === 0 || share >= 1) return { points: [share && draws], weights: [1] };
  const odds = share / (1 - share);
  const down = (x) => x / ((draws - x + 1) * odds);
  const up = (x) => ((draws - x) * odds) / (x + 1);
  const mode = Math.floor((draws + 1) * share);
  return outwards(0, draws, mode, down, up, stride(draws, share, 1));
}

function outwards(low, high, mode, down, up, step) {
  const start = Math.min(Math.max(mode, low), high),
    all = [];
  let p = 1;
  for (let x = start; x > low && p > NEVER; x--) all.push((p *= down(x)));
  const first = start - all.length;
  all.reverse().push(1);
  p = 1;
  for (let x = start; x < high && p > NEVER; x++) all.push((p *= up(x)));
  const weights = step === 1 ? all : all.filter((_, i) => i % step === 0);
  const total = sum(weights),
    points = new Array(weights.length);
  for (let i = 0; i < weights.length; i++) {
    points[i] = first + step * i;
    weights[i] /= total;
  }
  return { points, weights };
}

// The distance at which lattice points can stand for those between them: theory.md, section 10.
function stride(draws, share, left) {
  const mean = draws * share;
  const sd = Math.sqrt(mean * (1 - share) * left);
  const far = mean > NOTHING && sd > SMOOTH;
  return far ? Math.floor(Math.PI / Math.asin(SMOOTH / sd)) : 1;
}

// Log of the probability that `draws` of `total` hold no marked sample.
export function logNone(total, marked, draws) {
  const spare = total - marked - draws;
  if (spare < 0) return -Infinity;
  const others = total - marked,
    left = total - draws;
  const byMarked = draws / Math.max(left, 1),
    byDraws = marked / Math.max(others, 1);
  const both = Math.max(-byMarked * byDraws, -1);
  const logs = -timesLog1p(marked, byMarked) - timesLog1p(draws, byDraws) - timesLog1p(spare, both);
  const rest = remainder(others) + remainder(left) - remainder(total) - remainder(spare);
  return Math.min(logs + rest, 0);
}

// log(x!) - (x log x - x) for x >= 0.
export function remainder(x) {
  let shift = 0,
    z = x;
  for (; z < 16; z++) shift += Math.log(z + 1);
  const y = 1 / (z * z);
  const series = (1 / 12 - y * (1 / 360 - y * (1 / 1260 - y * (1 / 1680 - y / 1188)))) / z;
  const found = 0.5 * Math.log(2 * Math.PI * z) + series;
  return z === x ? found : found + timesLog(z) - z - shift - timesLog(x) + x;
}

// digamma(x + gap) - digamma(x) for x > 0.
export function digammaGap(x, gap) {
  let found = 0,
    z = x;
  for (; z < 32; z++) found += gap / (z * (z + gap));
  const tail = (t) => {
    const y = 1 / (t * t);
    return y * (1 / 12 - y * (1 / 120 - y * (1 / 252 - y / 240)));
  };
  return found + Math.log1p(gap / z) + gap / (2 * z * (z + gap)) + tail(z) - tail(z + gap);
}

// [place, weight] pairs that sum a smooth function over 0 .. terms - 1: one by one up to 128, else
// Gauss' rule for equally spaced points on panels that shrink towards the end.
export function sumRule(terms) {
  if (terms <= 128) return Array.from({ length: terms }, (_, i) => [i, 1]);
  const inside = [0, 1, 2, 3, 4, 5].map((i) => i / 6);
  for (let i = 1; i <= 10; i++) inside.push(1 - 0.5 ** i / 6);
  const edges = [...new Set([...inside, 1].map((part) => Math.round(terms * part)))];
  return edges.slice(1).flatMap((edge, i) => gauss(edges[i], edge - edges[i], 16));
}

// Exact on start .. start + length - 1 up to degree 2 nodes - 1; the nodes by Sturm's bisection.
function gauss(start, length, nodes) {
  if (length <= nodes) return Array.from({ length }, (_, i) => [start + i, 1]);
  const beside = (k) => (k * k * (length - k) * (length + k)) / (4 * (4 * k * k - 1)); // squared
  const smaller = (x) => {
    let count = 0,
      q = 1;
    for (let k = 0; k < nodes; k++) {
      q = -x - (k ? beside(k) / (q || 1e-300) : 0);
      if (q < 0) count++;
    }
    return count;
  };
  return Array.from({ length: nodes }, (_, i) => {
    let low = -length / 2,
      high = length / 2;
    for (let step = 0; step < 70; step++) {
      const middle = (low + high) / 2;
      if (smaller(middle) > i) high = middle;
      else low = middle;
    }
    return [start + (length - 1) / 2 + low, christoffel(low, length, nodes, beside)];
  });
}

function christoffel(x, length, nodes, beside) {
  let before = 0,
    now = 1 / Math.sqrt(length),
    squares = now * now;
  for (let k = 1; k < nodes; k++) {
    const last = k > 1 ? Math.sqrt(beside(k - 1)) : 0;
    [before, now] = [now, (x * now - last * before) / Math.sqrt(beside(k))];
    squares += now * now;
  }
  return 1 / squares;
}

export function sum(values) {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

function timesLog1p(x, y) {
  return x === 0 ? 0 : x * Math.log1p(y);
}

function timesLog(x) {
  return x === 0 ? 0 : x * Math.log(x);
}
