package dev.isoflop.cli;

/** What the process ends with; listed in the help. */
public enum ExitCode {
    OK(0, "Done"),
    FAILED(1, "It failed: a run did, a fit was refused, or the platform said no"),
    USAGE(2, "Wrong options, or a sweep file that is not valid"),
    UNREACHABLE(3, "No platform answers at the address, or none is known"),
    INTERRUPTED(130, "Interrupted with Ctrl-C");

    private final int code;
    private final String meaning;

    ExitCode(int code, String meaning) {
        this.code = code;
        this.meaning = meaning;
    }

    public int code() {
        return code;
    }

    public String meaning() {
        return meaning;
    }
}
