// How it is to be explained: the measure, another beside it, how many rows, which words count.
import { percent } from "./characters.js";
import { html } from "./vendor/preact.js";

/** measures: what /api/measures tells; set(change): puts settings into the address. */
export function Settings({ settings, set, measures, answer }) {
  const chosen = settings.measure ?? measures.default;
  const one = measures.measures.find((found) => found.name === chosen);
  return html`<div class="toolbar settings">
    <label class="field">Measure<${Choice} value=${chosen} measures=${measures}
      onChange=${(name) => set({ measure: name === measures.default ? null : name, without: byWord(measures, name) ? settings.without : null, word: null })} /></label>
    <label class="field">Beside it<${Choice} value=${settings.beside ?? ""} measures=${measures} none except=${chosen}
      onChange=${(name) => set({ beside: name })} /></label>
    <label class="field">Rows on each side<select value=${settings.top ?? "20"} onChange=${(event) => set({ top: event.target.value === "20" ? null : event.target.value })}>
      ${[...new Set(["5", "10", "20", "50", "100", "200", settings.top ?? "20"])].map((top) => html`<option>${top}</option>`)}</select></label>
    ${one && html`<details class="small"><summary>What is ${chosen}?</summary>
      <dl><dt>Score</dt><dd>${one.equation}</dd><dt>Needs</dt><dd>${one.needs}</dd><dt>Costs</dt><dd>${one.cost}</dd>
        <dt>Words</dt><dd>${one.by_word ? "its scores split into words" : "its scores do not split into words, so none is coloured"}</dd></dl></details>`}
    ${answer.source === "run" && html`<span class="tag">computed anew from the run</span>`}
  </div>`;
}

const byWord = (measures, name) => measures.measures.find((one) => one.name === name)?.by_word;

function Choice({ value, measures, onChange, none, except }) {
  const group = (quick) => measures.measures.filter((one) => one.at_once === quick && one.name !== except);
  const known = value === "" || measures.measures.some((one) => one.name === value);
  return html`<select value=${value} onChange=${(event) => onChange(event.target.value)}>
    ${none && html`<option value="">no other</option>`}
    ${!known && html`<option value=${value}>${value}</option>`}
    <optgroup label="Answered at once">${group(true).map((one) => html`<option value=${one.name}>${one.name}</option>`)}</optgroup>
    <optgroup label="Computed anew, which takes a while">${group(false).map((one) => html`<option value=${one.name}>${one.name}</option>`)}</optgroup>
  </select>`;
}

/** How much of the scores comes from tokens that say little, and a switch to leave them out. */
export function Shares({ query, settings, set }) {
  const without = settings.without ? settings.without.split(",") : [];
  const turn = (kind) => {
    const kept = without.includes(kind) ? without.filter((one) => one !== kind) : [...without, kind];
    set({ without: kept.sort().join() || null, word: null });
  };
  const one = (kind, name, share, help) => html`<label class="choice" title=${help}>
    <input type="checkbox" checked=${without.includes(kind)} onChange=${() => turn(kind)} />
    <span>${name} <span class="soft">${without.includes(kind) ? "left out" : percent(share)}</span></span></label>`;
  return html`<div class="line shares small" role="group" aria-label="Words that count for nothing">
    <span class="soft">Leave out, with their share of the listed scores:</span>
    ${one("special", query.turns ? "the template, start and end tokens" : "start and end tokens", query.special_share, "Special tokens: start, end, padding; of a conversation its template, too")}
    ${one("stop", "very frequent words", query.stop_share, "Stop words: those in more than 20 % of the training texts")}
  </div>`;
}
