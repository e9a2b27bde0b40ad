// The page "Call".
import { html } from "../lib/html.js";

export default function CallPage() {
  return html`<header><h1>Call</h1></header>`;
}
