// A text cut where its words begin and end, and of a long one, what is shown at first.
import { placesOf } from "./characters.js";

/** The word of the query that a word speaks of, with its role: what lights up together. */
export const nameOf = (word) =>
  `${word.query_role ?? word.role ?? ""}\n${word.query_token ?? word.token}`;

const MARK = -1;

/**
 * Cut a text: [{start, end, value, names, marked}], places in the JavaScript string, without gaps.
 * value is the sum of the contributions of the words there; names are theirs, as nameOf has them.
 * mark: [start, end] in characters, of a part that is set off; or nothing.
 */
export function segmentsOf(text, field, words, mark) {
  const placeOf = placesOf(text);
  const changes = new Map();
  const at = (place) => changes.get(place) ?? changes.set(place, { begin: [], end: [] }).get(place);
  (words ?? []).forEach((word, number) => {
    for (const [start, end] of joined(word.spans, field, placeOf)) {
      at(start).begin.push(number);
      at(end).end.push(number);
    }
  });
  if (mark && placeOf(mark[0]) < placeOf(mark[1])) {
    at(placeOf(mark[0])).begin.push(MARK);
    at(placeOf(mark[1])).end.push(MARK);
  }
  const found = [];
  const open = new Set();
  let before = 0;
  for (const place of [...[...changes.keys()].sort((a, b) => a - b), text.length]) {
    if (place > before) {
      const marked = open.has(MARK);
      const here = [...open].filter((number) => number !== MARK).map((number) => words[number]);
      const value = here.reduce((sum, word) => sum + word.contribution, 0);
      found.push({ start: before, end: place, value, names: here.map(nameOf), marked });
      before = place;
    }
    const change = changes.get(place);
    change?.end.forEach((number) => open.delete(number));
    change?.begin.forEach((number) => open.add(number));
  }
  return found;
}

/** The places of one word, where they overlap joined, so that it counts once. */
function joined(spans, field, placeOf) {
  const inside = spans
    .filter(([where]) => where === field)
    .map(([, start, end]) => [placeOf(start), placeOf(end)])
    .filter(([start, end]) => start < end)
    .sort((a, b) => a[0] - b[0]);
  const found = [];
  for (const [start, end] of inside) {
    const last = found.at(-1);
    if (last && start < last[1]) last[1] = Math.max(last[1], end);
    else found.push([start, end]);
  }
  return found;
}

const AROUND = 45;
const SMALLEST_GAP = 60;

/**
 * Choose what of a text to show: its beginning, and the strongest words with what stands around
 * them, the one that is lit before all.
 * Return [{shown, start, end}], which together are the whole text.
 */
export function excerptOf(text, segments, room, lit) {
  if (text.length <= room * 1.4) return [{ shown: true, start: 0, end: text.length }];
  const windows = [[0, edge(text, Math.round(room / 3), 1)]];
  let left = room - windows[0][1];
  const met = new Map();
  const ranked = segments
    .filter((one) => one.names.length)
    .map((one) => {
      const word = one.names.join();
      met.set(word, (met.get(word) ?? 0) + 1);
      return { ...one, nth: one.names.includes(lit) ? met.get(word) - 1 : met.get(word) };
    })
    .sort((a, b) => a.nth - b.nth || Math.abs(b.value) - Math.abs(a.value));
  for (const one of ranked) {
    if (left <= 0) break;
    if (windows.some(([start, end]) => start <= one.start && one.end <= end)) continue;
    const window = [edge(text, one.start - AROUND, -1), edge(text, one.end + AROUND, 1)];
    left -= window[1] - window[0];
    windows.push(window);
  }
  if (left > 0) windows[0][1] = edge(text, windows[0][1] + left, 1);
  windows.sort((a, b) => a[0] - b[0]);
  const parts = [];
  let done = 0;
  for (const [start, end] of windows) {
    if (end <= done) continue;
    const gap = start - done;
    if (gap > SMALLEST_GAP) parts.push({ shown: false, start: done, end: start });
    const from = gap > SMALLEST_GAP ? start : done;
    if (parts.at(-1)?.shown) parts.at(-1).end = end;
    else parts.push({ shown: true, start: from, end });
    done = end;
  }
  if (text.length - done > SMALLEST_GAP) parts.push({ shown: false, start: done, end: text.length });
  else parts.at(-1).end = text.length;
  return parts;
}

/** A place nearby where a text may be cut: at white space; in any case, not within a character. */
function edge(text, place, step) {
  if (place <= 0) return 0;
  if (place >= text.length) return text.length;
  for (let far = 0; far < 24; far++) {
    const here = place + far * step;
    if (here <= 0) return 0;
    if (here >= text.length) return text.length;
    if (/\s/.test(text[here])) return here;
  }
  // Between two characters: not within a surrogate pair, nor before a mark that joins the letter.
  while (place > 0 && place < text.length && /[\udc00-\udfff\u200d\ufe0f]|\p{M}/u.test(text[place]))
    place += step;
  return Math.max(0, Math.min(place, text.length));
}
