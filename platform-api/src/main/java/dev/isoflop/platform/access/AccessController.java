package dev.isoflop.platform.access;

import dev.isoflop.db.access.AccessStore;
import dev.isoflop.platform.shared.problem.ProblemException;
import dev.isoflop.platform.shared.web.IfMatch;
import dev.isoflop.platform.tokens.AuditTrail;
import dev.isoflop.platform.tokens.Caller;
import dev.isoflop.protocol.api.AccessViews;
import dev.isoflop.protocol.error.ErrorCode;
import io.swagger.v3.oas.annotations.Parameter;
import jakarta.servlet.http.HttpServletRequest;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.http.ResponseEntity;
import org.springframework.transaction.annotation.Transactional;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

/** Visibility and roles of an experiment; {@link AccessGuard} has asked who may. */
@RestController
@RequestMapping("/api/v1/experiments/{id}/access")
class AccessController {

    private final AccessStore store;
    private final ExperimentAccess access;

    AccessController(AccessStore store, ExperimentAccess access) {
        this.store = store;
        this.access = access;
    }

    /** Who may do what with the experiment, and what you may. */
    @GetMapping
    @Transactional(readOnly = true)
    ResponseEntity<AccessViews.Access> get(@PathVariable("id") long id) {
        return tagged(id, store.find(id).orElseThrow(() -> notFound(id)));
    }

    /** Sets visibility and all roles; for its owners. */
    @PutMapping
    @Transactional
    ResponseEntity<AccessViews.Access> set(
            @PathVariable("id") long id,
            @Parameter(required = true) @RequestHeader(name = "If-Match", required = false) @Nullable String ifMatch,
            @RequestBody AccessViews.SetAccess wanted,
            HttpServletRequest http) {
        Long seen = IfMatch.version(ifMatch);
        AccessStore.Access before = store.lock(id).orElseThrow(() -> notFound(id));
        if (seen != null && seen != before.version()) {
            throw new ProblemException(
                    ErrorCode.ETAG_MISMATCH,
                    "The roles have changed since (version " + before.version() + "). Look at them again.");
        }
        AccessChecks.Wanted checked = AccessChecks.check(wanted, store);
        store.replace(
                id, checked.visibility(), checked.roles(), Caller.current().principal());
        AuditTrail.detail(
                http,
                checked.visibility() + ": "
                        + checked.roles().stream()
                                .map(role -> role.role() + " " + role.principal())
                                .collect(Collectors.joining(", ")));
        return tagged(id, store.find(id).orElseThrow(() -> notFound(id)));
    }

    private ResponseEntity<AccessViews.Access> tagged(long id, AccessStore.Access found) {
        Level yours = access.ofCaller(id);
        return ResponseEntity.ok()
                .eTag(Long.toString(found.version()))
                .body(new AccessViews.Access(
                        found.visibility(),
                        found.roles().stream()
                                .map(role -> new AccessViews.Grant(
                                        role.principal(), role.role(), role.grantedBy(), role.grantedAt()))
                                .toList(),
                        yours == null ? "none" : yours.wireName(),
                        found.version()));
    }

    private static ProblemException notFound(long id) {
        return new ProblemException(ErrorCode.NOT_FOUND, "There is no experiment " + id + ".");
    }
}
