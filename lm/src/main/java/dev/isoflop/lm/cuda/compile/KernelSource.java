package dev.isoflop.lm.cuda.compile;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A kernel file with its includes in place: one text that needs no header and no directory.
 *
 * <p>{@code #include "name"} takes in a sibling, once however often it is named; {@code #include <name>} is left to the compiler, which has
 * no headers here. {@code #line} directives keep errors at their file and line. Two comments steer the build that compiles ahead of time:
 *
 * <ul>
 *   <li>{@code // @variant HEAD=64 CAUSAL=1} (any number; {@code fast-math} is a word too): macros to compile with; without any, the file is
 *       compiled once with none
 *   <li>{@code // @requires sm_90a}: only for this architecture
 * </ul>
 *
 * @param name the file's, {@code norm.cu}
 * @param text all of it
 * @param variants what to compile it with ahead of time
 * @param requires the one architecture it is for; empty for all
 */
public record KernelSource(String name, String text, List<CompileOptions> variants, Optional<String> requires) {

    private static final Pattern INCLUDE = Pattern.compile("^\\s*#\\s*include\\s+\"([^\"]+)\".*$");
    private static final Pattern VARIANT = Pattern.compile("^\\s*//\\s*@variant\\b(.*)$");
    private static final Pattern REQUIRES = Pattern.compile("^\\s*//\\s*@requires\\s+(\\S+).*$");

    /**
     * Reads a file and what it includes.
     *
     * @param folder answers the text of a file of the folder, or null if there is none
     * @throws IllegalArgumentException naming the file and line of an include that is not there
     */
    public static KernelSource read(String name, Function<String, @Nullable String> folder) {
        StringBuilder text = new StringBuilder();
        List<CompileOptions> variants = new ArrayList<>();
        String[] requires = new String[1];
        String content = folder.apply(name);
        if (content == null) {
            throw new IllegalArgumentException("there is no kernel file " + name);
        }
        Set<String> seen = new LinkedHashSet<>(Set.of(name));
        expand(name, content, folder, seen, text, variants, requires);
        return new KernelSource(
                name,
                text.toString(),
                variants.isEmpty() ? List.of(CompileOptions.none()) : List.copyOf(variants),
                Optional.ofNullable(requires[0]));
    }

    /**
     * Reads a resource and what it includes from the same folder.
     *
     * @param resource {@code dev/isoflop/lm/cuda/norm.cu}
     */
    public static KernelSource ofResource(ClassLoader loader, String resource) {
        int slash = resource.lastIndexOf('/') + 1;
        String folder = resource.substring(0, slash);
        return read(resource.substring(slash), name -> {
            try (InputStream in = loader.getResourceAsStream(folder + name)) {
                return in == null ? null : new String(in.readAllBytes(), StandardCharsets.UTF_8);
            } catch (IOException e) {
                throw new IllegalStateException("cannot read " + folder + name, e);
            }
        });
    }

    private static void expand(
            String name,
            String content,
            Function<String, @Nullable String> folder,
            Set<String> seen,
            StringBuilder text,
            List<CompileOptions> variants,
            @Nullable String[] requires) {
        text.append("#line 1 \"").append(name).append("\"\n");
        List<String> lines = content.lines().toList();
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i);
            Matcher include = INCLUDE.matcher(line);
            if (include.matches()) {
                String other = include.group(1);
                if (seen.add(other)) {
                    String included = folder.apply(other);
                    if (included == null) {
                        throw new IllegalArgumentException(
                                name + ":" + (i + 1) + ": there is no file " + other + " beside it to include");
                    }
                    expand(other, included, folder, seen, text, new ArrayList<>(), new String[1]);
                }
                text.append("#line ").append(i + 2).append(" \"").append(name).append("\"\n");
                continue;
            }
            if (line.strip().equals("#pragma once")) {
                text.append('\n');
                continue;
            }
            Matcher variant = VARIANT.matcher(line);
            if (variant.matches()) {
                variants.add(CompileOptions.parse(variant.group(1)));
            }
            Matcher requirement = REQUIRES.matcher(line);
            if (requirement.matches()) {
                requires[0] = requirement.group(1);
            }
            text.append(line).append('\n');
        }
    }

    /** The file's name without {@code .cu}. */
    public String stem() {
        return name.endsWith(".cu") ? name.substring(0, name.length() - 3) : name;
    }

    /**
     * The name of its machine code: {@code norm.<16 hex digits>.sm_90a.cubin}, or {@code .ptx} for a virtual architecture.
     *
     * @param target {@code sm_90a}, {@code compute_80}
     */
    public String compiledName(CompileOptions options, String target) {
        return stem() + "." + sha256(text + "\0" + options.canonical()).substring(0, 16) + "." + target
                + (target.startsWith("compute_") ? ".ptx" : ".cubin");
    }

    /** Lower-case hexadecimal digits. */
    static String sha256(String text) {
        try {
            return HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // every Java has it
        }
    }
}
