// The form of a proof: what is to be proven, how thoroughly, and what that costs, before it starts.
import { go } from "./address.js";
import { post, useGet } from "./api.js";
import { html, useEffect, useState } from "./vendor/preact.js";

const WHAT = {
  remove: ["Are these rows the cause?", "Train again without the rows that speak against the label, or for it: does the prediction change more than without as many random rows?"],
  patch: ["Does my patch help?", "Train again with the rows that you removed and relabelled in the review: are the texts right then, and does nothing else suffer?"],
  fix: ["What would repair it?", "Remove more and more of the rows that speak against the right label: how many must go until the text is right?"],
};
const ACTIONS = { remove: "remove them", relabel: "give them the label of their own opponents", blank: "take their most harmful word out" };

/** The address's settings as the form has them. */
function formOf(settings) {
  const what = settings.patch ? "patch" : WHAT[settings.what] ? settings.what : "remove";
  return {
    what,
    text: settings.text ?? "", text2: settings.text2 ?? "", row: settings.row ?? "", label: settings.label ?? "",
    more: settings.more ?? "", mistakes: settings.mistakes ?? (settings.text || settings.row ? "0" : "1"),
    remove: settings.remove === "proponents" ? "proponents" : "opponents",
    k: settings.k ?? "10", sizes: settings.sizes ?? "5, 10, 20", action: settings.action ?? "remove",
    measure: settings.measure ?? "", repeats: settings.repeats ?? "", sequential: settings.sequential ?? "",
    smallest: settings.smallest ?? "", trains: settings.trains ?? "",
    span: settings.span ?? "", without: settings.without ?? "",
  };
}

/** What the server is asked, or a sentence that says what is missing. */
function askOf(form, about, known) {
  const ask = { what: form.what, questions: [] };
  if (form.row !== "") ask.questions.push({ row: Number(form.row), label: form.label || null });
  else if (form.text.trim()) ask.questions.push({ text: form.text, text2: form.text2 || null, label: form.label || null });
  if (form.what === "patch") {
    for (const line of form.more.split("\n")) {
      const at = line.lastIndexOf("|");
      if (at > 0) ask.questions.push({ text: line.slice(0, at).trim(), label: line.slice(at + 1).trim() });
      else if (line.trim()) return `“${line.slice(0, 40)}”: write the right label behind it, as in: text | ${about.label_names?.[0] ?? "label"}`;
    }
    ask.mistakes = form.mistakes === "1" && known?.held_out;
  }
  if (!ask.questions.length && !ask.mistakes) return "Write a text to see what the proof would cost.";
  if (form.what === "fix" && !form.label && form.row === "") return "Choose the label that the text should have.";
  if (form.what === "remove") Object.assign(ask, { remove: form.remove, k: Number(form.k) || 10 });
  if (form.what === "fix") {
    ask.sizes = form.sizes.split(/[\s,]+/).filter(Boolean).map(Number);
    ask.actions = [form.action];
  }
  if (form.measure) ask.measure = form.measure;
  if (form.without) ask.without = form.without.split(",");
  if (/^\d+:\d+$/.test(form.span)) ask.span = form.span.split(":").map(Number);
  if (form.repeats) ask.repeats = Number(form.repeats);
  if (form.what !== "fix") {
    ask.sequential = form.sequential === "1";
    if (form.smallest) ask.smallest = Number(form.smallest);
  }
  if (form.trains) ask.trains = form.trains;
  return ask;
}

/** {plan, error} of what is asked, a little after it was written. */
function usePlan(ask) {
  const key = typeof ask === "string" ? null : JSON.stringify(ask);
  const [state, set] = useState({ plan: null, error: null, key: null });
  useEffect(() => {
    if (!key) return undefined;
    const stop = new AbortController();
    const timer = setTimeout(() => post("/proofs/plan", JSON.parse(key), stop.signal).then(
      (plan) => set({ plan, error: null, key }),
      (error) => error.name === "AbortError" || set({ plan: null, error, key }),
    ), 400);
    return () => { clearTimeout(timer); stop.abort(); };
  }, [key]);
  return { ...state, fresh: state.key === key };
}

export function Wish({ about, settings, known }) {
  const [form, setForm] = useState(() => formOf(settings));
  const address = JSON.stringify(settings);
  useEffect(() => setForm(formOf(settings)), [address]);
  const change = (more) => {
    const next = { ...form, ...more };
    setForm(next);
    const { what, ...rest } = next;
    const plain = formOf({ text: rest.text, row: rest.row });
    const kept = Object.fromEntries(Object.entries(rest).filter(
      ([name, value]) => value !== "" && (["text", "row"].includes(name) || value !== plain[name])));
    go("prove", { ...(what === "patch" ? { patch: "1" } : what === "fix" ? { what } : {}), ...kept }, true);
  };
  const { data: review } = useGet(form.what === "patch" ? "/review" : null);
  const empty = form.what === "patch" && review && !review.counts.remove && !review.counts.relabel;
  const ask = empty ? "The review has removed and relabelled no row yet." : askOf(form, about, known);
  const { plan, error, fresh } = usePlan(ask);
  const [refused, refuse] = useState(null);
  const [starting, setStarting] = useState(false);
  const start = (event) => {
    event.preventDefault();
    if (typeof ask === "string") return;
    setStarting(true);
    post("/proofs", ask).then(
      (proof) => go("prove", { proof: proof.number }),
      (problem) => { refuse(problem); setStarting(false); },
    );
  };
  return html`
    <form class="card prove-form" onSubmit=${start} aria-label="A new proof">
      <fieldset class="prove-what"><legend class="hidden">What is to be proven</legend>
        ${Object.entries(WHAT).map(([name, [title]]) => html`
          <button type="button" key=${name} aria-pressed=${form.what === name ? "true" : "false"} onClick=${() => change({ what: name })}>${title}</button>`)}
      </fieldset>
      <p class="soft">${WHAT[form.what][1]}</p>
      <${Asked} about=${about} form=${form} change=${change} known=${known} />
      ${form.what === "remove" && html`<div class="line">
        <label class="field"><span title="Opponents speak against the label, proponents for it">Remove the strongest</span>
          <select value=${form.remove} onChange=${(event) => change({ remove: event.target.value })}>
            <option value="opponents">opponents (against the label)</option><option value="proponents">proponents (for the label)</option>
          </select></label>
        <${Number_} title="How many rows" name="k" form=${form} change=${change} min="1" />
      </div>`}
      ${form.what === "fix" && html`<div class="line">
        <label class="field"><span>Numbers of opponents to try</span>
          <input value=${form.sizes} onInput=${(event) => change({ sizes: event.target.value })} inputmode="numeric" /></label>
        <label class="field"><span>What to do with them</span>
          <select value=${form.action} onChange=${(event) => change({ action: event.target.value })}>
            ${Object.entries(ACTIONS).map(([name, title]) => html`<option value=${name} key=${name}>${title}</option>`)}
          </select></label>
      </div>`}
      <${Design} form=${form} change=${change} known=${known} />
      <div class="prove-plan" aria-live="polite">
        ${typeof ask === "string" ? html`<p class="soft">${ask} ${empty && html`<a href="/review">Go to the review</a>`}</p>`
          : error && fresh ? html`<p class="banner" role="alert">${error.message}</p>`
          : plan ? html`<${Plan} plan=${plan} fresh=${fresh} />`
          : html`<p class="waiting">Planning …</p>`}
        ${refused && html`<p class="banner" role="alert">${refused.message}</p>`}
      </div>
      <div class="toolbar"><button class="primary" disabled=${typeof ask === "string" || !plan || !fresh || starting}>${starting ? "Starting …" : "Start"}</button>
        <span class="soft small">It runs on the machine of this server; you can stop it, and go on later.</span></div>
    </form>`;
}

function Asked({ about, form, change, known }) {
  const names = about.label_names ?? [];
  return html`
    ${form.row !== "" ? html`<p class="line"><span class="tag">row ${form.row}</span>
        <button type="button" class="plain" onClick=${() => change({ row: "" })}>ask about a text instead</button></p>`
      : html`<label class="field"><span>Text</span>
        <textarea rows="3" dir="auto" value=${form.text} onInput=${(event) => change({ text: event.target.value })}
          placeholder="The text whose prediction is to change"></textarea></label>
        ${(about.pairs || form.text2) && html`<label class="field"><span>Second text</span>
          <textarea rows="2" dir="auto" value=${form.text2} onInput=${(event) => change({ text2: event.target.value })}></textarea></label>`}`}
    ${names.length > 1 && html`<label class="field"><span title="Whose probability is measured: of a wrongly predicted text the right label">Label</span>
      <select value=${form.label} onChange=${(event) => change({ label: event.target.value })}>
        <option value="">${form.row !== "" ? "the row's own" : "as predicted"}</option>
        ${names.map((name) => html`<option value=${name} key=${name}>${name}</option>`)}
      </select></label>`}
    ${form.what === "patch" && html`
      ${known?.held_out && html`<label class="choice"><input type="checkbox" checked=${form.mistakes === "1"}
        onChange=${(event) => change({ mistakes: event.target.checked ? "1" : "0" })} />
        <span>Ask about the held-out rows that the model gets wrong, too (the first 50)</span></label>`}
      <details open=${!!form.more}><summary>More texts</summary>
        <label class="field"><span>One a line, its right label behind a bar: text | label</span>
        <textarea rows="3" dir="auto" value=${form.more} onInput=${(event) => change({ more: event.target.value })}></textarea></label>
      </details>`}`;
}

function Design({ form, change, known }) {
  const ways = known?.ways ?? [];
  return html`<details class="prove-design" open=${!!(form.repeats || form.sequential || form.smallest || form.trains)}>
    <summary>How thoroughly</summary>
    <div class="line">
      <${Number_} title=${form.sequential === "1" ? "Seeds, at most" : "Seeds"} name="repeats" form=${form} change=${change} min="2"
        placeholder=${form.sequential === "1" ? "12" : "5"} help="Each seed trains four models: unchanged, with the change, and two controls that change random rows. More seeds give narrower intervals." />
      ${form.what !== "fix" && html`<${Number_} title="Smallest change that matters" name="smallest" form=${form} change=${change} min="0" step="any" placeholder="any"
        help="A smaller change of the probability than this, such as 0.05, does not matter to you: then the proof can also say that there is none." />`}
    </div>
    ${form.what !== "fix" && html`<label class="choice" title="Looks after each seed, from the third on; the intervals are wider by as much as the looks need">
      <input type="checkbox" checked=${form.sequential === "1"} onChange=${(event) => change({ sequential: event.target.checked ? "1" : "" })} />
      <span>Stop when it is clear <span class="soft small">(a sequential design: often far fewer trainings)</span></span></label>`}
    ${ways.length > 0 && html`<label class="field"><span>Trained by</span>
      <select value=${form.trains || ways[0].name} onChange=${(event) => change({ trains: event.target.value })}>
        ${ways.map((one) => html`<option value=${one.name} key=${one.name}>${one.about}</option>`)}
      </select></label>`}
  </details>`;
}

function Number_({ title, name, form, change, help, ...rest }) {
  return html`<label class="field" title=${help}><span>${title}</span>
    <input type="number" value=${form[name]} onInput=${(event) => change({ [name]: event.target.value })} ...${rest} /></label>`;
}

function Plan({ plan, fresh }) {
  const first = plan.first[0];
  return html`<div class=${fresh ? "" : "soft"}>
    <p><b>The plan.</b> ${plan.sentence}</p>
    <p class="soft small">${plan.questions > 1 ? `${plan.questions} texts are asked about.`
      : html`Measured is how likely <bdi>${first.label}</bdi> is; the model says <bdi>${first.predicted}</bdi> now.`}
      ${plan.changes != null && ` The patch changes ${plan.changes} rows.`}
      ${plan.without > 0 && ` ${plan.without} changes of texts are left out: only removed and relabelled rows are trained.`}</p>
  </div>`;
}
