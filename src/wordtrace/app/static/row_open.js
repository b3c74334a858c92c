// One row, open: its whole text, its figures, and what can be done with it.
import { go } from "./address.js";
import { figure, useAsked } from "./rows_data.js";
import { html } from "./vendor/preact.js";

/** The messages of a conversation by role; of another text, the text. */
export function Said({ text, turns }) {
  if (!turns?.length) return html`<p class="said" dir="auto">${text}</p>`;
  // The server counts characters, JavaScript halves of them.
  const signs = Array.from(text);
  return html`<div class="turns">
    ${turns.map((turn) => html`
      <div class="turn"><span class="tag">${turn.role}</span>
        <p class="said" dir="auto">${signs.slice(turn.start, turn.end).join("")}</p></div>`)}
  </div>`;
}

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
      <${Said} text=${data.text} turns=${data.turns} />
      ${data.text2 != null && html`<${Said} text=${data.text2} />`}
      <dl class="figures">
        <div><dt>id</dt><dd><bdi class="mono">${data.id}</bdi></dd></div>
        ${figures.map(([name, value, help]) => html`<div title=${help}><dt>${name}</dt><dd class="number">${value}</dd></div>`)}
      </dl>
      <div class="line">
        <a class="button primary" href=${`/why?row=${data.row}`}
          onClick=${(event) => { if (event.metaKey || event.ctrlKey) return; event.preventDefault(); go("why", { row: data.row }); }}>
          Why does the model say ${data.predicted == null ? "that" : html`<bdi>“${data.predicted}”</bdi>`}?</a>
        <button class="push" onClick=${onClose}>Close</button>
      </div>
    </div>`;
}
