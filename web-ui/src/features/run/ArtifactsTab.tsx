import { useQuery } from "@tanstack/react-query";
import { apiUrl } from "../../api/client";
import { checkpointsQuery } from "../../api/queries";
import { bytes, clock, count, integer } from "../../lib/format";
import { ErrorNotice, Panel, ui } from "../../ui/parts";
import css from "./run.module.css";

export function ArtifactsTab({ id }: { id: number }) {
  const checkpoints = useQuery(checkpointsQuery(id));
  if (checkpoints.isError) return <ErrorNotice what="The checkpoints could not be loaded." error={checkpoints.error} />;
  if (checkpoints.data?.length === 0) return <p className={ui.empty}>No checkpoint has been committed.</p>;
  const newest = [...(checkpoints.data ?? [])].sort((a, b) => b.step - a.step || b.id - a.id);
  return (
    <div className={ui.stack}>
      {newest.map((checkpoint) => (
        <Panel
          key={checkpoint.id}
          title={`Step ${integer(checkpoint.step)}`}
          aside={
            <span className={ui.muted}>
              {count(checkpoint.tokens)} tokens · attempt {checkpoint.attempt} · {bytes(checkpoint.bytes)} ·{" "}
              {clock(checkpoint.createdAt)}
            </span>
          }
        >
          <table className={ui.table}>
            <thead>
              <tr>
                <th scope="col">File</th>
                <th scope="col" className={ui.num}>
                  Size
                </th>
                <th scope="col">SHA-256</th>
              </tr>
            </thead>
            <tbody>
              {checkpoint.files.map((file) => (
                <tr key={file.name}>
                  <td>
                    <a
                      href={apiUrl(`/runs/${id}/artifacts/${encodeURIComponent(file.name)}`, {
                        checkpoint: checkpoint.id,
                      })}
                      download={file.name}
                    >
                      {file.name}
                    </a>
                  </td>
                  <td className={ui.num}>{bytes(file.bytes)}</td>
                  <td className={css.hash}>{file.sha256}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Panel>
      ))}
    </div>
  );
}
