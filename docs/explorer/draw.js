// Pictures as SVG texts, as wide as their place, so that letters keep their size on a phone.
import { strayOf } from "./expectation.js";
import { signed, t } from "./texts.js";

export const LEFT = 38;
const RIGHT = 12;
const RUG = 9; // pixels high: a row of marks under the bars

// The answer from 0 to `highest`: where the log lies, and the true value or all that it may be.
// `near` and `far`: [low, high] without and with the chance of one epoch, or null.
export function strip(width, { logged, stray = 0, truth, near, far, highest }) {
  const x = (value) => 8 + (clip(value, highest) / highest) * (width - 16);
  const bar = (kind, [low, high], y, tall) =>
    `<rect class="${kind}" x="${r(x(low))}" y="${y}" width="${r(Math.max(x(high) - x(low), 2))}" height="${tall}"/>`;
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const anchor = ["start", "middle", "end"][share === 0 ? 0 : share === 1 ? 2 : 1];
    return label(
      x(share * highest) + (share === 0 ? -6 : share === 1 ? 6 : 0),
      40,
      short(share * highest),
      anchor,
    );
  });
  const across = (kind, value) =>
    `<line class="${kind}" x1="${r(x(value))}" x2="${r(x(value))}" y1="2" y2="26"/>`;
  return [
    `<line class="axis" x1="8" x2="${width - 8}" y1="26" y2="26"/>`,
    far ? bar("may-chance", far, 6, 15) : "",
    near ? bar("may", near, far ? 9 : 6, far ? 9 : 15) : "",
    stray > 0 ? bar("logged-band", [logged - stray, logged + stray], 11, 5) : "",
    truth === undefined || Number.isNaN(truth) ? "" : across("truth", truth),
    Number.isNaN(logged) ? "" : across("logged-mark", logged),
    ...ticks,
  ].join("");
}

// Logged and true value over one number, up to `highest`. `points`: {x, expected, true}; `own`: the
// reader's, with sd; `axis`: name, log, ticks, shown.
export function curve(width, points, own, axis, highest) {
  const height = curveHeight(width),
    top = 24,
    bottom = 40;
  const along = axis.log ? Math.log : (value) => value;
  const [first, last] = [points[0].x, points[points.length - 1].x].map(along);
  const x = (value) =>
    LEFT + ((along(value) - first) / (last - first || 1)) * (width - LEFT - RIGHT);
  const y = (value) => height - bottom - (value / highest) * (height - top - bottom);
  const path = (name) =>
    points
      .filter((point) => point[name] <= highest)
      .map((point, i) => `${i ? "L" : "M"}${r(x(point.x))} ${r(y(point[name]))}`)
      .join("");
  const marks = axis.ticks.filter((tick) => along(tick) >= first && along(tick) <= last);
  const stray = strayOf(own),
    bar = [own.expected - stray, own.expected + stray].map((value) => y(clip(value, highest)));
  return [
    levels(y, width, highest),
    ...marks.map((tick) => {
      const far = x(tick) > width - RIGHT - 20;
      return label(x(tick) + (far ? 6 : 0), height - 22, axis.shown(tick), far ? "end" : "middle");
    }),
    label((LEFT + width - RIGHT) / 2, height - 5, t(`axis-${axis.name}`), "middle"),
    `<path class="truth" d="${path("true")}"/>`,
    `<path class="logged" d="${path("expected")}"/>`,
    `<line class="spread" x1="${r(x(own.x))}" x2="${r(x(own.x))}" y1="${r(bar[0])}" y2="${r(bar[1])}"/>`,
    `<circle class="own" cx="${r(x(own.x))}" cy="${r(y(clip(own.expected, highest)))}" r="6"/>`,
    names(x, y, width, own),
  ].join("");
}

export function curveHeight(width) {
  return Math.min(300, Math.max(220, Math.round(width * 0.45)));
}

// Both values beside the reader's place, the larger one above.
function names(x, y, width, own) {
  const right = x(own.x) + 110 < width,
    place = x(own.x) + (right ? 12 : -12),
    anchor = right ? "start" : "end";
  const higher = own.expected > own.true;
  const [upper, lower] = higher ? [own.expected, own.true] : [own.true, own.expected];
  const above = Math.max(y(upper) - 8, 14),
    below = Math.min(Math.max(y(lower) + 18, above + 36), y(0) - 4);
  const truth = t("true-at", { value: own.true.toFixed(3) }),
    logged = t("yours", { value: own.expected.toFixed(3) });
  return [
    label(place, higher ? below : above, truth, anchor, "truth-name"),
    label(place, higher ? above : below, logged, anchor, "logged-name"),
  ].join("");
}

// The batches of an epoch as bars, `values` (NaN where left out); under them a row of marks for those
// of `kinds` "missed", which score 0, and one for those that are "empty".
export function bars(width, height, values, kinds, truth, mean) {
  const highest = roundUp(Math.max(...values.filter((value) => value > 1), mean || 0));
  const top = 10,
    bottom = 26 + 2 * RUG + 8,
    room = width - LEFT - RIGHT;
  const step = room / values.length,
    thick = Math.max(step - (step > 4 ? 1.5 : 0.5), 0.8),
    base = height - bottom;
  const y = (value) => base - (value / highest) * (base - top);
  const paths = { bar: "", counted: "", missed: "", empty: "" }; // one each: quicker than a box a batch
  const box = (kind, i, from, to) =>
    (paths[kind] += `M${r(LEFT + i * step)} ${r(from)}h${r(thick)}v${r(to - from)}h${r(-thick)}z`);
  const rows = { missed: base + 4, empty: base + 4 + RUG + 2 };
  values.forEach((value, i) => {
    if (value > 0) box(kinds[i] === "empty" ? "counted" : "bar", i, y(value), base);
    if (kinds[i]) box(kinds[i], i, rows[kinds[i]], rows[kinds[i]] + RUG);
  });
  const across = (kind, value) =>
    Number.isNaN(value)
      ? ""
      : `<line class="${kind}" x1="${LEFT}" x2="${width - RIGHT}" y1="${r(y(value))}" y2="${r(y(value))}"/>`;
  return [
    levels(y, width, highest),
    ...Object.entries(paths).map(([kind, d]) => `<path class="${kind}" d="${d}"/>`),
    across("truth", truth),
    across("mean", mean),
    label((LEFT + width - RIGHT) / 2, height - 6, t("batch-axis"), "middle"),
  ].join("");
}

// The error and its two parts as bars to the left (too low) or right (too high) of 0, from -`reach` to
// `reach` whatever they are.
export function split(width, parts, reach) {
  const row = 34,
    narrow = width < 480,
    names = narrow ? 0 : 118,
    number = 62;
  const tall = narrow ? row + 16 : row,
    bottom = parts.length * tall + 6;
  const start = names + number,
    room = width - start - number;
  const x = (value) => start + ((clip(value + reach, 2 * reach) / reach) * room) / 2;
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
  const ticks = [-1, -0.5, 0, 0.5, 1].map((share) => {
    const text = share === 0 ? "0" : (share < 0 ? "\u2212" : "+") + short(Math.abs(share) * reach);
    const line = `<line class="${share ? "grid" : "axis"}" x1="${r(x(share * reach))}" x2="${r(x(share * reach))}" y1="2" y2="${bottom}"/>`;
    return line + label(x(share * reach), bottom + 16, text, "middle");
  });
  return { svg: ticks.join("") + rows.join(""), height: bottom + 22 };
}

// The end of an axis: 1, or what has short quarters.
export function roundUp(value) {
  if (!(value > 1)) return 1;
  const unit = 10 ** Math.floor(Math.log10(value));
  return unit * [1, 2, 4, 8, 10].find((step) => value <= step * unit);
}

function levels(y, width, highest) {
  return [0, 0.25, 0.5, 0.75, 1]
    .map((share) => {
      const value = share * highest;
      const line = `<line class="grid" x1="${LEFT}" x2="${width - RIGHT}" y1="${r(y(value))}" y2="${r(y(value))}"/>`;
      return line + label(LEFT - 6, y(value) + 4, short(value), "end");
    })
    .join("");
}

// A number in the room of a tick.
export function short(value) {
  if (value < 1000) return String(Number(value.toPrecision(3)));
  return value < 1e6
    ? `${Number((value / 1000).toPrecision(3))}k`
    : `${Number((value / 1e6).toPrecision(3))}M`;
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
