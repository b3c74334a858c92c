// A question sent to the server, and its answer; and what is asked, from the address.
import { post } from "./api.js";
import { html, useEffect, useRef, useState } from "./vendor/preact.js";

/** The body of POST /api/trace of an address's settings; null where nothing is asked. */
export function bodyOf(settings, measure = settings.measure) {
  const { text, text2, row, label, top, without, span } = settings;
  if (text == null && row == null) return null;
  const characters = /^(\d+):(\d+)$/.exec(span ?? "");
  return {
    ...(row != null ? { row: Number(row) } : { text, text2 }),
    label,
    measure,
    top: Number(top) || 20,
    without: without ? without.split(",") : [],
    span: characters ? [Number(characters[1]), Number(characters[2])] : span,
  };
}

/**
 * {data, error, waiting, stop} of a trace; null asks nothing. What was answered before stays until
 * the new answer is there, so that nothing jumps.
 */
export function useTrace(body) {
  const key = body && JSON.stringify(body);
  const [state, set] = useState({ data: null, error: null, waiting: false });
  const stopping = useRef(null);
  useEffect(() => {
    if (!key) {
      set({ data: null, error: null, waiting: false });
      return undefined;
    }
    const stop = new AbortController();
    stopping.current = stop;
    set((before) => ({ data: before.data, error: null, waiting: true }));
    post("/trace", JSON.parse(key), stop.signal).then(
      (data) => set({ data, error: null, waiting: false }),
      (error) => error.name === "AbortError" || set({ data: null, error, waiting: false }),
    );
    return () => stop.abort();
  }, [key]);
  const stop = () => {
    stopping.current?.abort();
    const error = new Error("No longer waited for. The server finishes its computation all the same.");
    set((before) => ({ data: before.data, error, waiting: false }));
  };
  return { ...state, stop };
}

/** What is said while an answer is computed anew, with the seconds, and a way to wait no longer. */
export function Waiting({ slow, onStop }) {
  const [seconds, set] = useState(0);
  useEffect(() => {
    const clock = setInterval(() => set((before) => before + 1), 1000);
    return () => clearInterval(clock);
  }, []);
  if (!slow && seconds < 1) return null;
  return html`<p class="banner line" role="status"><span class="waiting">Computing${slow ? " anew from the run" : ""}
    ${seconds > 0 && ` for ${seconds} s`} …</span><button onClick=${onStop}>Stop waiting</button></p>`;
}

/** Asks before a measure is computed that the index does not hold. */
export function Consent({ name, one, examples, onGo, onBack }) {
  return html`<div class="card" role="status">
    <h2>${name} is not in this index</h2>
    <p>It goes through ${examples.toLocaleString("en")} rows anew${one?.cost.includes("pass") && ", with the model, at each checkpoint that it reads"}:
      from seconds to many minutes, with all cores.${one && html`<br /><span class="soft">Its cost: ${one.cost}.</span>`}</p>
    <div class="line"><button class="primary" onClick=${onGo}>Compute it</button>
      <button onClick=${onBack}>Back to what the index answers at once</button></div>
  </div>`;
}

/** Give the user a file. */
export function save(name, type, content) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

// What /api/trace says beside the trace's own document.
const BESIDE = ["rows", "predicted", "decisions", "checkpoints", "row", "example", "probabilities", "sentences"];

/** The trace's own document, as `wordtrace trace --out` writes it. */
export const documentOf = (answer) =>
  Object.fromEntries(Object.entries(answer).filter(([key]) => !BESIDE.includes(key)));
