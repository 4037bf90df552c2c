// Numbers as people write them, 0.5, 0,5 or 50%: the same as src/batchf1/cli/numbers.py.

const FORM = /^([+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+))(?:e([+-]?\d{1,4}))?(\s*%)?$/i;
// a comma that may be a decimal comma as well as a separator of thousands
const THOUSANDS = /^[+-]?[1-9]\d{0,2},\d{3}$/;

// {value}, or {rule}, the name of the text that says what is wrong; `percent`: the unit of the field, a sign or not.
export function parseNumber(text, percent = false) {
  const [, digits, power, sign] = text.trim().match(FORM) ?? [];
  const rule = "number";
  if (digits === undefined) return { rule };
  if (THOUSANDS.test(digits)) {
    return { rule: "comma", whole: digits.replace(",", ""), decimal: digits.replace(",", ".") };
  }
  // the percent sign goes into the exponent, so that 1.1% is the number nearest to 0.011
  const shift = Number(power ?? 0) - (sign || percent ? 2 : 0);
  const value = Number(`${digits.replace(",", ".")}e${shift}`);
  return Number.isFinite(value) ? { value } : { rule };
}

// Half a unit of the last digit that the text writes out: 0.005 for 47%.
export function halfUnit(text) {
  const [, digits = "", power, sign] = text.trim().match(FORM) ?? [];
  const decimals = digits.split(/[.,]/)[1]?.length ?? 0;
  return Number(`0.5e${Number(power ?? 0) - decimals - (sign ? 2 : 0)}`);
}
