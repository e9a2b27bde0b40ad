// A dialog of the browser: it keeps the focus inside, Escape closes it, and the focus goes back.
import { html, useEffect, useId, useLayoutEffect, useRef, useState } from "./html.js";
import { Icon } from "./icons.js";

export function Dialog({ title, onClose, children }) {
  const dialog = useRef(null);
  const id = useId();
  // At once: a key that is pressed before the next frame must find the dialog open.
  useLayoutEffect(() => {
    const before = document.activeElement, element = dialog.current;
    element.showModal();
    return () => {
      element.close(); // while it is open, nothing behind it takes the focus
      before?.focus?.();
    };
  }, []);
  // The browser tells the close a frame later. By then the next dialog may be open, which must stay.
  const closed = () => dialog.current && onClose();
  return html`
    <dialog ref=${dialog} aria-labelledby=${id} onClose=${closed} onCancel=${onClose}>
      <header><h1 id=${id}>${title}</h1>
        <button class="plain icon" type="button" aria-label="Close" onClick=${onClose}><${Icon} name="close" /></button></header>
      ${children}
    </dialog>`;
}

// A form in a dialog. `onSubmit(fields)` may be slow and may throw; its message is shown then.
export function FormDialog({ title, action, danger = false, onSubmit, onClose, children }) {
  const [fault, setFault] = useState("");
  const [busy, setBusy] = useState(false);
  const open = useRef(true);
  useEffect(() => () => { open.current = false; }, []);

  async function submit(event) {
    event.preventDefault();
    setBusy(true);
    setFault("");
    try {
      await onSubmit(new FormData(event.target));
      if (open.current) onClose();
    } catch (why) {
      if (!open.current) return;
      setFault(why.message);
      setBusy(false);
    }
  }

  // As in any other field; by itself a list of choices would open.
  function keyDown(event) {
    if (event.key !== "Enter" || event.target.tagName !== "SELECT") return;
    event.preventDefault();
    event.currentTarget.requestSubmit();
  }

  return html`
    <${Dialog} title=${title} onClose=${onClose}>
      <form onSubmit=${submit} onKeyDown=${keyDown}>
        <div class="body">
          ${children}
          <p role="alert" class=${fault ? "notice bad" : "visually-hidden"}>${fault}</p>
        </div>
        <footer>
          <button type="button" onClick=${onClose}>Cancel</button>
          <button class=${danger ? "danger" : "primary"} disabled=${busy}>${busy ? "…" : action}</button>
        </footer>
      </form>
    <//>`;
}
