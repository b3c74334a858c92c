// Why? A text or a row, what the model says of it, and the training rows and words behind that.
import { go } from "./address.js";
import { post, useGet } from "./api.js";
import { Ask } from "./ask.js";
import { bodyOf, Consent, documentOf, save, useTrace, Waiting } from "./answered.js";
import { percent, signed } from "./characters.js";
import { Go } from "./hit.js";
import { Said } from "./said.js";
import { Settings, Shares } from "./settings.js";
import { Labels, overlap, Side, sizesOf } from "./sides.js";
import { nameOf } from "./segments.js";
import { html, useEffect, useMemo, useRef, useState } from "./vendor/preact.js";

/** about: what /api/index tells; settings: the address bar's, as strings. */
export function Why({ about, settings }) {
  const { data: measures } = useGet("/measures");
  const [allowed, allow] = useState([]);
  const [editing, edit] = useState(false);
  const listed = (name) => measures?.measures.find((one) => one.name === (name ?? measures.default));
  const slow = (name) => measures != null && !listed(name)?.at_once;
  const body = bodyOf(settings);
  const refused = [settings.measure, settings.beside].filter(
    (name, place) => (place === 0 || name) && slow(name) && !allowed.includes(name),
  );
  const ready = measures != null && refused.length === 0;
  const first = useTrace(ready && body ? body : null);
  const second = useTrace(ready && body && settings.beside ? bodyOf(settings, settings.beside) : null);
  const set = (change, replace) => go("why", { ...settings, ...change }, replace);
  const ask = (texts) => {
    edit(false);
    const { measure, beside, without, top } = settings;
    go("why", { measure, beside, without, top, ...texts });
  };
  useEffect(() => edit(false), [settings.text, settings.text2, settings.row]);
  const answer = body ? first.data : null;
  const query = answer?.queries[0];
  const given = query ? { text: query.conversation ?? query.text, text2: query.text2 } : settings;
  const waiting = first.waiting || second.waiting;
  const error = first.error ?? second.error;

  if (!body)
    return html`<div class="why asking">
      <h1>Why does the model say that?</h1>
      <div class="card"><${Ask} about=${about} given=${{}} onAsk=${ask} /></div>
      <p class="soft">The answer names the training rows that spoke for and against it, and the words in them.
        Or take a row of the data: <${Go} view="rows">choose one in Rows<//>.</p>
    </div>`;
  return html`<div class="why" aria-busy=${waiting}>
    ${(editing || (!query && (error || refused.length > 0))) && html`<div class="card">
      <${Ask} key=${given.text} about=${about} given=${given} onAsk=${ask} onCancel=${query && (() => edit(false))} /></div>`}
    ${refused.length > 0 && html`<${Consent} name=${refused[0] ?? measures.default} one=${listed(refused[0])}
      examples=${about.examples} onGo=${() => allow([...allowed, ...refused])}
      onBack=${() => set({ measure: null, beside: null })} />`}
    ${waiting && html`<${Waiting} key=${JSON.stringify(body)} slow=${slow(settings.measure) || slow(settings.beside)}
      onStop=${() => [first, second].forEach((one) => one.waiting && one.stop())} />`}
    ${error && html`<p class="banner line" role="alert"><span>${error.message}</span>
      ${(settings.label || settings.span) && html`<button class="push" onClick=${() => set({ label: null, span: null })}>
        Ask ${settings.span ? "about the whole answer" : "about the predicted label"}</button>`}</p>`}
    ${!answer && !error && refused.length === 0 && html`<p class="empty">Reading the index …</p>`}
    ${answer && refused.length === 0 && html`<${Answer} about=${about} settings=${settings} set=${set} measures=${measures}
      answer=${answer} other=${settings.beside ? second.data : null} stale=${waiting} editing=${editing} onEdit=${() => edit(true)} />`}
  </div>`;
}

function Answer({ about, settings, set, measures, answer, other, stale, editing, onEdit }) {
  const query = answer.queries[0];
  const labelled = !about.generates;
  const lit = settings.word ?? null;
  const pick = useLighting(lit, (word) => set({ word }, true));
  const prove = { ...proven(settings), k: 10 };
  const name = labelled ? query.label : query.span ? "this part" : "this answer";
  const sides = ["proponents", "opponents"];
  const shared = { name, lit, onPick: pick, labelled, labels: about.kind === "class" && labelled ? about.label_names : [] };
  return html`<div class=${stale ? "stale" : ""}>
    <div class="line top">
      <h1><${Sentence} answer=${answer} kind=${about.kind} labelled=${labelled} onLabel=${(label) => set({ label, word: null })} /></h1>
      <span class="push line">
        <${Go} class="button primary" view="prove" settings=${{ ...prove, remove: query.label === query.predicted ? "proponents" : "opponents" }}
          title="Train again without the strongest rows, beside controls: is it true?">Prove it<//>
        <${Save} answer=${answer} other=${other} /></span>
    </div>
    ${labelled && html`<${Labels} answer=${answer} kind=${about.kind} onLabel=${(label) => set({ label, word: null })} />`}
    ${!editing && html`<${Asked} answer=${answer} settings=${settings} set=${set} about=${about} lit=${lit} onPick=${pick} onEdit=${onEdit} />`}
    ${query.warning && html`<p class="banner line"><span>${query.warning}</span>
      <button class="push" onClick=${() => set({ without: "special,stop", word: null })}>Leave them out</button></p>`}
    <${Settings} settings=${settings} set=${set} measures=${measures} answer=${answer} />
    ${query.special_share != null && html`<${Shares} query=${query} settings=${settings} set=${set} />`}
    <${Lit} lit=${lit} answer=${answer} onClear=${() => pick(null)} />
    ${other
      ? html`<${Beside} answer=${answer} other=${other} shared=${shared} settings=${settings} />`
      : html`<div class="sides">${sides.map((side) => html`<${Side} key=${side} side=${side} answer=${answer} prove=${prove} ...${shared} />`)}</div>`}
    <p class="soft small foot">${answer.sentences.trace} A score is a hint, not yet a proof: what removing the rows really does, “Prove it” finds out by training again.</p>
  </div>`;
}

/** Lights a word, and its copies; Esc puts them out. Whatever moves, the focus stays on the word. */
function useLighting(lit, light) {
  const focused = useRef(null);
  useEffect(() => {
    const word = focused.current;
    if (word?.isConnected && document.activeElement !== word) word.focus();
    focused.current = null;
    if (lit == null) return undefined;
    const pressed = (event) => event.key === "Escape" && !event.defaultPrevented && light(null);
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, [lit]);
  return (word) => {
    const active = document.activeElement;
    focused.current = active?.hasAttribute("data-word") ? active : null;
    light(word === lit ? null : word);
  };
}

/** The prediction as a sentence that asks. */
function Sentence({ answer, kind, labelled, onLabel }) {
  const query = answer.queries[0];
  if (kind !== "class" || !labelled) return answer.sentences.prediction;
  const share = query.predicted_probability;
  const others = Object.entries(answer.probabilities).filter(([name]) => name !== query.predicted);
  const next = others.sort((a, b) => b[1] - a[1])[0]?.[0];
  const said = html`The model says <bdi class="said">${query.predicted}</bdi> <span class="soft">(${percent(share)})</span>.`;
  if (query.label !== query.predicted)
    return html`${said} Why not <bdi class="said">${query.label}</bdi> <span class="soft">(${percent(query.probability)})</span>?`;
  return html`${said} Why?${" "}${next != null && html`<button class="plain" onClick=${() => onLabel(next)}>Why not <bdi>${next}</bdi>?</button>`}`;
}

/** The text that is asked about, its words coloured by what they add over all listed rows. */
function Asked({ answer, settings, set, about, lit, onPick, onEdit }) {
  const query = answer.queries[0];
  const most = query.words.filter((word) => word.spans.length).reduce((one, word) => Math.max(one, Math.abs(word.contribution)), 0);
  const sizes = sizesOf(query);
  const labelled = !about.generates;
  // A part of an answer that the model gave itself is asked of that answer.
  const span = (start, end) =>
    set({ ...(query.conversation && settings.row == null ? { text: query.conversation } : {}), span: `${start}:${end}`, word: null });
  return html`<section class="card asked" aria-label="The text that is explained">
    <${Said} item=${query} words=${query.words} scale=${most} digits=${sizes.digits} lit=${lit} onPick=${onPick}
      span=${query.span} onSpan=${about.generates ? span : null} room=${900} />
    <div class="line foot soft small">
      ${answer.example && html`<span>Row <bdi class="mono">${answer.example.id}</bdi> of the training data${labelled && html`, labelled <b dir="auto">${answer.example.label}</b>`}.</span>`}
      ${query.span && html`<span>Explained is a part of the answer. <button class="plain" onClick=${() => set({ span: null, word: null })}>The whole answer</button></span>`}
      <span class="key" title="A word's colour is what it adds over all rows listed below"><span class="word plus" style=${{ "--share": 0.8 }}>speaks for</span>${" "}<span class="word minus" style=${{ "--share": 0.8 }}>speaks against</span>${" "}Press a word to light it everywhere.</span>
      <button class="push" onClick=${onEdit}>Change the text</button>
    </div>
  </section>`;
}

/** What is said of the word that is lit. */
function Lit({ lit, answer, onClear }) {
  const query = answer.queries[0];
  const word = lit == null ? null : query.words.find((one) => nameOf(one) === lit);
  if (lit == null) return html`<div class="lit-line" role="status"></div>`;
  const said = lit.split("\n").at(-1);
  return html`<div class="lit-line card line" role="status">
    <span><span class="tag lit" dir="auto">${said}</span> ${word
      ? html`adds <b class=${word.contribution < 0 ? "minus-ink" : "plus-ink"}>${signed(word.contribution, sizesOf(query).digits)}</b> over all listed rows; those with most of it come first.`
      : "has no part in the rows listed now."}</span>
    <button class="push" onClick=${onClear}>Put it out <kbd>Esc</kbd></button>
  </div>`;
}

/** Two measures, side by side. */
function Beside({ answer, other, shared, settings }) {
  return html`${["proponents", "opponents"].map((side) => html`<section key=${side} class="pair-of-sides">
    <h2>${side === "proponents" ? "Proponents speak for" : "Opponents speak against"} <bdi>${shared.name}</bdi>
      <span class="soft"> · ${overlap(answer, other, side)} of ${answer.queries[0][side].length} are the same by both</span></h2>
    <div class="sides">
      <${Side} side=${side} answer=${answer} other=${other} title=${answer.measure} ...${shared} />
      <${Side} side=${side} answer=${other} other=${answer} title=${other.measure} ...${shared} />
    </div></section>`)}`;
}

/** What of the settings /prove takes over. */
const proven = ({ text, text2, row, label, measure, span, without }) => ({ text, text2, row, label, measure, span, without });

/** The answer as a file. */
function Save({ answer, other }) {
  const [error, set] = useState(null);
  const documents = useMemo(() => [answer, other].filter(Boolean).map(documentOf), [answer, other]);
  const page = () =>
    post("/report", { documents }).then(
      (found) => save("wordtrace-report.html", "text/html", found),
      (found) => set(found),
    );
  const json = () => save("trace.json", "application/json", JSON.stringify(documents[0], null, 1));
  return html`<button onClick=${page} title="One self-contained page to hand on, without a script">Save report</button>
    <button onClick=${json} title="For wordtrace verify and other programs">Save JSON</button>
    ${error && html`<span role="alert">${error.message}</span>`}`;
}
