// Proponents and opponents side by side; of two measures, each measure's beside the other's.
import { digitsFor, percent } from "./characters.js";
import { Go, Hit, partOf } from "./hit.js";
import { html, useMemo } from "./vendor/preact.js";

const SIDES = {
  proponents: ["Proponents", "speak for", "Training rows that made the model more sure of it: training on them lowers the loss of this answer."],
  opponents: ["Opponents", "speak against", "Training rows that made the model less sure of it: training on them raises the loss of this answer."],
};

/** What all rows of an answer share: the colours' scale, the bars' lengths, the digits. */
export function sizesOf(query) {
  const hits = [...query.proponents, ...query.opponents];
  const most = (values) => values.reduce((one, other) => Math.max(one, Math.abs(other)), 0);
  const words = hits.flatMap((hit) => hit.words ?? []);
  const shown = words.filter((word) => word.role !== "template" && word.spans.length);
  const largest = most(hits.map((hit) => hit.score));
  return {
    scale: most(shown.map((word) => word.contribution)),
    largest: largest || 1,
    step: most(hits.flatMap((hit) => hit.by_checkpoint ?? [])),
    digits: digitsFor(largest),
  };
}

/** One side of an answer, its rows with the lit word first. */
export function Side({ side, answer, name, lit, onPick, labelled, labels, prove, title, other }) {
  const query = answer.queries[0];
  const sizes = useMemo(() => sizesOf(query), [query]);
  const hits = query[side];
  const order = useMemo(() => {
    const places = hits.map((_, place) => place);
    if (lit == null) return places;
    const parts = hits.map((hit) => Math.abs(partOf(hit, lit)));
    return places.sort((a, b) => parts[b] - parts[a] || a - b);
  }, [hits, lit]);
  const [heading, way, help] = SIDES[side];
  const held = lit == null ? 0 : hits.filter((hit) => partOf(hit, lit)).length;
  return html`<section class="side" aria-label=${title ? `${heading} by ${title}` : heading}>
    <div class="line head">
      <h2 title=${help}>${title ?? heading} ${title == null && html`<span class="soft">${way} <bdi>${name}</bdi></span>`}</h2>
      ${lit != null && html`<span class="soft small">${held} of ${hits.length} hold the lit word</span>`}
      ${prove && hits.length > 0 && html`<${Go} view="prove" settings=${{ ...prove, remove: side }} class="push small"
        title="Train again without the strongest of them, beside controls, and see what the model says then">Prove it<//>`}
    </div>
    ${hits.length === 0 && html`<p class="soft">None: no training row shares what counts with it.</p>`}
    ${order.map((place) => html`<${Hit} key=${hits[place].id} hit=${hits[place]} rank=${place + 1}
      row=${answer.rows[side][place]} predicted=${labelled ? answer.predicted[side][place] : null}
      self=${answer.row != null && answer.rows[side][place] === answer.row} sizes=${sizes} lit=${lit}
      onPick=${onPick} decision=${answer.decisions?.[side][place]} labels=${labels} labelled=${labelled} checkpoints=${answer.checkpoints}
      elsewhere=${other && 1 + other.queries[0][side].findIndex((hit) => hit.id === hits[place].id)} />`)}
  </section>`;
}

/** How many rows two measures both list. */
export function overlap(one, other, side) {
  const there = new Set(other.queries[0][side].map((hit) => hit.id));
  return one.queries[0][side].filter((hit) => there.has(hit.id)).length;
}

/** The label that is explained, and the others, with what the model gives each. */
export function Labels({ answer, kind, onLabel }) {
  const query = answer.queries[0];
  if (kind === "number")
    return html`<div class="line labels">${["higher", "lower"].map((one) => html`<button key=${one}
      aria-pressed=${query.label === one} onClick=${() => onLabel(one)}>What makes it ${one}?</button>`)}</div>`;
  const all = Object.entries(answer.probabilities).sort((a, b) => b[1] - a[1]);
  if (all.length < 2) return null;
  const few = all.filter(([name], place) => place < 8 || name === query.label);
  return html`<div class="line labels" role="group" aria-label="The label to explain">
    ${few.map(([name, share]) => html`<button key=${name} aria-pressed=${name === query.label} onClick=${() => onLabel(name)}
      title=${`Why${name === query.predicted ? "" : " not"} ${name}?`}>
      <span dir="auto">${name}</span><span class="soft number">${percent(share)}</span>
      <i class="share" style=${{ width: `${100 * share}%` }} aria-hidden="true"></i></button>`)}
    ${all.length > few.length && html`<select aria-label="Another label" value="" onChange=${(event) => onLabel(event.target.value)}>
      <option value="">${all.length - few.length} more labels …</option>
      ${all.slice(8).map(([name, share]) => html`<option value=${name}>${name} (${percent(share)})</option>`)}</select>`}
  </div>`;
}
