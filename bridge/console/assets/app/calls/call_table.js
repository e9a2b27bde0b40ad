// The live calls as a grid, of which only the rows on the screen are drawn.
import { Component, html, useEffect, useLayoutEffect, useRef, useState } from "../lib/html.js";
import { useNowMs } from "../lib/clock.js";
import { scrolledTo, visibleRows } from "../lib/visible_rows.js";
import { beganMs, durationText, fromOf, isRecorded, stateOf, toOf } from "../live/call_words.js";
import { PartyName, shownNumber } from "./party_name.js";

const ROW_PX = 46, SMALL_ROW_PX = 66;
const SMALL = matchMedia("(max-width: 760px)");

// `nothing`: what is said where there are no calls. The grid is there all the same: it has the focus.
export function CallTable({ calls, reach, chosen, nothing, onChoose, onOpen, onKey }) {
  const frame = useRef(null);
  const rowHeight = useSmall() ? SMALL_ROW_PX : ROW_PX;
  const view = useView(frame);
  const { first, end } = visibleRows({ ...view, rowHeight, count: calls.length });
  const place = calls.findIndex((call) => call.id === chosen);

  function choose(row) {
    const call = calls[Math.max(0, Math.min(row, calls.length - 1))];
    if (!call) return;
    onChoose(call.id);
    const { scrollTop, clientHeight } = frame.current;
    frame.current.scrollTop = scrolledTo({ row: calls.indexOf(call), scrollTop, height: clientHeight, rowHeight });
  }

  function keyDown(event) {
    const page = Math.max(1, Math.floor(view.height / rowHeight) - 1);
    const steps = { ArrowDown: place + 1, ArrowUp: place - 1, PageDown: place + page, PageUp: place - page, Home: 0, End: calls.length - 1 };
    if (event.key in steps && !event.altKey && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      choose(steps[event.key]);
    } else if (event.key === "Enter" && place >= 0) {
      event.preventDefault();
      onOpen(calls[place]);
    } else {
      onKey(event);
    }
  }

  return html`
    <div class="calls card" role="grid" aria-label="Live calls" aria-rowcount=${calls.length + 1} aria-colcount="6"
      tabindex="0" aria-activedescendant=${place >= first && place < end ? `call-${chosen}` : undefined}
      onKeyDown=${keyDown} onFocus=${() => place < 0 && calls.length > 0 && onChoose(calls[first].id)}>
      <div role="row" aria-rowindex="1" class="heads">
        ${["State", "From", "To", "Paid by", "Time", "Rec"].map((head) => html`<div role="columnheader" key=${head}>${head}</div>`)}
      </div>
      <div class="scroll" ref=${frame} role="rowgroup" tabindex="-1">
        ${calls.length === 0 && html`<div role="row"><p role="gridcell" class="empty">${nothing}</p></div>`}
        <div role="presentation" class="all" style=${{ height: `${calls.length * rowHeight}px` }}>
          ${calls.slice(first, end).map((call, index) => html`
            <${Row} key=${call.id} call=${call} reach=${reach} row=${first + index} top=${(first + index) * rowHeight}
              height=${rowHeight} chosen=${call.id === chosen} onChoose=${onChoose} onOpen=${onOpen} />`)}
        </div>
      </div>
    </div>`;
}

class Row extends Component {
  shouldComponentUpdate(next) {
    return ["call", "reach", "top", "height", "chosen"].some((name) => next[name] !== this.props[name]);
  }

  render({ call, reach, row, top, height, chosen, onChoose, onOpen }) {
    const { text, kind } = stateOf(call);
    return html`
      <div role="row" id=${`call-${call.id}`} class=${call.ended ? "call ended" : "call"} aria-rowindex=${row + 2}
        aria-selected=${String(chosen)} style=${{ top: `${top}px`, height: `${height}px` }}
        onClick=${() => onChoose(call.id)} onDblClick=${() => onOpen(call)}>
        <div role="gridcell" class="state"><span class=${`badge ${kind}`}>${text}</span></div>
        <div role="gridcell" class="from"><${PartyName} reach=${reach} numbers=${fromOf(call)} call=${call} /></div>
        <div role="gridcell" class="to"><span class="arrow" aria-hidden="true">→</span><${PartyName} reach=${reach} numbers=${toOf(call)} call=${call} /></div>
        <div role="gridcell" class="payer number">${shownNumber(reach, call.extension, call)}</div>
        <div role="gridcell" class="time number"><${Time} call=${call} /></div>
        <div role="gridcell" class="recording">${isRecorded(call) && html`<span class="badge bad"><span class="dot"></span>Rec</span>`}</div>
      </div>`;
  }
}

// Only this is drawn each second.
function Time({ call }) {
  const nowMs = useNowMs(!call.ended);
  return durationText((call.endedMs ?? nowMs) - beganMs(call));
}

function useSmall() {
  const [small, setSmall] = useState(SMALL.matches);
  useEffect(() => {
    const changed = () => setSmall(SMALL.matches);
    SMALL.addEventListener("change", changed);
    return () => SMALL.removeEventListener("change", changed);
  }, []);
  return small;
}

function useView(frame) {
  const [view, setView] = useState({ scrollTop: 0, height: 600 });
  useLayoutEffect(() => {
    const look = () => setView({ scrollTop: frame.current.scrollTop, height: frame.current.clientHeight });
    const sizes = new ResizeObserver(look);
    sizes.observe(frame.current);
    frame.current.addEventListener("scroll", look, { passive: true });
    look();
    return () => sizes.disconnect();
  }, []);
  return view;
}
