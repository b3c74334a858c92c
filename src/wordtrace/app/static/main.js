// The app's frame: its head, its views, and what concerns all of them.
import { go, useAddress } from "./address.js";
import { useGet } from "./api.js";
import { Changed } from "./changed.js";
import { begin, TokenWanted } from "./session.js";
import { html, render, useEffect, useState } from "./vendor/preact.js";
import { PatchLink } from "./patch_link.js";
import { Groups } from "./groups.js";
import { Prove } from "./prove.js";
import { Review } from "./review.js";
import { Rows } from "./rows.js";
import { Why } from "./why.js";

const VIEWS = {
  rows: ["Rows", Rows],
  why: ["Why?", Why],
  review: ["Review", Review],
  groups: ["Groups", Groups],
  prove: ["Prove", Prove],
};

/** A link inside the app: it opens without loading the page again. */
function follow(event, view, settings) {
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
  event.preventDefault();
  go(view, settings);
}

/** What the last event of a name told, or null. */
function useEvent(name) {
  const [told, set] = useState(null);
  useEffect(() => {
    const heard = (event) => set(event.detail);
    addEventListener(name, heard);
    return () => removeEventListener(name, heard);
  }, [name]);
  return told;
}

function App() {
  const { view, settings } = useAddress();
  const { data: about, error } = useGet("/index");
  const changed = useEvent("changed");
  const wanted = useEvent("token");
  const View = (VIEWS[view] ?? VIEWS.rows)[1];
  return html`
    <header>
      <a class="brand" href="/rows" onClick=${(event) => follow(event, "rows")}>wordtrace</a>
      <nav aria-label="Views">
        ${Object.entries(VIEWS).map(
          ([name, [title]]) => html`
            <a href=${"/" + name} aria-current=${name === view ? "page" : undefined}
              onClick=${(event) => follow(event, name)}>${title}</a>`,
        )}
      </nav>
      ${about && html`<span class="soft">${about.index} · ${about.examples.toLocaleString("en")} rows</span>`}
      ${about && view !== "review" && html`<${PatchLink} />`}
    </header>
    ${changed && html`<${Changed} said=${changed} />`}
    <main id="main" tabindex="-1">
      ${wanted && html`<${TokenWanted} said=${wanted} />`}
      ${error && !wanted && !changed && html`<p class="banner" role="alert">${error.message}</p>`}
      ${about && html`<${View} about=${about} settings=${settings} />`}
    </main>`;
}

await begin();
render(html`<${App} />`, document.getElementById("app"));
