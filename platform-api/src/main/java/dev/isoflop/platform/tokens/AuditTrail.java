package dev.isoflop.platform.tokens;

import dev.isoflop.db.audit.AuditStore;
import jakarta.servlet.http.HttpServletRequest;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.stereotype.Component;

/** What is written into the audit trail of a request. Bodies and query strings are not: they may hold secrets. */
@Component
public class AuditTrail {

    private static final String DETAIL = AuditTrail.class.getName() + ".detail";
    private static final String CALLER = AuditTrail.class.getName() + ".caller";
    private static final int LONGEST_PATH = 500;
    private static final int LONGEST_DETAIL = 300;

    /** So that a flood of them does not become a flood of entries; what is left out is counted in the next. */
    private static final double REFUSALS_PER_SECOND = 0.2;

    private static final int REFUSALS_AT_ONCE = 20;
    private static final Logger LOG = LoggerFactory.getLogger(AuditTrail.class);

    private final AuditStore store;
    private final Buckets refusals = new Buckets(REFUSALS_PER_SECOND, REFUSALS_AT_ONCE, System::nanoTime);
    private final AtomicLong leftOut = new AtomicLong();

    AuditTrail(AuditStore store) {
        this.store = store;
    }

    /** Says in a few words what the request was about; no secret may be in it. */
    public static void detail(HttpServletRequest request, String detail) {
        String clean = detail.replaceAll("\\p{Cntrl}", " ");
        request.setAttribute(DETAIL, clean.length() > LONGEST_DETAIL ? clean.substring(0, LONGEST_DETAIL) : clean);
    }

    /** Says who it was that signed in. */
    static void caller(HttpServletRequest request, Caller caller) {
        request.setAttribute(CALLER, caller);
    }

    /** @return the entry's id */
    long begin(HttpServletRequest request, @Nullable Caller caller) {
        String path = request.getRequestURI();
        return store.begin(
                who(request, caller),
                request.getMethod(),
                path.length() > LONGEST_PATH ? path.substring(0, LONGEST_PATH) : path);
    }

    void end(long entry, HttpServletRequest request, int status, @Nullable String location) {
        store.end(
                entry,
                status,
                location,
                request.getAttribute(DETAIL) instanceof String text ? text : null,
                request.getAttribute(CALLER) instanceof Caller caller ? who(request, caller) : null);
    }

    /** Notes a request that was turned away before anybody was recognised, a few of each address. */
    void refused(HttpServletRequest request, int status, String why) {
        if (!refusals.take(Limits.address(request)).isZero()) {
            leftOut.incrementAndGet();
            return;
        }
        long others = leftOut.getAndSet(0);
        String detail = others == 0 ? why : why + " (" + others + " more were not written down)";
        try {
            store.end(begin(request, null), status, null, detail, null);
        } catch (DataAccessException e) {
            LOG.warn("A request that was refused is not in the audit trail", e);
        }
    }

    private static AuditStore.Who who(HttpServletRequest request, @Nullable Caller caller) {
        return caller == null
                ? new AuditStore.Who(null, "", null, request.getRemoteAddr())
                : new AuditStore.Who(caller.principal(), caller.shownName(), caller.tokenId(), request.getRemoteAddr());
    }
}
