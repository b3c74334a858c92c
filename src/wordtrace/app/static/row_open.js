// One row, open: its whole text, its figures, and what can be done with it.
import { go } from "./address.js";
import { Decide } from "./decide.js";
import { figure, useAsked } from "./rows_data.js";
import { Said } from "./said.js";
import { html } from "./vendor/preact.js";

/** row: the number of the row; version: asks again when it changes; about: what /index tells. */
export function RowOpen({ row, version, about, onClose }) {
  const { data, error } = useAsked(`/rows/${row}`, null, version);
  if (error) return html`<p class="banner" role="alert">${error.message}</p>`;
  if (!data) return html`<p class="waiting">…</p>`;
  const figures = [
    ["row", data.row.toLocaleString("en"), "Its number in the index"],
    ["suspicion", data.waiting ? "…" : figure(data.suspicion), "How much speaks against the row's label"],
    ["loss", figure(data.loss), "How badly the final model fits the row"],
    ["self-influence", figure(data.self_influence), "How strongly the row speaks for itself: high where nothing else in the data supports its label"],
  ].filter(([, value]) => value !== "");
  return html`
    <div class="row-open">
      <div class="line">
        <a class="button primary" href=${`/why?row=${data.row}`}
          onClick=${(event) => { if (event.metaKey || event.ctrlKey) return; event.preventDefault(); go("why", { row: data.row }); }}>
          Why does the model say ${data.predicted == null ? "that" : html`<bdi>“${data.predicted}”</bdi>`}?</a>
        <${Decide} row=${data} labels=${about.kind === "class" && !about.generates ? about.label_names : []} />
        <button class="push" onClick=${onClose}>Close</button>
      </div>
      <dl class="figures">
        <div><dt>id</dt><dd><bdi class="mono">${data.id}</bdi></dd></div>
        ${data.label != null && html`<div><dt>label</dt><dd><bdi>${data.label}</bdi></dd></div>
          <div><dt>model says</dt><dd><bdi>${data.predicted}</bdi>${data.right === false ? " ✗" : ""}</dd></div>`}
        ${figures.map(([name, value, help]) => html`<div title=${help}><dt>${name}</dt><dd class="number">${value}</dd></div>`)}
      </dl>
      <div class="said"><${Said} item=${data} room=${1500} /></div>
    </div>`;
}
