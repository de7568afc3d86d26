export function DeadLettersPage() {
  return <p className="p-5">dead-letters</p>;
}
