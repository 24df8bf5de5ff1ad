package dev.isoflop.platform.access;

import dev.isoflop.db.access.AccessStore;
import dev.isoflop.platform.shared.problem.Names;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.protocol.api.AccessViews;
import dev.isoflop.protocol.error.ErrorCode;
import dev.isoflop.protocol.error.Problem;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What may be asked for as roles of an experiment. */
final class AccessChecks {

    private static final int MOST = 200;
    private static final String TOKEN = "token:";
    private static final Pattern PRINCIPAL = Pattern.compile("token:[1-9]\\d{0,17}|(user|group):\\P{Cntrl}{1,255}");
    private static final List<String> VISIBILITIES = List.of("open", "private");

    private AccessChecks() {}

    record Wanted(String visibility, List<AccessStore.Role> roles) {}

    /** @throws ProblemException invalid-request, field by field */
    static Wanted check(AccessViews.SetAccess wanted, AccessStore store) {
        List<Problem.FieldError> errors = new ArrayList<>();
        String visibility = wanted.visibility();
        if (visibility == null || !VISIBILITIES.contains(visibility)) {
            errors.add(error("/visibility", "Not a visibility.", "open or private", visibility, VISIBILITIES));
        }
        List<AccessViews.SetGrant> grants = wanted.roles();
        if (grants == null || grants.size() > MOST) {
            errors.add(error("/roles", "All roles are needed here.", "at most " + MOST, null, List.of()));
        }
        List<AccessStore.Role> roles = new ArrayList<>();
        Set<String> seen = new HashSet<>();
        for (int i = 0; grants != null && i < Math.min(grants.size(), MOST); i++) {
            AccessViews.@Nullable SetGrant grant = grants.get(i);
            String at = "/roles/" + i;
            String principal = grant == null ? null : grant.principal();
            String role = grant == null ? null : grant.role();
            if (principal == null || !PRINCIPAL.matcher(principal).matches()) {
                errors.add(error(
                        at + "/principal", "Names nobody.", "token:ID, user:SUBJECT or group:NAME", null, List.of()));
            } else if (!seen.add(principal)) {
                errors.add(error(at + "/principal", "Has a role in this list already.", null, null, List.of()));
            } else if (principal.startsWith(TOKEN) && !exists(principal, store)) {
                errors.add(error(at + "/principal", "There is no such token.", null, null, List.of()));
            }
            if (role == null || Level.of(role).isEmpty()) {
                errors.add(error(
                        at + "/role", "Not a role.", String.join(", ", Level.wireNames()), role, Level.wireNames()));
            }
            roles.add(new AccessStore.Role(String.valueOf(principal), String.valueOf(role), "", Instant.EPOCH));
        }
        if (errors.isEmpty()
                && "private".equals(visibility)
                && roles.stream().noneMatch(role -> role.role().equals(Level.OWNER.wireName()))) {
            errors.add(error("/roles", "A private experiment needs an owner.", "a role owner", null, List.of()));
        }
        if (!errors.isEmpty()) {
            throw new ProblemException(ErrorCode.INVALID_REQUEST, "The roles are wrong.", errors);
        }
        return new Wanted(String.valueOf(visibility), roles);
    }

    private static boolean exists(String principal, AccessStore store) {
        long id = Long.parseLong(principal.substring(TOKEN.length()));
        return store.tokens(List.of(id)).contains(id);
    }

    private static Problem.FieldError error(
            String pointer, String message, @Nullable String expected, @Nullable String was, List<String> known) {
        return new Problem.FieldError(
                pointer,
                message,
                expected,
                was == null ? null : Names.nearest(was, known).orElse(null));
    }
}
