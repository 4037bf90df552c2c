// From numbers to the pictures in their places, each with its words.
import { LEFT, bars, curve, curveHeight, roundUp, short, split, strip } from "./draw.js";
import { expected, strayOf } from "./expectation.js";
import { loggedOf, nearestCounts } from "./metrics.js";
import { batchMean, epoch } from "./simulate.js";
import { fixed, shown, signed, t } from "./texts.js";
import { batchesText, curveText, keyText, splitText } from "./words.js";

const BARS = 190; // pixels high
const THIN = 5; // pixels of a batch, at least
const QUICK = 100_000; // samples that are dealt out between two pictures
const VERY_MANY = 1e12; // samples, to deal out shares

export const at = (id) => document.getElementById(id);

// What is asked of `expect`.
export function question({ counts, size, averaging, zero, ratio, written, endless }) {
  return { counts, size, averaging, zero, ratio, written, endless };
}

export function drawStrip(answer) {
  const { logged, truth, near, far } = answer;
  const highest = roundUp(logged),
    width = widthOf("strip");
  const range = far ?? near;
  const ends = range && { low: fixed(range[0], 2), high: fixed(range[1], 2) };
  const values = { logged: fixed(logged, 4), ...ends, true: fixed(truth ?? NaN, 4) };
  const text = t(range ? "strip-band" : "strip-true", values);
  place("strip", width, 44, strip(width, { ...answer, highest }), text);
}

// Whether the epoch of the picture is dealt out in no time.
export function isQuick({ size, total }) {
  return Math.min(total, size * shownBatches()) <= QUICK;
}

export function drawBatches(given, found) {
  const { counts, total, size, seed, ratio, written, zero, averaging, endless } = given;
  const whole = !endless && total <= QUICK,
    room = shownBatches();
  const dealt = endless ? counts.map((share) => share * VERY_MANY) : counts;
  const batches = epoch(dealt, size, seed, whole ? Infinity : room);
  const values = batches.map((batch) => loggedOf(ratio, written, batch, zero));
  const kinds = batches.map((batch, i) => {
    if (Number.isNaN(loggedOf(ratio, written, batch, NaN))) return "empty";
    return values[i] === 0 ? "missed" : "";
  });
  const sizes = batches.map((batch) => batch.reduce((a, b) => a + b));
  const mean = batchMean(values, sizes, averaging),
    many = Math.min(values.length, room);
  const text = batchesText(given, { kinds, mean, truth: found.true, many, whole });
  at("batches-text").textContent = text;
  at("key-empty").textContent = keyText(given);
  const width = widthOf("batches"),
    first = [values, kinds].map((all) => all.slice(0, many));
  place("batches", width, BARS, bars(width, BARS, ...first, found.true, mean), t("bars", { text }));
}

function shownBatches() {
  return Math.floor((widthOf("batches") - LEFT) / THIN);
}

export function drawSplit(given, found) {
  const parts = [
    { name: t("part-empty"), value: found.empty, kind: "of-empty" },
    {
      name: t(given.written ? "part-others" : "part-curvature"),
      value: found.curvature,
      kind: "of-curvature",
    },
    { name: t("part-error"), value: found.error, kind: "of-both" },
  ];
  const width = widthOf("split"),
    known = parts.filter(({ value }) => !Number.isNaN(value));
  const reach = roundUp(Math.max(...known.map(({ value }) => Math.abs(value))));
  const { svg, height } = split(width, known, reach);
  const list = known.map(({ name, value }) => t("part", { name, value: signed(value) }));
  place("split", width, height, svg, t("parts", { list: list.join(t("comma")) }));
  at("split-text").textContent = splitText(given);
}

// `found` has the spread of one epoch. With pauses, as many points take long.
export function* drawCurve(given, found) {
  const width = widthOf("curve"),
    axis = axisOf(given, width < 500 ? 8 : 4);
  const value = ({ x, ...changed }) => {
    const { expected: logged, true: truth } = expected({ ...question(given), ...changed });
    return { x, expected: logged, true: truth };
  };
  const points = [],
    own = { ...found, x: axis.own };
  for (const one of axis.cases) {
    if (points.push(value(one)) % 6 === 0) yield;
  }
  const highest = roundUp(given.written === "margins" ? Math.max(2 * found.expected, 2) : 1);
  const drawn = Number.isNaN(found.expected) ? "" : curve(width, points, own, axis, highest);
  place("curve", width, curveHeight(width), drawn, curveText(given, found, { points, axis, own }));
  at("curve-axis").textContent = t(`axis-${axis.name}`);
  at("curve-table").tBodies[0].innerHTML = points
    .filter(({ x }, i) => axis.listed(x, i))
    .map(({ x, ...of }) => {
      const cells = [fixed(of.expected, 4), signed(of.expected - of.true)];
      return `<tr><th scope="row">${axis.shown(x)}</th><td>${cells.join("</td><td>")}</td></tr>`;
    })
    .join("");
}

// What is changed along the curve: its cases, the reader's own, and how a value is written.
function axisOf(given, factor) {
  const { state, rates, size, total, endless } = given;
  const own = rates[{ positives: "prevalence" }[state.over] ?? state.over];
  if (state.over === "batch" || !(rates.precision > 0 && rates.recall > 0)) {
    const most = Math.min(endless ? Infinity : total, Math.max(4096, size));
    const cases = sizesUpTo(most, size).map((x) => ({ x, size: x }));
    const listed = (x) => Number.isInteger(Math.log2(x)) || x === size;
    const ticks = Array.from({ length: 16 }, (_, i) => factor ** i);
    return { name: "batch", log: true, ticks, own: size, cases, listed, shown: compact };
  }
  const log = state.over === "positives",
    name = log ? "prevalence" : state.over;
  const values = Array.from({ length: 41 }, (_, i) => (log ? 10 ** (i / 10 - 4) : (i + 1) / 41));
  const cases = [...values, own]
    .sort((a, b) => a - b)
    .map((x) => ({ x, ...nearestCounts(endless ? null : total, { ...rates, [name]: x }) }))
    .filter(({ x, moved }) => !moved || x === own)
    .map(({ x, counts }) => (x === own ? { x } : { x, counts }));
  const ticks = log ? [1e-4, 1e-3, 1e-2, 0.1, 1] : [0, 0.25, 0.5, 0.75, 1];
  const percent = (x) => `${Number((100 * x).toPrecision(3))} %`;
  const listed = (x, i) => i % 5 === 0 || x === own;
  const written = log ? percent : (x) => String(Number(x.toPrecision(3)));
  return { name: state.over, log, ticks, own, cases, listed, shown: written };
}

function compact(size) {
  return size < 10_000 ? shown(size) : short(size);
}

// Four sizes for each doubling, the largest, and the reader's own.
function sizesUpTo(most, own) {
  const sizes = new Set([own, most]);
  for (let step = 0; 2 ** (step / 4) <= most; step++) sizes.add(Math.round(2 ** (step / 4)));
  return [...sizes].sort((a, b) => a - b);
}

function place(id, width, height, svg, text) {
  at(id).setAttribute("viewBox", `0 0 ${width} ${height}`);
  at(id).setAttribute("height", height);
  at(id).setAttribute("aria-label", text);
  at(id).innerHTML = svg;
}

// Measured once for each width of the page, as measuring after a change costs more than the picture.
const widths = new Map();

export function forgetWidths() {
  widths.clear();
}

function widthOf(id) {
  if (!widths.has(id)) {
    const parent = at(id).parentElement,
      padding = Number.parseFloat(getComputedStyle(parent).paddingLeft);
    widths.set(id, Math.max(Math.floor(parent.clientWidth - 2 * padding), 240));
  }
  return widths.get(id);
}
