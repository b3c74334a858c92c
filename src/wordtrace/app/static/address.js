// The address bar holds what is shown: a view and its settings. Whoever opens it sees the same.
import { useEffect, useState } from "./vendor/preact.js";

/** Return {view, settings} of the address; settings are strings. */
export function read() {
  return {
    view: location.pathname.slice(1) || "rows",
    settings: Object.fromEntries(new URLSearchParams(location.search)),
  };
}

/** Go to a view with settings; null and "" are left out. With replace, Back does not return here. */
export function go(view, settings = {}, replace = false) {
  const kept = Object.entries(settings).filter(([, value]) => value != null && value !== "");
  const query = new URLSearchParams(kept).toString();
  const address = `/${view}${query && "?" + query}`;
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
