// Questions to the server. An answer that is not 2xx is an Error with the server's sentence.
import { useEffect, useState } from "./vendor/preact.js";

async function ask(method, path, body, signal) {
  let answer;
  try {
    answer = await fetch("/api" + path, {
      method,
      signal,
      headers: body === undefined ? {} : { "content-type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The server does not answer; is it still running?");
  }
  const page = answer.headers.get("content-type")?.startsWith("text/html");
  const read = page ? answer.text() : answer.json();
  let cut = false;
  const found =
    answer.status === 204
      ? null
      : await read.catch((error) => {
          // Who left the page while the answer came in asks for it no more.
          if (error.name === "AbortError") throw error;
          cut = true;
          return null;
        });
  if (answer.status === 401) dispatchEvent(new CustomEvent("token", { detail: found?.error }));
  if (answer.status === 409) dispatchEvent(new CustomEvent("changed", { detail: found?.error }));
  if (!answer.ok) throw new Error(found?.error ?? `The server answered ${answer.status}.`);
  if (cut) throw new Error("The server's answer could not be read to its end; ask again.");
  return found;
}

const query = (settings) => {
  const kept = Object.entries(settings ?? {}).filter(([, value]) => value != null && value !== "");
  return kept.length ? "?" + new URLSearchParams(kept) : "";
};

export const get = (path, settings, signal) => ask("GET", path + query(settings), undefined, signal);
export const post = (path, body, signal) => ask("POST", path, body ?? {}, signal);
export const remove = (path) => ask("DELETE", path);

/** {data, error, waiting} of a GET, asked again when path or settings change; null asks nothing. */
export function useGet(path, settings) {
  const key = path && path + query(settings);
  const [state, set] = useState({ data: null, error: null, waiting: !!key });
  useEffect(() => {
    if (!key) return undefined;
    const stop = new AbortController();
    set((before) => ({ ...before, waiting: true }));
    ask("GET", key, undefined, stop.signal).then(
      (data) => set({ data, error: null, waiting: false }),
      (error) => error.name === "AbortError" || set({ data: null, error, waiting: false }),
    );
    return () => stop.abort();
  }, [key]);
  return state;
}
