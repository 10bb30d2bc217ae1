/**
 * The brokers of AMQP_URL, which may be a list: URLs separated by commas. A comma that no amqp:// or amqps:// follows
 * belongs to a URL, as a password may hold one.
 */
export function brokerUrls(amqpUrl: string): string[] {
  return amqpUrl.split(/,\s*(?=amqps?:\/\/)/).map((url) => url.trim());
}

/** The first entry of AMQP_URL that names no broker; undefined where each names one. */
export function unusableBroker(amqpUrl: string): string | undefined {
  return brokerUrls(amqpUrl).find((url) => {
    if (!/^amqps?:\/\//.test(url) || !URL.canParse(url)) return true;
    const { hostname } = new URL(url);
    // With a comma it is several hosts in one URL.
    return hostname === '' || hostname.includes(',');
  });
}
