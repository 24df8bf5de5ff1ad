package dev.isoflop.platform.tokens;

import jakarta.servlet.http.HttpServletRequest;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import org.springframework.stereotype.Component;

/** Who has asked too much; see {@link LimitSettings}. Each platform process counts for itself. */
@Component
public class Limits {

    private static final Pattern RUNNERS =
            Pattern.compile("/api/v1/(runners(/[^/]+/(claims|heartbeats))?|runs/[^/]+/attempts/.*|artifacts/.*)");
    private static final int NETWORK_BYTES = 8;

    private final LimitSettings settings;
    private final Buckets people;
    private final Buckets runners;
    private final Buckets anonymous;
    private final Buckets failures;
    private final ConcurrentHashMap<String, Integer> streams = new ConcurrentHashMap<>();

    Limits(LimitSettings settings) {
        this.settings = settings;
        this.people =
                new Buckets(settings.people().perSecond(), settings.people().burst(), System::nanoTime);
        this.runners =
                new Buckets(settings.runners().perSecond(), settings.runners().burst(), System::nanoTime);
        this.anonymous = new Buckets(
                settings.anonymous().perSecond(), settings.anonymous().burst(), System::nanoTime);
        this.failures =
                new Buckets(settings.failures().perSecond(), settings.failures().burst(), System::nanoTime);
    }

    /** Counts a request of somebody who is known. Zero, or how long to wait. */
    Duration request(Caller caller, HttpServletRequest request) {
        if (!settings.enabled()) {
            return Duration.ZERO;
        }
        boolean runner = isRunners(request) && (caller.isRunner() || caller.isAdmin());
        return (runner ? runners : people).take(caller.principal());
    }

    private static boolean isRunners(HttpServletRequest request) {
        return RUNNERS.matcher(request.getRequestURI()).matches();
    }

    /** Counts a request of nobody in particular. Zero, or how long to wait. */
    Duration anonymous(HttpServletRequest request) {
        return settings.enabled() ? anonymous.take(address(request)) : Duration.ZERO;
    }

    /** Counts a credential that was not good. Zero, or how long to wait. */
    Duration failure(HttpServletRequest request) {
        return settings.enabled() ? failures.take(address(request)) : Duration.ZERO;
    }

    /** Whether so many credentials from this address were not good that others are not looked at for now. */
    boolean isGuessing(HttpServletRequest request) {
        return settings.enabled() && failures.isEmpty(address(request));
    }

    /** @return whether one more stream may be opened; it must be {@link #closed} again */
    public boolean open(String principal) {
        boolean[] opened = new boolean[1];
        streams.compute(principal, (_, count) -> {
            int now = count == null ? 0 : count;
            opened[0] = !settings.enabled() || now < settings.streams();
            return opened[0] ? Integer.valueOf(now + 1) : count;
        });
        return opened[0];
    }

    public void closed(String principal) {
        streams.computeIfPresent(principal, (_, count) -> count <= 1 ? null : count - 1);
    }

    /** Of an IPv6 address its network, since a host has all addresses of one. */
    static String address(HttpServletRequest request) {
        return network(request.getRemoteAddr());
    }

    static String network(String address) {
        if (!address.contains(":")) {
            return address;
        }
        try {
            // a literal is not looked up
            return InetAddress.getByName(address) instanceof Inet6Address v6
                    ? HexFormat.of().formatHex(v6.getAddress(), 0, NETWORK_BYTES)
                    : address;
        } catch (UnknownHostException e) {
            return address;
        }
    }
}
