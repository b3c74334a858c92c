// What is asked: a text, a pair, or a conversation, typed in; Enter asks.
import { html, useEffect, useRef, useState } from "./vendor/preact.js";

const ROLES = ["system", "user", "assistant"];

/**
 * about: what /api/index tells; given: {text, text2} to begin with; onAsk({text, text2}): Enter was
 * pressed; onCancel: leave it as it was, or nothing.
 */
export function Ask({ about, given, onAsk, onCancel }) {
  if (about.chats) return html`<${AskConversation} given=${given} onAsk=${onAsk} onCancel=${onCancel} />`;
  return html`<${AskText} pairs=${about.pairs} given=${given} onAsk=${onAsk} onCancel=${onCancel} />`;
}

function AskText({ pairs, given, onAsk, onCancel }) {
  const [text, setText] = useState(given.text ?? "");
  const [text2, setText2] = useState(given.text2 ?? "");
  const ready = text.trim() && (!pairs || text2.trim());
  const ask = () => ready && onAsk(pairs ? { text, text2 } : { text });
  return html`<form class="ask" onSubmit=${(event) => { event.preventDefault(); ask(); }}>
    <${Field} name=${pairs ? "First text" : "Text"} value=${text} onInput=${setText} onEnter=${ask} first
      placeholder="Type or paste a text: what does the model say, and which training rows made it say so?" />
    ${pairs && html`<${Field} name="Second text" value=${text2} onInput=${setText2} onEnter=${ask} />`}
    <${Foot} ready=${ready} onCancel=${onCancel} />
  </form>`;
}

function AskConversation({ given, onAsk, onCancel }) {
  const [messages, setMessages] = useState(() => messagesOf(given.text));
  const ready = messages.every((one) => one.content.trim());
  const ask = () => ready && onAsk({ text: JSON.stringify({ messages }) });
  const set = (place, change) =>
    setMessages(messages.map((one, at) => (at === place ? { ...one, ...change } : one)));
  const next = messages.at(-1)?.role === "user" ? "assistant" : "user";
  return html`<form class="ask" onSubmit=${(event) => { event.preventDefault(); ask(); }}>
    ${messages.map((one, place) => html`<div class="message" key=${place}>
      <select aria-label=${`Role of message ${place + 1}`} value=${one.role}
        onChange=${(event) => set(place, { role: event.target.value })}>
        ${[...new Set([...ROLES, one.role])].map((role) => html`<option>${role}</option>`)}</select>
      <${Field} name=${`Message ${place + 1}`} value=${one.content} onEnter=${ask} first=${place === 0}
        onInput=${(content) => set(place, { content })} />
      ${messages.length > 1 && html`<button type="button" class="plain" aria-label=${`Remove message ${place + 1}`}
        onClick=${() => setMessages(messages.filter((_, at) => at !== place))}>Remove</button>`}
    </div>`)}
    <${Foot} ready=${ready} onCancel=${onCancel}>
      <button type="button" onClick=${() => setMessages([...messages, { role: next, content: "" }])}>Add a message</button>
      <span class="soft small">Explained is the assistant's last message; without one, the model's own answer.</span>
    <//>
  </form>`;
}

/** The messages of a conversation's document, or of a question alone. */
function messagesOf(text) {
  try {
    const found = JSON.parse(text);
    const listed = found.messages ?? [...(found.prompt ?? []), ...(found.completion ?? [])];
    const plain = listed.every((one) => typeof one.role === "string" && typeof one.content === "string");
    if (listed.length && plain) return listed.map(({ role, content }) => ({ role, content }));
  } catch {
    // It is a question, not a document.
  }
  return [{ role: "user", content: text ?? "" }];
}

function Foot({ ready, onCancel, children }) {
  return html`<div class="line">
    <button class="primary" disabled=${!ready}>Ask why</button>
    ${onCancel && html`<button type="button" onClick=${onCancel}>Cancel</button>`}
    ${children ?? html`<span class="soft small"><kbd>Enter</kbd> asks, <kbd>Shift</kbd> <kbd>Enter</kbd> begins a line</span>`}
  </div>`;
}

function Field({ name, value, onInput, onEnter, first, placeholder }) {
  const box = useRef(null);
  useEffect(() => {
    if (first) box.current.focus();
  }, []);
  const pressed = (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    onEnter();
  };
  const lines = Math.max(2, Math.min(8, value.split("\n").length, 1 + Math.ceil(value.length / 90)));
  return html`<textarea ref=${box} dir="auto" aria-label=${name} rows=${lines} placeholder=${placeholder}
    value=${value} onInput=${(event) => onInput(event.target.value)} onKeyDown=${pressed}></textarea>`;
}
