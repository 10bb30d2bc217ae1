import type { CommandName } from './usage.mjs';

/**
 * Does what a command is for; resolves with the exit code.
 * @throws UsageError
 */
export type Command = (args: string[]) => Promise<number> | number;

/** Each is loaded when it is asked for: none waits for what only another one needs. */
export const COMMANDS: Record<CommandName, () => Promise<Command>> = {
  migrate: async () => (await import('./migrate')).migrateDatabase,
  openapi: async () => (await import('./openapi')).printDocument,
  'policy check': async () => (await import('./policy')).checkPolicy,
  'audit verify': async () => (await import('./audit')).verifyAudit,
  'keys create': async () => (await import('./keys')).createKey,
  'keys list': async () => (await import('./keys')).listKeys,
  'keys revoke': async () => (await import('./keys')).revokeKey,
  'keys rotate': async () => (await import('./keys')).replaceKey,
  'keys generate': async () => (await import('./keys')).generateKey,
};
