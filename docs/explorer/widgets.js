// Sliders beside fields, and buttons that copy.
import { parseNumber } from "./numbers.js";
import { t } from "./texts.js";

export const PLACES = 1000; // of a slider

export function fromPlace(slider) {
  const { low, high, scale, whole } = slider.dataset,
    share = Number(slider.value) / PLACES;
  const value = scale === "log" ? low * (high / low) ** share : Number(low) + share * (high - low);
  if (whole !== undefined)
    return String(value < 1000 ? Math.round(value) : Number(value.toPrecision(3)));
  return String(Number(scale === "log" ? value.toPrecision(3) : value.toFixed(2)));
}

export function placeSlider(slider, text) {
  const { low, high, scale } = slider.dataset,
    { value = NaN } = parseNumber(text);
  const along = (x) => (scale === "log" ? Math.log(x) : Number(x));
  const share = (along(value) - along(low)) / (along(high) - along(low));
  if (document.activeElement !== slider && Number.isFinite(share))
    slider.value = Math.round(PLACES * share);
  slider.classList.toggle("unset", text.trim() === "");
  slider.setAttribute("aria-valuetext", text.trim() === "" ? t("got-nothing") : text);
}

export async function copy(button, text, say) {
  const done = await copied(text);
  say(t(done ? "said-copied" : "said-refused"));
  button.textContent = t(done ? "copied" : "refused");
  setTimeout(() => (button.textContent = t(button.dataset.t)), 1500);
}

// A page from disk may lack the clipboard's interface: then through a selection.
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.body.appendChild(document.createElement("textarea"));
    area.value = text;
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}
