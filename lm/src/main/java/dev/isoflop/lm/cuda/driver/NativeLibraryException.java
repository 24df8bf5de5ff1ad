package dev.isoflop.lm.cuda.driver;

import java.util.List;

/** A native library that none of the searched places has. Its message lists every place that was tried, and what to install. */
public final class NativeLibraryException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final transient NativeLibrary library;
    private final transient List<String> tried;

    NativeLibraryException(NativeLibrary library, List<String> tried) {
        super(message(library, tried));
        this.library = library;
        this.tried = List.copyOf(tried);
    }

    public NativeLibrary library() {
        return library;
    }

    /** Every place that was tried with what was wrong there, in the order of the search. */
    public List<String> tried() {
        return tried;
    }

    private static String message(NativeLibrary library, List<String> tried) {
        StringBuilder text = new StringBuilder(library.title())
                .append(" (")
                .append(String.join(" or ", library.sonames()))
                .append(") was not found. Tried:");
        for (String place : tried) {
            text.append("\n  - ").append(place);
        }
        return text.append("\nTo fix it: ")
                .append(library.advice())
                .append(", or name the file or its directory with -D")
                .append(library.property())
                .append("=PATH.")
                .toString();
    }
}
