export function HealthPage() {
  return <p className="p-5">health</p>;
}
