/** The addresses of the console's own pages: the page looks at the address itself. The API's routes are never among them. */
export const CONSOLE_PAGES = [
  '/',
  '/queue',
  '/review/:id',
  '/history/:id',
  '/insight',
  '/decisions',
  '/policies',
  '/webhooks',
  '/keys',
  '/try',
] as const;
