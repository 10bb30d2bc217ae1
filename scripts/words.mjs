/** `npm run check -- words`: the words that docs/glossary.md and plain English replace, in what people read. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

/** Prose: markdown, comments of configuration, and the strings and markup of code. */
const FILES = [
  '*.md',
  '*.yaml',
  '*.yml',
  '.env.example',
  'docker/Dockerfile',
  'apps/**.ts',
  'apps/**.tsx',
  'libs/**.ts',
  'scripts/**.mjs',
];

/** What must not be written, and what to write instead. */
const BANNED = /** @type {const} */ ([
  [/\b(somebody|someone|anybody|whoever|whosoever)\b/i, 'who it is (a reviewer, the submitter), or "anyone"'],
  [
    /\bone's\b|\b(what|who|whom|whether|if|where|than|as) one (is|may|can|must|has|does|wants|should)\b/i,
    'who it is',
  ],
  [
    /\b(it|what|whatever) (?:is|was) (?:the|a|only|what) \w+ (?:who|that)\b/i,
    'the subject and its verb, without "it is"',
  ],
  [/\b(answers?|answered|outputs?)\b/i, '"response", "reply", or "returns"'],
  [/\b(tells?|told)\b/i, '"reports", "says", "notifies" or "returns"'],
  [/\bmend(s|ed|ing)?\b/i, '"fix" or "correct"'],
  [/\b(bells?|doorbell|rings?|rang|rung)\b/i, '"message", "publish"'],
  [/\bdoors?\b/i, '"API" or "endpoint"'],
  [/\bstory\b|(?<!\bfor )\bthe record\b/i, '"history" or "audit log"'],
  [
    /\bheld (decisions?|claims?|verdicts?)\b|\bdecisions? (is|are|was) held\b/i,
    '"pending decision", "claim"',
  ],
  [/\b(judgements?|rulings?)\b/i, '"verdict", "vote" or "decision"'],
  [/\bback-off\b/i, '"backoff"'],
  [/\bfor ever\b/i, '"forever"'],
  [/\b(sign of life|signs of life)\b/i, '"heartbeat" or "keep-alive"'],
  [/\bnewcomers?\b|\bstrangers?\b/i, 'what it is: a new request, an untrusted client'],
  [/\bby (itself|themselves)\b/i, '"on its own", "automatically"'],
]);

/** Files that have no prose of ours, or that name the banned words on purpose. */
const EXEMPT = [
  /^docs\/glossary\.md$/,
  /^scripts\/words\.mjs$/,
  /^LICENSE$/,
  /\.spec\.tsx?$/,
  /schema\.d\.ts$/,
];

/** Where banned words are left: descriptions in openapi.json. Remove an entry once its texts are clean. */
const NOT_YET = [
  'apps/gateway/src/openai/openai.controller.ts',
  'apps/gateway/src/openai/openai.schemas.ts',
  'apps/gateway/src/policies/policies.controller.ts',
  'apps/gateway/src/policies/policy.dto.ts',
];

/**
 * @param {string} root the repository
 * @returns {string | undefined} each banned word with its place and what to write; undefined where there is none
 */
export function checkWords(root) {
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', ...FILES], {
    cwd: root,
    encoding: 'utf8',
  });
  const unclean = new Set();
  const faults = [];
  for (const file of listed.trim().split('\n')) {
    if (!existsSync(join(root, file)) || EXEMPT.some((pattern) => pattern.test(file))) continue;
    const area = NOT_YET.find((folder) => file.startsWith(folder));
    for (const { line, text } of prose(file, readFileSync(join(root, file), 'utf8'))) {
      for (const [pattern, instead] of BANNED) {
        const [found] = pattern.exec(text) ?? [];
        if (found === undefined) continue;
        if (area !== undefined) unclean.add(area);
        else faults.push(`${file}:${line} «${found}»: write ${instead} (docs/glossary.md)`);
      }
    }
  }
  for (const area of NOT_YET.filter((folder) => !unclean.has(folder))) {
    faults.push(`${area} is clean: remove it from NOT_YET in scripts/words.mjs`);
  }
  return faults.length > 0 ? faults.join('\n') : undefined;
}

/** @param {string} file @param {string} content */
function prose(file, content) {
  if (/\.(tsx?|mjs)$/.test(file)) return [...strings(file, content)];
  const isMarkdown = file.endsWith('.md');
  const text = isMarkdown
    ? content.replace(/^```[\s\S]*?^```$|^ {4}\S.*$/gm, (block) => block.replace(/[^\n]/g, ''))
    : content;
  return text.split('\n').flatMap((line, index) => {
    const words = isMarkdown
      ? line
      : (/(?:^|\s)#(.*)|^\s*(?:label|description|name|title): (.*)/.exec(line) ?? [''])[0];
    return [{ line: index + 1, text: words.replace(/`[^`]*`|\]\([^)]*\)/g, '') }];
  });
}

/**
 * The sentences in the strings and markup of a source file; a single word is a name, and SQL is no prose.
 * @param {string} file
 * @param {string} content
 */
function* strings(file, content) {
  const source = ts.createSourceFile(file, content, ts.ScriptTarget.Latest, true);
  /** @type {ts.Node[]} */
  const nodes = [source];
  for (let node = nodes.pop(); node !== undefined; node = nodes.pop()) {
    ts.forEachChild(node, (child) => void nodes.push(child));
    if (!(ts.isStringLiteralLike(node) || ts.isJsxText(node) || ts.isTemplateExpression(node))) continue;
    if (ts.isJsxAttribute(node.parent) && node.parent.name.getText() === 'className') continue;
    const text = ts.isTemplateExpression(node)
      ? [node.head, ...node.templateSpans.map((span) => span.literal)].map(({ text }) => text).join('…')
      : node.text;
    if (
      !/\S\s+\S/.test(text) ||
      /\b(SELECT|UPDATE|INSERT|DELETE|WHERE|JOIN|CASE|ALTER|CREATE|RETURNING)\b/.test(text)
    ) {
      continue;
    }
    yield {
      line: source.getLineAndCharacterOfPosition(node.getStart()).line + 1,
      text: text.replace(/`[^`]*`/g, ''),
    };
  }
}
