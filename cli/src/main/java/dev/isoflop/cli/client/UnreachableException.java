package dev.isoflop.cli.client;

import java.net.URI;

/** Nothing that speaks HTTP answered. */
public final class UnreachableException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    UnreachableException(URI url, Throwable cause) {
        super("no platform answers at " + url + "; start one with ./isoflop up, or name another with --url", cause);
    }
}
