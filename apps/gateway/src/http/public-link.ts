let base = '';

/** Says where clients reach this gateway (PUBLIC_URL). Called once, at boot. */
export function setPublicUrl(url: string | undefined): void {
  base = url?.replace(/\/$/, '') ?? '';
}

/** A link for clients to one of the gateway's own addresses: below PUBLIC_URL where it is set, else the mere path. */
export function publicLink(path: string): string {
  return base + path;
}
