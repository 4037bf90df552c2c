// What the page says, as sentences.
import { strayOf } from "./expectation.js";
import { ratesOf, sharesOf } from "./metrics.js";
import { fixed, shown, signed, t } from "./texts.js";

const TOLERABLE = 0.01; // an error that nobody minds, as in batchf1 expect

const repairLink = () => `${t("gap")}<a href="#repair-title">${t("repair-link")}</a>`;
const two = (value) => fixed(value, 2);

// Labels (n,): in front of the repair.
export const FLAT_REPAIR =
  "y, y_val = y[:, None], y_val[:, None]  # labels (n, 1), for every other function in metrics\n";

// What a batch holds in which the metric is 0/0, for a sentence or a `key`.
function nothing(name, where = "empty") {
  return t(`${where}-${["precision", "recall"].includes(name) ? name : "f"}`);
}

export function missingText(names, entry) {
  if (entry === "log" && names.length === 3) return t("ask-log");
  const list = names.map((name) => t(`field-${name}`)).join(t("comma"));
  return t("ask-one", { names: list });
}

// Whether a logged value may be trusted. `near` and `far`: the true F1 without and with the chance of
// one epoch; `far` null: not asked for or not yet known.
export function trustText({ log, state }, near, far) {
  const { value, known } = log;
  if (!(far ?? near).range) {
    const values = { logged: state.logged.trim(), most: fixed(near.most, 3) };
    return t("no-classifier", values);
  }
  const [low, high] = (far ?? near).range;
  let said = t("either", { far: two(Math.max(high - value, value - low)) });
  if (low >= value - TOLERABLE && high <= value + TOLERABLE)
    said = t("trust", { tolerance: TOLERABLE });
  else if (low > value + TOLERABLE / 2)
    said = t("too-low", { low: two(low - value), high: two(high - value) });
  else if (high < value - TOLERABLE / 2)
    said = t("too-high", { low: two(value - high), high: two(value - low) });
  return said + repairLink() + chanceText(near, far, known);
}

function chanceText(near, far, known) {
  if (!known) return "";
  if (far === null) return `${t("gap")}<span class="quiet">${t("chance-soon")}</span>`;
  if (!near.range) return "";
  const [low, high] = near.range.map(two);
  return `${t("gap")}<span class="quiet">${t("without-chance", { low, high })}</span>`;
}

export function flatBackText() {
  return t("flat-back") + repairLink();
}

// What a function of this name logs of labels (n,).
function flatText({ name, written }) {
  const part = ["precision", "recall"].includes(name) ? `-${name}` : "";
  return t(`flat-${written === "cells" ? "share" : "number"}${part}`);
}

// What one epoch's log is good for, in the words of batchf1 expect where its error is tolerable; nothing
// where that depends on its spread, which is not known yet.
export function verdictText(found, given) {
  const { true: truth, expected: logged, error } = found;
  if (Number.isNaN(logged)) return t("nothing");
  if (given.written)
    return t("flat-verdict", { name: title(given.name), what: flatText(given) }) + repairLink();
  const reach = Math.abs(error) + strayOf(found);
  if (reach <= TOLERABLE)
    return t(given.endless ? "read-many" : "read-epochs", { tolerance: TOLERABLE });
  if (Math.abs(error) <= TOLERABLE) {
    if (found.sd === undefined) return "";
    const near = fixed(Math.ceil(1e4 * reach) / 1e4, 4);
    return t("stray", { near, tolerance: TOLERABLE }) + repairLink();
  }
  const values = { size: two(Math.abs(error)), share: Math.round((100 * logged) / truth) };
  return t(error < 0 ? "wrong-low" : "wrong-high", values) + repairLink();
}

// What the answer is about, where it is only the nearest to what was asked: rates that differ in three
// digits, as `batchf1 expect` writes them, and a batch that is larger than the data.
export function nearestText({ asked, counts, endless, askedSize, size }) {
  const list =
    askedSize > size ? [t("nearest-batch", { value: shown(size), asked: shown(askedSize) })] : [];
  const found = ratesOf(counts),
    shares = sharesOf(counts),
    three = (value) => Number(value.toPrecision(3));
  for (const [name, rate] of Object.entries(asked ?? {})) {
    if (Number.isNaN(found[name]) || three(found[name]) === three(rate)) continue;
    const value = three(found[name]);
    if (endless) list.push(t("nearest-share", { name: t(`word-${name}`), value, asked: rate }));
    else {
      const [part, all] = shares[name].map(shown);
      list.push(t("nearest-rate", { name: t(`word-${name}`), value, part, all, asked: rate }));
    }
  }
  return list.length ? t("nearest", { list: list.join("; ") }) : "";
}

export function exampleText({ rates }) {
  const [precision, recall] = [rates.precision, rates.recall].map((rate) => fixed(rate, 3));
  return t("example-rates", { precision, recall });
}

export function batchesText({ name, zero, total }, { kinds, mean, truth, many, whole }) {
  const number = (kind) => shown(kinds.filter((one) => one === kind).length);
  const counted = Number.isNaN(zero) ? t("are-left-out") : t("do-count", { zero });
  const values = { empty: number("empty"), missed: number("missed"), all: shown(kinds.length) };
  Object.assign(values, {
    counted,
    nothing: nothing(name),
    mean: fixed(mean, 4),
    truth: fixed(truth, 4),
  });
  const text = t(whole ? "batches-whole" : "batches-first", values);
  return many < kinds.length ? text + t("gap") + t("batches-shown", { many: shown(many) }) : text;
}

export function keyText({ name, zero }) {
  const counts = Number.isNaN(zero) ? t("key-left-out") : t("key-counts", { zero });
  return t("key-empty", { nothing: nothing(name, "key"), counts });
}

export function splitText({ name, written }) {
  const empty = t("split-empty", { nothing: nothing(name) });
  return empty + t("gap") + t(written ? "split-others" : "split-curvature");
}

export function curveText({ name }, found, { points, axis, own }) {
  const [first, last] = [points[0], points[points.length - 1]];
  return t("curve-words", {
    name: title(name),
    axis: t(`axis-${axis.name}`),
    ...{ from: axis.shown(first.x), to: axis.shown(last.x), own: axis.shown(own.x) },
    ...{ first: fixed(first.expected, 3), last: fixed(last.expected, 3) },
    ...{ expected: fixed(found.expected, 3), truth: fixed(found.true, 3) },
  });
}

// The same question to `batchf1 bound` or `batchf1 expect`, with rates that these take.
export function command(given) {
  const { state, asked, counts, total, name, size, written, endless, log, moved } = given;
  const options = log ? askBound(given) : {};
  if (!log) {
    const [tp, fp, fn, tn] = counts;
    if (endless) Object.assign(options, moved ? ratesOf(counts) : asked);
    else
      Object.assign(
        options,
        asked && !moved ? { ...asked, "n-samples": total } : { tp, fp, fn, tn },
      );
    Object.assign(options, { "batch-size": size, metric: name });
    if (written) Object.assign(options, { labels: "flat", written });
  }
  Object.assign(options, { averaging: state.averaging, "zero-division": state.zero });
  const usual = { metric: "f1", averaging: "per_batch", "zero-division": "0", written: "margins" };
  const told = Object.entries(options).filter(([option, value]) => usual[option] !== value);
  const words = told.map(([option, value]) => `--${option} ${value}`).join(" ");
  return `batchf1 ${log ? "bound" : "expect"} ${words}`;
}

function askBound({ state, asked, log, size }) {
  const { positives, total, known } = log,
    wanted = asked.prevalence * total;
  const near = Math.abs(positives - wanted) <= 0.01 * wanted;
  return {
    logged: state.logged.replace(/\s/g, ""),
    prevalence: near ? asked.prevalence : positives / total,
    "batch-size": size,
    ...(known && { "n-samples": total }),
  };
}

export function title(name) {
  return /^f\d/.test(name) ? name.toUpperCase() : t(`name-${name}`);
}
