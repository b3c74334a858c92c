// Prove: plan, start, follow and read a proof; and the studies that were run before.
import { go } from "./address.js";
import { get, post, remove, useGet } from "./api.js";
import { Document } from "./prove_result.js";
import { Wish } from "./prove_form.js";
import { html, useEffect, useState } from "./vendor/preact.js";

const WORDS = {
  waiting: "waiting", running: "running", done: "done", stopped: "stopped",
  failed: "failed", interrupted: "interrupted",
};

export function Prove({ about, settings }) {
  if (settings.proof) return html`<${Proof} number=${settings.proof} key=${settings.proof} />`;
  if (settings.study) return html`<${Study} id=${settings.study} key=${settings.study} />`;
  return html`<${Begin} about=${about} settings=${settings} />`;
}

function Begin({ about, settings }) {
  const { data, error } = useGet("/proofs");
  const { data: studies } = useGet("/studies");
  return html`
    <h1>Prove it: train again, and compare</h1>
    <div class="prove-columns">
      <${Wish} about=${about} settings=${settings} known=${data} />
      <section class="card" aria-labelledby="proofs-head">
        <h2 id="proofs-head">Proofs and studies of this run</h2>
        ${error && html`<p class="banner" role="alert">${error.message}</p>`}
        ${data && !data.proofs.length && !studies?.length && html`<p class="soft">There are none yet.</p>`}
        <ul class="prove-list">
          ${data?.proofs.map((one) => html`
            <li key=${one.number}><${Link} to=${{ proof: one.number }} title=${one.title}
              tag=${one.short?.said ?? WORDS[one.state]} good=${one.short?.shown} note=${when(one.made)} /></li>`)}
          ${studies?.map((one) => html`
            <li key=${one.id}><${Link} to=${{ study: one.id }} title=${one.name} tag=${one.kind} note="a file beside the run" /></li>`)}
        </ul>
      </section>
    </div>`;
}

function Link({ to, title, tag, good, note }) {
  const open = (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
    event.preventDefault();
    go("prove", to);
  };
  return html`<a href=${"/prove?" + new URLSearchParams(to)} onClick=${open}><bdi>${title}</bdi></a>
    <span class="line"><span class=${good ? "tag good" : "tag"}>${tag}</span><span class="soft small">${note}</span></span>`;
}

/** A proof, asked about again every second while it goes on. */
function useProof(number) {
  const [state, set] = useState({ proof: null, error: null });
  const [turn, again] = useState(0);
  useEffect(() => {
    let stopped = false, timer = null;
    const ask = () => get(`/proofs/${number}`).then(
      (proof) => {
        if (stopped) return;
        set({ proof, error: null });
        if (["waiting", "running"].includes(proof.state)) timer = setTimeout(ask, 1000);
      },
      (error) => {
        if (stopped) return;
        set((before) => ({ ...before, error }));
        timer = setTimeout(ask, 3000);
      },
    );
    ask();
    return () => { stopped = true; clearTimeout(timer); };
  }, [number, turn]);
  const act = (doing) => doing.then(
    (proof) => { set({ proof, error: null }); again((before) => before + 1); },
    (error) => set((before) => ({ ...before, error })),
  );
  return { ...state, act };
}

function Proof({ number }) {
  const { proof, error, act } = useProof(number);
  return html`
    <${Back} />
    ${error && html`<p class="banner" role="alert">${error.message}</p>`}
    ${!proof && !error && html`<p class="waiting">Reading the proof …</p>`}
    ${proof && html`
      <h1 dir="auto">${proof.title}</h1>
      ${proof.state === "done"
        ? html`<${Document} document=${proof.document} told=${proof.told} />
            <${Downloads} proof=${proof} />`
        : html`<${Progress} proof=${proof} act=${act} />`}`}`;
}

const Back = () => html`<p class="small"><a href="/prove" onClick=${(event) => {
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
  event.preventDefault();
  go("prove");
}}>← all proofs</a></p>`;

function Progress({ proof, act }) {
  const goes = ["waiting", "running"].includes(proof.state);
  const { trained, least, most, seconds } = proof;
  const rate = trained && seconds ? trained / seconds : null;
  const share = most ? Math.min(1, trained / most) : 0;
  const queries = proof.looks ?? [];
  return html`
    <section class="card prove-progress" aria-labelledby="progress-head">
      <h2 id="progress-head">${headline(proof)}</h2>
      <p>${proof.plan}</p>
      ${proof.without > 0 && html`<p class="soft">${proof.without} changes of texts in the patch are not trained: only removed and relabelled rows are.</p>`}
      <div class="bar" role="progressbar" aria-label="Models trained" aria-valuemin="0" aria-valuemax=${most} aria-valuenow=${trained}>
        <span style=${{ width: `${100 * share}%` }}></span>
        ${least < most && html`<i style=${{ insetInlineStart: `${(100 * least) / most}%` }} title="It may stop here, or later"></i>`}
      </div>
      <p aria-live="polite"><b>${trained}</b> of ${least < most ? `${least} to ${most}` : most} models trained${
        rate && goes ? html` · ${pace(rate)} · ${least < most ? "at most " : "about "}${lasting((most - trained) / rate)} left` : ""}</p>
      ${proof.state === "running" && !trained && html`<p class="soft small">Training programs start; the first model takes longest.</p>`}
      ${queries.map((look) => html`<${SoFar} look=${look} key=${look.query} />`)}
      ${goes && least === most && most > 0 && html`<p class="soft small">Intervals are shown when all seeds are trained: whoever looks earlier stops where chance is kind. “Stop when it is clear” looks earlier, with wider intervals.</p>`}
      ${proof.error && html`<p class="banner" role="alert">${proof.error}</p>`}
      <div class="toolbar">
        ${goes
          ? html`<button onClick=${() => act(remove(`/proofs/${proof.number}`))} disabled=${proof.stopping}>${proof.stopping ? "Stopping …" : "Stop"}</button>
              <span class="soft small">What is trained is kept. This page may be closed meanwhile.</span>`
          : html`<button class="primary" onClick=${() => act(post(`/proofs/${proof.number}`))}>${proof.state === "failed" ? "Try again" : "Go on"}</button>
              <span class="soft small">It goes on from the models that are trained.</span>`}
      </div>
    </section>`;
}

const headline = (proof) => ({
  waiting: proof.ahead ? `Waiting: ${proof.ahead} before it` : "Starting",
  running: "Training",
  stopped: "Stopped",
  interrupted: "Interrupted: the server ended meanwhile",
  failed: "It failed",
}[proof.state]);

function SoFar({ look }) {
  const parts = Object.entries(look.differences).map(
    ([name, one]) => `against ${name} ${signed(one.mean)} [${signed(one.low)}, ${signed(one.high)}]`,
  );
  return html`<p class="small">After ${look.seeds} seeds${look.query ? ` (text ${look.query + 1})` : ""}: ${parts.join("; ")}</p>`;
}

function Downloads({ proof }) {
  const path = `/api/proofs/${proof.number}`;
  return html`<p class="toolbar">
    <a class="button" href=${path + "/report"} download>Report (HTML)</a>
    <a class="button" href=${path + "/result"} download>Result (JSON)</a>
    ${proof.patch && html`<a class="button" href=${path + "/patch"} download>The patch that suffices</a>`}
    <span class="soft small">Proof ${proof.number}, asked ${when(proof.made)}</span>
  </p>`;
}

function Study({ id }) {
  const { data, error } = useGet(`/studies/${id}`);
  return html`<${Back} />
    ${error && html`<p class="banner" role="alert">${error.message}</p>`}
    ${data && html`<h1 dir="auto">${data.name}</h1><${Document} document=${data.document} told=${data.told} />`}`;
}

export const signed = (value, digits = 2) =>
  `${value > 0 ? "+" : value < 0 ? "−" : ""}${Math.abs(value).toFixed(digits)}`;

const when = (time) => new Date(time).toLocaleString("en", { dateStyle: "medium", timeStyle: "short" });
const pace = (rate) => (rate >= 1 ? `${rate.toFixed(1)} models a second` : `${lasting(1 / rate)} a model`);

function lasting(seconds) {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} minutes`;
  return `${(seconds / 3600).toFixed(1)} hours`;
}
