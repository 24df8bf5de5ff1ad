package dev.isoflop.scaling.curve;

import java.util.Locale;

/** What to do about a run. */
public enum Verdict {
    /** Nothing says that it will miss its aim. */
    GO_ON,
    /** It will miss its aim, whatever the intervals allow. */
    STOP,
    /** Too little is known, or there is no aim to hold it against. */
    UNKNOWN;

    /** The name used in REST, the dashboard and on the command line. */
    public String wireName() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
