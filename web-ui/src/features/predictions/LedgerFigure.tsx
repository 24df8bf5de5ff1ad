import { useInfiniteQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { usePolling } from "../../api/live";
import { PAGE_SIZE, predictionsQuery } from "../../api/queries";
import { PlotFigure } from "../../charts/PlotFigure";
import { ledgerSpec, ledgerTable, marksOf } from "./figure";

/** The newest predictions that are not void, drawn by how far was extrapolated. */
export function LedgerFigure({ whose }: { whose: { experiment?: number; fit?: number } }) {
  const query = useInfiniteQuery({ ...predictionsQuery(whose), refetchInterval: usePolling() });
  const newest = query.data?.pages[0];
  const marks = useMemo(() => marksOf(newest?.items ?? []), [newest]);
  const spec = useMemo(() => ledgerSpec(marks), [marks]);
  if (marks.length === 0) return null;
  const scored = marks.filter((mark) => mark.prediction.state === "scored").length;
  return (
    <PlotFigure
      title="Predicted intervals and what was observed"
      subtitle={
        newest?.next ? `The newest ${PAGE_SIZE} predictions` : `${scored} scored, ${marks.length - scored} open`
      }
      file="predictions"
      spec={spec}
      table={() => ledgerTable(marks)}
      summary={`Observed loss against the predicted interval by extrapolation ratio, ${scored} scored predictions, ${marks.filter((mark) => mark.outcome === "covered").length} covered`}
      note="Bars are the predicted intervals. Dots: the run’s loss, covered; crosses: missed; triangles: diverged; rings: open."
    />
  );
}
