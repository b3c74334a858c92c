// Mistakes: training rows that the final model gets wrong, grouped by the words by which they act alike.
import { html } from "./vendor/preact.js";
import { useComputed, useDecisions } from "./groups_data.js";
import { Labels, Link, Pages, Progress, Row, Said, Words, number } from "./groups_parts.js";

const SIZE = 20;

export function Mistakes({ about, settings }) {
  const offset = Number(settings.offset) || 0;
  const { data, progress, error, reload } = useComputed("/groups/mistakes", { offset, limit: SIZE });
  const decisions = useDecisions(reload);
  return html`
    <${Said} decisions=${decisions} />
    ${error && html`<p class="banner" role="alert">${error.message}</p>`}
    ${progress && html`<${Progress} progress=${progress} />`}
    ${data && html`
      <p class="soft">${data.wrong === 0 ? "The final model says of every training row the label that it has."
        : `Of ${number(data.wrong)} of ${number(data.examples)} training rows the model says another label than they have. ` +
          `${data.total === 1 ? "One group" : `${number(data.total)} groups`} of them act alike on the model. ` +
          "Either the labels are wrong, or the model is; the words tell which."}</p>
      ${data.left_out.length > 0 && html`<p class="soft">Too large to be divided: ${data.left_out.map(number).join(", ")} rows.</p>`}
      <ol class="groups-list">
        ${data.groups.map((group) => html`<${Group} key=${group.number} group=${group} about=${about} decisions=${decisions} />`)}
      </ol>
      <${Pages} settings=${settings} offset=${offset} size=${SIZE} total=${data.total} />`}`;
}

const names = (values) => [...new Set(values)];

function Several({ values }) {
  return values.map((value, place) => html`${place ? " or " : ""}<b dir="auto">${value}</b>`);
}

function Group({ group, about, decisions }) {
  const given = names(group.rows.map((row) => row.label)), said = names(group.rows.map((row) => row.said));
  const all = group.rows.map((row) => row.row);
  const relabel = (label) => {
    const others = group.rows.filter((row) => row.label !== label).map((row) => row.row);
    if (label) decisions.act(others, "relabel", { label, why: `one of ${all.length} rows that the model gets wrong alike` });
  };
  return html`
    <li class="card groups-card">
      <div class="groups-card-head">
        <h2>${number(group.count)} rows labelled <${Several} values=${given} />, the model says <${Several} values=${said} /></h2>
        <${Words} words=${group.words.map(([word]) => word).filter((word) => /[\p{L}\p{N}]/u.test(word))} help="The words by which most pairs of these rows act alike" />
      </div>
      <div class="line groups-bulk">
        ${said.length === 1 && html`<button class=${group.advice === "relabel" ? "primary" : ""} onClick=${() => relabel(said[0])}>
          Give all the label <span dir="auto">${said[0]}</span></button>`}
        <${Labels} name="Give all the label …" labels=${about.label_names} onChosen=${relabel} />
        <button onClick=${() => decisions.act(all, "keep")}>Keep all</button>
        <button onClick=${() => decisions.act(all, "remove", { why: "the model gets it wrong, as similar rows" })}>Remove all</button>
      </div>
      <ul class="groups-rows">
        ${group.rows.map((row) => html`<${Row} key=${row.row} row=${row} labels=${about.label_names} decisions=${decisions} />`)}
      </ul>
      ${group.behind.length > 0 && html`
        <details class="groups-behind">
          <summary>Rows that speak most for what the model says</summary>
          <ul class="groups-rows">
            ${group.behind.map((row) => html`
              <li class="groups-row">
                <div class="groups-row-head"><span class="tag" dir="auto">${row.label}</span>
                  <code class="soft" dir="auto">${row.id}</code>
                  <${Link} view="why" settings=${{ row: row.row }} class="small" aria-label=${`Why? Row ${row.id}`}>Why?<//></div>
                <div class="groups-text" dir="auto">${row.text.length > 300 ? row.text.slice(0, 300) + " …" : row.text}</div>
              </li>`)}
          </ul>
        </details>`}
    </li>`;
}
