// Rows that belong together: near-duplicates, mistakes of one kind, and rows like no other.
import { html } from "./vendor/preact.js";
import { Duplicates } from "./groups_duplicates.js";
import { Mistakes } from "./groups_mistakes.js";
import { Outliers } from "./groups_outliers.js";
import { Link } from "./groups_parts.js";

const TABS = {
  duplicates: ["Near-duplicates", Duplicates, "Texts that are the same, or differ in a few words"],
  mistakes: ["Mistakes", Mistakes, "Rows that the model gets wrong, grouped by how they act on it"],
  outliers: ["Outliers", Outliers, "Rows whose texts are unlike all others"],
};

/** about: what /api/index tells; settings: the address bar's, as strings. */
export function Groups({ about, settings }) {
  const name = settings.tab in TABS ? settings.tab : "duplicates";
  const [, Tab] = TABS[name];
  return html`
    <div class="groups-head">
      <h1>Groups</h1>
      <nav class="groups-tabs" aria-label="Kinds of groups">
        ${Object.entries(TABS).map(([tab, [title, , help]]) => html`
          <${Link} view="groups" settings=${{ tab }} title=${help} aria-current=${tab === name ? "page" : undefined}>${title}<//>`)}
      </nav>
    </div>
    <${Tab} key=${name} about=${about} settings=${settings} />`;
}
