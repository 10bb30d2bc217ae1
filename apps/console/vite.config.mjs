import tailwindcss from '@tailwindcss/vite';
import { defineConfig } from 'vite';

/** Where `npm start` listens: what `vite dev` sends the API's calls to. */
const GATEWAY = 'http://127.0.0.1:3000';

export default defineConfig({
  root: import.meta.dirname,
  // The page may be served below any path: its files find one another from where they are.
  base: './',
  plugins: [tailwindcss()],
  // Where scripts/prepare.mjs builds in a copy, its node_modules is a link out of a folder whose name Vite misreads.
  resolve: { preserveSymlinks: true },
  html: { cspNonce: '__CSP_NONCE__' },
  build: {
    outDir: '../../dist/console',
    emptyOutDir: true,
    target: 'es2022',
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1000,
  },
  server: { proxy: { '/v1': { target: GATEWAY, changeOrigin: false } } },
});
