// What the reader set, as texts: the fields and the address hold the same ones.
import { nearestCounts, ratesOf, ratioOf } from "./metrics.js";
import { decimalsOf, parseNumber } from "./numbers.js";

export const MOST_SAMPLES = 1_000_000;

// The article's case: 1.4 % positives in batches of 50, and a log of 0.47.
export const DEFAULTS = {
  entry: "rates",
  positives: "1.4",
  precision: "0.935",
  recall: "0.935",
  samples: "14300",
  tp: "187",
  fp: "13",
  fn: "13",
  tn: "14087",
  batch: "50",
  metric: "f-beta",
  beta: "1",
  zero: "0",
  averaging: "per_batch",
  labels: "column",
  logged: "0.47",
  seed: "1",
  framework: "keras3",
};

export const CHOICES = {
  entry: ["rates", "counts"],
  metric: ["f-beta", "jaccard", "precision", "recall"],
  zero: ["0", "1", "skip"],
  averaging: ["per_batch", "size_weighted"],
  labels: ["column", "flat", "flat-cells"],
  framework: ["keras3", "tf-keras", "torchmetrics", "lightning"],
};

// How the function is written, where it is handed labels (n,).
const WRITTEN = { column: null, flat: "margins", "flat-cells": "cells" };

const OF_ENTRY = {
  rates: ["positives", "precision", "recall", "samples"],
  counts: ["tp", "fp", "fn", "tn"],
};

// Input that breaks a rule: one line with the field, the rule and the value, as batchf1.errors.
export class InputError extends Error {
  constructor(field, rule, value, name = field) {
    super(`${name} ${rule}; got ${value === "" ? "nothing" : value}`);
    this.field = field;
  }
}

// The state that an address holds, and the first thing in it that is refused, or null.
export function fromHash(hash) {
  const state = { ...DEFAULTS };
  let refused = null;
  for (const [name, value] of new URLSearchParams(hash.replace(/^#/, ""))) {
    const choices = Object.hasOwn(CHOICES, name) && CHOICES[name];
    if (!Object.hasOwn(DEFAULTS, name)) {
      const known = Object.keys(DEFAULTS).join(", ");
      refused ??= new InputError("address", `must set only ${known}`, name);
    } else if (choices && !choices.includes(value)) {
      refused ??= new InputError(name, `must be one of ${choices.join(", ")}`, value);
    } else state[name] = value;
  }
  return { state, refused };
}

// Only what matters: the fields of the way of entry in use, and no beta of another metric.
export function toHash(state) {
  const hidden = OF_ENTRY[state.entry === "rates" ? "counts" : "rates"];
  const kept = Object.entries(state).filter(
    ([name]) => !hidden.includes(name) && (name !== "beta" || state.metric === "f-beta"),
  );
  return `#${new URLSearchParams(kept)}`;
}

// The numbers behind the texts, `asked` the rates of which counts are the nearest; throws an
// InputError.
export function read(state) {
  const asked = state.entry === "rates" ? readRates(state) : null;
  const counts = asked ? ofRates(state, asked) : ofCounts(state);
  const total = counts.reduce((a, b) => a + b);
  const size = whole(
    state,
    "batch",
    1,
    total,
    `a whole number from 1 to the number of samples, ${shown(total)}`,
  );
  const beta = state.metric === "f-beta" ? number(state, "beta") : 1;
  need(beta > 0 && beta <= 100, "beta", "must be above 0 and at most 100", state.beta);
  const name = state.metric === "f-beta" ? `f${beta}` : state.metric;
  const zero = state.zero === "skip" ? NaN : Number(state.zero);
  const seed = whole(state, "seed", 0, 2 ** 32 - 1, "a whole number from 0 to 4,294,967,295");
  const written = writtenOf(state, name);
  const given = { state, asked, counts, total, size, name, zero, averaging: state.averaging, seed };
  return { ...given, written, ratio: ratioOf(name), rates: ratesOf(counts) };
}

// What this page leaves to `batchf1 expect`, and the Jaccard index by margins.
function writtenOf({ labels, zero }, name) {
  const written = WRITTEN[labels];
  const part = name === "precision" || name === "recall";
  const counted = `must be 0 or 1 here for ${name} with labels (n,) (the command takes it)`;
  need(!(written && part && zero === "skip"), "zero", counted, "left out");
  const cells = "must be (n, 1) or by cells for jaccard: by margins some batches are divided by 0";
  need(!(name === "jaccard" && written === "margins"), "labels", cells, "(n,), by margins");
  return written;
}

// The logged value that is asked about, and half a unit of its last digit.
export function readLogged(state) {
  const value = number(state, "logged");
  need(value >= 0 && value <= 1, "logged", "must be from 0 to 1", state.logged);
  return { value, within: 0.5 * 10 ** -Math.max(decimalsOf(state.logged), 1) };
}

// The texts after the way of entry has changed, so that the picture stays.
export function entered(state, entry) {
  const next = { ...state, entry };
  let given;
  try {
    given = read(state);
  } catch {
    return next;
  }
  if (entry === "counts") {
    ["tp", "fp", "fn", "tn"].forEach((name, i) => (next[name] = String(given.counts[i])));
    return next;
  }
  const { prevalence, precision, recall } = given.rates;
  Object.assign(next, { samples: String(given.total), positives: digits(100 * prevalence) });
  if (precision > 0 && recall > 0)
    Object.assign(next, { precision: digits(precision), recall: digits(recall) });
  return next;
}

export function shown(count) {
  return count.toLocaleString("en-US");
}

function readRates(state) {
  const prevalence = number(state, "positives", true);
  const share = "must be above 0 and at most 100 %";
  need(prevalence > 0 && prevalence <= 1, "positives", share, percentage(state.positives));
  const rates = { prevalence };
  for (const name of ["precision", "recall"]) {
    rates[name] = number(state, name);
    const good = rates[name] > 0 && rates[name] <= 1;
    need(good, name, "must be above 0 and at most 1", state[name]);
  }
  return rates;
}

// The nearest whole counts, refused as batchf1 expect does.
function ofRates(state, { prevalence, precision, recall }) {
  const rule = `a whole number from 1 to ${shown(MOST_SAMPLES)}`;
  const n = whole(state, "samples", 1, MOST_SAMPLES, rule);
  const counts = nearestCounts(n, prevalence, precision, recall);
  const few = (what) => `must leave a ${what} among ${shown(n)} samples (take more, or enter counts)`;
  need(counts[0] + counts[2] > 0, "positives", few("positive"), percentage(state.positives));
  need(counts[0] > 0, "recall", few("true positive"), state.recall);
  const room = "cannot be so low: it gives more false alarms than there are negatives";
  need(counts[3] >= 0, "precision", room, state.precision);
  return counts;
}

function percentage(text) {
  return `${text.trim().replace(/\s*%$/, "")} %`;
}

function ofCounts(state) {
  const rule = "a whole number from 0 to 1,000,000";
  const counts = OF_ENTRY.counts.map((name) => whole(state, name, 0, MOST_SAMPLES, rule));
  const total = counts.reduce((a, b) => a + b);
  const added = `must add up to 1 to ${shown(MOST_SAMPLES)}`;
  if (total < 1 || total > MOST_SAMPLES)
    throw new InputError("tn", added, shown(total), "tp + fp + fn + tn");
  return counts;
}

function whole(state, name, least, most, rule) {
  const value = number(state, name);
  const good = Number.isInteger(value) && value >= least && value <= most;
  need(good && !state[name].includes("%"), name, `must be ${rule}`, state[name]);
  return value;
}

function number(state, name, percent = false) {
  const { value, rule } = parseNumber(state[name], percent);
  need(rule === undefined, name, rule, state[name].trim());
  return value;
}

function need(good, field, rule, value) {
  if (!good) throw new InputError(field, rule, value);
}

function digits(value) {
  return Number.isNaN(value) ? "undefined" : String(Number(value.toPrecision(12)));
}
