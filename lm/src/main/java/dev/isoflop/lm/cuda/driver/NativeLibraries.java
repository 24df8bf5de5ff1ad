package dev.isoflop.lm.cuda.driver;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Finds and opens the native libraries, each once per process; they stay open until it ends. {@link LibrarySearch} has the order of the
 * search.
 *
 * <p>Concurrency: any thread may ask; a library is searched for by one thread at a time. A failed search is repeated when asked again.
 */
public final class NativeLibraries {

    private static final Map<NativeLibrary, Found> OPENED = new ConcurrentHashMap<>();

    private NativeLibraries() {}

    /**
     * An opened library.
     *
     * @param soname the file name it was found by, which tells its major version
     * @param where the file, or {@code the system's loader}
     * @param symbols its functions
     */
    public record Found(NativeLibrary library, String soname, String where, SymbolLookup symbols) {

        /**
         * A function of the library.
         *
         * @param type its signature; pointers as {@code JAVA_LONG}, so that no call allocates
         * @throws IllegalStateException if the library lacks it
         */
        public MethodHandle function(String name, FunctionDescriptor type) {
            return Linker.nativeLinker()
                    .downcallHandle(
                            symbols.find(name)
                                    .orElseThrow(() -> new IllegalStateException(
                                            library.title() + " at " + where + " has no function " + name)),
                            type);
        }

        /** The major version its name carries: 13 for {@code libcublasLt.so.13}. */
        public int major() {
            try {
                return Integer.parseInt(soname.substring(soname.lastIndexOf('.') + 1));
            } catch (NumberFormatException e) {
                return 0;
            }
        }
    }

    /**
     * The library, opened.
     *
     * @throws NativeLibraryException if no place has one that opens
     */
    public static Found require(NativeLibrary library) {
        Found known = OPENED.get(library);
        if (known != null) {
            return known;
        }
        // asked before the map is locked: the driver's version is found by way of this very method
        int cudaMajor = library.isOfDriver() ? 0 : CudaDevices.driverVersion() / 1000;
        return OPENED.computeIfAbsent(
                library, wanted -> open(wanted, LibrarySearch.ofProcess(), wanted.sonamesFor(cudaMajor)));
    }

    /** Whether {@link #require} would succeed. */
    public static boolean has(NativeLibrary library) {
        try {
            require(library);
            return true;
        } catch (NativeLibraryException e) {
            return false;
        }
    }

    static Found open(NativeLibrary library, LibrarySearch search, List<String> sonames) {
        List<String> tried = new ArrayList<>();
        for (LibrarySearch.Candidate candidate : search.candidates(library, sonames)) {
            Path path = candidate.path();
            if (path != null && !Files.exists(path)) {
                tried.add(candidate.describe() + ": no such file");
                continue;
            }
            try {
                SymbolLookup symbols = path == null
                        ? SymbolLookup.libraryLookup(candidate.soname(), Arena.global())
                        : SymbolLookup.libraryLookup(path.toAbsolutePath(), Arena.global());
                if (library == NativeLibrary.NVRTC && path != null) {
                    openBuiltins(path);
                }
                String where = path == null
                        ? candidate.source()
                        : path.toAbsolutePath().toString();
                return new Found(library, candidate.soname(), where, symbols);
            } catch (IllegalArgumentException e) {
                tried.add(candidate.describe() + ": cannot be opened");
            }
        }
        throw new NativeLibraryException(library, tried);
    }

    /**
     * NVRTC opens its table of built-in functions by name when it first compiles, and the wheel's does not look beside itself: once the file
     * is open, the loader knows the name.
     */
    private static void openBuiltins(Path nvrtc) {
        Path directory = nvrtc.toAbsolutePath().getParent();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, "libnvrtc-builtins.so.*")) {
            for (Path file : files) {
                SymbolLookup.libraryLookup(file, Arena.global());
            }
        } catch (IOException | IllegalArgumentException e) {
            return; // then NVRTC's own message says what is missing
        }
    }
}
