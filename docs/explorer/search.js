// Which F1 a logged value lets be true: `compatible_f1` of src/batchf1/theory/search.py.
// Derivation: docs/theory.md, section 8.
import { expect, expected } from "./expectation.js";
import { ratioOf } from "./metrics.js";

const F1 = ratioOf("f1");
const RECALLS = 17; // that are tried where empty batches count 1
export const MANY = 1_000_000; // batches, where the number of samples is not known

// The smallest and the largest true F1 of all classifiers of `positives` among `total` samples for
// which `logged` -+ `within` lies at most `chance` standard deviations from the expected value.
// null where no classifier reaches it; `most` is the largest value that any is expected to log.
export function compatible(...asked) {
  return atOnce(compatibleInSteps(...asked));
}

// The same with a pause before each value that takes long. `cut`: size, averaging, zero.
export function* compatibleInSteps(logged, within, positives, total, cut, chance = 0) {
  const negatives = total - positives;
  const ends = [
    [logAt(positives, negatives, cut, chance), Math.max(logged - within, 0)],
    [logAt(positives, negatives, cut, -chance), Math.min(logged + within, 1)],
  ];
  const most = expected({ ...cut, ratio: F1, counts: [positives, 0, 0, negatives] }).expected;
  const [low, least] = ends[0];
  if ((yield* low(positives, 0)) < least) return { range: null, most };
  const points = [];
  for (const [i, [log, level]] of ends.entries()) {
    const how = { zero: cut.zero, steady: chance === 0, largest: i === 1 };
    points.push(...(yield* line(log, level, positives, negatives, how)));
  }
  const f1 = points.map(([tp, fp]) => (2 * tp) / (positives + tp + fp));
  return { range: [Math.min(...f1), Math.max(...f1)], most };
}

// Counts of the classifier that errs as often either way, of those expected to log this.
export function example(logged, positives, total, cut) {
  const negatives = total - positives,
    log = logAt(positives, negatives, cut, 0);
  const errors = (tp) => Math.min(positives - tp, negatives);
  const found = atOnce(where((tp) => log(tp, errors(tp)), logged, positives, true));
  const tp = Math.max(Math.round(found), 1);
  return [tp, errors(tp), positives - tp, negatives - errors(tp)];
}

function atOnce(steps) {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

// The value that is expected in the log plus `chance` standard deviations.
function logAt(positives, negatives, cut, chance) {
  const known = new Map();
  return function* (tp, fp) {
    const key = `${tp},${fp}`;
    if (!known.has(key)) {
      if (chance) yield;
      const counts = [tp, fp, positives - tp, negatives - fp];
      const found = (chance ? expect : expected)({ ...cut, ratio: F1, counts });
      known.set(key, found.expected + (chance && chance * found.sd));
    }
    return known.get(key);
  };
}

// [TP, FP] of points on the line on which the log has this level. Where it is `steady`, rises with TP
// and falls with FP, and empty batches count 0, the end suffices that has the `largest` or the smallest
// F1. (Where they are left out, F1 may be the same all along, but for the interpolation.)
function* line(log, level, positives, negatives, { zero, steady, largest }) {
  const along = (fp) => where((tp) => log(tp, fp), level, positives, steady);
  const across = (tp) => where((fp) => log(tp, fp), level, negatives, steady, -1);
  const ends = steady && zero === 0;
  if (ends && largest) return [[yield* along(0), 0]];
  const last = yield* along(negatives);
  const points = last < positives ? [[last, negatives]] : [];
  if (ends) return points.length ? points : [[positives, yield* across(positives)]];
  const first = yield* along(0);
  points.push([first, 0]);
  for (const tp of spaced(Math.ceil(first), Math.floor(last), zero === 1 ? RECALLS : 2))
    points.push([tp, yield* across(tp)]);
  return points;
}

// So many whole numbers from `low` to `high`, evenly spaced.
function spaced(low, high, number) {
  if (low > high) return [];
  const step = (high - low) / (number - 1);
  return Array.from({ length: number }, (_, i) => Math.round(low + i * step));
}

// Where in 0 .. `last` a function that rises (-1: falls) takes the level, interpolated between whole
// numbers; the end if nowhere. By halves, as in Python; a `steady` one by the secant, too.
function* where(of, level, last, steady, rises = 1) {
  const at = function* (x) {
    return rises * ((yield* of(x)) - level);
  };
  if (last === 0) return 0;
  let fails = 0,
    holds = last;
  if (steady) {
    if ((yield* at(0)) >= 0) return 0;
    let reach = Math.ceil(last / 2 ** 12); // the answer is often near 0, where it costs least
    while (reach < last && (yield* at(reach)) < 0) [fails, reach] = [reach, 4 * reach];
    holds = Math.min(reach, last);
    if ((yield* at(holds)) < 0) return last;
  }
  for (let turn = 0; holds - fails > 1; turn++) {
    let middle = Math.floor((fails + holds) / 2);
    if (steady && turn % 3 < 2) {
      const [below, above] = [yield* at(fails), yield* at(holds)];
      const guess = fails - (below / (above - below)) * (holds - fails);
      const near = turn % 3 ? Math.ceil(guess) : Math.floor(guess);
      middle = Math.min(Math.max(near, fails + 1), holds - 1);
    }
    if ((yield* at(middle)) >= 0) holds = middle;
    else fails = middle;
  }
  const [below, above] = [yield* at(holds - 1), yield* at(holds)];
  return holds - Math.min(Math.max(above / Math.max(above - below, 1e-300), 0), 1);
}
