import { part } from '../ui/part';

/** The editor, loaded when it is needed. */
export const Editor = part('the editor', () => import('./editor').then((file) => file.Editor));
