package dev.isoflop.scaling.curve;

/** What to do about a run. */
public enum Verdict {
    /** Nothing says that it will miss its aim. */
    GO_ON,
    /** It will miss its aim, whatever the intervals allow. */
    STOP,
    /** Too little is known, or there is no aim to hold it against. */
    UNKNOWN
}
