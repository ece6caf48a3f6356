/** Elements and numbers, as text for people. */

/** An element: properties starting with `on` are listeners, `true` is an attribute without a value, null is left out;
 * of `aria-…`, both true and false are said. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name.startsWith("aria-") && value != null) element.setAttribute(name, String(value));
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child != null));
  return element;
}

/** A number with as many digits as matter in a range of this span. */
export function number(value, span) {
  const digits = Math.max(0, Math.min(6, Math.round(2 - Math.log10(span || 1))));
  return withMinus(value.toFixed(digits));
}

/** A number with its sign. */
export function signed(value, span) {
  const text = number(value, span);
  return value > 0 && Number(text) !== 0 ? `+${text}` : text;
}

/** A share as a percentage; small ones are said to be small. */
export function percent(share) {
  if (share > 0 && share < 0.005) return "< 1 %";
  return `${Math.round(100 * share)} %`;
}

/** A label of a factor as people write it: a name, or a number. Between levels whose names are numbers lie numbers.
 *
 * @param {Chart} chart of the factor
 * @param {number} value in the units of its labels, not rounded to a level
 * @param {number} span of what is shown beside it, which decides on the digits
 */
export function labelText(chart, value, span) {
  const { values } = chart.factor;
  if (!values) return number(value, span);
  const last = values.length - 1;
  const numbers = values.map(Number);
  const low = Math.min(Math.max(Math.floor(value), 0), Math.max(last - 1, 0));
  if (last > 0 && values.every((name) => name.trim() !== "") && numbers.every(Number.isFinite)) {
    return number(
      numbers[low] + (value - low) * (numbers[low + 1] - numbers[low]),
      (span * (numbers[last] - numbers[0])) / last,
    );
  }
  return values[Math.min(last, Math.max(0, Math.round(value)))];
}

/** A score of a card. */
export function score(value) {
  return value == null ? "–" : withMinus(value.toFixed(3));
}

/** `floor_hue` as people write it. */
export function title(name) {
  const words = name.replaceAll("_", " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function withMinus(text) {
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
}
