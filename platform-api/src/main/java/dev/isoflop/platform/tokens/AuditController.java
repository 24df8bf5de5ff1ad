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

    /** Who asked for which change, newest first. */
    @GetMapping
    Page<Views.AuditEntry> list(
            @RequestParam(name = "limit", required = false) @Nullable Integer limit,
            @RequestParam(name = "after", required = false) @Nullable String after) {
        int size = Cursor.limit(limit, 50);
        List<Views.AuditEntry> found = store.list(Cursor.id(after, Long.MAX_VALUE), size + 1).stream()
                .map(e -> new Views.AuditEntry(
                        e.id(), e.at(), e.tokenId(), e.tokenName(), e.method(), e.path(), e.status(), e.location()))
                .toList();
        return Cursor.page(found, size, entry -> Long.toString(entry.id()));
    }
}
