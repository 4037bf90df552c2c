// How far one epoch strays from its expectation: src/batchf1/theory/spread.py for one pool.
// By degree in the counts of a batch, as parts of different degree are uncorrelated: theory.md, 3.
import { emptyTerms, lawOf, none, shortComesLater, shortComesNext } from "./expectation.js";
import { digammaGap, hypergeometric, sumRule } from "./laws.js";
import { dot } from "./metrics.js";

const MOST = 50; // no higher degree is looked at
const SETTLED = 1e-11; // a change of the spread by further degrees that nobody sees

export function standardDeviation(pool, cut, error) {
  if (cut.batches === 1) return 0;
  const most = highestDegree(cut);
  let before = NaN,
    sd = NaN;
  for (let degree = 8; !(Math.abs(sd - before) < SETTLED); degree *= 2) {
    [before, sd] = [sd, upTo(Math.min(degree, most), pool, cut, error)];
    if (degree >= most) break;
  }
  return sd;
}

function upTo(most, pool, cut, error) {
  const skip = Number.isNaN(cut.zero);
  const context = { pool, error, most, whenEmpty: skip ? error : cut.zero - pool.true };
  Object.assign(context, { scale: 4 * Math.sqrt(cut.size), rows: new Map() });
  const batch = (size, used) => ({
    ...decompose(context, lawOf(pool, size, used), size),
    left: pool.total - used,
  });
  const square = skip
    ? squareWithoutEmpty(pool, cut, batch)
    : cut.weight ** 2 * squareOfSum(cut, batch);
  return Math.sqrt(Math.max(square, 0));
}

// The first degree from which on batches have nothing in common that can be felt.
function highestDegree(cut) {
  const alike = correlations(cut.full * cut.size, cut.size, cut.size, MOST);
  const found = alike.findIndex((r, n) => n >= 2 && cut.full * Math.abs(r) < 1e-14);
  return found < 0 ? MOST : Math.min(found, MOST);
}

// Correlation of the parts of degree 0 .. `degree` of two batches (Johnson scheme, Delsarte 1973).
function correlations(total, one, two, degree) {
  const found = [1];
  for (let n = 0; n < degree; n++) {
    const below = Math.max((total - one - n) * (total - two - n), 1);
    const ratio = (Math.max(one - n, 0) * Math.max(two - n, 0)) / below;
    found.push(found[n] * -Math.sqrt(Math.min(ratio, 1)));
  }
  return found;
}

// Mean square of the sum over all batches, the short one times its rate.
function squareOfSum(cut, batch) {
  const full = batch(cut.size, 0);
  let square = cut.full * among(cut, full, cut.full);
  if (cut.rest) {
    const short = batch(cut.rest, 0);
    square += cut.rate ** 2 * short.square + 2 * cut.full * cut.rate * between(cut, full, short);
  }
  return square;
}

// Mean square of the mean over the batches that are not empty: theory.md, (4).
function squareWithoutEmpty(pool, cut, batch) {
  const { full, size, rest, rate } = cut;
  let total = 0;
  for (const [empty, weight] of sumRule(emptyTerms(pool, cut))) {
    const used = empty * size,
      number = full - empty,
      here = weight * none(pool, used);
    const gap = digammaGap(number, empty + 1),
      rival = batch(size, used);
    const products = among(cut, rival, number);
    if (!rest) {
      total += here * gap * products;
      continue;
    }
    const late = shortComesLater(cut, empty + 1) * digammaGap(number + rate, empty + 1);
    total += here * late * (products + 2 * rate * between(cut, rival, batch(rest, used)));
    const after = used + rest;
    total += weight * none(pool, after) * (gap - late) * among(cut, batch(size, after), number);
  }
  if (!rest) return total;
  for (const [empty, weight] of sumRule(emptyTerms(pool, cut) + 1)) {
    const used = empty * size,
      here = weight * none(pool, used) * rate * shortComesNext(cut, empty);
    total += here * digammaGap(full - empty + rate, empty + 1) * batch(rest, used).square;
  }
  return total;
}

// Mean product of a full batch with the sum of all `number` full ones.
function among(cut, full, number) {
  const { left, most } = full,
    size = cut.size;
  const factor = correlations(left, size, size, Math.max(most, 1)).map((r) => 1 + (number - 1) * r);
  factor[1] = Math.max(left - number * size, 0) / Math.max(left - size, 1); // the sum is fixed
  let total = full.rest;
  for (const { degree, part } of full.parts.values()) total += factor[degree] * part * part;
  return total;
}

// Mean product of a full batch and the short one.
function between(cut, full, short) {
  const alike = correlations(full.left, cut.size, cut.rest, Math.min(full.most, short.most));
  let total = 0;
  for (const [key, { degree, part }] of full.parts) {
    const other = short.parts.get(key);
    if (other) total += alike[degree] * part * other.part;
  }
  return total;
}

// The deviations of a batch of this law in orthonormal polynomials of its counts:
// `parts` of each degree, `rest` the mean square of what lies beyond the last, `square` of all.
function decompose(context, law, size) {
  const rows = law.points.map((number) => {
    const row = number ? given(context, number, size) : single(context.whenEmpty);
    const constant = row.parts.get(""),
      part = constant.part - context.error;
    return { ...row, parts: new Map(row.parts).set("", { ...constant, part }) };
  });
  const found = project(context, law, rows);
  let square = found.rest;
  for (const { part } of found.parts.values()) square += part * part;
  return { ...found, square, most: context.most };
}

// metric - true given the number of relevant samples; of labels (n, 1) whatever the batch size.
function given(context, number, size) {
  const { pool, rows } = context,
    key = pool.excessOf ? `${size},${number}` : number;
  if (!rows.has(key)) rows.set(key, atGroup({ ...context, size }, 0, number, pool.relevant, []));
  return rows.get(key);
}

function atGroup(context, group, left, among, counts) {
  const { sizes } = context.pool;
  counts[group] = left;
  if (group === sizes.length - 1) return single(excessAt(context, counts));
  const axis = hypergeometric(among, sizes[group], left);
  const rows = axis.points.map((point) => {
    counts[group] = point;
    return atGroup(context, group + 1, left - point, among - sizes[group], counts);
  });
  return project(context, axis, rows);
}

function excessAt({ pool, size, whenEmpty }, counts) {
  if (!pool.excessOf) return dot(pool.excess, counts) / dot(pool.bottoms, counts);
  const excess = pool.excessOf(counts, size);
  return Number.isNaN(excess) ? whenEmpty : excess;
}

function single(value) {
  return { parts: new Map([["", { degree: 0, part: value, norm: 1 }]]), rest: 0 };
}

// From rows, one for each point of an axis, to coefficients along it. A part's key tells the
// degrees taken along the inner axes; that of the constant is "".
function project(context, axis, rows) {
  const { points, weights } = axis,
    roots = weights.map(Math.sqrt);
  const middle = (points[0] + points[points.length - 1]) / 2;
  const x = points.map((point) => (point - middle) / context.scale);
  const taken = new Map(),
    parts = new Map();
  for (const row of rows) row.parts.forEach(({ degree }, key) => taken.set(key, degree));
  let rest = dot(
    weights,
    rows.map((row) => row.rest),
  );
  for (const [key, degree] of taken) {
    const entries = rows.map((row) => row.parts.get(key) ?? { part: 0, norm: 0 });
    const values = roots.map((root, i) => root * entries[i].part);
    const root = roots.map((root, i) => root * entries[i].norm);
    rest += stieltjes(x, values, root, context.most - degree, (power, part, norm) => {
      parts.set(power || key ? `${power},${key}` : "", { degree: degree + power, part, norm });
    });
  }
  return { parts, rest };
}

// Calls found(power, coefficient, norm of the monic polynomial) along one axis; returns the mean
// square left over. `values` and `root`: function and first polynomial times roots of weights.
function stieltjes(x, values, root, degree, found) {
  const support = root.filter((value) => value !== 0).length;
  let now = root,
    before = root.map(() => 0),
    last = 1;
  for (let power = 0; power <= degree && power < support; power++) {
    const square = dot(now, now);
    if (square === 0) break;
    const along = dot(now, values) / square,
      norm = Math.sqrt(square);
    values = values.map((value, i) => value - along * now[i]);
    found(power, along * norm, norm);
    const centre =
      dot(
        x,
        now.map((value) => value * value),
      ) / square;
    const back = power ? square / last : 0;
    [before, now] = [now, now.map((value, i) => (x[i] - centre) * value - back * before[i])];
    last = square;
  }
  return dot(values, values);
}
