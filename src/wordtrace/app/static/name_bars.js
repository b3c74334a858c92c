// How rows spread over names: a button each, with its bar.
import { percent } from "./characters.js";
import { count } from "./rows_data.js";
import { html, useState } from "./vendor/preact.js";

const SHOWN = 8;

const share = (part, whole) => percent(whole ? part / whole : 0);

/**
 * bars: [{name, all, matching}]; chosen: the name that is the filter; said: how a name is shown;
 * onChoose(name) is called with "" to filter no longer.
 */
export function NameBars({ title, help, bars, chosen, matching, said = (name) => name, onChoose }) {
  const [whole, setWhole] = useState(false);
  const most = Math.max(1, ...bars.map((bar) => bar.all));
  // Many names: those with most rows first; the chosen one always.
  const ordered = bars.length > SHOWN ? [...bars].sort((a, b) => b.matching - a.matching || b.all - a.all) : bars;
  const shown = whole ? ordered : ordered.filter((bar, place) => place < SHOWN || bar.name === chosen);
  return html`
    <fieldset class="facet">
      <legend title=${help}>${title}
        ${chosen != null && html`<button class="plain" onClick=${() => onChoose("")} aria-label=${`Any ${title.toLowerCase()}`}>clear</button>`}
      </legend>
      <ul class="names">
        ${shown.map((bar) => html`
          <li key=${bar.name}>
            <button aria-pressed=${bar.name === chosen} class=${chosen != null && bar.name !== chosen ? "out" : ""}
              title=${`${count(bar.matching)} of ${count(bar.all)} rows match; ${share(bar.matching, matching)} of those that do`}
              onClick=${() => onChoose(bar.name === chosen ? "" : bar.name)}>
              <bdi class="name">${said(bar.name)}</bdi>
              <span class="counted">${count(bar.matching)} <span class="share">${share(bar.matching, matching)}</span></span>
              <svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
                <rect class="all" width=${(100 * bar.all) / most} height="4" rx="1" />
                <rect class="matching" width=${(100 * bar.matching) / most} height="4" rx="1" />
              </svg>
            </button>
          </li>`)}
      </ul>
      ${ordered.length > SHOWN && html`
        <button class="plain" aria-expanded=${whole} onClick=${() => setWhole(!whole)}>
          ${whole ? "Show fewer" : `Show all ${count(ordered.length)}`}</button>`}
    </fieldset>`;
}
