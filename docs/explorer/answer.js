// The answer at the top: numbers, their picture and what they are good for.
import { strayOf } from "./expectation.js";
import { at, drawStrip } from "./pictures.js";
import { fixed, t } from "./texts.js";
import { title, trustText, verdictText } from "./words.js";

// The answer about a log: the true F1 without the chance of one epoch, and with it.
export function answerLog(given, near, far) {
  const [low, high] = ((far ?? near).range ?? []).map((value) => fixed(value, 2));
  const { value } = given.log;
  at("logged-name").textContent = t("your-log");
  at("bar-text").textContent = at("spread-text").textContent = "";
  at("logged-value").textContent = given.state.logged.trim();
  at("true-name").textContent = t("true-between");
  at("true-value").textContent = low === undefined ? "\u2013" : t("between", { low, high });
  at("verdict").innerHTML = trustText(given, near, far);
  const chance = given.log.known ? far?.range : null;
  drawStrip({ logged: value, near: near.range, far: chance });
}

// What a known classifier logs.
export function headline(given, found) {
  const { name, total, size, endless } = given,
    reach = strayOf(found),
    batches = Math.ceil(total / size);
  at("logged-name").textContent = t("on-average");
  at("bar-text").textContent = endless ? `val_${name}:` : `${batches}/${batches} - val_${name}:`;
  at("logged-value").textContent = fixed(found.expected, 4);
  at("spread-text").textContent = reach > 0 ? t("in-95", { reach: fixed(reach, 4) }) : "";
  at("true-name").textContent = t("true-of", { name: title(name) });
  at("true-value").textContent = fixed(found.true, 4);
  at("verdict").innerHTML = verdictText(found, given);
  drawStrip({ logged: found.expected, stray: reach, truth: found.true });
}
