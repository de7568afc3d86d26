export function TeamPage() {
  return <p className="p-5">Team</p>;
}
