// Places in texts. The library counts characters (code points); JavaScript counts UTF-16 units, of
// which an emoji has two.
const WIDE = /[\ud800-\udbff][\udc00-\udfff]/;

/** Return a function from a place in characters to the place in the JavaScript string. */
export function placesOf(text) {
  if (!WIDE.test(text)) return (place) => Math.max(0, Math.min(place, text.length));
  const starts = [];
  for (let at = 0; at < text.length; at += text.codePointAt(at) > 0xffff ? 2 : 1) starts.push(at);
  starts.push(text.length);
  return (place) => starts[Math.max(0, Math.min(place, starts.length - 1))];
}

/** The number of characters before a place in a JavaScript string. */
export function charactersBefore(text, unit) {
  let count = 0;
  for (let at = 0; at < unit; at += text.codePointAt(at) > 0xffff ? 2 : 1) count++;
  return count;
}

// What could act instead of being read: control characters, those that turn the direction of
// writing, and what is drawn as nothing. Joiners stay, since scripts and emoji need them.
const HIDDEN = new RegExp(
  "[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5" +
    "\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ufeff\\uffa0\\ufff9-\\ufffb]",
  "g",
);

/** A text as it may be shown: hidden characters are named, as ⟨U+202E⟩. */
export const visible = (text) =>
  text
    .replace(/\r\n/g, "\n")
    .replace(HIDDEN, (one) => `⟨U+${one.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`);

/** The place in a text of a place in what `visible` makes of it. */
export function placeOfShown(text, shown) {
  let at = 0;
  for (let length = 0; at < text.length && length < shown; at++) {
    const one = visible(text[at]);
    length += text[at] === "\r" && text[at + 1] === "\n" ? 0 : one.length;
  }
  return at;
}

/** A number with its sign, a true minus among them; `digits` behind the point. */
export function signed(value, digits = 2) {
  const shown = Math.abs(value).toFixed(digits);
  if (!/[1-9]/.test(shown)) return shown;
  return (value < 0 ? "−" : "+") + shown;
}

/** How many digits show numbers of this size to three places. */
export const digitsFor = (largest) =>
  largest > 0 ? Math.max(0, Math.min(12, 2 - Math.floor(Math.log10(largest)))) : 2;

/** A share in percent; 0 % and 100 % only where they are true. */
export function percent(share) {
  const value = 100 * share;
  if (value > 0 && value < 1) return "<1\u00a0%";
  if (value < 100 && value > 99) return ">99\u00a0%";
  return `${Math.round(value)}\u00a0%`;
}
