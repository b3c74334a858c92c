// The filters of rows, each with how the rows spread over it.
import { Histogram } from "./histogram.js";
import { NameBars } from "./name_bars.js";
import { html } from "./vendor/preact.js";

const NAMES = {
  right: ["Prediction", "Whether the final model predicts the label that the data has", { right: "✓ right", wrong: "✗ wrong" }],
  label: ["Label", "The label in the training data"],
  predicted: ["Model says", "The label that the final model predicts for this row"],
  decision: ["Review", "What you decided about a row", { none: "not decided", keep: "kept", relabel: "relabelled", remove: "removed", edit: "edited" }],
};
const RANGES = {
  suspicion: ["Suspicion", "How much speaks against a row's label: its loss, its influence on itself, and other rows that oppose it, together"],
  loss: ["Loss", "How badly the final model fits the row: 0 is a perfect fit"],
};
const ORDER = ["right", "suspicion", "label", "predicted", "loss", "decision"];

/** What `right=true` in the address is as a bar's name, and back. */
const RIGHT = { true: "right", false: "wrong", right: "true", wrong: "false" };

/** found: the answer of /rows/distribution; change(settings) sets filters in the address. */
export function RowFilters({ found, settings, change }) {
  const columns = Object.fromEntries(found.columns.map((one) => [one.column, one]));
  // Nobody decided anything: there is nothing to filter.
  const undecided = columns.decision?.bars.every((bar) => bar.name === "none" || !bar.all);
  const shown = ORDER.filter((name) => name !== "decision" || !undecided || settings.decision);
  return html`
    <div class="facets">
      ${shown.map((name) => {
        const column = columns[name];
        if (!column) {
          const coming = name === "suspicion" && found.waiting;
          return coming && html`<fieldset class="facet"><legend>Suspicion</legend><p class="waiting small">computed from the whole index …</p></fieldset>`;
        }
        if (column.kind === "ranges") {
          const [title, help] = RANGES[name] ?? NAMES[name];
          return html`<${Histogram} key=${name} title=${title} help=${help} bars=${column.bars} logarithmic=${column.logarithmic}
            from=${settings[name + "_from"]} to=${settings[name + "_to"]}
            onRange=${name in RANGES && ((from, to) => change({ [name + "_from"]: from, [name + "_to"]: to }))} />`;
        }
        const [title, help, said] = NAMES[name];
        const chosen = name === "right" ? RIGHT[settings.right] : settings[name];
        return html`<${NameBars} key=${name} title=${title} help=${help} bars=${column.bars} chosen=${chosen}
          matching=${found.matching} said=${(one) => said?.[one] ?? one}
          onChoose=${(one) => change({ [name]: name === "right" ? RIGHT[one] : one })} />`;
      })}
    </div>`;
}
