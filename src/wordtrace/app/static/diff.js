// What differs between two texts, word by word.
import { visible } from "./characters.js";
import { html } from "./vendor/preact.js";

// Longer changed parts than this are shown as a whole: the table below has their product of cells.
const MOST = 1500;

// Words with the white space after them: spaces alone would match everywhere.
const parts = (text) => text.match(/\S+\s*|\s+/gu) ?? [];

/** Pieces [kind, text] with kind "same", "out" (only before) or "in" (only after). */
export function difference(before, after) {
  const old = parts(before), now = parts(after);
  let start = 0;
  while (start < old.length && start < now.length && old[start] === now[start]) start += 1;
  let end = 0;
  while (end < old.length - start && end < now.length - start
    && old[old.length - 1 - end] === now[now.length - 1 - end]) end += 1;
  const found = [["same", old.slice(0, start).join("")]];
  const left = old.slice(start, old.length - end), right = now.slice(start, now.length - end);
  if (left.length > MOST || right.length > MOST) {
    found.push(["out", left.join("")], ["in", right.join("")]);
  } else {
    found.push(...aligned(left, right));
  }
  found.push(["same", old.slice(old.length - end).join("")]);
  return joined(found.filter(([, text]) => text));
}

/** Align two lists of words by their longest common subsequence. */
function aligned(left, right) {
  const wide = right.length + 1;
  const table = new Uint16Array((left.length + 1) * wide);
  for (let i = left.length - 1; i >= 0; i -= 1) {
    for (let j = right.length - 1; j >= 0; j -= 1) {
      table[i * wide + j] = left[i] === right[j]
        ? table[(i + 1) * wide + j + 1] + 1
        : Math.max(table[(i + 1) * wide + j], table[i * wide + j + 1]);
    }
  }
  const found = [];
  let i = 0, j = 0;
  while (i < left.length && j < right.length) {
    if (left[i] === right[j]) { found.push(["same", left[i]]); i += 1; j += 1; }
    else if (table[(i + 1) * wide + j] >= table[i * wide + j + 1]) { found.push(["out", left[i]]); i += 1; }
    else { found.push(["in", right[j]]); j += 1; }
  }
  found.push(["out", left.slice(i).join("")], ["in", right.slice(j).join("")]);
  return found;
}

function joined(list) {
  const found = [];
  for (const [kind, text] of list) {
    if (found.length && found.at(-1)[0] === kind) found.at(-1)[1] += text;
    else found.push([kind, text]);
  }
  return found;
}

/** Before and after in one text: what went is struck through, what came is underlined. */
export function Diff({ before, after }) {
  const list = difference(before, after);
  return html`
    <div class="diff" dir="auto">
      ${list.map(([kind, text], place) => {
        if (kind === "out") return html`<del>${visible(text)}</del>`;
        if (kind === "in") return html`<ins>${visible(text)}</ins>`;
        return shortened(visible(text), place > 0, place < list.length - 1);
      })}
    </div>`;
}

/** What is the same is cut to what stands beside a change. */
function shortened(text, left, right) {
  const near = 70;
  if (text.length <= 2 * near + 20) return text;
  const start = left ? text.slice(0, near) : "", end = right ? text.slice(-near) : "";
  return `${start} … ${end}`;
}
