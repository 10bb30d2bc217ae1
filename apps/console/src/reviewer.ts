/** Who reviews: the one place that knows. A name kept in this browser, until there is a sign-in. */
const KEY = 'hitl.reviewer';
/** Who acts when nobody has said. */
export const LOCAL = 'local';

/** The reviewer's name. */
export function reviewer(): string {
  return localStorage.getItem(KEY) ?? LOCAL;
}

/** Whether somebody has said who they are. */
export function isNamed(): boolean {
  return localStorage.getItem(KEY) !== null;
}

/** Whether the gateway takes this name: letters, digits, spaces and `._@+-`. */
export function isName(name: string): boolean {
  return /^[\w.@+-][\w.@+ -]{0,99}$/.test(name);
}

export function setReviewer(name: string): void {
  localStorage.setItem(KEY, name);
}
