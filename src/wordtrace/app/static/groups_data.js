// What the server computes in the background: asked again until it is there, then kept.
import { get } from "./api.js";
import { ACTIONS, decide, turn } from "./decide.js";
import { useEffect, useRef, useState } from "./vendor/preact.js";

const AGAIN_MS = 700;

/**
 * {data, progress, error, reload} of a GET whose answer may be {state: "computing", what, done, total}.
 * While another page of the same list is fetched, the former one stays.
 */
export function useComputed(path, settings) {
  const key = JSON.stringify([path, settings]);
  const [state, set] = useState({ data: null, progress: null, error: null });
  const [asked, setAsked] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    let timer = null;
    const ask = () =>
      get(path, settings, stop.signal).then(
        (found) => {
          if (found.state === "computing") {
            set({ data: null, progress: found, error: null });
            timer = setTimeout(ask, AGAIN_MS);
          } else set({ data: found, progress: null, error: null });
        },
        (error) => error.name === "AbortError" || set({ data: null, progress: null, error }),
      );
    ask();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [key, asked]);
  return { ...state, reload: () => setAsked((before) => before + 1) };
}

/**
 * Decisions about rows, made here: {of(row), act(rows, action, more), said, undo, error}.
 * reload is called after an undo, since the server then knows better.
 */
export function useDecisions(reload) {
  const [made, setMade] = useState(new Map());
  const [said, setSaid] = useState(null);
  const [error, setError] = useState(null);
  const busy = useRef(false);
  useEffect(() => {
    const elsewhere = () => {
      setMade(new Map());
      reload();
    };
    addEventListener("elsewhere", elsewhere);
    return () => removeEventListener("elsewhere", elsewhere);
  }, []);
  const once = async (work) => {
    if (busy.current) return;
    busy.current = true;
    try {
      await work();
      setError(null);
    } catch (told) {
      setError(told.message);
    } finally {
      busy.current = false;
    }
  };
  return {
    said,
    error,
    of: (row) => (made.has(row.row) ? made.get(row.row) : row.decision),
    act: (rows, action, more = {}) =>
      once(async () => {
        await decide({ rows, action, ...more });
        const decision = action === "clear" ? null : { action, ...more };
        setMade((before) => new Map([...before, ...rows.map((row) => [row, decision])]));
        const label = more.label === undefined ? "" : ` to ${more.label}`;
        setSaid(`${rows.length === 1 ? "One row" : `${rows.length.toLocaleString("en")} rows`} ${ACTIONS[action]?.done ?? "undecided again"}${label}.`);
      }),
    undo: () =>
      once(async () => {
        await turn("undo");
        setMade(new Map());
        setSaid(null);
        reload();
      }),
  };
}
