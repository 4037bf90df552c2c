// The page: from fields and address to the state, and from the state to what is shown.
import { answerLog, headline } from "./answer.js";
import { expect, expected } from "./expectation.js";
import { halfUnit, parseNumber } from "./numbers.js";
import {
  at,
  drawBatches,
  drawCurve,
  drawSplit,
  forgetWidths,
  isQuick,
  question,
} from "./pictures.js";
import { compatible, compatibleInSteps } from "./search.js";
import {
  ARTICLE,
  DEFAULTS,
  InputError,
  entered,
  fromHash,
  missing,
  read,
  toHash,
} from "./state.js";
import { setLanguage, t } from "./texts.js";
import { PLACES, copy, fromPlace, placeSlider } from "./widgets.js";
import {
  FLAT_REPAIR,
  command,
  exampleText,
  flatBackText,
  missingText,
  nearestText,
  verdictText,
} from "./words.js";

const QUIET = 150; // milliseconds without a change before what takes longer is done
const CHANCE = 2; // standard deviations of one epoch, as in batchf1 bound

const controls = at("controls"),
  sliders = document.querySelectorAll("[data-of]");
const repair = at("code-keras3"),
  repairCode = repair.textContent;
let width = document.body.clientWidth,
  state,
  timer;
let valid = null; // the last numbers that were, or null before and where one is missing

function start() {
  for (const control of controls.elements)
    control.addEventListener("input", () => changed(control));
  for (const slider of sliders) {
    Object.assign(slider, { min: 0, max: PLACES, step: 5 });
    slider.addEventListener("input", () => slid(slider));
  }
  controls.addEventListener("submit", (event) => event.preventDefault());
  const say = (text) => (at("said").textContent = text);
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.addEventListener("click", () => copy(button, at(button.dataset.copy).textContent, say));
  }
  at("copy-link").hidden = address() === null;
  at("copy-link").addEventListener("click", (event) => copy(event.currentTarget, address(), say));
  const { lang: _, framework: __, ...usual } = DEFAULTS;
  at("article").addEventListener("click", () => show({ ...ARTICLE, ...chosen() }));
  at("clear").addEventListener("click", () => show({ ...usual, ...chosen() }));
  at("again").addEventListener("click", () =>
    show({ ...state, seed: String((valid.seed + 1) % 2 ** 32) }),
  );
  at("know").addEventListener("click", () =>
    show(entered(state, state.entry === "log" ? "rates" : "log")),
  );
  for (const id of ["flat", "written"]) at(id).addEventListener("input", labelled);
  at("verdict").addEventListener("click", jump);
  addEventListener("hashchange", fromAddress);
  addEventListener("resize", resized);
  fromAddress();
}

function resized() {
  if (width === document.body.clientWidth) return;
  width = document.body.clientWidth;
  forgetWidths();
  update(state);
}

function chosen() {
  return { lang: state.lang, framework: state.framework };
}

// Where others find this page as it is, or null for a file of one's own.
function address() {
  const { site } = document.documentElement.dataset,
    hash = toHash(state ?? DEFAULTS);
  if (site.startsWith("http")) return `${site}/docs/explorer.html${hash}`;
  return location.protocol.startsWith("http") ? location.href : null;
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
  const japanese = navigator.language.startsWith("ja") && !location.hash.includes("lang=");
  if (japanese) found.state.lang = "ja";
  show(found.state, found.refused);
}

function show(next, refused = null) {
  for (const control of controls.elements) {
    if (!(control.name in next)) continue;
    if (control.type === "radio") control.checked = control.value === next[control.name];
    else control.value = next[control.name];
  }
  at("flat").checked = next.labels !== "column";
  if (next.labels !== "column") at("written").value = next.labels;
  update(next, refused);
}

function changed(control) {
  if (!(control.name in state)) return;
  if (control.name === "entry") show(entered(state, control.value));
  else update({ ...state, [control.name]: control.value });
}

function labelled() {
  update({ ...state, labels: at("flat").checked ? at("written").value : "column" });
}

// A slider's number is also what the last picture then changes.
function slid(slider) {
  const name = slider.dataset.of,
    value = fromPlace(slider);
  at(name).value = value;
  const over = name === "samples" ? state.over : name;
  for (const radio of document.getElementsByName("over")) radio.checked = radio.value === over;
  update({ ...state, [name]: value, over });
}

function update(next, refused = null) {
  state = next;
  setLanguage(state.lang);
  arrange();
  for (const slider of sliders) placeSlider(slider, state[slider.dataset.of]);
  const empty = missing(state),
    given = empty.length ? null : attempt(() => read(state)),
    wrong = given instanceof InputError;
  if (!wrong) valid = given;
  report(refused ?? (wrong ? given : null));
  document.documentElement.removeAttribute("data-ready");
  if (valid) showAtOnce();
  else ask(wrong ? "" : missingText(empty, state.entry));
  clearTimeout(timer);
  timer = setTimeout(() => inTurn(rest()), QUIET);
}

// Which fields there are, and what is shown of the answer.
function arrange() {
  const { entry, labels } = state,
    more = entry !== "log";
  at("more").hidden = !more;
  at("know").setAttribute("aria-expanded", String(more));
  at("logged").parentElement.hidden = more;
  at("of-rates").hidden = entry === "counts";
  at("of-share").hidden = at("of-samples").hidden = entry === "counts";
  at("of-counts").hidden = entry !== "counts";
  at("beta-field").hidden = state.metric !== "f-beta";
  at("written-field").hidden = labels === "column" || !more;
  for (const code of document.querySelectorAll("[data-framework]")) {
    code.hidden = code.dataset.framework !== state.framework;
  }
}

function ask(text) {
  showAnswer(false);
  at("verdict").textContent = text;
}

function showAnswer(numbers, pictures = numbers) {
  at("numbers").hidden = !numbers;
  at("strip").toggleAttribute("hidden", !numbers);
  at("pictures").hidden = !pictures;
  at("by-command").hidden = !pictures && !valid?.log;
}

// What a change is seen by at once; `rest` is done when the reader pauses.
function showAtOnce() {
  if (!valid.counts) {
    showAnswer(false);
    at("verdict").innerHTML = flatBackText();
    return;
  }
  const { log } = valid,
    found = expected(question(valid));
  const near = log && (log.near = compatible(...backwards()));
  showAnswer(true, !log || near.range !== null);
  at("nearest").textContent = nearestText(valid);
  at("nearest").hidden = at("nearest").textContent === "";
  at("example").hidden = !log;
  if (log) answerLog(valid, near, log.known ? null : near);
  else headline(valid, found);
  if (at("pictures").hidden) return;
  if (log) at("example").textContent = exampleText(valid);
  if (isQuick(valid)) drawBatches(valid, found);
  drawSplit(valid, found);
}

function backwards() {
  const { value, within, positives, total, cut } = valid.log;
  return [value, within, positives, total, cut];
}

// One step after the other, with room between them for a change, which ends them.
function inTurn(steps) {
  if (steps.next().done) document.documentElement.dataset.ready = "yes";
  else timer = setTimeout(() => inTurn(steps), 0);
}

function* rest() {
  const hash = toHash(at("error").hidden ? state : (valid?.state ?? state));
  if (location.hash !== hash && at("error").hidden) history.replaceState(null, "", hash);
  repair.textContent = (state.labels === "column" ? "" : FLAT_REPAIR) + repairCode;
  if (valid?.counts) yield* slowly();
  at("said").textContent = at("verdict").textContent;
}

function* slowly() {
  at("command").textContent = command(valid);
  const found = valid.log ? { ...expected(question(valid)), sd: 0 } : expect(question(valid));
  if (!valid.log) headline(valid, found);
  if (!at("pictures").hidden) {
    if (!isQuick(valid)) drawBatches(valid, found);
    yield;
    yield* drawCurve(valid, found);
    yield;
  }
  if (!valid.log?.known) return;
  const far = yield* compatibleInSteps(...backwards(), CHANCE);
  answerLog(valid, valid.log.near, far);
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
  const { message = "" } = error ?? {};
  at("error").textContent = message && (valid ? t("still", { message }) : `${message}.`);
  document.body.classList.toggle("stale", error !== null);
  for (const control of controls.querySelectorAll("[name]"))
    mark(control, control.name === error?.field);
}

function mark(control, wrong) {
  if (control.getAttribute("aria-invalid") === String(wrong)) return;
  control.setAttribute("aria-invalid", String(wrong));
  const hint = control.dataset.hint ?? "";
  if (wrong || hint) control.setAttribute("aria-describedby", wrong ? "error" : hint);
  else control.removeAttribute("aria-describedby");
}

window.batchf1 = { compatible, expect, fromHash, halfUnit, parseNumber, read, toHash, verdictText };
start();
