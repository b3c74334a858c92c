// What can be done with all rows that pass the filters: said with its count and confirmed first.
import { ACTIONS, decide, turn } from "./decide.js";
import { count, filtersOf } from "./rows_data.js";
import { html, useEffect, useRef, useState } from "./vendor/preact.js";

const rows = (number) => `${count(number)} ${number === 1 ? "row" : "rows"}`;

const ASKED = {
  remove: (number) => [
    `Remove ${rows(number)} from the training data?`,
    "Nothing is deleted: the rows are marked in your review, where you can undo it at once, and the patch that you download leaves them out.",
  ],
  keep: (number) => [
    `Keep ${rows(number)} as checked?`,
    "They are marked as right in your review, where you can undo it; the patch does not change them.",
  ],
  relabel: (number, label) => [
    html`Relabel ${rows(number)} to <bdi>“${label}”</bdi>?`,
    "The data stays as it is: the new label is marked in your review, where you can undo it, and the patch that you download changes it.",
  ],
};

/** A question before the deed; Escape or Cancel closes it. */
function Confirm({ action, label, matching, onYes, onNo }) {
  const dialog = useRef(null);
  useEffect(() => dialog.current.showModal(), []);
  const [question, more] = ASKED[action](matching, label);
  return html`
    <dialog ref=${dialog} class="card confirm" aria-labelledby="confirm-title" onClose=${onNo}>
      <h2 id="confirm-title">${question}</h2>
      <p class="soft">${more}</p>
      <div class="line">
        <button class="primary" onClick=${onYes}>${ACTIONS[action].name} ${rows(matching)}</button>
        <button onClick=${onNo}>Cancel</button>
      </div>
    </dialog>`;
}

/** matching: how many rows pass the filters of the address. */
export function AllRows({ settings, about, matching }) {
  const [asked, setAsked] = useState(null);
  const [said, setSaid] = useState(null);
  const labels = about.kind === "class" && !about.generates ? about.label_names : [];
  const carry = async () => {
    setAsked(null);
    try {
      const { rows: decided } = await decide({ filters: filtersOf(settings), count: matching, ...asked });
      setSaid({ text: `${rows(decided)} ${ACTIONS[asked.action].done} in your review.`, undo: true });
    } catch (error) {
      setSaid({ text: error.message });
    }
  };
  return html`
    <div class="all-rows line" role="group" aria-label="All rows that match">
      <span class="soft small">${matching === 1 ? "This row" : `All ${rows(matching)}`}:</span>
      <button onClick=${() => setAsked({ action: "remove" })}>Remove …</button>
      ${labels.length > 1 && html`
        <select aria-label="Relabel all to" value="" onChange=${(event) => {
          if (event.target.value) setAsked({ action: "relabel", label: event.target.value });
          event.target.value = "";
        }}>
          <option value="">Relabel to …</option>
          ${labels.map((name) => html`<option value=${name}>${name}</option>`)}
        </select>`}
      <button onClick=${() => setAsked({ action: "keep" })}>Keep …</button>
      ${said && html`<span class="tag" role="alert">${said.text}
        ${said.undo && html`<button class="plain" onClick=${() => turn("undo").then(() => setSaid(null), (error) => setSaid({ text: error.message }))}>Undo</button>`}</span>`}
      ${asked && html`<${Confirm} ...${asked} matching=${matching} onYes=${carry} onNo=${() => setAsked(null)} />`}
    </div>`;
}
