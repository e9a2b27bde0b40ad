// The page "Calls".
import { html } from "../lib/html.js";

export default function CallsPage() {
  return html`<header><h1>Calls</h1></header>`;
}
