// The page: from fields and address to the state, and from the state to words and pictures.
import { bars, curve, signed, split } from "./draw.js";
import { expect, expected } from "./expectation.js";
import { valueOf } from "./metrics.js";
import { compatible } from "./search.js";
import { batchMean, epoch } from "./simulate.js";
import { DEFAULTS, InputError, entered, fromHash, read, readLogged, shown, toHash } from "./state.js";

const QUIET = 150; // milliseconds without a change before what takes longer is done
const FINE = 0.01; // an error that nobody minds, as in batchf1 expect
const EMPTY = { precision: "no alarm", recall: "no positive" };

const at = (id) => document.getElementById(id);
const controls = at("controls");
let state, timer;

function start() {
  for (const control of controls.elements) control.addEventListener("input", () => changed(control));
  for (const slider of document.querySelectorAll("[data-of]")) slider.addEventListener("input", () => slid(slider));
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.addEventListener("click", () => copy(button, at(button.dataset.copy).textContent));
  }
  at("copy-link").addEventListener("click", (event) => copy(event.currentTarget, location.href));
  at("reset").addEventListener("click", () => show({ ...DEFAULTS, framework: state.framework }));
  at("again").addEventListener("click", () => show({ ...state, seed: String((Number(state.seed) + 1) % 2 ** 32) }));
  addEventListener("hashchange", () => location.hash !== toHash(state) && fromAddress());
  new ResizeObserver(soon).observe(at("batches").parentElement);
  fromAddress();
}

function fromAddress() {
  const found = fromHash(location.hash);
  show(found.state, found.refused);
}

function show(next, refused = null) {
  state = next;
  for (const control of controls.elements) {
    if (!(control.name in state)) continue;
    if (control.type === "radio") control.checked = control.value === state[control.name];
    else control.value = state[control.name];
  }
  update(refused);
}

function changed(control) {
  if (!(control.name in state)) return;
  if (control.name === "entry") show(entered(state, control.value));
  else {
    state = { ...state, [control.name]: control.value };
    update();
  }
}

function slid(slider) {
  const value = fromPlace(slider, Number(slider.value));
  at(slider.dataset.of).value = value;
  state = { ...state, [slider.dataset.of]: value };
  update();
}

// What is quick at once; the rest when the reader pauses.
function update(refused = null) {
  at("of-rates").hidden = state.entry !== "rates";
  at("of-counts").hidden = state.entry !== "counts";
  at("beta-field").hidden = state.metric !== "f-beta";
  for (const code of document.querySelectorAll("[data-framework]")) code.hidden = code.dataset.framework !== state.framework;
  document.querySelectorAll("[data-of]").forEach(placeSlider);
  document.documentElement.removeAttribute("data-ready");
  const given = attempt(() => read(state));
  report(refused ?? (given instanceof InputError ? given : null));
  if (!(given instanceof InputError)) headline(given, expected(...question(given)));
  soon();
}

function soon() {
  clearTimeout(timer);
  timer = setTimeout(rest, QUIET);
}

function rest() {
  const given = attempt(() => read(state));
  if (!(given instanceof InputError)) {
    if (location.hash !== toHash(state)) history.replaceState(null, "", toHash(state));
    const found = expect(...question(given));
    headline(given, found);
    verdict(given, found);
    drawBatches(given, found);
    drawSplit(given, found);
    drawCurve(given, found);
    at("command").textContent = command(given);
    answerBack(given);
  }
  document.documentElement.dataset.ready = "yes";
}

function question({ counts, size, averaging, zero, ratio }) {
  return [counts, size, averaging, zero, ratio];
}

function attempt(find) {
  try {
    return find();
  } catch (error) {
    if (error instanceof InputError) return error;
    throw error;
  }
}

// One line for what is refused, and a mark at its field.
function report(error) {
  at("error").hidden = error === null;
  at("error").textContent = error === null ? "" : `${error.message}. The picture is of what was valid before.`;
  document.body.classList.toggle("stale", error !== null);
  for (const control of controls.elements) {
    const wrong = error !== null && control.name !== "" && control.name === error.field;
    if (wrong) control.setAttribute("aria-invalid", "true");
    else control.removeAttribute("aria-invalid");
    if (wrong) control.setAttribute("aria-describedby", "error");
    else if (control.id !== "logged") control.removeAttribute("aria-describedby");
  }
}

function headline(given, found) {
  const batches = Math.ceil(given.total / given.size);
  at("bar-text").textContent = `${batches}/${batches} - val_${given.name}:`;
  at("logged-value").textContent = fixed(found.expected, 4);
  at("spread-text").textContent = found.sd > 0 ? `\u00b1 ${fixed(1.96 * found.sd, 4)} in 95 % of epochs` : "";
  at("true-name").textContent = title(given.name);
  at("true-value").textContent = fixed(found.true, 4);
}

function verdict(given, found) {
  at("verdict").innerHTML = verdictText(given, found);
}

function verdictText(given, { true: truth, expected: logged, error }) {
  if (Number.isNaN(logged)) return "The metric is 0/0 in every batch: there is nothing to average.";
  const close = `The log may be read here: it is within ${FINE} of the truth.`;
  if (Math.abs(error) <= FINE) return close;
  const size = `${fixed(Math.abs(error), 2)} too ${error < 0 ? "low" : "high"}`;
  const share = truth > 0 && error < 0 ? `, ${Math.round((100 * logged) / truth)} % of the true value` : "";
  return `<b>Yes, it is wrong:</b> ${size}${share}. Do not read it, nor choose by it. <a href="#repair-title" data-jump>What to write instead</a>`;
}

function drawBatches(given, found) {
  const batches = epoch(given.counts, given.size, given.seed), width = widthOf("batches");
  const values = batches.map((counts) => valueOf(given.ratio, counts, given.zero));
  const empty = batches.map((counts) => Number.isNaN(valueOf(given.ratio, counts, NaN)));
  const sizes = batches.map((counts) => counts.reduce((a, b) => a + b));
  const mean = batchMean(values, sizes, given.averaging), many = Math.min(values.length, Math.floor(width / 5));
  const nothing = empty.filter(Boolean).length, what = EMPTY[given.name] ?? "no positive and no alarm";
  const counted = Number.isNaN(given.zero) ? "are left out of the mean" : `count ${given.zero}`;
  const which = many < values.length ? ` Shown are the first ${shown(many)}.` : "";
  const text = `${shown(nothing)} of ${shown(values.length)} batches have ${what} and ${counted}. This epoch logs ${fixed(mean, 4)}; the truth is ${fixed(found.true, 4)}.`;
  at("batches-text").textContent = text + which;
  const svg = bars(width, values.slice(0, many), empty.slice(0, many), found.true, mean);
  picture("batches", width, 170, svg, `Bars, one for each batch of a simulated epoch. ${text}`);
}

function drawSplit(given, found) {
  const width = widthOf("split");
  const parts = [
    { name: "empty batches", value: found.empty, kind: "of-empty" },
    { name: "curvature", value: found.curvature, kind: "of-curvature" },
    { name: "error", value: found.error, kind: "of-both" },
  ];
  const { svg, height } = split(width, parts);
  const words = parts.map(({ name, value }) => `${name} ${signed(value)}`).join(", ");
  picture("split", width, height, svg, `Logged minus true value, and its two parts: ${words}.`);
  const what = EMPTY[given.name] ?? "no positive and no alarm";
  at("split-text").textContent = `Empty batches: those with ${what}, in which the metric is 0/0. Curvature: the metric is no linear function of the counts, so that its mean is not the metric of the mean.`;
}

function drawCurve(given, found) {
  const width = widthOf("curve"), most = Math.min(given.total, Math.max(4096, given.size));
  const value = (size) => expected(given.counts, size, given.averaging, given.zero, given.ratio).expected;
  const sizes = sizesUpTo(most, given.size), points = sizes.map((size) => [size, value(size)]);
  const own = { size: given.size, expected: found.expected, sd: found.sd }, name = title(given.name);
  const height = Math.min(300, Math.max(220, width * 0.45));
  const text = `Expected logged ${name} over the batch size from 1 to ${shown(most)}: from ${fixed(points[0][1], 3)} to ${fixed(points.at(-1)[1], 3)}. With batches of ${shown(given.size)}: ${fixed(found.expected, 3)}. True value: ${fixed(found.true, 3)}.`;
  const drawn = Number.isNaN(found.expected) ? "" : curve(width, points, own, found.true, name);
  picture("curve", width, height, drawn, text);
  const row = ([size, logged]) => `<tr><th scope="row">${shown(size)}</th><td>${fixed(logged, 4)}</td><td>${signed(logged - found.true)}</td></tr>`;
  const listed = points.filter(([size]) => Number.isInteger(Math.log2(size)) || size === given.size);
  at("curve-table").tBodies[0].innerHTML = listed.map(row).join("");
}

function sizesUpTo(most, own) {
  const sizes = new Set([own, most]);
  for (let step = 0; 2 ** (step / 4) <= most; step++) sizes.add(Math.round(2 ** (step / 4)));
  return [...sizes].sort((a, b) => a - b);
}

// Which F1 the reader's log lets be true.
function answerBack(given) {
  const asked = attempt(() => readLogged(state));
  const said = at("back-text"), rest = at("back-rest"), wrong = asked instanceof InputError;
  at("logged").toggleAttribute("aria-invalid", wrong);
  const positives = given.counts[0] + given.counts[2];
  rest.textContent = "";
  if (wrong) said.textContent = asked.message;
  else if (positives === 0) said.textContent = "Without a positive in the data the true F1 is 0, or 0/0.";
  else [said.innerHTML, rest.textContent] = backWords(given, asked, positives);
}

function backWords(given, { value, within }, positives) {
  const find = (chance) => compatible(value, within, positives, given.total, given, chance);
  const [near, far] = [find(0), find(2)];
  const where = `${shown(given.total)} samples, ${percent(positives / given.total)} positives, batches of ${shown(given.size)}`;
  if (far.range === null) {
    return [`No classifier logs ${state.logged} with ${where}: the most to be expected is ${fixed(near.most, 3)}, of one without an error. Check these numbers.`, ""];
  }
  const span = ([low, high]) => `${fixed(low, 2)} and ${fixed(high, 2)}`;
  const alone = near.range ? `By its expectation alone the log would allow ${span(near.range)}.` : `By its expectation alone no classifier gives that log: the most is ${fixed(near.most, 3)}.`;
  const means = `Over every precision and recall that can give this log, rounded as you wrote it, within two standard deviations of one epoch. ${alone} Assumed: ${where}, cut at random, F1.`;
  return [`The true F1 lies between <b>${span(far.range)}</b>.`, means];
}

function command(given) {
  const rates = ["positives", "precision", "recall", "samples"].map((name) => state[name].trim());
  const counts = given.counts.map((count, i) => `--${["tp", "fp", "fn", "tn"][i]} ${count}`).join(" ");
  const prevalence = Number((Number(rates[0]) / 100).toPrecision(12));
  const of = state.entry === "counts" ? counts : `--prevalence ${prevalence} --precision ${rates[1]} --recall ${rates[2]} --n-samples ${rates[3]}`;
  const more = [given.name === "f1" ? "" : ` --metric ${given.name}`];
  if (state.averaging !== "per_batch") more.push(" --averaging size_weighted");
  if (state.zero !== "0") more.push(` --zero-division ${state.zero}`);
  return `batchf1 expect ${of} --batch-size ${given.size}${more.join("")}`;
}

function picture(id, width, height, svg, text) {
  const place = at(id);
  place.setAttribute("viewBox", `0 0 ${width} ${height}`);
  place.setAttribute("height", height);
  place.setAttribute("aria-label", text);
  place.innerHTML = svg;
}

function widthOf(id) {
  return Math.max(Math.floor(at(id).parentElement.clientWidth - 2 * 16), 240);
}

// A slider's place is 0 to 1000; its value what the field shows.
function fromPlace(slider, place) {
  const { low, high, scale, whole } = slider.dataset, share = place / 1000;
  const value = scale === "log" ? low * (high / low) ** share : Number(low) + share * (high - low);
  if (whole !== undefined) return String(value < 1000 ? Math.round(value) : Number(value.toPrecision(3)));
  return String(Number(scale === "log" ? value.toPrecision(2) : value.toFixed(2)));
}

function placeSlider(slider) {
  const { low, high, scale, of } = slider.dataset, value = Number(state[of]);
  Object.assign(slider, { min: 0, max: 1000, step: 5 });
  const share = scale === "log" ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
  if (document.activeElement !== slider && Number.isFinite(share)) slider.value = Math.round(1000 * share);
  slider.setAttribute("aria-valuetext", state[of]);
}

async function copy(button, text) {
  const done = await copied(text);
  at("said").textContent = done ? "Copied." : "The browser refused to copy.";
  const before = (button.dataset.before ??= button.textContent);
  button.textContent = done ? "Copied" : "Refused";
  setTimeout(() => (button.textContent = before), 1500);
}

// Pages from disk may lack the clipboard's interface: then through a selection.
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const place = document.body.appendChild(document.createElement("textarea"));
    place.value = text;
    place.select();
    const done = document.execCommand("copy");
    place.remove();
    return done;
  }
}

function title(name) {
  return /^f\d/.test(name) ? name.toUpperCase() : name[0].toUpperCase() + name.slice(1);
}

function fixed(value, digits) {
  return Number.isNaN(value) ? "undefined" : value.toFixed(digits);
}

function percent(share) {
  return `${Number((100 * share).toPrecision(3))} %`;
}

window.batchf1 = { compatible, expect, read, fromHash, toHash };
start();
