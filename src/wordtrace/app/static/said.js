// What an example or a question says: a text, the two of a pair, or a conversation by message.
import { charactersBefore, placeOfShown, placesOf, signed } from "./characters.js";
import { nameOf } from "./segments.js";
import { html, useEffect, useMemo, useRef, useState } from "./vendor/preact.js";
import { Text } from "./words.js";

/**
 * item: with text, and text2 or turns; words: its coloured words, their places in `spans`.
 * span: [field, start, end] of the part that is explained; onSpan(start, end): a part of the answer
 * was picked with the mouse, in characters of the answer. The rest is as of `Text`.
 */
export function Said({ item, words, span, onSpan, ...shown }) {
  if (item.turns) return html`<${Turns} item=${item} words=${words} span=${span} onSpan=${onSpan} ...${shown} />`;
  const fields = item.text2 == null ? ["text"] : ["text", "text2"];
  const answer = fields.at(-1);
  return fields.map((field) => {
    const text = html`<${Text} key=${field} text=${item[field]} field=${field} words=${words}
      mark=${span?.[0] === field ? span.slice(1) : null} ...${shown} room=${onSpan ? 0 : shown.room} />`;
    return onSpan && field === answer
      ? html`<${Pickable} text=${item[field]} onSpan=${onSpan}>${text}<//>`
      : html`<div class=${`field-${field}`}>${text}</div>`;
  });
}

function Turns({ item, words, span, onSpan, ...shown }) {
  const placeOf = useMemo(() => placesOf(item.text), [item.text]);
  const said = (words ?? []).filter((word) => word.role !== "template" && word.query_role !== "template");
  const rest = (words ?? []).filter((word) => !said.includes(word));
  const answer = item.turns.findLastIndex((turn) => turn.role === "assistant");
  const sum = rest.reduce((total, word) => total + word.contribution, 0);
  const lit = rest.length > 0 && rest.some((word) => nameOf(word) === shown.lit);
  return html`${item.turns.map((turn, number) => {
    const inside = said.map((word) => ({
      ...word,
      spans: word.spans.map(([field, start, end]) => [field, start - turn.start, end - turn.start]),
    }));
    const text = item.text.slice(placeOf(turn.start), placeOf(turn.end));
    const mark = span && number === answer ? [span[1] - turn.start, span[2] - turn.start] : null;
    const picked = onSpan && number === answer;
    const body = html`<${Text} text=${text} words=${inside} mark=${mark} ...${shown} room=${picked ? 0 : shown.room} />`;
    return html`<div class=${`spoken ${number === answer ? "answer" : ""}`}>
      <span class="role" dir="auto">${turn.role}</span>
      ${picked ? html`<${Pickable} text=${text} onSpan=${onSpan}>${body}<//>` : html`<div>${body}</div>`}
    </div>`;
  })}
  ${rest.length > 0 && html`<div class="spoken template"><span class="role">template</span>
    <span class=${`tag${lit ? " lit" : ""}`} title="What the chat template writes between the messages">
      all that the template writes <b class=${sum < 0 ? "minus-ink" : "plus-ink"}>${signed(sum, shown.digits)}</b></span></div>`}`;
}

/** An answer of which a part can be picked with the mouse, to be explained alone. */
function Pickable({ text, onSpan, children }) {
  const box = useRef(null);
  const [picked, setPicked] = useState(null);
  useEffect(() => {
    const changed = () => setPicked(selected(box.current?.querySelector(".words"), text));
    document.addEventListener("selectionchange", changed);
    return () => document.removeEventListener("selectionchange", changed);
  }, [text]);
  return html`<div class="pickable" ref=${box}>${children}
    <p class="soft small picked">${picked
      ? html`<button class="primary" onMouseDown=${(event) => event.preventDefault()}
          onClick=${() => onSpan(...picked)}>Explain this part</button>`
      : "Pick a part of the answer with the mouse to have it explained alone."}</p></div>`;
}

/** The selected part of an element's text, [start, end] in characters; null for none. */
function selected(element, text) {
  const selection = getSelection();
  if (!element || !selection.rangeCount || selection.isCollapsed) return null;
  const range = selection.getRangeAt(0);
  if (!element.contains(range.startContainer) || !element.contains(range.endContainer)) return null;
  const before = document.createRange();
  before.setStart(element, 0);
  before.setEnd(range.startContainer, range.startOffset);
  const start = before.toString().length;
  const places = [start, start + range.toString().length].map((shown) => placeOfShown(text, shown));
  if (!text.slice(...places).trim()) return null;
  return places.map((place) => charactersBefore(text, place));
}
