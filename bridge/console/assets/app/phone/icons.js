// The symbols of the phone. They are decoration: the text beside them says the same.
import { html } from "../lib/html.js";

const HANDSET = "M5 4h4l2 5-2.500 1.500a11 11 0 0 0 5 5L15 13l5 2v4a2 2 0 0 1-2 2A16 16 0 0 1 3 6a2 2 0 0 1 2-2";
const TURNED = { answer: "", hangup: "rotate(135 12 12)" };

export function PhoneIcon({ name }) {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d=${HANDSET} transform=${TURNED[name]} /></svg>`;
}
