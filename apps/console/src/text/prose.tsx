import { Component, lazy, Suspense, useState, type ReactNode } from 'react';
import { clip, isTooDeep, visible } from './hygiene';

const Markdown = lazy(() => import('./markdown').then((file) => ({ default: file.Markdown })));
const Editor = lazy(() => import('../editor/editor').then((file) => ({ default: file.Editor })));

/** Characters of a text that are shown as markdown; longer ones are shown plain, and cut until one wants all. */
const LONGEST_MARKDOWN = 40_000;

/** Untrusted text, readable: markdown without HTML and without images, and nothing in it unseen. */
export function Prose({ text, label }: { text: string; label: string }) {
  const [all, setAll] = useState(false);
  if (text === '') return <p className="text-dim italic">empty</p>;
  if (all) return <LongText text={text} label={label} />;
  const { text: shown, cut } = clip(text, LONGEST_MARKDOWN);
  const plain = <p className="break-words whitespace-pre-wrap">{visible(shown)}</p>;
  return (
    <>
      {cut || isTooDeep(shown) ? (
        plain
      ) : (
        <Instead of={plain} key={shown}>
          <Suspense fallback={plain}>
            <Markdown text={visible(shown)} />
          </Suspense>
        </Instead>
      )}
      {cut && (
        <button type="button" className="button mt-2" onClick={() => setAll(true)}>
          Show all {text.length.toLocaleString('en')} characters
        </button>
      )}
    </>
  );
}

/** Text of any length or depth, as it is: only the lines in sight are on the page. */
export function LongText({
  text,
  label,
  language = 'text',
}: {
  text: string;
  label: string;
  language?: 'text' | 'json';
}) {
  return (
    <Suspense fallback={<p className="text-dim">Loading …</p>}>
      <Editor value={text} language={language} label={label} readOnly />
    </Suspense>
  );
}

/** Shows something else where its content cannot be shown. */
class Instead extends Component<{ of: ReactNode; children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError(): { failed: boolean } {
    return { failed: true };
  }

  override render(): ReactNode {
    return this.state.failed ? this.props.of : this.props.children;
  }
}
