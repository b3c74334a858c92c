// Charts as SVG: intervals beside zero, and curves with their bands.
import { html, useEffect, useRef, useState } from "./vendor/preact.js";

/** [ref, width] of an element, as it is resized. */
function useWidth() {
  const ref = useRef(null);
  const [width, set] = useState(600);
  useEffect(() => {
    const watch = new ResizeObserver(([entry]) => set(Math.max(240, Math.round(entry.contentRect.width))));
    watch.observe(ref.current);
    return () => watch.disconnect();
  }, []);
  return [ref, width];
}

/** A number with its sign; what is rounded to zero has none. */
function write(value, digits) {
  const said = Math.abs(value).toFixed(digits);
  return Number(said) === 0 ? said : (value > 0 ? "+" : "−") + said;
}

/** Some round numbers from low to high. */
function ticks(low, high, most = 5) {
  const rough = (high - low) / most || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough);
  const found = [];
  for (let at = Math.ceil(low / step) * step; at <= high + step / 1e6; at += step) found.push(Math.abs(at) < step / 1e6 ? 0 : at);
  return [found, Math.max(0, -Math.floor(Math.log10(step) + 1e-9))];
}

/** Intervals with their means and seeds, one below the other, beside a line at zero. */
export function Ranges({ lines, digits, title, note }) {
  const [ref, width] = useWidth();
  const all = lines.flatMap((line) => [line.low, line.high, ...(line.values ?? [])]);
  const low = Math.min(0, ...all), high = Math.max(0, ...all);
  const [marks, decimals] = ticks(low, high, width < 420 ? 3 : 6);
  const narrow = width < 560;
  const left = 12, right = width - 12, each = narrow ? 58 : 42, top = 8;
  const x = (value) => left + ((value - low) / (high - low || 1)) * (right - left);
  const height = top + each * lines.length + 24;
  const said = lines.map((line) => `${line.name}: ${write(line.mean, digits)} [${write(line.low, digits)}, ${write(line.high, digits)}]`).join("; ");
  return html`<figure class="prove-chart" ref=${ref}>
    <figcaption>${title} <span class="soft">${note} Bars: 95 % intervals; small dots: one seed each.</span></figcaption>
    <svg width=${width} height=${height} viewBox=${`0 0 ${width} ${height}`} role="img" aria-label=${`${title}. ${said}`}>
      ${marks.map((mark) => html`<line key=${mark} class=${mark === 0 ? "zero" : "grid"} x1=${x(mark)} x2=${x(mark)} y1=${top} y2=${height - 20} />
        <text key=${"t" + mark} class="tick" x=${x(mark)} y=${height - 5} text-anchor="middle">${write(mark, decimals)}</text>`)}
      ${lines.map((line, place) => {
        const y = top + each * place + each - 13;
        const value = `${write(line.mean, digits)} [${write(line.low, digits)}, ${write(line.high, digits)}]`;
        return html`<g class=${"range " + line.role} key=${line.name}>
          <text class="name" x=${left} y=${y - (narrow ? 28 : 13)}>${narrow ? line.name.replace("difference from", "against") : line.name}${" "}
            <tspan class="value" ...${narrow ? { x: left, dy: 16 } : { dx: 8 }}>${value}</tspan></text>
          <line class="bar" x1=${x(line.low)} x2=${Math.max(x(line.high), x(line.low) + 1)} y1=${y} y2=${y} />
          ${(line.values ?? []).map((value, seed) => html`<circle class="seed" key=${seed} cx=${x(value)} cy=${y + 6} r="2.2" />`)}
          <circle class="mean" cx=${x(line.mean)} cy=${y} r="4.5" />
        </g>`;
      })}
    </svg></figure>`;
}

/** Lines over k with bands; controls are dashed, the base is dotted; each can be read in a table. */
export function Curves({ lines, base, title, across, note, range }) {
  const [ref, width] = useWidth();
  const drawn = lines.filter((line) => line.points?.length);
  const points = drawn.flatMap((line) => line.points);
  const ks = [...new Set(points.map((point) => point.k))].sort((one, other) => one - other);
  const values = points.flatMap((point) => [point.low, point.high]);
  const low = range ? range[0] : Math.min(0, ...values), high = range ? range[1] : Math.max(0, ...values);
  const [marks, decimals] = ticks(low, high);
  const left = 46, right = width - 14, top = 10, bottom = 250;
  const x = (k) => (ks.length < 2 ? (left + right) / 2 : left + ((k - ks[0]) / (ks.at(-1) - ks[0])) * (right - left));
  const y = (value) => bottom - ((value - low) / (high - low || 1)) * (bottom - top);
  const path = (line, end) => line.points.map((point) => `${x(point.k)},${y(point[end])}`);
  return html`<figure class="prove-chart" ref=${ref}>
    <figcaption>${title} <span class="soft">${note}</span></figcaption>
    <ul class="prove-legend">${drawn.map((line, place) => html`<li key=${line.name} class=${kind(line, place, drawn)}><svg width="22" height="8" aria-hidden="true"><line class="line" x1="0" x2="22" y1="4" y2="4" /></svg>${line.name}</li>`)}</ul>
    <svg width=${width} height=${bottom + 40} viewBox=${`0 0 ${width} ${bottom + 40}`} role="img" aria-label=${`${title}, by ${across}; the table below has the numbers`}>
      ${marks.map((mark) => html`<line key=${mark} class=${mark === 0 ? "axis" : "grid"} x1=${left} x2=${right} y1=${y(mark)} y2=${y(mark)} />
        <text key=${"t" + mark} class="tick" x=${left - 6} y=${y(mark) + 4} text-anchor="end">${mark.toFixed(decimals).replace("-", "−")}</text>`)}
      ${spaced(ks, x).map((k) => html`<text key=${"k" + k} class="tick" x=${x(k)} y=${bottom + 17} text-anchor="middle">${k}</text>`)}
      <text class="tick" x=${(left + right) / 2} y=${bottom + 35} text-anchor="middle">${across}</text>
      ${base && html`<line class="base" x1=${left} x2=${right} y1=${y(base.mean)} y2=${y(base.mean)} />`}
      ${drawn.map((line, place) => html`<g key=${line.name} class=${kind(line, place, drawn)}>
        <polygon class="band" points=${[...path(line, "low"), ...path(line, "high").reverse()].join(" ")} />
        <polyline class="line" points=${path(line, "mean").join(" ")} />
        ${line.points.map((point) => html`<circle class="mean" key=${point.k} cx=${x(point.k)} cy=${y(point.mean)} r="3.2"><title>${line.name}, ${point.k}: ${point.mean.toFixed(3)} [${point.low.toFixed(3)}, ${point.high.toFixed(3)}]</title></circle>
          ${ks.length < 2 && html`<line class="line" x1=${x(point.k)} x2=${x(point.k)} y1=${y(point.low)} y2=${y(point.high)} />`}`)}
      </g>`)}
    </svg>
    <details><summary>As a table</summary><div class="scroll"><table>
      <thead><tr><th scope="col">${across}</th>${drawn.map((line) => html`<th scope="col" key=${line.name}>${line.name}</th>`)}</tr></thead>
      <tbody>${ks.map((k) => html`<tr key=${k}><th scope="row">${k}</th>${drawn.map((line) => {
        const point = line.points.find((one) => one.k === k);
        return html`<td class="number" key=${line.name}>${point ? `${point.mean.toFixed(3)} [${point.low.toFixed(3)}, ${point.high.toFixed(3)}]`.replaceAll("-", "−") : ""}</td>`;
      })}</tr>`)}</tbody></table></div></details></figure>`;
}

/** The class by which a line is coloured; a second control has shorter dashes than the first. */
function kind(line, place, drawn) {
  if (!line.control) return `c${place % 6}`;
  return drawn.filter((one) => one.control).indexOf(line) ? "control second" : "control";
}

/** The numbers below an axis that do not touch. */
function spaced(ks, x) {
  const found = [];
  for (const k of ks) if (!found.length || x(k) - x(found.at(-1)) > 30) found.push(k);
  return found;
}
