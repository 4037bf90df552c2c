// What the reader set, as texts: the fields and the address hold the same ones.
import { nearestCounts, ratesOf, ratioOf, toEven } from "./metrics.js";
import { halfUnit, parseNumber } from "./numbers.js";
import { MANY, example } from "./search.js";
import { LANGUAGES, has, shown, t } from "./texts.js";

const MAX_SAMPLES = 1_000_000_000; // samples, and the largest batch

export const DEFAULTS = {
  entry: "log",
  logged: "",
  positives: "",
  batch: "",
  samples: "",
  labels: "column",
  precision: "",
  recall: "",
  tp: "",
  fp: "",
  fn: "",
  tn: "",
  metric: "f-beta",
  beta: "1",
  zero: "0",
  averaging: "per_batch",
  over: "batch",
  seed: "1",
  framework: "keras3",
  lang: "en",
};

// The article's log; its data had 1.4 % positives if its batches were of 50.
export const ARTICLE = { ...DEFAULTS, logged: "0.4728", positives: "1.4", batch: "50" };

export const CHOICES = {
  entry: ["log", "rates", "counts"],
  metric: ["f-beta", "jaccard", "precision", "recall"],
  zero: ["0", "1", "skip"],
  averaging: ["per_batch", "size_weighted"],
  labels: ["column", "flat", "flat-cells"],
  over: ["batch", "positives", "precision", "recall"],
  framework: ["keras3", "tf-keras", "torchmetrics", "lightning"],
  lang: LANGUAGES,
};

// How the function is written, where it is handed labels (n,).
const WRITTEN = { column: null, flat: "margins", "flat-cells": "cells" };

const COUNTS = ["tp", "fp", "fn", "tn"];
// The fields of each way of entry; those first that must be filled.
const ASKED = {
  log: [["logged", "positives", "batch"], ["samples"]],
  rates: [
    ["positives", "batch", "precision", "recall"],
    ["samples", "metric", "beta", "logged"],
  ],
  counts: [
    ["batch", ...COUNTS],
    ["metric", "beta", "logged"],
  ],
};

// Input that breaks a rule: one line with the field, the rule and the value, as batchf1.errors.
export class InputError extends Error {
  constructor(field, rule, value, values = {}, name = field) {
    const got = value === "" ? t("got-nothing") : value;
    const subject = has(`field-${name}`) ? t(`field-${name}`) : name;
    super(t("refusal", { name: subject, rule: t(`rule-${rule}`, values), value: got }));
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
      const list = Object.keys(DEFAULTS).join(", ");
      refused ??= new InputError("address", "address", name, { list });
    } else if (choices && !choices.includes(value)) {
      refused ??= new InputError(name, "one-of", value, { list: choices.join(", ") });
    } else state[name] = value;
  }
  return { state, refused };
}

// Only what matters and is not usual: no field of another way of entry.
export function toHash(state) {
  const [first, others] = ASKED[state.entry];
  const fields = new Set(Object.values(ASKED).flat(2));
  const kept = Object.entries(state).filter(
    ([name, value]) =>
      value !== DEFAULTS[name] &&
      (!fields.has(name) || first.includes(name) || others.includes(name)),
  );
  return `#${new URLSearchParams(kept)}`;
}

// The required fields that are empty; with labels (n,) a log needs no number to be explained.
export function missing(state) {
  if (state.entry === "log" && state.labels !== "column") return [];
  return ASKED[state.entry][0].filter((name) => state[name].trim() === "");
}

// The numbers behind the texts; throws an InputError. `counts` are shares where there are very many
// samples (`endless`); `asked` is what was asked for where `counts` are only the nearest.
export function read(state) {
  const seed = whole(state, "seed", 0, 2 ** 32 - 1);
  const zero = state.zero === "skip" ? NaN : Number(state.zero);
  const given = { state, seed, zero, averaging: state.averaging, name: "f1", written: null };
  if (state.entry === "log") return ofLog(given);
  Object.assign(given, { name: nameOf(state) });
  given.written = writtenOf(state, given.name);
  return finished(state.entry === "rates" ? ofRates(given) : ofCounts(given));
}

function finished(given) {
  const { counts, name, size, total } = given;
  const limited = Math.min(size, total);
  const sizes = { size: limited, askedSize: size, ratio: ratioOf(name) };
  return { ...given, ...sizes, rates: ratesOf(counts) };
}

// What is asked about a log, and a classifier that logs this; no counts where nothing can be known.
function ofLog(given) {
  const { state } = given;
  if (state.labels !== "column") return { ...given, written: WRITTEN[state.labels] };
  const value = number(state, "logged");
  need(value >= 0 && value <= 1, "logged", "logged", state.logged);
  const within = halfUnit(state.logged);
  const prevalence = shareOf(state),
    size = whole(state, "batch", 1, MAX_SAMPLES),
    known = state.samples.trim() !== "";
  const total = known ? whole(state, "samples", 1, MAX_SAMPLES) : MANY * size;
  const positives = Math.max(toEven(total * prevalence), 1);
  const cut = { size: Math.min(size, total), averaging: given.averaging, zero: given.zero };
  const log = { value, within, positives, total, cut, known };
  let counts = example(value, positives, total, cut);
  if (!known) counts = counts.map((count) => count / total);
  return finished({ ...given, asked: { prevalence }, counts, total, size, log, endless: !known });
}

function nameOf(state) {
  if (state.metric !== "f-beta") return state.metric;
  const beta = number(state, "beta");
  need(beta > 0 && beta <= 100, "beta", "beta", state.beta);
  return `f${beta}`;
}

// What this page leaves to `batchf1 expect`, and the Jaccard index by margins.
function writtenOf({ labels, zero }, name) {
  const written = WRITTEN[labels];
  const part = name === "precision" || name === "recall";
  need(!(written && part && zero === "skip"), "zero", "flat-zero", t("zero-skip"), { name });
  need(!(name === "jaccard" && written === "margins"), "labels", "flat-jaccard", "(n,)");
  return written;
}

// The nearest whole counts that there can be; of very many samples the shares.
function ofRates(given) {
  const { state } = given,
    asked = { prevalence: shareOf(state) };
  for (const name of ["precision", "recall"]) {
    asked[name] = number(state, name);
    need(asked[name] > 0 && asked[name] <= 1, name, "fraction", state[name]);
  }
  const size = whole(state, "batch", 1, MAX_SAMPLES),
    endless = state.samples.trim() === "";
  const total = endless ? Infinity : whole(state, "samples", 1, MAX_SAMPLES);
  const found = nearestCounts(endless ? null : total, asked);
  return { ...given, ...found, asked, total, size, endless };
}

function ofCounts(given) {
  const { state } = given,
    counts = COUNTS.map((name) => whole(state, name, 0, MAX_SAMPLES));
  const total = counts.reduce((a, b) => a + b),
    most = shown(MAX_SAMPLES);
  if (total < 1 || total > MAX_SAMPLES)
    throw new InputError("tn", "sum", shown(total), { most }, "tp + fp + fn + tn");
  return { ...given, asked: null, counts, total, size: whole(state, "batch", 1, MAX_SAMPLES) };
}

// The texts after the way of entry has changed, so that the picture stays.
export function entered(state, entry) {
  const next = { ...state, entry };
  if (missing(state).length) return next;
  let given;
  try {
    given = read(state);
  } catch {
    return next;
  }
  if (!given.counts || entry === "log") return next;
  if (entry === "counts") {
    const { counts } = given.endless ? nearestCounts(10_000, given.rates) : given;
    COUNTS.forEach((name, i) => (next[name] = String(counts[i])));
    return next;
  }
  const { prevalence, precision, recall } = given.rates;
  if (given.asked === null)
    Object.assign(next, { samples: String(given.total), positives: digits(100 * prevalence) });
  if (precision > 0 && recall > 0)
    Object.assign(next, { precision: digits(precision), recall: digits(recall) });
  return next;
}

function shareOf(state) {
  const share = number(state, "positives", true);
  const text = `${state.positives.trim().replace(/\s*%$/, "")} %`;
  need(share > 0 && share <= 1, "positives", "share", text);
  return share;
}

function whole(state, name, low, high) {
  const value = number(state, name);
  const good = Number.isInteger(value) && value >= low && value <= high;
  const rule = { low: shown(low), high: shown(high) };
  need(good && !state[name].includes("%"), name, "whole", state[name], rule);
  return value;
}

function number(state, name, percent = false) {
  const { value, rule, whole, decimal } = parseNumber(state[name], percent);
  need(rule === undefined, name, rule, state[name].trim(), { whole, decimal });
  return value;
}

function need(good, field, rule, value, values) {
  if (!good) throw new InputError(field, rule, value, values);
}

function digits(value) {
  return Number.isNaN(value) ? "" : String(Number(value.toPrecision(4)));
}
