// The suspects under review: fetched ahead of the reader, decided at once, sent one after another.
import { get } from "./api.js";
import { decide, turn } from "./decide.js";
import { useCallback, useEffect, useMemo, useRef, useState } from "./vendor/preact.js";

// Evidence is asked for as many suspects at a time.
const PART = 5;

/** What stands about a row once an action is added to what stood; as the server joins them. */
function joined(row, { action, label, text, field = "text" }) {
  if (action === "clear") return null;
  if (action === "keep" || action === "remove") return { action };
  const before = row.decision;
  const now = before && before.action !== "keep" && before.action !== "remove" ? { ...before } : {};
  if (action === "relabel") now.label = label;
  else now[field] = text;
  if (now[field] === row[field]) delete now[field];
  return now.label || now.text || now.text2 ? { ...now, action } : { action: "keep" };
}

/**
 * asked: {by, label, top}. Returns what the view shows:
 * info (the list's figures and each suspect's decision), state (the review's), rows (by place),
 * want(place), act(place, given), back("undo" | "redo"), refresh(), error.
 */
export function useSuspects(asked) {
  const key = JSON.stringify(asked);
  const [info, setInfo] = useState(null);
  const [state, setState] = useState(null);
  const [rows, setRows] = useState(new Map());
  const [error, setError] = useState(null);
  const held = useRef({ key, asked: new Set() });
  const queue = useRef(Promise.resolve());
  const waiting = useRef(0);
  const acts = useRef(0); // how many there were

  const fetchPart = useCallback(async (start, { again = false, alone = false } = {}) => {
    const now = held.current;
    if (!again && !alone && now.asked.has(start)) return undefined;
    now.asked.add(start);
    // The server may answer this before an act that is on its way, or that is yet to come.
    const before = waiting.current > 0 ? null : acts.current;
    try {
      const found = await get("/suspects", { ...JSON.parse(now.key), offset: start, limit: PART });
      if (held.current !== now) return undefined;
      const old = acts.current !== before;
      setRows((known) => {
        const next = again ? new Map() : new Map(known);
        // What was decided since this was asked counts.
        found.rows.forEach((row, place) => next.set(start + place, old ? known.get(start + place) ?? row : row));
        return next;
      });
      setError(null);
      if (old) return queue.current.then(() => fetchPart(start, { alone: true }));
      setInfo({ ...found, key: now.key });
    } catch (told) {
      now.asked.delete(start);
      if (held.current === now) setError(told.message);
    }
    return undefined;
  }, []);

  const want = useCallback((place) => {
    const start = place - (place % PART);
    return fetchPart(start).then(() => fetchPart(start + PART)).then(() => fetchPart(start + 2 * PART));
  }, []);

  const askState = useCallback(() => {
    const before = waiting.current > 0 ? null : acts.current;
    get("/review").then(
      // An act says itself what stands after it, and what was asked before may be answered last.
      (found) => { if (acts.current === before) setState(found); },
      (told) => setError(told.message),
    );
  }, []);

  const refresh = useCallback(async (place) => {
    held.current = { key: held.current.key, asked: new Set() };
    askState();
    await fetchPart(place - (place % PART), { again: true });
    want(place);
  }, []);

  useEffect(() => {
    held.current = { key, asked: new Set() };
    setRows(new Map());
    setInfo(null);
    askState();
    get("/suspects", { ...asked, limit: 0 }).then((found) => setInfo({ ...found, key }), (told) => setError(told.message));
  }, [key]);

  /** Show decisions at once, and send them after those before them. */
  const act = useCallback((place, row, ...given) => {
    const decision = given.reduce((stands, one) => joined({ ...row, decision: stands }, one), row.decision);
    setRows((before) => new Map(before).set(place, { ...row, decision }));
    setInfo((before) => before && {
      ...before,
      decisions: before.decisions.map((one, at) => (at === place ? decision?.action ?? null : one)),
    });
    given.forEach((one) => send(() => decide({ rows: [row.row], by: asked.by, ...one }), place));
  }, [key]);

  const send = (ask, place) => {
    waiting.current += 1;
    acts.current += 1;
    queue.current = queue.current.then(ask).then(
      (found) => { setState(found); setError(null); return found; },
      (told) => { setError(told.message); return null; },
    ).then((found) => {
      waiting.current -= 1;
      // What was shown at once is not what the server has.
      if (found === null) refresh(place);
      return found;
    });
    return queue.current;
  };

  useEffect(() => {
    const leaving = (event) => waiting.current && event.preventDefault();
    addEventListener("beforeunload", leaving);
    return () => removeEventListener("beforeunload", leaving);
  }, []);

  const back = useCallback((what, place) => send(() => turn(what), place), [key]);
  return useMemo(
    () => ({ info: info?.key === key ? info : null, state, rows, error, want, act, back, refresh }),
    [info, state, rows, error, act],
  );
}
