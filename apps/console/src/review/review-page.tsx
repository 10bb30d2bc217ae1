export function ReviewPage() {
  return <p>review</p>;
}
