// Choosing one of many labels: type a part of its name, take it with Enter.
import { html, useEffect, useRef, useState } from "./vendor/preact.js";

/** labels: names, the likeliest first; onPick(label), onClose(). */
export function ChooseLabel({ labels, notes = {}, onPick, onClose }) {
  const [typed, setTyped] = useState("");
  const [at, setAt] = useState(0);
  const input = useRef(null);
  const list = useRef(null);
  useEffect(() => input.current?.focus(), []);
  const wanted = typed.trim().toLowerCase();
  const found = labels.filter((label) => label.toLowerCase().includes(wanted));
  const place = Math.min(at, found.length - 1);
  useEffect(() => {
    list.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }, [place, typed]);
  const pressed = (event) => {
    event.stopPropagation();
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && found.length) {
      event.preventDefault();
      setAt((place + step + found.length) % found.length);
    } else if (event.key === "Enter" && found.length) {
      event.preventDefault();
      onPick(found[place]);
    } else if (event.key === "Escape") {
      event.preventDefault();
      onClose();
    }
  };
  return html`
    <div class="choose card">
      <label class="field">Relabel to
        <input ref=${input} role="combobox" aria-expanded="true" aria-controls="choose-list" aria-autocomplete="list"
          aria-activedescendant=${found.length ? `choose-${place}` : undefined}
          placeholder="Type a part of the name" value=${typed} autocomplete="off"
          onInput=${(event) => { setTyped(event.target.value); setAt(0); }} onKeyDown=${pressed} />
      </label>
      <ul id="choose-list" role="listbox" aria-label="Labels" ref=${list}>
        ${found.map((label, number) => html`
          <li id=${`choose-${number}`} key=${label} role="option" aria-selected=${number === place}
            onMouseDown=${(event) => { event.preventDefault(); onPick(label); }}>
            <bdi>${label}</bdi> ${notes[label] && html`<span class="soft small">${notes[label]}</span>`}
          </li>`)}
        ${!found.length && html`<li class="soft" role="option" aria-disabled="true" aria-selected="false">No label has this in its name.</li>`}
      </ul>
      <p class="small soft"><kbd>↑</kbd> <kbd>↓</kbd> choose · <kbd>Enter</kbd> takes it · <kbd>Esc</kbd> goes back</p>
    </div>`;
}
