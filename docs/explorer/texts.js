// The page's texts in two languages: texts/en.json and texts/ja.json.
const TEXTS = JSON.parse(document.getElementById("texts").textContent);
export const LANGUAGES = Object.keys(TEXTS);
let language = "en";

// The text of this name, with values in the places of {names}.
export function t(name, values = {}) {
  const text = TEXTS[language][name];
  if (text === undefined) throw new Error(`no text ${name}`);
  return text.replace(/\{(\w+)\}/g, (_, place) => values[place]);
}

export function has(name) {
  return Object.hasOwn(TEXTS[language], name);
}

// Sets the language, and the texts that never change.
export function setLanguage(next) {
  if (language === next) return;
  language = next;
  document.documentElement.lang = next;
  document.title = t("title");
  for (const place of document.querySelectorAll("[data-t]")) place.innerHTML = t(place.dataset.t);
  for (const place of document.querySelectorAll("[data-t-label]")) {
    const values = { name: place.dataset.name };
    place.setAttribute("aria-label", t(place.dataset.tLabel, values));
  }
  for (const slider of document.querySelectorAll("[data-t-slider]")) {
    slider.setAttribute("aria-label", t("slider", { name: t(slider.dataset.tSlider) }));
  }
}

export function shown(count) {
  return count.toLocaleString("en-US");
}

export function fixed(value, digits) {
  return Number.isNaN(value) ? t("undefined") : value.toFixed(digits);
}

export function signed(value) {
  const text = Math.abs(value).toFixed(Math.abs(value) < 100 ? 3 : 1);
  return text === "0.000" ? text : (value < 0 ? "\u2212" : "+") + text;
}
