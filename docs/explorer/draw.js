// Pictures as SVG texts, as wide as their place, so that letters keep their size on a phone.

const LEFT = 38, RIGHT = 12;

// The logged value over the batch size. `points`: [size, expected]; `own`: size, expected, sd.
export function curve(width, points, own, truth, name) {
  const height = Math.min(300, Math.max(220, width * 0.45)), top = 14, bottom = 40;
  const most = points[points.length - 1][0];
  const x = (size) => LEFT + (Math.log2(size) / Math.max(Math.log2(most), 1)) * (width - LEFT - RIGHT);
  const y = (value) => height - bottom - value * (height - top - bottom);
  const path = points.map(([size, value], i) => `${i ? "L" : "M"}${r(x(size))} ${r(y(value))}`).join("");
  const marks = ticks(most, width).map((size) => label(x(size), height - 22, compact(size), "middle"));
  const bar = [own.expected - 1.96 * own.sd, own.expected + 1.96 * own.sd].map((v) => y(clip(v)));
  return [
    axis(y, width),
    ...marks,
    label((LEFT + width - RIGHT) / 2, height - 5, "batch size", "middle"),
    `<line class="truth" x1="${LEFT}" x2="${width - RIGHT}" y1="${r(y(truth))}" y2="${r(y(truth))}"/>`,
    `<path class="logged" d="${path}"/>`,
    `<line class="spread" x1="${r(x(own.size))}" x2="${r(x(own.size))}" y1="${r(bar[0])}" y2="${r(bar[1])}"/>`,
    `<circle class="own" cx="${r(x(own.size))}" cy="${r(y(own.expected))}" r="6"/>`,
    names(x, y, width, own, truth, name, points),
  ].join("");
}

// "true" above or below its line at the right end, and "you" beside the reader's point.
function names(x, y, width, own, truth, name, points) {
  const high = y(truth) > 30;
  const over = Math.max(...points.map(([, value]) => value)) > truth;
  const up = high && !over;
  const right = x(own.size) < width - 150, side = right ? 12 : -12;
  const near = Math.abs(y(own.expected) - y(truth)) < 34;
  const down = near ? (own.expected > truth && y(own.expected) > 40 ? -14 : 24) : 4;
  const words = `your batches: ${own.expected.toFixed(3)}`;
  return [
    label(width - RIGHT, y(truth) + (up ? -7 : 16), `true ${name} ${truth.toFixed(3)}`, "end", "truth-name"),
    label(x(own.size) + side, y(own.expected) + down, words, right ? "start" : "end", "logged-name"),
  ].join("");
}

// The batches of an epoch as bars: `values` (NaN where left out), `empty` whether there is nothing.
export function bars(width, values, empty, truth, mean) {
  const height = 170, top = 10, bottom = 26, room = width - LEFT - RIGHT;
  const step = room / values.length, thick = Math.max(step - (step > 4 ? 1.5 : 0.5), 0.8);
  const y = (value) => height - bottom - value * (height - top - bottom);
  const column = (value, i) => {
    const x = r(LEFT + i * step), base = height - bottom;
    const back = `<rect class="empty" x="${x}" y="${top}" width="${r(thick)}" height="${base - top}"/>`;
    const shown = Number.isNaN(value) ? 0 : value;
    const bar = `<rect class="bar" x="${x}" y="${r(y(shown))}" width="${r(thick)}" height="${r(base - y(shown))}"/>`;
    return (empty[i] ? back : "") + (shown > 0 && !empty[i] ? bar : "");
  };
  const across = (kind, value) =>
    `<line class="${kind}" x1="${LEFT}" x2="${width - RIGHT}" y1="${r(y(value))}" y2="${r(y(value))}"/>`;
  return [
    axis(y, width),
    ...values.map(column),
    across("truth", truth),
    Number.isNaN(mean) ? "" : across("mean", mean),
    label((LEFT + width - RIGHT) / 2, height - 6, "batch after batch", "middle"),
  ].join("");
}

// The error and its two parts as bars to the left (too low) or right (too high) of 0.
export function split(width, parts) {
  const row = 34, narrow = width < 480, names = narrow ? 0 : 118, number = 62;
  const tall = narrow ? row + 16 : row, height = parts.length * tall + 6;
  const low = Math.min(0, ...parts.map(({ value }) => value)), high = Math.max(0, ...parts.map(({ value }) => value));
  const reach = high - low || 1, start = names + (low < 0 ? number : 8), room = width - start - (high > 0 ? number : 8);
  const x = (value) => start + ((value - low) / reach) * room;
  const rows = parts.map(({ name, value, kind }, i) => {
    const y = 4 + i * tall + (narrow ? 18 : 4), left = Math.min(x(value), x(0)), wide = Math.abs(x(value) - x(0));
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
  const text = Math.abs(value).toFixed(3);
  return text === "0.000" ? text : (value < 0 ? "\u2212" : "+") + text;
}

function axis(y, width) {
  return [0, 0.25, 0.5, 0.75, 1]
    .map((value) => {
      const line = `<line class="grid" x1="${LEFT}" x2="${width - RIGHT}" y1="${r(y(value))}" y2="${r(y(value))}"/>`;
      return line + label(LEFT - 6, y(value) + 4, String(value), "end");
    })
    .join("");
}

function ticks(most, width) {
  const sizes = [];
  for (let size = 1; size <= most; size *= width < 500 ? 8 : 4) sizes.push(size);
  return sizes;
}

function compact(size) {
  return size < 10_000 ? size.toLocaleString("en-US") : `${Math.round(size / 1000)}k`;
}

function label(x, y, text, anchor, kind = "tick") {
  return `<text class="${kind}" x="${r(x)}" y="${r(y)}" text-anchor="${anchor}">${text}</text>`;
}

function clip(value) {
  return Math.min(Math.max(value, 0), 1);
}

function r(value) {
  return Math.round(value * 10) / 10;
}
