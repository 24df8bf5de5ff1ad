package dev.isoflop.lm.tokens;

import java.io.IOException;

/** A token bin that is not whole or not right; the message names the file and what is wrong with it. */
public final class TokenBinException extends IOException {

    TokenBinException(String message) {
        super(message);
    }
}
