import { defaultUrlTransform } from 'react-markdown';
import { visible } from '../text/hygiene';

/** What is used here of a node of parsed markdown. */
interface Node {
  type: string;
  children?: Node[];
  value?: string;
  /** Of a list's item: whether its texts are paragraphs of their own. */
  spread?: boolean | null;
  /** What becomes of it on the page. */
  data?: { hProperties?: Record<string, unknown> };
  /** Where a link or an image leads. */
  url?: string;
  title?: string | null;
  alt?: string | null;
  /** The words after a fence. */
  lang?: string | null;
  meta?: string | null;
  ordered?: boolean | null;
  start?: number | null;
  position?: { start: { offset?: number; column?: number }; end: { offset?: number } };
}

/** For react-markdown: text keeps its spaces and its line breaks. */
export const AS_WRITTEN = {
  handlers: {
    text: (_state: unknown, { value = '' }: Node) => ({ type: 'text' as const, value }),
    break: () => ({ type: 'text' as const, value: '\n' }),
  },
};

/** Spaces that are kept at the beginning of a line. */
const MAX_INDENT = 200;

/** Nodes of which the page shows everything but marks, unless {@link hides} says otherwise. */
const SHOWN = new Set([
  'root', 'paragraph', 'heading', 'text', 'emphasis', 'strong', 'delete', 'inlineCode', 'code', 'blockquote', 'list',
  'listItem', 'table', 'tableRow', 'tableCell', 'thematicBreak', 'break', 'link', 'image',
]); // prettier-ignore

/** Nodes whose content is a line of text. */
const LINES = new Set(['paragraph', 'heading', 'emphasis', 'strong', 'delete', 'tableCell', 'link']);

/**
 * For remark: wherever markdown would show less than was written – definitions, footnotes, HTML, titles, spare cells of
 * a table – the page shows the source as it is, and what markdown decodes into unseen characters is written out.
 */
export function showAll(): (tree: Node, file: { value: unknown }) => void {
  return (tree, file) => {
    const source = String(file.value);
    indentIn(tree, source, 0);
    showIn(tree, source);
    for (const block of tree.children ?? []) {
      // Each block is written from left to right or from right to left, as its first letter says; code never is.
      if (block.type !== 'code') setProperties(block, { dir: 'auto' });
    }
  };
}

/**
 * Gives the lines of each text the spaces back with which they begin, which markdown takes away.
 * @param column characters of a line that belong to the quote or the list around it
 */
function indentIn(parent: Node, source: string, column: number): void {
  for (const [index, node] of (parent.children ?? []).entries()) {
    const { start, end } = node.position ?? {};
    if (node.type === 'listItem') node.spread = true;
    if (node.type === 'text' && node.value !== undefined) {
      const before = parent.children?.[index - 1];
      const isLineStart = before?.type === 'break';
      if (isLineStart)
        node.value = indentAfter(source, before.position?.end.offset ?? 0, column) + node.value;
      node.value = withIndents(node.value, source, start?.offset ?? 0, end?.offset ?? 0, column);
    } else {
      const isOuter = parent.type === 'root' || parent.type === 'blockquote' || parent.type === 'listItem';
      const inner =
        isOuter && node.type === 'paragraph'
          ? parent.type === 'root'
            ? 0
            : (start?.column ?? 1) - 1
          : column;
      indentIn(node, source, inner);
      // The first line, too.
      const first = node.children?.[0];
      if (parent.type === 'root' && node.type === 'paragraph' && first) {
        const indent = ' '.repeat((start?.column ?? 1) - 1);
        if (first.type === 'text') first.value = indent + (first.value ?? '');
        else if (indent !== '') node.children?.unshift({ type: 'text', value: indent });
      }
    }
  }
}

function withIndents(value: string, source: string, from: number, to: number, column: number): string {
  const breaks = [...source.slice(from, to).matchAll(/\n/g)].map(({ index }) => from + index + 1);
  const lines = value.split('\n');
  // A line break that was written as its name is none of the source.
  if (breaks.length !== lines.length - 1) return value;
  return lines
    .map((line, index) =>
      index === 0 ? line : indentAfter(source, breaks[index - 1] ?? 0, column) + line.trimStart(),
    )
    .join('\n');
}

/** The spaces at the beginning of the line at `offset`, without what belongs to the quote or the list around it. */
function indentAfter(source: string, offset: number, column: number): string {
  let at = offset;
  while (at < offset + column && /[\t >]/.test(source.charAt(at))) at += 1;
  return /^[\t ]*/.exec(source.slice(at, at + MAX_INDENT))?.[0] ?? '';
}

function setProperties(node: Node, properties: Record<string, unknown>): void {
  node.data = { ...node.data, hProperties: { ...node.data?.hProperties, ...properties } };
}

function showIn(parent: Node, source: string): void {
  parent.children = parent.children?.flatMap((node) => {
    if (!SHOWN.has(node.type) || hides(node, source)) {
      const text = { type: 'text', value: sourceOf(node, source) };
      return LINES.has(parent.type) ? [text] : [{ type: 'paragraph', children: [text] }];
    }
    if (node.value !== undefined) node.value = visible(node.value);
    showIn(node, source);
    return node.type === 'code' ? [...fenceOf(node), { ...node, lang: null }] : [node];
  });
}

/** The words after a fence, as the label of its code. */
function fenceOf({ lang, meta }: Node): Node[] {
  const value = visible([lang, meta].filter(Boolean).join(' '));
  const data = { hProperties: { className: ['code-label'] } };
  return value === '' ? [] : [{ type: 'paragraph', data, children: [{ type: 'text', value }] }];
}

function hides(node: Node, source: string): boolean {
  const { type, url = '', title, alt, children = [] } = node;
  switch (type) {
    case 'link':
      return Boolean(title) || defaultUrlTransform(url) === '';
    case 'image':
      // Also what is in the words of an image, such as another one's address.
      return sourceOf(node, source) !== `![${alt ?? ''}](${url})` || defaultUrlTransform(url) === '';
    case 'table':
      return children.some((row) => (row.children?.length ?? 0) > (children[0]?.children?.length ?? 0));
    case 'list':
      // The page counts by itself, and has no room for long numbers.
      return children.some(
        (item, index) =>
          node.ordered === true &&
          !new RegExp(`^(?=\\d{1,3}\\D)${(node.start ?? 1) + index}[.)]`).test(sourceOf(item, source)),
      );
    default:
      return false;
  }
}

function sourceOf({ position }: Node, source: string): string {
  return source.slice(position?.start.offset ?? 0, position?.end.offset ?? source.length);
}
