package dev.isoflop.platform.tokens;

import dev.isoflop.db.audit.AuditStore;
import dev.isoflop.platform.shared.web.Cursor;
import dev.isoflop.protocol.api.Page;
import dev.isoflop.protocol.api.Views;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

@RestController
@RequestMapping("/api/v1/audit")
class AuditController {

    private final AuditStore store;

    AuditController(AuditStore store) {
        this.store = store;
    }

    /** Who asked for which change and who was turned away, newest first; with {@code refused} the latter alone. */
    @GetMapping
    Page<Views.AuditEntry> list(
            @RequestParam(name = "limit", required = false) @Nullable Integer limit,
            @RequestParam(name = "after", required = false) @Nullable String after,
            @RequestParam(name = "refused", defaultValue = "false") boolean refused) {
        int size = Cursor.limit(limit, 50);
        List<Views.AuditEntry> found = store.list(Cursor.id(after, Long.MAX_VALUE), size + 1, refused).stream()
                .map(e -> new Views.AuditEntry(
                        e.id(),
                        e.at(),
                        e.who().tokenId(),
                        e.who().name(),
                        e.who().principal(),
                        e.who().address(),
                        e.method(),
                        e.path(),
                        e.status(),
                        e.location(),
                        e.detail()))
                .toList();
        return Cursor.page(found, size, entry -> Long.toString(entry.id()));
    }
}
