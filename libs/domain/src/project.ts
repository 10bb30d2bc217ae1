/** The project of every job and webhook endpoint, until sign-in knows which one a caller belongs to. */
export const PROJECT = 'default';
