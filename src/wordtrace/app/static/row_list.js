// The list of rows, a page at a time.
import { go } from "./address.js";
import { placesOf, visible } from "./characters.js";
import { ACTIONS } from "./decide.js";
import { figure } from "./rows_data.js";
import { RowOpen } from "./row_open.js";
import { html } from "./vendor/preact.js";

/** Label and prediction; that they differ is said in a word and a sign. */
function Labels({ row }) {
  if (row.label == null) return null;
  if (row.right === true) {
    return html`<span class="labels" title="The model predicts the label"><bdi class="label">${row.label}</bdi>
      <span class="sign" aria-hidden="true">✓</span><span class="hidden">, as the model says</span></span>`;
  }
  return html`
    <span class=${row.right === false ? "labels wrong" : "labels"}>
      <bdi class="label">${row.label}</bdi>
      <span aria-hidden="true">→</span><span class="hidden"> but the model says </span>
      <bdi>${row.predicted}</bdi>
      ${row.right === false && html`<span class="sign">✗ wrong</span>`}
    </span>`;
}

function Decided({ decision }) {
  if (!decision) return null;
  return html`<span class=${decision.action === "keep" ? "tag good" : "tag"}>${ACTIONS[decision.action].done}${decision.label ? html` to <bdi>${decision.label}</bdi>` : ""}</span>`;
}

/** The heading of a column by which rows can be sorted. */
function Heading({ name, title, help, sort, descending, change, number }) {
  const on = sort === name;
  // Figures are first wanted highest first, names from a to z.
  const next = on ? (descending ? "" : "true") : number ? "true" : "";
  return html`
    <th scope="col" class=${number ? "number" : ""} aria-sort=${on ? (descending ? "descending" : "ascending") : undefined}>
      <button class="plain sorting" title=${help} onClick=${() => change({ sort: name, descending: next })}>
        ${title}<span aria-hidden="true">${!on || (name === "row" && !descending) ? "" : descending ? " ↓" : " ↑"}</span></button>
    </th>`;
}

/** rows: ROWs of the server; open: the number of the one that is open, or null. */
export function RowList({ rows, settings, about, version, waiting, change, onOpen }) {
  const labelled = rows.some((row) => row.label != null);
  const suspected = about.kind !== "number";
  const sorting = { sort: settings.sort ?? "row", descending: settings.descending === "true", change };
  const width = 3 + (labelled ? 1 : 0) + (suspected ? 1 : 0);
  const open = settings.open == null ? null : Number(settings.open);
  return html`
    <table class="row-list" aria-label="Training rows">
      <thead><tr>
        ${labelled && html`<${Heading} name="label" title="Label → model says" help="Sort by the label" ...${sorting} />`}
        <${Heading} name="row" title="Text" help="Sort in the order of the data" ...${sorting} />
        ${suspected && html`<${Heading} name="suspicion" title="Suspicion" help="How much speaks against the label; sort by it" number ...${sorting} />`}
        <${Heading} name="loss" title="Loss" help="How badly the final model fits the row; sort by it" number ...${sorting} />
        <th><span class="hidden">Why</span></th>
      </tr></thead>
      <tbody>
        ${rows.map((row) => html`
          <tr key=${row.row} class=${row.row === open ? "opened" : ""} onClick=${(event) => event.target.closest("a, button, summary") || onOpen(row.row)}>
            ${labelled && html`<td class="cell-label"><${Labels} row=${row} /> <${Decided} decision=${row.decision} /></td>`}
            <td class="cell-text">
              <button class="plain text" data-row=${row.row} aria-expanded=${row.row === open} onClick=${() => onOpen(row.row)}>
                <span class="two-lines" dir="auto">${short(row)}${row.cut && "…"}</span>
              </button>
              ${!labelled && html`<${Decided} decision=${row.decision} />`}
            </td>
            ${suspected && html`<td class="number" data-name="suspicion">${row.suspicion == null ? (waiting ? "…" : "–") : figure(row.suspicion)}</td>`}
            <td class="number" data-name="loss">${figure(row.loss)}</td>
            <td class="cell-why"><a href=${`/why?row=${row.row}`} aria-label=${`Why? Row ${row.id}`}
              onClick=${(event) => { if (event.metaKey || event.ctrlKey) return; event.preventDefault(); go("why", { row: row.row }); }}>Why?</a></td>
          </tr>
          ${row.row === open && html`<tr key=${`open-${row.row}`} class="opened"><td colspan=${width}>
            <${RowOpen} row=${row.row} version=${version} about=${about} onClose=${() => onOpen(row.row)} /></td></tr>`}`)}
      </tbody>
    </table>`;
}

/** What a list shows of a row's texts. */
function short(row) {
  if (row.turns?.length) {
    const placeOf = placesOf(row.text);
    return row.turns
      .map((turn) => `${turn.role}: ${visible(row.text.slice(placeOf(turn.start), placeOf(turn.end)))}`)
      .join("  ");
  }
  return visible(row.text2 == null ? row.text : `${row.text}  |  ${row.text2}`);
}
