import { defaultUrlTransform } from 'react-markdown';
import { visible } from './hygiene';

/** What is used here of a node of parsed markdown. */
interface Node {
  type: string;
  children?: Node[];
  value?: string;
  /** Where a link or an image leads. */
  url?: string;
  title?: string | null;
  alt?: string | null;
  /** The words after a fence. */
  lang?: string | null;
  meta?: string | null;
  ordered?: boolean | null;
  start?: number | null;
  position?: { start: { offset?: number }; end: { offset?: number } };
}

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
  return (tree, file) => showIn(tree, String(file.value));
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

/** The words after a fence, as a line of their own. */
function fenceOf({ lang, meta }: Node): Node[] {
  const value = visible([lang, meta].filter(Boolean).join(' '));
  return value === '' ? [] : [{ type: 'paragraph', children: [{ type: 'text', value }] }];
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
