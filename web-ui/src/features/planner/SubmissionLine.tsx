import { Link } from "@tanstack/react-router";
import { Button, ErrorNotice, Notice } from "../../ui/parts";
import css from "./planner.module.css";
import type { Step } from "./submission";

/** What a submission waits for, or why it came to nothing. */
export function SubmissionLine({ step, onStop }: { step: Step; onStop: () => void }) {
  return (
    <>
      {/* it is there before it says anything, so that it is read out when it does */}
      <div role="status">
        {step.at === "preparing" && (
          <div className={css.waiting}>
            <span>
              Preparing the data… (<RunLink id={step.runId} />) The sweep is submitted as it is now when the data is
              there.
            </span>
            <Button small onClick={onStop} title="Stops waiting; the data is prepared all the same">
              Cancel
            </Button>
          </div>
        )}
      </div>
      {step.at === "rest" && step.unprepared && (
        <div className={css.failed}>
          <Notice kind="bad">
            <strong>The data could not be prepared.</strong> {step.unprepared.message ?? "Its log says why:"} (
            <RunLink id={step.unprepared.runId} />) Submitting again tries again.
          </Notice>
        </div>
      )}
      {step.at === "rest" && step.error !== undefined && (
        <div className={css.failed}>
          <ErrorNotice what="The sweep was not submitted." error={step.error} />
        </div>
      )}
    </>
  );
}

function RunLink({ id }: { id: number }) {
  return (
    <Link to="/runs/$id" params={{ id }}>
      run {id}
    </Link>
  );
}
