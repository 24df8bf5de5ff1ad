import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { fitProfileQuery } from "../../api/queries";
import type { Fit, FitProfile, Sweep } from "../../api/types";
import { PlotFigure } from "../../charts/PlotFigure";
import { percent, quantity } from "../../lib/format";
import { ErrorNotice, Notice } from "../../ui/parts";
import { profileSpec, profileTable, sliceSpec, sliceTable } from "./profile";
import css from "./sweep.module.css";

/** How well the runs determine the exponents of a parametric fit. */
export function ProfileFigures({ sweep, fit }: { sweep: Sweep; fit: Fit }) {
  const wanted = fit.method === "parametric" && fit.status === "converged";
  const answer = useQuery({ ...fitProfileQuery(fit.id), enabled: wanted });
  if (!wanted) return null;
  if (answer.isError) return <ErrorNotice what="The profile of the fit could not be made." error={answer.error} />;
  return answer.data ? <Shown sweep={sweep} profile={answer.data} /> : null;
}

function Shown({ sweep, profile }: { sweep: Sweep; profile: FitProfile }) {
  const both = useMemo(() => profileSpec(profile), [profile]);
  const each = useMemo(() => sliceSpec(profile), [profile]);
  const { certificate } = profile;
  return (
    <>
      {(!certificate.global || certificate.flat) && <Notice kind="warn">{certificate.sentence}</Notice>}
      <div className={css.two}>
        <PlotFigure
          title="What the runs say of both exponents"
          file={`${sweep.name}-profile`}
          spec={both}
          table={() => profileTable(profile)}
          summary={`Objective over alpha and beta, least at ${quantity(profile.bestAlpha, 3)} and ${quantity(profile.bestBeta, 3)}`}
          note={`Inside the thick line pairs are not told from the best (diamond) at ${percent(profile.level)}; all else is minimised. ${certificate.global && !certificate.flat ? certificate.sentence : ""}`}
        />
        <PlotFigure
          title="What they say of each exponent alone"
          file={`${sweep.name}-profile-slices`}
          spec={each}
          table={() => sliceTable(profile)}
          summary={`Objective over alpha alone and over beta alone, with the bound at ${percent(profile.level)}`}
          note={`Where a curve is below the dashed line its exponent is not told from the best at ${percent(profile.level)}, by likelihood ratio.`}
        />
      </div>
    </>
  );
}
