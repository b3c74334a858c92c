// One training row of a trace: what it says, how much it counts, and when it was learned.
import { addressOf, go } from "./address.js";
import { signed } from "./characters.js";
import { ACTIONS, Decide } from "./decide.js";
import { nameOf } from "./segments.js";
import { Said } from "./said.js";
import { html, useEffect, useState } from "./vendor/preact.js";

/** A link to a view: it opens without loading the page again. */
export function Go({ view, settings, children, ...rest }) {
  const follow = (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
    event.preventDefault();
    go(view, settings);
    scrollTo(0, 0);
  };
  return html`<a href=${addressOf(view, settings)} onClick=${follow} ...${rest}>${children}</a>`;
}

/**
 * hit: of the trace; rank: from 1; row, predicted: of the index; self: whether it is the row that is
 * asked about; sizes: {scale, digits, largest, step}, which all rows of the answer share; lit, onPick:
 * as of `Text`; labelled: whether rows have labels; labels: those to relabel to; decision: what the
 * review holds of it; checkpoints: what /api/trace says of them;
 * elsewhere: its rank by another measure beside; 0 or undefined for none.
 */
export function Hit({ hit, rank, row, predicted, self, sizes, lit, onPick, labelled, labels, decision, checkpoints, elsewhere }) {
  const [decided, setDecided] = useState(decision ?? null);
  useEffect(() => setDecided(decision ?? null), [decision]);
  const part = lit == null ? null : partOf(hit, lit);
  const words = hit.words;
  const bare = words && !words.some((word) => word.kind === "word");
  const sign = hit.score < 0 ? "minus" : "plus";
  return html`<article class=${`hit ${sign}${lit != null && !part ? " unlit" : ""}`} aria-label=${`${rank}: ${hit.id}`}>
    <div class="line">
      <span class="rank soft">${rank}</span><span class="tags line">
      ${labelled && html`<span class="tag" dir="auto" title="Its label in the data">${hit.label}</span>`}
      ${labelled && predicted != null && predicted !== hit.label && html`<span class="tag warn" dir="auto"
        title="The model predicts another label for it than it has">predicted ${predicted}</span>`}
      ${self && html`<span class="tag good" title="The row that is asked about: of course it speaks for itself">this row itself</span>`}
      ${bare && html`<span class="tag warn" title="Only start and end tokens, or words in very many texts">no shared content word</span>`}
      ${elsewhere > 0 && html`<span class="tag">#${elsewhere} by the other</span>`}
      ${part != null && part !== 0 && html`<span class="tag lit">this word ${signed(part, sizes.digits)}</span>`}
      </span><span class="right line"><${Steps} parts=${hit.by_checkpoint} largest=${sizes.step} digits=${sizes.digits} checkpoints=${checkpoints} />
      <span class=${`number score ${sign}-ink`} title="Its influence on this prediction">${signed(hit.score, sizes.digits)}</span></span>
    </div>
    <div class="bar" aria-hidden="true"><i class=${sign} style=${{ width: `${(100 * Math.abs(hit.score)) / sizes.largest}%` }}></i></div>
    <${Said} item=${hit} words=${words} scale=${sizes.scale} digits=${sizes.digits} lit=${lit} onPick=${onPick} room=${300} />
    <div class="line foot soft">
      <span class="mono" dir="auto" title="Its id in the data">${hit.id}</span>
      <${Go} view="why" settings=${{ row }} aria-label=${`Why is row ${hit.id} predicted so?`}>Why?<//>
      ${decided && html`<span class="tag good">${ACTIONS[decided.action]?.done ?? decided.action}</span>`}
      <span class="push"><${Decide} row=${{ row, id: hit.id, label: hit.label, decision: decided }} labels=${labels} onDecided=${setDecided} /></span>
    </div>
  </article>`;
}

/** What a word adds to a row's score. */
export const partOf = (hit, name) =>
  (hit.words ?? []).reduce((sum, word) => sum + (nameOf(word) === name ? word.contribution : 0), 0);

const WIDTH = 5;
const HEIGHT = 18;

/** Tiny bars: the score at each checkpoint. */
function Steps({ parts, largest, digits, checkpoints }) {
  if (!parts || parts.length < 2 || !(largest > 0)) return null;
  const said = parts
    .map((part, place) => `${checkpoints[place]?.name ?? `checkpoint ${place + 1}`}: ${signed(part, digits)}`)
    .join(", ");
  const middle = HEIGHT / 2;
  return html`<svg class="steps" role="img" width=${parts.length * (WIDTH + 2)} height=${HEIGHT} aria-label=${`By checkpoint: ${said}`}>
    <title>By checkpoint: ${said}</title>
    <line x1="0" x2=${parts.length * (WIDTH + 2)} y1=${middle} y2=${middle} />
    ${parts.map((part, place) => {
      const high = Math.max(1, (Math.abs(part) / largest) * middle);
      return html`<rect class=${part < 0 ? "minus" : "plus"} x=${place * (WIDTH + 2)} width=${WIDTH}
        y=${part < 0 ? middle : middle - high} height=${high} />`;
    })}</svg>`;
}
