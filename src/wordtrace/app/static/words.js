// A text with its words coloured by contribution. A coloured word can be pressed: it lights up
// wherever it has a part. One word of a text is reached by Tab, the others by the arrow keys.
import { signed, visible } from "./characters.js";
import { excerptOf, segmentsOf } from "./segments.js";
import { html, useEffect, useMemo, useRef, useState } from "./vendor/preact.js";

// Under this share of the largest contribution, a word is left without colour and line.
const FAINT = 0.004;

/**
 * text: as the data have it; field: which of a pair's texts it is, for the words' places;
 * words: of a trace; scale: the largest |contribution| (colours of texts with one scale compare);
 * digits: behind the point; lit: the name of the word that is lit; onPick(name): a word is pressed;
 * mark: [start, end] in characters, of a part that is set off;
 * room: how many characters of a long text are shown at first (0: all).
 */
export function Text({ text, field = "text", words, scale = 0, digits = 3, lit, onPick, mark, room = 420 }) {
  const [open, setOpen] = useState(false);
  const [current, setCurrent] = useState(0);
  const box = useRef(null);
  const segments = useMemo(() => segmentsOf(text, field, words, mark), [text, field, words, mark?.join()]);
  useEffect(() => setCurrent(0), [text, words]);
  const parts = useMemo(
    () => (open || !room ? [{ shown: true, start: 0, end: text.length }] : excerptOf(text, segments, room, lit)),
    [text, segments, open, room, lit],
  );
  let place = -1;
  const moved = (event) => {
    const all = [...box.current.querySelectorAll("[data-word]")];
    const at = all.indexOf(document.activeElement);
    if (at < 0) return;
    const turned = getComputedStyle(box.current).direction === "rtl" ? -1 : 1;
    const steps = { ArrowRight: turned, ArrowLeft: -turned, Home: -at, End: all.length - 1 - at };
    if (event.key in steps) {
      const next = Math.max(0, Math.min(all.length - 1, at + steps[event.key]));
      setCurrent(next);
      all[next].focus();
    } else if (event.key === "Enter" || event.key === " ") all[at].click();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const piece = (one, start, end) => {
    const said = visible(text.slice(start, end));
    return one.marked ? html`<mark>${coloured(one, said)}</mark>` : coloured(one, said);
  };
  const coloured = (one, said) => {
    if (!one.names.length || !onPick || !(Math.abs(one.value) > FAINT * scale)) return said;
    place += 1;
    const mine = place;
    return html`<${Word} said=${said} value=${one.value} scale=${scale} digits=${digits}
      lit=${lit != null && one.names.includes(lit)} reached=${mine === current}
      onPick=${() => { setCurrent(mine); onPick(one.names.includes(lit) ? lit : one.names[0]); }} />`;
  };
  const shown = parts.map((part) =>
    part.shown
      ? segments
          .filter((one) => one.start < part.end && part.start < one.end)
          .map((one) => piece(one, Math.max(one.start, part.start), Math.min(one.end, part.end)))
      : html` <button class="plain gap" onClick=${() => setOpen(true)} aria-label="Show what is left out"
          title=${`${(part.end - part.start).toLocaleString("en")} characters are left out`}>[…]</button> `,
  );
  const cut = parts.some((part) => !part.shown);
  return html`<div class=${`words${cut ? " cut" : ""}`} dir="auto" ref=${box} onKeyDown=${onPick && moved}>${shown}
    ${cut && html` <button class="plain" onClick=${() => setOpen(true)}>show all ${text.length.toLocaleString("en")} characters</button>`}
    ${open && room > 0 && html` <button class="plain" onClick=${() => setOpen(false)}>show less</button>`}</div>`;
}

function Word({ said, value, scale, digits, lit, reached, onPick }) {
  const share = scale ? Math.min(1, Math.abs(value) / scale) : 0;
  const told = signed(value, digits);
  return html`<span class=${`word ${value < 0 ? "minus" : "plus"}${lit ? " lit" : ""}`} data-word
    data-told=${told} style=${{ "--share": Math.sqrt(share).toFixed(3) }} role="button"
    tabindex=${reached ? 0 : -1} aria-pressed=${lit} aria-label=${`${said} ${told}`}
    onClick=${onPick}>${said}</span>`;
}
