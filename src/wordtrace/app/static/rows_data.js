// What the view of rows asks the server for, and what stands in its address.
import { get } from "./api.js";
import { useEffect, useState } from "./vendor/preact.js";

/** The settings that say which rows are meant, as the server's queries and bodies have them. */
export const FILTERS = [
  "q", "label", "predicted", "right", "suspicion_from", "suspicion_to", "loss_from", "loss_to", "decision",
];
export const PAGE = 50;

/** Only the filters among settings. */
export const filtersOf = (settings) =>
  Object.fromEntries(FILTERS.filter((name) => settings[name]).map((name) => [name, settings[name]]));

export const count = (number) => number.toLocaleString("en");

/** A figure with three digits, as far as five behind the point. */
export function figure(value) {
  if (value == null) return "";
  if (value !== 0 && Math.abs(value) < 0.00001) return value < 0 ? "> −0.00001" : "< 0.00001";
  return Number(value.toPrecision(3)).toLocaleString("en", { maximumFractionDigits: 5 }).replace("-", "−");
}

/**
 * {data, error, waiting} of a GET; asked again in a while as long as its answer says `waiting`:
 * the suspicion is then still computed. `version` asks again when it changes.
 */
export function useAsked(path, settings, version = 0) {
  const key = JSON.stringify([path, settings, version]);
  const [state, set] = useState({ data: null, error: null, waiting: true });
  useEffect(() => {
    if (!path) return undefined;
    const stop = new AbortController();
    let later;
    const ask = () =>
      get(path, settings, stop.signal).then(
        (data) => {
          set({ data, error: null, waiting: false });
          if (data?.waiting) later = setTimeout(ask, 1000);
        },
        (error) => error.name === "AbortError" || set((before) => ({ ...before, error, waiting: false })),
      );
    set((before) => ({ ...before, error: null, waiting: true }));
    ask();
    return () => {
      stop.abort();
      clearTimeout(later);
    };
  }, [key]);
  return state;
}
