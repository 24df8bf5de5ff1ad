import { useQuery } from "@tanstack/react-query";
import { apiUrl } from "../../api/client";
import { checkpointsQuery } from "../../api/queries";
import type { Checkpoint, RunDetail } from "../../api/types";
import { bytes, clock, count, integer } from "../../lib/format";
import { ErrorNotice, Panel, ui } from "../../ui/parts";
import css from "./run.module.css";

type File = Checkpoint["files"][number];

function Files({ id, files, checkpoint }: { id: number; files: File[]; checkpoint?: number }) {
  return (
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
        {files.map((file) => (
          <tr key={file.name}>
            <td>
              <a
                href={apiUrl(`/runs/${id}/artifacts/${file.name.split("/").map(encodeURIComponent).join("/")}`, {
                  checkpoint,
                })}
                download={file.name.slice(file.name.lastIndexOf("/") + 1)}
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
  );
}

export function ArtifactsTab({ id, result }: { id: number; result: RunDetail["result"] }) {
  const outputs = result?.kind === "command" ? result.outputs : [];
  const checkpoints = useQuery(checkpointsQuery(id));
  if (checkpoints.isError) return <ErrorNotice what="The checkpoints could not be loaded." error={checkpoints.error} />;
  if (checkpoints.data?.length === 0 && outputs.length === 0)
    return <p className={ui.empty}>No checkpoint has been committed.</p>;
  const newest = [...(checkpoints.data ?? [])].sort((a, b) => b.step - a.step || b.id - a.id);
  return (
    <div className={ui.stack}>
      {outputs.length > 0 && (
        <Panel title="Files it left">
          <Files id={id} files={outputs} />
        </Panel>
      )}
      {newest.map((checkpoint) => (
        <Panel
          key={checkpoint.id}
          title={`Step ${integer(checkpoint.step)}`}
          aside={
            <span className={ui.muted}>
              {checkpoint.tokens > 0 && `${count(checkpoint.tokens)} tokens · `}attempt {checkpoint.attempt} ·{" "}
              {bytes(checkpoint.bytes)} · {clock(checkpoint.createdAt)}
            </span>
          }
        >
          <Files id={id} files={checkpoint.files} checkpoint={checkpoint.id} />
        </Panel>
      ))}
    </div>
  );
}
