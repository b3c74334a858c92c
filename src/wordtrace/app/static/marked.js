// A text in which some places are marked: the words by which other rows oppose it, for example.
import { html, useState } from "./vendor/preact.js";

/** Character offsets of Python count code points; those of JavaScript count halves of some. */
const letters = (text) => Array.from(text);

/**
 * Pieces of a text: {text, word?, value?} in order. words: [[word, value], …];
 * places: for each word [[field, start, end], …]; of overlapping places the first one counts.
 */
export function pieces(text, field, words = [], places = []) {
  const marks = places
    .flatMap((spans, place) => spans.map(([where, start, end]) => ({ where, start, end, word: words[place] })))
    .filter((mark) => mark.where === field && mark.end > mark.start)
    .sort((one, other) => one.start - other.start);
  const all = letters(text);
  const found = [];
  let at = 0;
  for (const { start, end, word } of marks) {
    if (start < at) continue;
    if (start > at) found.push({ text: all.slice(at, start).join("") });
    found.push({ text: all.slice(start, end).join(""), word: word[0], value: word[1] });
    at = end;
  }
  if (at < all.length) found.push({ text: all.slice(at).join("") });
  return found;
}

/** Cut pieces to a number of characters; returns [pieces, characters left out, marks left out]. */
function cut(list, most) {
  const kept = [];
  let room = most, left = 0, marks = 0;
  for (const piece of list) {
    if (room > 0) {
      const text = piece.text.length > room && piece.word == null
        ? letters(piece.text.slice(0, room)).join("") : piece.text;
      kept.push({ ...piece, text });
      left += piece.text.length - text.length;
    } else {
      left += piece.text.length;
      marks += piece.word == null ? 0 : 1;
    }
    room -= piece.text.length;
  }
  return [kept, left, marks];
}

/**
 * A text with its marked words. most: how many characters stand there before "Show all".
 */
export function Marked({ text, field = "text", words, places, most = 1200, removed = false, size }) {
  const [whole, setWhole] = useState(false);
  const list = pieces(text, field, words, places);
  const total = text.length;
  const [shown, left, marks] = whole || total <= most * 1.15 ? [list, 0, 0] : cut(list, most);
  const strongest = Math.max(...(words ?? []).map(([, value]) => Math.abs(value)), 1e-30);
  return html`
    <div class=${"marked" + (removed ? " gone" : "") + (size ? " " + size : "")} dir="auto">
      ${shown.map((piece) => piece.word == null ? piece.text : html`<mark
          class=${piece.value < 0 ? "against" : "for"}
          style=${{ "--weight": (0.35 + 0.65 * Math.abs(piece.value) / strongest).toFixed(2) }}
          title=${`${piece.word}: ${piece.value.toPrecision(2)}`}>${piece.text}</mark>`)}
      ${left > 0 && html`… `}
      ${left > 0 && html`<button class="plain" dir="ltr" onClick=${() => setWhole(true)}>
          Show all (${total.toLocaleString("en")} characters${marks ? `, ${marks} more marked words` : ""})</button>`}
    </div>`;
}
