// Editing a row's text, with what changes shown while typing.
import { Diff } from "./diff.js";
import { html, useEffect, useRef, useState } from "./vendor/preact.js";

/** fields: {text: "…", text2?: "…"} as they are now; was: as the data have them; onSave(changed). */
export function EditText({ fields, was, onSave, onClose }) {
  const [now, setNow] = useState(fields);
  const first = useRef(null);
  useEffect(() => first.current?.focus(), []);
  const names = Object.keys(fields);
  const changed = Object.fromEntries(names.filter((name) => now[name] !== fields[name]).map((name) => [name, now[name]]));
  const ready = Object.keys(changed).length && Object.values(changed).every((text) => text.trim());
  const pressed = (event) => {
    event.stopPropagation();
    if (event.key === "Escape") { event.preventDefault(); onClose(); }
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && ready) { event.preventDefault(); onSave(changed); }
  };
  return html`
    <div class="edit-text" onKeyDown=${pressed}>
      ${names.map((name, place) => html`
        <label class="field" key=${name}>${names.length > 1 ? `Text ${place + 1}` : "Text"}
          <textarea dir="auto" ref=${place ? undefined : first} rows="9" value=${now[name]}
            onInput=${(event) => setNow({ ...now, [name]: event.target.value })}></textarea>
        </label>
        ${now[name] !== was[name] && html`
          <div><h3>What changes</h3><${Diff} before=${was[name]} after=${now[name]} /></div>`}`)}
      <div class="line">
        <button class="primary" disabled=${!ready} onClick=${() => onSave(changed)}>Save <kbd>Ctrl ↵</kbd></button>
        <button onClick=${onClose}>Cancel <kbd>Esc</kbd></button>
      </div>
    </div>`;
}
