export default async function teardown() {
  await /** @type {{ stopTestServices?: () => Promise<void> }} */ (globalThis).stopTestServices?.();
}
