// Outliers: rows whose texts are unlike all others, with what is unusual about each.
import { html } from "./vendor/preact.js";
import { useComputed, useDecisions } from "./groups_data.js";
import { Pages, Progress, Row, Said, Words, number } from "./groups_parts.js";

const SIZE = 20;

export function Outliers({ about, settings }) {
  const offset = Number(settings.offset) || 0;
  const { data, progress, error, reload } = useComputed("/groups/outliers", { offset, limit: SIZE });
  const decisions = useDecisions(reload);
  const names = about.kind === "class" ? about.label_names : [];
  const shown = data?.rows.map((row) => row.row) ?? [];
  return html`
    <${Said} decisions=${decisions} />
    ${error && html`<p class="banner" role="alert">${error.message}</p>`}
    ${progress && html`<${Progress} progress=${progress} />`}
    ${data && html`
      <div class="toolbar">
        <p class="soft groups-lead">The ${number(data.total)} strangest of ${number(data.examples)} rows, by their words, their letters,
          what they share with other rows, and their length. An unusual text is not a wrong one: it is worth a look.</p>
        <span class="push"></span>
        <button onClick=${() => decisions.act(shown, "keep")}>Keep all on this page</button>
        <button onClick=${() => decisions.act(shown, "remove", { why: "unlike all other rows" })}>Remove all on this page</button>
      </div>
      <ol class="groups-list" start=${offset + 1}>
        ${data.rows.map((row) => html`
          <li class="card groups-card" key=${row.row}>
            <div class="groups-card-head">
              <span class="groups-rank" aria-hidden="true">${number(row.rank)}</span>
              <ul class="groups-reasons">${row.reasons.map((reason) => html`<li dir="auto">${reason}</li>`)}</ul>
              <${Words} words=${row.rare} help="Its words that no other row has, or hardly any" />
            </div>
            <ul class="groups-rows"><${Row} row=${row} labels=${names} decisions=${decisions} /></ul>
          </li>`)}
      </ol>
      <${Pages} settings=${settings} offset=${offset} size=${SIZE} total=${data.total} />`}`;
}
