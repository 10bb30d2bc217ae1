/**
 * The page on which people sign in: a plain link and form, so that nothing else need be served to strangers.
 * @param hasProvider whether people can sign in at a provider
 * @param problem why the last try failed
 * @param next the address within the console to go on to
 */
export function signInPage(
  nonce: string,
  next: string,
  { root, hasProvider, problem }: { root: string; hasProvider: boolean; problem?: string },
): string {
  const link = `<p><a class="button" href="${escaped(root)}sign-in/start?next=${encodeURIComponent(next)}">Sign in with single sign-on</a></p>`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sign in · HITL</title>
<style nonce="${nonce}">
  :root { color-scheme: light dark; font: 14px/1.5 system-ui, sans-serif; }
  body { display: grid; place-items: center; min-height: 100vh; margin: 0; }
  form { display: grid; gap: 12px; width: min(360px, 100vw - 32px); }
  h1 { font-size: 18px; margin: 0; }
  p { margin: 0; }
  label { display: grid; gap: 4px; }
  input, button, .button { font: inherit; padding: 8px 10px; }
  .button { display: block; border: 1px solid; border-radius: 4px; text-align: center; text-decoration: none; }
  [role="alert"] { border-inline-start: 3px solid; padding-inline-start: 10px; }
</style>
</head>
<body>
<main>
<form method="post" action="${escaped(root)}sign-in">
  <h1>Sign in</h1>
  ${problem === undefined ? '' : `<p role="alert">${escaped(problem)}</p>`}
  ${hasProvider ? link : ''}
  <label>API key <input type="password" name="key" autocomplete="current-password" required${hasProvider ? '' : ' autofocus'}></label>
  <input type="hidden" name="next" value="${escaped(next)}">
  <button>${hasProvider ? 'Sign in with the key' : 'Sign in'}</button>
  <p>An administrator creates keys on the page Keys, or with <code>hitl keys create</code>.</p>
</form>
</main>
</body>
</html>
`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
