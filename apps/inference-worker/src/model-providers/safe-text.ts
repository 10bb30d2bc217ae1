/** Longest piece of a provider's text that is kept, in characters. */
export const MAX_DETAIL = 1000;

/** Shorter keys are placeholders such as `x` or `none`: words of any text. */
const MIN_KEY = 8;

/** What looks like a key or a token, whoever issued it. */
const KEYS = [
  /\b(?:bearer|basic)\s+[\w.~+/=*-]{8,}/gi,
  // sk-proj-…, sk-ant-…, gsk_…, xai-…, hf_…, r8_…, pplx-…, csk-…, ghp_…, also with the middle starred out
  /\b(?:sk|pk|rk|gsk|csk|xai|hf|r8|pplx|nvapi|fw|tgp|key|ghp|glpat)[-_][\w*.-]{6,}/gi,
  /\bAIza[\w-]{20,}/g,
  /\b(?:AKIA|ASIA)[A-Z0-9]{12,}/g,
  /\beyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?/g,
  /(?<=\b(?:api[-_ ]?key|access[-_ ]?token|token|secret|password)["']?\s*[:=]\s*["']?)[^\s"',;)]{6,}/gi,
];
const PRIVATE_IPV4 =
  /\b(?:127|10|0)\.\d{1,3}\.\d{1,3}\.\d{1,3}(?::\d{1,5})?\b|\b(?:192\.168|169\.254|172\.(?:1[6-9]|2\d|3[01])|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\.\d{1,3}\.\d{1,3}(?::\d{1,5})?\b/g;
const PRIVATE_IPV6 =
  /\[?(?<![\w:])(?:::1|::ffff:[\d.]{7,15}|(?:f[cd][0-9a-f]{2}|fe80):[0-9a-f:]{2,40})\]?(?::\d{1,5})?(?![\w:])/gi;
const INTERNAL_NAME =
  /\b(?:https?:\/\/)?(?:localhost|(?:[a-z0-9_-]{1,63}\.){1,8}(?:local|localdomain|internal|intranet|lan|corp|home|svc|cluster)(?:\.[a-z0-9-]{1,63}){0,8})(?::\d{1,5})?\b/gi;
/** A URL with a user's name, or whose host has no dot: a container's or a service's name. */
const INTERNAL_URL = /\bhttps?:\/\/(?:[^\s/@"']+@[^\s/"')]+|[a-z0-9_-]+(?=[:/\s"')]|$)(?::\d{1,5})?)/gi;

/** What a text must not tell apart from what looks like a secret by itself. */
export interface Confidential {
  /** The key that the provider was called with. */
  apiKey?: string;
  /** The address that was called. */
  url?: string;
}

/**
 * A provider's words as they may be stored and shown to the submitter: without keys, without internal addresses, and
 * at most {@link MAX_DETAIL} characters long.
 */
export function safeText(text: string, { apiKey, url }: Confidential = {}): string {
  // A longer text is cut twice, since what is replaced may become longer or shorter.
  let safe = text
    .slice(0, 4 * MAX_DETAIL)
    .replaceAll('\0', '')
    .toWellFormed();
  if (apiKey !== undefined && apiKey.length >= MIN_KEY) safe = safe.replaceAll(apiKey, '[key]');
  for (const key of KEYS) safe = safe.replace(key, '[key]');
  const host = url !== undefined && URL.canParse(url) ? new URL(url).host : '';
  if (host !== '') safe = safe.replaceAll(host, '[address]');
  for (const address of [PRIVATE_IPV4, PRIVATE_IPV6, INTERNAL_NAME, INTERNAL_URL]) {
    safe = safe.replace(address, '[address]');
  }
  return safe.trim().slice(0, MAX_DETAIL);
}
