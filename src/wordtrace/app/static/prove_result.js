// A study's result: the verdict first, then what was measured, drawn and as a table.
import { Curves, Ranges } from "./prove_charts.js";
import { html } from "./vendor/preact.js";

export function Document({ document, told }) {
  if (told) return html`<${Verification} document=${document} told=${told} />`;
  if (document.format === "wordtrace-fix") return html`<${Fix} document=${document} />`;
  if (document.format === "wordtrace-evaluation") return html`<${Evaluation} document=${document} />`;
  return null;
}

function Verification({ document, told }) {
  const many = told.queries.length > 1;
  const shown = told.queries.filter((one) => one.shown).length;
  const hurt = told.held_out && html`<section class="card"><h2>Did it hurt anything else?</h2><p>${told.held_out}</p></section>`;
  return html`
    ${told.together && html`<${Query} one=${told.together} many=${told.queries.length} />`}
    ${many && html`<p class="prove-verdict"><b>For ${shown} of ${told.queries.length} texts</b> an effect is shown.</p>`}
    ${many && hurt}
    ${told.queries.map((one, place) => html`<${Query} one=${one} key=${place} folded=${many && place > 2} />`)}
    ${!many && hurt}
    <section class="card"><h2>How it was found</h2>
      <p class="soft">${[told.design, told.repeats].filter(Boolean).join(" ")} ${document.interval}.</p>
      <${Provenance} document=${document} />
    </section>`;
}

function Query({ one, folded, many }) {
  const body = html`
    <p class="prove-verdict"><span class=${one.shown ? "tag good" : "tag"}>${one.shown ? "✓ " : ""}Effect ${one.short}</span> ${one.verdict}</p>
    ${many ? html`<p class="soft">The mean over all ${many} texts</p>` : html`<p class="soft" dir="auto">“${cut(one.text)}” · <bdi>${one.label}</bdi></p>`}
    <${Ranges} lines=${one.lines} digits=${one.digits} title=${`Change of ${one.measured}`}
      note=${`Left of the dotted line ${one.less}, right of it ${one.more}.`} />
    <details><summary>In one sentence, and as a table</summary><p>${one.sentence}</p><${Numbers} one=${one} /></details>`;
  return html`<section class="card">${folded ? html`<details><summary dir="auto">“${cut(one.text, 80)}”: ${one.short}</summary>${body}</details>` : body}</section>`;
}

function Numbers({ one }) {
  const digits = one.digits + 1;
  const write = (value) => value.toFixed(digits).replace("-", "−");
  return html`<div class="scroll"><table>
    <thead><tr><th scope="col">what</th><th scope="col">mean</th><th scope="col">interval</th><th scope="col">seed by seed</th></tr></thead>
    <tbody>${one.lines.map((line) => html`<tr key=${line.name}><th scope="row">${line.name}</th><td class="number">${write(line.mean)}</td>
      <td class="number">${write(line.low)} to ${write(line.high)}</td><td class="number">${(line.values ?? []).map(write).join("  ")}</td></tr>`)}</tbody>
  </table></div>`;
}

function Fix({ document }) {
  const curves = Object.entries(document.curves).map(([name, points]) => ({ name, points, control: name === "random rows" }));
  const solved = document.queries.filter((one) => one.suffices).length;
  return html`
    <p class="prove-verdict"><span class=${solved ? "tag good" : "tag"}>${solved ? "✓ " : ""}${solved} of ${document.queries.length} set right</span></p>
    <section class="card"><${Curves} lines=${curves} base=${document.base} title="Share of retrained models that are right"
      across="rows changed" note="Bands: 95 % intervals over texts and seeds. Dotted: models of unchanged data." range=${[0, 1]} /></section>
    <section class="card"><h2>Text by text</h2>${document.queries.map((one) => html`
      <p key=${one.id} dir="auto">“${cut(one.text)}” <span class="soft">should be <bdi>${one.label}</bdi>, was <bdi>${one.predicted}</bdi>:</span>${" "}
        ${one.suffices ? html`<b>${one.suffices.method} ${one.suffices.k} rows suffices</b>`
          : one.without_change ? "training again is enough, without any change" : "no change that was tried suffices for sure"}</p>`)}
      <${Provenance} document=${document} /></section>`;
}

function Evaluation({ document }) {
  const signs = [...new Set(Object.values(document.measures).flatMap((by) => Object.keys(by)))];
  const scores = Object.entries(document.lds?.measures ?? {}).map(([name, one]) => ({ name, mean: one.mean, low: one.low, high: one.high, role: "main" }));
  const apart = (document.lds?.differences ?? []).filter((one) => one.excludes_zero);
  const control = Object.entries(document.controls ?? {}).map(([name, line]) => ({ name, points: line.curve, control: true }));
  return html`${scores.length > 0 && html`<section class="card">
      <${Ranges} lines=${scores.sort((one, other) => other.mean - one.mean)} digits=${3} title="Linear datamodeling score (LDS)"
        note=${`Do summed scores foretell what models of ${document.lds.halves} random halves of the rows say? 0: not at all.`} />
      ${apart.length > 0 && html`<p>Shown, corrected for all pairs: ${apart.map((one) => (one.mean > 0 ? [one.first, one.second] : [one.second, one.first]).join(" over ")).join("; ")}.</p>`}
    </section>`}
    ${signs.map((sign) => html`<section class="card" key=${sign}>
      <${Curves} lines=${[...Object.entries(document.measures).filter(([, by]) => by[sign]).map(([name, by]) => ({ name, points: by[sign].curve })), ...control]}
        title=${`Without the strongest ${sign}: change of the measured probability`} across="rows left out"
        note="Bands: 95 % intervals over queries and seeds. Dashed: controls." />
    </section>`)}
    <section class="card"><${Provenance} document=${document} /></section>`;
}

function Provenance({ document }) {
  const own = Array.isArray(document.seeds) ? document.seeds : [];
  const seeds = own.length ? own : (document.lds?.seeds ?? []);
  const facts = [
    ["run", document.run], ["measure", document.measure], ["models", document.retrainings],
    ["seeds", seeds.length > 6 ? `${seeds[0]} to ${seeds.at(-1)} (${seeds.length})` : seeds.join(", ")],
    ["time", document.seconds && `${Math.round(document.seconds).toLocaleString("en")} s`],
  ].filter(([, value]) => value != null && value !== "");
  return html`<dl class="prove-facts">${facts.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

const cut = (text, most = 240) => (text.length > most ? text.slice(0, most) + "…" : text);
