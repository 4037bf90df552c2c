// Pictures as SVG texts, as wide as their place, so that letters keep their size on a phone.
import { strayOf } from "./expectation.js";

const LEFT = 38,
  RIGHT = 12;

// The logged value over the batch size, up to `highest`. `points`: [size, expected]; `own`: size,
// expected, sd.
export function curve(width, points, own, name, highest) {
  const height = curveHeight(width),
    top = 24,
    bottom = 40,
    truth = own.true;
  const most = points[points.length - 1][0];
  const x = (size) =>
    LEFT + (Math.log2(size) / Math.max(Math.log2(most), 1)) * (width - LEFT - RIGHT);
  const y = (value) => height - bottom - (value / highest) * (height - top - bottom);
  const path = points
    .filter(([, value]) => value <= highest)
    .map(([size, value], i) => `${i ? "L" : "M"}${r(x(size))} ${r(y(value))}`)
    .join("");
  const marks = ticks(most, width).map((size) => {
    const last = x(size) > width - RIGHT - 20;
    return label(x(size), height - 22, compact(size), last ? "end" : "middle");
  });
  const stray = strayOf(own),
    bar = [own.expected - stray, own.expected + stray].map((value) => y(clip(value, highest)));
  return [
    axis(y, width, highest),
    ...marks,
    label((LEFT + width - RIGHT) / 2, height - 5, "batch size", "middle"),
    `<line class="truth" x1="${LEFT}" x2="${width - RIGHT}" y1="${r(y(truth))}" y2="${r(y(truth))}"/>`,
    `<path class="logged" d="${path}"/>`,
    `<line class="spread" x1="${r(x(own.size))}" x2="${r(x(own.size))}" y1="${r(bar[0])}" y2="${r(bar[1])}"/>`,
    `<circle class="own" cx="${r(x(own.size))}" cy="${r(y(own.expected))}" r="6"/>`,
    names(x, y, width, own, name, points),
  ].join("");
}

export function curveHeight(width) {
  return Math.min(300, Math.max(220, Math.round(width * 0.45)));
}

// The truth by its line, on the side where the curve is not, and the reader's number by its point.
function names(x, y, width, own, name, points) {
  const truth = own.true;
  const below = y(truth) < 24 || (points[0][1] > truth && truth > 0.1);
  const right = x(own.size) + 100 < width,
    side = right ? 12 : -12;
  const near = Math.abs(y(own.expected) - y(truth)) < 34;
  const down = near ? (own.expected > truth && y(own.expected) > 36 ? -14 : 24) : 5;
  return [
    label(
      LEFT + 4,
      y(truth) + (below ? 16 : -7),
      `true ${name} ${truth.toFixed(3)}`,
      "start",
      "truth-name",
    ),
    label(
      x(own.size) + side,
      y(own.expected) + down,
      `yours ${own.expected.toFixed(3)}`,
      right ? "start" : "end",
      "logged-name",
    ),
  ].join("");
}

// The batches of an epoch as bars: `values` (NaN where left out), `empty` whether there is nothing.
export function bars(width, height, values, empty, truth, mean) {
  const highest = roundUp(Math.max(...values.filter((value) => value > 1), mean || 0));
  const top = 10,
    bottom = 26,
    room = width - LEFT - RIGHT;
  const step = room / values.length,
    thick = Math.max(step - (step > 4 ? 1.5 : 0.5), 0.8);
  const y = (value) => height - bottom - (value / highest) * (height - top - bottom);
  const base = height - bottom;
  const rect = (kind, i, from, to) =>
    `<rect class="${kind}" x="${r(LEFT + i * step)}" y="${r(from)}" width="${r(thick)}" height="${r(to - from)}"/>`;
  const column = (value, i) => {
    if (!empty[i]) return value > 0 ? rect("bar", i, y(value), base) : "";
    const place = Math.min(Math.max(y(value) - 2, top), base - 4); // a block where it counts
    return (
      rect("empty", i, top, base) +
      (Number.isNaN(value) ? "" : rect("counted", i, place, place + 4))
    );
  };
  const across = (kind, value) => (Number.isNaN(value) ? "" : level(kind, y(value), width));
  return [
    axis(y, width, highest),
    ...values.map(column),
    across("truth", truth),
    across("mean", mean),
    label((LEFT + width - RIGHT) / 2, height - 6, "batch after batch", "middle"),
  ].join("");
}

// The error and its two parts as bars to the left (too low) or right (too high) of 0.
export function split(width, parts) {
  const row = 34,
    narrow = width < 480,
    names = narrow ? 0 : 118,
    number = 62;
  const tall = narrow ? row + 16 : row,
    height = parts.length * tall + 6;
  const low = Math.min(0, ...parts.map(({ value }) => value)),
    high = Math.max(0, ...parts.map(({ value }) => value));
  const reach = high - low || 1,
    start = names + (low < 0 ? number : 8),
    room = width - start - (high > 0 ? number : 8);
  const x = (value) => start + ((value - low) / reach) * room;
  const rows = parts.map(({ name, value, kind }, i) => {
    const y = 4 + i * tall + (narrow ? 18 : 4),
      left = Math.min(x(value), x(0)),
      wide = Math.abs(x(value) - x(0));
    const beside = value < 0 ? x(value) - 6 : x(value) + 6;
    return [
      label(0, narrow ? y - 5 : y + 16, name, "start", "part-name"),
      `<rect class="${kind}" x="${r(left)}" y="${y}" width="${r(Math.max(wide, 1))}" height="22"/>`,
      label(beside, y + 16, signed(value), value < 0 ? "end" : "start", "part-value"),
    ].join("");
  });
  const zero = `<line class="axis" x1="${r(x(0))}" x2="${r(x(0))}" y1="2" y2="${height - 2}"/>`;
  return { svg: rows.join("") + zero, height };
}

export function signed(value) {
  const text = Math.abs(value).toFixed(Math.abs(value) < 100 ? 3 : 1);
  return text === "0.000" ? text : (value < 0 ? "\u2212" : "+") + text;
}

function level(kind, y, width) {
  return `<line class="${kind}" x1="${LEFT}" x2="${width - RIGHT}" y1="${r(y)}" y2="${r(y)}"/>`;
}

// The end of an axis: 1, or what has short quarters.
export function roundUp(value) {
  if (!(value > 1)) return 1;
  const unit = 10 ** Math.floor(Math.log10(value));
  return unit * [1, 2, 4, 8, 10].find((step) => value <= step * unit);
}

function axis(y, width, highest) {
  return [0, 0.25, 0.5, 0.75, 1]
    .map((share) => {
      const value = share * highest;
      const line = `<line class="grid" x1="${LEFT}" x2="${width - RIGHT}" y1="${r(y(value))}" y2="${r(y(value))}"/>`;
      return line + label(LEFT - 6, y(value) + 4, short(value), "end");
    })
    .join("");
}

function ticks(most, width) {
  const sizes = [];
  for (let size = 1; size <= most; size *= width < 500 ? 8 : 4) sizes.push(size);
  return sizes;
}

function short(value) {
  if (value < 1000) return String(value);
  return value < 1e6 ? `${value / 1000}k` : `${value / 1e6}M`;
}

function compact(size) {
  return size < 10_000 ? size.toLocaleString("en-US") : `${Math.round(size / 1000)}k`;
}

function label(x, y, text, anchor, kind = "tick") {
  return `<text class="${kind}" x="${r(x)}" y="${r(y)}" text-anchor="${anchor}">${text}</text>`;
}

function clip(value, highest) {
  return Math.min(Math.max(value, 0), highest);
}

function r(value) {
  return Math.round(value * 10) / 10;
}
