// What the page says, as sentences.
import { signed } from "./draw.js";
import { strayOf } from "./expectation.js";
import { ratesOf, sharesOf } from "./metrics.js";
import { shown } from "./state.js";

const TOLERABLE = 0.01; // an error that nobody minds, as in batchf1 expect
const NOTHING_IN = { precision: ["no alarm"], recall: ["no positive"] };
const NEITHER = ["neither a positive nor an alarm", "no positive, no alarm"];

// What a batch holds in which the metric is 0/0, in a sentence and in a key.
function nothing(name) {
  const [sentence, key = sentence] = NOTHING_IN[name] ?? NEITHER;
  return { sentence, key };
}

// Labels (n,): instead of the way back, and in front of the repair.
export const FLAT_BACK =
  "None can be read from it: with labels (n,) a log depends on how many positives and alarms a " +
  "batch holds, not on which samples were found.";
export const FLAT_REPAIR =
  "y, y_val = y[:, None], y_val[:, None]  # labels (n, 1), for every other function in metrics\n";

const LOGGED_INSTEAD = { precision: "the PART of positives", recall: "the PART of alarms" };

// What a function of this name logs of labels (n,).
function flatText({ name, written }) {
  const logged = LOGGED_INSTEAD[name] ?? "about the PART of positives";
  return `${logged.replace("PART", written === "cells" ? "share" : "number")} in a batch`;
}

// What one epoch's log is good for, in the words of batchf1 expect where its error is tolerable.
export function verdictText(found, given = { written: null }) {
  const { true: truth, expected: logged, error } = found;
  if (Number.isNaN(logged)) return "The metric is 0/0 in every batch: there is nothing to average.";
  const link = '<a href="#repair-title">What to write instead</a>';
  if (given.written)
    return (
      `<b>This is no ${title(given.name)}, but ${flatText(given)}:</b> Keras 3 compares each ` +
      "prediction with every label. Which samples of a batch were found does not matter. Pass " +
      `labels <code>y[:, None]</code>. ${link}`
    );
  const reach = Math.abs(error) + strayOf(found);
  if (reach <= TOLERABLE)
    return (
      "The log may be read here, for this classifier: 95 % of epochs lie within " +
      `${TOLERABLE} of the truth.`
    );
  const size = `${fixed(Math.abs(error), 2)} too ${error < 0 ? "low" : "high"}`;
  const low = truth > 0 && error < 0;
  const share = low ? `, ${Math.round((100 * logged) / truth)} % of the true value` : "";
  if (Math.abs(error) <= TOLERABLE) {
    const near = fixed(Math.ceil(1e4 * reach) / 1e4, 4);
    return (
      `Do not read one epoch's log here: for this classifier 95 % of epochs lie within ${near} of ` +
      `the truth, not within ${TOLERABLE}; log counts or stream. ${link}`
    );
  }
  return `<b>Yes, it is wrong:</b> ${size}${share}. Do not read it, nor choose by it. ${link}`;
}

// The rates of the whole counts nearest to those asked for, where three digits differ.
export function nearestText({ asked, counts }) {
  const found = ratesOf(counts),
    shares = sharesOf(counts),
    three = (value) => Number(value.toPrecision(3));
  return Object.entries(asked ?? {})
    .filter(([name, rate]) => three(found[name]) !== three(rate))
    .map(([name, rate]) => {
      const [part, all] = shares[name].map(shown);
      return `${name} ${three(found[name])}, ${part} of ${all} (asked ${rate})`;
    })
    .join("; ");
}

export function batchesText({ name, zero }, { empty, mean, truth, many }) {
  const number = empty.filter(Boolean).length,
    all = empty.length;
  const counted = Number.isNaN(zero) ? "are left out of the mean" : `count ${zero}`;
  const held = `${shown(number)} of ${shown(all)} batches hold ${nothing(name).sentence} and ${counted}.`;
  const which = many < all ? ` Shown are the first ${shown(many)}.` : "";
  return `${held} This epoch logs ${fixed(mean, 4)}; the truth is ${fixed(truth, 4)}.${which}`;
}

export function keyText({ name, zero }) {
  return `${nothing(name).key}: ${Number.isNaN(zero) ? "left out" : `counts ${zero}`}`;
}

export function splitText({ name, written }) {
  const empty =
    `Empty batches hold ${nothing(name).sentence}; an alarm is a predicted positive. There the ` +
    "metric is 0/0. ";
  if (written) return `${empty}In the others each prediction is compared with every label.`;
  return (
    `${empty}Curvature: the metric is no linear function of the counts, so that the mean of ` +
    "its values is not its value for all samples."
  );
}

export function curveText(given, found, points) {
  const [first, last] = [points[0], points[points.length - 1]];
  const ends = `from ${fixed(first[1], 3)} to ${fixed(last[1], 3)}`;
  return (
    `Expected logged ${title(given.name)} over the batch size from 1 to ${shown(last[0])}: ${ends}. ` +
    `With batches of ${shown(given.size)}: ${fixed(found.expected, 3)}. ` +
    `True value: ${fixed(found.true, 3)}.`
  );
}

export function curveRow([size, logged], truth) {
  const cells = `<td>${fixed(logged, 4)}</td><td>${signed(logged - truth)}</td>`;
  return `<tr><th scope="row">${shown(size)}</th>${cells}</tr>`;
}

// The answer and what it rests on; `near` and `far`: without and with the chance of one epoch.
export function backText({ state, total, size, counts }, near, far) {
  const positives = percent((counts[0] + counts[2]) / total);
  const where = `${shown(total)} samples, ${positives} positives, batches of ${shown(size)}`;
  const most = `the most that any classifier is expected to log is ${fixed(near.most, 3)}`;
  if (far.range === null)
    return [`No F1 gives a log of ${state.logged} with ${where}: ${most}.`, ""];
  const span = ([low, high]) => `${fixed(low, 2)} and ${fixed(high, 2)}`;
  const alone = near.range ? `without that chance, between ${span(near.range)}` : most;
  const rests =
    "Over every precision and recall that can give this log, rounded as you wrote it, with two " +
    `standard deviations for the chance of one epoch (${alone}). Assumed: ${where}, cut at random.`;
  return [`The true F1 lies between ${span(far.range)}.`, rests];
}

// The same question to `batchf1 expect`.
export function command({ state, asked, counts, total, name, size, written }) {
  const [tp, fp, fn, tn] = counts;
  const options = asked ? { ...asked, "n-samples": total } : { tp, fp, fn, tn };
  Object.assign(options, { "batch-size": size, metric: name });
  Object.assign(options, { averaging: state.averaging, "zero-division": state.zero });
  if (written) Object.assign(options, { labels: "flat", written });
  const usual = { metric: "f1", averaging: "per_batch", "zero-division": "0", written: "margins" };
  const told = Object.entries(options).filter(([option, value]) => usual[option] !== value);
  return `batchf1 expect ${told.map(([option, value]) => `--${option} ${value}`).join(" ")}`;
}

export function title(name) {
  return /^f\d/.test(name) ? name.toUpperCase() : name[0].toUpperCase() + name.slice(1);
}

export function fixed(value, digits) {
  return Number.isNaN(value) ? "undefined" : value.toFixed(digits);
}

function percent(share) {
  return `${Number((100 * share).toPrecision(3))} %`;
}
