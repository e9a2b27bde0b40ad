// Preact with htm: `html` makes elements of a template, without a build step.
import { h, render, Fragment, Component } from "preact";
import htm from "htm";

export { h, render, Fragment, Component };
export {
  useCallback, useEffect, useId, useLayoutEffect, useMemo, useReducer, useRef, useState,
} from "preact/hooks";
export const html = htm.bind(h);
