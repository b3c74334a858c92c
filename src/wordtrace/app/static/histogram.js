// How rows spread over numbers: bars that are clicked or dragged over, and two fields that say the same.
import { count, figure } from "./rows_data.js";
import { html, useEffect, useRef, useState } from "./vendor/preact.js";

const WIDTH = 280;
const HEIGHT = 56;

/** A field of a number that counts when it is left or Enter is pressed. */
function Edge({ name, value, onSet }) {
  const [typed, setTyped] = useState(value ?? "");
  useEffect(() => setTyped(value ?? ""), [value]);
  const done = () => {
    if (typed === (value ?? "")) return;
    if (typed === "" || Number.isFinite(Number(typed))) onSet(typed);
    else setTyped(value ?? "");
  };
  return html`<input class="edge" inputmode="decimal" aria-label=${name} placeholder=${name.split(" ").pop()} value=${typed}
    onInput=${(event) => setTyped(event.target.value)} onBlur=${done}
    onKeyDown=${(event) => event.key === "Enter" && done()} />`;
}

/**
 * bars: [{from, to, all, matching}]; from, to: the range that is set, as strings; onRange(from, to)
 * sets another one, where "" is no bound; without it, the bars are only looked at. Grey is how many rows there are, coloured how many match.
 */
export function Histogram({ title, help, bars, from, to, logarithmic, onRange }) {
  const [drag, setDrag] = useState(null); // [first, last] bar
  const drawn = useRef(null);
  const most = Math.max(1, ...bars.map((bar) => bar.all));
  const step = WIDTH / bars.length;
  // By the square root, one row among thousands still shows.
  const high = (number) => (number ? Math.max(2, Math.sqrt(number / most) * (HEIGHT - 2)) : 0);
  const at = (event) => {
    const box = drawn.current.getBoundingClientRect();
    const place = Math.floor(((event.clientX - box.left) / box.width) * bars.length);
    return Math.min(bars.length - 1, Math.max(0, place));
  };
  const choose = (first, last) => {
    const range = [first ? String(bars[first].from) : "", last < bars.length - 1 ? String(bars[last].to) : ""];
    const same = range[0] === (from ?? "") && range[1] === (to ?? "");
    onRange(...(same ? ["", ""] : range));
  };
  const end = () => {
    if (drag) choose(Math.min(...drag), Math.max(...drag));
    setDrag(null);
  };
  const set = from != null || to != null;
  const inside = (bar, place) =>
    drag
      ? place >= Math.min(...drag) && place <= Math.max(...drag)
      : (from == null || bar.from >= Number(from)) && (to == null || bar.to <= Number(to));
  return html`
    <fieldset class="facet">
      <legend title=${help}>${title}
        ${set && html`<button class="plain" onClick=${() => onRange("", "")} aria-label=${`Any ${title.toLowerCase()}`}>clear</button>`}
      </legend>
      <svg ref=${drawn} class=${set || drag ? "histogram set" : "histogram"} viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none"
        role="img" aria-label=${`${title} of ${count(bars.reduce((sum, bar) => sum + bar.all, 0))} rows, from ${figure(bars[0].from)} to ${figure(bars.at(-1).to)}`}
        onPointerDown=${onRange && ((event) => {
          event.target.setPointerCapture?.(event.pointerId);
          setDrag([at(event), at(event)]);
        })}
        onPointerMove=${(event) => drag && setDrag([drag[0], at(event)])}
        onPointerUp=${end} onPointerCancel=${() => setDrag(null)}>
        ${bars.map((bar, place) => html`
          <g class=${inside(bar, place) ? "in" : "out"}>
            <title>${figure(bar.from)} to ${figure(bar.to)}: ${count(bar.matching)} of ${count(bar.all)} rows match</title>
            <rect class="whole" x=${place * step} y="0" width=${step} height=${HEIGHT} />
            <rect class="all" x=${place * step + 0.5} width=${step - 1} y=${HEIGHT - high(bar.all)} height=${high(bar.all)} />
            <rect class="matching" x=${place * step + 0.5} width=${step - 1} y=${HEIGHT - high(bar.matching)} height=${high(bar.matching)} />
          </g>`)}
      </svg>
      <div class="ends" title=${logarithmic ? "Each bar is wider than the one before it by the same factor" : undefined}>
        <span>${figure(bars[0].from)}</span>
        ${[1, 2].map((third) => html`<span>${figure(bars[Math.round((third * bars.length) / 3)]?.from ?? bars[0].to)}</span>`)}
        <span>${figure(bars.at(-1).to)}</span>
      </div>
      ${onRange && html`<div class="range">
        <${Edge} name=${`${title} from`} value=${from} onSet=${(value) => onRange(value, to ?? "")} />
        <span class="soft" aria-hidden="true">–</span>
        <${Edge} name=${`${title} to`} value=${to} onSet=${(value) => onRange(from ?? "", value)} />
      </div>`}
    </fieldset>`;
}
