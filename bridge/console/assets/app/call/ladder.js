// The timeline as a picture, which the service draws.
import { request } from "../api.js";
import { html, useEffect, useRef, useState } from "../lib/html.js";

export function Ladder({ path, news }) {
  const place = useRef(null);
  const [fault, setFault] = useState("");
  useEffect(() => {
    const stop = new AbortController();
    request("GET", path, { signal: stop.signal }).then((answer) => answer.text()).then((text) => {
      const picture = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
      if (picture.nodeName !== "svg") throw new Error("The picture cannot be read.");
      setFault("");
      place.current?.replaceChildren(document.importNode(picture, true));
    }).catch((why) => { if (why.name !== "AbortError") setFault(why.message); });
    return () => stop.abort();
  }, [path, news]);
  return html`${fault && html`<p class="notice bad" role="alert">${fault}</p>`}
    <div class="picture" ref=${place} tabindex="0" role="group" aria-label="Ladder of the call"></div>`;
}
