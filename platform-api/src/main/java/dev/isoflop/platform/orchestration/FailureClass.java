package dev.isoflop.platform.orchestration;

import java.util.Locale;

/** What kind of failure an attempt's was judged to be: decides whether there is another attempt, and where. */
public enum FailureClass {
    /** A bug in the work, or a source that did not answer: tried again, charged to the failures. */
    USER("the work itself failed; it is tried again as long as its retries for failures last"),
    /** The data or the configuration: fails the same way every time. */
    DATA("what was asked for cannot be done, and would fail the same way again: it is not tried again"),
    OUT_OF_MEMORY("it does not fit into memory: it is not tried again in this shape"),
    /** A device or what connects devices: another place may do. */
    DEVICE("a device failed: the next attempt goes to another one"),
    /** The machine, the disk, the network. */
    INFRASTRUCTURE("the machine, its disk or the network failed; it is tried again after a pause"),
    /** The loss is no number any more: that is what the settings lead to. */
    DIVERGED("the loss diverged, which is a result: it is not tried again");

    private final String meaning;

    FailureClass(String meaning) {
        this.meaning = meaning;
    }

    /** A clause for people. */
    public String meaning() {
        return meaning;
    }

    public String wireName() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The class of that wire name. */
    public static FailureClass of(String wireName) {
        return valueOf(wireName.toUpperCase(Locale.ROOT));
    }
}
