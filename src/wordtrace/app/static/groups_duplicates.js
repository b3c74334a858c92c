// Near-duplicates: rows whose texts are the same or share most of their words.
import { go } from "./address.js";
import { get } from "./api.js";
import { html, useState } from "./vendor/preact.js";
import { useComputed, useDecisions } from "./groups_data.js";
import { Labels, Pages, Progress, Row, Said, Words, number, percent, rows } from "./groups_parts.js";

const SIZE = 20;
const SHARES = ["0.6", "0.7", "0.8", "0.9", "1"];
const HELP = "The row that it is compared with has other words here";

export function Duplicates({ about, settings }) {
  const threshold = settings.threshold ?? "0.8", which = settings.labels ?? "all";
  const offset = Number(settings.offset) || 0;
  const { data, progress, error, reload } = useComputed("/groups/duplicates", {
    threshold, labels: which, offset, limit: SIZE,
  });
  const decisions = useDecisions(reload);
  const set = (change) => go("groups", { ...settings, offset: "", ...change });
  const same = data && data.total - data.differ;
  return html`
    <div class="toolbar">
      <label class="line small">Texts that share at least
        <select value=${threshold} onChange=${(event) => set({ threshold: event.target.value })}>
          ${SHARES.map((share) => html`<option value=${share}>${percent(Number(share))}</option>`)}
        </select> of their words</label>
      ${data && html`
        <span class="groups-which" role="group" aria-label="Which groups">
          ${[["all", "All", data.total], ["differ", "Labels differ", data.differ], ["same", "One label", same]].map(
            ([name, title, count]) => html`
              <button aria-pressed=${which === name} onClick=${() => set({ labels: name === "all" ? "" : name })}>
                ${title} <span class="soft">${number(count)}</span></button>`)}
        </span>`}
      <span class="push"></span>
      ${same > 0 && which !== "differ" && html`<${Spare} threshold=${threshold} decisions=${decisions} />`}
    </div>
    <${Said} decisions=${decisions} />
    ${error && html`<p class="banner" role="alert">${error.message}</p>`}
    ${progress && html`<${Progress} progress=${progress} />`}
    ${data && !data.complete && html`<p class="banner">Too many texts share most of their words to compare
      all pairs: some groups may lack rows. A higher share finds all.</p>`}
    ${data && html`
      <p class="soft">${data.total === 0 ? "No texts share so many of their words."
        : `${number(data.rows)} of ${number(about.examples)} rows stand in ${number(data.total)} groups. Words that differ are marked.`}</p>
      <ol class="groups-list">
        ${data.groups.map((group) => html`
          <${Group} key=${group.number} group=${group} about=${about} threshold=${threshold} decisions=${decisions} />`)}
      </ol>
      <${Pages} settings=${settings} offset=${offset} size=${SIZE} total=${data.matching} />`}`;
}

function Group({ group, about, threshold, decisions }) {
  const [whole, setWhole] = useState(null);
  const differ = group.labels.length > 1;
  const spare = group.spare_rows;
  const given = group.labels.map(([label]) => label);
  const names = about.kind === "class" ? about.label_names : [];
  const showAll = async () => {
    const found = await get("/groups/duplicates", { threshold, group: group.number });
    setWhole(found.groups?.[0]?.rows ?? null);
  };
  const relabel = (label) => {
    if (!label) return;
    const others = Object.entries(group.rows_of_label).filter(([name]) => name !== label).flatMap(([, some]) => some);
    decisions.act(others, "relabel", { label, why: `one of ${group.count} rows with nearly the same text` });
  };
  const remaining = group.count - (whole ?? group.rows).length;
  return html`
    <li class="card groups-card">
      <div class="groups-card-head">
        <h2>${rows(group.count).replace(/^o/, "O")}, ${group.same ? "the same text" : "nearly the same text"}</h2>
        ${differ ? html`<span class="tag warn">labels differ</span>` : null}
        <span class="small">${group.labels.map(([label, count], place) => html`${place ? ", " : ""}${number(count)} × <span dir="auto">${label}</span>`)}</span>
        <${Words} words=${group.words.slice(0, 5)} help="The rarest words that all of these rows share" />
      </div>
      <div class="line groups-bulk">
        ${spare.length > 0 && html`
          <button class=${group.advice === "remove" ? "primary" : ""} title="The first row stays, and any row that is too unlike it"
            onClick=${() => decisions.act(spare, "remove", { why: "nearly the same text as a row that stays" })}>
            Remove all but ${group.count - spare.length === 1 ? "one" : number(group.count - spare.length)}</button>`}
        ${differ && group.proposed && names.length > 1 && html`
          <button class="primary" title="The label of most of these rows, or of equally many the one that the model says"
            onClick=${() => relabel(group.proposed)}>Give all the label <span dir="auto">${group.proposed}</span></button>`}
        ${names.length > 1 && html`<${Labels} name="Give all the label …" labels=${[...new Set([...given, ...names])]} onChosen=${relabel} />`}
        <button onClick=${() => decisions.act(group.all_rows, "keep")}>Keep all</button>
      </div>
      <ul class="groups-rows">
        ${(whole ?? group.rows).map((row) => html`
          <${Row} key=${row.row} row=${row} labels=${names} decisions=${decisions} help=${HELP}>
            <span class="small soft">${row.like === null ? "stays" : `${percent(row.similarity)} the same words`}</span>
          <//>`)}
      </ul>
      ${remaining > 0 && html`<button class="plain" onClick=${showAll}>Show ${number(remaining)} more ${remaining === 1 ? "row" : "rows"}</button>`}
    </li>`;
}

/** Removes the spare rows of all groups of one label, after a second click. */
function Spare({ threshold, decisions }) {
  const [found, setFound] = useState(null);
  if (found === null || found.threshold !== threshold) {
    const count = async () => setFound({ ...(await get("/groups/duplicates/spare", { threshold })), threshold });
    return html`<button onClick=${count} title="In all groups whose rows have one label">Keep one of each …</button>`;
  }
  const remove = () => {
    decisions.act(found.rows, "remove", { why: "nearly the same text as a row that stays" });
    setFound(null);
  };
  return html`
    <span class="line">
      <button class="primary" disabled=${!found.rows.length} onClick=${remove}>Remove ${rows(found.rows.length)} of all groups with one label</button>
      <button onClick=${() => setFound(null)}>Cancel</button>
    </span>`;
}
