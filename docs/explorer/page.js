// The page: from fields and address to the state, and from the state to what is shown.
import { expect, expected, strayOf } from "./expectation.js";
import { at, drawBatches, drawCurve, drawSplit } from "./pictures.js";
import { parseNumber } from "./numbers.js";
import { compatible } from "./search.js";
import { DEFAULTS, InputError, entered, fromHash, read, readLogged, toHash } from "./state.js";
import { copy, fromPlace, placeSlider } from "./widgets.js";
import {
  FLAT_BACK,
  FLAT_REPAIR,
  backText,
  command,
  fixed,
  nearestText,
  title,
  verdictText,
} from "./words.js";

const QUIET = 150; // milliseconds without a change before what takes longer is done
const CHANCE = 2; // standard deviations of one epoch

const controls = at("controls"),
  sliders = document.querySelectorAll("[data-of]");
const repair = at("code-keras3"),
  repairCode = repair.textContent;
let state, timer;
let valid = read(DEFAULTS); // the last numbers that were

function start() {
  for (const control of controls.elements)
    control.addEventListener("input", () => changed(control));
  for (const slider of sliders) slider.addEventListener("input", () => slid(slider));
  controls.addEventListener("submit", (event) => event.preventDefault());
  const say = (text) => (at("said").textContent = text);
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.addEventListener("click", () => copy(button, at(button.dataset.copy).textContent, say));
  }
  at("copy-link").addEventListener("click", (event) =>
    copy(event.currentTarget, location.href, say),
  );
  at("reset").addEventListener("click", () => show({ ...DEFAULTS, framework: state.framework }));
  at("again").addEventListener("click", () =>
    show({ ...state, seed: String((valid.seed + 1) % 2 ** 32) }),
  );
  at("verdict").addEventListener("click", jump);
  addEventListener("hashchange", fromAddress);
  new ResizeObserver(soon).observe(at("batches").parentElement);
  fromAddress();
}

// Down to the repair, but the address goes on holding the state.
function jump(event) {
  if (!event.target.closest("a")) return;
  event.preventDefault();
  at("repair-title").scrollIntoView();
  at("repair-title").focus({ preventScroll: true });
}

function fromAddress() {
  const found = fromHash(location.hash);
  show(found.state, found.refused);
}

function show(next, refused = null) {
  for (const control of controls.elements) {
    if (!(control.name in next)) continue;
    if (control.type === "radio") control.checked = control.value === next[control.name];
    else control.value = next[control.name];
  }
  update(next, refused);
}

function changed(control) {
  if (!(control.name in state)) return;
  if (control.name === "entry") show(entered(state, control.value));
  else update({ ...state, [control.name]: control.value });
}

function slid(slider) {
  const name = slider.dataset.of,
    value = fromPlace(slider);
  at(name).value = value;
  update({ ...state, [name]: value });
}

// What is quick at once; the rest when the reader pauses.
function update(next, refused = null) {
  state = next;
  at("of-rates").hidden = state.entry !== "rates";
  at("of-counts").hidden = state.entry !== "counts";
  at("beta-field").hidden = state.metric !== "f-beta";
  for (const code of document.querySelectorAll("[data-framework]")) {
    code.hidden = code.dataset.framework !== state.framework;
  }
  for (const slider of sliders) placeSlider(slider, state[slider.dataset.of]);
  const given = attempt(() => read(state)),
    wrong = given instanceof InputError;
  if (!wrong) valid = given;
  report(refused ?? (wrong ? given : null));
  nearest();
  headline(expected(...question()));
  soon();
}

// What the counts of the pictures have, where that is not what was entered.
function nearest() {
  const text = nearestText(valid);
  at("nearest").hidden = text === "";
  at("nearest").textContent = text && `Nearest whole counts: ${text}.`;
}

function soon() {
  document.documentElement.removeAttribute("data-ready");
  clearTimeout(timer);
  timer = setTimeout(() => inTurn(rest()), QUIET);
}

// One step after the other, with room between them for a change, which ends them.
function inTurn(steps) {
  if (steps.next().done) document.documentElement.dataset.ready = "yes";
  else timer = setTimeout(() => inTurn(steps), 0);
}

function* rest() {
  const hash = toHash(valid.state);
  if (location.hash !== hash && at("error").hidden) history.replaceState(null, "", hash);
  const found = expect(...question());
  headline(found);
  at("verdict").innerHTML = verdictText(found, valid);
  drawBatches(valid, found);
  drawSplit(valid, found);
  at("command").textContent = command(valid);
  repair.textContent = (valid.written ? FLAT_REPAIR : "") + repairCode;
  yield;
  drawCurve(valid, found);
  yield;
  answerBack();
}

function question() {
  return [valid.counts, valid.size, valid.averaging, valid.zero, valid.ratio, valid.written];
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
  const still = "The pictures show the last numbers that were valid.";
  at("error").hidden = error === null;
  at("error").textContent = error === null ? "" : `${error.message}. ${still}`;
  document.body.classList.toggle("stale", error !== null);
  for (const control of controls.querySelectorAll("[name]"))
    mark(control, control.name === error?.field);
}

function mark(control, wrong, by = "error") {
  control.setAttribute("aria-invalid", String(wrong));
  if (wrong) control.setAttribute("aria-describedby", by);
  else control.removeAttribute("aria-describedby");
}

function headline(found) {
  const batches = Math.ceil(valid.total / valid.size),
    reach = strayOf(found);
  at("bar-text").textContent = `${batches}/${batches} - val_${valid.name}:`;
  at("logged-value").textContent = fixed(found.expected, 4);
  at("spread-text").textContent = reach > 0 ? `\u00b1 ${fixed(reach, 4)} in 95 % of epochs` : "";
  at("true-name").textContent = title(valid.name);
  at("true-value").textContent = fixed(found.true, 4);
}

// Which F1 the reader's log lets be true.
function answerBack() {
  const asked = attempt(() => readLogged(valid.state));
  const positives = valid.counts[0] + valid.counts[2];
  const told = valid.state.logged.trim() !== "";
  const wrong = told && !valid.written && asked instanceof InputError;
  mark(at("logged"), wrong, "back-text");
  let words = [asked.message, ""];
  if (valid.written) words = [FLAT_BACK, ""];
  else if (!told) words = ["Enter what your log says.", ""];
  else if (positives === 0)
    words = ["Without a positive in the data there is no F1 to look for.", ""];
  else if (!wrong) {
    const rules = [asked.value, asked.within, positives, valid.total, valid];
    words = backText(valid, compatible(...rules), compatible(...rules, CHANCE));
  }
  [at("back-text").textContent, at("back-rest").textContent] = words;
}

window.batchf1 = { compatible, expect, parseNumber, read, fromHash, toHash, verdictText };
start();
