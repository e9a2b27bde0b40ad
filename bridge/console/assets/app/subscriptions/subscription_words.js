// Subscriptions in words of people, and their paths in the API. Pure.

export const TYPES = [
  ["0", "dial-in"], ["1", "dial-out"], ["2", "hang-up"], ["3", "answer incoming"], ["4", "answer outgoing"], ["100", "digit"],
];

export function typesText(types) {
  const names = new Map(TYPES);
  return String(types).split(",").map((one) => names.get(one) ?? one).join(", ");
}

// Of all subscriptions of the extension, or of one of them.
export function pathOf(extension, one) {
  const all = `uapi/extensions/${extension.user.id}/${encodeURIComponent(extension.number)}/phoneCallEvents`;
  return one ? `${all}/${encodeURIComponent(one.type)}/${one.id}` : all;
}

// The form as the API has it. Throws for a form without a type.
export function bodyOf(fields) {
  const types = fields.getAll("type");
  if (types.length === 0) throw new Error("Choose at least one kind of event.");
  const format = String(fields.get("format"));
  return {
    type: types.join(","), url: String(fields.get("url")).trim(), note: String(fields.get("note")).trim(),
    method: format === "get" ? "0" : "1", status: "1", ...(format === "json" ? { format } : {}),
  };
}
