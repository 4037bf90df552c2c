// Which F1 a logged value lets be true: `compatible_f1` of src/batchf1/theory/search.py, and the
// same with room for the chance of one epoch. Derivation: docs/theory.md, section 8.
import { expect, expected } from "./expectation.js";
import { ratioOf } from "./metrics.js";

const F1 = ratioOf("f1");

// The smallest and the largest true F1 of all classifiers of `positives` among `total` samples for
// which `logged` -+ `within` lies at most `chance` standard deviations from the expected value.
// null where no classifier reaches it; `most` is the largest value that any is expected to log.
export function compatible(logged, within, positives, total, cut, chance = 0) {
  const negatives = total - positives;
  const rules = [cut.size, cut.averaging, cut.zero, F1];
  const found = (tp, fp) => {
    const counts = [tp, fp, positives - tp, negatives - fp];
    return chance ? expect(counts, ...rules) : { ...expected(counts, ...rules), sd: 0 };
  };
  const shifted = (side) =>
    remembered((tp, fp) => {
      const { expected: value, sd } = found(tp, fp);
      return value + side * chance * sd;
    });
  const ends = [
    [shifted(1), Math.max(logged - within, 0)],
    [shifted(-1), Math.min(logged + within, 1)],
  ];
  const most = expected([positives, 0, 0, negatives], ...rules).expected;
  const [above, low] = ends[0];
  if (above(positives, 0) < low) return { range: null, most };
  const points = ends.flatMap(([value, level]) =>
    line(value, level, positives, negatives, cut.zero),
  );
  const f1 = points.map(([tp, fp]) => (2 * tp) / (positives + tp + fp));
  return { range: [Math.min(...f1), Math.max(...f1)], most };
}

// [TP, FP] from one end to the other of the line on which `value` has this level.
function line(value, level, positives, negatives, zero) {
  const first = where((tp) => value(tp, 0), level, positives);
  const last = where((tp) => value(tp, negatives), level, positives);
  const points = [[first, 0]];
  if (last < positives) points.push([last, negatives]);
  for (const tp of spaced(Math.ceil(first), Math.floor(last), zero === 1 ? 17 : 2)) {
    points.push([tp, where((fp) => -value(tp, fp), -level, negatives)]);
  }
  return points;
}

// So many whole numbers from `low` to `high`, evenly spaced.
function spaced(low, high, number) {
  if (low > high) return [];
  const step = (high - low) / (number - 1);
  return Array.from({ length: number }, (_, i) => Math.round(low + i * step));
}

// Where in 0 .. `last` a rising function takes the value, interpolated; the end if nowhere.
function where(rising, value, last) {
  if (last === 0) return 0;
  let fails = 0,
    known = last;
  while (known - fails > 1) {
    const middle = Math.floor((fails + known) / 2);
    if (rising(middle) >= value) known = middle;
    else fails = middle;
  }
  const below = rising(known - 1),
    above = rising(known);
  const past = (above - value) / Math.max(above - below, 1e-300);
  return known - Math.min(Math.max(past, 0), 1);
}

function remembered(of) {
  const known = new Map();
  return (tp, fp) => {
    const key = `${tp},${fp}`;
    if (!known.has(key)) known.set(key, of(tp, fp));
    return known.get(key);
  };
}
