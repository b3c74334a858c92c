// Review: the most suspicious rows one after another, a key for each decision, and the patch of them.
import { go } from "./address.js";
import { ACTIONS } from "./decide.js";
import { ChooseLabel } from "./choose_label.js";
import { DecidedList } from "./decided_list.js";
import { EditText } from "./edit_text.js";
import { Head, Keys, Progress, Results } from "./review_frame.js";
import { useSuspects } from "./review_data.js";
import { SuspectCard } from "./suspect_card.js";
import { html, useEffect, useRef, useState } from "./vendor/preact.js";

/** The first place from `start` on, round about, that is not checked; -1 where all are. */
function unchecked(decisions, start) {
  const count = decisions.length;
  for (let step = 0; step < count; step += 1) {
    if (decisions[(start + step) % count] == null) return (start + step) % count;
  }
  return -1;
}

/** about: what /api/index tells; settings: by, label, top, at (a place, from 1). */
export function Review({ about, settings }) {
  const asked = { by: settings.by ?? "combined", label: settings.label ?? "", top: Number(settings.top) || 50 };
  const { info, state, rows, error, want, act, back, refresh } = useSuspects(asked);
  const [panel, setPanel] = useState(null); // "choose", "edit" or "keys"
  const [told, setTold] = useState("");
  const count = info?.total ?? 0;
  const start = useRef({}); // of these suspects, the first one that is not checked
  if (info && start.current.key !== info.key) {
    start.current = { key: info.key, place: Math.max(unchecked(info.decisions, 0), 0) };
  }
  const wanted = settings.at ? Math.max(Number(settings.at) || 1, 1) - 1 : start.current.place ?? 0;
  const place = Math.max(Math.min(wanted, count - 1), 0);
  const row = rows.get(place);
  const names = about.kind === "class" && about.label_names.length > 1 ? about.label_names : [];

  const close = () => {
    // What had the focus goes away: let it stay near.
    if (panel) document.getElementById("suspect")?.focus({ preventScroll: true });
    setPanel(null);
  };
  const show = (next) => {
    close();
    go("review", { ...settings, at: next + 1 }, true);
  };
  useEffect(() => { if (info) want(place); }, [place, info != null, asked.by, asked.label, asked.top]);
  useEffect(() => {
    if (!row) return;
    const says = row.proposed ? `Similar rows say ${row.proposed}.` : "";
    setTold((before) => `${before.split("\n")[0]}\nSuspect ${place + 1} of ${count}. Label ${row.label}. ${says} ${row.text.slice(0, 200)}`);
    const card = document.querySelector(".suspect");
    if (card && card.getBoundingClientRect().top < 0) card.scrollIntoView({ block: "start" });
  }, [row?.id, place]);
  useEffect(() => {
    const seen = () => document.visibilityState === "visible" && refresh(place);
    document.addEventListener("visibilitychange", seen);
    return () => document.removeEventListener("visibilitychange", seen);
  }, [place]);

  const decided = (...given) => {
    if (!row || !given.length) return;
    const { action, label } = given[0];
    act(place, row, ...given);
    setTold(`Suspect ${place + 1}: ${ACTIONS[action].done}${label ? " to " + label : ""}.`);
    const next = unchecked(info.decisions.map((one, at) => (at === place ? "now" : one)), place + 1);
    show(next === -1 ? place : next);
  };
  const turned = async (what) => {
    close();
    const done = await back(what, place);
    if (!done) return;
    setTold(what === "undo" ? "Undone." : "Done again.");
    const known = done.ids?.length === 1 && [...rows].find(([, one]) => one.id === done.ids[0]);
    await refresh(known ? known[0] : place);
    if (known) show(known[0]);
  };
  const deeds = {
    keep: () => decided({ action: "keep" }),
    relabel: () => (row?.proposed && names.includes(row.proposed) ? decided({ action: "relabel", label: row.proposed }) : deeds.choose()),
    choose: () => row && names.length && setPanel("choose"),
    remove: () => decided({ action: "remove" }),
    edit: () => row && setPanel("edit"),
    undo: () => state?.undo && turned("undo"),
    redo: () => state?.redo && turned("redo"),
    next: () => place < count - 1 && show(place + 1),
    before: () => place > 0 && show(place - 1),
    unchecked: () => { const next = unchecked(info.decisions, place + 1); if (next >= 0) show(next); },
    keys: () => setPanel(panel === "keys" ? null : "keys"),
    close,
  };
  useKeys(deeds);

  const checked = info?.decisions.filter(Boolean).length ?? 0;
  return html`<div class="review-view">
    <${Head} asked=${asked} names=${names} count=${info?.matching}
      onAsk=${(more) => go("review", { ...settings, ...more, at: undefined })} />
    ${error && html`<p class="banner" role="alert">${error}</p>`}
    <div class="hidden" role="status" aria-live="polite">${told}</div>
    ${info && html`<${Progress} decisions=${info.decisions} place=${place} onShow=${show}>
        <${Results} state=${state} onKeys=${deeds.keys} /><//>`}
    ${info && count > 0 && checked === count && html`
      <div class="banner good" role="status">All ${count} are checked. Download the patch, prove it, or
        ${" "}<button class="plain" onClick=${() => go("review", { ...settings, top: asked.top + 50, at: count + 1 })}>take the next 50</button></div>`}
    <div class="review">
      <div>
        ${info && count === 0 && html`<p class="card empty">There is no row to review here.</p>`}
        ${!row && !error && (count > 0 || !info) && html`<div class="card suspect"><p class="waiting">Looking for what speaks against the rows' labels …</p></div>`}
        ${row && html`
          <${SuspectCard} row=${row} heading=${`Suspect ${place + 1} of ${count}`} editor=${panel === "edit" && html`<${EditText} fields=${texts(row, row.decision)} was=${texts(row)} onClose=${deeds.close} onSave=${(changed) => decided(...Object.entries(changed).map(([field, text]) => ({ action: "edit", text, field })))} />`}>
            ${panel !== "edit" && html`<div class="dock">
              ${panel === "choose" && html`<${ChooseLabel} labels=${likely(names, row)} notes=${notes(row)}
                  onPick=${(label) => decided({ action: "relabel", label })} onClose=${deeds.close} />`}
              <${Keys} row=${row} deeds=${deeds} state=${state} names=${names} first=${place === 0} last=${place === count - 1} />
            </div>`}
          <//>`}
      </div>
      <${DecidedList} version=${state?.version} onChange=${() => refresh(place)} />
    </div>
    ${panel === "keys" && html`<${Keys.Help} onClose=${deeds.close} />`}
  </div>`;
}

const texts = (row, decision) => ({
  text: decision?.text ?? row.text,
  ...(row.text2 != null && { text2: decision?.text2 ?? row.text2 }),
});

/** The names to choose from: first what the rows against it and the model say. */
const likely = (names, row) => [...new Set([row.proposed, row.predicted, ...names])].filter((name) => names.includes(name) && name !== row.label);

const notes = (row) => ({ [row.predicted]: "the model predicts it", ...(row.proposed && { [row.proposed]: "similar rows say so" }) });

const KEYS = {
  k: "keep", r: "relabel", R: "choose", x: "remove", d: "remove", e: "edit", u: "undo", U: "redo",
  ArrowRight: "next", ArrowLeft: "before", n: "unchecked", "?": "keys", Escape: "close",
};

/** Keys act wherever the focus is, but where something is typed. */
function useKeys(deeds) {
  const now = useRef(deeds);
  now.current = deeds;
  useEffect(() => {
    const pressed = (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      if (document.querySelector("dialog[open]")) return;
      if (event.target.closest?.("input, textarea, select, [contenteditable]")) return;
      const deed = KEYS[event.key];
      if (!deed || event.repeat && deed !== "next" && deed !== "before") return;
      event.preventDefault();
      now.current[deed]();
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, []);
}
