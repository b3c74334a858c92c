// One suspect: its text, what speaks against its label, and the rows that do.
import { percent } from "./characters.js";
import { ACTIONS } from "./decide.js";
import { Diff } from "./diff.js";
import { html, useEffect, useMemo, useState } from "./vendor/preact.js";
import { Text } from "./words.js";

/** Words as `Text` takes them. */
const worded = (pairs, places) => pairs.map(([token, contribution], place) => ({ token, contribution, spans: places?.[place] ?? [] }));

const largest = (words) => Math.max(...words.map((word) => Math.abs(word.contribution)), 0);

/** What is decided, as a tag: "✓ relabelled to business". */
export function Checked({ decision }) {
  if (!decision) return html`<span class="tag">not checked yet</span>`;
  const to = decision.label ? html` to <bdi>${decision.label}</bdi>` : "";
  const both = decision.label && (decision.text || decision.text2);
  return html`<span class="tag good">✓ ${both ? "edited and relabelled" : ACTIONS[decision.action].done}${to}</span>`;
}

function Fact({ name, help, children }) {
  return html`<div class="fact" title=${help}><dt>${name}</dt><dd>${children}</dd></div>`;
}

/** The label a row has, what the model predicts, and what the rows against it propose. */
function Facts({ row }) {
  const relabelled = row.decision?.label;
  return html`
    <dl class="facts">
      <${Fact} name="Its label" help="The label that the row has in the training data">
        ${relabelled
          ? html`<del><bdi>${row.label}</bdi></del> <ins><bdi>${relabelled}</bdi></ins>`
          : html`<bdi>${row.label}</bdi>`}
      <//>
      <${Fact} name="The model predicts" help="What the trained model says of this text. It was trained on this row, so it may have learned a wrong label by heart.">
        <bdi>${row.predicted}</bdi> ${row.predicted === row.label && html`<span class="soft small">as labelled</span>`}
      <//>
      <${Fact} name="Similar rows say" help="The label with most weight among the 20 rows that oppose this row's label most strongly, and its share of their weight">
        ${row.proposed
          ? html`<bdi>${row.proposed}</bdi> <span class="soft small">${percent(row.proposed_share)}</span>
              <span class="share" aria-hidden="true"><span style=${{ width: `${100 * row.proposed_share}%` }}></span></span>`
          : html`<span class="soft">nothing against it</span>`}
      <//>
    </dl>`;
}

/** A row of another label; of its words those are marked that speak against the suspect's label. */
function Opponent({ hit, telling, lit, onPick }) {
  const words = useMemo(() => {
    const against = worded(hit.words, hit.places).filter((word) => word.contribution < 0);
    const told = against.filter((word) => telling.has(word.token));
    return told.length ? told : against.slice(0, 3);
  }, [hit]);
  const shared = { words, scale: largest(words), room: 260, lit, onPick };
  return html`
    <li>
      <div class="line small"><span class="tag"><bdi>${hit.label}</bdi></span>
        <span class="mono soft"><bdi>${hit.id}</bdi></span>
        <span class="push number soft" title="Its influence on this row's label: below 0 speaks against it">${hit.score.toPrecision(2).replace("-", "−")}</span></div>
      <${Text} text=${hit.text} ...${shared} />
      ${hit.text2 && html`<${Text} text=${hit.text2} field="text2" ...${shared} />`}
    </li>`;
}

/** row: a suspect of /api/suspects (`read` is a conversation as the model reads it, in which its words have their places); heading: its place; editor: what stands instead of its text; children: the buttons. */
export function SuspectCard({ row, heading, editor, children }) {
  const [lit, setLit] = useState(null);
  useEffect(() => setLit(null), [row.id]);
  const telling = useMemo(() => new Set(row.words.map(([word]) => word)), [row.words]);
  const words = useMemo(() => worded(row.words, row.places), [row.words]);
  const onPick = (name) => setLit(name === lit ? null : name);
  const removed = row.decision?.action === "remove";
  const field = (name) => {
    const changed = row.decision?.[name];
    return changed
      ? html`<${Diff} before=${row[name]} after=${changed} />`
      : html`<${Text} key=${row.id + name} text=${(name === "text" && row.read) || row[name]} field=${name} words=${words} scale=${largest(words)}
          room=${1300} lit=${lit} onPick=${onPick} />`;
  };
  return html`
    <article class=${"card suspect" + (removed ? " removed" : "")} aria-labelledby="suspect">
      <div class="line">
        <h2 id="suspect" tabindex="-1">${heading}</h2>
        <${Checked} decision=${row.decision} />
        <span class="push small soft" title="Its place among all rows by this ranking, and its id">rank ${row.rank.toLocaleString("en")} · <span class="mono"><bdi>${row.id}</bdi></span></span>
      </div>
      <${Facts} row=${row} />
      ${editor || html`<div class="suspect-text">
        ${field("text")}
        ${row.text2 != null && field("text2")}
        ${row.words.length > 0 && html`<p class="small soft legend"><span class="word minus" style=${{ "--share": 0.8 }}>Coloured</span> words speak against the label ${" "}<bdi>${row.label}</bdi>: rows of other labels share them.</p>`}
      </div>`}
      ${children}
      ${row.opponents.length > 0 && html`
        <section aria-label="Rows that oppose it">
          <h3>Rows that oppose its label most</h3>
          <ul class="opponents">${row.opponents.map((hit) => html`<${Opponent} key=${hit.id} hit=${hit} telling=${telling} lit=${lit} onPick=${onPick} />`)}</ul>
        </section>`}
    </article>`;
}
