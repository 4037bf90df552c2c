// From numbers to the pictures in their places, each with its words.
import { bars, curve, curveHeight, roundUp, signed, split } from "./draw.js";
import { expected } from "./expectation.js";
import { loggedOf } from "./metrics.js";
import { batchMean, epoch } from "./simulate.js";
import { batchesText, curveRow, curveText, keyText, splitText, title } from "./words.js";

const BARS = 170; // pixels high
const THIN = 5; // pixels of a batch, at least

export const at = (id) => document.getElementById(id);

export function drawBatches(given, found) {
  const { counts, size, seed, ratio, written, zero, averaging } = given;
  const batches = epoch(counts, size, seed),
    width = widthOf("batches");
  const values = batches.map((batch) => loggedOf(ratio, written, batch, zero));
  const empty = batches.map((batch) => Number.isNaN(loggedOf(ratio, written, batch, NaN)));
  const sizes = batches.map((batch) => batch.reduce((a, b) => a + b));
  const mean = batchMean(values, sizes, averaging),
    many = Math.min(values.length, Math.floor(width / THIN));
  const text = batchesText(given, { empty, mean, truth: found.true, many });
  at("batches-text").textContent = text;
  at("key-empty").textContent = keyText(given);
  const drawn = bars(width, BARS, values.slice(0, many), empty.slice(0, many), found.true, mean);
  place("batches", width, BARS, drawn, `Bars, one for each batch of a simulated epoch. ${text}`);
}

export function drawSplit(given, found) {
  const parts = [
    { name: "empty batches", value: found.empty, kind: "of-empty" },
    { name: given.written ? "other batches" : "curvature", value: found.curvature, kind: "of-curvature" },
    { name: "error", value: found.error, kind: "of-both" },
  ];
  const width = widthOf("split"),
    known = parts.filter(({ value }) => !Number.isNaN(value));
  const { svg, height } = split(width, known);
  const words = known.map(({ name, value }) => `${name} ${signed(value)}`).join(", ");
  place("split", width, height, svg, `Logged minus true value, and its two parts: ${words}.`);
  at("split-text").textContent = splitText(given);
}

export function drawCurve(given, found) {
  const { counts, total, size, averaging, zero, ratio, written, name } = given;
  const width = widthOf("curve"),
    height = curveHeight(width);
  const value = (one) => expected(counts, one, averaging, zero, ratio, written).expected;
  const sizes = sizesUpTo(Math.min(total, Math.max(4096, size)), size);
  const points = sizes.map((one) => [one, value(one)]),
    own = { ...found, size };
  const highest = roundUp(written === "margins" ? Math.max(2 * found.expected, 2) : 1);
  const drawn = Number.isNaN(found.expected) ? "" : curve(width, points, own, title(name), highest);
  place("curve", width, height, drawn, curveText(given, found, points));
  const listed = points.filter(([one]) => Number.isInteger(Math.log2(one)) || one === size);
  at("curve-table").tBodies[0].innerHTML = listed
    .map((point) => curveRow(point, found.true))
    .join("");
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

function widthOf(id) {
  const style = getComputedStyle(at(id).parentElement);
  const room = at(id).parentElement.clientWidth - 2 * Number.parseFloat(style.paddingLeft);
  return Math.max(Math.floor(room), 240);
}
