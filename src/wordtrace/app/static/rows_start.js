// What a newcomer reads first: what to do, and three ways to begin.
import { go } from "./address.js";
import { count } from "./rows_data.js";
import { html, useState } from "./vendor/preact.js";

/** What a person can begin with, in a sentence; it differs by what the model gives. */
function begin(about, judged) {
  if (about.generates) return "Type a question that the model answers wrongly, or pick a row.";
  if (!judged) return "Type a text that the model gets wrong, or pick a row that it fits badly.";
  return "Type a text that the model gets wrong, or pick a wrong row.";
}

/** wrong: how many rows the model gets wrong; null while they are not counted. */
export function Start({ about, wrong }) {
  const [text, setText] = useState("");
  const judged = about.kind !== "number" && !about.generates; // rows are right or wrong
  const ask = (event) => {
    event.preventDefault();
    if (text.trim()) go("why", { text });
  };
  const worst = { sort: "loss", descending: "true" };
  return html`
    <section class="card start" aria-labelledby="start-title">
      <h1 id="start-title">Why does the model say that?</h1>
      <p>${begin(about, judged)} You will see which training rows, and which words in
        them, made it say so; then mend those rows, and prove that it helps.</p>
      <form onSubmit=${ask} role="search" aria-label="Ask about a text">
        ${about.pairs
          ? html`<a class="button primary" href="/why" onClick=${(event) => { event.preventDefault(); go("why"); }}>Ask about a pair of texts</a>`
          : html`
            <input value=${text} dir="auto" aria-label="Ask about a text" placeholder="Ask about a text …"
              onInput=${(event) => setText(event.target.value)} />
            <button class="primary" disabled=${!text.trim()}>Why?</button>`}
      </form>
      <div class="line">
        ${judged
          ? html`<button onClick=${() => go("rows", { right: "false", ...worst })}>Rows that the model gets wrong (${wrong == null ? "…" : count(wrong)})</button>`
          : html`<button onClick=${() => go("rows", worst)}>Rows that the model fits worst</button>`}
        ${judged && html`<button onClick=${() => go("review")}>Most suspicious labels</button>`}
      </div>
    </section>`;
}
