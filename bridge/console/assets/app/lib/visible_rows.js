// The rows of a long list that are on the screen, and some around them. Pure.

export function visibleRows({ scrollTop, height, rowHeight, count, around = 6 }) {
  const first = Math.max(0, Math.floor(scrollTop / rowHeight) - around);
  const end = Math.min(count, Math.ceil((scrollTop + height) / rowHeight) + around);
  return { first: Math.min(first, count), end: Math.max(end, 0) };
}

// Where to scroll so that the row is on the screen; the place of now if it is there already.
export function scrolledTo({ row, scrollTop, height, rowHeight }) {
  const top = row * rowHeight;
  if (top < scrollTop) return top;
  if (top + rowHeight > scrollTop + height) return top + rowHeight - height;
  return scrollTop;
}
