// What can be decided about a row: buttons, each with its key. Rows, groups and review use them.
import { post } from "./api.js";
import { html, useState } from "./vendor/preact.js";

/** What each action is called, its key, and what it means; the order of the buttons. */
export const ACTIONS = {
  keep: { name: "Keep", done: "kept", key: "k", help: "Checked: the row is right as it is" },
  relabel: { name: "Relabel", done: "relabelled", key: "r", help: "Give the row another label" },
  remove: { name: "Remove", done: "removed", key: "x", help: "Take the row out of the training data" },
  edit: { name: "Edit", done: "edited", key: "e", help: "Give the row another text" },
};

/**
 * Decide about rows; resolves to the review's state ({counts, decided, changes, undo, redo}).
 * given: {rows: [row, …]} or {filters: {…}}, and action, label?, text?, field?, why?
 */
export async function decide(given) {
  const state = await post("/review", given);
  dispatchEvent(new CustomEvent("decided", { detail: state }));
  return state;
}

/** Undo the last step, or with "redo" do it again. */
export async function turn(what = "undo") {
  const state = await post(`/review/${what}`);
  dispatchEvent(new CustomEvent("decided", { detail: state }));
  return state;
}

/**
 * Buttons that decide about one row. row: a ROW of the server; labels: the names to relabel to;
 * onDecided(decision, state) is called with what now stands about the row, or null.
 */
export function Decide({ row, labels, onDecided }) {
  const [error, setError] = useState(null);
  const [label, setLabel] = useState("");
  const act = async (action, more = {}) => {
    try {
      const state = await decide({ rows: [row.row], action, ...more });
      setError(null);
      onDecided?.(action === "clear" ? null : { action, ...more }, state);
    } catch (told) {
      setError(told.message);
    }
  };
  const now = row.decision?.action;
  return html`
    <div class="decide" role="group" aria-label=${`Decide about row ${row.id}`}>
      <button aria-pressed=${now === "keep"} title=${ACTIONS.keep.help}
        onClick=${() => act(now === "keep" ? "clear" : "keep")}>Keep</button>
      <button aria-pressed=${now === "remove"} title=${ACTIONS.remove.help}
        onClick=${() => act(now === "remove" ? "clear" : "remove")}>Remove</button>
      ${labels?.length > 1 && html`
        <select aria-label="Relabel to" title=${ACTIONS.relabel.help}
          value=${row.decision?.label ?? label}
          onChange=${(event) => {
            setLabel(event.target.value);
            if (event.target.value) act("relabel", { label: event.target.value });
          }}>
          <option value="">Relabel to …</option>
          ${labels.filter((name) => name !== row.label).map((name) => html`<option value=${name}>${name}</option>`)}
        </select>`}
      ${error && html`<span role="alert" class="soft">${error}</span>`}
    </div>`;
}
