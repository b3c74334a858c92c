// The address bar holds what is shown: a view and its settings. Whoever opens it sees the same.
import { useEffect, useState } from "./vendor/preact.js";

// A server refuses a long address. What is longer stands behind the #, which is not sent to it.
const LONG = 4000;

/** Return {view, settings} of the address; settings are strings. */
export function read() {
  const parts = [location.hash, location.search].map((one) => new URLSearchParams(one.slice(1)));
  const settings = [...parts[0], ...parts[1]].filter(([, value]) => value !== "");
  return { view: location.pathname.slice(1) || "rows", settings: Object.fromEntries(settings) };
}

/** The address of a view with settings; null and "" are left out. */
export function addressOf(view, settings = {}) {
  const kept = Object.entries(settings).filter(([, value]) => value != null && value !== "");
  const isLong = ([, value]) => String(value).length > LONG;
  const query = new URLSearchParams(kept.filter((one) => !isLong(one))).toString();
  const rest = new URLSearchParams(kept.filter(isLong)).toString();
  return `/${view}${query && "?" + query}${rest && "#" + rest}`;
}

/** Go to a view with settings; null and "" are left out. With replace, Back does not return here. */
export function go(view, settings = {}, replace = false) {
  const address = addressOf(view, settings);
  if (replace) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
  dispatchEvent(new Event("address"));
}

/** The address, read again whenever it changes. */
export function useAddress() {
  const [address, set] = useState(read);
  useEffect(() => {
    const changed = () => set(read());
    addEventListener("popstate", changed);
    addEventListener("address", changed);
    return () => {
      removeEventListener("popstate", changed);
      removeEventListener("address", changed);
    };
  }, []);
  return address;
}
