import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { aSecond, create, prepare, type ReadySweep, type Step, SweepKeys } from "./submission";

/**
 * Submits a sweep once its data is there, and leads to it. Who stops waiting, or leaves the page, submits nothing; the data is prepared
 * all the same.
 */
export function useSubmission(pause = aSecond) {
  const navigate = useNavigate();
  const cache = useQueryClient();
  const [step, setStep] = useState<Step>({ at: "rest" });
  const waiting = useRef<AbortController>(undefined);
  const [keys] = useState(() => new SweepKeys());
  useEffect(() => () => waiting.current?.abort(), []);

  const submit = async (sweep: ReadySweep) => {
    waiting.current?.abort();
    const controller = new AbortController();
    const { signal } = controller;
    waiting.current = controller;
    setStep({ at: "sending" });
    try {
      const onPreparing = ({ runId }: { runId: number }) => setStep({ at: "preparing", runId });
      const unprepared = await prepare(sweep.dataset, { signal, pause, onPreparing });
      if (signal.aborted) return;
      if (unprepared) return setStep({ at: "rest", unprepared });
      setStep({ at: "sending" });
      const made = await create(sweep, keys.of(sweep));
      cache.invalidateQueries({ queryKey: ["sweeps"] });
      if (!signal.aborted) await navigate({ to: "/sweeps/$id", params: { id: made.id } });
    } catch (error) {
      if (!signal.aborted) setStep({ at: "rest", error });
    }
  };
  const stop = () => {
    waiting.current?.abort();
    setStep({ at: "rest" });
  };
  return { step, submit, stop };
}
