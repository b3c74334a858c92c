// The server's token, where it wants one: given once, in the address after # or in a form. The
// browser keeps it as a cookie that no script reads.
import { html, useState } from "./vendor/preact.js";

/** Exchange a token for the cookie; returns whether it was the right one. */
async function exchange(token) {
  const answer = await fetch("/api/session", {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
  });
  return answer.ok;
}

/** Take the token out of the address (#token=…), so that it is in no history and no screenshot. */
export async function begin() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given === null) return;
  history.replaceState(null, "", location.pathname + location.search);
  await exchange(given).catch(() => false);
}

/** A form that asks for the token. */
export function TokenWanted() {
  const [wrong, setWrong] = useState("");
  const open = async (event) => {
    event.preventDefault();
    const right = await exchange(event.target.token.value.trim()).catch(() => null);
    if (right) location.reload();
    else setWrong(right === false ? "This is not the server's token." : "The server does not answer.");
  };
  return html`
    <form class="card token" onSubmit=${open}>
      <h1>This server wants its token</h1>
      <p>Whoever started it can read the token where it was started: it is in the address there, after <code>#token=</code>.</p>
      <label class="field">Token <input name="token" type="password" autocomplete="off" required /></label>
      <button class="primary">Open</button>
      ${wrong && html`<p role="alert">${wrong}</p>`}
    </form>`;
}
