// Server-sent events out of pieces of text (HTML standard, "Server-sent events").

export function makeEventReader(onEvent) {
  let rest = "";
  let event = { type: "message", data: [], id: "" };

  function line(text) {
    if (text === "") {
      if (event.data.length) onEvent({ ...event, data: event.data.join("\n") });
      event = { type: "message", data: [], id: event.id };
      return;
    }
    const colon = text.indexOf(":");
    if (colon === 0) return;
    const name = colon < 0 ? text : text.slice(0, colon);
    const value = colon < 0 ? "" : text.slice(colon + 1).replace(/^ /, "");
    if (name === "event") event.type = value;
    else if (name === "data") event.data.push(value);
    else if (name === "id") event.id = value;
  }

  return (piece) => {
    const lines = (rest + piece).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop();
    for (const text of lines) line(text);
  };
}
