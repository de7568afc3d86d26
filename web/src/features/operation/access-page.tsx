export function AccessPage() {
  return <p className="p-5">access</p>;
}
