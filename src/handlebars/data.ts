// The variables of Handlebars that begin with @, as they are at one moment.
import type { DataFrame } from "./environment.js";

const PARENT = "_parent";

/** The variables of a block and of all around it, as they are now: loops go on changing theirs. */
export function snapshot(frame: DataFrame | undefined): DataFrame | undefined {
  if (frame === undefined || frame === null) return frame;
  const prototype = Object.getPrototypeOf(frame) as object | null;
  const copy: { [PARENT]?: DataFrame | undefined } =
    prototype === Object.prototype
      ? { ...frame }
      : Object.assign(Object.create(prototype) as object, frame);
  if (copy[PARENT] !== undefined) copy[PARENT] = snapshot(copy[PARENT]);
  return copy;
}
