// What was decided so far, in the head of the page: the patch is one click away from every view.
import { get } from "./api.js";
import { html, useEffect, useRef, useState } from "./vendor/preact.js";

/**
 * The download of all changes, once there is one. It hears of decisions made in this tab; those made
 * in another tab are asked for when a person comes back to this one, and told to the view ("elsewhere").
 */
export function PatchLink() {
  const [state, set] = useState(null);
  const known = useRef(null); // the review's version
  useEffect(() => {
    let heard = 0; // decisions of this tab: what was asked before one is old
    const hold = (found) => {
      known.current = found.version;
      set(found);
    };
    const look = () => {
      const [before, version] = [heard, known.current];
      get("/review").then(
        (found) => {
          if (heard === before) hold(found);
          if (version != null && version !== found.version) dispatchEvent(new CustomEvent("elsewhere", { detail: found }));
        },
        () => null, // whatever the view asks meets the same, and says it
      );
    };
    const seen = () => document.visibilityState === "visible" && look();
    const decided = (event) => {
      heard += 1;
      hold(event.detail);
    };
    look();
    addEventListener("decided", decided);
    document.addEventListener("visibilitychange", seen);
    return () => {
      removeEventListener("decided", decided);
      document.removeEventListener("visibilitychange", seen);
    };
  }, []);
  if (!(state?.changes > 0)) return null;
  const said = `${state.changes.toLocaleString("en")} ${state.changes === 1 ? "change" : "changes"}`;
  return html`<a class="button patch-link" href="/api/review/patch" download="review.jsonl"
    title="All that was decided in any view, as a file for wordtrace apply">Download patch (${said})</a>`;
}
