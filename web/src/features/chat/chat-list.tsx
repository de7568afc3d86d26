import { Link } from "react-router";
import { useWorkspaces } from "@/api/workspaces";

export function ChatList({ inSide = false }: { inSide?: boolean }) {
  const { data = [] } = useWorkspaces();
  return <ul className={inSide ? "" : "p-3"}>{data.map(({ id, name }) => <li key={id}><Link to={`/w/${id}`}>{name}</Link></li>)}</ul>;
}
