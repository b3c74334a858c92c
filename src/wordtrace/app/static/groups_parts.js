// The pieces of which the lists of groups are made.
import { go } from "./address.js";
import { ACTIONS } from "./decide.js";
import { html, useState } from "./vendor/preact.js";

const LONG = 420, EDGE = 70;
export const number = (value) => value.toLocaleString("en");
export const percent = (share) => `${Math.floor(share * 100 + 1e-9)} %`;
export const rows = (count) => (count === 1 ? "one row" : `${number(count)} rows`);

/** A link inside the app. */
export function Link({ view, settings, children, ...more }) {
  const address = `/${view}?${new URLSearchParams(settings)}`;
  const follow = (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
    event.preventDefault();
    go(view, settings);
  };
  return html`<a href=${address} onClick=${follow} ...${more}>${children}</a>`;
}

/** How far the server is with what it computes. */
export function Progress({ progress }) {
  const { what, done, total } = progress;
  const share = total ? Math.min(1, done / total) : null;
  return html`
    <div class="card groups-progress">
      <p class="waiting" role="status">Looking at all rows: ${what.toLowerCase()} …</p>
      <progress max="1" value=${share ?? undefined} aria-label="How much is done"></progress>
      <p class="soft small">${share === null ? "" : percent(share)} It is done once; the next time the page opens at once.</p>
    </div>`;
}

/** What was done last, with its undo, over the foot of the page: nothing moves when it appears. */
export function Said({ decisions }) {
  const { said, error, undo } = decisions;
  return html`
    <div class=${`groups-said ${error || said ? "" : "is-empty"}`} role="status">
      ${error ? html`<span class="minus-ink">${error}</span>`
        : said && html`<span>${said}</span> <button onClick=${undo}>Undo</button>`}
    </div>`;
}

/** Pages of a list: settings are the address bar's, as strings. */
export function Pages({ settings, offset, size, total }) {
  if (total <= size) return null;
  const to = (next) => go("groups", { ...settings, offset: next || "" });
  return html`
    <nav class="line groups-pages" aria-label="Pages">
      <button disabled=${offset === 0} onClick=${() => to(Math.max(0, offset - size))}>Previous</button>
      <span class="soft">${number(offset + 1)} to ${number(Math.min(offset + size, total))} of ${number(total)}</span>
      <button disabled=${offset + size >= total} onClick=${() => to(offset + size)}>Next</button>
    </nav>`;
}

/** A text cut into [piece, whether it differs]; long stretches without a difference are left out. */
export function Pieces({ parts, help }) {
  const [whole, setWhole] = useState(false);
  const length = parts.reduce((sum, [piece]) => sum + piece.length, 0);
  const long = length > LONG;
  const shown = long && !whole ? parts.flatMap((part, place) => shortened(part, place, parts.length)) : parts;
  return html`
    <div class=${`groups-text ${whole || !long ? "is-whole" : ""}`} dir="auto">
      <span>${shown.map(([piece, differs]) => (differs ? html`<mark title=${help}>${piece}</mark>` : piece))}</span>
      ${long && html` <button class="plain" aria-expanded=${whole} onClick=${() => setWhole(!whole)}>${whole ? "Show less" : "Show all"}</button>`}
    </div>`;
}

function shortened([piece, differs], place, count) {
  if (count === 1) return [[`${upTo(piece, LONG - 80)} … `, false]];
  const edge = differs ? 2 * EDGE : EDGE;
  if (piece.length <= 2.5 * edge) return [[piece, differs]];
  const after = place === count - 1 ? "" : from(piece, piece.length - edge);
  return [[`${upTo(piece, edge)} … ${after}`, differs]];
}

// Cut between words where there is a space near by.
const upTo = (text, end) => text.slice(0, end).replace(/\s\S{0,20}$/, "");
const from = (text, start) => text.slice(start).replace(/^\S{0,20}\s/, "");

/** Buttons that decide about one row. */
export function Deciding({ row, labels, decisions }) {
  const now = decisions.of(row);
  const toggle = (action) => decisions.act([row.row], now?.action === action ? "clear" : action);
  return html`
    <span class="groups-decide" role="group" aria-label=${`Decide about row ${row.id}`}>
      <button aria-pressed=${now?.action === "keep"} title=${ACTIONS.keep.help}
        onClick=${() => toggle("keep")}>Keep</button>
      <button aria-pressed=${now?.action === "remove"} title=${ACTIONS.remove.help}
        onClick=${() => toggle("remove")}>Remove</button>
      ${labels.length > 1 && html`<${Labels} name="Relabel to …" labels=${labels.filter((one) => one !== row.label)}
        value=${now?.action === "relabel" ? now.label : ""}
        onChosen=${(label) => decisions.act([row.row], label ? "relabel" : "clear", label ? { label } : {})} />`}
    </span>`;
}

/** A list of labels of which one is chosen. */
export function Labels({ name, labels, value = "", onChosen }) {
  return html`
    <select aria-label=${name.replace(" …", "")} value=${value} onChange=${(event) => onChosen(event.target.value)}>
      <option value="">${name}</option>
      ${labels.map((label) => html`<option value=${label}>${label}</option>`)}
    </select>`;
}

/** A row of a group: what it is called, what is said of it, its text, and what can be decided. */
export function Row({ row, labels, decisions, children, help }) {
  const now = decisions.of(row);
  return html`
    <li class=${`groups-row ${now ? `is-${now.action}` : ""}`}>
      <div class="groups-row-head">
        <span class="tag" dir="auto" title="The row's label">${now?.action === "relabel"
          ? html`<s>${row.label}</s> ${now.label}` : row.label}</span>
        ${row.predicted !== row.label && html`<span class="small soft">model says <span dir="auto">${row.predicted}</span></span>`}
        ${children}
        <code class="soft" dir="auto" title="The row's id">${row.id}</code>
        <${Link} view="why" settings=${{ row: row.row }} class="small" aria-label=${`Why? Row ${row.id}`}>Why?<//>
        <span class="push"></span>
        <${Deciding} row=${row} labels=${labels} decisions=${decisions} />
      </div>
      <${Pieces} parts=${row.text_parts ?? [[row.text, false]]} help=${help} />
      ${row.text2 != null && html`<${Pieces} parts=${row.text2_parts ?? [[row.text2, false]]} help=${help} />`}
    </li>`;
}

/** Words, the user's own. */
export function Words({ words, help }) {
  return html`<span class="groups-words" title=${help}>${words.map((word) => html`<span class="tag mono" dir="auto">${word}</span>`)}</span>`;
}
