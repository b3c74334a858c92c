// What has been decided, the latest first, with what it was before; each can be taken back.
import { get } from "./api.js";
import { visible } from "./characters.js";
import { ACTIONS, decide } from "./decide.js";
import { Diff } from "./diff.js";
import { html, useEffect, useState } from "./vendor/preact.js";

const PART = 20;

function Change({ one }) {
  const short = (text) => (text.length > 110 ? text.slice(0, 110) + "…" : text);
  const texts = [["was", one.text], ["was2", one.text2]].filter(([name, after]) => after && one[name] != null);
  return html`
    ${one.label && html`<div><del><bdi>${one.before}</bdi></del> → <ins><bdi>${one.label}</bdi></ins></div>`}
    ${texts.map(([name, after]) => html`<${Diff} before=${one[name]} after=${after} />`)}
    ${!texts.length && one.was && html`<div class=${"soft" + (one.action === "remove" ? " gone" : "")} dir="auto">${visible(short(one.was))}</div>`}
    ${one.row == null && html`<div class="tag warn">The data no longer have this row: it is left out of the patch.</div>`}
    ${one.row != null && one.misfit && html`<div class="tag warn">The row ${one.misfit}: left out of the patch.</div>`}`;
}

/** version: the review's, asked again when it changes; onChange(state) after something is taken back. */
export function DecidedList({ version, onChange }) {
  const [found, setFound] = useState(null);
  const [limit, setLimit] = useState(PART);
  const [error, setError] = useState(null);
  useEffect(() => {
    if (version == null) return undefined;
    const stop = new AbortController();
    get("/review/decisions", { limit }, stop.signal).then(
      (data) => { setFound(data); setError(null); },
      (told) => told.name === "AbortError" || setError(told.message),
    );
    return () => stop.abort();
  }, [version, limit]);
  const clear = async (one) => {
    try {
      onChange(await decide({ ids: [one.id], action: "clear" }));
    } catch (told) {
      setError(told.message);
    }
  };
  return html`
    <section class="card decided" aria-label="Decided">
      <h2>Decided ${found && html`<span class="soft small">${found.total.toLocaleString("en")}</span>`}</h2>
      ${error && html`<p role="alert" class="soft">${error}</p>`}
      ${found?.total === 0 && html`<p class="soft small">Nothing yet. Each decision is saved at once; a closed tab loses none.</p>`}
      <ol>
        ${found?.decisions.map((one) => html`
          <li key=${one.id}>
            <div class="line small"><span class="tag">${ACTIONS[one.action].done}</span>
              <span class="mono soft"><bdi>${one.id}</bdi></span>
              <button class="plain push" onClick=${() => clear(one)} aria-label=${`Take back what was decided about ${one.id}`}>Take back</button></div>
            <div class="small"><${Change} one=${one} /></div>
          </li>`)}
      </ol>
      ${found && found.total > found.decisions.length && html`
        <button class="plain" onClick=${() => setLimit(limit + 5 * PART)}>Show more of ${found.total.toLocaleString("en")}</button>`}
    </section>`;
}
