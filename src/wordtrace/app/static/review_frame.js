// What stands around a suspect: the choice of suspects, the progress, the buttons and their keys.
import { go } from "./address.js";
import { html, useEffect, useRef } from "./vendor/preact.js";

const RANKINGS = {
  combined: ["all signs together", "Self-influence, opposition and loss joined: a row that stands out in one counts for more than one that is average in all"],
  "self-influence": ["its own best support", "Only the row itself taught the model its label"],
  opposition: ["other rows oppose it", "All other rows together would lower the probability of its label"],
  loss: ["was hard to learn", "The model's loss on it, averaged over the training"],
  "final-loss": ["is still not learned", "The final model's loss on it"],
};

/** What is reviewed. onAsk({by, label, top}). */
export function Head({ asked, names, count, onAsk }) {
  return html`
    <div class="toolbar review-head">
      <div>
        <h1>Review</h1>
        <p class="soft small">Rows whose label is probably wrong, the most suspicious first. Press a key, and the next one comes.</p>
      </div>
      <label class="field">Ranked by
        <select value=${asked.by} title=${RANKINGS[asked.by]?.[1]} onChange=${(event) => onAsk({ by: event.target.value })}>
          ${Object.entries(RANKINGS).map(([name, [said, help]]) => html`<option value=${name} title=${help}>${said}</option>`)}
        </select></label>
      ${names.length > 0 && html`<label class="field">Label
        <select value=${asked.label} onChange=${(event) => onAsk({ label: event.target.value })}>
          <option value="">all labels</option>
          ${names.map((name) => html`<option value=${name}>${name}</option>`)}
        </select></label>`}
      <label class="field">How many
        <select value=${String(asked.top)} onChange=${(event) => onAsk({ top: event.target.value })}>
          ${[...new Set([20, 50, 100, 200, 500, 1000, asked.top])].sort((a, b) => a - b).map((size) => html`<option value=${String(size)}>${size}${count != null && size >= count ? ` (all ${count})` : ""}</option>`)}
        </select></label>
    </div>`;
}

/** What comes of the review: a patch, and its proof. */
export function Results({ state, onKeys }) {
  const changes = state?.changes ?? 0;
  const said = `${changes.toLocaleString("en")} ${changes === 1 ? "change" : "changes"}`;
  return html`
    <div class="line push">
      ${changes > 0
        ? html`<a class="button primary" href="/api/review/patch" download="review.jsonl">Download patch (${said})</a>
            <a class="button" href="/prove?patch=1" onClick=${(event) => { if (event.metaKey || event.ctrlKey || event.shiftKey) return; event.preventDefault(); go("prove", { patch: 1 }); }}
              title="Train again with and without these changes, and see what they do">Prove this patch</a>`
        : html`<button class="primary" disabled title="There is no change yet">Download patch (${said})</button>`}
      <button class="show-keys" onClick=${onKeys} title="Show the keys">Keys <kbd>?</kbd></button>
    </div>`;
}

/** How far the review is: a sentence, and a strip with one piece for each suspect. */
export function Progress({ decisions, place, onShow, children }) {
  const count = (action) => decisions.filter((one) => one === action).length;
  const checked = decisions.filter(Boolean).length;
  const parts = [["relabel", "relabelled"], ["remove", "removed"], ["edit", "edited"], ["keep", "kept"]]
    .filter(([action]) => count(action)).map(([action, name]) => `${count(action)} ${name}`);
  const pressed = (event) => {
    const box = event.currentTarget.getBoundingClientRect();
    onShow(Math.min(decisions.length - 1, Math.floor(((event.clientX - box.left) / box.width) * decisions.length)));
  };
  return html`
    <div class="progress">
      <div class="line"><p><b>${checked} of ${decisions.length} checked</b>${parts.length > 0 && html` <span class="soft">· ${parts.join(" · ")}</span>`}</p>${children}</div>
      <div class=${"strip" + (decisions.length > 200 ? " dense" : "")} aria-hidden="true" onClick=${pressed}>
        ${decisions.map((one, at) => html`<span key=${at} class=${(one ? `did-${one}` : "") + (at === place ? " here" : "")}></span>`)}
      </div>
    </div>`;
}

/** The buttons of one suspect, each with its key. */
export function Keys({ row, deeds, state, names, first, last }) {
  const now = row.decision?.action;
  const other = row.decision?.label && row.decision.label !== row.proposed;
  const proposed = row.proposed && names.includes(row.proposed);
  return html`
    <div class="keys" role="group" aria-label="Decide">
      <button aria-pressed=${now === "keep"} onClick=${deeds.keep} title="Checked: right as it is"><kbd>K</kbd> Keep</button>
      ${proposed && html`<button aria-pressed=${!!row.decision?.label && !other} onClick=${deeds.relabel} title="Give it the label that similar rows have"><kbd>R</kbd> <span>Relabel to <bdi>${row.proposed}</bdi></span></button>`}
      ${names.length > 0 && html`<button aria-pressed=${!!other} onClick=${deeds.choose} title="Give it another label"><kbd>⇧R</kbd> Other label</button>`}
      <button aria-pressed=${now === "remove"} onClick=${deeds.remove} title="Take it out of the training data"><kbd>X</kbd> Remove</button>
      <button aria-pressed=${!!(row.decision?.text || row.decision?.text2)} onClick=${deeds.edit} title="Give it another text"><kbd>E</kbd> Edit</button>
      <button class="push" onClick=${deeds.undo} disabled=${!state?.undo} title="Take back the last decision"><kbd>U</kbd> Undo</button>
      <button onClick=${deeds.before} disabled=${first} aria-label="The suspect before (left arrow)">←</button>
      <button onClick=${deeds.next} disabled=${last} aria-label="The next suspect (right arrow)">→</button>
    </div>`;
}

const HELP = [
  ["K", "keep: the row is right as it is"], ["R", "relabel to what similar rows say"], ["Shift R", "choose another label"],
  ["X or D", "remove the row"], ["E", "edit its text"], ["U", "undo"], ["Shift U", "do again what was undone"],
  ["← →", "the suspect before, the next one"], ["N", "the next one that is not checked"], ["?", "show or hide this"],
];

/** All keys, over the page. */
Keys.Help = function Help({ onClose }) {
  const dialog = useRef(null);
  useEffect(() => { dialog.current?.showModal(); }, []);
  return html`
    <dialog class="card help" ref=${dialog} onClose=${onClose} aria-labelledby="help"
      onClick=${(event) => event.target === dialog.current && onClose()}
      onKeyDown=${(event) => { if (event.key === "?") { event.preventDefault(); event.stopPropagation(); onClose(); } }}>
      <h2 id="help">Keys</h2>
      <dl>${HELP.map(([keys, what]) => html`<div><dt>${keys.split(" ").map((key) => (["or"].includes(key) ? " or " : html`<kbd>${key}</kbd> `))}</dt><dd>${what}</dd></div>`)}</dl>
      <p class="small soft">Every decision is saved at once, on this machine. Removed rows stay in the data until you apply the patch.</p>
      <button class="primary" onClick=${onClose}>Close</button>
    </dialog>`;
};
