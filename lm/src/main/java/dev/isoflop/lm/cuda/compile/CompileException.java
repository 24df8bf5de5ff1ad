package dev.isoflop.lm.cuda.compile;

/** A kernel file that does not compile, with the compiler's log: file, line and what is wrong there. */
public final class CompileException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final String log;

    CompileException(String what, String log) {
        super(what + "\n" + log.strip());
        this.log = log;
    }

    /** What the compiler printed. */
    public String log() {
        return log;
    }
}
